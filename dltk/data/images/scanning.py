"""A look at image files before any becomes an input: which of several pictures counts, and which cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import PIL.Image
import torch

from dltk.config.errors import DataError, at_most_shown, shown
from dltk.config.problems import Problem
from dltk.data.file_places import file_place
from dltk.data.images.files import DECODING_ERRORS, FORMATS, printable, reasons
from dltk.data.samples import Columns
from dltk.data.specs import Image

OnBadSample = Literal["error", "skip"]
MAX_SKIPPED = 0.01
"""Which part of all image files may be left out: more are no accident."""
_MAY_MOVE = (".gif", ".tif", ".tiff", ".webp")
_Parts = Mapping[str, Columns]


def scanned(
    parts: _Parts, input_name: str, form: Image, on_bad_sample: OnBadSample
) -> tuple[dict[str, Columns], list[str]]:
    """Return the samples that count, and notes for the user.

    Args:
        parts: Samples whose inputs are paths of image files.
        input_name: Of these inputs.
        form: What each file becomes.
        on_bad_sample: "skip" decodes every file once more than training does, and leaves out what cannot be read.

    Raises:
        DataError: More than one file in a hundred cannot be read, or no image of a class is left.
    """
    paths = [Path(path) for samples in parts.values() for path in samples.inputs[input_name]]
    notes = _animation_note(paths)
    if on_bad_sample == "error":  # parsing decodes every file, and lists all that cannot be read
        return dict(parts), notes
    faults = reasons(paths, form)
    broken = {str(path): fault for path, fault in zip(paths, faults, strict=True) if fault}
    if len(broken) > MAX_SKIPPED * len(paths):
        error = unreadable_images(broken, len(paths))
        error.do += f"; on_bad_sample: skip leaves out {MAX_SKIPPED:.0%} of all files at most"
        raise error
    kept = {}
    for part, samples in parts.items():
        kept[part] = _without(samples, faults[: len(samples)], broken)
        faults = faults[len(samples) :]
    return kept, [*notes, *_skipped_note(broken, len(paths))]


def unreadable_images(broken: Mapping[str, str], num_images: int) -> DataError:
    """Return the error for image files that cannot be read, given by path with the reason."""
    files = "image file" if num_images == 1 else "image files"
    return DataError(
        f"{len(broken)} of {num_images} {files} cannot be read",
        do="repair or remove these files",
        problems=[image_problem(path, why) for path, why in broken.items()],
    )


def image_problem(path: str, why: str) -> Problem:
    """Return the problem of an image file that cannot be read."""
    return Problem((), why, file_place(Path(path)), id="DLTK-DATA-IMAGE")


def _without(samples: Columns, faults: Sequence[str], broken: Mapping[str, str]) -> Columns:
    """Return the samples without a fault."""
    kept = samples.take(torch.tensor([i for i, fault in enumerate(faults) if not fault], dtype=torch.int64))
    if set(kept.labels() or ()) != set(samples.labels() or ()):
        error = unreadable_images(broken, len(samples))
        error.message += ", and without them a class has no image"
        raise error
    return kept


def _skipped_note(broken: Mapping[str, str], num_images: int) -> list[str]:
    if not broken:
        return []
    said = at_most_shown([f"{file_place(Path(path))}: {why}" for path, why in broken.items()])
    return [f"{len(broken)} of {num_images} image files cannot be read and are skipped: {said}"]


def _animation_note(paths: Sequence[Path]) -> list[str]:
    moving = [path for path in paths if path.suffix.lower() in _MAY_MOVE and _has_several_pictures(path)]
    if not moving:
        return []
    files = "1 file holds" if len(moving) == 1 else f"{len(moving)} files hold"
    return [f"{files} several pictures, of which the first one counts, such as {shown(printable(moving[0]))}"]


def _has_several_pictures(path: Path) -> bool:
    try:
        with PIL.Image.open(path, formats=FORMATS) as image:
            return bool(getattr(image, "is_animated", False))
    except DECODING_ERRORS:
        return False
