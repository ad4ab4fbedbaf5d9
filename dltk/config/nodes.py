"""YAML nodes as plain values, by YAML 1.2's core rules, with the position of every key and value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from dltk.config.errors import ConfigError, shown
from dltk.config.problems import KeyPath, Position, Problem, ProblemId
from dltk.config.syntax import explained, mark
from dltk.config.terminal import escaped

MAX_BYTES = 2**20
MAX_NODES = 10_000
MAX_DEPTH = 32
MAX_DIGITS = 300
Positions = dict[KeyPath, Position]
Place = Callable[[yaml.Mark], Position]
"""Tells where in its source a mark of a YAML text stands."""

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SUSPECT = re.compile("[\0\ud800-\udfff]")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}


@dataclass(frozen=True)
class Fragment:
    """Any YAML value, with the positions of what is in it, and what is wrong with some of that."""

    value: Any
    positions: Positions
    keys: Positions
    problems: Sequence[Problem]


def parse_fragment(text: str, path: KeyPath, place: Place) -> Fragment:
    """Parse the YAML value that stands at `path`, such as `3e-4` or `[64, 64]`.

    Raises:
        ConfigError: It is no YAML, or more than a config ever needs.
    """
    reader = _Reader(place)
    try:
        node = _composed(text)
        value = None if node is None else reader.value(node, path)
    except yaml.MarkedYAMLError as error:
        said, where = explained(error, text)
        raise ConfigError([Problem(path, said, place(where), id="DLTK-CONFIG-SYNTAX")]) from None
    except _Refused as refused:
        raise ConfigError([Problem(path, refused.said, place(refused.where), id=refused.id)]) from None
    return Fragment(value, reader.positions, reader.keys, reader.problems)


@dataclass(eq=False)
class _Refused(Exception):
    """What PyYAML would take, or fails at without a word, and no config needs."""

    said: str
    where: yaml.Mark
    id: ProblemId


def _too_much(problem: str, where: yaml.Mark) -> _Refused:
    return _Refused(problem, where, "DLTK-CONFIG-TOO-LARGE")


class _Loader(yaml.SafeLoader):
    """Composes nodes only, and not too many; a node's tag is what the text says, "" where it says nothing."""

    yaml_implicit_resolvers = {}
    num_nodes = depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self.num_nodes += 1
        self.depth += 1
        if self.num_nodes > MAX_NODES:
            raise _too_much(f"more than {MAX_NODES} values", event.start_mark)
        if self.depth > MAX_DEPTH + 1:
            raise _too_much(f"nested more than {MAX_DEPTH} levels deep", event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        if node is not None and hasattr(event, "tag"):  # an alias has none
            node.tag = event.tag or ""
        return node


def _composed(text: str) -> yaml.Node | None:
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        hint = "; save the file as UTF-8 text" if forbidden.group() == "\0" else ""
        what = f"the character {shown(forbidden.group())} is not allowed{hint}"
        raise _Refused(what, mark(text, forbidden.start()), "DLTK-CONFIG-ENCODING")
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError):  # PyYAML lets those of chr() and int() through
        what = "an escape or a version number that cannot be read"
        raise _Refused(what, loader.get_mark(), "DLTK-CONFIG-SYNTAX") from None
    finally:
        loader.dispose()


def _before(first: Position, second: Position) -> str:
    """Say where both of two equal keys stand."""
    if first.line == second.line:
        return f"first in column {first.column}"
    return f"on line {first.line}, and again on line {second.line}"


class _Reader:
    """Turns nodes into plain values, by YAML 1.2's core rules, and remembers where they stand."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.positions: Positions = {}
        self.keys: Positions = {}
        self.problems: list[Problem] = []
        self.open: list[yaml.Node] = []
        self.num_nodes = self.num_characters = 0

    def refuse(self, path: KeyPath, what: str, position: Position, kind: ProblemId) -> None:
        """Collect a problem."""
        self.problems.append(Problem(path, what, position, id=kind))

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        """Return a node's plain value; problems are collected."""
        position = self.positions[path] = self.place(node.start_mark)
        self.num_nodes += 1
        if self.num_nodes > MAX_NODES:
            raise _too_much(f"more than {MAX_NODES} values once aliases are expanded", node.start_mark)
        if len(path) > MAX_DEPTH:
            raise _too_much(f"nested more than {MAX_DEPTH} levels deep", node.start_mark)
        if node.tag:
            self.refuse(
                path,
                f"tags such as {shown(node.tag.replace('tag:yaml.org,2002:', '!!'))} are not allowed",
                position,
                "DLTK-CONFIG-TAG",
            )
        elif isinstance(node, yaml.MappingNode):
            return self.inside(node, lambda: self.mapping(node, path))
        elif isinstance(node, yaml.SequenceNode):
            return self.inside(node, lambda: [self.value(child, (*path, i)) for i, child in enumerate(node.value)])
        elif isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path, position)
        return None

    def inside(self, node: yaml.Node, read: Callable[[], Any]) -> Any:
        """Read what is in a node, unless an alias leads back into it."""
        if node in self.open:
            raise _too_much("an alias stands inside what it names, so that it has no end", node.start_mark)
        self.open.append(node)
        value = read()
        self.open.pop()
        return value

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        """Return a mapping with string keys; duplicates are problems."""
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            position = self.place(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag:
                self.refuse(path, "a key must be a plain word", position, "DLTK-CONFIG-KEY")
                continue
            key = self.text(key_node, path, position)
            if key == "<<" and key_node.style is None:
                what = "merge keys are not supported; write the options out"
                self.refuse((*path, key), what, position, "DLTK-CONFIG-MERGE-KEY")
            elif key in values:
                what = f"this key stands twice; {_before(self.keys[*path, key], position)}"
                self.refuse((*path, key), what, position, "DLTK-CONFIG-DUPLICATE-KEY")
            else:
                self.keys[*path, key] = position
                values[key] = self.value(value_node, (*path, key))
        return values

    def scalar(self, node: yaml.ScalarNode, path: KeyPath, position: Position) -> Any:
        """Resolve a scalar: `1e-3` is a number, `no` and `1:30` are text."""
        text = self.text(node, path, position)
        if node.style is not None:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.fullmatch(text) and len(text) <= MAX_DIGITS:
            return int(text, 0 if text.startswith(("0o", "0x")) else 10)
        if _INT.fullmatch(text):
            self.refuse(path, f"a whole number of more than {MAX_DIGITS} digits", position, "DLTK-CONFIG-RANGE")
        elif _FLOAT.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        elif _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
            what = f"numbers must be finite; received {escaped(text)[:40]}"
            self.refuse(path, what, position, "DLTK-CONFIG-NOT-FINITE")
        return text

    def text(self, node: yaml.ScalarNode, path: KeyPath, position: Position) -> str:
        """Return a scalar's text; escapes may not smuggle in what no file or terminal takes."""
        text = str(node.value)
        self.num_characters += len(text)
        if self.num_characters > MAX_BYTES:
            raise _too_much(f"more than {MAX_BYTES} characters once aliases are expanded", node.start_mark)
        if not _SUSPECT.search(text):
            return text
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # as in JSON
        if _SUSPECT.search(joined):
            self.refuse(path, f"{shown(text)} has a NUL or half a character", position, "DLTK-CONFIG-ENCODING")
        return joined
