"""`dltk list`: components, configs and runs."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Annotated, Any

import typer

from dltk.cli import completing
from dltk.cli.answers import first_line, print_json, print_lines, print_table
from dltk.cli.flags import Debug, Json, Plugins, RunsDir, use_plugins
from dltk.config.errors import UsageError, alternatives, shown

LISTED = ("layers", "transforms")
SECTIONS = {"optimizers": "optimizer", "schedules": "schedule"}


def list_things(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            autocompletion=completing.kinds,
            help="datasets, models, tasks, optimizers, schedules, layers, transforms, configs or runs; "
            "default all components.",
            show_default=False,
        ),
    ] = "",
    pattern: Annotated[
        str,
        typer.Argument(
            metavar="PATTERN", help="Only what matches, such as 'res*', or 'sweep/*' of runs.", show_default=False
        ),
    ] = "",
    sort: Annotated[
        str, typer.Option("--sort", metavar="SCORE", help="Runs only: the best first, by val/accuracy, seconds ...")
    ] = "",
    top: Annotated[int | None, typer.Option("--top", metavar="N", min=1, help="Only the first N.")] = None,
    runs_dir: RunsDir = Path("runs"),
    json_: Json = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """List components, layers, image transforms, shipped configs or your runs."""
    use_plugins(plugin)
    from dltk.config import registry

    components = [*registry.KINDS, *SECTIONS]
    if kind and kind not in known_kinds():
        raise UsageError(f"there is nothing to list called {shown(kind)}{alternatives(kind, known_kinds())}")
    if kind == "runs":
        return _list_runs(runs_dir, pattern, sort, top, as_json=json_)
    if sort:
        raise UsageError("only runs have scores to sort by", do="dltk list runs --sort SCORE")
    found = {one: _matching(_rows(one), pattern)[:top] for one in ([kind] if kind else components)}
    if json_:
        print_json(found)
        return 0
    rows = [{"kind": one, **row} if not kind else row for one, group in found.items() for row in group]
    if rows:
        print_table(rows, unbroken=("kind", "name", "config"))
    else:
        print_lines([f"no {kind} found" + (f" like {shown(pattern)}" if pattern else "")])
    return 0


def known_kinds() -> list[str]:
    """Return what can be listed."""
    from dltk.config import registry

    return [*registry.KINDS, *SECTIONS, *LISTED, "configs", "runs"]


def _rows(kind: str) -> list[dict[str, Any]]:
    return _configs() if kind == "configs" else _components(kind)


def _matching(rows: list[dict[str, Any]], pattern: str) -> list[dict[str, Any]]:
    """Return the rows whose name, or config's path or file name, matches a glob; all for an empty one."""
    if not pattern:
        return rows
    names = [Path(row.get("config", row.get("name", ""))) for row in rows]
    return [
        row
        for row, name in zip(rows, names, strict=True)
        if any(fnmatch.fnmatchcase(text, pattern) for text in (str(name), name.name, name.stem))
    ]


def _list_runs(runs_dir: Path, pattern: str, sort: str, top: int | None, *, as_json: bool) -> int:
    """Print runs, newest first, or best first by a score and how many of them do not compete."""
    from dltk.training.runs import overview

    found = overview.glances(runs_dir, pattern)
    left_out: dict[str, int] = {}
    if sort:
        found, left_out = overview.comparable(overview.best_first(found, sort), sort)
    found = found[:top]
    if as_json:
        print_json({"runs": [overview.as_json(run) for run in found], **({"left_out": left_out} if sort else {})})
    elif found:
        print_table(overview.rows(found, sort), unbroken=("run", "state", "score", "test"))
        print_lines([f"left out: {count} {reason}" for reason, count in left_out.items()])
    else:
        print_lines([f"no runs like {shown(pattern)} in {runs_dir}" if pattern else f"no runs yet in {runs_dir}"])
    return 0


def _components(kind: str) -> list[dict[str, Any]]:
    from dltk.config import registry, schema

    if kind in LISTED:
        listed_ones = schema.layers() if kind == "layers" else schema.transforms()
        return [{"name": name, "what": first_line(one.get("description"))} for name, one in listed_ones.items()]
    if kind in SECTIONS:
        section = SECTIONS[kind]
        whats = {name: (schema.options(section, name) or {}).get("description") for name in schema.variants(section)}
        return [{"name": name, "what": first_line(what)} for name, what in whats.items()]
    found = next(one for one in registry.KINDS if one == kind)
    return [{"name": name, "what": registry.summary(found, name)} for name in registry.names(found)]


def _configs() -> list[dict[str, Any]]:
    from dltk.config import shipped
    from dltk.config.terminal import short

    return [{"config": short(path), "what": shipped.title(path)} for path in shipped.configs()]
