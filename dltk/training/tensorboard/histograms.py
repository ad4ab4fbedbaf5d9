"""Histograms of tensors: how weights and gradients are spread."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.histogram import metadata
from tensorboard.util import tensor_util
from torch import Tensor

from dltk.training.tensorboard.events import Value

NUM_BINS = 30


def histograms(prefix: str, tensors: Mapping[str, Tensor]) -> list[Value]:
    """Return one histogram per tensor, tagged `prefix/name`; values that are not finite are left out.

    Synchronises with the device.
    """
    return [_value(f"{prefix}/{name}", _bins(tensor)) for name, tensor in tensors.items() if tensor.numel()]


def _bins(tensor: Tensor) -> Tensor:
    """Return left edge, right edge and count of equal bins, float64 (bins, 3)."""
    values = tensor.detach().flatten().float()
    values = values[values.isfinite()]
    low, high = (0.0, 0.0) if not len(values) else (values.min().item(), values.max().item())
    counts = torch.histc(values, NUM_BINS, low, high) if low < high else _all_in_the_last(len(values))
    edges = torch.linspace(low, high, NUM_BINS + 1, dtype=torch.float64)
    return torch.stack([edges[:-1], edges[1:], counts.cpu().double()], 1)


def _all_in_the_last(count: int) -> Tensor:
    counts = torch.zeros(NUM_BINS)
    counts[-1] = count
    return counts


def _value(tag: str, bins: Tensor) -> Value:
    described = metadata.create_summary_metadata(display_name=None, description=None)
    described.data_class = summary_pb2.DataClass.DATA_CLASS_TENSOR
    tensor = tensor_util.make_tensor_proto(bins.numpy())
    return summary_pb2.Summary.Value(tag=tag, metadata=described, tensor=tensor)
