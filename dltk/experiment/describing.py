"""What the data of an experiment look like, without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dltk import pictures
from dltk.config import differing, registry
from dltk.config.checking import refuse
from dltk.config.document import Document, locate, open_document
from dltk.config.errors import ConfigError, OptionError, UsageError, alternatives, shown
from dltk.config.overrides import override
from dltk.config.sections import DataOptions
from dltk.data.description import describe, describe_rows
from dltk.data.disk.choosing import reading_to
from dltk.data.disk.placing import read_placed
from dltk.data.specs import Classes, Image
from dltk.data.splits import Splits, make_splits, split_parts
from dltk.experiment.config import Part, read_part

BATCH_SIZE = 512
NUM_PICTURES = 32
_ENDINGS = (".yaml", ".yml")
_TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Described:
    """Data ready to train on, and what they look like.

    Attributes:
        facts: Plain JSON values.
        splits: As a run would get them; None where there is no target yet.
    """

    facts: dict[str, Any]
    splits: Splits | None

    def pictures(self) -> dict[str, tuple[Tensor, list[str]]]:
        """Return some training images with their classes, by the name of the input; empty where there are no images."""
        if self.splits is None:
            return {}
        train = self.splits.train
        count = train.num_samples or 0
        chosen = train.take(torch.linspace(0, count - 1, min(NUM_PICTURES, count)).long()).whole() if count else None
        images = [name for name, modality in self.splits.spec.inputs.items() if isinstance(modality, Image)]
        if chosen is None or not images:
            return {}
        inputs = chosen.inputs if isinstance(chosen.inputs, Mapping) else {images[0]: chosen.inputs}
        target = self.splits.spec.target if len(self.splits.spec.targets) == 1 else None
        captions = []
        if isinstance(target, Classes) and not target.multi_label and isinstance(chosen.targets, Tensor):
            names, _ = pictures.drawable(target.names)
            captions = [names[code] for code in chosen.targets.tolist()]
        found = {name: inputs[name] for name in images}
        return {name: (pixels, captions) for name, pixels in found.items() if isinstance(pixels, Tensor)}


def describe_data(what: str, overrides: Sequence[str] = ()) -> Described:
    """Read, split and prepare data as a run would, and look at every sample.

    Args:
        what: A YAML file, of which only the data section counts, a CSV file, or the name of a data set. A table
            without a target is not split; its columns are described as they are.
        overrides: `key=value` texts such as `data.path=new.csv`.

    Raises:
        UsageError: There is no such file and no such data set.
        ConfigError: An option is wrong, or does not fit the data.
        MissingInput: The data are not there.
        DataError: The content of the data is invalid.
    """
    document = override(_document(what), overrides)
    if _lacks_target(document):
        return _described_table(document)
    data = _data_part(document)
    try:
        source, common = read_placed(data.file, data.options, data.common)
        parts, options = split_parts(source, common)
        preparation = data.file.prepare(data.options, parts["train"])
        splits = make_splits(parts, preparation, BATCH_SIZE, 0, torch.device("cpu"))
    except OptionError as error:
        raise ConfigError(locate([error.problem("data")], document)) from None
    name_and_options = Part(data.name, data.file, data.options, options).plain()
    return Described({"data": name_and_options, "notes": list(source.notes), **describe(splits, parts)}, splits)


def _document(what: str) -> Document:
    path = Path(what)
    if what.removesuffix(".gz").endswith(_TABLES):
        return Document({"data": {"name": "csv", "path": what}}, {}, {}, Path.cwd())
    if path.is_file() or path.suffix in _ENDINGS:
        return open_document(path)
    if what in registry.names("datasets"):
        return Document({"data": {"name": what}}, {}, {}, Path.cwd())
    known = registry.names("datasets")
    if path.is_dir():
        raise UsageError(
            f"{shown(what)} is a folder, and does not say how to read it",
            do=f"dltk data describe image_folder data.path={what}, or text_folder of texts",
        )
    raise UsageError(
        f"there is no config and no data set {shown(what)}{alternatives(what, known, 'data sets')}",
        do="dltk data describe CONFIG, TABLE.csv or DATASET",
    )


def _lacks_target(document: Document) -> bool:
    """Return whether the data are a table whose target is not chosen yet."""
    data = document.values.get("data")
    name = data.get("name") if isinstance(data, Mapping) and "target" not in data else None
    return name in registry.names("datasets") and hasattr(registry.load("datasets", name), "read_without_target")


def _described_table(document: Document) -> Described:
    chosen = {**document.values["data"], "target": ""}
    data = _data_part(replace(document, values={**document.values, "data": chosen}))
    try:
        with reading_to(data.common.storage):
            source = data.file.read_without_target(data.options)
    except OptionError as error:
        raise ConfigError(locate([error.problem("data")], document)) from None
    options = {key: value for key, value in data.plain().items() if key != "target"}
    notes = [*source.notes, "no target is given, so the rows are not split; give one with data.target=COLUMN"]
    return Described({"data": options, "notes": notes, **describe_rows(source.parts["all"])}, None)


def _data_part(document: Document) -> Part:
    """Return the checked data section; the others may be anything."""
    problems = [problem for problem in differing.check(document.values) if problem.path[:1] == ("data",)]
    refuse(problems, document)
    data = read_part("data", "datasets", document.values["data"], DataOptions, problems, document)
    refuse(problems, document)
    return data
