"""An extra forward pass of a model in training that leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from dltk.training.saving.trees import copied


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Put a model into training mode, and its mode and buffers back at the end."""
    buffers, was_training = copied(dict(model.named_buffers())), model.training
    model.train()
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(buffers[name])
        model.train(was_training)
