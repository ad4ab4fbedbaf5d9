"""The command line: which commands there are, and what becomes of failures."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shlex
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from dltk.cli.commands import COMMANDS, asked, program
from dltk.cli.parameters import read_plainly
from dltk.config.errors import DltkError, OutOfResources, OutputError, UsageError, WriteError, shown
from dltk.config.processes import is_follower
from dltk.config.terminal import ink_for

if TYPE_CHECKING:
    from dltk.training.runs.rundir import RunDir

CODE_BUG = 70
CODE_INTERRUPTED = 130
CODE_NOBODY_READS = 141
COMPLETION = "_DLTK_COMPLETE"
RUNDIR = "dltk.training.runs.rundir"
"""Is imported by what owns runs; no other command waits for it."""
SYSTEM_ERRORS = {
    errno.EACCES: OutputError,
    errno.EPERM: OutputError,
    errno.EROFS: OutputError,
    errno.ELOOP: OutputError,
    errno.ENOSPC: WriteError,
    errno.EDQUOT: WriteError,
    errno.EFBIG: WriteError,
    errno.EIO: WriteError,
    errno.EMFILE: OutOfResources,
    errno.ENFILE: OutOfResources,
    errno.ENOMEM: OutOfResources,
}
"""What errors of the operating system mean where no one nearer to them has said it."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. A failure is one message on stderr, or one JSON object with `--json`."""
    _make_printable()
    _forget_last_run()
    if is_follower() and "--debug" not in arguments:
        _fall_silent()
    try:
        result = _invoke(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _interrupted(arguments)
    except BrokenPipeError:
        _discard_stdout()
        return CODE_NOBODY_READS
    except Exception as error:  # noqa: BLE001 - the only place: a bug becomes code 70, never a bare traceback
        return _report(_explained(error, arguments), error, arguments)
    return result if isinstance(result, int) else 0


def _invoke(arguments: Sequence[str]) -> object:
    """Run a command by its parts: typer's own start would make code 1 of a closed pipe, and silence of Ctrl-C."""
    is_completing = COMPLETION in os.environ
    command = read_plainly(get_command(program([*COMMANDS] if is_completing else [asked(arguments)])))
    if is_completing:
        command(prog_name="dltk")
    try:
        with command.make_context("dltk", list(arguments)) as context:
            return command.invoke(context)
    except typer.Exit as end:
        return end.exit_code


def _make_printable() -> None:
    """Let a terminal without UTF-8 show escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fall_silent() -> None:
    """Say nothing: the first of the processes that torchrun started says what there is to say, errors included."""
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _discard_stdout() -> None:
    """Let what is still to be written go nowhere, now that nobody reads it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explained(error: Exception, arguments: Sequence[str]) -> DltkError:
    """Return what a failure means to the user; what nobody foresaw is a bug."""
    if isinstance(error, DltkError):
        return error
    if isinstance(error, TyperException):
        return UsageError(error.format_message().rstrip(".").replace("Value error, ", ""), do=_help_hint(arguments))
    if isinstance(error, OSError) and error.errno in SYSTEM_ERRORS:
        return SYSTEM_ERRORS[error.errno](str(error.strerror), where=str(error.filename or ""))
    if isinstance(error, MemoryError):
        return OutOfResources("memory ran out", do="take a smaller data.batch_size or a smaller model")
    place = traceback.extract_tb(error.__traceback__)[-1]
    return DltkError(
        "this is a bug in dltk, or in a plug-in",
        where=f"{place.filename}:{place.lineno}",
        found=shown(f"{type(error).__name__}: {error}"),
    )


def _report(problem: DltkError, error: Exception, arguments: Sequence[str]) -> int:
    if "--debug" in arguments:
        _show_traceback(error)
    elif problem.code == CODE_BUG:
        problem.where = str(_crash_file(error) or "")
        problem.do = f"run again with --debug to see it here: {shlex.join(['dltk', *arguments, '--debug'])}"
    _note_in_run(problem)
    try:
        if "--json" in arguments:
            from dltk.cli.answers import print_json

            print_json(problem.as_json())
            sys.stdout.flush()
        else:
            ink = ink_for(is_terminal=sys.stderr.isatty())
            sys.stderr.write(f"{problem.spelled(ink)}\n")
    except OSError:  # nobody reads, or the disk is full: the exit code still says it
        _discard_stdout()
    return problem.code


def _show_traceback(error: Exception) -> None:
    """Print where an error came from: with the lines around each place on a terminal, never with values."""
    if not sys.stderr.isatty():
        traceback.print_exception(error)
        return
    from rich.console import Console
    from rich.traceback import Traceback

    shown_at = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=False)
    Console(stderr=True).print(shown_at)


def _forget_last_run() -> None:
    """Let a run of an earlier command in this process not hear of what this one does."""
    rundir = sys.modules.get(RUNDIR)
    if rundir is not None:
        rundir.owned_last.set(None)


def _last_run() -> RunDir | None:
    """Return the run that was being trained, if there was one."""
    rundir = sys.modules.get(RUNDIR)
    run: RunDir | None = None if rundir is None else rundir.owned_last.get()
    return run


def _note_in_run(problem: DltkError) -> None:
    """Tell the run that was being trained why it ended, where nobody nearer to it has."""
    run = _last_run()
    if run is not None:
        with contextlib.suppress(DltkError, OSError):  # the disk may be what is wrong
            run.fail(problem.code, problem.id, problem.message)


def _interrupted(arguments: Sequence[str]) -> int:
    if "--json" in arguments:
        from dltk.cli.answers import print_json

        print_json({"status": "interrupted", "code": CODE_INTERRUPTED})
    sys.stderr.write("stopped at once; a run that had begun is as its last checkpoint left it: dltk list runs\n")
    return CODE_INTERRUPTED


def _crash_file(error: Exception) -> Path | None:
    """Write the traceback, without any values, to a file that only the user may read; return it.

    It goes into the run that was being trained, else into the current directory.
    """
    run = _last_run()
    stamp = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}.txt"
    path = run.crashes / stamp if run is not None else Path(f"dltk-crash-{stamp}")
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        return None
    return path


def _help_hint(arguments: Sequence[str]) -> str:
    command = asked(arguments)
    return f"dltk {command} --help" if command in COMMANDS else "dltk --help"
