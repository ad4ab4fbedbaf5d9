"""Names of experiments, which are names of directories, too."""

from __future__ import annotations

import re

PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
MAX_LENGTH = 100


def as_name(stem: str) -> str:
    """Return a file's stem as the name of an experiment."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", stem).lstrip("._-")[:MAX_LENGTH] or "experiment"
