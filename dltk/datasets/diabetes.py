"""Diabetes progression of 442 patients from ten measurements (Efron et al. 2004); ships inside scikit-learn.

The measurements are in their own units: scikit-learn's scaled version was scaled with the rows to be tested on.
"""

from __future__ import annotations

import numpy as np

from dltk.data.scikit_files import Rows, rows_of
from dltk.data.tables.bundled import BundledTable
from dltk.data.tables.options import TableOptions


def _rows() -> Rows:
    files = ("diabetes_data_raw.csv.gz", "diabetes_target.csv.gz")
    return np.hstack([rows_of(name, delimiter=None) for name in files])


_DIABETES = BundledTable(
    columns=("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
    target="progression",
    load=_rows,
)


class Config(TableOptions):
    """Options of the columns."""


describe, read, prepare, restore = _DIABETES.describe, _DIABETES.read, _DIABETES.prepare, _DIABETES.restore
