"""Trees: nested mappings, lists and tuples of tensors and plain values; spelled for JSON, copied, searched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

_TENSOR, _ITEMS, _TUPLE, _FLOAT = "$tensor", "$items", "$tuple", "$float"


def encode(tree: Any, name: str) -> tuple[Any, dict[str, Tensor]]:
    """Return a tree as strict JSON values, and its tensors, not copied, by a name of their own.

    Args:
        tree: What to spell; Raises TypeError where it holds more than tensors and plain values.
        name: What the names of tensors begin with.
    """
    tensors: dict[str, Tensor] = {}
    return _encode(tree, name, tensors), tensors


def decode(plain: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return the tree that `encode` spelled; raise KeyError, TypeError or ValueError where it did not."""
    if isinstance(plain, list):
        return [decode(item, tensors) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if _TENSOR in plain:
        return tensors[plain[_TENSOR]]
    if _ITEMS in plain:
        return {decode(key, tensors): decode(item, tensors) for key, item in plain[_ITEMS]}
    if _TUPLE in plain:
        return tuple(decode(item, tensors) for item in plain[_TUPLE])
    if _FLOAT in plain:
        return float(plain[_FLOAT])
    return {key: decode(item, tensors) for key, item in plain.items()}


def copied(tree: Any, device: torch.device | None = None) -> Any:
    """Return a tree whose tensors are copies that further training does not change, by default on the same device."""
    if isinstance(tree, Tensor):
        return tree.detach().to(device or tree.device, copy=True)
    if isinstance(tree, Mapping):
        return {key: copied(item, device) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [copied(item, device) for item in tree]
        return tuple(items) if isinstance(tree, tuple) else items
    return tree


def tensors_in(tree: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a tree with their dotted paths."""
    if isinstance(tree, Tensor):
        yield path, tree
    elif isinstance(tree, (Mapping, list, tuple)):
        for key, item in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from tensors_in(item, f"{path}.{key}" if path else str(key))


def _encode(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = _unused(path, tensors)
        tensors[name] = value.detach()
        return {_TENSOR: name}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _encode(item, f"{path}/{key}", tensors) for key, item in value.items()}
        return {
            _ITEMS: [[_encode(key, path, {}), _encode(item, f"{path}/{key}", tensors)] for key, item in value.items()]
        }
    if isinstance(value, (list, tuple)):
        items = [_encode(item, f"{path}/{i}", tensors) for i, item in enumerate(value)]
        return {_TUPLE: items} if isinstance(value, tuple) else items
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: repr(float(value))}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(
        f"{path}: only tensors, numbers, text, lists and mappings can be stored; received {type(value).__name__}"
    )


def _unused(path: str, tensors: Mapping[str, Tensor]) -> str:
    """Return a path as text that files can hold and no other tensor has: keys may contain slashes."""
    name = path.encode(errors="backslashreplace").decode()
    while name in tensors:
        name += "'"
    return name
