"""Iris: 150 flowers of three species, four measurements in centimetres (Fisher 1936); ships inside scikit-learn."""

from __future__ import annotations

from functools import partial

from dltk.data.scikit_files import rows_of
from dltk.data.tables.bundled import BundledTable
from dltk.data.tables.options import TableOptions

_IRIS = BundledTable(
    columns=("sepal_length", "sepal_width", "petal_length", "petal_width"),
    target="species",
    load=partial(rows_of, "iris.csv"),
    classes=("setosa", "versicolor", "virginica"),
)


class Config(TableOptions):
    """Options of the columns."""


describe, read, prepare, restore = _IRIS.describe, _IRIS.read, _IRIS.prepare, _IRIS.restore
