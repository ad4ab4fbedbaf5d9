"""Reading words of the command line without pydantic, which typer imports for any parameter, given or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

WORDS = (str, list[str])
"""What the parameters are annotated with that hold words as they are."""


def read_plainly(command: Any, parent: Any = None) -> Any:
    """Return a command of typer's that reads words, and what is not given, by itself; typer reads the rest.

    Where typer's parameters are not as they were in 0.29, nothing changes.
    """
    context = typer.Context(command, parent=parent, **command.context_settings)
    for parameter in command.get_params(context):  # with --help, which is made on the way and kept
        if getattr(parameter, "_runtime_param", ...) is None:
            parameter._runtime_param = _Words()
    for each in getattr(command, "commands", {}).values():
        read_plainly(each, context)
    return command


class _Words:
    """What turns the words given for a parameter into its value."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value; typer makes it where it is neither words nor a default."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if isinstance(value, Path):
            return value
        if param.type_descriptor.annotation in WORDS:
            return list(value) if isinstance(value, (list, tuple)) else value
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)
