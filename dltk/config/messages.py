"""What docs/messages.md says of an id: its cause and its cure."""

from __future__ import annotations

import re
from pathlib import Path

from dltk.config.errors import MissingInput, UsageError, alternatives, shown

PREFIX = "DLTK-"
_SECTION = re.compile(r"^### (DLTK-[A-Z-]+)(?: \(\d+\))?\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)


def explanations() -> dict[str, str]:
    """Return every id with its explanation, one paragraph each.

    Raises:
        MissingInput: The page was not installed.
    """
    package = Path(__file__).parent.parent
    places = (package.parent / "docs" / "messages.md", package / "messages.md")
    page = next((path for path in places if path.is_file()), None)
    if page is None:
        raise MissingInput("the page of messages was not installed with dltk", where=str(places[1]))
    return {id_: " ".join(text.split()) for id_, text in _SECTION.findall(page.read_text(encoding="utf-8"))}


def explanation(id_: str) -> str:
    """Return what an id means and what helps.

    Raises:
        UsageError: There is no such id.
    """
    known = explanations()
    if id_ not in known:
        raise UsageError(f"there is no message {shown(id_)}{alternatives(id_, known, 'messages')}")
    return known[id_]
