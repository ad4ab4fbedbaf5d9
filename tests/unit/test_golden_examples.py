"""Worked examples of a first course in deep learning, through the whole program.

Matrix products, losses, slopes of activations, and what convolutions leave of a picture are in tests/unit/nn.
"""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import dltk
from dltk.config.registry import load
from dltk.data.batches import Loading
from dltk.experiment import Run, RunOptions
from tests.contracts.examples import photos

CONFIGS = Path(__file__).parents[2] / "configs" / "gates"
QUIETLY = ["train.threads=1", "train.device=cpu", "tensorboard=null"]
CORNERS = "x1,x2\n0,0\n0,1\n1,0\n1,1\n"
TRUTH = {"and": "0001", "or": "0111", "nand": "1110", "xor": "0110"}


@pytest.fixture(autouse=True, scope="module")
def _threads_as_they_were():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def trained(name: str, folder: Path, *overrides: str) -> Run:
    options = RunOptions(output_dir=folder / "run", quiet=True)
    run: Run = dltk.train(CONFIGS / f"{name}.yaml", [*QUIETLY, *overrides], options)
    return run


def answers(run: Run, folder: Path) -> str:
    """Return what a run says of the four corners, one digit each."""
    (folder / "corners.csv").write_text(CORNERS, encoding="utf-8")
    return "".join(row["label"] for row in run.predict([folder / "corners.csv"]))


def test_there_are_gates_by_hand():
    assert {path.stem for path in CONFIGS.glob("*_by_hand.yaml")} >= {"and_by_hand", "xor_by_hand"}


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*_by_hand.yaml")))
def test_weights_set_by_hand_compute_their_gate(name, tmp_path):
    run = trained(name, tmp_path)
    assert run.scores["test/accuracy"] == 1.0
    assert run.status["step"] == 0
    assert answers(run, tmp_path) == TRUTH[name.partition("_")[0]]


def test_or_and_nand_are_the_courses_weights_in_the_same_config(tmp_path):
    for gate, weight, bias in (("or", [1.0, 1.0], -0.5), ("nand", [-0.5, -0.5], 0.7)):
        parameters = f"model.parameters={{weight: [{weight}], bias: [{bias}]}}"
        run = trained("and_by_hand", tmp_path / gate, f"data.gate={gate}", parameters)
        assert run.scores["test/accuracy"] == 1.0


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("gate", ["and", "or", "nand"])
def test_rosenblatts_rule_learns_a_gate_from_any_order(gate, seed, tmp_path):
    run = trained(f"{gate}_perceptron", tmp_path, f"seed={seed}")
    assert run.scores["test/accuracy"] == 1.0
    assert answers(run, tmp_path) == TRUTH[gate]


def test_one_perceptron_does_not_learn_xor_and_a_hidden_layer_does(tmp_path):
    assert trained("xor_perceptron", tmp_path / "one").scores["test/accuracy"] < 1.0
    run = trained("xor_mlp", tmp_path / "two")
    assert run.scores["test/accuracy"] == 1.0
    assert answers(run, tmp_path) == TRUTH["xor"]


def variables(*values: float) -> list[Tensor]:
    return [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]


def slopes(y: Tensor, *of: Tensor) -> list[float]:
    return [slope.item() for slope in torch.autograd.grad(y, of)]


def test_the_chain_rule_differentiates_e_to_the_3_x_squared():
    (x,) = variables(0.4)
    assert slopes((3 * x**2).exp(), x) == [pytest.approx(6 * 0.4 * math.exp(3 * 0.4**2))]


def test_partial_derivatives_hold_the_other_variable_still():
    x, y = variables(1.5, -2.0)
    assert slopes(3 * x + 2 * x * y + y**2, x, y) == [3 + 2 * -2.0, 2 * 1.5 + 2 * -2.0]


def test_back_propagation_goes_through_3_times_a_plus_b_c():
    a, b, c = variables(5.0, 3.0, 2.0)
    assert slopes(3 * (a + b * c), a, b, c) == [3.0, 3 * 2.0, 3 * 3.0]


def test_a_batch_of_colour_pictures_has_four_axes_channels_before_pixels(tmp_path):
    file: Any = load("datasets", "image_folder")
    config = file.Config.parse({**photos(tmp_path).options, "size": 5})
    train = file.read(config).parts["train"]
    batch = next(file.prepare(config, train).parse(train, Loading(batch_size=3)).epoch(0))
    assert batch.inputs.shape == (3, 3, 5, 5)
