import pytest
import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.nn.normalization import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    ChannelStatistics,
    Normalize,
    canonical,
    make_normalize,
    option_of,
    refuse_twice_normalized,
)


class Standardized:
    """A preparation that says it standardises."""

    standardizes = True


def test_each_channel_is_normalised_by_its_own_numbers():
    layer = Normalize((0.5, 0.25), (0.5, 2.0))
    x = torch.tensor([[[[1.0]], [[0.25]]]])
    assert layer(x).flatten().tolist() == [1.0, 0.0]


def test_none_changes_no_bit():
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(make_normalize("none", 3)(x), x)


def test_imagenet_has_the_published_statistics():
    layer = make_normalize("imagenet", 3)
    grey = layer(torch.full((1, 3, 1, 1), 0.5)).flatten()
    torch.testing.assert_close(
        grey, torch.tensor([(0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225])
    )


def test_it_is_stored_among_the_weights_but_does_not_learn():
    layer = make_normalize(ChannelStatistics(mean=(0.1,), std=(0.3,)), 1)
    assert list(layer.state_dict()) == ["mean", "std"]
    assert list(layer.parameters()) == []


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("imagenet", "normalize: needs one mean per channel; found 3; allowed 1"),
        (
            ChannelStatistics(mean=(0.5,), std=(1.0, 1.0)),
            "normalize.std: needs one std per channel; found 2; allowed 1",
        ),
    ],
)
def test_another_number_of_channels_is_refused(option, message):
    with pytest.raises(OptionError, match=message):
        make_normalize(option, 1)


def test_images_are_not_normalised_twice():
    model = nn.Sequential(Normalize((0.0,), (2.0,)))
    with pytest.raises(OptionError, match=r"the data are standardised already; set data\.normalize: unit"):
        refuse_twice_normalized(model, Standardized())
    refuse_twice_normalized(model, object())
    refuse_twice_normalized(nn.Sequential(make_normalize("none", 1)), Standardized())


@pytest.mark.parametrize("option", ["none", "imagenet", ChannelStatistics(mean=(0.1, 0.2, 1 / 3), std=(0.3, 1.0, 7.0))])
def test_a_layer_is_spelled_as_an_option_that_makes_the_same(option):
    model = nn.Sequential(nn.Identity(), make_normalize(option, 3))
    found = option_of(model)
    assert found is not None
    again = make_normalize(found, 3)
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in model[1].state_dict().items())
    assert canonical(option) == found
    if not isinstance(option, ChannelStatistics):
        assert found == option


def test_numbers_of_a_name_are_that_name():
    assert canonical(ChannelStatistics(mean=(0.0, 0.0), std=(1.0, 1.0))) == "none"
    assert canonical(ChannelStatistics(mean=IMAGENET_MEAN, std=IMAGENET_STD)) == "imagenet"


def test_without_such_a_layer_there_is_nothing_to_spell():
    assert option_of(nn.Linear(1, 1)) is None


def test_a_normalisation_that_divides_by_zero_is_refused():
    with pytest.raises(OptionError, match="weights: bring a normalisation that cannot be: std"):
        option_of(Normalize((0.5,), (0.0,)))
