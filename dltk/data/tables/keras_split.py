"""The split that Keras makes of data sets without an official one, so that scores on them can be compared."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_SEED, _TEST_FRACTION = 113, 0.2


def keras_split(count: int) -> tuple[Tensor, Tensor]:
    """Return which samples train and which are tested on: the last fifth in the order of numpy's RandomState(113).

    As in `keras.datasets.boston_housing.load_data`. The generator is one of its own; nothing else draws from it.
    """
    order = np.arange(count)
    np.random.RandomState(_SEED).shuffle(order)
    num_train = int(count * (1 - _TEST_FRACTION))
    return torch.from_numpy(order[:num_train].copy()), torch.from_numpy(order[num_train:].copy())
