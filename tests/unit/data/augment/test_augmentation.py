"""Augmentation: each sample varies by what it is and when, on its own, and mixed samples are mixed classes."""

from typing import Any

import pytest
import torch

from dltk.config.augmentation import NAMES
from dltk.config.errors import OptionError
from dltk.config.sections import DataOptions
from dltk.data.augment import colour, geometry
from dltk.data.augment.augmentation import Augmentation, problems_of
from dltk.data.batches import Place
from dltk.data.specs import Boxes, Classes, Image, Numbers, Spec, Vector

THREE = Classes(("a", "b", "c"))
COLOUR = Spec({"image": Image(3, 12, 16)}, {"y": THREE})
IMAGES = torch.rand(40, 3, 12, 16, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40) % 3
ON_THEIR_OWN = sorted({*NAMES} - {"mixup", "cutmix"})


def transforms(*listed: Any) -> Any:
    return DataOptions.parse({"augment": listed}).augment


def augmentation_of(spec: Spec, *listed: Any, seed: int = 0) -> Any:
    return Augmentation(transforms(*listed), spec, seed)


def varied(listed: Any, indices: Any, epoch: int = 0, batch: int = 0, seed: int = 0, spec: Spec = COLOUR) -> Any:
    indices = torch.as_tensor(indices)
    augmentation = augmentation_of(spec, *listed, seed=seed)
    inputs, targets = augmentation({"image": IMAGES[indices]}, {"y": LABELS[indices]}, Place(epoch, batch, indices))
    return inputs["image"], targets["y"]


@pytest.mark.parametrize("name", ON_THEIR_OWN)
def test_a_sample_varies_by_itself_epoch_and_seed_alone(name):
    whole, labels = varied([name], range(40))
    alone = torch.cat([varied([name], [i], batch=3)[0] for i in (7, 31)])
    assert torch.allclose(whole[[7, 31]], alone, atol=1e-6)
    assert not torch.equal(whole, IMAGES)
    assert not torch.equal(whole, varied([name], range(40), epoch=1)[0])
    assert not torch.equal(whole, varied([name], range(40), seed=1)[0])
    assert torch.equal(labels, LABELS)


@pytest.mark.parametrize("name", NAMES)
def test_images_stay_images(name):
    images, _ = varied([name], range(40))
    assert (images.shape, images.dtype) == (IMAGES.shape, torch.float32)
    assert images.min() >= -1e-5
    assert images.max() <= 1 + 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_the_same_call_gives_the_same_bits(name):
    torch.manual_seed(1)
    first = varied([name, name], range(40), epoch=2, batch=1)
    torch.manual_seed(2)
    assert all(torch.equal(*pair) for pair in zip(first, varied([name, name], range(40), 2, 1), strict=True))


def test_a_transform_that_is_listed_twice_draws_twice():
    once, _ = varied(["horizontal_flip"], range(40))
    twice, _ = varied(["horizontal_flip", "horizontal_flip"], range(40))
    assert not torch.equal(once, twice)


def test_half_of_the_images_are_mirrored_and_the_others_are_not():
    images, _ = varied(["horizontal_flip"], range(40))
    is_same = (images == IMAGES).flatten(1).all(1)
    assert 10 < is_same.sum() < 30
    assert torch.equal(images[~is_same], IMAGES[~is_same].flip(3))
    assert torch.equal(varied([{"name": "vertical_flip", "probability": 1}], range(40))[0], IMAGES.flip(2))
    assert torch.equal(varied([{"name": "vertical_flip", "probability": 0}], range(40))[0], IMAGES)


def test_crops_come_from_every_place_alike():
    augmentation = augmentation_of(COLOUR, {"name": "crop", "padding": 1})
    same = IMAGES[:1].expand(1800, 3, 12, 16)
    inputs, _ = augmentation({"image": same}, {}, Place(0, 0, torch.arange(1800)))
    _, counts = torch.unique(inputs["image"][:, 0, 5, 5], return_counts=True)
    assert len(counts) == 9
    assert (counts - 200).abs().max() < 50
    assert (varied([{"name": "crop", "mode": "reflect"}], range(40))[0] > 0).all()


def test_changes_of_place_that_follow_each_other_resample_once(monkeypatch):
    calls = []
    warped = geometry.warped

    def counted(*given: Any) -> torch.Tensor:
        calls.append(given)
        return warped(*given)

    monkeypatch.setattr(geometry, "warped", counted)
    varied(["rotation", "zoom", "translation", "brightness", "shear"], range(40))
    assert len(calls) == 2


def test_several_images_of_a_sample_change_alike():
    spec = Spec({"left": Image(3, 12, 16), "right": Image(3, 12, 16)}, {})
    augmentation = augmentation_of(spec, "rotation", "crop", "hue", "erasing")
    inputs = {"left": IMAGES, "right": IMAGES, "ids": torch.arange(40)}
    found, _ = augmentation(inputs, {}, Place(0, 0, torch.arange(40)))
    assert torch.equal(found["left"], found["right"])
    assert torch.equal(found["ids"], torch.arange(40))


def test_factors_are_at_most_the_amount_away_from_one():
    white = torch.full((40, 3, 12, 16), 0.5)
    augmentation = augmentation_of(COLOUR, {"name": "brightness", "amount": 0.4})
    inputs, _ = augmentation({"image": white}, {}, Place(0, 0, torch.arange(40)))
    factors = inputs["image"][:, 0, 0, 0] / 0.5
    assert 0.6 <= factors.min() < 0.75
    assert 1.25 < factors.max() <= 1.4


def mixed(name: str, batch: int = 0) -> Any:
    """Mix forty samples that are of forty classes: row i of the shares says of what sample i consists."""
    forty = Spec(COLOUR.inputs, {"y": Classes(tuple(str(i) for i in range(40)))})
    augmentation = augmentation_of(forty, {"name": name, "alpha": 1.0})
    place = Place(0, batch, torch.arange(40))
    inputs, targets = augmentation({"image": IMAGES}, {"y": torch.arange(40)}, place)
    return inputs["image"], targets["y"]


def test_mixup_blends_pixels_and_classes_in_equal_shares():
    images, shares = mixed("mixup")
    assert (shares.shape, shares.dtype) == ((40, 40), torch.float32)
    assert torch.allclose(shares.sum(1), torch.ones(40))
    assert ((shares > 0).sum(1) <= 2).all()
    assert torch.allclose(images.flatten(1), shares @ IMAGES.flatten(1), atol=1e-5)
    assert shares.diag().mean().item() == pytest.approx(0.5, abs=0.15)


def test_cutmix_replaces_a_rectangle_and_mixes_classes_by_its_area():
    images, shares = mixed("cutmix")
    is_own = (images == IMAGES).all(1)
    assert torch.allclose(shares.sum(1), torch.ones(40))
    for i, partner in enumerate((shares - 2 * torch.eye(40)).argmax(1).tolist()):
        replaced = ~is_own[i]
        assert replaced.sum() == replaced.any(1).sum() * replaced.any(0).sum()
        assert torch.equal(images[i, :, replaced], IMAGES[partner, :, replaced])
        if shares[i, partner] > 0:
            assert shares[i, i].item() == pytest.approx(is_own[i].float().mean().item(), abs=1e-6)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_the_share_of_a_sample_is_its_own_and_its_partner_the_batchs(name):
    (_, first), (_, second) = (mixed(name, batch) for batch in (0, 1))
    assert not torch.equal(first, second)
    is_alone = (first.diag() == 1) | (second.diag() == 1)
    assert is_alone.sum() < 20
    assert torch.equal(first.diag()[~is_alone], second.diag()[~is_alone])


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_that_is_unlikely_leaves_most_samples_alone(name):
    images, shares = varied([{"name": name, "alpha": 1.0, "probability": 0.2}], range(40))
    is_same = (images == IMAGES).flatten(1).all(1)
    assert 22 < is_same.sum() < 40
    assert torch.equal(shares[is_same].argmax(1), LABELS[is_same])
    assert (shares[is_same].amax(1) == 1).all()


def test_mixed_samples_can_be_mixed_again():
    _, shares = varied(["mixup", "cutmix"], range(40))
    assert torch.allclose(shares.sum(1), torch.ones(40))
    assert (shares > 0).sum(1).max() == 3


def test_two_classes_become_two_shares_and_labels_are_mixed_as_they_are():
    two = augmentation_of(Spec(COLOUR.inputs, {"y": Classes(("no", "yes"))}), "mixup")
    many = augmentation_of(Spec(COLOUR.inputs, {"y": Classes(("x", "y"), multi_label=True)}), "mixup")
    place = Place(0, 0, torch.arange(40))
    _, shares = two({"image": IMAGES}, {"y": LABELS % 2}, place)
    labels = torch.stack([LABELS % 2, torch.ones(40)], 1)
    _, mixed = many({"image": IMAGES}, {"y": labels}, place)
    assert shares["y"].shape == (40, 2)
    assert torch.allclose(shares["y"][:, 1], mixed["y"][:, 0], atol=1e-6)
    assert torch.allclose(mixed["y"][:, 1], torch.ones(40))


def problems(listed: Any, spec: Spec) -> list[str]:
    return [str(problem) for problem in problems_of(transforms(*listed), spec)]


def test_every_transform_suits_colour_images_with_classes():
    assert problems(NAMES, COLOUR) == []
    assert problems([], Spec({"x": Vector(3)}, {})) == []


def test_what_cannot_be_varied_is_refused_with_its_place():
    vectors = Spec({"x": Vector(3)}, {"y": THREE})
    assert problems(["crop", "hue"], vectors) == ["augment: varies images; these data give vectors; leave it out"]
    grey = Spec({"image": Image(1, 8, 8)}, {"y": THREE})
    assert problems(["contrast", "hue", {"name": "crop", "padding": 8}], grey) == [
        "augment.1: hue changes colours; these images have 1 channel",
        "augment.2.padding: must be below the 8 pixels of the shorter side; received 8",
    ]
    numbers = Spec(COLOUR.inputs, {"y": Numbers(("size",))})
    assert problems(["rotation", "mixup"], numbers) == ["augment.1: mixup mixes classes; these data ask for numbers"]
    assert problems(["cutmix"], Spec(COLOUR.inputs, {})) == [
        "augment.0: cutmix mixes classes; these data ask for nothing"
    ]
    assert problems(["mixup"], Spec({**COLOUR.inputs, "x": Vector(3)}, {"y": THREE})) == [
        "augment.0: mixup mixes data with one image as their only input"
    ]
    assert problems(["hue", "horizontal_flip"], Spec(COLOUR.inputs, {"y": Boxes(("cat",))})) == [
        "augment.1: horizontal_flip would move the image but not the boxes on it"
    ]


@pytest.mark.parametrize("stored", [(IMAGES * 255).byte(), list(IMAGES), IMAGES[:, 0]])
def test_images_in_another_form_are_refused(stored):
    with pytest.raises(OptionError, match="needs the images 'image' as floats from 0 to 1"):
        augmentation_of(COLOUR, "crop")({"image": stored}, {}, Place(0, 0, torch.arange(40)))


def test_noise_has_the_deviation_that_is_asked_for():
    grey = torch.full((40, 3, 12, 16), 0.5)
    augmentation = augmentation_of(COLOUR, {"name": "noise", "deviation": 0.1})
    inputs, _ = augmentation({"image": grey}, {}, Place(0, 0, torch.arange(40)))
    assert inputs["image"].std().item() == pytest.approx(0.1, rel=0.03)


def test_erased_parts_are_black_or_noise():
    for fill, expected in (("zero", 0.0), ("noise", 0.5)):
        images, _ = varied([{"name": "erasing", "probability": 1, "fill": fill}], range(40))
        erased = (images != IMAGES).any(1, keepdim=True).expand_as(images)
        assert images[erased].mean().item() == pytest.approx(expected, abs=0.03)
        assert erased.flatten(1).any(1).sum() > 35


def test_grey_versions_are_drawn_per_image():
    images, _ = varied([{"name": "grayscale", "probability": 0.5}], range(40))
    is_grey = torch.isclose(images, colour.grey(images), atol=1e-3).flatten(1).all(1)
    assert 10 < is_grey.sum() < 30


@pytest.mark.parametrize("name", NAMES)
def test_everything_happens_on_the_device_of_the_batch(name):
    place = Place(0, 0, torch.arange(40, device="meta"))
    inputs = {"image": IMAGES.to("meta")}
    varied_inputs, targets = augmentation_of(COLOUR, name)(inputs, {"y": LABELS.to("meta")}, place)
    assert (varied_inputs["image"].device.type, targets["y"].device.type) == ("meta", "meta")
