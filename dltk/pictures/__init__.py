"""Figures for people: drawn with matplotlib, which is imported when the first one is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dltk.pictures.calibration import reliability_diagram
    from dltk.pictures.confusion import confusion_matrix
    from dltk.pictures.errors import error_scatter
    from dltk.pictures.files import png_of
    from dltk.pictures.fonts import drawable, font_note
    from dltk.pictures.labels import label_bars
    from dltk.pictures.learning import learning_curves
    from dltk.pictures.rankings import Ranking, ranking_curves
    from dltk.pictures.sprites import sprite_sheet
    from dltk.pictures.tiles import image_grid, image_grids, image_pairs

__all__ = [
    "Ranking",
    "confusion_matrix",
    "drawable",
    "error_scatter",
    "font_note",
    "image_grid",
    "image_grids",
    "image_pairs",
    "label_bars",
    "learning_curves",
    "png_of",
    "ranking_curves",
    "reliability_diagram",
    "sprite_sheet",
]

_FILES = {
    "Ranking": "rankings",
    "confusion_matrix": "confusion",
    "drawable": "fonts",
    "error_scatter": "errors",
    "font_note": "fonts",
    "image_grid": "tiles",
    "image_grids": "tiles",
    "image_pairs": "tiles",
    "label_bars": "labels",
    "learning_curves": "learning",
    "png_of": "files",
    "ranking_curves": "rankings",
    "reliability_diagram": "calibration",
    "sprite_sheet": "sprites",
}


def __getattr__(name: str) -> Any:
    """Import a figure's file when it is first used: a run without pictures needs no matplotlib."""
    if name not in _FILES:
        raise AttributeError(f"module 'dltk.pictures' has no attribute {name!r}")
    return getattr(import_module(f"dltk.pictures.{_FILES[name]}"), name)
