"""Everything about a config that can be checked without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dltk.config import differing
from dltk.config.document import Document, locate, open_document
from dltk.config.errors import ConfigError
from dltk.config.overrides import override
from dltk.config.problems import Problem


def check_config(path: Path, overrides: Sequence[str] = ()) -> None:
    """Check syntax, sections, components, keys, types and ranges.

    Raises:
        ConfigError: With every problem and its position.
        MissingInput: There is no such file.
    """
    checked(open_document(path), overrides)


def checked(given: Document, overrides: Sequence[str]) -> Document:
    """Return a document with overrides, after checking all of it that needs no torch.

    Raises:
        ConfigError: With every problem and its position.
    """
    document = override(given, overrides)
    refuse(differing.check(document.values), document)
    return document


def refuse(problems: Sequence[Problem], document: Document) -> None:
    """Refuse a document in which something is wrong: what was seen while it was read, and these problems.

    Raises:
        ConfigError: With every problem and its position, but for those that only follow from another one.
    """
    found = [*document.problems, *(problem for problem in problems if not _follows(problem, document.problems))]
    if found:
        raise ConfigError(locate(found, document))


def _follows(problem: Problem, earlier: Sequence[Problem]) -> bool:
    """Return whether a problem is only one because a value, or a key, could not be taken as it stands."""
    if problem.id == "DLTK-CONFIG-MISSING-KEY" and any(one.path[:-1] == problem.path for one in earlier if one.path):
        return True
    unread = [one.path for one in earlier if one.id not in {"DLTK-CONFIG-DUPLICATE-KEY", "DLTK-CONFIG-OVERRIDE"}]
    return any(path and problem.path[: len(path)] == path for path in unread)
