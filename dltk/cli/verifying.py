"""`dltk verify`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dltk.cli import completing
from dltk.cli.answers import print_json, print_lines, print_table
from dltk.cli.flags import Debug, Json, RunsDir
from dltk.config.errors import DltkError, IntegrityError, count_of

if TYPE_CHECKING:
    from dltk.training.runs.verifying import Verdict


def verify(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Run directories, checkpoints inside them, or names.", autocompletion=completing.runs
        ),
    ],
    runs_dir: RunsDir = Path("runs"),
    json_: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> int:
    """Check every byte of runs against its digest; code 81 says that something is damaged.

    82 says that nothing is, and that a newer dltk wrote something.
    """
    from dltk.training.runs.rundir import find_run
    from dltk.training.runs.verifying import verify as verify_run

    verdicts = [verify_run(*found) for found in [find_run(run, runs_dir) for run in runs]]
    failure = _failure(verdicts) or next((one.refusal for one in verdicts if one.refusal), None)
    if json_:
        outcome = failure.as_json() if failure else {"status": "completed"}
        found = [
            {
                "run": str(one.run),
                "intact": one.is_intact,
                "parts": [part.as_json() for part in one.parts],
            }
            for one in verdicts
        ]
        print_json({**outcome, "runs": found})
        return failure.code if failure else 0
    for verdict in verdicts:
        _print(verdict)
    if failure:
        raise failure
    return 0


def _print(verdict: Verdict) -> None:
    from dltk.config.terminal import short

    print_lines([f"run: {short(verdict.run)}"])
    print_table([part.as_json() for part in verdict.parts], unbroken=("part", "status"))


def _failure(verdicts: Sequence[Verdict]) -> IntegrityError | None:
    """Return the error that says what is damaged, and what of the first such run is not lost."""
    from dltk.training.runs.rundir import RunDir
    from dltk.training.runs.summary import command, resume_command, state

    damaged = [verdict for verdict in verdicts if verdict.damaged]
    if not damaged:
        return None
    first = damaged[0]
    parts = sum(len(verdict.damaged) for verdict in damaged)
    what = f"{count_of(parts, 'part')} of {count_of(len(damaged), 'run')} {'is' if parts == 1 else 'are'} damaged"
    if first.last_good is None:
        return IntegrityError(what, where=str(first.run), found="no intact checkpoint to go on from")
    run, do = RunDir(first.run), ""
    with suppress(DltkError):  # what tells the command may be what is damaged
        do = command(run, "eval") if state(run) == "completed" else resume_command(run)
    return IntegrityError(what, where=str(first.run), found=f"last good: {first.last_good.name}", do=do)
