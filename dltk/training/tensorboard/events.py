"""Event files, through tensorboard's own record writer: torch.utils.tensorboard is slow to import."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from dltk.training.loggers import Screen

Value = Any
"""A `summary_pb2.Summary.Value`; generated code has no types."""


class EventFile:
    """One life's event file, readable at once; its failure is said once and never stops a run.

    Args:
        directory: Where event files go.
        screen: Where a failure is said.
    """

    def __init__(self, directory: Path, screen: Screen) -> None:
        self.directory = directory
        self._screen = screen
        self._file: IO[bytes] | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            earlier = [path.suffix[1:] for path in directory.glob("events.out.tfevents.*")]
            number = max((int(suffix) for suffix in earlier if suffix.isdecimal()), default=0) + 1
            # Readers go by name; a clock may go back.
            self._file = (directory / f"events.out.tfevents.{number:010d}").open("xb")
        except OSError as error:
            self.fail(error)
        self._write(event_pb2.Event(file_version="brain.Event:2"), 0)

    def add(self, values: Sequence[Value], step: int) -> None:
        """Write summary values of a step as one event; nothing where there are none."""
        if values:
            self._write(event_pb2.Event(summary=summary_pb2.Summary(value=values)), step)

    def add_graph(self, serialized: bytes) -> None:
        """Write a serialized GraphDef."""
        self._write(event_pb2.Event(graph_def=serialized), 0)

    def rewind(self, step: int) -> None:
        """Let readers forget what was shown at `step` and later."""
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._write(event_pb2.Event(session_log=start), step)

    def close(self) -> None:
        """Finish writing."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # every event was flushed when it was written
                file.close()

    def fail(self, error: OSError) -> None:
        """Write nothing more, and say so."""
        self.close()
        self._screen.say(
            f"warning[DLTK-WARN-TENSORBOARD]: TensorBoard stops here: {error.strerror or error}; training goes on"
        )

    def _write(self, event: event_pb2.Event, step: int) -> None:
        if self._file is None:
            return
        event.step, event.wall_time = step, time.time()
        try:
            RecordWriter(self._file).write(event.SerializeToString())
            self._file.flush()
        except OSError as error:
            self.fail(error)
