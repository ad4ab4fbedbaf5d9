"""Other data than a run's own: which options may name them, how they are read, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dltk.config.errors import DataError, DltkError, OptionError, UsageError, alternatives, shown
from dltk.config.problems import OVERRIDE
from dltk.data.samples import Source
from dltk.data.texts.files import Encoding, for_other_files
from dltk.experiment.config import Experiment, path_options
from dltk.training.loggers import Screen

_ENCODING = "data.encoding"


def refuse_others_than_files(experiment: Experiment, overrides: Sequence[str]) -> None:
    """Refuse overrides of a run that do not name data: how else these are read is part of what was learned.

    Raises:
        UsageError: With what may be named.
    """
    paths = [f"data.{path}" for path in path_options(experiment.data.file.Config)]
    allowed = [*paths, *([_ENCODING] if _has_encoding(experiment.data.options) else [])]
    example = "dltk eval RUN data.path=new.csv" if "data.path" in paths else "dltk eval RUN"
    given = _given(overrides)
    for option, text in given.items():
        if option not in allowed:
            message = f"eval can only name other data; received {shown(text)}{alternatives(option, allowed)}"
            raise UsageError(message, do=example)
    if list(given) == [_ENCODING]:
        raise UsageError(f"{_ENCODING} is that of other data; name these, too", do=f"{example} {overrides[0]}")


def without_own_files(experiment: Experiment, overrides: Sequence[str]) -> list[str]:
    """Return overrides that name other data, and others that leave out the run's files that were not named anew."""
    given = _given(overrides)
    paths = {f"data.{path}": needed for path, needed in path_options(experiment.data.file.Config).items()}
    return [*overrides, *(f"{path}=null" for path, is_needed in paths.items() if not is_needed and path not in given)]


def read_other(experiment: Experiment, overrides: Sequence[str]) -> Source:
    """Read data that overrides name; unless these name the encoding, too, it may be UTF-8 or that of the run's data."""
    options: Any = experiment.data.options
    if _has_encoding(options) and _ENCODING not in _given(overrides):
        options = options.model_copy(update={"encoding": for_other_files(options.encoding)})
    source: Source = experiment.data.file.read(options)
    return source


def say_notes(samples: Any) -> None:
    """Say on stderr what was decided or left out while samples were read."""
    for note in getattr(samples, "notes", ()):
        Screen().say(f"data: {note}")


def problem_of(experiment: Experiment, error: OptionError, overrides: Sequence[str]) -> DltkError:
    """Return what is wrong: an option that was typed, or other data that an option of the run does not fit."""
    problem = experiment.problem("data", error)
    position = problem.problems[0].position
    if not overrides or (position is not None and position.source == OVERRIDE):
        return problem
    return DataError(
        f"these data do not fit the run: {error}", where=" ".join(overrides), do="name a file like the training data"
    )


def _given(overrides: Sequence[str]) -> dict[str, str]:
    return {text.partition("=")[0]: text for text in overrides}


def _has_encoding(options: Any) -> bool:
    field = type(options).model_fields.get("encoding")
    return field is not None and field.annotation == Encoding
