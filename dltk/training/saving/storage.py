"""Trees of plain values and tensors as inert files: JSON and safetensors in a directory under a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from dltk.training.saving.contents import Content
from dltk.training.saving.durable import canonical, distrusting, loads, read_files, write_files
from dltk.training.saving.packing import Packed
from dltk.training.saving.trees import decode, encode


def write_directory(target: Path, trees: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write trees as a directory that is either complete and verified, or not there at all.

    Each tree becomes `<name>.json` and, where it holds tensors, `<name>.safetensors`. A target that exists is replaced
    only once the new directory is verified. Facts are plain JSON values.

    Raises:
        WriteError: The disk is full or failed; the target is as it was before.
    """
    contents: dict[str, Content] = {}
    for name, tree in trees.items():
        plain, tensors = encode(tree, name)
        contents[f"{name}.json"] = canonical(plain)
        if tensors:
            contents[f"{name}.safetensors"] = Packed(tensors)
    write_files(target, contents, facts)


def read_tree(directory: Path, name: str) -> Any:
    """Return one tree; every byte used is checked against the manifest.

    Raises:
        IntegrityError: Something is missing or not what was written.
        ResumeRefused: Another version of dltk wrote it.
    """
    plain, packed = f"{name}.json", f"{name}.safetensors"
    contents = read_files(directory, [plain, packed])
    with distrusting(directory):
        return decode(loads(contents[plain]), _tensors(contents.get(packed)))


def _tensors(content: bytes | None) -> Mapping[str, Tensor]:
    if content is None:
        return {}
    try:
        return safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise ValueError(str(error)) from None
