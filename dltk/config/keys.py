"""Which settings may change once a run has begun: the only place that says so. What is not named here is fixed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dltk.config.document import parse_document, read_document
from dltk.config.errors import ConfigError, IntegrityError, shown

LENGTH = ("train.epochs", "train.steps")
PATHS = ("data.path", "data.val_path", "data.test_path", "data.root")
FREE: Mapping[str, str] = {
    "name": "what the experiment is called",
    "train.epochs": "longer, unless the schedule depends on the length",
    "train.steps": "longer, unless the schedule depends on the length",
    "train.test": "whether the test split is scored at the end",
    "train.device": "where it computes; other bits, which is said",
    "early_stopping.patience": "how long it waits for a better score",
    "data.storage": "where samples are kept while training",
    "checkpoint": "when it saves, and how many stay",
    "tensorboard": "what is shown",
    **dict.fromkeys(PATHS, "where the data lie; the samples must be the same"),
}
"""What a resumed run may change, and why that changes nothing that was learned. A name stands for all keys below it."""

FORK_FREE: Mapping[str, str] = {
    "seed": "noise and order from there on",
    "optimizer": "moments go on where the new optimizer has the same ones",
    "schedule": "it goes on at the update it was at",
    "train": "length, precision, accumulation",
    "early_stopping": "the best is chosen anew",
    "task": "the loss and the scores",
    "model": "what leaves names and shapes of the weights as they are",
    "data.batch_size": "the epoch it was in begins again",
    "data.sampler": "the epoch it was in begins again",
    "data.augment": "how images are varied from there on",
}
"""What a fork may change beside `FREE`: all that leaves the samples, and the weights' names and shapes, as they are."""

FORK_FIXED = (
    "train.ema",
    "train.overfit_batches",
    "task.name",
    "model.weights",
    "model.initializer",
    "model.parameters",
)
"""What a fork may not change of that: it would mean something else, or nothing at all, once weights are there."""

_SEAL = "# settings that are fixed: sha256 "


def is_below(key: str, names: Collection[str]) -> bool:
    """Return whether a dotted key is one of these names, or below one."""
    return any(key == name or key.startswith(f"{name}.") for name in names)


def flattened(value: Any, path: str = "") -> dict[str, Any]:
    """Return nested values by dotted keys; lists are values."""
    if isinstance(value, Mapping) and value:
        return {
            key: item
            for name, part in value.items()
            for key, item in flattened(part, f"{path}.{name}" if path else str(name)).items()
        }
    return {path: value}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return every dotted key in which two configs differ, with the old and the new value; None where there is none."""
    before, after = flattened(old), flattened(new)
    keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    return {key: (before.get(key), after.get(key)) for key in keys}


def spelled(changes: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """Spell differences for a message: "optimizer.lr: 0.001 -> 0.01"."""
    return [f"{key}: {shown(old)} -> {shown(new)}" for key, (old, new) in changes.items()]


def is_forkable(key: str) -> bool:
    """Return whether a fork may change a key."""
    return is_below(key, [*FREE, *FORK_FREE]) and not is_below(key, FORK_FIXED)


def sealed(text: str) -> str:
    """Return the text of a config below a comment by which a later edit of a fixed setting is noticed."""
    return f"{_SEAL}{_digest(parse_document(text.encode(), '').values)}\n{text}"


def refuse_edited(path: Path) -> None:
    """Refuse a sealed config whose fixed settings are not those that were written.

    Raises:
        IntegrityError: They were edited or damaged.
    """
    try:
        values, text = read_document(path).values, path.read_text(encoding="utf-8")
    except (ConfigError, OSError):
        values, text = {}, ""
    found = re.match(rf"{re.escape(_SEAL)}([0-9a-f]{{64}})$", text, re.MULTILINE)
    if found is None or found[1] != _digest(values):
        raise IntegrityError(
            f"{path.name} is not what was written",
            where=str(path),
            expected="the settings as they were when the run began",
            do="take the edit back; dltk train --resume RUN --fork KEY=VALUE changes settings in a new run",
        )


def _digest(values: Mapping[str, Any]) -> str:
    fixed = {key: value for key, value in flattened(values).items() if not is_below(key, FREE)}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
