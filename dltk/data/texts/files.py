"""Reading text strictly: a file, a gzipped one or standard input, in an encoding that is never guessed silently."""

from __future__ import annotations

import codecs
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import Field

from dltk.config.errors import DataError, MissingInput, OptionError, shown
from dltk.config.problems import Position, Problem
from dltk.config.terminal import short
from dltk.data.archives import gunzip, gunzipped
from dltk.data.files import not_there
from dltk.data.texts.room import refuse_without_room

STANDARD_INPUT = "-"
Encoding = str | Annotated[tuple[str, ...], Field(min_length=1)]
"""A Python codec, or several that are tried in order; utf-8 may begin with a byte order mark."""
_UTF_8 = "utf-8-sig"
SAMPLE_BYTES = 1 << 16
_SHOWN_BYTES = 60


@dataclass(eq=False)
class NotText(Exception):
    """Bytes are no text in an encoding; who reads them tells the user.

    Attributes:
        content: The bytes.
        start: Where among them it is noticed.
        found: The byte there.
        do: What helps, by a guess at the encoding.
        num_lines: How many lines of the file come before these bytes.
    """

    content: bytes
    start: int
    found: str
    do: str
    num_lines: int = 0

    def problem(self, path: str, encoding: Encoding) -> Problem:
        """Return the problem, at its place in the text as far as it can be read."""
        before = self.content[: self.start].decode(_names(encoding)[0], "replace")
        rest = self.content[self.start : self.start + _SHOWN_BYTES].decode("ascii", "replace").splitlines() or [""]
        line = before.rpartition("\n")[2]
        number = self.num_lines + before.count("\n") + 1
        place = Position(short(Path(place_of(path))), number, len(line) + 1, line[-_SHOWN_BYTES:] + rest[0])
        return Problem((), f"this is no {spelled(encoding)} text", place, id="DLTK-DATA-ENCODING", found=self.found)


@dataclass(frozen=True)
class Decoded:
    """A text without its byte order mark, and which of several encodings it was in; None where that is all the same."""

    text: str
    encoding: str | None = None


class Read(Protocol):
    """A text of which the encoding is known."""

    @property
    def encoding(self) -> str | None:
        """Which of several encodings it was in; None where that is all the same."""


def encoding_notes(path: str, texts: Sequence[Read]) -> tuple[str, ...]:
    """Say which encodings the texts of a file or folder turned out to be in, where there was a choice."""
    counts = Counter(text.encoding for text in texts if text.encoding is not None)
    files = "" if len(texts) == 1 else "{} files "
    return tuple(f"{Path(place_of(path)).name}: {files.format(counts[name])}read as {name}" for name in counts)


def for_other_files(encoding: Encoding) -> tuple[str, ...]:
    """Return how files are read that are used with a trained model: as UTF-8, else as what was trained on.

    In this order, for hardly a text in another encoding is valid UTF-8, while UTF-8 is valid, and wrong, in many.
    """
    return tuple({_codec(name): name for name in ("utf-8", *_names(encoding))}.values())


def read_text(path: str, encoding: Encoding = "utf-8") -> str:
    """Return what `read_decoded` does, as text alone."""
    return read_decoded(path, encoding).text


def read_decoded(path: str, encoding: Encoding = "utf-8") -> Decoded:
    """Return the whole text of a file (.gz unpacked), or of standard input for "-"; a byte order mark is dropped.

    Raises:
        MissingInput: There is no such file, or it cannot be read.
        DataError: It is no text in this encoding; the message has the line and a guess.
        OptionError: There is no such encoding.
    """
    file = Path(path)
    if path != STANDARD_INPUT and file.exists() and not file.is_file():
        raise MissingInput(f"{shown(file.name)} is no file", where=str(file.absolute()))
    with explained(path, encoding):
        return decode(read_bytes(path), encoding)


@contextmanager
def explained(path: str, encoding: Encoding) -> Iterator[None]:
    """Tell the user of a file that is no text."""
    try:
        yield
    except NotText as fault:
        problem = fault.problem(path, encoding)
        raise DataError(f"{shown(Path(path).name)} is no text", do=fault.do, problems=[problem]) from None


def read_bytes(path: str) -> bytes:
    """Return what a file or pipe (.gz unpacked) or, for "-", standard input holds.

    Raises:
        MissingInput: There is no such file, or it cannot be read.
        DataError: It is no intact gzip archive.
        IntegrityError: It is a gzip bomb.
        OutOfResources: There is no room for it in memory.
    """
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    file = Path(path)
    if not file.exists():
        raise not_there(file)
    refuse_without_room([file])
    if file.suffix == ".gz":
        return gunzip(file)
    try:
        return file.read_bytes()
    except OSError as error:
        raise MissingInput(f"cannot read {shown(file.name)}: {error.strerror}", where=str(file.absolute())) from None


def first_bytes(path: Path) -> bytes:
    """Return the beginning of a file, or of what a .gz file holds; raise as `read_bytes` does."""
    if path.suffix == ".gz":
        return next(gunzipped(path), b"")
    try:
        with path.open("rb") as file:
            return file.read(SAMPLE_BYTES)
    except OSError as error:
        raise MissingInput(f"cannot read {shown(path.name)}: {error.strerror}", where=str(path.absolute())) from None


def decode(content: bytes, encoding: Encoding) -> Decoded:
    """Return the text that bytes are in the first of the encodings that fits.

    Raises:
        NotText: They are no text in any of them; the place is that of the first.
        OptionError: There is no such encoding.
    """
    codecs_by_name = codecs_of(encoding)
    *preferred, last = codecs_by_name
    fault: UnicodeError | None = None
    for name, codec in codecs_by_name.items():
        try:
            text = content.decode(codec)
        except UnicodeError as error:
            fault = fault or error
            continue
        if name == last or "\0" not in text:  # NUL characters are how UTF-16 looks as UTF-8
            return Decoded(text, name if is_told(preferred, is_ascii=text.isascii()) else None)
    assert fault is not None
    start = fault.start if isinstance(fault, UnicodeDecodeError) else 0
    raise NotText(content, start, found_at(content, start), advice(content, encoding))


def codecs_of(encoding: Encoding) -> dict[str, str]:
    """Return the codecs that are tried in order, by the name that was given.

    Raises:
        OptionError: There is no such encoding.
    """
    return {name: _codec(name) for name in _names(encoding)}


def is_told(preferred: Sequence[str], *, is_ascii: bool) -> bool:
    """Return whether the user should know which of several encodings a text is in: ASCII is alike in nearly all."""
    return bool(preferred) and not is_ascii


def found_at(content: bytes, start: int) -> str:
    """Spell what stands where bytes are no text."""
    return f"byte 0x{content[start]:02x}" if start < len(content) else "an incomplete character"


def guessed_encoding(content: bytes) -> str:
    """Guess an encoding: by byte order mark, by NUL bytes, by whether it is UTF-8, by whether it makes Hangul."""
    sample = content[:SAMPLE_BYTES]
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample.count(0) > len(sample) // 4:
        return "utf-16-be" if sample[0] == 0 else "utf-16-le"
    if _begins_as(sample, _UTF_8) is not None:
        return "utf-8"
    text = _begins_as(sample, "cp949")
    if text is None:
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


def spelled(encoding: Encoding) -> str:
    """Return what a message calls an encoding, or several: "utf-8 or cp949"."""
    return " or ".join(_names(encoding))


def _names(encoding: Encoding) -> tuple[str, ...]:
    return (encoding,) if isinstance(encoding, str) else encoding


def advice(content: bytes, encoding: Encoding) -> str:
    """Say what to do about what is no text in an encoding that was set, or in any of several that were tried."""
    guess = guessed_encoding(content)
    if isinstance(encoding, str):
        return f"if it is {guess}, set encoding: {guess}; or convert the file to utf-8"
    return f"convert the file to utf-8; it may be {guess}"


def _begins_as(sample: bytes, codec: str) -> str | None:
    """Return the beginning of a text in an encoding, of which a character may be cut off; None where it is none."""
    try:
        return codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return None


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
    return _UTF_8 if name == "utf-8" else name
