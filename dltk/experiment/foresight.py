"""What can be known of a run before its data are read, and everything wrong with it that can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dltk.config.document import locate
from dltk.config.errors import ConfigError, MissingInput, OptionError
from dltk.config.problems import Problem
from dltk.data.outlook import NotFitted, Outlook, needs_reading, outlook, outlook_by_reading, sizes_unknown
from dltk.data.plans import batch_sizes
from dltk.data.splits import DEFAULT_BATCH_SIZE
from dltk.experiment.building import bare_model, refuse_mixing, selection_for, with_length
from dltk.experiment.compiling import refuse_uncompilable
from dltk.experiment.config import Experiment, absent_paths
from dltk.experiment.effects import contradictions, needs_several, oversized_batch
from dltk.experiment.learning import refuse_learner, refuse_misfits, refuse_unfit, settings_for, unchecked_session
from dltk.experiment.overfitting import few_samples
from dltk.experiment.oversize import refuse_oversized, without_numbers
from dltk.experiment.starting import freeze_as_asked, set_parameters
from dltk.training.early_stopping import Selection
from dltk.training.saving.pretrained import refuse_absent
from dltk.training.session import Session
from dltk.training.task import Task


@dataclass
class Foreseen:
    """A run as far as it is known.

    Attributes:
        experiment: With every decision in it that does not need the data.
        data: Sizes, splits, and the preparation where it could be fitted.
        sizes: Samples of each split; empty where only reading tells.
        task: None where only the data tell.
        model: Without numbers; None where it is not known, and `unknown` says why.
        selection: What will be watched; None where it is not known whether there is a val split.
        session: How long the run is; None where that is not known.
        problems: Everything found wrong.
    """

    experiment: Experiment
    data: Outlook
    sizes: dict[str, int] = field(default_factory=dict)
    task: Task | None = None
    model: nn.Module | None = None
    selection: Selection | None = None
    session: Session | None = None
    unknown: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def batch_size(self) -> int:
        """Samples of a full batch of training."""
        return self.experiment.data.common.batch_size or DEFAULT_BATCH_SIZE

    @property
    def num_batches(self) -> int | None:
        """Batches of an epoch; None where only reading tells."""
        return len(batch_sizes(self.sizes["train"], self.batch_size)) if self.sizes else None


def refuse_foreseeable(experiment: Experiment, device: torch.device) -> None:
    """Refuse, before any data are read, a run that would be refused after that.

    Raises:
        ConfigError: With every problem and its position.
    """
    data = experiment.data
    _refuse(_foreseen(experiment, device, lambda: outlook(data.file, data.options, data.common, experiment.spec)))


def foreseen(experiment: Experiment, device: torch.device) -> Foreseen:
    """Return what is known of a run; of tables the data are read for it.

    Raises:
        ConfigError: With every problem and its position.
        DataError: The content of the data is invalid.
    """
    data, spec = experiment.data, experiment.spec

    def look() -> Outlook:
        if needs_reading(spec):
            return outlook_by_reading(data.file, data.options, data.common)
        return outlook(data.file, data.options, data.common, spec)

    found = _foreseen(experiment, device, look)
    _refuse(found)
    return found


def _foreseen(experiment: Experiment, device: torch.device, look: Callable[[], Outlook]) -> Foreseen:
    """Look at the data; where an option of theirs is wrong, foresee what does not need their sizes."""
    try:
        return foresee(experiment, look(), device)
    except OptionError as error:
        found = foresee(experiment, sizes_unknown(experiment.data.common, experiment.spec), device)
        found.problems += experiment.problem("data", error).problems
        return found


def foresee(experiment: Experiment, known: Outlook, device: torch.device) -> Foreseen:
    """Build what can be built, by the functions that build the run; note what these refuse."""
    experiment = replace(experiment, data=replace(experiment.data, common=known.options))
    found = Foreseen(experiment, known, problems=locate(contradictions(experiment), experiment.document))
    _decide_task(found)
    _decide_length(found, device)
    _build_model(found)
    _check_learning(found)
    with _noting(found, "train"):
        refuse_uncompilable(found.experiment, device, found.model)
    return found


def refuse_absent_weights(experiment: Experiment) -> None:
    """Refuse, before any data are read, weights to start from that are not there, or are another program's.

    Raises:
        MissingInput: There is no such run or file; with its place in the config.
        ConfigError: They must be imported first.
    """
    common = experiment.model.common
    try:
        if common.weights is not None:
            refuse_absent(Path(common.weights))
    except MissingInput as error:
        raise error.at(absent_paths("model", common, experiment.document)) from None
    except OptionError as error:
        raise experiment.problem("model", error) from None


def _refuse(found: Foreseen) -> None:
    distinct = {problem.path: problem for problem in reversed(found.problems)}
    if distinct:
        raise ConfigError(locate(list(distinct.values()), found.experiment.document))


def _decide_task(found: Foreseen) -> None:
    experiment, preparation = found.experiment, found.data.preparation
    with _noting(found, "task"), _unless_unknown(found):
        task: Task = experiment.task.file.build(experiment.task.options, preparation.spec, preparation)
        decided: Any = getattr(task, "config", experiment.task.options)
        found.task, found.experiment = task, replace(experiment, task=replace(experiment.task, options=decided))
    if found.task is not None:
        with _noting(found, "data"):
            refuse_mixing(found.experiment, found.task)


def _decide_length(found: Foreseen, device: torch.device) -> None:
    sections = found.experiment.sections
    found.sizes = dict(few_samples(found.data.sizes, sections, found.batch_size))
    if found.sizes or sections.train.overfit_batches is not None:
        has_val = "val" in found.sizes
        if found.task is not None:
            with _noting(found, "early_stopping"):
                found.selection = selection_for(found.experiment, found.task, has_val=has_val)
    if found.num_batches is None:
        return
    found.experiment = with_length(found.experiment, found.num_batches)
    with _noting(found, "train"):
        found.session = unchecked_session(found.experiment, device, found.num_batches)
        refuse_unfit(found.experiment, found.session)


def _build_model(found: Foreseen) -> None:
    """Build the model without its numbers, once it is known that its numbers fit this machine."""
    experiment, preparation = found.experiment, found.data.preparation
    problems = found.problems if found.data.is_exact else []
    with _noting(found, "model", problems), _unless_unknown(found):
        refuse_oversized(lambda: bare_model(experiment, preparation))
        model = without_numbers(lambda: bare_model(experiment, preparation))
        freeze_as_asked(experiment, model)
        if not experiment.is_one_pass and not any(parameter.requires_grad for parameter in model.parameters()):
            raise OptionError("freeze" if experiment.model.common.freeze else "", "has no parameters that could learn")
        set_parameters(model, experiment.model.common.parameters or {})
        found.problems += oversized_batch(preparation.spec, found.batch_size)
        found.problems += needs_several(model, found.batch_size)
        found.model = model
    if problems is not found.problems and problems:
        found.unknown = problems[0].message


def _check_learning(found: Foreseen) -> None:
    """Check optimizer and schedule; those of several parameter sets only where the model is known."""
    experiment, session = found.experiment, found.session
    if session is None or found.task is None or experiment.is_one_pass:
        return
    settings = settings_for(experiment, found.task, session, has_val="val" in found.sizes)
    with _noting(found, "optimizer"):
        if not experiment.task.options.optimizers:
            refuse_misfits(experiment, settings, session, found.model)
        elif found.model is not None:
            refuse_learner(experiment, found.task, settings, session, found.model)


@contextmanager
def _noting(found: Foreseen, section: str, problems: list[Problem] | None = None) -> Iterator[None]:
    """Note what is refused, and go on."""
    problems = found.problems if problems is None else problems
    try:
        yield
    except OptionError as error:
        problems += found.experiment.problem(section, error).problems
    except ConfigError as error:
        problems += error.problems


@contextmanager
def _unless_unknown(found: Foreseen) -> Iterator[None]:
    """Go on where something follows only from the data themselves."""
    try:
        yield
    except NotFitted as missing:
        found.unknown = f"it follows from the data ({missing}), which are not read"
