"""Errors a user can meet: each has a stable id, an exit code and says where, what, what is allowed."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

OVERRIDE = "override"
MAX_PROBLEMS = 20
MAX_VALUE_LENGTH = 200
MAX_WORD_LENGTH = 80
MAX_NEAR = 3
MAX_LISTED = 20
KeyPath = tuple[str | int, ...]
"""Keys and list places from the top of a config, such as ("model", "layers", 0, "units")."""


def shown(value: object) -> str:
    """Spell a value from a file for a message: control characters escaped, cut at 200 characters."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    text = escaped(repr(value) if isinstance(value, str) else str(value))
    return text if len(text) <= MAX_VALUE_LENGTH else text[: MAX_VALUE_LENGTH - 3] + "..."


def escaped(text: str) -> str:
    """Spell control characters, tabs, lone surrogates and the like as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x' or 'y'?" for the nearest known words, or "" when none is near."""
    near = [f"'{name}'" for name in _near(word, known)] if len(word) <= MAX_WORD_LENGTH else []
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _near(word: str, known: Iterable[str]) -> list[str]:
    """Return the word that is spelled most alike, and those of which it is a part, as `flip` is of `vertical_flip`.

    Where there is neither: the word whose parts, in another order, are spelled alike, as `macro_f1` for `f1_makro`.
    """
    by_lower = {name.lower(): name for name in sorted(known)}
    word = word.lower()
    parts = [name for name in by_lower if word in name.split("_")]
    near = dict.fromkeys([*difflib.get_close_matches(word, by_lower, n=1), *parts])
    if near:
        return [by_lower[name] for name in near][:MAX_NEAR]
    by_parts = {_parts_in_order(name): name for name in by_lower}
    return [by_lower[by_parts[name]] for name in difflib.get_close_matches(_parts_in_order(word), by_parts, n=1)]


def _parts_in_order(word: str) -> str:
    return "_".join(sorted(word.split("_")))


def alternatives(word: str, known: Collection[str], heading: str = "allowed") -> str:
    """Return the end of a sentence about an unknown word: "; did you mean 'lr'? allowed: betas, lr".

    Of many known words not all are listed where one is near.
    """
    hint = did_you_mean(word, known)
    if not hint:
        return f"; {heading}: {listed(known) or 'none'}"
    hidden = len(known) - MAX_LISTED
    return f"{hint} {heading}: {listed(sorted(known)[:MAX_LISTED])}{f', ... and {hidden} more' if hidden > 0 else ''}"


def listed(words: Iterable[str]) -> str:
    """Spell a sorted list of words for a message."""
    return ", ".join(sorted(words))


def count_of(number: int, word: str) -> str:
    """Spell how many: "1 cell", "2 cells"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def at_most_shown(findings: Sequence[str]) -> str:
    """Join findings for a message: the first twenty, and how many more there are."""
    hidden = len(findings) - MAX_PROBLEMS
    return "; ".join([*findings[:MAX_PROBLEMS], *([f"... and {hidden} more"] if hidden > 0 else [])])


@dataclass(frozen=True)
class Position:
    """A place in a text: 1-based line and column, and the line itself."""

    source: str
    line: int
    column: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"

    def quote(self) -> list[str]:
        """Return the line, or the part of a long one that matters, and a caret below the place."""
        first = max(0, self.column - 1 - MAX_VALUE_LENGTH // 2) if len(self.text) > MAX_VALUE_LENGTH else 0
        last = first + MAX_VALUE_LENGTH
        before = ("..." if first else "") + escaped(self.text[first : self.column - 1])
        after = escaped(self.text[self.column - 1 : last]) + ("..." if last < len(self.text) else "")
        return [f"  | {before}{after}", f"  | {' ' * _width(before)}^"]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a configuration, at a dotted path such as ("optimizer", "lr").

    Attributes:
        at_key: The key is what is wrong, or what something is missing from, rather than its value.
    """

    path: KeyPath
    message: str
    position: Position | None = None
    at_key: bool = field(default=False, kw_only=True)

    @property
    def key(self) -> str:
        """The dotted path."""
        return ".".join(str(part) for part in self.path)

    def __str__(self) -> str:
        where = f"{self.position}: " if self.position else ""
        key = f"{escaped(self.key)[:MAX_VALUE_LENGTH]}: " if self.path else ""
        quote = self.position.quote() if self.position and self.position.text else []
        return "\n".join([f"{where}{key}{self.message}", *quote])


def _width(text: str) -> int:
    """Return how many columns a terminal gives a text."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


@dataclass(eq=False)
class DltkError(Exception):
    """What every foreseen failure raises: one sentence, and optionally where, what was found, what to do."""

    message: str
    where: str = ""
    found: str = ""
    expected: str = ""
    do: str = ""
    id: str = field(default="DLTK-BUG", kw_only=True)
    code: int = field(default=70, kw_only=True)

    def __post_init__(self) -> None:
        kind = type(self)
        self.id = getattr(kind, "ID", self.id)
        self.code = getattr(kind, "CODE", self.code)
        super().__init__(self.message)

    def __str__(self) -> str:
        details = [
            f"  {name}: {getattr(self, name)}" for name in ("where", "found", "expected", "do") if getattr(self, name)
        ]
        return "\n".join([f"error[{self.id}]: {self.message}", *details])

    def as_json(self) -> dict[str, object]:
        """Return the object that `--json` prints."""
        details = {name: getattr(self, name) for name in ("where", "found", "expected", "do") if getattr(self, name)}
        return {"error": self.id, "code": self.code, "message": self.message, **details, "problems": []}


class UsageError(DltkError):
    """A wrong flag or argument."""

    ID, CODE = "DLTK-USAGE", 2


class DataError(DltkError):
    """The content of a data file is invalid."""

    ID, CODE = "DLTK-DATA", 65


class MissingInput(DltkError):
    """An input file or folder is not there."""

    ID, CODE = "DLTK-MISSING", 66


class Unavailable(DltkError):
    """A device, a mirror or an optional package is not available."""

    ID, CODE = "DLTK-UNAVAILABLE", 69


class OutOfResources(DltkError):
    """Memory, file descriptors or workers ran out."""

    ID, CODE = "DLTK-RESOURCES", 71


class OutputError(DltkError):
    """An output cannot be created."""

    ID, CODE = "DLTK-OUTPUT", 73


class WriteError(DltkError):
    """Writing failed: disk full or an I/O error."""

    ID, CODE = "DLTK-WRITE", 74


class Locked(DltkError):
    """Another live process owns the run."""

    ID, CODE = "DLTK-LOCKED", 75


class Diverged(DltkError):
    """A loss, a gradient or a weight is no longer finite."""

    ID, CODE = "DLTK-DIVERGED", 80


class IntegrityError(DltkError):
    """A file is not what it was when it was written, or is refused for safety."""

    ID, CODE = "DLTK-INTEGRITY", 81


class ResumeRefused(DltkError):
    """The configuration, the data or the format changed since the run began."""

    ID, CODE = "DLTK-RESUME", 82


class OptionError(ValueError):
    """What a component raises about one of its options; the caller turns it into a positioned problem.

    Args:
        option: Dotted path below the component's own section, e.g. "layers.2.kernel_size"; "" for the section.
        message: What is wrong, what was received, what is allowed.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"{option}: {message}" if option else message)
        self.path = tuple(int(part) if part.isdecimal() else part for part in option.split(".") if part)
        self.message = message


class ConfigError(DltkError):
    """Everything that is wrong with a configuration, reported together."""

    ID, CODE = "DLTK-CONFIG", 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=_file_order)
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the configuration")

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:MAX_PROBLEMS]]
        hidden = len(self.problems) - MAX_PROBLEMS
        if hidden > 0:
            lines.append(f"... and {hidden} more")
        return "\n".join([f"error[{self.id}]: {self.message}", *lines])

    def as_json(self) -> dict[str, object]:
        """Return the object that `--json` prints, one entry per problem."""
        problems = [
            {"key": p.key, "message": p.message}
            | (
                {"source": p.position.source, "line": p.position.line, "column": p.position.column}
                if p.position
                else {}
            )
            for p in self.problems
        ]
        return {**super().as_json(), "problems": problems}


def _file_order(problem: Problem) -> tuple[int, str, int, int]:
    """Order by place: files, then the overrides that stand behind them, then what has no place."""
    if problem.position is None:
        return 2, "", 0, 0
    source = problem.position.source
    return int(source == OVERRIDE), source, problem.position.line, problem.position.column
