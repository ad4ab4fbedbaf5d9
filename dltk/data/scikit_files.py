"""Small data sets that lie inside scikit-learn, read without importing it: that takes longer than to train on them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from dltk.config.errors import MissingInput

Rows = np.ndarray[Any, np.dtype[np.float64]]
"""Numbers, (rows, columns)."""


def rows_of(name: str, delimiter: str | None = ",") -> Rows:
    """Return the numbers of a file, (rows, columns); those that are not compressed begin with a line of names.

    Args:
        name: Of the file, as scikit-learn has it.
        delimiter: What stands between two numbers; None is white space.

    Raises:
        MissingInput: There is no such file.
    """
    found = find_spec("sklearn")
    folder = Path("sklearn" if found is None or found.origin is None else found.origin).parent
    path = folder / "datasets" / "data" / name
    if not path.is_file():
        raise MissingInput(
            f"there is no {name} inside scikit-learn", where=str(path), do="pip install --force-reinstall scikit-learn"
        )
    names = 0 if path.suffix == ".gz" else 1
    return np.loadtxt(path, delimiter=delimiter, skiprows=names, ndmin=2)
