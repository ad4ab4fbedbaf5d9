"""Weights that other programs saved: read without running anything, and given a model's own names."""

from __future__ import annotations

import re
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from dltk.config.errors import DataError, IntegrityError, MissingInput, at_most_shown, listed, shown
from dltk.config.terminal import escaped

PICKLED = (".pt", ".pth", ".th", ".bin", ".ckpt", ".tar")
INERT = ".safetensors"
HOLDERS = ("state_dict", "model_state_dict", "model", "net", "weights", "params")
"""Keys below which programs keep the weights in a checkpoint that holds more."""
WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put in front of every name."""
COUNTER = "num_batches_tracked"
"""Of batch normalisation; older files lack it, and nothing depends on it."""
_GLOBAL = re.compile(r"GLOBAL (\S+)")
"""What torch's message calls the function or class that a file wants, and may not have."""
_FAULTS = (
    *(EOFError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError, OverflowError),
    *(OSError, struct.error),
)
"""What torch raises while it reads a file that is none of its own."""


@dataclass(frozen=True)
class Limits:
    """How much a file of weights may hold: far above any model, far below what a bomb wants.

    Attributes:
        ratio: Bytes of numbers per byte of the file: they are not compressed, but one tensor may have several names.
    """

    file_bytes: int = 1 << 36
    tensors: int = 100_000
    ratio: int = 8


def read_foreign(path: Path, limits: Limits | None = None) -> dict[str, Tensor]:
    """Return the tensors that another program saved, by the names it gave them.

    A pickled file is read by torch's restricted reader: it builds tensors and plain containers, and calls nothing else.

    Raises:
        MissingInput: There is no such file.
        IntegrityError: The file asks to run code, or is too large.
        DataError: It holds no weights.
    """
    limits = limits or Limits()
    if not path.is_file():
        raise MissingInput(f"there is no file {shown(path.name)}", where=str(path.absolute()))
    if path.suffix.lower() not in {INERT, *PICKLED}:
        expected = f"a file that ends in {', '.join((*PICKLED, INERT))}"
        raise DataError(f"{shown(path.name)} is no file of weights", where=str(path.absolute()), expected=expected)
    num_bytes = path.stat().st_size
    _refuse_more(path, "bytes", num_bytes, limits.file_bytes)
    _refuse_more(path, "unpacked bytes", _unpacked_bytes(path), limits.ratio * num_bytes)
    content = read_safetensors(path) if path.suffix.lower() == INERT else _unpickled(path)
    tensors = _without_wrapper(_weights_in(content, path))
    _refuse_more(path, "tensors", len(tensors), limits.tensors)
    _refuse_more(path, "bytes of numbers", sum(map(_num_bytes, tensors.values())), limits.ratio * num_bytes)
    broken = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise DataError("some weights are not finite", where=str(path), found=at_most_shown(_escaped(broken)))
    return tensors


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file.

    Raises:
        DataError: It is damaged, or none.
    """
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise DataError(
            f"cannot read {shown(path.name)}", where=str(path.absolute()), found=escaped(str(error))
        ) from None


def renamed(
    tensors: Mapping[str, Tensor], own_name: Callable[[str], str | None], prefixes: Mapping[str, str]
) -> dict[str, Tensor]:
    """Return tensors by a model's own names.

    Args:
        tensors: By foreign names.
        own_name: A model's own name for a foreign one; None leaves the tensor out.
        prefixes: What the user wants replaced at the beginning of foreign names, before `own_name` sees them.

    Raises:
        DataError: Two tensors get one name.
    """
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        old = next((prefix for prefix in prefixes if name.startswith(prefix)), "")
        own = own_name(prefixes[old] + name.removeprefix(old) if old else name)
        if own is None:
            continue
        if own in result:
            raise DataError("two tensors would get one name", found=escaped(own))
        result[own] = tensor
    return result


def in_order(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under the names that stand at the same place among those wanted; only shapes must agree.

    Raises:
        DataError: There are more or fewer, or a shape differs.
    """
    given = [(name, tensor) for name, tensor in tensors.items() if not name.endswith(COUNTER)]
    slots = [(name, tensor) for name, tensor in wanted.items() if not name.endswith(COUNTER)]
    differing = [
        f"{theirs} {_shape(tensor)} for {name} {_shape(slot)}"
        for (theirs, tensor), (name, slot) in zip(given, slots, strict=False)
        if tensor.shape != slot.shape
    ]
    if len(given) != len(slots):
        differing.insert(0, f"{len(given)} tensors for {len(slots)}")
    if differing:
        raise DataError("the weights do not fit this model in their order", found=at_most_shown(_escaped(differing)))
    return {name: tensor for (name, _), (_, tensor) in zip(slots, given, strict=True)}


def refuse_misfits(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], optional: Sequence[str]) -> None:
    """Refuse weights that are not exactly a model's.

    Args:
        tensors: What there is, by the model's names.
        wanted: The model's own.
        optional: Beginnings of names that may be missing, as counters of batch normalisation may.

    Raises:
        DataError: With every name that is missing, unexpected or of another shape.
    """
    missing = [
        f"missing {name} {_shape(tensor)}"
        for name, tensor in wanted.items()
        if name not in tensors and not name.endswith(COUNTER) and not name.startswith(tuple(optional))
    ]
    unexpected = [f"unexpected {name} {_shape(tensor)}" for name, tensor in tensors.items() if name not in wanted]
    shapes = [
        f"{name} is {_shape(tensor)}, must be {_shape(wanted[name])}"
        for name, tensor in tensors.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    if missing or unexpected or shapes:
        raise DataError(
            "the weights are not those of this model",
            found=at_most_shown(_escaped([*shapes, *missing, *unexpected])),
            do="change the model's options; --rename OLD=NEW replaces beginnings of names; --by-order goes by place",
        )


def _unpickled(path: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # about files that are refused below, or about slowness
            return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        wanted = _GLOBAL.search(str(error))
        if wanted is None:
            raise _no_weights(path, "it is not what torch writes") from None
        raise IntegrityError(
            f"{shown(path.name)} asks to run code while it is read, and is refused",
            where=str(path.absolute()),
            found=escaped(f"it calls {wanted[1]}"),
            do="ask whoever made it for a .safetensors file, or for the state_dict alone",
        ) from None
    except (MemoryError, *_FAULTS) as error:
        if isinstance(error, MemoryError) or "allocate memory" in str(error):
            raise IntegrityError(
                f"{shown(path.name)} is too large",
                where=str(path.absolute()),
                found="it wants more memory than there is, or than a file of its size may have",
            ) from None
        raise _no_weights(path, escaped(f"{type(error).__name__}: {error}"[:300])) from None


def _weights_in(content: Any, path: Path) -> dict[str, Tensor]:
    """Return the mapping of names to tensors in what a file holds, itself or below a usual key."""
    places = [content, *(content.get(key) for key in HOLDERS)] if isinstance(content, Mapping) else []
    for place in places:
        if isinstance(place, Mapping) and place and all(isinstance(key, str) for key in place):
            tensors = {str(name): value.detach() for name, value in place.items() if _is_plain(value)}
            if tensors:
                return tensors
    keys = listed(escaped(str(key)) for key in content) if isinstance(content, Mapping) else type(content).__name__
    raise _no_weights(path, f"it holds {keys[:300] or 'nothing'}")


def _is_plain(value: Any) -> bool:
    """Return whether a value is a tensor of numbers, not a sparse, quantised or empty shell of one."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not (value.is_quantized or value.is_meta)


def _num_bytes(tensor: Tensor) -> int:
    """Return what a tensor takes once it is copied, however little a file may hold of it."""
    return tensor.numel() * tensor.element_size()


def _unpacked_bytes(path: Path) -> int:
    """Return how large the parts of a zip archive, such as torch writes, say they are; 0 for another file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, *_FAULTS):
        return 0


def _without_wrapper(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    wrapper = next((prefix for prefix in WRAPPERS if all(name.startswith(prefix) for name in tensors)), None)
    if wrapper is None:
        return tensors
    return _without_wrapper({name.removeprefix(wrapper): tensor for name, tensor in tensors.items()})


def _refuse_more(path: Path, what: str, count: int, limit: int) -> None:
    if count > limit:
        raise IntegrityError(
            f"{shown(path.name)} is too large",
            where=str(path.absolute()),
            found=f"{count:,} {what}",
            expected=f"at most {limit:,}",
        )


def _no_weights(path: Path, found: str) -> DataError:
    expected = f"tensors by name, or such a mapping below {' or '.join(HOLDERS[:3])}"
    return DataError(
        f"there are no weights in {shown(path.name)}", where=str(path.absolute()), found=found, expected=expected
    )


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))


def _escaped(texts: Sequence[str]) -> list[str]:
    return [escaped(text)[:200] for text in texts]
