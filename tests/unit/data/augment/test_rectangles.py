"""Rectangles to erase or replace: their areas, shapes and places."""

import pytest
import torch

from dltk.data.augment.draws import uniforms
from dltk.data.augment.rectangles import ATTEMPTS, cut_rectangles, erased_rectangles, inside


def sides(rectangles):
    return rectangles.any(2).sum(1), rectangles.any(1).sum(1)


def test_bounds_are_half_open():
    (found,) = inside((4, 5), *(torch.tensor([bound]) for bound in (1.0, 3.0, 0.0, 2.0)))
    assert found.int().tolist() == [[0] * 5, [1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0] * 5]


def test_erased_parts_have_the_areas_and_ratios_that_are_asked_for():
    rectangles = erased_rectangles(uniforms(0, torch.arange(500), 2 + 2 * ATTEMPTS), (60, 80), (0.1, 0.3), (0.5, 2.0))
    areas, (heights, widths) = rectangles.float().mean((1, 2)), sides(rectangles)
    assert torch.allclose(areas * 4800, (heights * widths).float())
    assert areas.min() > 0.09
    assert areas.max() < 0.31
    assert areas.mean() == pytest.approx(0.2, abs=0.01)
    ratios = heights / widths
    assert ratios.min() > 0.45
    assert ratios.max() < 2.1
    assert ratios.log().mean() == pytest.approx(0, abs=0.06)
    covered = rectangles.float().mean(0)
    assert covered[30, 40] > 0.3 > covered[:5].mean() > 0


def test_where_no_rectangle_fits_nothing_is_covered():
    long = erased_rectangles(uniforms(0, torch.arange(50), 2 + 2 * ATTEMPTS), (10, 10), (0.5, 0.9), (50.0, 60.0))
    assert not long.any()


def test_cut_parts_are_the_share_but_for_what_the_border_cuts():
    centre = torch.tensor([[0.5, 0.5], [0.0, 0.0]])
    middle, corner = cut_rectangles(centre, (20, 40), torch.tensor([0.25, 0.25]))
    assert middle.float().mean().item() == 0.25
    assert [bool(middle[i, j]) for i, j in ((5, 10), (14, 29), (4, 10), (15, 29), (5, 9))] == [True] * 2 + [False] * 3
    assert corner.float().mean().item() == 0.25 / 4
    assert not cut_rectangles(centre, (20, 40), torch.zeros(2)).any()
    assert cut_rectangles(centre[:1], (20, 40), torch.ones(1)).all()
