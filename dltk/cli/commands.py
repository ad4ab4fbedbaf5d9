"""Which commands there are; the file of a command is imported when that command is asked for, and no other."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import typer

from dltk.cli.panels import Panels


class Command(NamedTuple):
    """A command, or a group of them.

    Attributes:
        panel: What the help lists it under.
        summary: The first sentence of its help.
        module: The file in this folder.
        function: What does it; of a group, its `app`.
    """

    panel: str
    summary: str
    module: str
    function: str


_TRAIN, _PREPARE, _CHECK, _EXCHANGE = "Train and use", "Prepare", "Compare and check", "Exchange"
COMMANDS = {
    "train": Command(_TRAIN, "Train a model as a config says.", "training", "train"),
    "eval": Command(_TRAIN, "Score a run on its own data, or on others (data.path=new.csv).", "using", "evaluate"),
    "predict": Command(_TRAIN, "Answer inputs with a run: every one, in order, with its status.", "using", "predict"),
    "new": Command(
        _PREPARE, "Write a config to begin with: a copy of a shipped one, or one that fits your own data.", "new", "new"
    ),
    "plan": Command(
        _PREPARE,
        "Show what a run would be: layers, sizes, length, memory, and every decision with its rule.",
        "planning",
        "plan",
    ),
    "list": Command(
        _PREPARE, "List components, layers, image transforms, shipped configs or your runs.", "listing", "list_things"
    ),
    "show": Command(
        _PREPARE, "Show the options of a component, what a run holds, or what a message means.", "showing", "show"
    ),
    "schema": Command(_PREPARE, "Print the JSON Schema of a config, for editors.", "showing", "print_schema"),
    "data": Command(_PREPARE, "Look at data, or fetch them.", "data", "app"),
    "cv": Command(_CHECK, "Cross-validate: train once per fold, print the val scores.", "training", "cross_validate"),
    "verify": Command(
        _CHECK,
        "Check every byte of runs against its digest; code 81 says that something is damaged.",
        "verifying",
        "verify",
    ),
    "import": Command(
        _EXCHANGE,
        "Make a run of weights that another program saved: scored, not trained.",
        "importing",
        "import_weights",
    ),
    "export": Command(
        _EXCHANGE,
        "Write a run's model for torch.export and ONNX, compared with the model on real inputs.",
        "exporting",
        "export",
    ),
}
"""In the order of the help."""


def asked(arguments: Sequence[str]) -> str:
    """Return the command that a command line names; "" where it names none."""
    return next((word for word in arguments if not word.startswith("-")), "")


def program(imported: Sequence[str]) -> typer.Typer:
    """Return the program with these commands; the others are there by name and summary only, for the help."""
    app = typer.Typer(
        name="dltk",
        cls=Panels,
        help="Deep learning from a YAML file: one command trains, one evaluates, one predicts.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_main)
    for name, command in COMMANDS.items():
        if name not in imported:
            app.command(name, help=command.summary, rich_help_panel=command.panel)(_not_imported)
            continue
        found = getattr(importlib.import_module(f"dltk.cli.{command.module}"), command.function)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, rich_help_panel=command.panel)
        else:
            app.command(name, rich_help_panel=command.panel)(found)
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
