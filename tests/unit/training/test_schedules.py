"""Schedules against their formulas and torch's own."""

import math
from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from dltk.config.settings import SettingsError
from dltk.training.schedules import SCHEDULES, Constant, Cosine, InverseTime


def test_constant_is_one():
    assert [Constant().factor(step, 10) for step in (0, 5, 10, 99)] == [1, 1, 1, 1]


@pytest.mark.parametrize("final", [0.0, 0.1, 1.0])
def test_cosine_is_torchs_own(final):
    lr, total = 0.4, 50
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr)
    theirs = CosineAnnealingLR(optimizer, T_max=total, eta_min=final * lr)
    for step in range(total + 1):
        assert lr * Cosine(final=final).factor(step, total) == pytest.approx(
            theirs.get_last_lr()[0], rel=1e-9, abs=1e-12
        )
        optimizer.step()
        theirs.step()


def test_cosine_is_half_way_in_the_middle_and_stays_at_the_end():
    assert Cosine().factor(0, 10) == 1
    assert Cosine().factor(5, 10) == pytest.approx(0.5)
    assert Cosine(final=0.2).factor(10, 10) == pytest.approx(0.2)
    assert Cosine(final=0.2).factor(99, 10) == pytest.approx(0.2)


def test_inverse_time_is_its_formula():
    for step in (0, 1, 7, 1000):
        assert InverseTime(decay=0.01).factor(step, 0) == 1 / (1 + 0.01 * step)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule_is_a_finite_function_of_the_step(kind):
    schedule: Any = SCHEDULES[kind].parse({"name": kind} | ({"decay": 0.5} if kind == "inverse_time" else {}))
    factors = [schedule.factor(step, 20) for step in range(30)]
    assert all(math.isfinite(factor) and factor >= 0 for factor in factors)
    assert factors[0] == 1
    assert [schedule.factor(step, 20) for step in reversed(range(30))] == factors[::-1]


@pytest.mark.parametrize(
    ("kind", "options"), [("cosine", {"final": -1}), ("inverse_time", {}), ("inverse_time", {"decay": 0})]
)
def test_impossible_options_are_refused(kind, options):
    with pytest.raises(SettingsError):
        SCHEDULES[kind].parse({"name": kind, **options})
