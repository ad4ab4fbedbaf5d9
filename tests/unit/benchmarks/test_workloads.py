"""The workloads are experiments that dltk takes, and the hand-written networks are dltk's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.contestants.names import CONTESTANTS
from benchmarks.goals import GOALS
from benchmarks.material import learned
from benchmarks.networks import LOSSES, NETWORKS
from benchmarks.sources import located
from benchmarks.stars import NO_STAR
from benchmarks.workloads import PLUGINS, WORKLOADS, Workload, chosen
from dltk.config import plugins, registry
from dltk.experiment.building import Built


@pytest.fixture
def _with_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_OFFLINE", "1")
    before = dict(registry._plugins)
    for plugin in PLUGINS:
        plugins.use_plugin(plugin)
    yield
    registry._plugins.clear()
    registry._plugins.update(before)


@pytest.mark.usefixtures("_with_plugins")
@pytest.mark.parametrize("key", ["d", "e", "f", "words", "ratings"])
def test_the_hand_written_network_computes_what_dltks_does(key: str, tmp_path: Path) -> None:
    workload = WORKLOADS[key]
    found = located(workload, tmp_path)
    assert not found.is_real
    assert_same_outputs(workload, found.built)


@pytest.mark.slow
@pytest.mark.usefixtures("_with_plugins")
@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_the_hand_written_network_for_images_computes_what_dltks_does(key: str, tmp_path: Path) -> None:
    workload = WORKLOADS[key]
    found = located(workload, tmp_path)
    assert not found.is_real
    assert_same_outputs(workload, found.built)


def assert_same_outputs(workload: Workload, built: Built) -> None:
    batch = next(iter(built.splits.train.epoch(0)))
    models = (by_hand(workload, built).eval(), built.model.eval())
    with torch.no_grad():
        own, given = (flattened(model(batch.inputs)) for model in models)
    assert all(torch.allclose(*pair, atol=1e-5) for pair in zip(own, given, strict=True))


def flattened(outputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (outputs,) if isinstance(outputs, Tensor) else outputs


def by_hand(workload: Workload, built: Built) -> nn.Module:
    model = NETWORKS[workload.network]()
    with torch.no_grad():
        for own, given in zip(model.state_dict().values(), learned(built.model), strict=True):
            own.copy_(given)
    return model


@pytest.mark.usefixtures("_with_plugins")
@pytest.mark.parametrize("key", ["words", "ratings"])
def test_gradients_that_are_written_by_hand_are_those_of_torch(key: str, tmp_path: Path) -> None:
    workload = WORKLOADS[key]
    built = located(workload, tmp_path).built
    with torch.no_grad():
        for parameter in built.model.parameters():
            parameter.normal_(std=0.3, generator=torch.Generator().manual_seed(0))
    batch = next(iter(built.splits.train.epoch(0)))
    assert isinstance(batch.targets, Tensor)
    gradients = []
    for model in (by_hand(workload, built), built.model):
        torch.manual_seed(0)
        LOSSES[workload.loss](model.train()(batch.inputs), batch.targets).backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for own, given in zip(*gradients, strict=True):
        assert own is not None
        assert given is not None
        assert own.abs().max() > 1e-6
        assert torch.allclose(own, given, atol=1e-5, rtol=1e-3)


@pytest.mark.usefixtures("_with_plugins")
def test_how_often_each_id_is_seen_is_stored(tmp_path: Path) -> None:
    built = located(WORKLOADS["ratings"], tmp_path).built
    preparation: Any = built.splits.preparation
    data = built.experiment.data
    restored = data.file.restore(data.options, preparation.state())
    assert restored.spec == preparation.spec
    assert torch.equal(restored.counts, preparation.counts)
    assert restored.counts[NO_STAR + 1 :].sum() == 90_000 + len(built.splits.train.whole().inputs)


def test_rounds_make_whole_runs():
    assert all(workload.epochs % workload.round_epochs == 0 for workload in WORKLOADS.values())


def test_every_workload_has_a_network_and_a_loss():
    assert {workload.network for workload in WORKLOADS.values()} == set(NETWORKS)
    assert {workload.loss for workload in WORKLOADS.values()} == set(LOSSES)


def test_goals_are_about_what_is_measured():
    assert {goal.case for goal in GOALS if goal.kind == "step"} <= set(WORKLOADS)
    assert {goal.contestant for goal in GOALS if goal.kind == "step"} <= set(CONTESTANTS)


def test_an_unknown_workload_is_named_with_those_there_are():
    with pytest.raises(ValueError, match=r"there is no workload z; there are a, b"):
        chosen(["a", "z"])
