"""Image data: options, files of a user's own, and pixels scaled for a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import Field as Bounds
from torch import Tensor

from dltk.config.errors import MAX_PROBLEMS, DataError, MissingInput, OutOfResources, UsageError, listed, shown
from dltk.config.settings import Settings
from dltk.data.batches import Finish, InMemory, Loading, as_they_are
from dltk.data.disk.rows import DiskRows, in_chunks
from dltk.data.fields import Field
from dltk.data.files import links_note, refuse_absent
from dltk.data.images.decoding import ImageDecoder
from dltk.data.images.files import (
    IMAGE_EXTENSIONS,
    Resize,
    Unreadable,
    decode_all,
    files_below,
    is_image_name,
    printable,
)
from dltk.data.images.scanning import OnBadSample, scanned, unreadable_images
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Image, Spec

INPUT, TARGET = "image", "label"
Normalize = Literal["unit", "standardize"]
_CHUNK = 256
Side = Annotated[int, Bounds(ge=1, le=4096)]


class ImageOptions(Settings):
    """How image files of any size become inputs of one size."""

    size: Side | tuple[Side, Side] = 64
    """Side of the square that every image becomes, in pixels, or [height, width]."""
    channels: Literal[1, 3] = 3
    """3 for colour, 1 for grey."""
    resize: Resize = "crop"
    """How: crop what stands over, pad with black, or stretch."""
    normalize: Normalize = "unit"
    """unit: pixels from 0 to 1; standardize: mean 0 and deviation 1 per channel, fitted on the training images."""
    on_bad_sample: OnBadSample = "error"
    """What becomes of image files that cannot be read: an error that lists them all, or skip them, up to 1 % of all."""


def image_of(options: ImageOptions) -> Image:
    """Return the modality that the options ask for."""
    height, width = (options.size, options.size) if isinstance(options.size, int) else options.size
    return Image(options.channels, height, width)


def source_of(parts: Mapping[str, Columns], notes: Sequence[str], options: ImageOptions) -> Source:
    """Return the official parts of image files by path, with what is to be said of them; raise as `scanned` does."""
    kept, more_notes = scanned(parts, INPUT, image_of(options), options.on_bad_sample)
    return Source(kept, [*notes, *more_notes], {INPUT: ImageDecoder(image_of(options), options.resize)})


def labelled(images: Any, labels: Any, names: Sequence[str] = ()) -> Columns:
    """Return raw samples.

    Args:
        images: uint8 (N, C, H, W), or paths of files.
        labels: int64 (N,) positions among the class names, or class names.
        names: What the user calls each image.
    """
    return Columns({INPUT: images}, {TARGET: labels}, names, stratify=TARGET)


def classes_spec(image: Image, class_names: Sequence[str]) -> Spec:
    """Return the spec of images that show one of some classes each."""
    return Spec({INPUT: image}, {TARGET: Classes(tuple(class_names))})


class ImagePreparation:
    """Pixels scaled to 0..1, or standardised by what was fitted; knows the size and the class names.

    Args:
        spec: One image, and classes.
        resize: How files of another size are brought to the spec's.
        statistics: Per-channel means and deviations of pixels in 0..1, each (C,); None: pixels stay in 0..1.
    """

    def __init__(self, spec: Spec, resize: Resize, statistics: tuple[Tensor, Tensor] | None = None) -> None:
        self._spec, self._resize, self._statistics = spec, resize, statistics
        # What `fit` and `statuses` had to decode waits here for `parse`, which takes it away.
        self._decoded: dict[str, Tensor | Unreadable] = {}

    @classmethod
    def fit(cls, spec: Spec, train: Columns, resize: Resize = "crop", normalize: Normalize = "unit") -> Self:
        """Return the preparation; "standardize" looks at every training image.

        Raises:
            DataError: Image files cannot be read.
        """
        preparation = cls(spec, resize)
        if normalize == "standardize":
            raw = train.inputs[INPUT]
            if not isinstance(raw, (Tensor, DiskRows)):
                raw = preparation._stacked(raw, keep=True)
            preparation._statistics = channel_statistics(raw)
        return preparation

    @classmethod
    def restore(cls, state: State) -> Self:
        """Return the preparation that `state` describes."""
        image = Image(int(state["channels"]), int(state["height"]), int(state["width"]))
        statistics = (state["means"], state["deviations"]) if "means" in state else None
        return cls(classes_spec(image, state["class_names"]), state["resize"], statistics)

    @property
    def spec(self) -> Spec:
        """One image and its class."""
        return self._spec

    @property
    def standardizes(self) -> bool:
        """Whether pixels are brought to mean 0 and deviation 1 here, so that a model must not do it again."""
        return self._statistics is not None

    def state(self) -> State:
        """Return sizes, class names, and what was fitted."""
        image = self._image
        state = {
            "channels": image.channels,
            "height": image.height,
            "width": image.width,
            "class_names": list(self._class_names),
            "resize": self._resize,
        }
        if self._statistics is None:
            return state
        return {**state, "means": self._statistics[0], "deviations": self._statistics[1]}

    def open(self, inputs: Sequence[str]) -> Columns:
        """Return the paths of image files; a folder stands for all images below it, sorted.

        Raises:
            UsageError: Standard input is asked for.
            MissingInput: A path leads nowhere, or a folder holds no image.
        """
        if "-" in inputs:
            raise UsageError("images cannot be read from standard input", do="name image files or folders")
        refuse_absent(inputs)
        found = [(Path(text), _images_at(Path(text))) for text in inputs]
        paths = [str(path) for _, images in found for path in images]
        notes = [note for place, images in found if place.is_dir() for note in links_note(images, place)]
        return Columns({INPUT: paths}, {}, [printable(Path(path)) for path in paths], notes=notes)

    def statuses(self, samples: Any) -> Sequence[str]:
        """Return "ok" or "invalid" per sample; files are decoded here, once."""
        raw = samples.inputs[INPUT]
        if isinstance(raw, (Tensor, DiskRows)):
            return ["ok"] * len(raw)
        self._decode(raw)
        return ["invalid" if isinstance(self._decoded[path], Unreadable) else "ok" for path in raw]

    def reasons(self, samples: Any) -> Sequence[str]:
        """Return why each of some files is no image that can be read."""
        paths = samples.inputs[INPUT]
        self._decode(paths)
        return [str(self._decoded[path]) for path in paths]

    def parse(self, samples: Any, loading: Loading) -> InMemory:
        """Turn pixels or paths, with or without labels, into batches.

        Raises:
            DataError: Image files cannot be read (all are listed), or a label is none of the classes.
        """
        raw = samples.inputs[INPUT]
        targets = {TARGET: self._codes(samples)} if TARGET in samples.targets else {}
        if not isinstance(raw, (Tensor, DiskRows)):
            raw = self._stacked(raw, keep=False)
        return InMemory({INPUT: raw}, targets, loading, self._finish_on(loading.device), unpack=_to_unit)

    @property
    def _image(self) -> Image:
        modality = self._spec.input
        if not isinstance(modality, Image):
            raise TypeError(f"an image preparation needs an Image; received {modality}")
        return modality

    @property
    def _class_names(self) -> tuple[str, ...]:
        target = self._spec.target
        return target.names if isinstance(target, Classes) else ()

    def _decode(self, paths: Sequence[str]) -> None:
        new = [path for path in dict.fromkeys(paths) if path not in self._decoded]
        self._decoded.update(zip(new, decode_all(new, self._image, self._resize), strict=True))

    def _stacked(self, paths: Sequence[str], *, keep: bool) -> Tensor:
        """Return the pixels of all files; with `keep`, they stay decoded for a later call."""
        images, broken = _room_for(len(paths), self._image), dict[str, str]()
        for start in range(0, len(paths), _CHUNK):
            chunk = paths[start : start + _CHUNK]
            self._decode(chunk)
            for i, path in enumerate(chunk, start):
                decoded = self._decoded[path]
                if isinstance(decoded, Tensor):
                    images[i] = decoded
                else:
                    broken[path] = str(decoded)
            for path in () if keep else chunk:
                self._decoded.pop(path, None)
        if broken:
            raise unreadable_images(broken, len(paths))
        return images

    def _codes(self, samples: Columns) -> Tensor:
        labels = samples.targets[TARGET]
        if isinstance(labels, Tensor):
            return labels.long()
        positions = {name: i for i, name in enumerate(self._class_names)}
        unknown = sorted({str(label) for label in labels if label not in positions})
        if unknown:
            first = next(i for i, label in enumerate(labels) if label not in positions)
            raise DataError(
                "there are classes that the model does not know",
                where=samples.names[first],
                found=", ".join(shown(label) for label in unknown[:MAX_PROBLEMS]),
                expected=listed(self._class_names),
            )
        return torch.tensor([positions[label] for label in labels], dtype=torch.int64)

    def _finish_on(self, device: torch.device) -> Finish:
        if self._statistics is None:
            return as_they_are
        means, deviations = (values.view(-1, 1, 1).to(device) for values in self._statistics)

        def standardize(fields: Mapping[str, Field]) -> Mapping[str, Field]:
            return {n: field.sub_(means).div_(deviations) for n, field in fields.items() if isinstance(field, Tensor)}

        return standardize


def channel_statistics(images: Tensor | DiskRows) -> tuple[Tensor, Tensor]:
    """Return per-channel means and deviations of uint8 (N, C, H, W) as parts of 255, each float32 (C,).

    A channel that never changes gets deviation 1. Counting the 256 values keeps the sums exact.
    """
    values = torch.arange(256, dtype=torch.float64) / 255
    counts = torch.stack([_counts(some) for some in in_chunks(images)]).sum(0)
    parts = counts.double() / counts.sum(1, keepdim=True)
    means = parts @ values
    deviations = (parts * (values - means[:, None]) ** 2).sum(1).sqrt()
    return means.float(), torch.where(deviations > 0, deviations, 1.0).float()


def _counts(images: Tensor) -> Tensor:
    """Return how often each of the 256 values occurs in each channel, int64 (C, 256)."""
    return torch.stack([torch.bincount(images[:, c].flatten(), minlength=256) for c in range(images.shape[1])])


def ignored_note(paths: Sequence[Path], folder: Path) -> list[str]:
    """Return a note on files that are not read, or nothing where there are none."""
    if not paths:
        return []
    examples = ", ".join(shown(printable(path.relative_to(folder))) for path in paths[:3])
    files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    return [f"{files} ignored, no image by name or in no class folder: {examples}{', ...' if len(paths) > 3 else ''}"]


def _room_for(num_images: int, image: Image) -> Tensor:
    try:
        return torch.empty((num_images, *image.shape), dtype=torch.uint8)
    except RuntimeError:
        gigabytes = num_images * image.channels * image.height * image.width / 1e9
        raise OutOfResources(
            f"{num_images} images of {image.height} x {image.width} pixels need {gigabytes:.0f} GB of memory",
            do="choose a smaller data.size",
        ) from None


def _to_unit(fields: Mapping[str, Field]) -> dict[str, Tensor]:
    return {name: field.float().div_(255) for name, field in fields.items() if isinstance(field, Tensor)}


def _images_at(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    images = [file for file in files_below(path) if is_image_name(file)]
    if not images:
        raise MissingInput(
            f"there is no image in {shown(path.name)}",
            where=str(path.absolute()),
            expected=f"files that end in {', '.join(IMAGE_EXTENSIONS)}",
        )
    return images
