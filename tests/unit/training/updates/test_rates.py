"""Warm-up before a schedule, and schedules that a run is too short for."""

import pytest

from dltk.config.errors import OptionError
from dltk.training.schedules import Constant, Cosine, Exponential, Length, MultiStep, OneCycle, Polynomial, Step
from dltk.training.updates.rates import rate_multiplier, refuse_without_effect

RUN = Length(50, 5)


def rates(schedule, updates=50, length=RUN):
    return [rate_multiplier(schedule, update, length) for update in range(updates)]


def test_without_warmup_it_is_the_schedule():
    assert rates(Cosine()) == [Cosine().multiplier(update, RUN) for update in range(50)]


def test_warmup_rises_in_a_straight_line_to_the_base_rate():
    assert rates(Constant(warmup_steps=4), 6) == [0.25, 0.5, 0.75, 1, 1, 1]


def test_warmup_counts_epochs_of_updates():
    assert rates(Constant(warmup_epochs=2)) == rates(Constant(warmup_steps=10))
    assert rates(Constant(warmup_epochs=0.5), 3, Length(50, 4)) == [0.5, 1, 1]


@pytest.mark.parametrize("kind", [Cosine, Polynomial])
def test_a_schedule_of_the_whole_run_spans_what_warmup_leaves(kind):
    warm = rates(kind(warmup_steps=10))
    assert warm[9] == 1
    assert warm[10:] == [kind().multiplier(update, Length(40)) for update in range(40)]


def test_epochs_are_counted_from_the_start():
    warm = rates(MultiStep(milestones=(4,), warmup_epochs=1))
    assert warm[5:20] == [1.0] * 15
    assert warm[20:] == pytest.approx([0.1] * 30)


@pytest.mark.parametrize(
    ("schedule", "length", "message"),
    [
        (Step(step_size=10), RUN, "step_size: epoch 10 is not before the end of the run, which has 10 epochs"),
        (MultiStep(milestones=(3, 12)), RUN, "milestones.1: epoch 12 is not before the end of the run"),
        (Exponential(gamma=0.9), Length(5, 5), "gamma: epoch 1 is not before the end of the run, which has 1 epochs"),
        (Constant(warmup_epochs=10), RUN, "warmup_epochs: epoch 10 is not before the end"),
        (
            Cosine(warmup_steps=50),
            RUN,
            "warmup_steps: the warm-up does not end before the run does, which has 50 updates; found 50; "
            "allowed at most 49",
        ),
        (Step(step_size=1), Length(50, None), "step_size: counts epochs, and these data are a stream"),
        (MultiStep(milestones=(1,)), Length(), "milestones: counts epochs"),
        (Cosine(), Length(), "name: cosine spans the run, and these data are a stream of unknown length"),
        (OneCycle(), Length(None, 5), "name: one_cycle spans the run"),
    ],
)
def test_what_cannot_come_into_effect_is_refused(schedule, length, message):
    with pytest.raises(OptionError) as caught:
        refuse_without_effect(schedule, length)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("schedule", "length"),
    [
        (Step(step_size=9), RUN),
        (MultiStep(milestones=(3, 9)), RUN),
        (Exponential(gamma=0.9), Length(6, 5)),
        (Step(step_size=9), Length(None, 5)),
        (Constant(), Length()),
        (Constant(warmup_steps=9), Length()),
        (Step(step_size=9), Length(0, 5)),
    ],
)
def test_what_can_is_not(schedule, length):
    refuse_without_effect(schedule, length)
