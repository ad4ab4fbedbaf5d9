"""A figure becomes a PNG file of what is drawn on it."""

import io

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from dltk import pictures
from dltk.pictures.files import DOTS_PER_INCH, MARGIN_INCHES, png_of

MARGIN = MARGIN_INCHES * DOTS_PER_INCH


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def edges(image):
    """Return the first and last row and column that are not white, counted from the border they are near."""
    dark = (image < 250).any(2)
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    return rows[0], len(image) - 1 - rows[-1], columns[0], image.shape[1] - 1 - columns[-1]


def test_empty_margins_are_cut():
    figure = Figure(figsize=(4, 4))
    figure.text(0.5, 0.5, "in the middle", ha="center")
    image = pixels(png_of(figure))
    assert image.shape[1] < 200
    assert all(edge <= 2 * MARGIN for edge in edges(image))


def test_what_sticks_out_is_kept():
    figure = Figure(figsize=(2, 2))
    figure.text(0.9, 0.5, "far beyond the right edge", size=20)
    image = pixels(png_of(figure))
    assert image.shape[1] > 200
    assert all(edge >= MARGIN - 2 for edge in edges(image))


def test_a_picture_is_the_same_as_matplotlibs_own_but_for_its_margin():
    def figure():
        return pictures.confusion_matrix(torch.arange(9).view(3, 3), ["a", "b", "c"], "title")

    buffer = io.BytesIO()
    figure().savefig(buffer, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight")
    own, other = pixels(png_of(figure())), pixels(buffer.getvalue())
    inner = []
    for image in (own, other):
        top, bottom, left, right = edges(image)
        inner.append(image[top : len(image) - bottom, left : image.shape[1] - right])
    assert np.abs(np.subtract(inner[0].shape, inner[1].shape)).max() <= 2
    height, width = (min(one, two) for one, two in zip(*(image.shape[:2] for image in inner), strict=True))
    colours = [image[:height, :width].reshape(-1, 3).mean(0) for image in inner]
    assert np.abs(colours[0] - colours[1]).max() < 1
