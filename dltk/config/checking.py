"""Everything about a config that can be checked without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dltk.config import schema
from dltk.config.document import locate, read_document
from dltk.config.errors import ConfigError
from dltk.config.overrides import override


def check_config(path: Path, overrides: Sequence[str] = ()) -> None:
    """Check syntax, sections, components, keys, types and ranges.

    Raises:
        ConfigError: With every problem and its position.
        MissingInput: There is no such file.
    """
    document = override(read_document(path), overrides)
    problems = schema.check(document.values)
    if problems:
        raise ConfigError(locate(problems, document))
