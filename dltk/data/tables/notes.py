"""What a user should know of a table's columns before training: their kinds, and what looks misread."""

from __future__ import annotations

import re

import pandas as pd

from dltk.config.errors import shown
from dltk.data.tables.numbers import is_number_column, number
from dltk.data.tables.options import TableOptions

_ALMOST = 0.5
_MAX_LISTED = 12
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+")


def column_notes(options: TableOptions, inputs: pd.DataFrame) -> list[str]:
    """Say what the columns look like in the whole file; what counts in the end are the training rows."""
    kinds: dict[str, list[str]] = {"numbers": [], "categories": []}
    notes = []
    for name in map(str, inputs.columns):
        cells = inputs[name].tolist()
        kind = options.kind_of(name) or ("numbers" if is_number_column(cells) else "categories")
        kinds[kind].append(name)
        if not any(cells):
            notes.append(f"column {name} is empty; drop it")
        elif kind == "categories" and options.of(name).encode != "hashing":
            notes += _category_notes(options, name, [cell for cell in cells if cell is not None])
    for title, names in kinds.items():
        more = f", ... ({len(names)} columns)" if len(names) > _MAX_LISTED else ""
        notes += [f"{title}: {', '.join(names[:_MAX_LISTED])}{more}"] if names else []
    return notes


def _category_notes(options: TableOptions, name: str, cells: list[str]) -> list[str]:
    notes = []
    different, most = len(set(cells)), options.of(name).max_categories
    texts = [cell for cell in cells if number(cell) != number(cell)]
    is_chosen = options.kind_of(name) is not None
    if not is_chosen and len(texts) < _ALMOST * len(cells):
        notes.append(
            f"column {name} has {len(texts)} cells that are no number (such as {shown(texts[0])}) "
            f"among {len(cells)}, so it is read as categories; name them in missing: if they mean no value"
        )
    if not is_chosen and all(map(_WITH_COMMA.fullmatch, texts)):
        notes.append(f'column {name} has numbers with a comma (such as {shown(texts[0])}); set decimal: ","')
    elif different > most:
        notes.append(
            f"column {name} has {different} different values; all but the {most} most frequent "
            "count as one (max_categories); drop it if it names rows"
        )
    elif different > max(_MAX_LISTED, len(cells) / 2):
        notes.append(
            f"column {name} is read as categories, and nearly every row has its own (such as {shown(cells[0])}); "
            "drop dates and names, or set encode: hashing"
        )
    return notes
