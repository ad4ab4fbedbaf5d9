"""One thing that is wrong in a text, such as a config or a table: where it stands, what it is, what is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dltk.config.terminal import PLAIN, Ink, escaped, width_of

OVERRIDE = "override"
MAX_VALUE_LENGTH = 200
KeyPath = tuple[str | int, ...]
"""Keys and list places from the top of a config, such as ("model", "layers", 0, "units")."""
ProblemId = Literal[
    "DLTK-CONFIG-CHOICE",
    "DLTK-CONFIG-CONFLICT",
    "DLTK-CONFIG-DUPLICATE-KEY",
    "DLTK-CONFIG-ENCODING",
    "DLTK-CONFIG-FORM",
    "DLTK-CONFIG-KEY",
    "DLTK-CONFIG-LENGTH",
    "DLTK-CONFIG-MEMORY",
    "DLTK-CONFIG-MERGE-KEY",
    "DLTK-CONFIG-MISFIT",
    "DLTK-CONFIG-MISSING-KEY",
    "DLTK-CONFIG-NOT-FINITE",
    "DLTK-CONFIG-OPTION",
    "DLTK-CONFIG-OVERRIDE",
    "DLTK-CONFIG-PATH",
    "DLTK-CONFIG-RANGE",
    "DLTK-CONFIG-REPEATED",
    "DLTK-CONFIG-SCORE",
    "DLTK-CONFIG-SHAPE",
    "DLTK-CONFIG-SPAN",
    "DLTK-CONFIG-SYNTAX",
    "DLTK-CONFIG-TAG",
    "DLTK-CONFIG-TOO-LARGE",
    "DLTK-CONFIG-TYPE",
    "DLTK-CONFIG-UNKNOWN-COLUMN",
    "DLTK-CONFIG-UNKNOWN-KEY",
    "DLTK-CONFIG-UNKNOWN-NAME",
    "DLTK-DATA-ARCHIVE",
    "DLTK-DATA-CELL",
    "DLTK-DATA-CLASS",
    "DLTK-DATA-COLUMN",
    "DLTK-DATA-ENCODING",
    "DLTK-DATA-FILE",
    "DLTK-DATA-IMAGE",
    "DLTK-DATA-LABEL",
    "DLTK-DATA-QUOTES",
    "DLTK-DATA-RECORD",
    "DLTK-DATA-WIDTH",
]
"""Every kind of problem; docs/messages.md has the cause and the cure of each."""


@dataclass(frozen=True)
class Position:
    """A place in a text: 1-based line and column, and the line itself."""

    source: str
    line: int
    column: int
    text: str = ""

    def __str__(self) -> str:
        return f"{escaped(self.source)}:{self.line}:{self.column}"

    @property
    def order(self) -> tuple[str, int, int]:
        """What places are sorted by."""
        return self.source, self.line, self.column

    def as_json(self) -> dict[str, object]:
        """Return what `--json` prints of it."""
        return {"file": self.source, "line": self.line, "column": self.column}

    def quote(self, ink: Ink = PLAIN) -> list[str]:
        """Return the line, or the part of a long one that matters, and a caret below; nothing of an empty line."""
        if not self.text:
            return []
        first = max(0, self.column - 1 - MAX_VALUE_LENGTH // 2) if len(self.text) > MAX_VALUE_LENGTH else 0
        last = first + MAX_VALUE_LENGTH
        before = ("..." if first else "") + escaped(self.text[first : self.column - 1])
        after = escaped(self.text[self.column - 1 : last]) + ("..." if last < len(self.text) else "")
        return [f"  | {before}{after}", f"  | {' ' * width_of(before)}{ink('caret', '^')}"]


@dataclass(frozen=True)
class FilePlace:
    """A file that has no lines, or a place in one.

    Attributes:
        source: The file, or a folder.
        member: What in it: an entry of an archive, an array, or what is counted, such as "label".
        index: Which of those that are counted, from 1.
    """

    source: str
    member: str = ""
    index: int | None = None

    def __str__(self) -> str:
        which = "" if self.index is None else f" {self.index}"
        return escaped(self.source + (f", {self.member[:MAX_VALUE_LENGTH]}" if self.member else "")) + which

    @property
    def order(self) -> tuple[str, int, int]:
        """What places are sorted by."""
        return self.source, self.index or 0, 0

    def as_json(self) -> dict[str, object]:
        """Return what `--json` prints of it."""
        member = {"member": self.member} if self.member else {}
        return {"file": self.source, **member, **({} if self.index is None else {"index": self.index})}

    def quote(self, ink: Ink = PLAIN) -> list[str]:  # noqa: ARG002
        """Return nothing: there is no line."""
        return []


@dataclass(frozen=True)
class Problem:
    """One thing wrong, at a dotted path such as ("optimizer", "lr"), or in the column of a table.

    Attributes:
        message: One sentence that needs no other line to be understood.
        at_key: The key is what is wrong, or what something is missing from, rather than its value.
        id: What kind of problem it is.
        found: What stands there, where the message does not say it.
        allowed: What may stand there, where the message does not say it.
    """

    path: KeyPath
    message: str
    position: Position | FilePlace | None = None
    at_key: bool = field(default=False, kw_only=True)
    id: ProblemId = field(default="DLTK-CONFIG-OPTION", kw_only=True)
    found: str = field(default="", kw_only=True)
    allowed: str = field(default="", kw_only=True)

    @property
    def key(self) -> str:
        """The dotted path."""
        return ".".join(str(part) for part in self.path)

    def __str__(self) -> str:
        return self.spelled()

    def spelled(self, ink: Ink = PLAIN) -> str:
        """Return a line with place, key, sentence and id, then the text that is meant, what was found and allowed."""
        where = f"{ink('place', str(self.position))}: " if self.position else ""
        key = f"{escaped(self.key)[:MAX_VALUE_LENGTH]}: " if self.path else ""
        quote = self.position.quote(ink) if self.position else []
        details = {"found": self.found, "allowed": self.allowed}
        lines = [f"  {name}: {text}" for name, text in details.items() if text]
        return "\n".join([f"{where}{key}{self.message} {ink('dim', f'[{self.id}]')}", *quote, *lines])

    def as_json(self) -> dict[str, object]:
        """Return the object that `--json` prints."""
        place = self.position.as_json() if self.position else {}
        about = {"found": self.found, "allowed": self.allowed}
        return {"id": self.id, "key": self.key, "message": self.message, **about, **place}


def file_order(problem: Problem) -> tuple[int, str, int, int]:
    """Order by place: files, then the overrides that stand behind them, then what has no place."""
    if problem.position is None:
        return 2, "", 0, 0
    return int(problem.position.source == OVERRIDE), *problem.position.order
