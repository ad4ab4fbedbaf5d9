"""Iris: 150 flowers of three species, four measurements each (Fisher 1936); ships inside scikit-learn."""

from __future__ import annotations

from sklearn.datasets import load_iris

from dltk.config.settings import Settings
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Column, Spec, Table
from dltk.data.table_columns import Encoding, Scaling
from dltk.data.table_targets import ClassTarget
from dltk.data.tables import TABLE, TablePreparation, text_table

_COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
_TARGET = ClassTarget("species", ("setosa", "versicolor", "virginica"))


class Config(Settings):
    """Options of the data."""

    scaling: Scaling = "standard"
    """How centimetres are scaled, by the training rows: mean 0 and deviation 1 (standard), 0..1 (minmax), or none."""


def describe(config: Config) -> Spec:  # noqa: ARG001
    """Return four columns and three species."""
    return Spec({TABLE: Table(tuple(Column(name) for name in _COLUMNS))}, {_TARGET.name: Classes(_TARGET.names)})


def read(config: Config) -> Source:  # noqa: ARG001
    """Return all rows, in centimetres; there is no official split."""
    iris = load_iris()
    columns = dict(zip(_COLUMNS, iris.data.T.tolist(), strict=True))
    species = [_TARGET.names[code] for code in iris.target]
    return Source({"train": text_table(columns, {_TARGET.name: species}, stratify=_TARGET.name)})


def prepare(config: Config, train: Columns) -> TablePreparation:
    """Fit the scaling."""
    return TablePreparation.fit(train, _TARGET, Encoding(config.scaling))


def restore(config: Config, state: State) -> TablePreparation:  # noqa: ARG001
    """Rebuild a preparation."""
    return TablePreparation.restore(state)
