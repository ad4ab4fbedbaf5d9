"""The board that TensorBoard reads: the kinds that were asked for, at the moments of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dltk.config.sections import TensorboardOptions
from dltk.data.batches import Batch, Batches
from dltk.training.board import Beginning, Ending
from dltk.training.learner import Learner
from dltk.training.loggers import Screen
from dltk.training.tensorboard import values
from dltk.training.tensorboard.curves import pr_curves
from dltk.training.tensorboard.embeddings import write_embeddings
from dltk.training.tensorboard.events import EventFile, Value
from dltk.training.tensorboard.graphs import UNTRACEABLE, graph_of
from dltk.training.tensorboard.histograms import histograms


class TensorBoard:
    """Shows the kinds that are on, at once; a kind that fails is said once and left out, and never stops a run.

    Args:
        directory: Where event files go.
        options: Which kinds are on.
        screen: Where a failure is said.
    """

    def __init__(self, directory: Path, options: TensorboardOptions, screen: Screen) -> None:
        self._on = {kind for kind, is_on in options.plain().items() if is_on}
        self._screen = screen
        self._file = EventFile(directory, screen)
        self._probed: Batch | None = None

    def begin(self, beginning: Beginning) -> None:
        """Show settings, the config and the model's graph."""
        self._show("hparams", lambda: values.settings(beginning.settings), 0)
        self._show("text", lambda: values.text("config", f"```yaml\n{beginning.text}```"), 0)
        self._attempt("graph", lambda: self._graph(beginning))

    def scalars(self, row: Mapping[str, float], step: int) -> None:
        """Show named numbers at a step."""
        self._show("scalars", lambda: values.scalars(row), step)

    def learner(self, learner: Learner, train: Batches, step: int) -> None:
        """Show the weights, and the gradients of the first batch, at a step. Synchronises with the device."""
        self._show("histograms", lambda: self._histograms(learner, train), step)

    def picture(self, name: str, png: bytes, step: int) -> None:
        """Show a picture, PNG bytes, at a step."""
        self._file.add(values.picture(name, png), step)

    def end(self, ending: Ending) -> None:
        """Show final scores, their definition, precision-recall curves and embeddings."""
        evaluation, step = ending.evaluation, ending.step
        protocol = evaluation.protocol if evaluation else ""
        columns = evaluation.columns if evaluation else {}
        final = {f"final/{name}": value for name, value in ending.scores.items()}
        self._show("hparams", lambda: [*values.scalars(final), *values.success()], step)
        self._show("text", lambda: values.text("scores", values.score_table(ending.scores, protocol)), step)
        self._show("pr_curves", lambda: pr_curves(columns, ending.names), step)
        self._attempt("embeddings", lambda: write_embeddings(self._file.directory, ending))

    def rewind(self, step: int) -> None:
        """Let readers forget what was shown at `step` and later."""
        self._file.rewind(step)

    def close(self) -> None:
        """Finish writing."""
        self._file.close()

    def _graph(self, beginning: Beginning) -> None:
        batch = next(iter(beginning.train.epoch(0)), None)
        if batch is not None:
            mode = beginning.model.training
            beginning.model.eval()
            self._file.add_graph(graph_of(beginning.model, batch.inputs))
            beginning.model.train(mode)

    def _histograms(self, learner: Learner, train: Batches) -> list[Value]:
        self._probed = self._probed or next(iter(train.epoch(0)), None)
        gradients = learner.probe(self._probed) if self._probed is not None else {}
        weights = dict(learner.inference_model().named_parameters())
        return [*histograms("weights", weights), *histograms("gradients", gradients)]

    def _show(self, kind: str, make: Callable[[], Sequence[Value]], step: int) -> None:
        """Write the values of a kind where it is on."""
        self._attempt(kind, lambda: self._file.add(make(), step))

    def _attempt(self, kind: str, show: Callable[[], None]) -> None:
        """Show a kind where it is on; leave it out from now on where it fails."""
        if kind not in self._on:
            return
        try:
            show()
        except OSError as error:
            self._file.fail(error)
        except UNTRACEABLE as error:
            self._on.discard(kind)
            self._screen.say(f"warning[DLTK-WARN-TENSORBOARD]: TensorBoard shows no {kind}: {error}; training goes on")
