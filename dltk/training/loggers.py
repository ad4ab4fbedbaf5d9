"""What a run says while it goes: the screen, train.log, metrics.jsonl and the board."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from dltk.training.saving.opening import not_through_a_link

if TYPE_CHECKING:
    from dltk.training.board import Board
    from dltk.training.record import Mark, Metrics


class Screen:
    """Progress on stderr: one bar per epoch on a terminal, plain lines in a pipe; every line goes to the log file too.

    A stderr or a log file that cannot be written any more is done without: the run goes on.

    Args:
        quiet: Say nothing on stderr.
        bar: Whether a bar may be drawn; by default where stderr is a terminal.
        verbose: Say on stderr what otherwise only the log file gets, too.
    """

    def __init__(self, *, quiet: bool = False, bar: bool | None = None, verbose: bool = False) -> None:
        self._verbose = verbose
        self._quiet = quiet or sys.stderr is None
        self._may_draw = not self._quiet and (_is_terminal() if bar is None else bar)
        self._bar: tqdm[Any] | None = None
        self._log: Path | None = None
        self._earlier: list[str] = []
        self._warned: set[str] = set()

    def keep_log(self, path: Path) -> None:
        """Write what was said so far, and everything from now on, to a file."""
        self._log = path
        self._append("".join(f"{line}\n" for line in self._earlier))
        self._earlier = []

    def say(self, line: str) -> None:
        """Say one line; a warning only once."""
        if line.startswith("warning[") and line in self._warned:
            return
        self._warned.add(line)
        self._record(line)
        self._print(line)

    def note(self, line: str) -> None:
        """Write one line to the log file only, unless all is to be said."""
        self._record(line)
        if self._verbose:
            self._print(line)

    def _record(self, line: str) -> None:
        if self._log is None:
            self._earlier.append(line)
        else:
            self._append(f"{line}\n")

    def begin_epoch(self, title: str, num_batches: int | None, done: int) -> None:
        """Begin a bar of `num_batches`, of which `done` are behind."""
        self.close()
        if self._may_draw:
            with self._listened_to():
                self._bar = tqdm(
                    desc=title,
                    total=num_batches,
                    initial=done,
                    unit="batch",
                    dynamic_ncols=True,
                    leave=False,
                    file=sys.stderr,
                )

    def advance(self, num_batches: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            with self._listened_to():
                self._bar.update(num_batches)

    def close(self) -> None:
        """Take the bar away."""
        bar, self._bar = self._bar, None
        if bar is not None:
            with self._listened_to():
                bar.close()

    def _print(self, line: str) -> None:
        self.close()
        if not self._quiet:
            with self._listened_to():
                print(_printable(line), file=sys.stderr, flush=True)  # noqa: T201

    @contextmanager
    def _listened_to(self) -> Iterator[None]:
        """Fall silent where nobody listens: the terminal or the pipe is closed."""
        try:
            yield
        except (OSError, ValueError):
            self._quiet, self._may_draw, self._bar = True, False, None

    def _append(self, text: str) -> None:
        if self._log is None:
            return
        try:
            with open(self._log, "a", encoding="utf-8", errors="backslashreplace", opener=not_through_a_link) as file:
                file.write(text)
        except OSError as error:
            name, self._log = self._log.name, None
            self._print(f"warning[DLTK-WARN-LOG]: {name} stops here: {error.strerror}; training goes on")


class RunLog:
    """Everything a run writes while it goes, in one place for the loop.

    Args:
        screen: What people see.
        metrics: The record.
        board: What TensorBoard shows.
        saved: Is told the step of every checkpoint once it is safe.
    """

    def __init__(
        self, screen: Screen, metrics: Metrics, board: Board, saved: Callable[[int], None] = lambda _: None
    ) -> None:
        self.screen, self.metrics, self.board, self.saved = screen, metrics, board, saved
        self._started_at = time.monotonic()

    def evaluation(self, title: str, step: int, epoch: int, scores: Mapping[str, float], *, is_told: bool) -> None:
        """Record the scores of one evaluation everywhere; on the screen only if it `is_told`."""
        seconds = round(time.monotonic() - self._started_at, 3)
        self.metrics.append({"step": step, "epoch": epoch, **scores, "seconds": seconds})
        self.board.scalars(scores, step)
        line = f"{title}  {spelled(scores)}  {seconds:.1f} s"
        if is_told:
            self.screen.say(line)
        else:
            self.screen.note(line)

    def rewind(self, mark: Mark, step: int) -> None:
        """Go back to a checkpoint: keep the record up to its mark, and of the board what is before `step`.

        The clock goes on from the last row that is kept.

        Raises:
            IntegrityError: The record's rows from before the checkpoint are gone or others.
            WriteError: The record cannot be written.
        """
        self.metrics.cut(mark)
        self.board.rewind(step)
        rows = self.metrics.rows()
        self._started_at = time.monotonic() - (float(rows[-1]["seconds"]) if rows else 0.0)


def spelled(scores: Mapping[str, float]) -> str:
    """Spell scores for a line: `train/loss 0.1234  val/accuracy 0.9800`."""
    return "  ".join(f"{name} {number(value)}" for name, value in scores.items())


def number(value: float) -> str:
    """Spell a number with four significant digits where it is small, and "undefined" for NaN."""
    if math.isnan(value):
        return "undefined"
    return f"{value:.4f}" if 0.001 <= abs(value) < 1000 else f"{value:.4g}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows of words in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _is_terminal() -> bool:
    return not sys.stderr.closed and sys.stderr.isatty()


def _printable(line: str) -> str:
    """Escape what the terminal's encoding cannot spell."""
    encoding = sys.stderr.encoding or "utf-8"
    return line.encode(encoding, errors="backslashreplace").decode(encoding)
