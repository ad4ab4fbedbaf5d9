"""Breast cancer: 569 tumours, benign or malignant, thirty measurements of cell nuclei (Street et al. 1993).

Ships inside scikit-learn. Each of ten measurements of the nuclei in an image stands there as mean, error and worst.
"""

from __future__ import annotations

from functools import partial

from dltk.data.scikit_files import rows_of
from dltk.data.tables.bundled import BundledTable
from dltk.data.tables.options import TableOptions

_MEASURES = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave_points", "symmetry", "fractal_dimension"),
)
_BREAST_CANCER = BundledTable(
    columns=[
        *(f"mean_{name}" for name in _MEASURES),
        *(f"{name}_error" for name in _MEASURES),
        *(f"worst_{name}" for name in _MEASURES),
    ],
    target="diagnosis",
    load=partial(rows_of, "breast_cancer.csv"),
    classes=("malignant", "benign"),
)


class Config(TableOptions):
    """Options of the columns."""


describe, read = _BREAST_CANCER.describe, _BREAST_CANCER.read
prepare, restore = _BREAST_CANCER.prepare, _BREAST_CANCER.restore
