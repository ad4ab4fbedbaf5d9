"""`dltk import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dltk.cli import completing
from dltk.cli.flags import (
    Debug,
    Device,
    Json,
    Overrides,
    Plugins,
    Quiet,
    RunsDir,
    refuse_contradictions,
    use_plugins,
    with_device,
)
from dltk.cli.machinery import load_machinery
from dltk.cli.training import check_config_of, print_end
from dltk.config.errors import MissingInput, UsageError, shown


def import_weights(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Weights: .pth, .pt, .th or .safetensors.", show_default=False)
    ],
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="A YAML file with their model and the data.",
            autocompletion=completing.config_files,
        ),
    ],
    overrides: Overrides = None,
    output_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="The exact run directory.")] = None,
    runs_dir: RunsDir = Path("runs"),
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Replace the beginning of names in the file; may be repeated."),
    ] = None,
    by_order: Annotated[bool, typer.Option("--by-order", help="Go by place, not by name; shapes must agree.")] = False,
    device: Device = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Make a run of weights that another program saved: scored, not trained.

    Nothing in FILE is executed. What the weights expect (architecture, normalisation) is what CONFIG says.
    """
    use_plugins(plugin)
    prefixes = dict(_pair(text) for text in rename or ())
    refuse_contradictions({"--rename": prefixes, "--by-order": by_order}, ("--rename", "--by-order"))
    if not file.is_file():
        raise MissingInput(f"there is no file {shown(file.name)}", where=str(file.absolute()))
    texts = with_device(overrides, device)
    check_config_of(config, texts)
    load_machinery()
    from dltk.experiment import RunOptions
    from dltk.experiment.importing import Naming
    from dltk.experiment.importing import import_weights as make_run

    options = RunOptions(output_dir, runs_dir, "", quiet, bar=False)
    run = make_run(file, config, texts, options, Naming(prefixes, by_order))
    print_end(run, as_json=json_, quiet=quiet)
    return 0


def _pair(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not old or not sign:
        raise UsageError(f"--rename takes OLD=NEW, such as linear.=head.; received {shown(text)}")
    return old, new
