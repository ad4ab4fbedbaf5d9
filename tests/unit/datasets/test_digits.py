import torch
from sklearn.datasets import load_digits

from dltk.data.batches import Loading
from dltk.data.specs import Classes, Image
from dltk.datasets import digits


def test_digits_are_grey_images_of_ten_classes():
    spec = digits.describe(digits.Config())
    assert spec.input == Image(1, 8, 8)
    assert spec.target == Classes(tuple("0123456789"))


def test_brightness_0_to_16_becomes_0_to_255():
    train = digits.read(digits.Config()).parts["train"]
    original = torch.from_numpy(load_digits().images)
    assert train.inputs["image"].shape == (1797, 1, 8, 8)
    assert train.inputs["image"].dtype == torch.uint8
    assert train.inputs["image"].max() == 255
    torch.testing.assert_close(train.inputs["image"][:, 0].double() / 255, original / 16, atol=0.5 / 255, rtol=0)


def test_labels_are_those_of_scikit_learn_and_there_is_no_official_split():
    source = digits.read(digits.Config())
    assert list(source.parts) == ["train"]
    assert source.parts["train"].labels() == load_digits().target.tolist()


def test_a_restored_preparation_gives_the_same_batches():
    config = digits.Config(normalize="standardize")
    train = digits.read(config).parts["train"]
    fitted = digits.prepare(config, train)
    restored = digits.restore(config, fitted.state())
    before, after = (next(preparation.parse(train, Loading(32)).epoch(0)) for preparation in (fitted, restored))
    assert torch.equal(before.inputs, after.inputs)  # type: ignore[arg-type]
    assert torch.equal(before.targets, after.targets)  # type: ignore[arg-type]
