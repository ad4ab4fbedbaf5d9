"""MNIST, 70,000 handwritten digits of 28 x 28 pixels, or any data set in its IDX format (LeCun et al. 1998)."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dltk.config.errors import DataError
from dltk.config.sections import PathText
from dltk.config.settings import Settings
from dltk.data import files
from dltk.data.images import ImagePreparation, Normalize, classes_spec, labelled
from dltk.data.samples import Columns, Source
from dltk.data.specs import Image

if TYPE_CHECKING:
    from pathlib import Path

    from dltk.data.samples import State
    from dltk.data.specs import Spec

_FOLDERS = ("mnist/", "", "MNIST/raw/")
_PARTS = {"train": "train", "test": "t10k"}
_OFFICIAL_SIZES = {"train": 60_000, "test": 10_000}
_IMAGES_MAGIC, _LABELS_MAGIC = 2051, 2049
_NUM_CLASSES = 10


class Config(Settings):
    """Options of MNIST."""

    root: PathText | None = None
    """Folder that holds the four files, or mnist/ with them; default $DLTK_DATA, then the cache."""
    normalize: Normalize = "unit"
    """unit: pixels from 0 to 1; standardize: mean 0 and deviation 1, fitted on the training images."""


@dataclass(frozen=True)
class _Header:
    path: Path
    sizes: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """What the header announces, itself included."""
        num_values = 1
        for size in self.sizes:
            num_values *= size
        return 4 + 4 * len(self.sizes) + num_values


def describe(config: Config) -> Spec:
    """Return one grey image of the size in the headers, ten classes."""
    images, _ = _headers(config)["train"]
    return classes_spec(Image(1, *images.sizes[1:]), [str(digit) for digit in range(_NUM_CLASSES)])


def read(config: Config) -> Source:
    """Return the official training and test parts."""
    parts = {part: _read_part(*headers) for part, headers in _headers(config).items()}
    sizes = {part: len(samples) for part, samples in parts.items()}
    if sizes == _OFFICIAL_SIZES:
        return Source(parts)
    return Source(parts, (f"not the official 60,000 and 10,000 images: {sizes['train']:,} and {sizes['test']:,}",))


def prepare(config: Config, train: Columns) -> ImagePreparation:
    """Fit the pixel statistics where they are asked for."""
    return ImagePreparation.fit(describe(config), train, "pad", config.normalize)


def restore(config: Config, state: State) -> ImagePreparation:  # noqa: ARG001
    """Rebuild the preparation from its state."""
    return ImagePreparation.restore(state)


def _headers(config: Config) -> dict[str, tuple[_Header, _Header]]:
    """Return the headers of images and labels per part, once they agree with each other."""
    stems = [f"{prefix}-{rest}" for prefix in _PARTS.values() for rest in ("images-idx3", "labels-idx1")]
    found = {stem: files.find(_names(stem), config.root) for stem in stems}
    absent = [f"mnist/{stem}-ubyte.gz" for stem in stems if found[stem] is None]
    if absent:
        error = files.missing("MNIST", absent, config.root)
        error.expected = f"{', '.join(absent)}; also without mnist/ or .gz"
        raise error
    headers = {stem: _header(path, 3 if "images" in stem else 1) for stem, path in found.items() if path is not None}
    parts = {
        part: (headers[f"{prefix}-images-idx3"], headers[f"{prefix}-labels-idx1"]) for part, prefix in _PARTS.items()
    }
    for images, labels in parts.values():
        _check_agreement(images, labels, parts["train"][0])
    return parts


def _names(stem: str) -> list[str]:
    variants = (f"{stem}-ubyte", f"{stem.replace('-idx', '.idx')}-ubyte")
    return [folder + variant + suffix for folder in _FOLDERS for variant in variants for suffix in (".gz", "")]


def _check_agreement(images: _Header, labels: _Header, train: _Header) -> None:
    if images.sizes[0] != labels.sizes[0]:
        raise DataError(
            "images and labels differ in number",
            where=f"{images.path}, {labels.path}",
            found=f"{images.sizes[0]} images, {labels.sizes[0]} labels",
        )
    if images.sizes[1:] != train.sizes[1:]:
        raise DataError(
            "training and test images differ in size",
            where=str(images.path),
            found=f"{images.sizes[1]} x {images.sizes[2]}",
            expected=f"{train.sizes[1]} x {train.sizes[2]}",
        )


def _header(path: Path, num_sizes: int) -> _Header:
    """Return what the first bytes of an IDX file say."""
    head = _content(path, 4 + 4 * num_sizes)
    magic = _IMAGES_MAGIC if num_sizes == 3 else _LABELS_MAGIC
    if len(head) < 4 + 4 * num_sizes or struct.unpack(">I", head[:4])[0] != magic:
        raise DataError(
            "this is no IDX file of " + ("images" if num_sizes == 3 else "labels"),
            where=str(path),
            found=f"the first bytes {head[:4].hex(' ') or '(none)'}",
            expected=struct.pack(">I", magic).hex(" "),
        )
    sizes = struct.unpack(f">{num_sizes}I", head[4:])
    if 0 in sizes:
        raise DataError("the IDX file is empty", where=str(path), found=f"sizes {' x '.join(map(str, sizes))}")
    return _Header(path, sizes)


def _read_part(images: _Header, labels: _Header) -> Columns:
    pixels = _values(images).view(-1, 1, *images.sizes[1:])
    digits = _values(labels).long()
    if bool((digits >= _NUM_CLASSES).any()):
        first = int((digits >= _NUM_CLASSES).nonzero()[0])
        raise DataError(
            "a label is no digit",
            where=f"{labels.path}, label {first + 1}",
            found=str(int(digits[first])),
            expected=f"0 to {_NUM_CLASSES - 1}",
        )
    return labelled(pixels, digits)


def _values(header: _Header) -> Tensor:
    content = _content(header.path, header.num_bytes + 1)
    if len(content) != header.num_bytes:
        found = "more" if len(content) > header.num_bytes else f"{len(content):,}"
        raise DataError(
            "the IDX file has not the length its header announces",
            where=str(header.path),
            found=f"{found} bytes",
            expected=f"{header.num_bytes:,} bytes for {' x '.join(map(str, header.sizes))} values",
        )
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[4 + 4 * len(header.sizes) :]


def _content(path: Path, limit: int) -> bytes:
    """Return at most `limit` bytes of a plain or gzip file; which it is, its first bytes tell."""
    try:
        with path.open("rb") as plain:
            is_gzip = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if not is_gzip:
                return plain.read(limit)
            with gzip.open(plain) as unpacked:
                return unpacked.read(limit)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("the file cannot be read", where=str(path), found=str(error)) from None
