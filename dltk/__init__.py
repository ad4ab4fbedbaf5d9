"""dltk: deep learning from a YAML file.

`import dltk; run = dltk.train("config.yaml"); run.scores; dltk.load(run).predict(["own.png"])`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dltk.experiment import Run, load, predict, train

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "load", "predict", "train"]


def __getattr__(name: str) -> Any:
    """Import the API when it is first used: `import dltk` alone needs no torch."""
    if name not in __all__:
        raise AttributeError(f"module 'dltk' has no attribute {name!r}")
    from dltk import experiment  # noqa: PLC0415 - torch is imported here, not at start-up

    return getattr(experiment, name)
