"""`dltk plan`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from dltk.cli.answers import print_json, print_lines
from dltk.cli.flags import Debug, Device, Json, Offline, Overrides, Plugins, use_network, use_plugins, with_device
from dltk.cli.machinery import load_machinery
from dltk.cli.training import Config, check_config_of
from dltk.config.errors import count_of

_LAYER_COLUMNS = ("layer", "kind", "input", "output", "parameters", "multiply-adds", "kept")
_NUMBERS = {"parameters", "multiply-adds", "kept", "memory"}
_UNITS = ("B", "kB", "MB", "GB", "TB")
_AXES = {0: "one id", 1: "numbers", 2: "steps x features", 3: "channels x height x width"}


def plan(
    config: Config,
    overrides: Overrides = None,
    depth: Annotated[
        int | None,
        typer.Option("--depth", metavar="N", min=1, help="Unfold N levels of layers; default what 40 rows can show."),
    ] = None,
    device: Device = None,
    json_: Json = False,
    offline: Offline = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Show what a run would be: layers, sizes, length, memory, and every decision with its rule.

    Of the data only headers are read, and tables. Nothing is trained and nothing is written.
    """
    use_plugins(plugin)
    texts = with_device(overrides, device)
    check_config_of(config, texts)
    use_network(offline=offline)
    load_machinery()
    from dltk.experiment.planning import plan as plan_run

    facts = plan_run(config, texts).as_json(depth)
    if json_:
        print_json(facts)
    else:
        print_lines(list(_lines(facts)))
    return 0


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    data, model, task = facts["data"], facts["model"], facts["task"]
    yield f"{facts['name']}: {model['name']} learns {task['name']} on {data['name']}"
    yield ""
    yield from _sections({"data": _data(facts), "model": _model(facts)})
    if "layers" in model:
        yield ""
        yield from _layers(model)
    yield ""
    yield from _sections({"length": _length(facts), "memory": _memory(facts), "scores": _scores(task)})
    yield from facts["notes"]
    yield ""
    rows = [
        {"left open": each["option"], "becomes": _spelled(each["value"]), "by the rule": each["rule"]}
        for each in facts["decisions"]
    ]
    yield from aligned(rows)


def _sections(sections: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield lines with the name of their section before the first."""
    width = max(map(len, sections)) + 2
    for name, lines in sections.items():
        for i, line in enumerate(lines):
            yield f"{'' if i else name:{width}}{line}"


def _data(facts: Mapping[str, Any]) -> list[str]:
    data = facts["data"]
    official = _counted(data["parts"])
    whence = "read, for the widths of tables are in their rows" if data["is_read"] else "not read, but for headers"
    lines = [f"{official or 'how many samples there are, only reading tells'}; {whence}"]
    if data["splits"] and data["splits"] != data["parts"]:
        lines.append(f"split into {_counted(data['splits'])}")
    if not data["splits"] and data["parts"]:
        lines.append("how many of them are in which split, only reading tells: groups decide")
    for name, shape in data["inputs"].items():
        known = "" if data["is_exact"] else "; a size assumed: what it will be, the training samples decide"
        lines.append(f"{name}: {_shape(shape)} ({_AXES.get(len(shape), 'values')}){known}")
    return lines


def _counted(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{sizes[name]:,} {name}" for name in ("train", "val", "test") if name in sizes)


def _model(facts: Mapping[str, Any]) -> list[str]:
    model = facts["model"]
    lines = []
    if model.get("parameters"):
        frozen = model["parameters"] - model["learning"]
        lines.append(f"{model['parameters']:,} parameters" + (f", {frozen:,} of them frozen" if frozen else ""))
    lines += [model["output"]] if model.get("output") else []
    lines += [f"no layers: {model['unknown']}"] if "unknown" in model else []
    return lines


def _layers(model: Mapping[str, Any]) -> Iterator[str]:
    rows = [_layer(layer) for layer in model["layers"]]
    total = {
        "layer": "total",
        "parameters": f"{model['parameters']:,}",
        "multiply-adds": _count(model["multiply_adds"]),
        "kept": _bytes(model["kept_bytes"]),
    }
    yield from aligned([*rows, total], rule_before_last=True)
    yield "multiply-adds: of matrix products and convolutions, forward, for one sample; backward needs twice as many"
    yield "kept: for the backward pass, of one batch; a value that two layers need counts at the first"


def _layer(layer: Mapping[str, Any]) -> dict[str, str]:
    if layer["output"] is None:
        shapes = {"input": "", "output": "used by the layer around it"}
    else:
        shapes = {
            "input": " ".join(_shape(shape) for shape in layer["inputs"]) or "-",
            "output": _shape(layer["output"]),
        }
    frozen = layer["parameters"] - layer["learning"]
    marks = {0: "", layer["parameters"]: " frozen"}.get(frozen, f" ({frozen:,} frozen)")
    return {
        "layer": layer["name"] or "(all)",
        "kind": layer["kind"] + (f" of {layer['holds']}" if layer["holds"] else ""),
        **shapes,
        "parameters": f"{layer['parameters']:,}{marks}"
        if layer["parameters"]
        else "again"
        if layer["is_again"]
        else "",
        "multiply-adds": _count(layer["multiply_adds"]),
        "kept": _bytes(layer["kept_bytes"]),
    }


def _length(facts: Mapping[str, Any]) -> list[str]:
    length = facts["length"]
    if length["steps"] is None:
        lasts = "as long as the rule of train.epochs says"
        lasts = lasts if length["epochs"] is None else count_of(length["epochs"], "epoch")
        return [f"{lasts}, batches of {length['batch_size']}; how many, only reading tells"]
    count = length["batches_per_epoch"]
    batches = f"{count:,} batch{'' if count == 1 else 'es'} of {length['batch_size']}"
    if length["updates"] is None:
        return [f"one pass over {batches}"]
    updates = "" if length["updates"] == length["steps"] else f", {length['updates']:,} updates"
    if length["epochs"] is None:
        return [f"{length['steps']:,} steps{updates}; an epoch has {batches}"]
    soon = "; early stopping may end it sooner" if "early_stopping" in facts["config"] else ""
    epochs = count_of(length["epochs"], "epoch")
    return [f"{epochs} of {batches}, {length['steps']:,} steps{updates}{soon}"]


def _memory(facts: Mapping[str, Any]) -> list[str]:
    parts = {name: size for name, size in facts["memory"].items() if name != "total"}
    if not parts:
        return ["only reading the data tells"]
    lacking = "" if "data" in parts else "; and the data, whose size only reading tells"
    listed = ", ".join(f"{name} {_bytes(size)}" for name, size in parts.items())
    return [f"about {_bytes(facts['memory']['total'])} beside torch itself: {listed}{lacking}"]


def _scores(task: Mapping[str, Any]) -> list[str]:
    names = [f"{name} (watched)" if name == task["monitor"] else name for name in task["scores"]]
    lines = [", ".join(names) or "none"]
    if task["baselines"]:
        lines.append(f"beside the baseline{'s' if len(task['baselines']) > 1 else ''} {', '.join(task['baselines'])}")
    return lines


def aligned(rows: Sequence[Mapping[str, str]], *, rule_before_last: bool = False) -> Iterator[str]:
    """Yield a table's lines: a header, then the rows; numbers stand at the right of their column."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    widths = {key: max(len(key), *(len(row.get(key, "")) for row in rows)) for key in columns}

    def line(row: Mapping[str, str]) -> str:
        cells = [
            f"{row.get(key, ''):>{widths[key]}}" if key in _NUMBERS else f"{row.get(key, ''):{widths[key]}}"
            for key in columns
        ]
        return "  ".join(cells).rstrip()

    yield line({key: key for key in columns})
    for place, row in enumerate(rows):
        if rule_before_last and place == len(rows) - 1:
            yield "-" * (sum(widths.values()) + 2 * (len(widths) - 1))
        yield line(row)


def _shape(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes)) or "1"


def _count(number: float) -> str:
    """Spell a number of operations: 416.5 k."""
    for unit in ("", " k", " M", " G", " T"):
        if number < 1000 or unit == " T":
            break
        number /= 1000
    return "" if not number else f"{number:.0f}" if not unit else f"{number:.4g}{unit}"


def _bytes(number: float) -> str:
    """Spell a number of bytes, in powers of 1000."""
    if not number:
        return ""
    for unit in _UNITS:
        if number < 1000 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.3g} {unit}"


def _spelled(value: Any) -> str:
    if value is None:
        return "only reading tells"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
