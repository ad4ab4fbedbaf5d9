"""The workloads are experiments that dltk takes, and the hand-written networks are dltk's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.contestants.names import CONTESTANTS
from benchmarks.goals import GOALS
from benchmarks.material import learned
from benchmarks.networks import LOSSES, NETWORKS
from benchmarks.sources import located
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
@pytest.mark.parametrize("key", ["d", "e", "f"])
def test_the_hand_written_network_computes_what_dltks_does(key: str, tmp_path: Path) -> None:
    workload = WORKLOADS[key]
    _, is_real, built = located(workload, tmp_path)
    assert not is_real
    assert_same_outputs(workload, built)


@pytest.mark.slow
@pytest.mark.usefixtures("_with_plugins")
@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_the_hand_written_network_for_images_computes_what_dltks_does(key: str, tmp_path: Path) -> None:
    workload = WORKLOADS[key]
    _, is_real, built = located(workload, tmp_path)
    assert not is_real
    assert_same_outputs(workload, built)


def assert_same_outputs(workload: Workload, built: Built) -> None:
    model = NETWORKS[workload.network]()
    with torch.no_grad():
        for own, given in zip(model.state_dict().values(), learned(built.model), strict=True):
            own.copy_(given)
        batch = next(iter(built.splits.train.epoch(0)))
        assert isinstance(batch.inputs, Tensor)
        assert torch.allclose(model.eval()(batch.inputs), built.model.eval()(batch.inputs), atol=1e-5)


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
