"""What a shell offers behind a command: configs, runs, components, options of a config."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from dltk.config.errors import DltkError

_YAML = (".yaml", ".yml")
_SPLITS = ("train", "val", "test")
Found = list[str]


def config_files(incomplete: str) -> Found:
    """Return YAML files and folders that begin like this."""
    folder, found = Path(incomplete).parent if incomplete else Path(), []
    if incomplete.endswith(os.sep):
        folder = Path(incomplete)
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    for entry in entries:
        text = str(entry)
        is_shown = not entry.name.startswith(".") or Path(incomplete).name.startswith(".")
        if text.startswith(incomplete.removeprefix("./")) and is_shown:
            found += [f"{text}{os.sep}"] if entry.is_dir() else [text] if entry.suffix in _YAML else []
    return found


def shipped_configs(incomplete: str) -> list[tuple[str, str]]:
    """Return the names of shipped configs, and what they are."""
    from dltk.config import shipped

    return [(path.stem, shipped.title(path)) for path in shipped.configs() if path.stem.startswith(incomplete)]


def runs(ctx: typer.Context, incomplete: str) -> Found:
    """Return the names of runs; behind a name and a slash, the runs of that name."""
    from dltk.training.runs.rundir import newest_runs

    parent = Path(ctx.params.get("runs_dir") or "runs")
    name, slash, _ = incomplete.partition("/")
    if not slash:
        names = sorted(path.name for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []
        return [*(one for one in names if one.startswith(incomplete)), *_run_paths(incomplete)]
    named = [f"{name}/{run.path.name}" for run in newest_runs(parent / name)]
    return [one for one in [*named, *_run_paths(incomplete)] if one.startswith(incomplete)]


def inputs_of_show(ctx: typer.Context, incomplete: str) -> Found:
    """Return components, sections and runs."""
    from dltk.config import schema

    known = [name for name in schema.findable() if name.startswith(incomplete)]
    return list(dict.fromkeys([*known, *runs(ctx, incomplete)]))


def described(incomplete: str) -> Found:
    """Return configs and data sets."""
    return [*config_files(incomplete), *data_sets(incomplete)]


def data_sets(incomplete: str) -> Found:
    """Return the names of data sets."""
    from dltk.config import registry

    return [name for name in registry.names("datasets") if name.startswith(incomplete)]


def kinds(incomplete: str) -> Found:
    """Return what `dltk list` lists."""
    from dltk.cli.listing import known_kinds

    return [kind for kind in known_kinds() if kind.startswith(incomplete)]


def splits(incomplete: str) -> Found:
    """Return the names of splits."""
    return [split for split in _SPLITS if split.startswith(incomplete)]


def options(ctx: typer.Context, incomplete: str) -> Found:
    """Return what may stand behind a config, such as `optimizer.lr=`; of components, the options of those it names."""
    from dltk.config.document import read_document

    try:
        values: Mapping[str, Any] = read_document(Path(ctx.params.get("config") or "")).values
    except DltkError:
        values = {}
    return [f"{key}=" for key in _keys(values) if key.startswith(incomplete)]


def _keys(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options of every section, with its dot; where a component is named, its own ones, too."""
    from dltk.config import schema
    from dltk.config.sections import Sections

    for section in Sections.model_fields:
        written = values.get(section)
        name = str(written.get("name", "")) if isinstance(written, Mapping) else ""
        found = schema.options(section, name) or schema.find(section).get(section)
        yield from (f"{section}.{key}" for key in found["properties"]) if found else (section,)


def _run_paths(incomplete: str) -> Iterator[str]:
    """Yield folders that begin like this and hold a run, or runs."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    try:
        entries = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return
    for entry in entries:
        is_run = (entry / "resolved.yaml").is_file() or any(entry.glob("*/resolved.yaml"))
        if is_run and str(entry).startswith(incomplete) and incomplete:
            yield str(entry)
