"""Make the golden run of this release."""

import dltk
from tests.golden_runs import FOLDER, make

make(FOLDER / dltk.__version__)
