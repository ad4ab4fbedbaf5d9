"""Passes are replayed where nobody can tell: not by bits, not by who watches, not by a network that changes itself."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from dltk.config.sections import Precision
from dltk.data.batches import Batch
from dltk.training.loss_task import LossTask
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD, Adagrad, Adam
from dltk.training.replay import passes
from tests.unit.training.replay.conftest import SESSION, SGD_WITH_MOMENTUM, classes, learner, numbers, taught


def mse(model: Any, batch: Any) -> torch.Tensor:
    return functional.mse_loss(model(batch.inputs), batch.targets)


def entropy(model: Any, batch: Any) -> torch.Tensor:
    return functional.cross_entropy(model(batch.inputs), batch.targets)


def dense(*layers: nn.Module, outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 8), *layers, nn.Linear(8, outputs))


class Tied(nn.Module):
    """Uses a weight twice, leaves one unused, and has one that the loss only adds up."""

    def __init__(self) -> None:
        super().__init__()
        self.square, self.last = nn.Linear(5, 5), nn.Linear(5, 3)
        self.unused, self.added = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        predicted: torch.Tensor = self.last(self.square(self.square(x)).relu()) + self.added
        return predicted


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.norm = nn.MultiheadAttention(4, 2, batch_first=True), nn.LayerNorm(4)
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(x + self.attention(x, x, x, need_weights=False)[0])
        predicted: torch.Tensor = self.last(x.mean(1))
        return predicted


class Reading(nn.Module):
    def __init__(self, cells: type[nn.RNN | nn.LSTM | nn.GRU]) -> None:
        super().__init__()
        self.cells, self.last = cells(4, 5, num_layers=2, bidirectional=True, batch_first=True), nn.Linear(10, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        predicted: torch.Tensor = self.last(self.cells(x)[0][:, -1])
        return predicted


def total(model: Any, batch: Any) -> dict[str, torch.Tensor]:
    """Add parts; the gradient of the second one is the same number for all weights."""
    error = functional.mse_loss(model(batch.inputs), batch.targets)
    size = sum(each.sum() for each in model.parameters())
    return {"loss": error + 0.01 * size, "error": error, "size": size}


MODELS = {
    "relu": lambda: dense(nn.ReLU()),
    "relu in place": lambda: dense(nn.ReLU(inplace=True)),
    "gelu, layer norm": lambda: dense(nn.GELU(), nn.LayerNorm(8)),
    "prelu, elu, softplus": lambda: dense(nn.PReLU(), nn.ELU(), nn.Softplus()),
    "batch norm, dropout": lambda: dense(nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.4)),
    "a frozen layer": lambda: dense(nn.Linear(8, 8).requires_grad_(requires_grad=False), nn.Sigmoid()),
    "tied": Tied,
}
IMAGES = {
    "convolution": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
    ),
    "channels last": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.AvgPool2d(2), nn.ReLU(), nn.Dropout2d(0.3), nn.Flatten(), nn.Linear(36, 3)
    ).to(memory_format=torch.channels_last),
}
SEQUENCES = {
    "attention": Attending,
    "rnn": lambda: Reading(nn.RNN),
    "lstm": lambda: Reading(nn.LSTM),
    "gru": lambda: Reading(nn.GRU),
}


@pytest.mark.parametrize("loss", [mse, total], ids=["mse", "parts"])
@pytest.mark.parametrize("name", MODELS)
def test_networks_learn_the_same_bits(name: str, loss: Any, played: Any) -> None:
    model = MODELS[name]()
    usual = taught(
        learner(copy.deepcopy(model), loss, OptimizationSettings(SGD_WITH_MOMENTUM, replay=False)), numbers(7)
    )
    assert played.passes == []
    replayed = taught(learner(model, loss), numbers(7))
    assert played.passes == [False, False, *[True] * 5]
    assert all(torch.equal(usual[each], replayed[each]) for each in usual)


@pytest.mark.parametrize("name", [*IMAGES, *SEQUENCES])
def test_networks_of_images_and_sequences_learn_the_same_bits(name: str, played: Any) -> None:
    model, shape = (IMAGES | SEQUENCES)[name](), (1, 8, 8) if name in IMAGES else (6, 4)
    usual = taught(
        learner(copy.deepcopy(model), entropy, OptimizationSettings(SGD_WITH_MOMENTUM, replay=False)), classes(7, shape)
    )
    replayed = taught(learner(model, entropy), classes(7, shape))
    assert played.passes == [False, False, *[True] * 5]
    assert all(torch.equal(usual[each], replayed[each]) for each in usual)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizers": {"": SGD(lr=0.1, clip_norm=0.1)}},
        {"optimizers": {"": SGD(lr=0.1, clip_value=0.01, l1=0.01, l2=0.1)}},
        {"optimizers": {"": Adam(lr=0.01, weight_decay=0.1)}},
        {"optimizers": {"": Adam(lr=0.01)}, "ema": 0.5},
        {"optimizers": {"": Adam(lr=0.01)}, "precision": "bf16"},
    ],
)
def test_whatever_is_done_to_gradients_the_bits_are_the_same(options: Any, played: Any) -> None:
    model = MODELS["batch norm, dropout"]()
    usual = learner(copy.deepcopy(model), total, OptimizationSettings(**options, replay=False))
    replayed = learner(model, total, OptimizationSettings(**options))
    expected, found = taught(usual, numbers(9)), taught(replayed, numbers(9))
    assert played.passes == [False, False, *[True] * 7]
    assert all(torch.equal(expected[each], found[each]) for each in expected)
    averages = zip(usual.inference_model().parameters(), replayed.inference_model().parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in averages)


def test_each_shape_is_replayed_by_itself(played: Any) -> None:
    model, long, short = dense(nn.Tanh()), numbers(4), numbers(4, samples=2)
    batches = [batch for pair in zip(long, short, strict=True) for batch in pair]
    usual = taught(learner(copy.deepcopy(model), mse, OptimizationSettings(SGD_WITH_MOMENTUM, replay=False)), batches)
    replayed = taught(learner(model, mse), batches)
    assert played.passes == [False] * 4 + [True] * 4
    assert all(torch.equal(usual[each], replayed[each]) for each in usual)


def test_the_first_passes_of_a_shape_are_torchs(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "PASSES_BEFORE", 3)
    taught(learner(dense(nn.Tanh()), mse), numbers(7))
    assert played.passes == [False] * 5 + [True] * 2


def test_who_watches_layers_sees_every_pass(played: Any) -> None:
    model, seen = dense(nn.Tanh()), []
    one = learner(model, mse)
    taught(one, numbers(4))
    handle = model[0].register_forward_hook(lambda *_: seen.append(True))
    taught(one, numbers(3))
    handle.remove()
    taught(one, numbers(2))
    assert played.passes == [False, False, True, True, False, False, False, True, True]
    assert len(seen) == 3


class Restless(nn.Module):
    """Is another network from one pass to the next."""

    def __init__(self, change: str) -> None:
        super().__init__()
        self.layer, self.change, self.passes = nn.Linear(5, 3), change, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        predicted: torch.Tensor = self.layer(x)
        if self.change == "a number":
            return predicted * (1 + self.passes / 10)
        if self.change == "an operation":
            return predicted.tanh() if self.passes % 2 else predicted.sigmoid()
        if self.change == "a value":
            return predicted * float(predicted.detach().max())
        return predicted[predicted[:, 0].detach() > -100]


@pytest.mark.parametrize("change", ["a number", "an operation", "a value", "a shape"])
def test_what_is_another_network_each_time_is_not_replayed(change: str, played: Any) -> None:
    taught(learner(Restless(change), mse), numbers(6))
    assert played.passes == [False] * 6


def test_what_a_pass_computes_may_be_too_large_to_keep(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "MOST_BYTES", 500)
    taught(learner(dense(nn.Tanh()), mse), numbers(5))
    assert played.passes == [False] * 5


def test_all_shapes_together_keep_no_more_than_that(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "MOST_BYTES", 6_000)  # one of these passes makes about 3 kB
    batches = [batch for samples in (6, 7, 8, 9) for batch in numbers(3, samples=samples)]
    taught(learner(dense(nn.Tanh()), mse), batches)
    assert 0 < sum(played.passes) < 4


def test_weights_that_move_to_another_place_are_read_there(played: Any) -> None:
    model = dense(nn.Tanh())
    usual = learner(copy.deepcopy(model), mse, OptimizationSettings(SGD_WITH_MOMENTUM, replay=False))
    one = learner(model, mse)
    for each in (usual, one):
        taught(each, numbers(4))
        with torch.no_grad():
            for parameter in each.training_model().parameters():
                parameter.data = parameter * 2
    expected, found = taught(usual, numbers(4)), taught(one, numbers(4))
    assert played.passes == [False, False, True, True] * 2
    assert all(torch.equal(expected[each], found[each]) for each in expected)


@pytest.mark.filterwarnings("ignore:Sparse invariant")
def test_sparse_gradients_are_not_replayed(played: Any) -> None:
    model = nn.Sequential(nn.Embedding(9, 3, sparse=True), nn.Flatten(), nn.Linear(6, 3))
    batches = classes(5, (2,))
    batches = [Batch(torch.randint(9, (6, 2)), batch.targets, 6) for batch in batches]
    taught(learner(model, entropy, OptimizationSettings({"": Adagrad(lr=0.1)})), batches)
    assert played.passes == [False] * 5


@pytest.mark.parametrize(
    "options", [{"replay": False}, {"accumulate": 2}, {"precision": "fp16"}], ids=["off", "accumulation", "fp16"]
)
def test_some_settings_leave_passes_to_torch(options: dict[str, Any], played: Any) -> None:
    precision: Precision = options.get("precision", "auto")
    settings = OptimizationSettings(SGD_WITH_MOMENTUM, **{**options, "precision": precision})
    taught(learner(dense(nn.Tanh()), mse, settings), numbers(4))
    assert played.passes == []


def loss_of_somebody(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (predictions - targets).square().mean(1)


@pytest.mark.parametrize("where", ["a layer", "a loss", "a loss that a task was given"])
def test_what_somebody_else_wrote_is_left_to_torch(where: str, played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "KNOWN", passes.KNOWN - {"tests"})
    task = LossTask("mse", loss_of_somebody, lambda _: [])
    known = LossTask("mse", functional.mse_loss, list).learner
    settings = OptimizationSettings(SGD_WITH_MOMENTUM)
    one: Any = {
        "a layer": lambda: known(Tied(), settings, SESSION),
        "a loss": lambda: learner(dense(nn.Tanh()), mse),
        "a loss that a task was given": lambda: task.learner(dense(nn.Tanh()), settings, SESSION),
    }[where]()
    taught(one, numbers(4))
    assert played.passes == []
    taught(known(dense(nn.Tanh()), settings, SESSION), numbers(4))  # type: ignore[arg-type]
    assert played.passes == [False, False, True, True]
