"""What a user should know of a table's columns before training: their kinds, and what looks misread."""

from __future__ import annotations

import pandas as pd

from dltk.config.errors import count_of, shown
from dltk.data.tables.dates import order_of
from dltk.data.tables.numbers import Cells, is_number_column, number
from dltk.data.tables.options import TableOptions
from dltk.data.tables.spelling import comma_hint, is_date

_ALMOST = 0.5
_MAX_LISTED = 12


def column_notes(options: TableOptions, inputs: pd.DataFrame) -> list[str]:
    """Say what the columns look like in the whole file; what counts in the end are the training rows."""
    kinds: dict[str, list[str]] = {"numbers": [], "dates": [], "categories": []}
    notes = []
    for name in map(str, inputs.columns):
        cells = inputs[name].tolist()
        kind = options.kind_of(name) or _kind_of(cells)
        kinds[kind].append(name)
        if not any(cells):
            notes.append(f"column {name} is empty; drop it")
        elif kind == "categories" and options.of(name).encode != "hashing":
            notes += _category_notes(options, name, [cell for cell in cells if cell is not None])
    for title, names in kinds.items():
        more = f", ... ({len(names)} columns)" if len(names) > _MAX_LISTED else ""
        notes += [f"{title}: {', '.join(names[:_MAX_LISTED])}{more}"] if names else []
    return notes


def _kind_of(cells: Cells) -> str:
    if is_number_column(cells):
        return "numbers"
    return "categories" if order_of(cells) is None else "dates"


def _category_notes(options: TableOptions, name: str, cells: list[str]) -> list[str]:
    different, most = len(set(cells)), options.of(name).max_categories
    misread = _misread(name, cells) if options.kind_of(name) is None else ""
    if misread:
        return [misread]
    if different > max(_MAX_LISTED, _ALMOST * len(cells)):
        return [
            f"column {name} is read as categories, and {different} of {len(cells)} cells are different (such as "
            f"{shown(cells[0])}), so that they tell little of new rows; drop it, or set encode: hashing"
        ]
    if different > most:
        return [
            f"column {name} has {different} different values; all but the {most} most frequent "
            "count as one (max_categories)"
        ]
    return []


def _misread(name: str, cells: list[str]) -> str:
    """Return a note on a column that is read as categories and seems to be numbers or dates."""
    texts = [cell for cell in cells if number(cell) != number(cell)]
    if all(map(is_date, cells)):
        return (
            f"column {name} looks like dates written in several ways, or with day and month that cannot be told apart "
            f"(such as {shown(cells[0])}), and is read as categories; write them like 2026-11-28"
        )
    if hint := comma_hint(texts):
        return f"column {name} has numbers with a comma (such as {shown(texts[0])}); {hint}"
    if len(texts) < _ALMOST * len(cells):
        no_numbers = f"{count_of(len(texts), 'cell')} that {'is' if len(texts) == 1 else 'are'} no number"
        return (
            f"column {name} has {no_numbers} (such as {shown(texts[0])}) among {len(cells)}, so it is read as "
            "categories; name them in missing: if they mean no value"
        )
    return ""
