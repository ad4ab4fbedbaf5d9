"""A config for files of a user's own: the data sets look at them, and the surest one's proposal is written down."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltk.config import registry
from dltk.config.errors import MissingInput, OptionError, UsageError, alternatives, listed, shown
from dltk.config.names import as_name
from dltk.config.shipped import editor_line
from dltk.config.terminal import escaped
from dltk.config.writing import yaml_line
from dltk.data.files import is_folder
from dltk.data.proposals import Proposal, Proposing
from dltk.experiment.config import read_experiment

WIDTH = 100


@dataclass(frozen=True)
class Written:
    """A config as text, and what was seen on the way, one sentence each."""

    text: str
    remarks: list[str]


def proposed(path: Path, place: Path, target: str = "", dataset: str = "") -> Written:
    """Return a config for some files, checked like any other.

    Args:
        path: A table, a folder of images or texts, or an archive of one.
        place: Where the config will be written; paths in it are relative to that.
        target: The column to predict; "" leaves it to the data set.
        dataset: The data set that is to read the files; "" takes the surest.

    Raises:
        MissingInput: There is no such file.
        UsageError: No data set knows what it is, or there is no such column or data set.
        DataError: The files are known, and something in them is wrong.
    """
    if not path.exists():
        raise MissingInput(f"there is no {shown(str(path))}", where=str(path.absolute()))
    try:
        found = _looked_at(path.absolute(), target, dataset)
    except OptionError as error:
        raise UsageError(error.message, where=str(path), do=f"dltk new --for {path} --target COLUMN") from None
    names = sorted(found, key=lambda name: -found[name].certainty)
    if not names:
        archive = _only_archive(path)
        raise UsageError(
            f"no data set knows what is in {shown(str(path))}",
            expected=f"what one of {listed(_proposing())} reads; see dltk show NAME",
            do=f"dltk new --for {archive}" if archive else "dltk new --for PATH --dataset NAME",
        )
    name, *others = names
    chosen = found[name]
    sections = {section: dict(options) for section, options in chosen.sections.items()}
    sections["data"] = {"name": name, **sections["data"]}
    read_experiment({"name": as_name(place.stem), **sections})
    remarks = [*chosen.remarks, *([f"it could also be read as {listed(others)}: --dataset NAME"] if others else [])]
    sections["data"]["path"] = _as_written(path.absolute(), place)
    header = [editor_line(place), *(f"# {line}" for text in remarks for line in textwrap.wrap(text, WIDTH))]
    body = _yaml({"name": as_name(place.stem), **sections}, chosen.comments)
    return Written("\n".join([*map(escaped, header), f"# dltk train {place.name}", *body, ""]), list(remarks))


def _looked_at(path: Path, target: str, dataset: str) -> dict[str, Proposal]:
    """Return what each data set proposes that knows the files, by its name."""
    known = _proposing()
    if dataset and dataset not in known:
        what = "no data set" if dataset not in registry.names("datasets") else "no data set for files of one's own"
        raise UsageError(f"{shown(dataset)} is {what}{alternatives(dataset, known)}")
    found: dict[str, Proposal] = {}
    refused = []
    for name in [dataset] if dataset else known:
        try:
            proposal = known[name].propose(path, target)
        except OptionError as error:
            refused.append(error)
        else:
            found |= {name: proposal} if proposal is not None else {}
    if refused and not found:
        raise refused[0]
    return found


def _only_archive(folder: Path) -> Path | None:
    """Return the one archive that lies in a folder, which is not looked into of itself."""
    lying = [entry for entry in sorted(folder.iterdir()) if entry.is_file()] if folder.is_dir() else []
    return lying[0] if len(lying) == 1 and is_folder(lying[0]) else None


def _proposing() -> dict[str, Proposing]:
    files = {name: registry.load("datasets", name) for name in registry.names("datasets")}
    return {name: file for name, file in files.items() if isinstance(file, Proposing)}


def _as_written(path: Path, place: Path) -> str:
    """Return a path relative to a config beside or above it, else absolute."""
    folder = place.absolute().parent
    return os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)


def _yaml(sections: Mapping[str, Any], comments: Mapping[tuple[str, ...], str]) -> list[str]:
    """Return lines of YAML: a section on one line where it fits and none of its keys has a comment."""
    lines = []
    for section, value in sections.items():
        own = {key[1]: text for key, text in comments.items() if key[0] == section}
        flow = f"{section}: {yaml_line(value)}"
        if not isinstance(value, Mapping) or (len(flow) <= WIDTH and not set(own) & set(value)):
            lines.append(flow)
            continue
        lines.append(f"{section}:")
        for key, option in value.items():
            said = [line for text in own.get(key, "").splitlines() for line in textwrap.wrap(text, WIDTH)]
            lines += [f"  # {escaped(line)}" for line in said]
            lines.append(f"  {key}: {yaml_line(option)}")
    return lines
