"""Files inside scikit-learn are read as they are, and it is not imported for that."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_wine

from dltk.config.errors import MissingInput
from dltk.data.scikit_files import rows_of


def test_the_numbers_are_those_that_scikit_learn_reads():
    wine, digits = load_wine(), load_digits()
    assert (rows_of("wine_data.csv") == np.column_stack([wine.data, wine.target])).all()
    assert (rows_of("digits.csv.gz") == np.column_stack([digits.data, digits.target])).all()
    assert (rows_of("diabetes_data_raw.csv.gz", None) == load_diabetes(scaled=False).data).all()
    assert rows_of("diabetes_target.csv.gz", None).shape == (442, 1)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(MissingInput, match=r"there is no flowers\.csv inside scikit-learn"):
        rows_of("flowers.csv")


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_reading_a_bundled_data_set_imports_no_scikit_learn(name):
    program = f"import sys, dltk.datasets.{name} as d; d.read(d.Config()); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
