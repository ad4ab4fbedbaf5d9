import math
from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.config.initializers import NormalInitializer, OrthogonalInitializer, UniformInitializer
from dltk.nn.affine import Affine
from dltk.nn.initialisers import initialize

INPUTS, OUTPUTS = 300, 200


def drawn(option: Any, module: nn.Module | None = None) -> torch.Tensor:
    torch.manual_seed(0)
    module = module or nn.Linear(INPUTS, OUTPUTS)
    initialize(module, option)
    weight: torch.Tensor = module.weight  # type: ignore[assignment]
    return weight


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("glorot_normal", math.sqrt(2 / (INPUTS + OUTPUTS))),
        ("glorot_uniform", math.sqrt(2 / (INPUTS + OUTPUTS))),
        ("he_normal", math.sqrt(2 / INPUTS)),
        ("he_uniform", math.sqrt(2 / INPUTS)),
        ("lecun_normal", math.sqrt(1 / INPUTS)),
        ("normal", 0.05),
        ("uniform", 0.05 / math.sqrt(3)),
        ("orthogonal", math.sqrt(1 / INPUTS)),
        (NormalInitializer(deviation=0.01), 0.01),
        (UniformInitializer(limit=0.2), 0.2 / math.sqrt(3)),
        (OrthogonalInitializer(gain=2.0), math.sqrt(4 / INPUTS)),
    ],
)
def test_the_spread_is_that_of_the_formula(name, deviation):
    weight = drawn(name)
    assert weight.std().item() == pytest.approx(deviation, rel=0.02)
    assert abs(weight.mean().item()) < 4 * deviation / math.sqrt(weight.numel())


def test_uniform_ones_stay_within_their_bounds():
    assert drawn("glorot_uniform").abs().max() <= math.sqrt(6 / (INPUTS + OUTPUTS))
    assert drawn("he_uniform").abs().max() <= math.sqrt(6 / INPUTS)
    assert drawn(UniformInitializer(limit=0.2)).abs().max() <= 0.2


def test_orthogonal_rows_are_at_right_angles():
    weight = drawn("orthogonal")
    torch.testing.assert_close(weight @ weight.T, torch.eye(OUTPUTS), atol=1e-5, rtol=0)


def test_a_normal_one_may_have_a_mean():
    assert drawn(NormalInitializer(mean=3.0, deviation=0.01)).mean().item() == pytest.approx(3, abs=0.01)


def test_a_convolution_counts_the_pixels_of_its_filters():
    assert drawn("he_normal", nn.Conv2d(16, 64, 5)).std().item() == pytest.approx(math.sqrt(2 / (16 * 25)), rel=0.03)


def test_a_transposed_convolution_counts_its_inputs_not_its_outputs():
    weight = drawn("he_normal", nn.ConvTranspose2d(128, 16, 3))
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (128 * 9)), rel=0.03)


@pytest.mark.parametrize("layer", [nn.Linear(3, 2), nn.Conv1d(3, 2, 1), nn.Conv2d(3, 2, 1), Affine(3, 2)])
def test_biases_become_0(layer):
    initialize(layer, "glorot_uniform")
    assert layer.bias.tolist() == [0, 0]


def test_layers_without_a_bias_are_initialised_too():
    assert not drawn("zeros", nn.Conv2d(3, 2, 1, bias=False)).any()


def test_other_layers_keep_what_they_have():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.PReLU(), nn.LSTM(4, 3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    initialize(model, "zeros")
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"0.weight", "0.bias"}


@pytest.mark.parametrize(("option", "changes"), [("normal", True), ("uniform", True), ("he_normal", False)])
def test_embeddings_are_drawn_anew_by_plain_distributions_only(option, changes):
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 2))
    before = model.state_dict()["0.weight"].clone()
    initialize(model, option)
    assert (not torch.equal(model.state_dict()["0.weight"], before)) is changes


def test_a_model_without_such_layers_is_refused():
    with pytest.raises(OptionError, match=r"initializer: this model has no layer that he_normal could initialise"):
        initialize(nn.Embedding(3, 2), "he_normal")
