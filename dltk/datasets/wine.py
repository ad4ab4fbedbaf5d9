"""Wine: 178 wines of three growers, thirteen measurements each (Aeberhard et al. 1992); ships inside scikit-learn."""

from __future__ import annotations

from functools import partial

from dltk.data.scikit_files import rows_of
from dltk.data.tables.bundled import BundledTable
from dltk.data.tables.options import TableOptions

_WINE = BundledTable(
    columns=(
        *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids"),
        *("nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315", "proline"),
    ),
    target="grower",
    load=partial(rows_of, "wine_data.csv"),
    classes=("first", "second", "third"),
)


class Config(TableOptions):
    """Options of the columns."""


describe, read, prepare, restore = _WINE.describe, _WINE.read, _WINE.prepare, _WINE.restore
