"""What tests do in processes of their own: forked, warm, from one server, because they are killed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

SLOW_IMPORTS = ["dltk.cli.app", "dltk.experiment", "dltk.study.cross_validation", "dltk.study.seeds"]
SLOW_IMPORTS += ["dltk.tasks.classification", "dltk.tasks.gan", "dltk.tasks.regression", "dltk.data.tables.bundled"]
SLOW_IMPORTS += ["dltk.pictures.tiles", "matplotlib.backends.backend_agg", "sklearn.linear_model", "torch._dynamo"]
SLOW_IMPORTS += ["dltk.datasets.iris", "dltk.datasets.digits", "dltk.models.mlp", "dltk.models.cnn", "pytest"]
SECONDS = 120
FIXED = ["train.device=cpu", "train.threads=1"]  # what bit-equality is promised for


class Child:
    """A process that runs one function, begun at once."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(SLOW_IMPORTS)
        self._answer, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=_call, args=(sender, function, arguments))
        self.process.start()
        sender.close()

    def exit_code(self) -> int | None:
        """Wait for the end; -9 is SIGKILL."""
        self.process.join(SECONDS)
        return self.process.exitcode

    def result(self) -> Any:
        """Wait for what the function returns; raise EOFError where the process dies before."""
        assert self._answer.poll(SECONDS), "no answer"
        try:
            return self._answer.recv()
        finally:
            self._answer.close()
            self.exit_code()


def _call(sender: Connection, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
    sender.send(function(*arguments))
    sender.close()
