"""From a YAML file and overrides to checked, typed settings of every part of an experiment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from dltk.config import differing, registry, schema
from dltk.config.checking import checked, refuse
from dltk.config.document import Document, locate, open_document
from dltk.config.errors import ConfigError, MissingInput, OptionError, listed
from dltk.config.keys import sealed
from dltk.config.names import as_name
from dltk.config.overrides import directory_of
from dltk.config.problems import Problem
from dltk.config.sections import DataOptions, ModelOptions, Sections, TrainOptions
from dltk.config.settings import Settings, SettingsError
from dltk.config.writing import yaml_text
from dltk.data import files
from dltk.data.disk.choosing import reading_to
from dltk.data.specs import Spec
from dltk.experiment.compatibility import default_tasks, fitting_tasks, impossible_training, misfits, words
from dltk.experiment.overfitting import for_overfitting
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import OPTIMIZERS, Adam
from dltk.training.saving.pretrained import pinned
from dltk.training.schedules import SCHEDULES

VARIANTS: Mapping[str, Mapping[str, type[Settings]]] = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}
RUNS = Path("runs")
"""Where the commands look for runs by name, too."""


@dataclass(frozen=True)
class Part:
    """One component with its options: its own, and those it shares with all of its kind."""

    name: str
    file: Any
    options: Any
    common: Any = None

    def plain(self) -> dict[str, Any]:
        """Return name and options as plain YAML values."""
        return {"name": self.name, **_written(self.options), **({} if self.common is None else _written(self.common))}


@dataclass(frozen=True)
class Experiment:
    """A checked experiment: every component loaded, every option typed.

    Attributes:
        document: Where it was read, for problems found later.
        spec: What the data set's headers tell.
        inferred: What was not written but decided, one sentence each.
    """

    document: Document
    sections: Sections
    data: Part
    model: Part
    task: Part
    optimization: OptimizationSettings
    spec: Spec
    inferred: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.sections.name or "experiment"

    @property
    def is_one_pass(self) -> bool:
        """Whether the model is fitted in one pass, without gradients."""
        return bool(self.model.options.role == "estimator")

    def problem(self, section: str, error: OptionError) -> ConfigError:
        """Turn what a component says of its options into a positioned problem."""
        return ConfigError(locate([error.problem(section)], self.document))

    def plain(self) -> dict[str, Any]:
        """Return the whole experiment with every decision in it, as plain YAML values."""
        parts = {"data": self.data, "model": self.model, "task": self.task}
        plain = _written(self.sections) | {section: part.plain() for section, part in parts.items()}
        given = {"optimizer": self.optimization.optimizers, "schedule": self.optimization.schedules}
        for section, options in given.items():
            kinds = {name: _written(settings) for name, settings in options.items()}
            plain |= {section: kinds.get("", kinds)} if kinds else {}
        return {section: plain[section] for section in Sections.model_fields if section in plain}

    def yaml(self) -> str:
        """Return `plain()` as YAML text."""
        return yaml_text(self.plain())

    def sealed(self) -> str:
        """Return `yaml()` below a comment by which a later edit of a fixed setting is noticed."""
        return sealed(self.yaml())


def read_experiment(
    source: Path | Mapping[str, Any], overrides: Sequence[str] = (), *, state: Mapping[str, Any] | None = None
) -> Experiment:
    """Read and check an experiment; nothing is trained, and of the data only headers are read.

    Args:
        source: A YAML file, or its content.
        overrides: `key=value` texts.
        state: A stored preparation, which tells what the data are; None asks the data themselves.

    Raises:
        ConfigError: With every problem and its position.
        MissingInput: The config or the data are not there.
    """
    given = Document(_plain(source), {}, {}, Path.cwd()) if isinstance(source, Mapping) else open_document(source)
    document = checked(given, overrides)
    values = document.values
    problems: list[Problem] = []
    sections = _parsed((), Sections, values, problems)
    data = read_part("data", "datasets", values["data"], DataOptions, problems, document)
    model = read_part("model", "models", values["model"], ModelOptions, problems, document)
    optimizers = _variants("optimizer", values.get("optimizer"), problems)
    schedules = _variants("schedule", values.get("schedule"), problems)
    refuse(problems, document)
    spec = _described(data, document) if state is None else data.file.restore(data.options, state).spec
    inferred = []
    task_options = values.get("task") or {}
    if task_options.get("name") is None:
        values = {**values, "task": {**task_options, "name": _inferred_task(spec, model, document)}}
        refuse(differing.check(values), document)
        inferred.append(f"task: {values['task']['name']}, which follows from the data and the model")
    task = read_part("task", "tasks", values["task"], None, problems, document)
    stem = "experiment" if isinstance(source, Mapping) else source.stem
    sections = sections.model_copy(update={"name": sections.name or as_name(stem)})
    train = sections.train
    optimization = OptimizationSettings(
        optimizers,
        schedules,
        accumulate=train.accumulate,
        precision=train.precision,
        replay=train.compile != "off",
        ema=train.ema,
    )
    experiment = Experiment(document, sections, data, model, task, optimization, spec, inferred)
    refuse(problems or [*misfits(experiment), *impossible_training(experiment)], document)
    return _with_defaults(experiment)


def _plain(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as YAML would give it: text keys, lists, paths as text."""
    plain: dict[str, Any] = json.loads(json.dumps(source, default=str))
    return plain


def read_part(
    section: str,
    kind: registry.Kind,
    values: Mapping[str, Any],
    common: type[Settings] | None,
    problems: list[Problem],
    document: Document,
) -> Part:
    """Load a component and type its options; what is wrong with them is added to `problems`."""
    name = values["name"]
    file = registry.load(kind, name)
    shared = {key: value for key, value in values.items() if common is not None and key in common.model_fields}
    own = {key: value for key, value in values.items() if key != "name" and key not in shared}
    own = _with_absolute_paths(section, file.Config, own, document)
    options = _parsed((section,), file.Config, own, problems)
    if isinstance(shared.get("weights"), str):
        shared["weights"] = str(_run_or_file(shared["weights"], directory_of(document, (section, "weights"))))
    return Part(name, file, options, None if common is None else _parsed((section,), common, shared, problems))


def _variants(section: str, values: Mapping[str, Any] | None, problems: list[Problem]) -> dict[str, Any]:
    if values is None:
        return {}
    values = schema.named(section, values)
    named = {"": values} if isinstance(values.get("name"), str) else values
    kinds = VARIANTS[section]
    return {
        name: _parsed((section, name) if name else (section,), kinds[options["name"]], options, problems)
        for name, options in named.items()
    }


def _parsed(path: tuple[str, ...], kind: type[Settings], values: Mapping[str, Any], problems: list[Problem]) -> Any:
    try:
        return kind.parse(values)
    except SettingsError as error:
        problems += [replace(problem, path=(*path, *problem.path)) for problem in error.problems]
        return None


def _run_or_file(text: str, directory: Path) -> Path:
    """Return where weights are: a path like that of data, or a run by its name; the newest run there is now."""
    path, by_name = files.locate(text, directory), RUNS / text
    return pinned(by_name.absolute() if not path.exists() and by_name.exists() else path)


def _with_absolute_paths(
    section: str, kind: type[Settings], values: Mapping[str, Any], document: Document
) -> dict[str, Any]:
    """Make every path option absolute: beside its file, or where an override was typed, or among the data.

    Where data lie below $DLTK_DATA is written down in `data.root`, so that a run needs the variable no more.
    """
    absolute = dict(values)
    for key in path_options(kind):
        value = values.get(key)
        if isinstance(value, str):
            absolute[key] = str(files.locate(value, directory_of(document, (section, key))))
    root = files.users_root()
    if section == "data" and root is not None and "root" in path_options(kind) and values.get("root") is None:
        absolute["root"] = root
    return absolute


def path_options(kind: type[Settings]) -> dict[str, bool]:
    """Return the options that name files or folders, and whether each must be given."""
    return {key: option.is_required() for key, option in kind.model_fields.items() if _is_path(option)}


def _is_path(option: Any) -> bool:
    """Return whether an option, or a part of its type, is marked as a path."""
    if isinstance(option, FieldInfo):
        marks = option.json_schema_extra
        return (isinstance(marks, Mapping) and marks.get("format") == "path") or _is_path(option.annotation)
    return any(map(_is_path, get_args(option)))


def _described(data: Part, document: Document) -> Spec:
    try:
        with reading_to(data.common.storage):
            spec: Spec = data.file.describe(data.options)
    except OptionError as error:
        raise ConfigError(locate([error.problem("data")], document)) from None
    except MissingInput as error:
        raise error.at(absent_paths("data", data.options, document)) from None
    return spec


def absent_paths(section: str, options: Settings, document: Document) -> list[Problem]:
    """Return the path options of a section that lead nowhere, each with its place."""
    given = document.values.get(section) or {}
    paths = {key: getattr(options, key) for key in path_options(type(options)) if key in given}
    absent = [key for key, path in paths.items() if isinstance(path, str) and not Path(path).exists()]
    return locate([Problem((section, key), "leads nowhere", id="DLTK-CONFIG-PATH") for key in absent], document)


def _inferred_task(spec: Spec, model: Part, document: Document) -> str:
    defaults = default_tasks(spec, model.options)
    if len(defaults) == 1:
        return defaults[0]
    fitting = fitting_tasks(spec, model.options)
    none = f"no task learns {words(spec.targets)} with a model of role {model.options.role}"
    what = f"the task does not follow; these fit: {listed(fitting)}; write task: {{name: ...}}" if fitting else none
    raise ConfigError(locate([Problem(("task",), what)], document))


def _with_defaults(experiment: Experiment) -> Experiment:
    train: TrainOptions = experiment.sections.train
    inferred = list(experiment.inferred)
    if experiment.is_one_pass and train.epochs is None:
        train = train.model_copy(update={"epochs": 1})
        inferred.append("train.epochs: 1")
    optimization = experiment.optimization
    if not optimization.optimizers and not experiment.is_one_pass:
        optimization = replace(optimization, optimizers={"": Adam()})
        inferred.append("optimizer: adam, lr 0.001")
    sections = for_overfitting(experiment.sections.model_copy(update={"train": train}))
    return replace(experiment, sections=sections, optimization=optimization, inferred=inferred)


def _written(settings: Any) -> dict[str, Any]:
    """Return options as plain YAML values; a null that would be decided again from its absence is left out."""
    fields = type(settings).model_fields
    plain = {}
    for key, value in settings.plain().items():
        option = getattr(settings, key)
        if value is not None or fields[key].default is not None:
            plain[key] = _written(option) if isinstance(option, Settings) else value
    return plain
