"""metrics.jsonl: the record of a run, and the mark by which a checkpoint knows its part of it; needs no torch."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltk.config.errors import IntegrityError, WriteError
from dltk.training.saving.disk import sync_directory
from dltk.training.saving.opening import not_through_a_link


@dataclass(frozen=True)
class Mark:
    """How far a record was when a checkpoint was saved.

    Attributes:
        size: Its length in bytes.
        digest: SHA-256 of so many bytes; None in checkpoints of dltk 0.1.0.
    """

    size: int = 0
    digest: str | None = None

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Mark:
        """Return the mark in a checkpoint's state."""
        return cls(int(state["metrics_size"]), state.get("metrics_digest"))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint's state has of it."""
        return {"metrics_size": self.size, "metrics_digest": self.digest}


BEGINNING = Mark()


class Metrics:
    """metrics.jsonl: the record of a run, one line of strict JSON per evaluation, never a line twice."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, row: Mapping[str, Any]) -> None:
        """Append one row; a score that is not finite is null. It outlives this process, and once `secured` the machine.

        Raises:
            WriteError: The disk is full or failed.
        """
        plain = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()
        }
        line = json.dumps(plain, allow_nan=False) + "\n"
        with self._writing(), open(self._path, "a", encoding="utf-8", opener=not_through_a_link) as file:
            file.write(line)

    def secured(self) -> Mark:
        """Bring all rows to the disk and mark them: those that a checkpoint counts on.

        Raises:
            WriteError: The disk is full or failed.
        """
        if self._path.exists():
            with self._writing():
                with open(self._path, "rb", opener=not_through_a_link) as file:
                    os.fsync(file.fileno())
                sync_directory(self._path.parent)
        return self.mark()

    def mark(self) -> Mark:
        """Mark all rows."""
        content = self._content()
        return Mark(len(content), hashlib.sha256(content).hexdigest())

    def cut(self, mark: Mark) -> None:
        """Forget what was written after a checkpoint.

        Raises:
            IntegrityError: Rows from before the checkpoint are gone or others.
            WriteError: The disk failed.
        """
        if self.refuse_other(mark):
            with self._writing():
                os.truncate(self._path, mark.size)

    def refuse_other(self, mark: Mark) -> bool:
        """Refuse a record that was another when a checkpoint was saved; return whether rows came after it.

        Raises:
            IntegrityError: Rows from before the checkpoint are gone or others.
        """
        size = self._path.stat().st_size if self._path.exists() else 0
        if mark.size > size:
            raise self._damaged("has lost rows", f"{size} bytes", f"at least the {mark.size} bytes")
        if mark.digest is not None:
            found = hashlib.sha256(self._content()[: mark.size]).hexdigest()
            if found != mark.digest:
                raise self._damaged("is damaged: its digest does not match", f"sha256 {found}", f"sha256 {mark.digest}")
        return mark.size < size

    def is_torn(self) -> bool:
        """Return whether a killed process left a last line unfinished."""
        content = self._content()
        return bool(content) and not content.endswith(b"\n")

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows; a last line that a killed process left unfinished is none.

        Raises:
            IntegrityError: A line is not what was written.
        """
        text = self._content().decode(errors="replace")
        try:
            return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        except ValueError:
            raise IntegrityError(f"{self._path.name} is damaged", where=str(self._path)) from None

    def _content(self) -> bytes:
        return self._path.read_bytes() if self._path.exists() else b""

    def _damaged(self, how: str, found: str, expected: str) -> IntegrityError:
        return IntegrityError(
            f"{self._path.name} {how}",
            where=str(self._path),
            found=found,
            expected=f"{expected} of when the checkpoint was saved",
            do="bring the file back; dltk train --resume RUN --fork begins a record anew, from the same checkpoint",
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WriteError(f"cannot write {self._path.name}: {error.strerror}", where=str(self._path)) from error
