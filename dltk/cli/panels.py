"""The list of commands in `dltk --help`, by what they are for."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Panels(TyperGroup):
    """Commands under the name of their panel, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the panels in the order in which their first commands were added."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            sentence = " ".join((command.help or "").partition("\n\n")[0].split())
            panels.setdefault(getattr(command, "rich_help_panel", None) or "Commands", []).append((name, sentence))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)
