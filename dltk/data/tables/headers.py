"""Columns by name or by number: what a file without a header calls its columns, and what looks like one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from dltk.config.errors import OptionError

Place = str | Annotated[int, Field(ge=0)]
"""A column: its name, or in a file without a header its number, 0 for the first."""


def default_names(width: int) -> list[str]:
    """Return what the columns of a file without a header are called: c0, c1, ..."""
    return [f"c{i}" for i in range(width)]


def name_of(place: Place, option: str, unnamed: Sequence[str] | None) -> str:
    """Return the name of a column that may be given by its number.

    Args:
        place: The column.
        option: What names it.
        unnamed: What columns are called where the file does not say so, nothing for c0, c1, ...; None where it does.

    Raises:
        OptionError: It is a number, though columns have names.
    """
    if isinstance(place, str):
        return place
    if unnamed is None:
        raise OptionError(
            option,
            "a number, where columns have names; without a header line set header: false",
            found=str(place),
            allowed="a column's name",
        )
    return unnamed[place] if place < len(unnamed) else f"c{place}"


def is_number_name(name: str) -> bool:
    """Return whether a header's cell is a number, so that it may be a cell of data."""
    return name.strip().replace(".", "", 1).lstrip("+-").isdecimal()
