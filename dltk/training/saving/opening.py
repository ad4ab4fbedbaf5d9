"""How files are opened that are not replaced as a whole, but grow."""

from __future__ import annotations

import os


def not_through_a_link(name: str, flags: int) -> int:
    """Open a file, for `open(..., opener=...)`; a name that is a link is refused (ELOOP)."""
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
