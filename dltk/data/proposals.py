"""Proposals: the config that a data set suggests for files of a user's own, after a look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

KeyPlace = tuple[str, ...]
"""Keys from the top of a config, such as ("data", "target")."""


@dataclass(frozen=True)
class Proposal:
    """What to write into a config for some files, and why.

    Attributes:
        sections: A whole experiment but for `data.name`; paths are absolute.
        certainty: From 0 to 1, how surely these files are meant to be read so; of several data sets the surest is
            taken.
        comments: What to say above a key, by its place.
        remarks: What was seen, one sentence each, for the head of the file.
    """

    sections: Mapping[str, Mapping[str, Any]]
    certainty: float
    comments: Mapping[KeyPlace, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()


@runtime_checkable
class Proposing(Protocol):
    """A data set file that knows files of a user's own when it sees them."""

    def propose(self, path: Path, target: str) -> Proposal | None:
        """Look at a file or folder; return what to write for it, or None where it is nothing for this data set.

        Args:
            path: It exists.
            target: The column to predict, or "" where that is to be guessed.

        Raises:
            OptionError: There is no such target.
            DataError: The files are meant for this data set, and something in them is wrong.
        """
