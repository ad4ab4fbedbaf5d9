"""`dltk new`: a config of one's own, copied from a shipped one or written for one's own data."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from dltk.cli import completing
from dltk.cli.answers import print_json, print_lines
from dltk.cli.flags import Debug, Json, Plugins, refuse_contradictions, use_plugins
from dltk.cli.machinery import load_machinery
from dltk.config.errors import OutputError, UsageError, shown


def new(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A shipped config such as mnist_lenet; see dltk list configs.",
            autocompletion=completing.shipped_configs,
            show_default=False,
        ),
    ] = "",
    data: Annotated[
        Path | None,
        typer.Option(
            "--for",
            metavar="PATH",
            help="Instead of NAME: your own table, or folder of images or texts, which is looked at.",
        ),
    ] = None,
    target: Annotated[
        str, typer.Option("--target", metavar="COLUMN", help="With --for: what to predict.", show_default=False)
    ] = "",
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            metavar="DATASET",
            help="With --for: how to read it, such as text_csv.",
            autocompletion=completing.data_sets,
            show_default=False,
        ),
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to write; default NAME.yaml here.")
    ] = None,
    json_: Json = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Write a config to begin with: a copy of a shipped one, or one that fits your own data."""
    use_plugins(plugin)
    refuse_contradictions({"NAME": name, "--for": data is not None}, ("NAME", "--for"))
    if data is not None:
        return _write_for(data, target, dataset, output, as_json=json_)
    if target or dataset:
        raise UsageError("--target and --dataset go with --for PATH", do="dltk new --for PATH")
    if not name:
        raise UsageError("a shipped config is needed, or --for PATH", do="dltk list configs, then dltk new NAME")
    from dltk.config import shipped

    source = shipped.named(name)
    place = _place(output or Path(source.name))
    _write(place, shipped.copied(source, place))
    _print_written(place, [f"a copy of {source.parent.name}/{source.stem}: {shipped.title(source)}"], as_json=json_)
    return 0


def _write_for(data: Path, target: str, dataset: str, output: Path | None, *, as_json: bool) -> int:
    from dltk.config.names import as_name

    load_machinery()
    from dltk.experiment.proposing import proposed

    place = _place(output or Path(f"{as_name(data.absolute().name.partition('.')[0])}.yaml"))
    found = proposed(data, place, target, dataset)
    _write(place, found.text)
    _print_written(place, found.remarks, as_json=as_json)
    return 0


def _place(path: Path) -> Path:
    """Return where to write a config; what is there already is never overwritten.

    Raises:
        UsageError: It would be no YAML file.
        OutputError: There is something.
    """
    if path.suffix not in {".yaml", ".yml"}:
        raise UsageError(f"a config ends in .yaml; received {shown(str(path))}")
    if path.exists() or path.is_symlink():
        raise OutputError(f"{shown(path.name)} exists already", where=str(path.absolute()), do="dltk new ... -o FILE")
    if not path.parent.is_dir():
        raise OutputError("there is no such folder", where=str(path.absolute().parent))
    return path


def _write(path: Path, text: str) -> None:
    """Write a new file, and nothing over another one that came meanwhile."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(f"cannot write {shown(path.name)}: {error.strerror}", where=str(path.absolute())) from None


def _print_written(path: Path, remarks: list[str], *, as_json: bool) -> None:
    """Say what was written, and the commands that come next."""
    if as_json:
        print_json({"status": "completed", "config": str(path), "remarks": remarks})
        return
    place = shlex.quote(str(path))
    print_lines([*remarks, f"config: {path}", "", f"dltk plan {place}", f"dltk train {place}"])
