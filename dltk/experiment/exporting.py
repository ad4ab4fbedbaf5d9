"""Exporting a run: its model for torch.export and ONNX, checked on real inputs, with all that is needed beside it."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from torch import Tensor

import dltk
from dltk.config.errors import DataError, OutputError, UsageError, shown
from dltk.config.extras import load_extra
from dltk.config.strict_json import finite
from dltk.data.specs import Classes, Numbers, Spec, Target
from dltk.experiment.finished import Run
from dltk.experiment.tracing import Traced, traced
from dltk.training.saving.durable import canonical, write_files

Format = Literal["torch", "onnx"]
FORMATS: tuple[Format, ...] = ("torch", "onnx")
FILES: Mapping[Format, str] = {"torch": "model.pt2", "onnx": "model.onnx"}
TOLERANCE = 1e-5
NUM_EXAMPLES = 4
_OPSET = 20
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
Compute = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""What an exported file makes of input tensors."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        directory: Where it is.
        files: The model, once per format.
        companions: What lies beside it: model.json, an example, the preparation.
        num_checked: How many real inputs were compared.
        differences: By format, the largest distance from the model's own outputs, relative to outputs beyond 1.
    """

    directory: Path
    files: Sequence[str]
    companions: Sequence[str]
    num_checked: int
    differences: Mapping[Format, float]


def export(
    run: Run, formats: Sequence[Format] = FORMATS, output: Path | None = None, inputs: Sequence[str] = ()
) -> Exported:
    """Write a run's model in each format, with its preparation, class names and an example beside it.

    Args:
        run: What to export: the weights that `dltk eval` would score.
        formats: "torch" for model.pt2 (torch.export), "onnx" for model.onnx.
        output: A new directory; default `export` in the run directory, which is replaced.
        inputs: Files to compare on; default the run's own test, val or training split.

    Raises:
        UsageError: The model cannot be exported so.
        DataError: An exported file gives other outputs than the model.
        OutputError: The directory exists.
        Unavailable: ONNX is not installed.
    """
    if output is not None and output.exists():
        raise OutputError(f"{shown(output.name)} exists already", where=str(output.absolute()))
    target = output or run.directory.exported
    model = traced(run, inputs)
    writers = {"torch": _torch_export, "onnx": _onnx_export}
    contents, differences = {}, {}
    for name in dict.fromkeys(formats):
        with _explained(name):
            content, compute = writers[name](model)
        contents[FILES[name]] = content
        differences[name] = _compared(name, model, compute)
    facts = {"num_inputs": model.num_samples, "tolerance": TOLERANCE, "largest_difference": differences}
    beside = {"model.json": _described(run, model, facts), "example.safetensors": _example(model)}
    beside |= {path.name: path.read_bytes() for path in _preparation_files(run)}
    target.parent.mkdir(parents=True, exist_ok=True)
    write_files(target, contents | beside, {"run": str(run.status.get("id", "")), "step": run.checkpoint.step})
    return Exported(target, list(contents), list(beside), model.num_samples, differences)


def _torch_export(model: Traced) -> tuple[bytes, Compute]:
    """Return the bytes of model.pt2, and what a reader of them computes."""
    buffer = io.BytesIO()
    torch.export.save(_program(model), buffer)
    content = buffer.getvalue()
    loaded = torch.export.load(io.BytesIO(content)).module()
    return content, lambda tensors: loaded(*tensors)


def _program(model: Traced) -> torch.export.ExportedProgram:
    """Export for any number of samples; where the model's own arithmetic bounds it, for as many as it allows."""
    batch = torch.export.Dim("batch", min=1)
    sizes = {"samples": batch, "offsets": batch + 1, "values": torch.export.Dim.DYNAMIC}
    with torch.no_grad():
        try:
            free = tuple({0: sizes[part.counts]} for part in model.inputs)
            return torch.export.export(model.module, model.tensors, dynamic_shapes=(free,), strict=False)
        except (torch._dynamo.exc.UserError, ValueError):
            free = tuple({0: torch.export.Dim.AUTO} for _ in model.inputs)
            return torch.export.export(model.module, model.tensors, dynamic_shapes=(free,), strict=False)


def _onnx_export(model: Traced) -> tuple[bytes, Compute]:
    """Return the bytes of model.onnx, and what onnxruntime computes with them."""
    load_extra("onnxscript", "export")
    runtime = load_extra("onnxruntime", "export")
    names = [part.name for part in model.inputs]
    converted = torch.onnx.export(
        _program(model),
        input_names=names,
        output_names=list(model.outputs),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    assert converted is not None
    content: bytes = converted.model_proto.SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    wanted = [one.name for one in session.get_inputs()]

    def compute(tensors: Sequence[Tensor]) -> list[Tensor]:
        given = dict(zip(names, (tensor.numpy() for tensor in tensors), strict=True))
        return [torch.from_numpy(array) for array in session.run(None, {name: given[name] for name in wanted})]

    return content, compute


def _compared(name: str, model: Traced, compute: Compute) -> float:
    """Return the largest distance from the model's outputs, relative to outputs beyond 1; refuse a larger one."""
    largest = 0.0
    with torch.no_grad():
        computed = compute(model.tensors)
    for own, other in zip(model.outputs.values(), computed, strict=True):
        distance = (own.double() - other.double()).abs() / own.double().abs().clamp_min(1)
        largest = max(largest, float(distance.max()) if distance.isfinite().all() else float("inf"))
    if not largest <= TOLERANCE:
        raise DataError(
            f"the {name} export gives other outputs than the model",
            found=f"a difference of {largest:.2g}",
            expected=f"at most {TOLERANCE:g}",
        )
    return largest


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Tell the user that an operation has no counterpart in a format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own internals
        try:
            yield
        except (torch._dynamo.exc.UserError, torch.onnx.OnnxExporterError, RuntimeError, NotImplementedError) as error:
            others = [f"--to {other}" for other in FORMATS if other != name]
            raise UsageError(
                f"this model cannot be exported to {name}", found=_reason(error), do=f"try {' or '.join(others)}"
            ) from error


def _reason(error: BaseException) -> str:
    """Return the first sentence of what lies at the bottom of an error, without colours."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = _COLOUR.sub("", str(error)).strip()
    return text.partition("\n")[0] or type(error).__name__


def _described(run: Run, model: Traced, checked: Mapping[str, Any]) -> bytes:
    """Return model.json: what goes in, what comes out, what it means, and how it was checked."""
    spec: Spec = run.preparation.spec
    activation = str(getattr(run.task, "activation", ""))
    about = {
        "dltk": dltk.__version__,
        "name": run.experiment.name,
        "scores": finite(dict(run.scores)),
        "inputs": [_sized(part.name, part.tensor, part.counts) for part in model.inputs],
        "outputs": [_sized(name, tensor, "samples") for name, tensor in model.outputs.items()],
        "targets": {name: _meaning(target, activation) for name, target in spec.targets.items()},
        "checked": checked,
    }
    return canonical(about)


def _sized(name: str, tensor: Tensor, first: str) -> dict[str, Any]:
    return {"name": name, "dtype": str(tensor.dtype).removeprefix("torch."), "shape": [first, *tensor.shape[1:]]}


def _meaning(target: Target, activation: str) -> dict[str, Any]:
    """Return a target's kind and names, and what turns outputs into answers."""
    meaning = {"kind": type(target).__name__, **asdict(target)}
    if isinstance(target, Classes):
        meaning["activation"] = activation
        meaning |= {"output_is_for": target.names[1]} if target.num_outputs < len(target.names) else {}
    if isinstance(target, Numbers):
        meaning["answer"] = "outputs * scales + means"
    return meaning


def _example(model: Traced) -> bytes:
    """Return the first inputs and outputs, to try another runtime with; ragged inputs are given whole."""
    is_ragged = any(part.counts != "samples" for part in model.inputs)
    count = min(NUM_EXAMPLES, model.num_samples)
    named = {**{part.name: part.tensor for part in model.inputs}, **model.outputs}
    kept = {name: (tensor if is_ragged else tensor[:count]).clone().contiguous() for name, tensor in named.items()}
    return safetensors.torch.save(kept)


def _preparation_files(run: Run) -> list[Path]:
    return [path for path in sorted(run.directory.preparation.iterdir()) if path.stem == "preparation"]
