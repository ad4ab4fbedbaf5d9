"""Tensors as a safetensors file, written from where they lie: no second copy of them is ever in memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

_TYPES = {
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float64: "F64",
    torch.float32: "F32",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""In the order in which the library writes tensors: wide types first, so that all are aligned."""
_RANKS = {kind: rank for rank, kind in enumerate(_TYPES)}
_ALIGNMENT = 8


class Packed:
    """The bytes of a safetensors file: the length of a header, the header as JSON, one tensor after another.

    https://github.com/safetensors/safetensors#format; the bytes are those that the library writes.

    Args:
        tensors: By name, on any device; they must not change until they are written.

    Raises:
        TypeError: A tensor is of a type that the format does not have, or sparse.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        for name, tensor in tensors.items():
            if tensor.dtype not in _TYPES or tensor.layout != torch.strided:
                raise TypeError(f"{name}: tensors of {tensor.dtype}, {tensor.layout} cannot be stored")
        self._tensors = dict(sorted(tensors.items(), key=lambda item: (_RANKS[item[1].dtype], item[0])))
        self._header = _header(self._tensors)

    @property
    def num_bytes(self) -> int:
        """How long the file will be."""
        return len(self._header) + sum(map(_size, self._tensors.values()))

    def __iter__(self) -> Iterator[bytes | memoryview]:
        """Yield the header, then the bytes of each tensor; from a GPU they come one at a time."""
        yield self._header
        for tensor in self._tensors.values():
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            yield flat.view(torch.uint8).numpy().data if flat.numel() else b""


def _header(tensors: Mapping[str, Tensor]) -> bytes:
    described, end = {}, 0
    for name, tensor in tensors.items():
        begin, end = end, end + _size(tensor)
        described[name] = {"dtype": _TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    text = text.ljust(math.ceil(len(text) / _ALIGNMENT) * _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
