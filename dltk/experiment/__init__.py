"""The composition root: read, check, build, run. This is also what `import dltk` offers."""

from dltk.experiment.finished import Run, load, predict
from dltk.experiment.forking import fork
from dltk.experiment.running import RunOptions, check, train

__all__ = ["Run", "RunOptions", "check", "fork", "load", "predict", "train"]
