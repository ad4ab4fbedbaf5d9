"""`dltk data describe` and `dltk data download`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dltk.cli import completing
from dltk.cli.answers import available_width, columns_of, make_folder, print_json, print_lines, print_table
from dltk.cli.flags import Debug, Json, Offline, Overrides, Plugins, Quiet, use_network, use_plugins
from dltk.cli.machinery import load_machinery
from dltk.cli.panels import Panels
from dltk.config.errors import UsageError, alternatives, count_of, shown

if TYPE_CHECKING:
    from dltk.experiment.describing import Described

MAX_ROWS = 40
SHORT = 20

app = typer.Typer(cls=Panels, help="Look at data, or fetch them.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _data(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("describe")
def describe(
    what: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG|TABLE|DATASET",
            help="A YAML file, a CSV file, or a data set such as mnist.",
            autocompletion=completing.described,
        ),
    ],
    overrides: Overrides = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write description.json, and a picture of images, to a folder.")
    ] = None,
    offline: Offline = False,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Say what the samples of each split look like: sizes, ranges, gaps, balance, lengths, duplicates, examples.

    A config's other sections do not count. Options are given as data.target=price; without a target a CSV file is
    shown as it is.
    """
    use_plugins(plugin)
    use_network(offline=offline, quiet=quiet)
    load_machinery()
    from dltk.experiment.describing import describe_data

    described = describe_data(what, overrides or ())
    written = _written(described, output, quiet=quiet) if output is not None else []
    if json_:
        print_json({**described.facts, **({"output": written} if written else {})})
        return 0
    _print(described.facts)
    print_lines(["", *written] if written else [])
    return 0


@app.command("download")
def download(
    names: Annotated[
        list[str],
        typer.Argument(metavar="DATASET...", help="Data sets such as mnist.", autocompletion=completing.data_sets),
    ],
    offline: Offline = False,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Fetch data sets into the cache, unless they are there already, and say where they are.

    $DLTK_CACHE names the folder; data below $DLTK_DATA are used as they are.
    """
    use_plugins(plugin)
    use_network(offline=offline, quiet=quiet)
    from dltk.config import registry
    from dltk.data import files

    known = registry.names("datasets")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"there is no data set {shown(unknown[0])}{alternatives(unknown[0], known, 'data sets')}")
    remotes = {name: getattr(registry.load("datasets", name), "REMOTES", ()) for name in names}
    for name, found in remotes.items():
        if not found:
            raise UsageError(f"{name} is not downloaded: it comes with dltk's packages, or is read from your own files")
    places = {name: [str(path) for path in files.obtain(name, found, None)] for name, found in remotes.items()}
    if json_:
        print_json({"status": "completed", "files": places})
    else:
        print_lines([path for paths in places.values() for path in paths])
    return 0


def _written(described: Described, folder: Path, *, quiet: bool) -> list[str]:
    """Write description.json and pictures; return their paths."""
    import json

    from dltk.config.strict_json import finite
    from dltk.experiment.showing import font_notes
    from dltk.pictures import image_grid, png_of
    from dltk.training.loggers import Screen
    from dltk.training.saving.durable import write_bytes, write_text

    make_folder(folder)
    paths = [folder / "description.json"]
    write_text(paths[0], json.dumps(finite(described.facts), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    drawn = described.pictures()
    for note in font_notes(described.splits.spec) if described.splits and drawn else ():
        Screen(quiet=quiet).say(note)
    for name, (images, captions) in drawn.items():
        paths.append(folder / f"{name}.png")
        figure = image_grid(images, f"training samples of {described.facts['data']['name']}", captions)
        write_bytes(paths[-1], png_of(figure))
    return [str(path) for path in paths]


def _print(facts: Mapping[str, Any]) -> None:
    print_lines([f"data: {facts['data']['name']}", *(f"note: {note}" for note in facts["notes"])])
    _print_titled("samples", _sample_rows(facts))
    for name, described in facts["inputs"].items():
        _print_titled(
            f"input {name}: {', '.join([described['kind'], *_sizes(described)])}", _seen_rows(described["seen"])
        )
        which = "training rows; missing in any split" if "train" in facts["splits"] else "all rows"
        _print_titled(f"columns of {name}: {which}", _column_rows(described))
        _print_titled(f"texts of {name}", _text_rows(described))
    for name, described in facts["targets"].items():
        rows = _target_rows(described["seen"])
        more = f"; {len(rows) - MAX_ROWS} more with --json" if len(rows) > MAX_ROWS else ""
        _print_titled(f"target {name}: {described['kind']}{more}", rows[:MAX_ROWS])
    examples = [{name: "" if value is None else value for name, value in row.items()} for row in facts["examples"]]
    first = "first training samples" if "train" in facts["splits"] else "first rows"
    _print_titled(first, examples if _fit(examples) else _turned(examples))


def _sizes(described: Mapping[str, Any]) -> list[str]:
    """Return how large an input is, in words; sequences have lengths of their own, which are told apart."""
    shape, vocabulary = described.get("shape"), described.get("vocabulary")
    sizes = [count_of(len(described["columns"]), "column")] if "columns" in described else []
    if shape is not None and (vocabulary is None or "size" in described):
        sizes.append(count_of(shape[0], "input") if len(shape) == 1 else " x ".join(map(str, shape)) or "one value")
    return sizes if vocabulary is None else [*sizes, f"vocabulary of {vocabulary:,}"]


def _fit(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a table's columns fit beside each other, none narrower than its name or a short cell."""
    widths = [max(len(str(cell)) for cell in (name, *(row[name] for row in rows))) for name in columns_of(rows)]
    return sum(min(width, SHORT) + 2 for width in widths) <= available_width()


def _turned(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a table with its rows as columns; those of the first column are named by its cells."""
    first, *others = columns_of(rows)
    return [{first: name, **{str(row[first]): row[name] for row in rows}} for name in others]


def _print_titled(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        print_lines(["", title])
        print_table(rows)


def _sample_rows(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per split; only what is told of any split is a column."""
    return [
        {
            "split": split,
            "samples": counts["samples"],
            **counts.get("statuses", {}),
            **_repetitions(facts["duplicates"].get(split, {})),
        }
        for split, counts in facts["splits"].items()
    ]


def _repetitions(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of equal samples; of samples that are only encoded alike, none is called the same."""
    words = {"within": "repeated", "contradicting": "same input, other target"}
    after = "" if counts.get("as_read", True) else " (after encoding)"
    return {f"{words.get(k, k.replace('_', ' '))}{after}": n for k, n in counts.items() if k != "as_read"}


def _seen_rows(seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for split, facts in seen.items():
        plain = {name: value for name, value in facts.items() if not isinstance(value, Mapping)}
        nested = {name: value for name, value in facts.items() if isinstance(value, Mapping)}
        for name, values in nested.items():
            rows.append({"split": split, **({} if name == "all" else {"of": name}), **values, **plain})
        rows += [{"split": split, **plain}] if plain and not nested else []
    return rows


def _column_rows(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for column in described.get("columns", ()):
        counts = column.get("most_common", {})
        values = {key: column.get(key, "") for key in ("min", "mean", "median", "max")}
        common = ", ".join(f"{name} {count}" for name, count in counts.items())
        missing = sum(column["missing"].values())
        facts = {"kind": column["kind"], "missing": missing, "different": column["different"], **values}
        rows.append({"column": column["column"], **facts, "most common": common})
    return rows


def _text_rows(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for split, lengths in described.get("characters", {}).items():
        unknown = described.get("unknown_share", {}).get(split)
        share = {} if unknown is None else {"unknown words": f"{unknown:.1%}"}
        characters = {f"{name} characters": value for name, value in lengths.items() if name != "mean"}
        rows.append({"split": split, **characters, "empty": described["empty"][split], **share})
    return rows


def _target_rows(seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per class, or per number and split."""
    first = next(iter(seen.values()))
    if not all(isinstance(value, int) for value in first.values()):
        return _seen_rows(seen)
    total = max(sum(first.values()), 1)
    return [
        {"class": name, **{split: counts[name] for split, counts in seen.items()}, "share": f"{count / total:.1%}"}
        for name, count in first.items()
    ]
