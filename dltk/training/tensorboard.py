"""TensorBoard's event files, through tensorboard's own record writer: torch.utils.tensorboard is slow to import."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from dltk.training.loggers import Screen, png_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class TensorBoard:
    """Shows scalars and pictures at once; its failure is said once and never stops a run.

    Args:
        directory: Where event files go.
        screen: Where a failure is said.
    """

    def __init__(self, directory: Path, screen: Screen) -> None:
        self._screen = screen
        self._file: IO[bytes] | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            earlier = [path.suffix[1:] for path in directory.glob("events.out.tfevents.*")]
            number = max((int(suffix) for suffix in earlier if suffix.isdecimal()), default=0) + 1
            # Readers go by name; a clock may go back.
            self._file = (directory / f"events.out.tfevents.{number:010d}").open("xb")
        except OSError as error:
            self._fail(error)
        self._write(event_pb2.Event(file_version="brain.Event:2"), 0)

    def scalars(self, row: Mapping[str, float], step: int) -> None:
        """Show named numbers at a step."""
        values = [summary_pb2.Summary.Value(tag=name, simple_value=value) for name, value in row.items()]
        self._write(event_pb2.Event(summary=summary_pb2.Summary(value=values)), step)

    def picture(self, name: str, figure: Figure, step: int) -> None:
        """Show a picture at a step."""
        width, height = (int(size * figure.dpi) for size in figure.get_size_inches())
        image = summary_pb2.Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png_of(figure))
        value = summary_pb2.Summary.Value(tag=name, image=image)
        self._write(event_pb2.Event(summary=summary_pb2.Summary(value=[value])), step)

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

    def _write(self, event: event_pb2.Event, step: int) -> None:
        if self._file is None:
            return
        event.step, event.wall_time = step, time.time()
        try:
            RecordWriter(self._file).write(event.SerializeToString())
            self._file.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.close()
        self._screen.say(f"warning: TensorBoard stops here: {error.strerror or error}; training goes on")
