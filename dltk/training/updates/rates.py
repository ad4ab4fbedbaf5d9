"""What the base rate is multiplied by: a schedule with its warm-up, and which ones a run is too short for."""

from __future__ import annotations

from dltk.config.errors import OptionError
from dltk.training.schedules import Length, ScheduleSettings, WarmedUp


def rate_multiplier(schedule: ScheduleSettings, update: int, length: Length) -> float:
    """Return what the base rate is multiplied by at an update, warm-up included.

    A schedule that spans the whole run spans what is left after the warm-up; one that counts epochs or updates counts
    from the start.
    """
    warm = _warmup(schedule, length)
    ramp = min(1.0, (update + 1) / warm) if warm else 1.0
    if warm and schedule.needs_total:
        update, length = max(0, update - warm), Length((length.run or 0) - warm, length.epoch)
    return ramp * schedule.multiplier(update, length)


def refuse_without_effect(schedule: ScheduleSettings, length: Length) -> None:
    """Refuse what cannot come into effect within a run.

    Raises:
        OptionError: With the option's path below the schedule's own section.
    """
    if schedule.needs_total and length.run is None:
        raise OptionError(
            "name",
            f"{schedule.name} spans the run, and these data are a stream of unknown length",
            id="DLTK-CONFIG-MISFIT",
        )
    turns = dict(schedule.turns())
    warm_epochs, warm_steps = _asked(schedule)
    if warm_epochs is not None:
        turns["warmup_epochs"] = warm_epochs
    if turns and length.epoch is None:
        option = next(iter(turns)).split(".")[0]
        raise OptionError(
            option,
            "counts epochs, and these data are a stream whose epochs have no known length",
            id="DLTK-CONFIG-MISFIT",
        )
    for option, epochs in turns.items():
        if length.run and length.epoch and epochs * length.epoch >= length.run:
            lasts = f"{length.run / length.epoch:g} epochs"
            raise OptionError(
                option, f"epoch {epochs:g} is not before the end of the run, which has {lasts}", id="DLTK-CONFIG-SPAN"
            )
    if length.run and warm_steps is not None and warm_steps >= length.run:
        what = f"the warm-up does not end before the run does, which has {length.run} updates"
        allowed = f"at most {length.run - 1}"
        raise OptionError("warmup_steps", what, id="DLTK-CONFIG-SPAN", found=str(warm_steps), allowed=allowed)


def _warmup(schedule: ScheduleSettings, length: Length) -> int:
    epochs, steps = _asked(schedule)
    return steps or 0 if epochs is None else max(1, round(epochs * (length.epoch or 1)))


def _asked(schedule: ScheduleSettings) -> tuple[float | None, int | None]:
    """Return the warm-up that was asked for in epochs or in updates."""
    return (schedule.warmup_epochs, schedule.warmup_steps) if isinstance(schedule, WarmedUp) else (None, None)
