"""Precision-recall curves: one per class against the rest, as a threshold on its probability goes from 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.pr_curve import metadata
from tensorboard.util import tensor_util
from torch import Tensor

from dltk.training.tensorboard.events import Value

NUM_THRESHOLDS = 101
MAX_CLASSES = 100


def pr_curves(columns: Mapping[str, Any], names: Sequence[str]) -> list[Value]:
    """Return one curve per class, of two classes for the second, of many for the first hundred.

    Args:
        columns: Of an evaluation: `true`, classes int64 (n,) or labels (n, classes), and `probabilities` (n, classes).
            Nothing is returned where one is missing.
        names: Of the classes.
    """
    if "true" not in columns or "probabilities" not in columns or not names:
        return []
    chances, truth = columns["probabilities"].double(), columns["true"]
    is_multi_label = truth.dim() == 2
    chosen = range(1, 2) if len(names) == 2 and not is_multi_label else range(min(len(names), MAX_CLASSES))
    return [
        _value(names[i], curve(chances[:, i], truth[:, i].bool() if is_multi_label else truth == i)) for i in chosen
    ]


def curve(chances: Tensor, is_true: Tensor) -> Tensor:
    """Return true and false positives, true and false negatives, precision and recall, float64 (6, thresholds).

    A sample is positive where its chance (n,) is at least the threshold; precision is 0 where nothing is positive.
    """
    thresholds = torch.arange(NUM_THRESHOLDS, dtype=torch.float64) / (NUM_THRESHOLDS - 1)
    bucket = torch.bucketize(chances.nan_to_num(0.0).clamp(0, 1), thresholds, right=True) - 1  # the largest it reaches
    reached = [
        torch.bincount(bucket[kind], minlength=NUM_THRESHOLDS).flip(0).cumsum(0).flip(0).double()
        for kind in (is_true, ~is_true)
    ]
    hits, alarms = reached
    misses, rejections = hits[0] - hits, alarms[0] - alarms
    precision, recall = hits / (hits + alarms).clamp(min=1), hits / hits[0].clamp(min=1)
    return torch.stack([hits, alarms, rejections, misses, precision, recall])


def _value(name: str, rows: Tensor) -> Value:
    described = metadata.create_summary_metadata(display_name=name, description="", num_thresholds=NUM_THRESHOLDS)
    described.data_class = summary_pb2.DataClass.DATA_CLASS_TENSOR
    tensor = tensor_util.make_tensor_proto(rows.float().numpy())
    return summary_pb2.Summary.Value(tag=f"pr_curves/{name}", metadata=described, tensor=tensor)
