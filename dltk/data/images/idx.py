"""Images and labels in IDX files, as MNIST and its likes are published (LeCun et al. 1998)."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from dltk.data import files
from dltk.data.download import Remote
from dltk.data.file_places import file_place, unfit_file
from dltk.data.images.preparation import classes_spec, labelled
from dltk.data.samples import Columns, Source
from dltk.data.specs import Image, Spec

_STEMS = tuple(f"{part}-{rest}" for part in ("train", "t10k") for rest in ("images-idx3", "labels-idx1"))
_OFFICIAL_SIZES = {"train": 60_000, "test": 10_000}
_IMAGES_MAGIC, _LABELS_MAGIC = 2051, 2049


def remotes(folders: Sequence[str], urls: Sequence[str], md5s: Sequence[str]) -> tuple[Remote, ...]:
    """Return the four files: images and labels of the training part, then of the test part.

    Args:
        folders: Where they are below a data root; the first is theirs in the cache.
        urls: Folders on the web that hold them, each with a slash at its end.
        md5s: As published, in the same order.
    """
    return tuple(
        Remote(
            f"{folders[0]}/{stem}-ubyte.gz",
            tuple(f"{url}{stem}-ubyte.gz" for url in urls),
            tuple(f"{folder}/{name}" for folder in folders for name in _names(stem)),
            md5=md5,
        )
        for stem, md5 in zip(_STEMS, md5s, strict=True)
    )


@dataclass(frozen=True)
class IdxImages:
    """Grey images of one class each, in a training and a test part.

    Args:
        title: What the user calls the data set.
        remotes: As from `remotes`.
        class_names: One per label, from 0.
    """

    title: str
    remotes: Sequence[Remote]
    class_names: Sequence[str]

    def spec(self, root: str | None) -> Spec:
        """Return one grey image of the size in the headers, and the classes; raise as `source` does."""
        images, _ = self._headers(root)["train"]
        return classes_spec(Image(1, *images.sizes[1:]), self.class_names)

    def sizes(self, root: str | None) -> Mapping[str, int]:
        """Return how many images the headers of each part announce; raise as `source` does."""
        return {part: images.sizes[0] for part, (images, _) in self._headers(root).items()}

    def source(self, root: str | None) -> Source:
        """Return the training and test parts.

        Raises:
            MissingInput: A file is nowhere.
            DataError: A file is no IDX file, is cut off, does not fit the others, or has a label without a class.
        """
        parts = {part: self._part(*headers) for part, headers in self._headers(root).items()}
        sizes = {part: len(samples) for part, samples in parts.items()}
        if sizes == _OFFICIAL_SIZES:
            return Source(parts)
        return Source(parts, (f"not the official 60,000 and 10,000 images: {sizes['train']:,} and {sizes['test']:,}",))

    def _headers(self, root: str | None) -> Mapping[str, tuple[_Header, _Header]]:
        """Return the headers of images and labels per part, once they agree with each other."""
        # Without a folder the names do not say which data set it is: they count where the user named the place.
        bare = {} if root is None else {remote: _names(stem) for remote, stem in zip(self.remotes, _STEMS, strict=True)}
        wanted = [replace(remote, found_as=(*remote.found_as, *bare.get(remote, ()))) for remote in self.remotes]
        paths = files.obtain(self.title, wanted, root)
        found = [_header(path, 3 if "images" in stem else 1) for path, stem in zip(paths, _STEMS, strict=True)]
        parts = {"train": (found[0], found[1]), "test": (found[2], found[3])}
        for images, labels in parts.values():
            _check_agreement(images, labels, parts["train"][0])
        return parts

    def _part(self, images: _Header, labels: _Header) -> Columns:
        pixels = _values(images).view(-1, 1, *images.sizes[1:])
        codes = _values(labels).long()
        if bool((codes >= len(self.class_names)).any()):
            first = int((codes >= len(self.class_names)).nonzero()[0])
            place, allowed = file_place(labels.path, "label", first + 1), f"0 to {len(self.class_names) - 1}"
            raise unfit_file(place, "a label stands for no class", found=str(int(codes[first])), allowed=allowed)
        return labelled(pixels, codes)


@dataclass(frozen=True)
class _Header:
    path: Path
    sizes: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """What the header announces, itself included."""
        return 4 + 4 * len(self.sizes) + math.prod(self.sizes)


def _names(stem: str) -> tuple[str, ...]:
    variants = (f"{stem}-ubyte", f"{stem.replace('-idx', '.idx')}-ubyte")
    return tuple(variant + suffix for variant in variants for suffix in (".gz", ""))


def _check_agreement(images: _Header, labels: _Header, train: _Header) -> None:
    if images.sizes[0] != labels.sizes[0]:
        raise unfit_file(
            file_place(labels.path),
            "images and labels differ in number",
            found=f"{images.sizes[0]} images in {images.path.name}, {labels.sizes[0]} labels",
        )
    if images.sizes[1:] != train.sizes[1:]:
        raise unfit_file(
            file_place(images.path),
            "training and test images differ in size",
            found=f"{images.sizes[1]} x {images.sizes[2]}",
            allowed=f"{train.sizes[1]} x {train.sizes[2]}",
        )


def _header(path: Path, num_sizes: int) -> _Header:
    """Return what the first bytes of an IDX file say."""
    head = _content(path, 4 + 4 * num_sizes)
    magic = _IMAGES_MAGIC if num_sizes == 3 else _LABELS_MAGIC
    if len(head) < 4 + 4 * num_sizes or struct.unpack(">I", head[:4])[0] != magic:
        raise unfit_file(
            file_place(path),
            "this is no IDX file of " + ("images" if num_sizes == 3 else "labels"),
            found=f"the first bytes {head[:4].hex(' ') or '(none)'}",
            allowed=struct.pack(">I", magic).hex(" "),
        )
    sizes = struct.unpack(f">{num_sizes}I", head[4:])
    if 0 in sizes:
        raise unfit_file(file_place(path), "the IDX file is empty", found=f"sizes {' x '.join(map(str, sizes))}")
    return _Header(path, sizes)


def _values(header: _Header) -> Tensor:
    content = _content(header.path, header.num_bytes + 1)
    if len(content) != header.num_bytes:
        found = "more" if len(content) > header.num_bytes else f"{len(content):,}"
        raise unfit_file(
            file_place(header.path),
            "the IDX file has not the length its header announces",
            found=f"{found} bytes",
            allowed=f"{header.num_bytes:,} bytes for {' x '.join(map(str, header.sizes))} values",
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
        raise unfit_file(file_place(path), "the file cannot be read", found=str(error)) from None
