"""What a user should know of a table's columns before training: their kinds, and what looks misread."""

from __future__ import annotations

from itertools import compress, islice

import numpy as np

from dltk.config.errors import count_of, shown
from dltk.data.tables.dates import order_of
from dltk.data.tables.frames import Frame, cells_of
from dltk.data.tables.numbers import Cells, absent, is_number_column, numbers_of
from dltk.data.tables.options import TableOptions
from dltk.data.tables.spelling import comma_hint, is_date
from dltk.data.tables.tallies import num_different

_ALMOST = 0.5
_MAX_LISTED = 12
_MANY = 1000


def column_notes(options: TableOptions, inputs: Frame) -> list[str]:
    """Say what the columns look like in the whole file; what counts in the end are the training rows."""
    kinds: dict[str, list[str]] = {"numbers": [], "dates": [], "categories": []}
    notes = []
    for name in map(str, inputs.columns):
        cells = cells_of(inputs, name)
        kind = options.kind_of(name) or _kind_of(cells)
        kinds[kind].append(name)
        if not any(cells):
            notes.append(f"column {name} is empty; drop it")
        elif kind == "categories" and options.of(name).encode != "hashing":
            notes += _category_notes(options, name, cells)
    for title, names in kinds.items():
        more = f", ... ({len(names)} columns)" if len(names) > _MAX_LISTED else ""
        notes += [f"{title}: {', '.join(names[:_MAX_LISTED])}{more}"] if names else []
    return notes


def _kind_of(cells: Cells) -> str:
    if is_number_column(cells):
        return "numbers"
    return "categories" if order_of(cells) is None else "dates"


def _category_notes(options: TableOptions, name: str, cells: Cells) -> list[str]:
    different, most = num_different(cells), options.of(name).max_categories
    num_known = len(cells) - int(absent(cells).sum())
    misread = _misread(name, cells, num_known) if options.kind_of(name) is None else ""
    if misread:
        return [misread]
    if different > max(_MAX_LISTED, _ALMOST * num_known):
        first = next(cell for cell in cells if cell is not None)
        return [
            f"column {name} is read as categories, and {different} of {num_known} cells are different (such as "
            f"{shown(first)}), so that they tell little of new rows; drop it, or set encode: hashing"
        ]
    if different > most:
        return [
            f"column {name} has {different} different values; all but the {most} most frequent "
            "count as one (max_categories)"
        ]
    return []


def _misread(name: str, cells: Cells, num_known: int) -> str:
    """Return a note on a column that is read as categories and seems to be numbers or dates."""
    is_text = np.isnan(numbers_of(cells)) & ~absent(cells)
    texts = [str(cell) for cell in islice(compress(cells, is_text), _MANY)]
    if all(cell is None or is_date(cell) for cell in cells):
        first = next(cell for cell in cells if cell is not None)
        return (
            f"column {name} looks like dates written in several ways, or with day and month that cannot be told apart "
            f"(such as {shown(first)}), and is read as categories; write them like 2026-11-28"
        )
    if hint := comma_hint(texts):
        return f"column {name} has numbers with a comma (such as {shown(texts[0])}); {hint}"
    num_texts = int(is_text.sum())
    if num_texts < _ALMOST * num_known:
        no_numbers = f"{count_of(num_texts, 'cell')} that {'is' if num_texts == 1 else 'are'} no number"
        return (
            f"column {name} has {no_numbers} (such as {shown(texts[0])}) among {num_known}, so it is read as "
            "categories; name them in missing: if they mean no value"
        )
    return ""
