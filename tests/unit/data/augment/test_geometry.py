"""Moved, turned and scaled images against torchvision, and by hand."""

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from dltk.data.augment import geometry

IMAGES = torch.rand(4, 3, 12, 17, generator=torch.Generator().manual_seed(0))
BILINEAR = InterpolationMode.BILINEAR


def test_only_the_chosen_images_are_mirrored():
    chosen = torch.tensor([True, False, True, False])
    for axis, mirrored in ((3, tv.horizontal_flip(IMAGES)), (2, tv.vertical_flip(IMAGES))):
        flipped = geometry.flipped(IMAGES, chosen, axis)
        assert torch.equal(flipped[chosen], mirrored[chosen])
        assert torch.equal(flipped[~chosen], IMAGES[~chosen])


@pytest.mark.parametrize(("mode", "torchvisions"), [("zero", "constant"), ("reflect", "reflect")])
def test_padded_crops_are_torchvisions_at_each_samples_own_place(mode, torchvisions):
    offsets = torch.tensor([[0, 0], [6, 6], [3, 3], [1, 5]])
    cropped = geometry.cropped(IMAGES, 3, mode, offsets)
    padded = tv.pad(IMAGES, [3], padding_mode=torchvisions)
    for i, (top, left) in enumerate(offsets.tolist()):
        assert torch.equal(cropped[i], tv.crop(padded[i], top, left, 12, 17))
    assert torch.equal(cropped[2], IMAGES[2])


@pytest.mark.parametrize("degrees", [-170.0, -30.0, 0.0, 15.0, 90.0])
def test_rotations_are_torchvisions(degrees):
    found = geometry.warped(IMAGES, geometry.rotations(torch.full((4,), degrees)))
    assert torch.allclose(found, tv.rotate(IMAGES, degrees, BILINEAR), atol=1e-4)


def test_a_quarter_turn_goes_counter_clockwise():
    square = IMAGES[..., :12]
    found = geometry.warped(square, geometry.rotations(torch.full((4,), 90.0)))
    assert torch.allclose(found, torch.rot90(square, 1, (2, 3)), atol=1e-4)


@pytest.mark.parametrize(
    ("matrices", "options"),
    [
        (geometry.translations(torch.tensor([3.0]), torch.tensor([-2.0])), {"translate": [3, -2]}),
        (geometry.zooms(torch.tensor([1.7])), {"scale": 1.7}),
        (geometry.zooms(torch.tensor([0.6])), {"scale": 0.6}),
        (geometry.shears(torch.tensor([20.0])), {"shear": [20.0, 0.0]}),
    ],
)
def test_affine_changes_are_torchvisions(matrices, options):
    asked = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0], **options}
    expected = tv.affine(IMAGES, interpolation=BILINEAR, **asked)
    assert torch.allclose(geometry.warped(IMAGES, matrices.expand(4, 3, 3)), expected, atol=1e-4)


def test_a_shift_moves_right_and_down_and_leaves_black_behind():
    moved = geometry.warped(IMAGES, geometry.translations(torch.full((4,), 2.0), torch.full((4,), 1.0)))
    assert torch.allclose(moved[:, :, 1:, 2:], IMAGES[:, :, :-1, :-2], atol=1e-5)
    assert moved[:, :, 0].abs().max() < 1e-5
    assert moved[..., :2].abs().max() < 1e-5


def test_a_product_is_one_change_after_another():
    turn = geometry.rotations(torch.full((4,), 90.0))
    shift = geometry.translations(torch.full((4,), 2.0), torch.zeros(4))
    square = IMAGES[..., :12]
    both = geometry.warped(square, turn @ shift)
    assert torch.allclose(both, geometry.warped(geometry.warped(square, turn), shift), atol=1e-4)


def test_every_sample_is_moved_in_its_own_way():
    degrees = torch.tensor([0.0, 10.0, -80.0, 123.0])
    found = geometry.warped(IMAGES, geometry.rotations(degrees))
    for i, angle in enumerate(degrees.tolist()):
        assert torch.allclose(found[i], tv.rotate(IMAGES[i], angle, BILINEAR), atol=1e-4)
