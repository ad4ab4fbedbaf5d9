"""The plug-ins that a run was trained with: they are asked for again, unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltk.config import registry
from dltk.config.errors import ResumeRefused, UsageError, shown


def check_plugins(environment: Mapping[str, Any]) -> None:
    """Check that the plug-ins of a run are given again, unchanged.

    Raises:
        UsageError: One is not given.
        ResumeRefused: One has changed.
    """
    given = {(plugin.kind, plugin.name): plugin.sha256 for plugin in registry.plugins()}
    for plugin in environment.get("plugins", ()):
        key = (plugin["kind"], plugin["name"])
        if key not in given:
            raise UsageError(
                f"this run needs the plug-in {shown(plugin['name'])}",
                do=f"add --plugin {plugin.get('path', plugin['name'] + '.py')}",
            )
        if given[key] != plugin["sha256"]:
            raise ResumeRefused(
                f"the plug-in {plugin['name']}.py has changed since the run began",
                expected=f"SHA-256 {plugin['sha256']}",
                found=given[key],
            )
