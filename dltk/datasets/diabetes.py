"""Diabetes progression of 442 patients from ten measurements (Efron et al. 2004); ships inside scikit-learn."""

from __future__ import annotations

from sklearn.datasets import load_diabetes

from dltk.config.settings import Settings
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Column, Numbers, Spec, Table
from dltk.data.table_columns import Encoding, Scaling
from dltk.data.table_targets import fit_target
from dltk.data.tables import TABLE, TablePreparation, text_table

_COLUMNS = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
_TARGET = "progression"


class Config(Settings):
    """Options of the data."""

    scaling: Scaling = "standard"
    """How columns are scaled, by the training rows: mean 0 and deviation 1 (standard), 0..1 (minmax), or none."""


def describe(config: Config) -> Spec:  # noqa: ARG001
    """Return ten columns and one number, the progression one year after the measurements."""
    return Spec({TABLE: Table(tuple(Column(name) for name in _COLUMNS))}, {_TARGET: Numbers((_TARGET,))})


def read(config: Config) -> Source:  # noqa: ARG001
    """Return all rows in their own units: scikit-learn's scaled version was scaled with the rows to be tested on."""
    diabetes = load_diabetes(scaled=False)
    columns = dict(zip(_COLUMNS, diabetes.data.T.tolist(), strict=True))
    return Source({"train": text_table(columns, {_TARGET: diabetes.target.tolist()})})


def prepare(config: Config, train: Columns) -> TablePreparation:
    """Fit the scaling of columns and target."""
    return TablePreparation.fit(train, fit_target("numbers", train.targets, train.names), Encoding(config.scaling))


def restore(config: Config, state: State) -> TablePreparation:  # noqa: ARG001
    """Rebuild a preparation."""
    return TablePreparation.restore(state)
