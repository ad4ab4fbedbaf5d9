"""Schedules against their formulas and torch's own."""

import math
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from dltk.config.settings import SettingsError
from dltk.training.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    Length,
    MultiStep,
    OneCycle,
    Polynomial,
    Step,
)

LR, EPOCH, EPOCHS = 0.4, 5, 10
TOTAL = EPOCH * EPOCHS
RUN = Length(TOTAL, EPOCH)
NEEDED: dict[str, dict[str, Any]] = {
    "step": {"step_size": 2},
    "multistep": {"milestones": [2, 3]},
    "exponential": {"gamma": 0.9},
    "inverse_time": {"decay": 0.5},
}


def theirs(make, every=1):
    """Return the rates of torch's scheduler, stepped after every so many updates."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], LR)
    scheduler = make(optimizer)
    rates = []
    for update in range(TOTAL):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (update + 1) % every == 0:
            scheduler.step()
    return rates


def ours(schedule):
    return [LR * schedule.multiplier(update, RUN) for update in range(TOTAL)]


def close(rates):
    return pytest.approx(rates, rel=1e-9, abs=1e-12)


def test_constant_is_one():
    assert [Constant().multiplier(update, Length(10)) for update in (0, 5, 10, 99)] == [1, 1, 1, 1]


@pytest.mark.parametrize("final", [0.0, 0.1, 2.0])
def test_cosine_is_torchs_own(final):
    expected = theirs(lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=TOTAL, eta_min=final * LR))
    assert ours(Cosine(final=final)) == close(expected)


def test_cosine_is_half_way_in_the_middle_and_stays_at_the_end():
    ten = Length(10)
    assert Cosine().multiplier(0, ten) == 1
    assert Cosine().multiplier(5, ten) == pytest.approx(0.5)
    assert Cosine(final=0.2).multiplier(10, ten) == pytest.approx(0.2)
    assert Cosine(final=0.2).multiplier(99, ten) == pytest.approx(0.2)


@pytest.mark.parametrize("power", [1.0, 0.5, 2.0])
def test_polynomial_is_torchs_own(power):
    expected = theirs(lambda optimizer: lr_scheduler.PolynomialLR(optimizer, total_iters=TOTAL, power=power))
    assert ours(Polynomial(power=power)) == close(expected)


def test_polynomial_ends_at_its_final_part():
    assert Polynomial(final=0.1).multiplier(TOTAL, RUN) == pytest.approx(0.1)
    assert Polynomial(final=0.1).multiplier(TOTAL // 2, RUN) == pytest.approx(0.55)


@pytest.mark.parametrize("step_size", [1, 3])
def test_step_is_torchs_own_with_epochs_as_its_unit(step_size):
    expected = theirs(lambda optimizer: lr_scheduler.StepLR(optimizer, step_size, gamma=0.3), every=EPOCH)
    assert ours(Step(step_size=step_size, gamma=0.3)) == close(expected)


def test_multistep_is_torchs_own_with_epochs_as_its_unit():
    expected = theirs(lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [2, 7], gamma=0.3), every=EPOCH)
    assert ours(MultiStep(milestones=(2, 7), gamma=0.3)) == close(expected)


def test_exponential_is_torchs_own_with_epochs_as_its_unit():
    expected = theirs(lambda optimizer: lr_scheduler.ExponentialLR(optimizer, gamma=0.8), every=EPOCH)
    assert ours(Exponential(gamma=0.8)) == close(expected)


@pytest.mark.parametrize("options", [{}, {"pct_start": 0.5, "div_factor": 10.0, "final_div_factor": 100.0}])
def test_one_cycle_is_torchs_own(options):
    expected = theirs(
        lambda optimizer: lr_scheduler.OneCycleLR(
            optimizer, max_lr=LR, total_steps=TOTAL + 1, cycle_momentum=False, **options
        )
    )
    cycle = OneCycle(**options)
    rates = [LR * cycle.multiplier(update, Length(TOTAL + 1)) for update in range(TOTAL)]
    assert rates == close(expected)


@pytest.mark.parametrize("total", [1, 2, 3])
def test_one_cycle_is_finite_in_the_shortest_runs(total):
    multipliers = [OneCycle().multiplier(update, Length(total)) for update in range(total + 1)]
    assert all(0 < multiplier <= 1 for multiplier in multipliers)


def test_inverse_time_is_its_formula():
    for update in (0, 1, 7, 1000):
        assert InverseTime(decay=0.01).multiplier(update, Length()) == 1 / (1 + 0.01 * update)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule_is_a_finite_function_of_the_update(kind):
    schedule = SCHEDULES[kind].parse({"name": kind} | NEEDED.get(kind, {}))
    length = Length(20, 4)
    multipliers = [schedule.multiplier(update, length) for update in range(30)]
    assert all(math.isfinite(multiplier) and multiplier >= 0 for multiplier in multipliers)
    assert multipliers[0] == pytest.approx(1 / 25 if kind == "one_cycle" else 1)
    assert [schedule.multiplier(update, length) for update in reversed(range(30))] == multipliers[::-1]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("cosine", {"final": -1}, "final"),
        ("inverse_time", {}, "decay"),
        ("inverse_time", {"decay": 0}, "decay"),
        ("step", {}, "step_size"),
        ("multistep", {"milestones": []}, "milestones"),
        ("multistep", {"milestones": [3, 2]}, r"milestones: must ascend; found \[3, 2\]; allowed \[2, 3\]"),
        ("one_cycle", {"pct_start": 1.0}, "pct_start"),
        ("one_cycle", {"warmup_epochs": 1}, "warmup_epochs: no such option"),
        ("plateau", {"factor": 1.0}, "factor"),
        ("cosine", {"warmup_steps": 3, "warmup_epochs": 1}, "warmup_steps: give warmup_steps or warmup_epochs"),
    ],
)
def test_impossible_options_are_refused(kind, options, message):
    with pytest.raises(SettingsError, match=message):
        SCHEDULES[kind].parse({"name": kind, **options})
