"""Number formats of training: which one the forward pass computes in, and how the gradient's range is kept."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from dltk.config.sections import Precision

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
SMALLEST_SCALE = 2.0**-14


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Return the context of a forward pass and its loss: what gains from 16 bits is computed in them."""
    return torch.autocast(device.type, HALF[precision]) if precision in HALF else nullcontext()


def loss_scaler(precision: Precision, device_type: str) -> torch.amp.GradScaler:
    """Return what keeps small gradients of fp16 from vanishing; for other formats it does nothing."""
    return torch.amp.GradScaler(device_type, enabled=precision == "fp16")


def use_tf32() -> None:
    """Let CUDA multiply and convolve float32 with a mantissa of 10 bits, in training and evaluation."""
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    torch.backends.cudnn.conv.fp32_precision = "tf32"  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = "tf32"  # type: ignore[attr-defined]
