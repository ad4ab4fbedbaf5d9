"""The embedding projector: what the last layer sees of each sample, with labels and small images beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tensorboard.plugins.projector import metadata
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from torch import Tensor, nn

from dltk import pictures
from dltk.data.batches import Batches
from dltk.training.board import Ending
from dltk.training.evaluating import evaluated

MAX_SAMPLES = 2000
MAX_PIXELS = 48


def write_embeddings(directory: Path, ending: Ending) -> None:
    """Write vectors, labels and where there are images a sprite sheet, of the first 2000 samples.

    The vectors are the inputs of the model's `head` where it has one, else its outputs. Costs one evaluation.

    Args:
        directory: Where the event files are.
        ending: The model, and the samples to show.

    Raises:
        ValueError: The model does not give one vector per sample.
        OSError: The files cannot be written.
    """
    with caught(ending.model) as parts:
        evaluation = evaluated(ending.task, ending.model, ending.samples)
    vectors = torch.cat(parts).cpu() if parts else torch.empty(0, 0)
    if len(vectors) != evaluation.num_samples or vectors.numel() == 0:
        raise ValueError("the model does not give one vector per sample")
    vectors = vectors[:MAX_SAMPLES]
    config = ProjectorConfig()
    shown = config.embeddings.add(tensor_name="samples", tensor_path="tensors.tsv", tensor_shape=list(vectors.shape))
    _write(directory / "tensors.tsv", [[f"{value:.6g}" for value in row] for row in vectors.tolist()])
    columns = label_columns(evaluation.columns, ending.names, evaluation.num_samples)
    if columns:
        shown.metadata_path = "metadata.tsv"
        _write(directory / "metadata.tsv", _rows(columns, len(vectors)))
    images = _images(ending.samples, len(vectors))
    if images is not None:
        (directory / "sprite.png").write_bytes(pictures.sprite_sheet(images))
        shown.sprite.image_path = "sprite.png"
        shown.sprite.single_image_dim.extend([images.shape[3], images.shape[2]])
    (directory / metadata.PROJECTOR_FILENAME).write_text(str(config), encoding="utf-8")


@contextmanager
def caught(model: nn.Module) -> Iterator[list[Tensor]]:
    """Catch the vectors (B, D) of every batch that passes while the block runs."""
    parts: list[Tensor] = []
    head = getattr(model, "head", None)

    def before_head(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        keep(inputs[0])

    def after_model(_module: nn.Module, _inputs: Any, outputs: Any) -> None:
        keep(outputs)

    def keep(value: Any) -> None:
        if isinstance(value, Tensor) and value.dim() > 1:
            parts.append(value.detach().flatten(1).float())

    if isinstance(head, nn.Module) and not isinstance(head, nn.ModuleList):
        hook = head.register_forward_pre_hook(before_head)
    else:
        hook = model.register_forward_hook(after_model)
    try:
        yield parts
    finally:
        hook.remove()


def label_columns(columns: Mapping[str, Any], names: Sequence[str], count: int) -> dict[str, list[str]]:
    """Return what an evaluation says of each sample, as text; whole numbers of `true` and `predicted` are classes."""
    found = {}
    for name, values in columns.items():
        if isinstance(values, Tensor) and values.shape == (count,):
            is_class = name in {"true", "predicted"} and not values.is_floating_point() and bool(names)
            found[name] = [names[int(one)] if is_class else f"{one:.6g}" for one in values.tolist()]
    return found


def _rows(columns: Mapping[str, Sequence[str]], count: int) -> list[Sequence[str]]:
    """Return rows of cells; a header only where there are several columns, as the projector reads it."""
    rows: list[Sequence[str]] = [[column[i] for column in columns.values()] for i in range(count)]
    return [list(columns), *rows] if len(columns) > 1 else rows


def _images(samples: Batches, count: int) -> Tensor | None:
    """Return the first images, at most 48 pixels high and wide; None where inputs are no images."""
    parts: list[Tensor] = []
    for batch in samples.epoch(0):
        if not isinstance(batch.inputs, Tensor) or batch.inputs.dim() != 4 or batch.inputs.shape[1] not in (1, 3):
            return None
        parts.append(batch.inputs.cpu())
        if sum(map(len, parts)) >= count:
            break
    images = torch.cat(parts)[:count].float()
    height, width = images.shape[2:]
    scale = min(1.0, MAX_PIXELS / max(height, width))
    size = max(1, int(height * scale)), max(1, int(width * scale))
    return images if scale == 1 else nn.functional.adaptive_avg_pool2d(images, size)


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    lines = ["\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="backslashreplace")
