"""The machinery behind the commands that work with data and models: torch."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

TORCH = "torch"


def load_machinery() -> None:
    """Import it once, and look for garbage neither meanwhile nor in it later: nearly all of it stays to the end."""
    if TORCH in sys.modules:
        return
    gc.disable()
    try:
        import_module(TORCH)
    finally:
        gc.enable()
    gc.freeze()
