"""`dltk list`: components, configs and runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dltk.cli.answers import print_json, print_lines, print_table
from dltk.cli.flags import Debug, Json, Plugins, RunsDir, use_plugins
from dltk.config.errors import DltkError, UsageError, alternatives, shown

SECTIONS = {"optimizers": "optimizer", "schedules": "schedule"}


def list_things(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="datasets, models, tasks, optimizers, schedules, configs or runs; default all components.",
            show_default=False,
        ),
    ] = "",
    runs_dir: RunsDir = Path("runs"),
    json_: Json = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """List components, layers, shipped configs or your runs."""
    use_plugins(plugin)
    from dltk.config import registry

    components = [*registry.KINDS, *SECTIONS]
    known = [*components, "layers", "configs", "runs"]
    if kind and kind not in known:
        raise UsageError(f"there is nothing to list called {shown(kind)}{alternatives(kind, known)}")
    found = {one: _rows(one, runs_dir) for one in ([kind] if kind else components)}
    if json_:
        print_json(found)
        return 0
    rows = [{"kind": one, **row} if not kind else row for one, group in found.items() for row in group]
    if rows:
        print_table([_shortened(row) for row in rows], unbroken=("kind", "name", "run", "config", "state", "score"))
    else:
        print_lines([f"no {kind} yet in {runs_dir}" if kind == "runs" else f"no {kind} found"])
    return 0


def configs_directory() -> Path | None:
    """Return where the shipped configs are: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    return next((path for path in (package.parent / "configs", package / "configs") if path.is_dir()), None)


def _rows(kind: str, runs_dir: Path) -> list[dict[str, Any]]:
    if kind == "runs":
        return _runs(runs_dir)
    return _configs() if kind == "configs" else _components(kind)


def _components(kind: str) -> list[dict[str, Any]]:
    from dltk.config import registry, schema

    if kind == "layers":
        return [{"name": name, "what": _first_line(one.get("description"))} for name, one in schema.layers().items()]
    if kind in SECTIONS:
        section = SECTIONS[kind]
        whats = {name: (schema.options(section, name) or {}).get("description") for name in schema.variants(section)}
        return [{"name": name, "what": _first_line(what)} for name, what in whats.items()]
    found = next(one for one in registry.KINDS if one == kind)
    return [{"name": name, "what": registry.summary(found, name)} for name in registry.names(found)]


def _configs() -> list[dict[str, Any]]:
    from dltk.training.summary import short

    directory = configs_directory()
    paths = sorted(directory.rglob("*.yaml")) if directory else []
    return [{"config": short(path), "what": _title(path)} for path in paths]


def _title(path: Path) -> str:
    comments = [line[1:].strip() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    return next((line for line in comments if "yaml-language-server" not in line), "")


def _runs(runs_dir: Path) -> list[dict[str, Any]]:
    from dltk.training.rundir import all_runs
    from dltk.training.summary import main_score, short, state

    rows: list[dict[str, Any]] = []
    for run in all_runs(runs_dir):
        row: dict[str, Any] = {"run": short(run.path), "state": "damaged"}
        try:
            status = run.status()
            row |= {"state": state(run), "score": main_score(status), "seconds": status.get("seconds", "")}
            row |= {"scores": status.get("scores", {})}
        except DltkError:
            pass
        rows.append(row)
    return rows


def _shortened(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for a table, where one score is enough."""
    return {key: value for key, value in row.items() if key != "scores"}


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
