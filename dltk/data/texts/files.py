"""Reading text strictly: a file, a gzipped one or standard input, in an encoding that is never guessed silently."""

from __future__ import annotations

import codecs
import sys
from dataclasses import dataclass
from pathlib import Path

from dltk.config.errors import DataError, MissingInput, OptionError, shown
from dltk.data.archives import gunzip
from dltk.data.files import not_there

STANDARD_INPUT = "-"
_SAMPLE_BYTES = 1 << 16


@dataclass(eq=False)
class NotText(Exception):
    """Bytes are no text in an encoding; who reads them tells the user.

    Attributes:
        line: Where, from 1.
        found: The byte there.
        guess: The encoding that it may be.
    """

    line: int
    found: str
    guess: str


def read_text(path: str, encoding: str = "utf-8") -> str:
    """Return the whole text of a file (.gz unpacked), or of standard input for "-"; a byte order mark is dropped.

    Raises:
        MissingInput: There is no such file, or it cannot be read.
        DataError: It is no text in this encoding; the message has the line and a guess.
        OptionError: There is no such encoding.
    """
    file = Path(path)
    if path != STANDARD_INPUT and file.exists() and not file.is_file():
        raise MissingInput(f"{shown(file.name)} is no file", where=str(file.absolute()))
    try:
        return decode(read_bytes(path), encoding)
    except NotText as fault:
        raise DataError(
            f"this is no {encoding} text",
            where=f"{place_of(path)}:{fault.line}",
            found=fault.found,
            do=f"if it is {fault.guess}, set data.encoding to that, or convert the file to utf-8",
        ) from None


def read_bytes(path: str) -> bytes:
    """Return what a file or pipe (.gz unpacked) or, for "-", standard input holds.

    Raises:
        MissingInput: There is no such file, or it cannot be read.
        DataError: It is no intact gzip archive.
        IntegrityError: It is a gzip bomb.
    """
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    file = Path(path)
    if not file.exists():
        raise not_there(file)
    if file.suffix == ".gz":
        return gunzip(file)
    try:
        return file.read_bytes()
    except OSError as error:
        raise MissingInput(f"cannot read {shown(file.name)}: {error.strerror}", where=str(file.absolute())) from None


def decode(content: bytes, encoding: str) -> str:
    """Return the text that bytes are in an encoding, without its byte order mark.

    Raises:
        NotText: They are no text in this encoding.
        OptionError: There is no such encoding.
    """
    codec = _codec(encoding)
    try:
        return content.decode(codec)
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        found = f"byte 0x{content[start]:02x}" if start < len(content) else "an incomplete character"
        raise NotText(content.count(b"\n", 0, start) + 1, found, guessed_encoding(content)) from None


def guessed_encoding(content: bytes) -> str:
    """Guess the encoding of what is not UTF-8: by byte order mark, by NUL bytes, by whether it makes Hangul."""
    sample = content[:_SAMPLE_BYTES]
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample.count(0) > len(sample) // 4:
        return "utf-16-be" if sample[0] == 0 else "utf-16-le"
    try:
        text = codecs.getincrementaldecoder("cp949")().decode(sample)
    except UnicodeDecodeError:
        return "latin-1"
    foreign = [character for character in text if not character.isascii()]
    hangul = sum("가" <= character <= "힣" for character in foreign)
    return "cp949" if 2 * hangul > len(foreign) else "latin-1"


def place_of(path: str) -> str:
    """Return what a message calls a file: its path, or standard input for "-"."""
    return "standard input" if path == STANDARD_INPUT else path


def lines_of(text: str) -> list[str]:
    """Cut a text at its line feeds, with or without carriage return; what follows the last one counts unless empty."""
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _codec(encoding: str) -> str:
    try:
        b"a".decode(encoding, "replace")  # an empty text would be decoded by any codec
        name = codecs.lookup(encoding).name
    except (LookupError, UnicodeError, ValueError):
        raise OptionError(
            "encoding",
            "must be a text encoding such as utf-8, utf-16, cp949, latin-1; "
            f"there is no text encoding {shown(encoding)}",
        ) from None
    return "utf-8-sig" if name == "utf-8" else name
