"""Which data, models and tasks fit: by modality, target and role, never by a list of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dltk.config import registry
from dltk.config.errors import alternatives, listed
from dltk.config.problems import Problem, ProblemId
from dltk.config.sections import TrainOptions
from dltk.data.augment.augmentation import problems_of
from dltk.data.specs import Spec

if TYPE_CHECKING:
    from dltk.experiment.config import Experiment

_MISFIT: ProblemId = "DLTK-CONFIG-MISFIT"
_CONFLICT: ProblemId = "DLTK-CONFIG-CONFLICT"
_UNKNOWN: ProblemId = "DLTK-CONFIG-UNKNOWN-NAME"


def accepts(model_options: Any, spec: Spec) -> bool:
    """Return whether a model takes every input of these data, and gives such targets.

    Asks its Config's `accepts`, and `gives` where the model can answer some kinds of target only.
    """
    gives = getattr(model_options, "gives", ())
    return all(isinstance(modality, tuple(model_options.accepts)) for modality in spec.inputs.values()) and (
        not gives or all(isinstance(target, tuple(gives)) for target in spec.targets.values())
    )


def fits_task(spec: Spec, model_options: Any, task_options: Any) -> bool:
    """Return whether a task can learn these targets with this role of model; asks its Config's `needs`."""
    needs = task_options.needs
    targets = [type(target) for target in spec.targets.values()]
    fits_target = not needs.targets or (bool(targets) and all(target in needs.targets for target in targets))
    return model_options.role in needs.roles and fits_target


def fitting_models(spec: Spec) -> list[str]:
    """Return the names of all models that take these inputs."""
    return [name for name in registry.names("models") if accepts(registry.load("models", name).Config, spec)]


def fitting_tasks(spec: Spec, model_options: Any) -> list[str]:
    """Return the names of all tasks that learn these targets with such a model."""
    return [
        name for name in registry.names("tasks") if fits_task(spec, model_options, registry.load("tasks", name).Config)
    ]


def default_tasks(spec: Spec, model_options: Any) -> list[str]:
    """Return the names of the fitting tasks that need not be written."""
    return [
        name
        for name in fitting_tasks(spec, model_options)
        if getattr(registry.load("tasks", name).Config, "is_default", False)
    ]


def words(kinds: Mapping[str, Any]) -> str:
    """Spell modalities or targets: "images and a table"."""
    return " and ".join(dict.fromkeys(kind.word for kind in kinds.values())) or "no target"


def misfits(experiment: Experiment) -> list[Problem]:
    """Return why data, model and task do not fit, and what would."""
    spec, model, task = experiment.spec, experiment.model, experiment.task
    problems = []
    if not accepts(model.options, spec):
        reason = _why_refused(experiment)
        problems.append(
            Problem(
                ("model", "name"),
                f"{reason}; models that fit: {listed(fitting_models(spec)) or 'none'}",
                id=_MISFIT,
            )
        )
    if not fits_task(spec, model.options, task.options):
        targets = " or ".join(target.word for target in task.options.needs.targets) or "anything"
        roles = " or ".join(task.options.needs.roles)
        problems.append(
            Problem(
                ("task", "name"),
                f"{task.name} learns {targets} with a model of role {roles}; {experiment.data.name} asks for "
                f"{words(spec.targets)} and {model.name} is of role {model.options.role}; "
                f"tasks that fit: {listed(fitting_tasks(spec, model.options)) or 'none'}",
                id=_MISFIT,
            )
        )
    return problems


def impossible_training(experiment: Experiment) -> list[Problem]:
    """Return which options of training contradict the model, the task or each other."""
    train, problems = experiment.sections.train, []
    given = {"optimizer": experiment.optimization.optimizers, "schedule": experiment.optimization.schedules}
    if experiment.is_one_pass:
        one_pass = f"{experiment.model.name} is fitted in one pass"
        problems += [
            Problem((section,), f"{one_pass} and has no {section}; leave it out", id=_CONFLICT)
            for section, options in given.items()
            if options
        ]
        if train.steps is not None or train.epochs not in {None, 0, 1}:
            key = "epochs" if train.steps is None else "steps"
            problems.append(Problem(("train", key), f"{one_pass}; leave epochs and steps out", id=_CONFLICT))
        ours = TrainOptions()
        problems += [
            Problem(("train", key), f"{one_pass}, without gradients; leave {key} out", id=_CONFLICT)
            for key in ("accumulate", "precision", "ema")
            if getattr(train, key) != getattr(ours, key)
        ]
        if experiment.data.common.augment:
            what = f"{one_pass} over the samples as they are; leave augment out"
            problems.append(Problem(("data", "augment"), what, id=_CONFLICT))
    problems += [error.problem("data") for error in problems_of(experiment.data.common.augment, experiment.spec)]
    known = getattr(experiment.task.options, "optimizers", ())
    unknown = [(section, name) for section, options in given.items() for name in options if name and name not in known]
    for section, name in unknown:
        sets = alternatives(name, known, "it has") if known else "; it has only one, without a name"
        problems.append(
            Problem(
                (section, name), f"the task {experiment.task.name} has no parameter set '{name}'{sets}", id=_UNKNOWN
            )
        )
    if train.accumulate != 1 and any(
        options.takes_whole_epochs for options in experiment.optimization.optimizers.values()
    ):
        problems.append(
            Problem(("train", "accumulate"), "gd makes one update per epoch; leave accumulate out", id=_CONFLICT)
        )
    if train.epochs is not None and train.steps is not None:
        problems.append(Problem(("train", "steps"), "give epochs or steps, not both", id=_CONFLICT))
    return problems


def _why_refused(experiment: Experiment) -> str:
    """Say which inputs a model does not take, or else which targets it does not answer."""
    spec, data, model = experiment.spec, experiment.data, experiment.model
    taken = tuple(model.options.accepts)
    if not all(isinstance(modality, taken) for modality in spec.inputs.values()):
        takes = " or ".join(modality.word for modality in taken)
        return f"{model.name} takes {takes}; {data.name} gives {words(spec.inputs)}"
    answers = " or ".join(target.word for target in model.options.gives)
    return f"{model.name} answers {answers}; {data.name} asks for {words(spec.targets)}"
