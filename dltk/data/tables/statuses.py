"""What can be said of a row of a table, from harmless to not answerable."""

from __future__ import annotations

STATUSES = ("ok", "missing", "unknown_category", "invalid")
OK, MISSING, UNKNOWN, INVALID = range(len(STATUSES))
