"""Texts that stay in their file: decoded line by line, once it is known that they can be."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dltk.config.errors import MissingInput, shown
from dltk.data.archives import gunzipped
from dltk.data.texts.files import Encoding, NotText, advice, codecs_of, found_at, is_told

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class FileText:
    """The text of a file (.gz unpacked) in an encoding that fits all of it.

    Attributes:
        path: Of the file.
        codec: Decodes it; a byte order mark is dropped.
        encoding: Which of several encodings that is; None where that is all the same.
        has_nul: Whether there are NUL characters in it.
    """

    path: Path
    codec: str
    encoding: str | None = None
    has_nul: bool = False

    def lines(self, newline: str | None) -> Iterator[str]:
        """Yield the lines with their ends; `newline` is that of `open`.

        Raises:
            MissingInput: The file cannot be read.
        """
        try:
            if self.path.suffix == ".gz":
                with gzip.open(self.path, "rt", encoding=self.codec, newline=newline) as packed:
                    yield from packed
            else:
                with self.path.open(encoding=self.codec, newline=newline) as file:
                    yield from file
        except OSError as error:
            name = shown(self.path.name)
            raise MissingInput(f"cannot read {name}: {error.strerror}", where=str(self.path.absolute())) from None


def file_text(path: Path, encoding: Encoding) -> FileText:
    """Return the text of a file in the first of the encodings that fits, as `decode` finds it of bytes in memory.

    Raises:
        NotText: It is no text in any of them; the place is that of the first.
        OptionError: There is no such encoding.
        IntegrityError: It is a gzip bomb.
        DataError: It is no intact gzip archive.
    """
    by_name = codecs_of(encoding)
    *preferred, last = by_name
    fault: NotText | None = None
    for name, codec in by_name.items():
        try:
            has_nul, is_ascii = _looked_through(path, codec)
        except NotText as found:
            fault = fault or found
            continue
        if name == last or not has_nul:
            return FileText(path, codec, name if is_told(preferred, is_ascii=is_ascii) else None, has_nul)
    assert fault is not None
    fault.do = advice(fault.content, encoding)
    raise fault


def _looked_through(path: Path, codec: str) -> tuple[bool, bool]:
    """Decode a file; return whether it has NUL characters, and whether all its characters are ASCII.

    Raises:
        NotText: It cannot be decoded.
    """
    decoder = codecs.getincrementaldecoder(codec)()
    has_nul, is_ascii, num_lines = False, True, 0
    for content in _contents(path):
        try:
            text = decoder.decode(content, final=not content)
        except UnicodeError as error:
            whole = error.object if isinstance(error, UnicodeDecodeError) else content
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            raise NotText(whole, start, found_at(whole, start), "", num_lines) from None
        has_nul, is_ascii = has_nul or "\0" in text, is_ascii and text.isascii()
        num_lines += text.count("\n")
    return has_nul, is_ascii


def _contents(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, mostly whole lines, and at its end none."""
    if path.suffix == ".gz":
        yield from gunzipped(path)
    else:
        with path.open("rb") as file:
            while content := file.read(CHUNK_BYTES):
                yield content + file.readline()
    yield b""
