"""JSON files of a run that are replaced as a whole, and hold a digest of themselves: a change of theirs is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dltk.config.errors import IntegrityError
from dltk.config.strict_json import finite
from dltk.training.saving.durable import canonical, is_damage, loads, write_json

SEAL = "sha256"


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object atomically, with a digest of the rest; numbers that are not finite become null.

    Raises:
        WriteError: The disk is full or failed; an older file is as it was.
    """
    write_json(path, {**value, SEAL: _digest(finite(value))})


def read_sealed(path: Path) -> dict[str, Any]:
    """Read such an object, without its digest; dltk 0.1.0 wrote none.

    Raises:
        IntegrityError: It is not what was written.
        OSError: This process may not read it, or has no descriptor or memory left.
    """
    try:
        value = loads(path.read_bytes())
        found = value.pop(SEAL, None) if isinstance(value, dict) else None
        is_whole = found in (None, _digest(value))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) and not is_damage(error):
            raise
        raise IntegrityError(f"cannot read {path.name}: {error}", where=str(path)) from None
    if not isinstance(value, dict):
        raise IntegrityError(f"{path.name} is no JSON object", where=str(path))
    if not is_whole:
        raise IntegrityError(f"{path.name} is not what was written", where=str(path), found="its digest does not match")
    return value


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()
