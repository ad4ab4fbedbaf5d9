"""The composition root: read, check, build, run. This is also what `import dltk` offers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dltk.experiment.finished import Run, load, predict
    from dltk.experiment.forking import fork
    from dltk.experiment.running import RunOptions, check, train

__all__ = ["Run", "RunOptions", "check", "fork", "load", "predict", "train"]
_PLACES = {
    "finished": ("Run", "load", "predict"),
    "forking": ("fork",),
    "running": ("RunOptions", "check", "train"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and no more: a plan needs none of it."""
    place = next((place for place, names in _PLACES.items() if name in names), None)
    if place is None:
        raise AttributeError(f"module 'dltk.experiment' has no attribute {name!r}")
    return getattr(import_module(f"dltk.experiment.{place}"), name)
