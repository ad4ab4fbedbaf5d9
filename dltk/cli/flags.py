"""Flags that several commands share."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dltk.cli import completing
from dltk.config.errors import UsageError, shown

if TYPE_CHECKING:
    from dltk.training.signals import Limits

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say everything that goes to train.log, too.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Draw no progress bar.")]
Offline = Annotated[
    bool, typer.Option("--offline", help="Download nothing: data must be there already; the same as $DLTK_OFFLINE=1.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="Load a component of your own from a file; may be repeated."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Overrides such as optimizer.lr=3e-4.",
        show_default=False,
        autocompletion=completing.options,
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="The same as train.device=...")]
OtherData = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Other data: data.path=new.csv.", show_default=False)
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", metavar="DIR", help="Where runs are.")]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run directory, a checkpoint inside one, or a name.", autocompletion=completing.runs
    ),
]


def seconds_of(text: str) -> float:
    """Return the seconds that a time such as 90s, 30m, 2h or 1h30m stands for.

    Raises:
        UsageError: It is no time, has no unit, or is none at all.
    """
    found = re.fullmatch(r"(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip())
    if not found:
        raise UsageError(f"a time limit is 90s, 30m, 2h or 1h30m; received {shown(text)}")
    seconds = sum(int(part) * unit for part, unit in zip(found.groups(default="0"), (3600, 60, 1), strict=True))
    if not seconds:
        raise UsageError(f"a time limit must be above 0; received {shown(text)}")
    return seconds


def limits_of(max_time: str, grace: str) -> Limits:
    """Return how long a run may take, and how long after SIGTERM, counted from now.

    Raises:
        UsageError: One is no time.
    """
    from dltk.training.signals import Limits

    deadline = time.monotonic() + seconds_of(max_time) if max_time else math.inf
    return Limits(deadline, seconds_of(grace))


def with_device(overrides: Sequence[str] | None, device: str | None) -> list[str]:
    """Return overrides, and behind them what `--device` says."""
    return [*(overrides or ()), *([f"train.device={device}"] if device else [])]


def refuse_contradictions(given: Mapping[str, object], *pairs: tuple[str, str]) -> None:
    """Refuse flags that cannot be given together.

    Raises:
        UsageError: Both flags of a pair are given.
    """
    for one, other in pairs:
        if given[one] and given[other]:
            raise UsageError(f"{one} and {other} contradict each other", do="leave one of them out")


def use_plugins(plugins: Sequence[Path] | None) -> None:
    """Load the plug-ins that the command line names."""
    if not plugins:
        return
    from dltk.config.plugins import use_plugin

    for path in plugins:
        use_plugin(path)


def use_network(*, offline: bool, quiet: bool = False, no_progress: bool = False) -> None:
    """Forbid downloads, in child processes too, or say how they show their progress."""
    from dltk.data import download, transfer

    if offline:
        os.environ[download.OFFLINE] = "1"
    transfer.voice.set("silent" if quiet else "lines" if no_progress else "auto")
