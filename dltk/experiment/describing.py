"""What the data of an experiment look like, without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dltk.config import registry, schema
from dltk.config.document import Document, locate, read_document
from dltk.config.errors import ConfigError, OptionError, Problem, UsageError, alternatives, shown
from dltk.config.overrides import override
from dltk.config.sections import DataOptions
from dltk.data.description import describe
from dltk.data.specs import Classes, Image
from dltk.data.splits import Splits, make_splits, split_parts
from dltk.experiment.config import Part, raise_problems, read_part

BATCH_SIZE = 512
NUM_PICTURES = 32
_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class Described:
    """Data ready to train on, and what they look like.

    Attributes:
        facts: Plain JSON values.
        splits: As a run would get them.
    """

    facts: dict[str, Any]
    splits: Splits

    def pictures(self) -> dict[str, tuple[Tensor, list[str]]]:
        """Return some training images with their classes, by the name of the input; empty where there are no images."""
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
            captions = [target.names[code] for code in chosen.targets.tolist()]
        found = {name: inputs[name] for name in images}
        return {name: (pixels, captions) for name, pixels in found.items() if isinstance(pixels, Tensor)}


def describe_data(what: str, overrides: Sequence[str] = ()) -> Described:
    """Read, split and prepare data as a run would, and look at every sample.

    Args:
        what: A YAML file, of which only the data section counts, or the name of a data set.
        overrides: `key=value` texts such as `data.path=new.csv`.

    Raises:
        UsageError: There is no such file and no such data set.
        ConfigError: An option is wrong, or does not fit the data.
        MissingInput: The data are not there.
        DataError: The content of the data is invalid.
    """
    document = override(_document(what), overrides)
    data = _data_part(document)
    try:
        source = data.file.read(data.options)
        parts, options = split_parts(source, data.common)
        preparation = data.file.prepare(data.options, parts["train"])
        splits = make_splits(parts, preparation, BATCH_SIZE, 0, torch.device("cpu"))
    except OptionError as error:
        raise ConfigError(locate([Problem(("data", *error.path), error.message)], document)) from None
    name_and_options = Part(data.name, data.file, data.options, options).plain()
    return Described({"data": name_and_options, "notes": list(source.notes), **describe(splits, parts)}, splits)


def _document(what: str) -> Document:
    path = Path(what)
    if path.is_file() or path.suffix in _ENDINGS:
        return read_document(path)
    if what in registry.names("datasets"):
        return Document({"data": {"name": what}}, {}, {}, Path.cwd())
    known = registry.names("datasets")
    raise UsageError(
        f"there is no config and no data set {shown(what)}{alternatives(what, known, 'data sets')}",
        do="dltk data describe CONFIG or DATASET",
    )


def _data_part(document: Document) -> Part:
    """Return the checked data section; the others may be anything."""
    problems = [problem for problem in schema.check(document.values) if problem.path[:1] == ("data",)]
    raise_problems(problems, document)
    data = read_part("data", "datasets", document.values["data"], DataOptions, problems, document)
    raise_problems(problems, document)
    return data
