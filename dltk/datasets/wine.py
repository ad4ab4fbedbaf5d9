"""Wine: 178 wines of three growers, thirteen measurements each (Aeberhard et al. 1992); ships inside scikit-learn."""

from __future__ import annotations

from sklearn.datasets import load_wine

from dltk.config.settings import Settings
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Column, Spec, Table
from dltk.data.table_columns import Encoding, Scaling
from dltk.data.table_targets import ClassTarget
from dltk.data.tables import TABLE, TablePreparation, text_table

_COLUMNS = (
    *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids"),
    *("nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315", "proline"),
)
_TARGET = ClassTarget("grower", ("first", "second", "third"))


class Config(Settings):
    """Options of the data."""

    scaling: Scaling = "standard"
    """How columns are scaled, by the training rows: mean 0 and deviation 1 (standard), 0..1 (minmax), or none."""


def describe(config: Config) -> Spec:  # noqa: ARG001
    """Return thirteen columns and three growers."""
    return Spec({TABLE: Table(tuple(Column(name) for name in _COLUMNS))}, {_TARGET.name: Classes(_TARGET.names)})


def read(config: Config) -> Source:  # noqa: ARG001
    """Return all rows in their own units; there is no official split."""
    wine = load_wine()
    columns = dict(zip(_COLUMNS, wine.data.T.tolist(), strict=True))
    growers = [_TARGET.names[code] for code in wine.target]
    return Source({"train": text_table(columns, {_TARGET.name: growers}, stratify=_TARGET.name)})


def prepare(config: Config, train: Columns) -> TablePreparation:
    """Fit the scaling."""
    return TablePreparation.fit(train, _TARGET, Encoding(config.scaling))


def restore(config: Config, state: State) -> TablePreparation:  # noqa: ARG001
    """Rebuild a preparation."""
    return TablePreparation.restore(state)
