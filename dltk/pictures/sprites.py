"""Sprite sheets: many small images in one, for the embedding projector."""

from __future__ import annotations

import io
import math

import torch
from PIL import Image
from torch import Tensor


def sprite_sheet(images: Tensor) -> bytes:
    """Return images (n, 1 or 3, H, W) row by row on a square sheet, as PNG; values outside 0..1 are stretched."""
    count, _, height, width = images.shape
    side = math.ceil(math.sqrt(count))
    images = images.detach().float().cpu().nan_to_num(0.0)
    low, high = min(images.amin().item(), 0.0), max(images.amax().item(), 1.0)
    pixels = ((images - low) / (high - low) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
    sheet = torch.zeros(side * side, 3, height, width, dtype=torch.uint8)
    sheet[:count] = pixels
    sheet = sheet.view(side, side, 3, height, width).permute(0, 3, 1, 4, 2).reshape(side * height, side * width, 3)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (side * width, side * height), sheet.numpy().tobytes()).save(buffer, "PNG")
    return buffer.getvalue()
