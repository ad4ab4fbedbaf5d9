"""Options of augmentation: a name or a mapping, checked with its place in the list."""

import pytest

from dltk.config import differing, schema
from dltk.config.augmentation import NAMES
from dltk.config.sections import DataOptions
from dltk.config.settings import SettingsError


def test_a_name_alone_stands_for_its_defaults():
    options = DataOptions.parse({"augment": ["crop", {"name": "zoom", "range": [0.5, 2]}]})
    assert options.plain()["augment"] == [
        {"name": "crop", "padding": 4, "mode": "zero"},
        {"name": "zoom", "range": [0.5, 2.0]},
    ]
    assert DataOptions.parse(options.plain()) == options


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_has_a_usable_default(name):
    (options,) = DataOptions.parse({"augment": [name]}).augment
    assert options.name == name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "zoom", "range": [2, 1]}, r"range: out of order; found \[2.0, 1.0\]; allowed \[smallest, largest\]"),
        ({"name": "erasing", "area": [0.5, 0.1]}, r"augment.0.area: out of order"),
        ({"name": "erasing", "ratio": [3.0, 0.1]}, r"augment.0.ratio: out of order"),
        ({"name": "zoom", "range": [1, "2"]}, "augment.0.range.1: must be a valid number; found '2'"),
        ({"name": "hue", "amount": 0.6}, "augment.0.amount: must be less than or equal to 0.5; found 0.6"),
        ({"name": "mixup", "alpha": 0}, "augment.0.alpha: must be greater than 0; found 0"),
    ],
)
def test_impossible_values_are_refused_with_their_place(options, message):
    with pytest.raises(SettingsError, match=message):
        DataOptions.parse({"augment": [options]})


def config(augment):
    return {"data": {"name": "digits", "augment": augment}, "model": {"name": "linear"}}


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (
            ["flip"],
            "data.augment.0: no such choice; did you mean 'horizontal_flip' or 'vertical_flip'?",
        ),
        ([{"name": "crop", "paddin": 2}], "data.augment.0.paddin: no such option; did you mean 'padding'?"),
        ([{"name": "mixu"}], "data.augment.0.name: there is no 'mixu'; did you mean 'mixup'?"),
        ("crop", "data.augment: text is not allowed here; write .crop."),
    ],
)
def test_the_schema_finds_typing_errors_without_torch(augment, message):
    (problem,) = differing.check(config(augment))
    assert problem.path[:2] == ("data", "augment")
    import re

    assert re.match(message.replace("?", r"\?"), str(problem))


def test_the_schema_knows_transforms_beside_layers():
    assert sorted(schema.transforms()) == sorted(NAMES)
    assert not {*schema.transforms()} & {*schema.layers()}
    assert list(schema.find("mixup")) == ["transform mixup"]
    assert differing.check(config(["crop", {"name": "mixup", "alpha": 1}])) == []
