"""Plain values as YAML text that reads back the same by YAML 1.2's rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.2 would read as a number, such as 1e-3."""


def _represented(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if text[:1] in _LIKE_NUMBERS and text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_LIKE_NUMBERS = "+-.0123456789"
_Dumper.add_representer(str, _represented)


def yaml_text(values: Mapping[str, Any]) -> str:
    """Return plain values as YAML text, an option per line."""
    return yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def yaml_line(value: Any) -> str:
    """Return a plain value as YAML on one line."""
    text: str = yaml.dump(
        [value], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf, default_flow_style=True
    )
    return text.strip()[1:-1]
