"""`dltk eval` and `dltk predict`."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dltk.cli.answers import make_folder, print_json, print_lines, print_table
from dltk.cli.flags import Debug, Json, Offline, OtherData, Plugins, RunArgument, RunsDir, use_network, use_plugins
from dltk.cli.machinery import load_machinery
from dltk.cli.writing import print_with_rows, write_answers
from dltk.config.errors import DataError, OutputError, UsageError, shown

if TYPE_CHECKING:
    from dltk.experiment import Run
    from dltk.training.task import Evaluation

MAX_CLASSES_SHOWN = 20


def evaluate(
    run: RunArgument,
    overrides: OtherData = None,
    split: Annotated[
        Literal["train", "val", "test"] | None, typer.Option(help="Which samples; default test where there is one.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw the task's pictures of these samples into a folder.")
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    offline: Offline = False,
    json_: Json = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Score a run on its own data, or on others (data.path=new.csv)."""
    use_plugins(plugin)
    use_network(offline=offline)
    if pictures is not None:
        make_folder(pictures)
    started_at = time.monotonic()
    found = open_run(run, runs_dir)
    evaluation = found.evaluate(split or "", list(overrides or ()))
    drawn = _draw(found.pictures(evaluation), pictures) if pictures is not None else []
    if json_:
        answer: dict[str, Any] = {"run": str(found.path), "status": "completed", "scores": dict(evaluation.scores)}
        answer |= {"num_samples": evaluation.num_samples, "protocol": evaluation.protocol}
        answer |= {"per_class": list(evaluation.per_class)} if evaluation.per_class else {}
        answer |= {"pictures": drawn} if drawn else {}
        print_json({**answer, "seconds": round(time.monotonic() - started_at, 1)})
        return 0
    _print_scores(evaluation)
    print_lines(drawn)
    return 0


def predict(
    run: RunArgument,
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT", help="Files, folders, or - for stdin.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a .csv or .jsonl file instead of a table.")
    ] = None,
    count: Annotated[int | None, typer.Option(metavar="N", min=1, help="Draw N new samples.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Go N steps past the end.")] = None,
    top: Annotated[int | None, typer.Option(metavar="N", min=1, help="Give the N best answers per input.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is drawn.")] = 0,
    runs_dir: RunsDir = Path("runs"),
    offline: Offline = False,
    json_: Json = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Answer inputs with a run: every one, in order, with its status. Code 65 says that all of them are invalid."""
    use_plugins(plugin)
    use_network(offline=offline)
    if not inputs and count is None and steps is None:
        raise UsageError(
            "predict needs inputs (files, folders, or - for standard input)",
            expected="or --count N for a model that draws samples, --steps N for one that continues",
        )
    if output is not None:
        _refuse_output(output)
    started_at = time.monotonic()
    found = open_run(run, runs_dir)
    from dltk.training.task import Request

    answers = found.answers(inputs or (), Request(count, steps, top, seed))
    plain = _with_saved_images(answers, output.parent if output else found.directory.predictions)
    statuses: set[str] = set()
    rows = _noting_statuses(plain, statuses)

    def told() -> dict[str, Any]:
        failure = _failure(statuses)
        outcome = failure.as_json() if failure else {"status": "completed"}
        written: dict[str, Any] = {"output": str(output)} if output else {"rows": []}
        return {"run": str(found.path), **outcome, **written, "seconds": round(time.monotonic() - started_at, 1)}

    if output is not None:
        write_answers(output, rows)
    if json_:
        print_json(told()) if output else print_with_rows(rows, told)
    elif output is None:
        print_table(rows)
    failure = _failure(statuses)
    if failure and not json_:
        raise failure
    return failure.code if failure else 0


def _failure(statuses: Set[str]) -> DataError | None:
    return DataError("no input can be answered: every one is invalid") if statuses == {"invalid"} else None


def _noting_statuses(rows: Iterable[dict[str, Any]], statuses: set[str]) -> Iterator[dict[str, Any]]:
    for row in rows:
        statuses.add(row["status"])
        yield row


def open_run(run: str, runs_dir: Path) -> Run:
    """Return the run, or one checkpoint of it, that a RUN argument names; torch is imported once it is found."""
    from dltk.training.runs.rundir import find_run

    directory, step = find_run(run, runs_dir)
    load_machinery()
    from dltk.experiment import Run

    return Run(directory, step)


def _print_scores(evaluation: Evaluation) -> None:
    from dltk.training.loggers import number

    count = evaluation.num_samples
    print_lines([f"{score} {number(value)}  (n = {count})" for score, value in evaluation.scores.items()])
    print_lines(evaluation.protocol.splitlines())
    if 0 < len(evaluation.per_class) <= MAX_CLASSES_SHOWN:
        rows = [
            {key: number(cell) if isinstance(cell, float) else cell for key, cell in row.items()}
            for row in evaluation.per_class
        ]
        print_lines([""])
        print_table(rows)


def _draw(figures: Mapping[str, Any], folder: Path) -> list[str]:
    """Write figures as PNG files and return their paths."""
    from dltk.pictures import png_of
    from dltk.training.saving.durable import write_bytes

    paths = {folder / f"{name}.png": figure for name, figure in figures.items()}
    for path, figure in paths.items():
        write_bytes(path, png_of(figure))
    return [str(path) for path in paths]


def _refuse_output(output: Path) -> None:
    if output.suffix not in {".csv", ".jsonl"}:
        raise UsageError(f"--output writes .csv or .jsonl; received {shown(output.name)}")
    if output.is_dir():
        raise OutputError(f"{shown(output.name)} is a folder", where=str(output.absolute()))
    if not output.parent.is_dir():
        raise OutputError(f"there is no folder {shown(str(output.parent))}", where=str(output.absolute()))
    if not os.access(output.parent, os.W_OK):
        raise OutputError(f"nothing can be written into {shown(str(output.parent))}", where=str(output.absolute()))


def _with_saved_images(rows: Iterable[dict[str, Any]], directory: Path) -> Iterator[dict[str, Any]]:
    """Write image tensors (C, H, W) in 0..1 as PNG files and put their paths in their place."""
    from torch import Tensor

    for i, row in enumerate(rows):
        plain = dict(row)
        for key, value in row.items():
            if isinstance(value, Tensor):
                plain[key] = str(_save_image(value, directory / f"{key}-{i:04d}.png"))
        yield plain


def _save_image(image: Any, path: Path) -> Path:
    from PIL import Image

    from dltk.training.saving.durable import write_bytes

    make_folder(path.parent)
    pixels = (image.clamp(0, 1) * 255).round().byte().cpu().permute(1, 2, 0).numpy()
    png = io.BytesIO()
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(png, "PNG")
    write_bytes(path, png.getvalue())
    return path
