"""Figures as PNG files."""

from __future__ import annotations

import io
import math

import numpy as np
import PIL.Image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

DOTS_PER_INCH = 100
MARGIN_INCHES = 0.1


def png_of(figure: Figure) -> bytes:
    """Return a figure as PNG bytes, cut or grown to what is drawn on it."""
    figure.set_dpi(DOTS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn = figure.get_tightbbox(canvas.get_renderer())  # type: ignore[no-untyped-call]
    buffer = io.BytesIO()
    if not _lies_within(drawn, figure.bbox_inches):
        # Draws twice more: figures that nothing sticks out of are cut from what is drawn already.
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", pad_inches=MARGIN_INCHES)
        return buffer.getvalue()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    left, bottom, right, top = (DOTS_PER_INCH * edge for edge in drawn.padded(MARGIN_INCHES).extents)
    rows = slice(max(0, math.floor(len(pixels) - top)), math.ceil(len(pixels) - bottom))
    kept = pixels[rows, max(0, math.floor(left)) : math.ceil(right)]
    PIL.Image.fromarray(np.ascontiguousarray(kept)).save(buffer, "PNG")
    return buffer.getvalue()


def _lies_within(part: Bbox, whole: Bbox) -> bool:
    left, bottom, right, top = whole.extents
    return bool(left <= part.x0 and bottom <= part.y0 and part.x1 <= right and part.y1 <= top)
