"""Samples as the torch libraries take them: a data set of pairs, read by torch's own loader."""

from __future__ import annotations

import math

import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.material import Material
from benchmarks.workloads import Workload


def dataset_of(material: Material) -> TensorDataset:
    """Return all training samples."""
    return TensorDataset(*(torch.from_numpy(material.array(name)) for name in ("inputs", "targets")))


def loader_of(workload: Workload, material: Material) -> DataLoader[tuple[torch.Tensor, ...]]:
    """Return them in batches, in a new order each epoch."""
    return DataLoader(dataset_of(material), workload.batch_size, shuffle=True)


def steps_of(workload: Workload, num_samples: int) -> int:
    """Return the batches of an epoch."""
    return math.ceil(num_samples / workload.batch_size)
