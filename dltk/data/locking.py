"""Waiting for another process that does the same work."""

from __future__ import annotations

import sys
from typing import IO

from dltk.data.transfer import say

if sys.platform != "win32":
    import fcntl


def waiting(file: IO[bytes], whom: str = "") -> bool:
    """Lock an open file; the lock ends with the process, or when the file is closed.

    A file system without locks, and Windows, protect nothing.

    Args:
        file: What is locked.
        whom: What the user is told is waited for; "" does not wait.

    Returns:
        Whether the lock is ours.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not whom:
            return False
        say(f"waiting for {whom}")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        return True
    return True
