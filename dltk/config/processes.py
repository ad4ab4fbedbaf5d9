"""What torchrun tells each of the processes it starts together, in variables; read without torch."""

from __future__ import annotations

import os

_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def are_several() -> bool:
    """Tell whether torchrun started this process together with others."""
    return all(os.environ.get(name) for name in _VARIABLES) and os.environ["WORLD_SIZE"] != "1"


def is_follower() -> bool:
    """Tell whether another process writes and speaks for this one."""
    return are_several() and os.environ["RANK"] != "0"


def processes_here() -> int:
    """Return how many of the processes share this machine's cores."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if are_several() else 1
