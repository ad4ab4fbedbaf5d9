"""A YAML text as plain values, with the position of every key and value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from dltk.config.errors import ConfigError, MissingInput, shown
from dltk.config.nodes import MAX_BYTES, parse_fragment
from dltk.config.problems import KeyPath, Position, Problem
from dltk.config.syntax import LINE_BREAK


@dataclass(frozen=True)
class Document:
    """Plain values of one YAML text, and of the overrides behind it.

    Attributes:
        positions: Where each value stands.
        keys: Where each key stands.
        directory: What relative paths in it are relative to.
        problems: What is wrong with single values or keys, so that they are not in `values` as they stand.
    """

    values: dict[str, Any]
    positions: Mapping[KeyPath, Position] = field(default_factory=dict)
    keys: Mapping[KeyPath, Position] = field(default_factory=dict)
    directory: Path = Path()
    problems: Sequence[Problem] = ()

    def position(self, path: KeyPath, *, of_key: bool = False) -> Position | None:
        """Return where a value (or its key) stands, or the nearest enclosing place that is known."""
        if of_key and path in self.keys:
            return self.keys[path]
        enclosing = (path[:length] for length in range(len(path), -1, -1))
        return next((self.positions[known] for known in enclosing if known in self.positions), None)


def read_document(path: Path) -> Document:
    """Read a YAML file whose top level is a mapping, and in which nothing is wrong.

    Raises:
        MissingInput: There is no such file.
        ConfigError: With the line and column of what is wrong.
    """
    document = open_document(path)
    if document.problems:
        raise ConfigError(document.problems)
    return document


def open_document(path: Path) -> Document:
    """Read a YAML file whose top level is a mapping; what is wrong with parts of it is in its `problems`.

    Raises:
        MissingInput: There is no such file.
        ConfigError: It is no YAML.
    """
    where = str(path.absolute())
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MissingInput(f"there is no config file {shown(str(path))}", where=where, do="dltk list configs") from None
    except IsADirectoryError:
        raise MissingInput(f"{shown(str(path))} is a directory, not a config file", where=where) from None
    except OSError as error:
        raise MissingInput(f"cannot read {shown(str(path))}: {error.strerror}", where=where) from None
    return replace(parse_document(raw, str(path)), directory=path.parent.absolute())


def parse_document(raw: bytes, source: str) -> Document:
    """Parse YAML bytes whose top level is a mapping; `source` names them in messages. Nothing at all is {}."""
    text = _decoded(raw, source)
    lines = LINE_BREAK.split(text)

    def place(mark: yaml.Mark) -> Position:
        line = lines[mark.line] if mark.line < len(lines) else ""
        return Position(source, mark.line + 1, mark.column + 1, line)

    fragment = parse_fragment(text, (), place)
    values = {} if fragment.value is None else fragment.value
    if not isinstance(values, dict):
        what = f"a config is a mapping of sections such as 'data:' and 'model:'; received {shown(values)}"
        raise ConfigError([Problem((), what, fragment.positions[()], id="DLTK-CONFIG-TYPE")])
    positions = {(): Position(source, 1, 1), **fragment.positions}
    return Document(values, positions, fragment.keys, problems=fragment.problems)


def locate(problems: Sequence[Problem], document: Document) -> list[Problem]:
    """Return the problems with their places: an unknown key's is the key, a wrong value's the value."""
    return [
        replace(problem, position=problem.position or document.position(problem.path, of_key=problem.at_key))
        for problem in problems
    ]


def _decoded(raw: bytes, source: str) -> str:
    if len(raw) > MAX_BYTES:
        what = f"larger than {MAX_BYTES} bytes, which no config is"
        raise ConfigError([Problem((), what, Position(source, 1, 1), id="DLTK-CONFIG-TOO-LARGE")])
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        before = LINE_BREAK.split(raw[: error.start].decode())
        rest = raw[error.start :].splitlines()[0].decode(errors="replace")
    hint = " but UTF-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else ""
    place = Position(source, len(before), len(before[-1]) + 1, "" if hint else before[-1] + rest)
    raise ConfigError([Problem((), f"not UTF-8 text{hint}; save the file as UTF-8", place, id="DLTK-CONFIG-ENCODING")])
