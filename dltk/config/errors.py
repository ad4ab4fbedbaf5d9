"""Errors a user can meet: each has a stable id, an exit code and says where, what, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from dltk.config.problems import MAX_VALUE_LENGTH, KeyPath, Problem, ProblemId, file_order
from dltk.config.terminal import PLAIN, Ink, escaped

MAX_PROBLEMS = 20
MAX_WORD_LENGTH = 80
MAX_NEAR = 3
MAX_LISTED = 20


def shown(value: object) -> str:
    """Spell a value from a file for a message: control characters escaped, cut at 200 characters."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    text = escaped(repr(value) if isinstance(value, str) else str(value))
    return text if len(text) <= MAX_VALUE_LENGTH else text[: MAX_VALUE_LENGTH - 3] + "..."


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
    return f"{hint or ';'} {heading}: {choices_near(word, known)}"


def choices_near(word: str, known: Collection[str]) -> str:
    """Spell what is allowed instead of a word: all of it, or of many known words only some where one is near."""
    hidden = len(known) - MAX_LISTED if did_you_mean(word, known) else 0
    return f"{listed(sorted(known)[:MAX_LISTED])}, ... and {hidden} more" if hidden > 0 else listed(known) or "none"


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


@dataclass(eq=False)
class DltkError(Exception):
    """What every foreseen failure raises: one sentence, and optionally where, what was found, what to do.

    Attributes:
        problems: Every single thing that is wrong, where several were looked for; sorted by place.
    """

    message: str
    where: str = ""
    found: str = ""
    expected: str = ""
    do: str = ""
    problems: Sequence[Problem] = field(default=(), kw_only=True)
    id: str = field(default="DLTK-BUG", kw_only=True)
    code: int = field(default=70, kw_only=True)

    def __post_init__(self) -> None:
        kind = type(self)
        self.id = getattr(kind, "ID", self.id)
        self.code = getattr(kind, "CODE", self.code)
        self.problems = sorted(self.problems, key=file_order)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.spelled()

    def spelled(self, ink: Ink = PLAIN) -> str:
        """Return what the user reads; of many problems the first twenty."""
        lines = [problem.spelled(ink) for problem in self.problems[:MAX_PROBLEMS]]
        hidden = len(self.problems) - MAX_PROBLEMS
        more = [f"... and {hidden} more"] if hidden > 0 else []
        details = [f"  {name}: {text}" for name, text in self._details().items()]
        return "\n".join([f"{ink('error', f'error[{self.id}]')}: {self.message}", *lines, *more, *details])

    def as_json(self) -> dict[str, object]:
        """Return the object that `--json` prints, with every problem."""
        facts = {"error": self.id, "code": self.code, "message": self.message, **self._details()}
        return {**facts, "problems": [problem.as_json() for problem in self.problems]}

    def at(self, problems: Sequence[Problem]) -> Self:
        """Return the same error with the places it comes from."""
        return replace(self, problems=problems)

    def _details(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in ("where", "found", "expected", "do") if getattr(self, name)}


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
        option: Dotted path below the component's own section, e.g. "layers.2.kernel_size"; "" for the section. Its
            parts as a tuple, where one may hold a dot.
        message: What is wrong.
        id: What kind of problem it is, where there is a kind that says more.
        found: What was received, where the message does not say it.
        allowed: What may stand there, likewise.
    """

    def __init__(
        self,
        option: str | KeyPath,
        message: str,
        *,
        id: ProblemId = "DLTK-CONFIG-OPTION",
        found: str = "",
        allowed: str = "",
    ) -> None:
        parts = [part for part in option.split(".") if part] if isinstance(option, str) else option
        details = {"found": found, "allowed": allowed}
        said = "; ".join([message, *(f"{name} {text}" for name, text in details.items() if text)])
        super().__init__(f"{'.'.join(map(str, parts))}: {said}" if parts else said)
        self.path: KeyPath = tuple(int(part) if str(part).isdecimal() else part for part in parts)
        self.message, self.id, self.found, self.allowed = message, id, found, allowed

    def problem(self, *above: str | int) -> Problem:
        """Return it as a problem of the whole config, in which the component's section stands at a path."""
        return Problem((*above, *self.path), self.message, id=self.id, found=self.found, allowed=self.allowed)

    def below(self, *above: str | int) -> OptionError:
        """Return the same error as it is told by who holds the component at a path."""
        return OptionError((*above, *self.path), self.message, id=self.id, found=self.found, allowed=self.allowed)


class ConfigError(DltkError):
    """Everything that is wrong with a configuration, reported together."""

    ID, CODE = "DLTK-CONFIG", 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{count_of(len(problems), 'problem')} in the configuration", problems=problems)
