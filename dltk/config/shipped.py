"""The shipped configs: where they are, what they say of themselves, and a copy of one's own."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dltk.config.errors import MissingInput, UsageError, did_you_mean, shown
from dltk.config.names import as_name
from dltk.config.schema import SCHEMA_PATH

ENDING = ".yaml"
EDITOR_LINE = "# yaml-language-server: $schema="
"""Begins the line that leads an editor to the schema."""
_COMMAND = re.compile(r"# dltk train \S+")
_NAME = re.compile(r"^name:.*$", re.MULTILINE)


def directory() -> Path | None:
    """Return where the shipped configs are: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    return next((path for path in (package.parent / "configs", package / "configs") if path.is_dir()), None)


def configs() -> list[Path]:
    """Return all shipped configs, sorted by chapter and name."""
    folder = directory()
    return sorted(folder.rglob(f"*{ENDING}")) if folder else []


def named(name: str) -> Path:
    """Return the shipped config of a name such as mnist_lenet, cnn/mnist_lenet or cnn/mnist_lenet.yaml.

    Raises:
        UsageError: There is none of that name.
        MissingInput: No configs were installed with dltk.
    """
    found = {key: path for path in configs() for key in (path.stem, f"{path.parent.name}/{path.stem}")}
    if not found:
        raise MissingInput("this installation of dltk has no configs", do="install dltk anew")
    asked = name.removesuffix(ENDING).removeprefix("configs/")
    if asked not in found:
        known = [path.stem for path in configs()]
        raise UsageError(
            f"there is no shipped config {shown(name)}{did_you_mean(asked, known)}", do="dltk list configs"
        )
    return found[asked]


def title(path: Path) -> str:
    """Return what a config's header says it is: its first comment that is not for editors."""
    comments = [line[1:].strip() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    return next((line for line in comments if not f"# {line}".startswith(EDITOR_LINE)), "")


def editor_line(target: Path) -> str:
    """Return the line that leads an editor from a file to the schema: relative inside one checkout, else absolute."""
    schema, folder = SCHEMA_PATH.resolve(), target.absolute().parent.resolve()
    root = SCHEMA_PATH.parent.parent.resolve()
    is_near = folder.is_relative_to(root) and (root / "pyproject.toml").is_file()
    return EDITOR_LINE + (os.path.relpath(schema, folder) if is_near else str(schema))


def copied(source: Path, target: Path) -> str:
    """Return the text of a shipped config as a file of one's own: named after it, with its own command and origin."""
    lines = source.read_text(encoding="utf-8").split("\n")
    length = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    said = [line for line in lines[:length] if not (line.startswith(EDITOR_LINE) or _COMMAND.fullmatch(line))]
    origin = f"# A copy of configs/{source.parent.name}/{source.name}, of which this was said and measured:"
    header = [editor_line(target), origin, *said, f"# dltk train {target.name}"]
    body = _NAME.sub(f"name: {as_name(target.stem)}", "\n".join(lines[length:]), count=1)
    return "\n".join([*header, body])
