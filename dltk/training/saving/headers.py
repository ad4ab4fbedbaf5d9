"""Names and shapes of stored weights, from the header of their file alone: needs no torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dltk.training.runs.rundir import RunDir

_MAX_BYTES = 10 * 2**20
_TREE, _TENSORS = "model.json", "model.safetensors"


def weight_shapes(run: RunDir) -> dict[str, list[int]]:
    """Return the shape of every weight in a run's newest readable checkpoint; empty where there is none.

    For looking only: unlike everything that is used, a header is not checked against its digest.
    """
    for checkpoint in sorted(run.checkpoints.glob("step-*"), reverse=True):
        try:
            return _shapes(checkpoint)
        except (OSError, struct.error, ValueError, TypeError, KeyError, AttributeError):
            continue
    return {}


def _shapes(checkpoint: Path) -> dict[str, list[int]]:
    """Read a safetensors header: its length as eight little-endian bytes, then JSON. The tree tells the order."""
    order = _tensor_names(json.loads((checkpoint / _TREE).read_bytes()))
    with (checkpoint / _TENSORS).open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(min(length, _MAX_BYTES)))
    return {name.partition("/")[2]: list(header[name]["shape"]) for name in order}


def _tensor_names(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict) and "$tensor" in tree:
        yield tree["$tensor"]
    elif isinstance(tree, (dict, list)):
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from _tensor_names(item)
