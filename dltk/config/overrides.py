"""Overrides behind a config: `optimizer.lr=3e-4 model.layers.0.units=64`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from dltk.config.document import Document
from dltk.config.errors import ConfigError, shown
from dltk.config.nodes import parse_fragment
from dltk.config.problems import OVERRIDE, KeyPath, Position, Problem, ProblemId

MAX_PLACE_DIGITS = 6
_ID: ProblemId = "DLTK-CONFIG-OVERRIDE"


def override(document: Document, overrides: Sequence[str]) -> Document:
    """Return the document with each `path=value` applied in order; values are YAML.

    Positions in them read `override:<which one>:<column>`. One that is malformed, or whose path leads through something
    that is not there, is not applied, and added to the document's problems.
    """
    changed = replace(document, values=copy.deepcopy(document.values))
    for number, text in enumerate(overrides, start=1):
        try:
            changed = _applied(changed, number, text)
        except ConfigError as error:
            changed = replace(changed, problems=[*changed.problems, *error.problems])
    return changed


def directory_of(document: Document, path: KeyPath) -> Path:
    """Return what a relative path at `path` is relative to: its file's folder, or for an override the current one."""
    position = document.position(path)
    return Path.cwd() if position is not None and position.source == OVERRIDE else document.directory


def _applied(document: Document, number: int, text: str) -> Document:
    """Return the document with one override; its values are changed in place."""
    name, separator, value_text = text.partition("=")
    parts = name.split(".")
    if not separator or "" in parts:
        what = f"an override reads key=value, such as optimizer.lr=1e-3; received {shown(text)}"
        raise ConfigError([Problem((), what, Position(OVERRIDE, number, 1, text), id=_ID)])
    if name.strip() != name:
        what = "no space belongs around the '=' of an override"
        raise ConfigError([Problem((), what, Position(OVERRIDE, number, len(name), text), id=_ID)])
    columns = [sum(len(part) + 1 for part in parts[:i]) + 1 for i in range(len(parts))]
    places = [Position(OVERRIDE, number, column, text) for column in columns]

    def place(mark: yaml.Mark) -> Position:
        return Position(OVERRIDE, number, len(name) + mark.index + 2, text)

    holder, path = _descend(document.values, parts, places)
    fragment = parse_fragment(value_text, path, place)
    holder[path[-1]] = fragment.value
    positions = {known: at for known, at in document.positions.items() if known[: len(path)] != path}
    keys = {known: at for known, at in document.keys.items() if known[: len(path)] != path}
    for length, at in enumerate(places, start=1):  # mappings that are new, and the key itself
        if path[:length] not in positions:
            positions[path[:length]] = keys[path[:length]] = at
    return replace(
        document,
        positions=positions | fragment.positions,
        keys=keys | fragment.keys,
        problems=[*(p for p in document.problems if p.path[: len(path)] != path), *fragment.problems],
    )


def _descend(values: Any, parts: Sequence[str], places: Sequence[Position]) -> tuple[Any, KeyPath]:
    """Return what holds the last part, making new mappings on the way, and the path with list places as numbers."""
    path: KeyPath = ()
    for depth, (part, place) in enumerate(zip(parts, places, strict=True)):
        key = _key_in(values, part, path, place)
        path = (*path, key)
        if depth < len(parts) - 1:
            if isinstance(values, dict) and values.get(part) is None:
                values[part] = {}
            values = values[key]
    return values, path


def _key_in(values: Any, part: str, path: KeyPath, place: Position) -> str | int:
    if isinstance(values, dict):
        return part
    if not isinstance(values, list):
        raise ConfigError([Problem(path, f"is {shown(values)}, which has no '{part}' to set", place, id=_ID)])
    is_place = part.isascii() and part.isdecimal() and len(part) <= MAX_PLACE_DIGITS and int(part) < len(values)
    if not is_place:
        what = f"is a list with places 0 to {len(values) - 1}" if values else "is an empty list"
        raise ConfigError([Problem(path, f"{what}; received {shown(part)}", place, id=_ID)])
    return int(part)
