"""Colour images of 32 x 32 pixels in the records of CIFAR's binary version: label bytes, then the pixels by plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dltk.config.errors import MissingInput, listed
from dltk.data import files
from dltk.data.download import Remote
from dltk.data.file_places import file_place, unfit_file
from dltk.data.images.preparation import classes_spec, labelled
from dltk.data.samples import Columns, Source
from dltk.data.specs import Image, Spec

IMAGE = Image(3, 32, 32)
_NUM_PIXELS = 3 * 32 * 32
_OFFICIAL_SIZES = {"train": 50_000, "test": 10_000}


@dataclass(frozen=True)
class CifarImages:
    """Files of records, in a training and a test part.

    Args:
        title: What the user calls the data set.
        remotes: The archive.
        parts: File names of each part.
        names_file: Has one class name per line, where it is there.
        class_names: What the labels stand for where `names_file` is not there.
        num_label_bytes: In front of each image.
        label: Which of them is the class.
    """

    title: str
    remotes: tuple[Remote]
    parts: Mapping[str, Sequence[str]]
    names_file: str
    class_names: Sequence[str]
    num_label_bytes: int = 1
    label: int = 0

    def spec(self, root: str | None) -> Spec:
        """Return one colour image, and the classes; raise as `source` does."""
        folder = self._folder(root)
        for names in self.parts.values():
            for name in names:
                self._num_records(folder / name)
        return classes_spec(IMAGE, self._class_names(folder))

    def sizes(self, root: str | None) -> Mapping[str, int]:
        """Return how many images each part has, by the lengths of its files; raise as `source` does."""
        folder = self._folder(root)
        return {part: sum(self._num_records(folder / name) for name in names) for part, names in self.parts.items()}

    def source(self, root: str | None) -> Source:
        """Return the training and test parts.

        Raises:
            MissingInput: A file is not there.
            DataError: A file has another length than whole records, or a label without a class.
        """
        folder = self._folder(root)
        num_classes = len(self._class_names(folder))
        parts = {part: self._part([folder / name for name in names], num_classes) for part, names in self.parts.items()}
        sizes = {part: len(samples) for part, samples in parts.items()}
        if sizes == _OFFICIAL_SIZES:
            return Source(parts)
        return Source(parts, (f"not the official 50,000 and 10,000 images: {sizes['train']:,} and {sizes['test']:,}",))

    def _folder(self, root: str | None) -> Path:
        """Return the folder with the files, which may be `root` itself."""
        if root is not None and (Path(root) / self.parts["test"][0]).is_file():
            return Path(root)
        (path,) = files.obtain(self.title, self.remotes, root)
        return files.as_directory(path)

    def _class_names(self, folder: Path) -> Sequence[str]:
        path = folder / self.names_file
        if not path.is_file():
            return self.class_names
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.strip() for line in lines if line.strip()]
        if len(names) != len(self.class_names) or len(set(names)) != len(names):
            expected = f"{len(self.class_names)} different ones"
            raise unfit_file(file_place(path), "the class names are wrong", found=listed(names), allowed=expected)
        return names

    def _part(self, paths: Sequence[Path], num_classes: int) -> Columns:
        counts = [self._num_records(path) for path in paths]
        pixels = torch.empty((sum(counts), _NUM_PIXELS), dtype=torch.uint8)
        codes = torch.empty(sum(counts), dtype=torch.int64)
        for path, images, labels in zip(paths, torch.split(pixels, counts), torch.split(codes, counts), strict=True):
            records = torch.from_numpy(np.fromfile(path, dtype=np.uint8)).view(len(images), -1)
            images.copy_(records[:, self.num_label_bytes :])
            labels.copy_(records[:, self.label])
            _refuse_unknown(labels, num_classes, path)
        return labelled(pixels.view(-1, *IMAGE.shape), codes)

    def _num_records(self, path: Path) -> int:
        if not path.is_file():
            raise MissingInput(f"{self.title} lacks the file {path.name}", where=str(path))
        record_bytes = self.num_label_bytes + _NUM_PIXELS
        num_bytes = path.stat().st_size
        if num_bytes == 0 or num_bytes % record_bytes:
            raise unfit_file(
                file_place(path),
                f"this is no file of {self.title}'s binary version",
                found=f"{num_bytes:,} bytes",
                allowed=f"records of {record_bytes:,} bytes",
            )
        return num_bytes // record_bytes


def _refuse_unknown(labels: Tensor, num_classes: int, path: Path) -> None:
    if bool((labels >= num_classes).any()):
        first = int((labels >= num_classes).nonzero()[0])
        place, allowed = file_place(path, "image", first + 1), f"0 to {num_classes - 1}"
        raise unfit_file(place, "a label stands for no class", found=str(int(labels[first])), allowed=allowed)
