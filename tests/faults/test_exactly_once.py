"""Every sample is learned from exactly once in every epoch, in the epoch's own order, however a training is stopped."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dltk.config.sections import CheckpointOptions, TrainOptions
from dltk.data.batches import Batch, InMemory, Loading
from dltk.data.plans import shuffled
from dltk.training.session import Session
from dltk.training.signals import Stopped
from tests.unit.training.tiny import CPU, Killed, Mortal, Trial

EPOCHS = 3


@dataclass(frozen=True)
class Noted:
    """Batches that note which samples were asked for: (epoch, place in it) -> their numbers, in every life."""

    batches: InMemory
    lives: list[dict[tuple[int, int], list[int]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.batches, name)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        for position, batch in enumerate(self.batches.epoch(number, start=start), start):
            assert isinstance(batch.inputs, torch.Tensor)
            self.lives[-1][number, position] = batch.inputs[:, 0].long().tolist()
            yield batch


def numbered(num_samples: int, batch_size: int, seed: int) -> InMemory:
    """Return samples of which the first input is their number."""
    x = torch.arange(num_samples, dtype=torch.float32)[:, None].expand(-1, 3).clone()
    return InMemory({"x": x}, {"y": x[:, :1] / num_samples}, Loading(batch_size, shuffled(seed)))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.integers(4, 60),
    st.integers(2, 16),
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.sampled_from(["INT", "TERM", "KILL"])), max_size=4),
)
def test_every_epoch_has_every_sample_once_in_its_own_order(
    num_samples: int, batch_size: int, seed: int, stops: list[tuple[int, bool, str]]
) -> None:
    train = Noted(numbered(num_samples, min(batch_size, num_samples), seed))
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(
            Path(folder), TrainOptions(epochs=EPOCHS), CheckpointOptions(every_seconds=1e6, every_steps=2), train=train
        )
        total = EPOCHS * train.num_batches
        for step, at_boundary, kind in stops:  # boundaries are where others lost an epoch
            place = step % total // train.num_batches * train.num_batches if at_boundary else step % total
            train.lives.append({})
            live(trial, place, kind)
        train.lives.append({})
        trial.go()
    learned: dict[tuple[int, int], list[int]] = {}
    for life in train.lives:
        for place, numbers in life.items():
            assert learned.setdefault(place, numbers) == numbers, "another life saw other samples there"
    orders = [
        [number for place in range(train.num_batches) for number in learned[epoch, place]] for epoch in range(EPOCHS)
    ]
    assert all(sorted(order) == list(range(num_samples)) for order in orders)
    assert orders == [shuffled(seed)(epoch, num_samples).tolist() for epoch in range(EPOCHS)]
    assert num_samples < 8 or len({tuple(order) for order in orders}) == EPOCHS


def live(trial: Trial, step: int, kind: str) -> None:
    """Train until a stop comes, if it is not behind already."""
    try:
        if kind == "KILL":
            replace(trial, train=Mortal(trial.train, step)).go()
        else:
            replace(trial, signals={step: getattr(signal, f"SIG{kind}")}).go()
    except (Stopped, Killed):
        pass


@pytest.mark.parametrize("seed", [0, 7])
def test_every_step_draws_its_own_noise(seed: int) -> None:
    session, drawn = Session(seed, CPU, 50), set()
    for step in range(50):
        session.seed_step(step)
        drawn.add(tuple(torch.rand(3).tolist()))
    assert len(drawn) == 50
