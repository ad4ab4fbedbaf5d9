"""Changed colours against torchvision on the same factors."""

import pytest
import torch
from torchvision.transforms.v2 import functional as tv

from dltk.data.augment import colour

IMAGES = torch.rand(5, 3, 6, 7, generator=torch.Generator().manual_seed(0))
IMAGES[4] = 0.25  # a grey image has no hue
FACTORS = torch.tensor([0.0, 0.5, 1.0, 1.6, 3.0])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (colour.brightened, tv.adjust_brightness),
        (colour.contrasted, tv.adjust_contrast),
        (colour.saturated, tv.adjust_saturation),
    ],
)
def test_each_image_gets_torchvisions_change_by_its_own_factor(ours, theirs):
    expected = torch.stack([theirs(image, factor) for image, factor in zip(IMAGES, FACTORS.tolist(), strict=True)])
    assert torch.allclose(ours(IMAGES, FACTORS), expected, atol=1e-5)


def test_hues_turn_as_torchvisions():
    shifts = torch.tensor([-0.5, -0.1, 0.0, 0.2, 0.5])
    expected = torch.stack([tv.adjust_hue(image, shift) for image, shift in zip(IMAGES, shifts.tolist(), strict=True)])
    assert torch.allclose(colour.hue_shifted(IMAGES, shifts), expected, atol=1e-5)


def test_the_chosen_images_lose_their_colour():
    chosen = torch.tensor([True, False, True, False, True])
    greyed = colour.greyed(IMAGES, chosen)
    expected = tv.rgb_to_grayscale(IMAGES, num_output_channels=3)
    assert torch.allclose(greyed[chosen], expected[chosen], atol=1e-3)
    assert torch.equal(greyed[~chosen], IMAGES[~chosen])


def test_contrast_of_grey_images_is_about_their_mean():
    grey = IMAGES[:, :1]
    expected = torch.stack([tv.adjust_contrast(image, f) for image, f in zip(grey, FACTORS.tolist(), strict=True)])
    assert torch.allclose(colour.contrasted(grey, FACTORS), expected, atol=1e-5)


def test_noise_leaves_no_value_outside_black_and_white():
    noisy = colour.noisy(IMAGES, torch.full_like(IMAGES, 0.6))
    assert torch.equal(noisy, (IMAGES + 0.6).clamp(max=1))
