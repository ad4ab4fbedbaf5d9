"""Which commands there are; the file of a command is imported when that command is asked for, and no other."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import typer


class Command(NamedTuple):
    """A command, or a group of them.

    Attributes:
        summary: The first sentence of its help.
        module: The file in this folder.
        function: What does it; of a group, its `app`.
    """

    summary: str
    module: str
    function: str


COMMANDS = {
    "train": Command("Train a model as a config says.", "training", "train"),
    "plan": Command(
        "Show what a run would be: layers, sizes, length, memory, and every decision with its rule.", "planning", "plan"
    ),
    "cv": Command("Cross-validate: train once per fold, print the val scores.", "training", "cross_validate"),
    "eval": Command("Score a run on its own data, or on others (data.path=new.csv).", "using", "evaluate"),
    "predict": Command("Answer inputs with a run: every one, in order, with its status.", "using", "predict"),
    "verify": Command(
        "Check every byte of runs against its digest; code 81 says that something is damaged.", "verifying", "verify"
    ),
    "import": Command(
        "Make a run of weights that another program saved: scored, not trained.", "importing", "import_weights"
    ),
    "export": Command(
        "Write a run's model for torch.export and ONNX, compared with the model on real inputs.", "exporting", "export"
    ),
    "list": Command(
        "List components, layers, image transforms, shipped configs or your runs.", "listing", "list_things"
    ),
    "show": Command("Show the options of a component, or what a run holds.", "showing", "show"),
    "schema": Command("Print the JSON Schema of a config, for editors.", "showing", "print_schema"),
    "new": Command(
        "Write a config to begin with: a copy of a shipped one, or one that fits your own data.", "new", "new"
    ),
    "data": Command("Look at data, or fetch them.", "data", "app"),
}
"""In the order of the help."""


def asked(arguments: Sequence[str]) -> str:
    """Return the command that a command line names; "" where it names none."""
    return next((word for word in arguments if not word.startswith("-")), "")


def program(imported: Sequence[str]) -> typer.Typer:
    """Return the program with these commands; the others are there by name and summary only, for the help."""
    app = typer.Typer(
        name="dltk",
        help="Deep learning from a YAML file: one command trains, one evaluates, one predicts.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_main)
    for name, command in COMMANDS.items():
        if name not in imported:
            app.command(name, help=command.summary)(_not_imported)
            continue
        found = getattr(importlib.import_module(f"dltk.cli.{command.module}"), command.function)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _main(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        import dltk

        typer.echo(dltk.__version__)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _not_imported() -> None:
    raise AssertionError("only the command that is asked for is run")
