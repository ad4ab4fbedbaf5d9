"""Compiled steps learn as single ones do, whichever way a run is cut into calls; and say where they cannot be."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dltk.config.errors import Diverged
from dltk.config.sections import CheckpointOptions, TrainOptions
from dltk.data.batches import Batch, InMemory, Loading
from dltk.data.plans import shuffled
from dltk.training.compiled import machine_code
from dltk.training.compiled.obstacles import CannotCompile
from dltk.training.learner import GradientLearner
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import Adam
from dltk.training.schedules import Constant, Cosine
from dltk.training.session import Session
from tests.compiling import compiled_once, needs_compiler
from tests.unit.training.tiny import BATCHES_PER_EPOCH, CPU, TASK, Trial, bits, record, samples

__all__ = ["compiled_once"]
pytestmark = [needs_compiler, pytest.mark.usefixtures("compiled_once")]
EIGHT = TrainOptions(epochs=8)


def plain() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))


def shapes(data: InMemory) -> list[Batch]:
    return list({batch.num_samples: batch for batch in data.epoch(0)}.values())


@dataclass(frozen=True)
class Compiling:
    """The tiny task, whose learner compiles its steps."""

    periods: tuple[int, ...] = ()
    task: Any = TASK

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def learner(self, model, settings, session):
        learner = self.task.learner(model, settings, session)
        learner.compile(shapes(samples()), BATCHES_PER_EPOCH, self.periods, "a test's")
        return learner


def trial(directory: Path, **more: Any) -> Trial:
    return Trial(directory, EIGHT, optimizer=Adam(lr=0.01), model=plain, task=Compiling(), **more)


def test_an_epoch_is_one_call_with_its_smaller_last_batch(tmp_path):
    learner, data = trial(tmp_path).fitting().learner, samples()
    assert list(learner.epoch(data.epoch(0))) == [1, BATCHES_PER_EPOCH - 1]  # the first update makes the moments
    assert list(learner.epoch(data.epoch(1))) == [BATCHES_PER_EPOCH]
    assert list(learner.epoch(data.epoch(2, start=BATCHES_PER_EPOCH - 1))) == [1]


def test_batches_of_a_shape_that_was_not_compiled_are_single_steps(tmp_path):
    learner = trial(tmp_path).fitting().learner
    assert list(learner.epoch(samples().epoch(0))) == [1, BATCHES_PER_EPOCH - 1]
    assert list(learner.epoch(samples(batch_size=10).epoch(0))) == [1, 1, 1]


def test_it_learns_what_single_steps_learn(tmp_path):
    compiled, _ = trial(tmp_path / "compiled").go()
    single, _ = replace(trial(tmp_path / "single"), task=TASK).go()
    pairs = zip(compiled.inference_model().parameters(), single.inference_model().parameters(), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    rows = [record(each.metrics) for each in (trial(tmp_path / "compiled"), trial(tmp_path / "single"))]
    for one, other in zip(*rows, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    assert bits(compiled) != bits(single)  # or nothing was compiled


@pytest.mark.parametrize("period", [1, 2, 5])
def test_how_a_run_is_cut_into_calls_changes_no_bit(tmp_path, period):
    whole, _ = trial(tmp_path / "whole").go()
    cut, _ = replace(trial(tmp_path / "cut"), task=Compiling((period,))).go()
    assert str(cut.state_dict()) == str(whole.state_dict())
    assert bits(cut) == bits(whole)


@pytest.mark.parametrize("step", [1, 2, 4, 5, 6, 7, 9, 12])
def test_a_run_stopped_anywhere_goes_on_bit_equal(tmp_path, step):
    whole, _ = trial(tmp_path / "whole").go()
    cut = replace(trial(tmp_path / "cut"), task=Compiling((1,)))
    cut.stopped(step)
    assert max(cut.steps) == step
    resumed, _ = replace(cut, task=Compiling()).go()
    assert bits(resumed) == bits(whole)
    assert record(cut.metrics) == record(trial(tmp_path / "whole").metrics)
    assert str(resumed.state_dict()) == str(whole.state_dict())


@pytest.mark.parametrize("every", [1, 4, 5])
def test_calls_end_where_something_is_due(tmp_path, every):
    options = TrainOptions(steps=31, evaluate_every=every)
    often = replace(trial(tmp_path / "often"), options=options, task=Compiling((every,)))
    _, progress = often.go()
    replace(often, directory=tmp_path / "single", task=TASK).go()
    assert progress.step == 31
    rows = [record(one) for one in (often.metrics, replace(often, directory=tmp_path / "single").metrics)]
    assert [row["step"] for row in rows[0]] == [row["step"] for row in rows[1]] == [*range(every, 31, every), 31]
    for one, other in zip(*rows, strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def test_checkpoints_fall_where_they_are_asked_for(tmp_path):
    options = CheckpointOptions(every_seconds=1e6, every_steps=5, keep=100)
    one = replace(trial(tmp_path), checkpoint=options, task=Compiling((5,)))
    one.go()
    assert set(one.steps) >= set(range(5, 48, 5))


def test_a_longer_run_is_the_same_so_far(tmp_path):
    short = replace(trial(tmp_path / "cut"), options=TrainOptions(steps=9), schedule=Constant())
    short.go()
    longer, _ = replace(short, options=EIGHT).go()
    whole, _ = replace(short, options=EIGHT, directory=tmp_path / "whole").go()
    assert bits(longer) == bits(whole)


def test_a_divergence_names_step_layer_and_rate(tmp_path):
    wild = replace(trial(tmp_path / "wild"), optimizer=Adam(lr=1e30), schedule=Constant(), val=None)
    found: list[Any] = []
    for task in (wild.task, TASK):
        with pytest.raises(Diverged) as caught:
            replace(wild, task=task, directory=tmp_path / str(len(found))).go()
        found.append((caught.value.message, caught.value.where, caught.value.found))
    assert found[0] == found[1]
    assert "at step" in found[0][0]
    assert "the first output that is not finite is that of" in found[0][1]


def test_memory_does_not_grow(tmp_path):
    resource = pytest.importorskip("resource")
    learner = trial(tmp_path).fitting().learner
    data = samples()

    def peak(epochs):
        for epoch in range(epochs):
            list(learner.epoch(data.epoch(epoch)))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    first = peak(200)
    assert peak(1000) < first + 4096  # KiB


def test_a_damaged_library_is_never_run(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    folder = machine_code._own_folder()
    damaged = folder / f"{'0' * 32}-{'1' * 32}.so"
    damaged.write_bytes(b"not what it says")
    assert machine_code._intact(folder, "0" * 32) is None
    assert not damaged.exists()


def test_a_cache_that_others_may_write_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    machine_code._own_folder().chmod(0o777)
    with pytest.raises(CannotCompile, match="others may write to"):
        trial(tmp_path / "run").go()


def test_a_cache_that_cannot_be_written_to_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "file"))
    with pytest.raises(CannotCompile, match="the cache cannot be used"):
        trial(tmp_path / "run").go()


def test_a_compiler_that_fails_is_said(tmp_path, monkeypatch):
    broken = tmp_path / "broken-c++"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "g++ 0" && exit 0\necho no space left >&2\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CannotCompile, match="the compiler failed"):
        trial(tmp_path / "run").go()


@pytest.mark.slow
def test_classes_with_weights_are_learned_alike():
    x = torch.randn(41, 3, generator=torch.Generator().manual_seed(1))
    data = InMemory({"x": x}, {"y": (x.sum(1) > 0).long()}, Loading(8, shuffled(0)))
    weights = torch.tensor([0.3, 0.7])

    def loss(model, batch):
        parts = F.cross_entropy(model(batch.inputs), batch.targets, weights)
        penalty = sum(each.square().sum() for each in model.parameters())
        return {"loss": parts + 1e-3 * penalty, "penalty": penalty}

    learned = []
    for is_compiled in (True, False):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
        settings = OptimizationSettings({"": Adam(lr=0.01)}, {"": Cosine()})
        learner = GradientLearner(model, loss, settings, Session(0, CPU, 300, 5))
        if is_compiled:
            learner.compile(shapes(data), data.num_batches, (), "a test's")
        scores = []
        for epoch in range(60):
            list(learner.epoch(data.epoch(epoch)))
            scores.append(learner.scores())
            learner.observe({})
        learned.append((scores, [each.detach() for each in model.parameters()]))
    for one, other in zip(learned[0][0], learned[1][0], strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    torch.testing.assert_close(learned[0][1], learned[1][1], rtol=1e-5, atol=1e-6)
