"""A run that has something to use: its scores, its model, evaluation on data, answers to inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn

from dltk.config.errors import IntegrityError, OptionError, UsageError, listed, shown
from dltk.config.keys import refuse_edited
from dltk.data.batches import Batches, Loading
from dltk.data.disk.placing import read_placed
from dltk.data.resources import keep_freed_memory
from dltk.data.samples import Preparation
from dltk.data.splits import digest_of as samples_digest
from dltk.data.splits import evaluation_loading, parsed, split_parts
from dltk.experiment.answering import open_inputs
from dltk.experiment.building import build_model, build_task, restored_preparation
from dltk.experiment.config import Experiment, read_experiment
from dltk.experiment.kernels import Kernels
from dltk.experiment.machine import within_memory
from dltk.experiment.other_data import (
    problem_of,
    read_other,
    refuse_others_than_files,
    say_notes,
    without_own_files,
)
from dltk.experiment.plugins import check_plugins
from dltk.experiment.showing import font_notes
from dltk.training.evaluating import evaluated
from dltk.training.loggers import Screen
from dltk.training.record import Metrics
from dltk.training.runs.rundir import RunDir, find_run
from dltk.training.runs.summary import main_score
from dltk.training.saving.checkpoint import Checkpoint, Checkpoints
from dltk.training.saving.durable import digest_of, read_facts
from dltk.training.saving.storage import read_tree
from dltk.training.saving.weights import set_weights
from dltk.training.session import choose_device
from dltk.training.task import CannotAnswer, Evaluation, Request, Task

PORTION = 1 << 14
"""About so many inputs are answered at a time."""


class Run:
    """A run on disk; the model is loaded when it is first needed.

    Args:
        directory: Where it is.
        step: The checkpoint to use; None is the best, or the last where nothing was watched.
    """

    def __init__(self, directory: RunDir, step: int | None = None) -> None:
        self._directory, self._step = directory, step

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {main_score(self.status) or self.status.get('state', 'new')})"

    @property
    def path(self) -> Path:
        """The run directory."""
        return self._directory.path

    @property
    def directory(self) -> RunDir:
        """The run directory, with its paths spelled."""
        return self._directory

    @property
    def status(self) -> Mapping[str, Any]:
        """State, scores, baselines and seconds, as in status.json."""
        return self._directory.status()

    @property
    def scores(self) -> Mapping[str, float]:
        """The scores at the end, such as {"val/accuracy": 0.97, "test/accuracy": 0.96}."""
        return dict(self.status.get("scores", {}))

    @property
    def history(self) -> list[dict[str, Any]]:
        """One row per evaluation, as in metrics.jsonl."""
        return Metrics(self._directory.metrics).rows()

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment with every decision in it; the training data need not be there any more."""
        refuse_edited(self._directory.resolved)
        check_plugins(self._directory.read_environment())
        return read_experiment(self._directory.resolved, state=self._state)

    @cached_property
    def preparation(self) -> Preparation:
        """What was fitted on the training data; these need not be there any more."""
        return restored_preparation(self.experiment, self._state)

    @cached_property
    def device(self) -> torch.device:
        """Where the model is; a run from a GPU is used on the CPU where there is none."""
        return choose_device("cpu" if self.experiment.sections.train.device == "cpu" else "auto")

    @cached_property
    def task(self) -> Task:
        """What was learned."""
        return build_task(self.experiment, self.preparation)

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint in use; what was skipped on the way to it is said on stderr.

        Raises:
            IntegrityError: There is none that verifies.
        """
        checkpoints = Checkpoints(
            self._directory.checkpoints,
            self.experiment.sections.checkpoint,
            self.status.get("id", ""),
            digest_of(self._directory.preparation),
        )
        found = checkpoints.all()
        if self._step is not None:
            chosen = next((one for one in found if one.step == self._step), None)
            return chosen or self._refuse(
                f"the checkpoint of step {self._step} is gone or damaged", checkpoints.skipped
            )
        if not found:
            self._refuse("there is no intact checkpoint", checkpoints.skipped)
        chosen = self._selected(found)
        for skipped in checkpoints.skipped:
            Screen().say(f"warning[DLTK-WARN-CHECKPOINT]: skipped a checkpoint: {skipped}; {chosen.path.name} is used")
        return chosen

    def _selected(self, found: Sequence[Checkpoint]) -> Checkpoint:
        """Return the best of the intact checkpoints, newest first, or the last where that was asked."""
        last = next((one for one in found if one.resumable), None)
        if last is None:
            return found[0]
        best_step = last.state()["selection"]["best_step"]
        wants_best = self.experiment.sections.train.select != "last"
        return next((one for one in found if wants_best and one.step == best_step), last)

    @cached_property
    def model(self) -> nn.Module:
        """The model with the weights of the checkpoint in use, in eval mode."""
        keep_freed_memory()
        Kernels.recorded(self._directory.read_environment()).possible(self.device).put_in_place()
        with within_memory():
            model = build_model(self.experiment, self.preparation, self.device)
            set_weights(model, self.checkpoint.weights())
        return model.eval()

    @cached_property
    def _state(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = read_tree(self._directory.preparation, "preparation")
        return state

    def evaluate(self, split: str = "", overrides: Sequence[str] = ()) -> Evaluation:
        """Score a split, or other data given by overrides such as `data.path=new.csv`.

        Args:
            split: train, val or test; default test, else val, else train. Other data are one test split by default.
            overrides: Of options that name files, and of `data.encoding`: how else they are read is part of what was
                learned.

        Raises:
            UsageError: There is no such split, or an override of something else.
        """
        refuse_others_than_files(self.experiment, overrides)
        with within_memory(self.experiment.data.common.batch_size):
            name, batches = self.samples(split, overrides)
            evaluation = evaluated(self.task, self.model, batches)
        return replace(evaluation, scores={f"{name}/{score}": value for score, value in evaluation.scores.items()})

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Any]:
        """Draw what `evaluate` returned, as matplotlib figures by name; a font that is missing is said on stderr."""
        for note in font_notes(self.preparation.spec):
            Screen().say(note)
        scores = {name.partition("/")[2]: value for name, value in evaluation.scores.items()}
        return self.task.pictures(replace(evaluation, scores=scores))

    def predict(
        self, inputs: str | Path | Sequence[str | Path] = (), request: Request | None = None
    ) -> list[dict[str, Any]]:
        """Return what `answers` yields, as a list; raise as that does."""
        return list(self.answers(inputs, request))

    def answers(
        self, inputs: str | Path | Sequence[str | Path] = (), request: Request | None = None
    ) -> Iterator[dict[str, Any]]:
        """Answer inputs in order, some at a time; each row has `input` and `status` beside the task's own columns.

        Where an input is `invalid`, and it is known why, each row has a `reason`, too; "" says that there is none.

        Args:
            inputs: Files or folders, or "-" for standard input; may be empty where `request` says what is wanted.
            request: New samples, steps past the end, or the best few answers.

        Raises:
            UsageError: The task cannot answer that.
        """
        request = request or Request()
        inputs = [inputs] if isinstance(inputs, (str, Path)) else inputs
        try:
            with within_memory():
                if inputs:
                    yield from self._answer_inputs([str(text) for text in inputs], request)
                    return
                answers = self._answers(None, request)
                yield from ({"input": str(i), "status": "ok", **row} for i, rows in enumerate(answers) for row in rows)
        except CannotAnswer as error:
            raise UsageError(str(error), where=str(self.path)) from None

    def opened(self, inputs: Sequence[str]) -> Batches | None:
        """Return the samples of a user's own files; None where these hold none.

        Raises:
            DataError: Some cannot be read.
        """
        opened = open_inputs(self.preparation, inputs, self._loading())
        opened.refuse_invalid()
        return opened.batches

    def _answer_inputs(self, inputs: Sequence[str], request: Request) -> Iterator[dict[str, Any]]:
        loading = self._loading()
        opened = open_inputs(self.preparation, inputs, loading)
        size = opened.portion(PORTION, loading.batch_size)
        portions = (self._answers(batches, request) for batches in opened.portions(size))
        return opened.rows(chain.from_iterable(portions))

    def _answers(self, batches: Batches | None, request: Request) -> list[Sequence[Mapping[str, Any]]]:
        with torch.inference_mode():
            return list(self.task.answer(self.model, batches, request))

    def _loading(self) -> Loading:
        return evaluation_loading(self.experiment.data.common.batch_size or 1, self.device)

    def samples(self, split: str = "", overrides: Sequence[str] = ()) -> tuple[str, Batches]:
        """Return a split of the run's own data, or of the data that overrides name, and what the split is called.

        Raises:
            UsageError: There is no such split.
        """
        experiment, preparation = self.experiment, self.preparation
        if overrides:
            changes = without_own_files(experiment, overrides)
            experiment = read_experiment(self._directory.resolved, changes, state=self._state)
            preparation = restored_preparation(experiment, self._state)
            if experiment.data.options == self.experiment.data.options:
                return self.samples(split)  # the run's own data: what was trained on is not scored as new
        try:
            if overrides:
                parts = dict(read_other(experiment, overrides).parts)
            else:
                data = experiment.data
                anywhere = data.common.model_copy(update={"storage": "auto"})  # this machine may have less memory
                parts, _ = split_parts(*read_placed(data.file, data.options, anywhere))
        except OptionError as error:
            raise problem_of(experiment, error, overrides) from None
        name = split or next(name for name in ("test", "val", "train") if name in parts)
        if name not in parts:
            raise UsageError(f"these data have no {shown(name)} split", expected=listed(parts))
        batches = parsed(preparation, parts[name], self._loading())
        if overrides:
            say_notes(parts[name])
        else:
            self._warn_of_changes(name, batches)
        is_foreign = bool(overrides) and not split
        return "test" if is_foreign else name, batches

    def _warn_of_changes(self, split: str, batches: Batches) -> None:
        began_with = read_facts(self._directory.preparation).get("samples", {}).get(split)
        if began_with not in {None, samples_digest(batches)}:
            changed = f"the {split} split is not what it was when the run began"
            Screen().say(f"warning[DLTK-WARN-SPLIT]: {changed}; samples that were trained on may be among those scored")

    def _refuse(self, message: str, skipped: Sequence[str]) -> NoReturn:
        raise IntegrityError(message, where=str(self._directory.checkpoints), found="; ".join(skipped))


def load(run: Run | str | Path) -> Run:
    """Open a RUN: a run directory, a checkpoint inside one, or a name whose newest run it is.

    Raises:
        MissingInput: There is no such run.
    """
    return run if isinstance(run, Run) else Run(*find_run(str(run)))


def predict(
    run: Run | str | Path, inputs: Sequence[str | Path] = (), request: Request | None = None
) -> list[dict[str, Any]]:
    """Answer inputs with a RUN; see `Run.predict`."""
    return load(run).predict(inputs, request)
