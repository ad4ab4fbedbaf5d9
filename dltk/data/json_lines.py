"""JSON Lines: a text file with one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from dltk.config.errors import DataError, listed
from dltk.config.problems import Problem
from dltk.data.places import Sheet
from dltk.data.texts.files import lines_of, place_of, read_text


def read_records(path: str, keys: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the objects of a file, or of standard input for "-", each of which must have `keys`; blank lines are none.

    Raises:
        MissingInput: There is no such file.
        DataError: Some lines are no such objects; the message names them.
    """
    records, wrong = [], []
    text = read_text(path)
    sheet = Sheet.of(place_of(path), text)
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        record = _record(line)
        lacking = sorted(set(keys) - set(record or {}))
        if record is None or lacking:
            said = f"lacks {listed(lacking)}" if record is not None else "is no JSON object"
            wrong.append(Problem((), f"this line {said}", sheet.line(number), id="DLTK-DATA-RECORD"))
        else:
            records.append(record)
    if wrong:
        raise DataError(
            f"{len(wrong)} line{'s' if len(wrong) > 1 else ''} cannot be used",
            expected="a JSON object per line" + (f", with {listed(keys)}" if keys else ""),
            problems=wrong,
        )
    return records


def _record(line: str) -> dict[str, Any] | None:
    """Return a line's JSON object, None where it is none; NaN and Infinity are no JSON."""
    try:
        value = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")
