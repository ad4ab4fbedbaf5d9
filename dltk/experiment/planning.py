"""What a run would be, without training: layers, sizes, length, memory, and every decision with its rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from dltk.config import registry
from dltk.config.errors import count_of
from dltk.config.sections import EarlyStopping, Sections
from dltk.config.settings import Settings, help_texts
from dltk.config.terminal import escaped
from dltk.data.specs import Classes, Numbers
from dltk.experiment.building import bare_model, scored_splits
from dltk.experiment.compiling import whether_compiled
from dltk.experiment.config import Experiment, read_experiment
from dltk.experiment.effects import notes
from dltk.experiment.foresight import Foreseen, foreseen
from dltk.experiment.kernels import USUAL, foreseen_kernels
from dltk.experiment.learning import positioned
from dltk.experiment.machine import Machine, prepare_machine
from dltk.experiment.memory import memory_of
from dltk.experiment.starting import freeze_as_asked
from dltk.nn.anatomy import Anatomy, anatomy
from dltk.nn.feeding import checked_outputs, feed
from dltk.training.task import Comparing, Rehearsing
from dltk.training.updates.precision import HALF, autocast

OPEN: tuple[Any, ...] = (None, "auto", (), [])
"""Defaults that stand for a decision."""
_TELLS_A_RULE = re.compile(r"\b(default|auto|left out|follows?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Decision:
    """An option that was left open, what it becomes, and by which rule; None: only reading the data tells."""

    option: str
    value: Any
    rule: str


@dataclass(frozen=True)
class Plan:
    """A run that was not begun.

    Attributes:
        foreseen: What is known of it.
        anatomy: Its layers; None where there are none, or where they cannot be watched, as `unknown` says.
        machine: Where it would compute.
        unknown: Why there are no layers.
    """

    foreseen: Foreseen
    anatomy: Anatomy | None
    machine: Machine
    unknown: str = ""

    @property
    def experiment(self) -> Experiment:
        """With every decision in it that is known."""
        return self.foreseen.experiment

    def decisions(self) -> list[Decision]:
        """Return every option that was left open, in the order of the sections."""
        return list(_decisions(self.foreseen, self.machine))

    def scores(self) -> list[str]:
        """Return the scores that the end of the run reports, the watched ones with their split."""
        task = self.foreseen.task
        splits = scored_splits(self.foreseen.sizes or ("val", "test"), self.experiment)
        return [] if task is None else [f"{split}/{name}" for split in splits for name in task.scores]

    def baselines(self) -> list[str] | None:
        """Return what the scores will stand beside; None where the task does not tell before."""
        task: Any = self.foreseen.task
        if not isinstance(task, Comparing):
            return None
        sizes, spec = self.foreseen.sizes, self.foreseen.data.preparation.spec
        return list(task.baseline_names(spec, sizes.get("train")))

    def memory(self) -> dict[str, int]:
        """Return estimated bytes by what they are for."""
        return memory_of(self.foreseen, self.anatomy)

    def as_json(self, depth: int | None = None) -> dict[str, Any]:
        """Return everything as plain values.

        Args:
            depth: How many levels of layers to unfold; None takes as many as a table can show.
        """
        found, experiment = self.foreseen, self.experiment
        session, train = found.session, experiment.sections.train
        memory = self.memory()
        return {
            "name": experiment.name,
            "data": {
                "name": experiment.data.name,
                "is_read": found.data.is_read,
                "parts": dict(found.data.official),
                "splits": found.sizes or None,
                "inputs": {name: list(kind.shape) for name, kind in found.data.preparation.spec.inputs.items()},
                "is_exact": found.data.is_exact,
            },
            "model": {"name": experiment.model.name, **self._model(depth)},
            "task": {
                "name": experiment.task.name,
                "scores": self.scores(),
                "monitor": found.selection.monitor if found.selection else None,
                "baselines": self.baselines(),
            },
            "length": {
                "batch_size": found.batch_size,
                "batches_per_epoch": found.num_batches,
                "epochs": train.epochs,
                "steps": None if session is None else session.total_steps,
                "updates": None if session is None or experiment.is_one_pass else _updates(found),
            },
            "memory": {**memory, "total": sum(memory.values())},
            "decisions": [asdict(decision) for decision in self.decisions()],
            "notes": [*found.data.notes, *notes(experiment, session, found.model)],
            "device": str(self.machine.device),
            "threads": self.machine.threads,
            "config": experiment.plain(),
        }

    def _model(self, depth: int | None) -> dict[str, Any]:
        model = self.foreseen.model
        if model is None:
            return {"unknown": self.unknown}
        parameters = list(model.parameters())
        counted = {
            "parameters": sum(each.numel() for each in parameters),
            "learning": sum(each.numel() for each in parameters if each.requires_grad),
        }
        if self.anatomy is None:
            return {**counted, "unknown": self.unknown}
        whole = self.anatomy.whole
        return {
            **counted,
            "multiply_adds": whole.multiply_adds,
            "kept_bytes": whole.kept_bytes,
            "output": self._output(),
            "layers": [asdict(layer) for layer in self.anatomy.rows(depth)],
        }

    def _output(self) -> str:
        """Say how many outputs the last layer has, and why; "" where the task uses no target."""
        if not self.experiment.task.options.needs.targets:
            return ""
        activation = getattr(self.foreseen.task, "activation", "")
        targets = self.foreseen.data.preparation.spec.targets
        said = " and ".join(f"{name}: {_outputs(target)}" for name, target in targets.items())
        return f"{said}; {activation} makes probabilities of them" if activation else said


def plan(config: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Plan:
    """Return what a run would be; of the data only headers are read, and tables; nothing is trained or written.

    Args:
        config: A YAML file, or its content as a mapping.
        overrides: `key=value` texts.

    Raises:
        DltkError: As `train` would, as far as it can be known.
    """
    experiment = read_experiment(Path(config) if isinstance(config, str) else config, overrides)
    machine = prepare_machine(experiment.sections.train, None)
    found = foreseen(experiment, machine.device)
    if found.model is None:
        return Plan(found, None, machine, found.unknown)
    if experiment.is_one_pass:
        fitted = registry.summary("models", experiment.model.name).rstrip(".")
        return Plan(found, None, machine, f"it is fitted in one pass over the training samples ({fitted})")
    try:
        return Plan(found, _watched(found), machine)
    except (RuntimeError, TypeError, ValueError, AttributeError, KeyError) as error:  # a plug-in may look at numbers
        reason = escaped(str(error).partition("\n")[0])
        return Plan(found, None, machine, f"its layers cannot be watched without numbers: {reason}")


def _outputs(target: Any) -> str:
    """Say how many outputs a target asks for, as `num_outputs` counts them."""
    if isinstance(target, Classes):
        words = {1: "1 output, above 0 for the second of two classes"}
        each = "label" if target.multi_label else "class"
        return words.get(target.num_outputs, f"{target.num_outputs} outputs, one per {each}")
    if isinstance(target, Numbers):
        return f"{count_of(target.num_outputs, 'output')}, one per number"
    return f"outputs for {target.word}"


def _watched(found: Foreseen) -> Anatomy:
    """Watch the passes of one training step over a batch without numbers."""
    model, task, experiment = found.model, found.task, found.experiment
    assert model is not None
    size = min(found.batch_size, found.sizes.get("train", found.batch_size))
    precision = experiment.sections.train.precision
    with ExitStack() as stack:
        device = "meta"
        if precision in HALF:  # only tensors that say they lie on a processor change their format there
            device = "cpu"
            stack.enter_context(FakeTensorMode())
            model = bare_model(experiment, found.data.preparation)
            freeze_as_asked(experiment, model)
            stack.enter_context(autocast(precision, torch.device(device)))
        batch = found.data.preparation.spec.example(size, device)

        def step() -> None:
            if isinstance(task, Rehearsing):
                task.rehearse(model, batch)
            else:
                _check_outputs(found, feed(model, batch.inputs))

        return anatomy(model.train(), step, size)


def _check_outputs(found: Foreseen, outputs: Any) -> None:
    """Refuse outputs that are not one per class or number, as a model may give whose last layer is the user's own."""
    if found.experiment.model.options.role != "predictor":
        return
    for name, target in found.data.preparation.spec.targets.items():
        if isinstance(target, (Classes, Numbers)):
            with positioned(found.experiment):
                checked_outputs(name, target.num_outputs, outputs)


def _updates(found: Foreseen) -> int | None:
    assert found.session is not None
    return found.session.length(found.experiment.optimization.batches_per_update).run


def _decisions(found: Foreseen, machine: Machine) -> Iterator[Decision]:
    """Yield what was left open in the document, and what it became; null where only reading the data tells."""
    experiment, given = found.experiment, found.experiment.document.values
    facts = _facts(found, machine)
    for section in Sections.model_fields:
        if section in facts and given.get(section) in OPEN:
            yield Decision(section, facts[section], rule_of(Sections, section))
    for section, settings in _groups(experiment):
        for key, option in type(settings).model_fields.items():
            name = f"{section}.{key}"
            value = facts.get(name, settings.plain()[key])
            was_open = (given.get(section) or {}).get(key) in OPEN and option.default in OPEN
            if was_open and (value not in OPEN or name in facts):
                yield Decision(name, value, rule_of(type(settings), key))


def _facts(found: Foreseen, machine: Machine) -> dict[str, Any]:
    """Return what is decided beside the options themselves, by the option that leaves it open."""
    experiment, common = found.experiment, found.experiment.data.common
    facts: dict[str, Any] = {"task": experiment.task.name}
    if not experiment.is_one_pass:
        optimization = experiment.optimization
        facts |= {"optimizer": optimization.optimizer().name, "schedule": optimization.schedule().name}
        facts |= {"train.precision": "fp32"}
    for name in ("batch_size", "val_fraction", "test_fraction"):
        brought = name.partition("_")[0] in found.data.official
        if not brought and not (name == "val_fraction" and common.fold):
            facts[f"data.{name}"] = getattr(common, name)
    facts["data.storage"] = None if common.storage == "auto" else common.storage
    if found.selection is not None:
        monitor = found.selection.monitor
        facts["train.select"] = "last" if monitor is None else "best"
        facts |= {} if monitor is None else {"early_stopping.monitor": monitor}
    kernels = foreseen_kernels(experiment.sections.train, machine.device, found.model)
    facts["train.kernels"] = None if kernels is None else str(kernels) or USUAL
    if found.session is not None:
        facts["train.compile"] = whether_compiled(experiment, found.session, found.model, found.batch_size)
    return {**facts, "train.device": str(machine.device), "train.threads": machine.threads}


def _groups(experiment: Experiment) -> Iterator[tuple[str, Settings]]:
    """Yield all groups of options whose defaults may be decided later, with their sections."""
    for section in ("data", "model", "task"):
        part = getattr(experiment, section)
        yield from ((section, options) for options in (part.options, part.common) if options is not None)
    yield "train", experiment.sections.train
    yield "early_stopping", experiment.sections.early_stopping or EarlyStopping()


def rule_of(settings: type[Settings], option: str) -> str:
    """Return what an option's help says of being left out."""
    said = " ".join(help_texts(settings).get(option, "").split())
    clauses = [clause.rstrip(".") for clause in re.split(r"; |(?<=\.) ", said)]
    rules = [clause for clause in clauses if _TELLS_A_RULE.search(clause)]
    return "; ".join(re.sub(r"^[^:]*: (?=auto)", "", rule) for rule in rules) or said
