"""`dltk show` and `dltk schema`."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dltk.cli import completing
from dltk.cli.answers import available_width, first_line, print_json, print_lines, print_table
from dltk.cli.flags import Debug, Json, Plugins, RunsDir, use_plugins
from dltk.config.errors import MissingInput, UsageError, did_you_mean, shown

MAX_PROSE_WIDTH = 100

if TYPE_CHECKING:
    from dltk.training.runs.rundir import RunDir


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A component such as lenet, a section such as train, a RUN, or the id of a message.",
            autocompletion=completing.inputs_of_show,
        ),
    ],
    runs_dir: RunsDir = Path("runs"),
    json_: Json = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Show the options of a component, what a run holds, or what a message means."""
    use_plugins(plugin)
    from dltk.config import messages, schema

    if name.upper().startswith(messages.PREFIX):
        _show_message(name.upper(), as_json=json_)
        return 0
    found = schema.find(name)
    if not found:
        _show_run(_found_run(name, runs_dir), as_json=json_)
    elif json_:
        print_json({title: _rows(option) for title, option in found.items()})
    else:
        for title, option in found.items():
            _print_options(title, option)
    return 0


def _show_message(id_: str, *, as_json: bool) -> None:
    from dltk.config.messages import explanation

    text = explanation(id_)
    if as_json:
        print_json({"id": id_, "text": text})
    else:
        print_lines([id_, *textwrap.wrap(text, min(available_width(), MAX_PROSE_WIDTH))])


def print_schema(debug: Debug = False) -> int:  # noqa: ARG001
    """Print the JSON Schema of a config, for editors."""
    from dltk.config.schema import SCHEMA_PATH

    print_lines([SCHEMA_PATH.read_text(encoding="utf-8").rstrip()])
    return 0


def _rows(option: Any) -> list[dict[str, Any]]:
    from dltk.config import schema

    required = set(option.get("required", ()))
    return [
        {
            "option": key,
            "type": schema.describe(value, option),
            "default": None if key in required else value.get("default"),
            "required": key in required,
            "help": value.get("description", ""),
        }
        for key, value in option.get("properties", {}).items()
        if key != "name" or not {"const", "enum"} & set(value)
    ]


def _print_options(title: str, option: Any) -> None:
    from dltk.config import schema

    print_lines([f"{title}: {first_line(option.get('description'))}"])
    rows = [
        {
            "option": row["option"],
            "type": row["type"],
            "default": "required" if row["required"] else _spelled(row["default"]),
            "help": " ".join(row["help"].split()),
        }
        for row in _rows(option)
    ]
    names = schema.variants(title)
    if rows:
        print_table(rows, unbroken=("option",))
    elif not names:
        print_lines(["no options"])
    print_lines([f"{title}.name: one of {', '.join(names)}; its own options: dltk show NAME"] if names else [])


def _spelled(default: Any) -> str:
    """Spell a default as YAML would take it; "" where there is none, for then the help says what follows."""
    if default is None:
        return ""
    return default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)


def _found_run(name: str, runs_dir: Path) -> RunDir:
    from dltk.config import schema
    from dltk.training.runs.rundir import find_run

    try:
        return find_run(name, runs_dir)[0]
    except MissingInput:
        hint = did_you_mean(name, schema.findable())
        raise UsageError(f"there is no component, section or run {shown(name)}{hint}", do="dltk list") from None


def _show_run(run: RunDir, *, as_json: bool) -> None:
    from dltk.training.runs.summary import origin, resume_command, state, summary
    from dltk.training.saving.headers import weight_shapes

    status, shapes = run.status(), weight_shapes(run)
    if as_json:
        scores = {"scores": status.get("scores", {}), "seconds": status.get("seconds")}
        print_json({"run": str(run.path), "status": state(run), **scores, "weights": shapes, "details": status})
        return
    now = state(run)
    if now == "completed":
        lines = summary(run)
    else:
        lines = [f"run: {run.path}", *([f"error: {status['message']}"] if "message" in status else [])]
        lines += [] if now == "running" else ["", resume_command(run)]
    weights = ["", "weights:", *(f"  {name} {shape}" for name, shape in shapes.items())] if shapes else []
    forked = [f"forked from: {origin(status)}"] if origin(status) else []
    print_lines([f"state: {now}", *forked, *lines, *weights])
