"""`dltk export`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from dltk.cli.answers import print_json, print_lines
from dltk.cli.flags import Debug, Json, Plugins, RunArgument, RunsDir, use_plugins
from dltk.cli.using import open_run


def export(
    run: RunArgument,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Files to compare on; default the run's own data.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        Literal["torch", "onnx", "both"], typer.Option("--to", help="The format: torch.export's .pt2, or ONNX.")
    ] = "both",
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new directory; default export/ in the run directory.")
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    json_: Json = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Write a run's model for torch.export and ONNX, compared with the model on real inputs."""
    use_plugins(plugin)
    started_at = time.monotonic()
    found = open_run(run, runs_dir)
    from dltk.config.terminal import short
    from dltk.experiment.exporting import FILES, FORMATS
    from dltk.experiment.exporting import export as exported

    written = exported(found, FORMATS if to == "both" else (to,), output, inputs or ())
    if json_:
        answer = {"run": str(found.path), "status": "completed", "output": str(written.directory)}
        differences = {"files": written.files, "differences": written.differences, "num_inputs": written.num_checked}
        print_json({**answer, **differences, "seconds": round(time.monotonic() - started_at, 1)})
        return 0
    print_lines(
        [
            f"{short(written.directory / FILES[name])}: differs by at most {difference:.1g} on {written.num_checked} "
            f"real input{'s' if written.num_checked > 1 else ''}"
            for name, difference in written.differences.items()
        ]
    )
    print_lines([f"beside it: {', '.join(written.companions)}"])
    return 0
