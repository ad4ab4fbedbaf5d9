"""Iris: 150 flowers of three species, four measurements in centimetres (Fisher 1936); ships inside scikit-learn."""

from __future__ import annotations

from sklearn.datasets import load_iris

from dltk.data.tables.bundled import BundledTable
from dltk.data.tables.options import TableOptions

_IRIS = BundledTable(
    columns=("sepal_length", "sepal_width", "petal_length", "petal_width"),
    target="species",
    load=load_iris,
    classes=("setosa", "versicolor", "virginica"),
)


class Config(TableOptions):
    """Options of the columns."""


describe, read, prepare, restore = _IRIS.describe, _IRIS.read, _IRIS.prepare, _IRIS.restore
