"""Flags that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Draw no progress bar.")]
Debug = Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="Load a component of your own from a file; may be repeated."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Overrides such as optimizer.lr=3e-4.", show_default=False),
]
Device = Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="The same as train.device=...")]
OtherData = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Other data: data.path=new.csv.", show_default=False)
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", metavar="DIR", help="Where runs are.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run directory, a checkpoint inside one, or a name.")]


def use_plugins(plugins: Sequence[Path] | None) -> None:
    """Load the plug-ins that the command line names."""
    from dltk.config import registry

    for path in plugins or ():
        registry.use_plugin(path)
