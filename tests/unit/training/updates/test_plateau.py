"""A plateau schedule against torch's own, and what it refuses."""

import math

import pytest
import torch

from dltk.config.errors import OptionError
from dltk.training.schedules import Constant, Plateau
from dltk.training.updates.plateau import PlateauWatch, watch_for

SCORES = [1.0, 0.9, 0.91, 0.8999, 0.95, 0.7, 0.71, 0.7, 0.72, 0.71, 0.3, 0.3, 0.3, 0.3, 0.3]


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize("patience", [0, 1, 2])
@pytest.mark.parametrize("threshold", [1e-4, 0.1])
def test_it_lowers_the_rate_when_torchs_own_does(direction, patience, threshold):
    schedule = Plateau(factor=0.5, patience=patience, threshold=threshold)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, direction, 0.5, patience, threshold)
    ours = PlateauWatch(schedule, direction)
    for score in SCORES if direction == "min" else [2 - score for score in SCORES]:
        theirs.step(score)
        ours.observe({"val/loss": score})
        assert ours.multiplier == pytest.approx(optimizer.param_groups[0]["lr"])
    assert ours.multiplier < 1


@pytest.mark.parametrize("broken", [math.nan, math.inf, None])
def test_a_broken_score_is_no_improvement(broken):
    watch = PlateauWatch(Plateau(patience=1), "max")
    watch.observe({"val/loss": 0.5})
    for _ in range(2):
        assert watch.multiplier == 1
        watch.observe({"val/loss": broken})
    assert watch.multiplier == pytest.approx(0.1)


def test_it_goes_on_from_its_state():
    one, other = (PlateauWatch(Plateau(patience=2), "min") for _ in range(2))
    for score in SCORES[:7]:
        one.observe({"val/loss": score})
    other.load_state_dict(one.state_dict())
    for score in SCORES[7:]:
        one.observe({"val/loss": score})
        other.observe({"val/loss": score})
        assert one.state_dict() == other.state_dict()


@pytest.mark.parametrize(
    ("schedule", "directions", "num_evaluations", "message"),
    [
        (Plateau(), {}, 20, "name: plateau reacts to a val score and there is none; set data.val_fraction"),
        (Plateau(monitor="val/los"), {"val/loss": "min"}, 20, "monitor: no such score; did you mean 'val/loss'"),
        (Plateau(patience=3), {"val/loss": "min"}, 5, "patience: the rate falls after evaluation 5 at the earliest"),
    ],
)
def test_what_cannot_react_is_refused(schedule, directions, num_evaluations, message):
    with pytest.raises(OptionError) as caught:
        watch_for(schedule, directions, num_evaluations)
    assert str(caught.value).startswith(message)


def test_other_schedules_watch_nothing():
    assert watch_for(Constant(), {}, None) is None
    assert watch_for(Plateau(patience=3), {"val/loss": "min"}, 6) is not None
    assert watch_for(Plateau(), {"val/loss": "min"}, None) is not None
