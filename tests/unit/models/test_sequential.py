from typing import Any

import pytest
import torch

from dltk.config.errors import OptionError
from dltk.config.settings import SettingsError
from dltk.data.specs import Image, Tokens
from tests.unit.models.examples import IDS, THREE, TOKENS, TWO, VECTOR, made, one

CNN: list[dict[str, Any]] = [
    {"name": "conv2d", "filters": 12, "kernel_size": 5, "activation": "relu"},
    {"name": "max_pool2d"},
    {"name": "conv2d", "filters": 4, "padding": "same", "stride": 2},
]


def test_the_head_takes_all_values_that_leave_the_layers():
    model = made("sequential", one(Image(1, 28, 28), THREE), layers=CNN)
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert shapes == {
        "layers.0.weight": (12, 1, 5, 5),
        "layers.0.bias": (12,),
        "layers.2.weight": (4, 12, 3, 3),
        "layers.2.bias": (4,),
        "head.weight": (3, 4 * 6 * 6),
        "head.bias": (3,),
    }


def test_it_is_the_network_that_torch_would_build():
    torch.manual_seed(0)
    model = made("sequential", one(Image(1, 28, 28), THREE), layers=CNN)
    torch.manual_seed(0)
    reference = torch.nn.Sequential(
        torch.nn.Conv2d(1, 12, 5),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(12, 4, 3, stride=2, padding=1),
        torch.nn.Flatten(),
        torch.nn.Linear(144, 3),
    )
    x = torch.randn(2, 1, 28, 28)
    assert torch.equal(model(x), reference(x))


def test_without_a_head_the_last_layer_gives_the_outputs():
    model = made("sequential", one(VECTOR, THREE), layers=[{"name": "dense", "units": 3}], head="none")
    assert [name for name, _ in model.named_parameters()] == ["layers.0.weight", "layers.0.bias"]


def refused(spec: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(OptionError) as error:
        made("sequential", spec, **options)
    return ".".join(map(str, error.value.path)), error.value.message


def test_without_a_head_wrong_outputs_are_refused():
    path, message = refused(one(VECTOR, TWO), layers=[{"name": "dense", "units": 2}], head="none")
    assert path == "layers"
    assert message.startswith("must end with one value per class or number, one for two classes")


def test_a_layer_that_does_not_fit_is_named_by_its_place():
    path, message = refused(one(VECTOR, TWO), layers=[{"name": "dense", "units": 4}, CNN[0]])
    assert path == "layers.1"
    assert message == "conv2d needs an image (C, H, W); it receives (4,)"


@pytest.mark.parametrize("modality", [TOKENS, IDS])
def test_ids_without_an_embedding_are_refused(modality):
    path, message = refused(one(modality, TWO), layers=[])
    assert path == "layers"
    assert "must begin with an embedding" in message


def test_sequences_of_unequal_length_are_refused():
    path, message = refused(one(Tokens(("a", "b")), TWO), layers=[{"name": "embedding", "units": 2}])
    assert path == ""
    assert "sequences of one length" in message


@pytest.mark.parametrize(
    "layer",
    [{"name": "densse", "units": 3}, {"name": "dense"}, {"name": "dense", "units": 3, "filters": 2}, {"units": 3}],
)
def test_a_misspelt_layer_is_refused(layer):
    with pytest.raises(SettingsError):
        made("sequential", one(VECTOR, TWO), layers=[layer])
