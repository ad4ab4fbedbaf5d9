"""The machinery behind the commands that work with data and models, torch among it."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

EXPERIMENT = "dltk.experiment"


def load_machinery() -> None:
    """Import it once, and look for garbage neither meanwhile nor in it later: nearly all of it stays to the end."""
    if EXPERIMENT in sys.modules:
        return
    gc.disable()
    try:
        import_module(EXPERIMENT)
    finally:
        gc.enable()
    gc.freeze()
