"""What data look like, split by split: kinds, ranges, missing values, lengths, balance, duplicates, examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from dltk.data.batches import Batch, Batches, InMemory
from dltk.data.disk.rows import DiskRows
from dltk.data.duplicates import Fingerprints, fingerprints, of_fields
from dltk.data.fields import Field
from dltk.data.measures import Facts, distribution, measure_of
from dltk.data.packed.cells import PackedCells, PackedTable
from dltk.data.samples import Columns
from dltk.data.specs import Bag, Image, Modality, Nothing, Spec, Table, Tokens, Vector
from dltk.data.splits import Splits
from dltk.data.tables.dates import order_of
from dltk.data.tables.frames import cells_of
from dltk.data.tables.numbers import absent, is_number_column, numbers_of
from dltk.data.tables.tallies import most_frequent, num_different

NUM_EXAMPLES = 3
MAX_COMMON = 5
MAX_EXAMPLE_LENGTH = 200
_NAMES = ("train", "val", "test")


@runtime_checkable
class KnowsWords(Protocol):
    """A preparation that has a vocabulary of its own."""

    @property
    def vocabulary(self) -> Sequence[str]:
        """The words that count."""

    def unknown_share(self, samples: Any) -> float:
        """Return which part of all words of some samples the vocabulary lacks."""


def describe(splits: Splits, parts: Mapping[str, Any]) -> Facts:
    """Return facts about the samples that a run would get, as plain JSON values.

    Args:
        splits: Ready to train on; only what was fitted on the training samples tells kinds and sizes.
        parts: The raw samples of the same splits.
    """
    batches = {name: one for name in _NAMES if (one := getattr(splits, name)) is not None}
    seen = {name: _seen(one, splits) for name, one in batches.items()}
    spec = splits.spec
    return {
        "splits": {name: _counts(name, one, parts, splits) for name, one in batches.items()},
        "inputs": {
            name: {
                **_kind(modality),
                "seen": {split: facts["inputs"][name] for split, facts in seen.items()},
                **_raw_facts(name, modality, parts, splits),
            }
            for name, modality in spec.inputs.items()
        },
        "targets": {
            name: {"kind": target.word, "seen": {split: facts["targets"][name] for split, facts in seen.items()}}
            for name, target in spec.targets.items()
            if not isinstance(target, Nothing)
        },
        "duplicates": _duplicates(batches, parts, spec),
        "examples": _examples(parts["train"]),
    }


def describe_rows(samples: Columns) -> Facts:
    """Return facts about tables as they are read, not split and without a target, as plain JSON values."""
    return {
        "splits": {"all": {"samples": len(samples)}},
        "inputs": {
            name: {
                "kind": Table.word,
                "seen": {},
                "columns": [_column(str(key), {"all": rows}) for key in rows.columns],
            }
            for name, rows in samples.inputs.items()
        },
        "targets": {},
        "duplicates": {},
        "examples": _examples(samples),
    }


def _seen(batches: Batches, splits: Splits) -> dict[str, Facts]:
    """Look at every batch of a split once."""
    spec = splits.spec
    kinds = {"inputs": spec.inputs, "targets": {n: t for n, t in spec.targets.items() if not isinstance(t, Nothing)}}
    measures = {part: {name: measure_of(kind) for name, kind in named.items()} for part, named in kinds.items()}
    for batch in batches.epoch(0):
        for part, named in measures.items():
            fields = _fields(batch, part, list(named))
            for name, measure in named.items():
                measure.add(fields[name])
    return {part: {name: measure.facts() for name, measure in named.items()} for part, named in measures.items()}


def _fields(batch: Batch, part: str, names: Sequence[str]) -> Mapping[str, Field]:
    found = getattr(batch, part)
    return found if isinstance(found, Mapping) else dict.fromkeys(names, found)


def _kind(modality: Modality) -> Facts:
    facts: Facts = {"kind": modality.word, "shape": list(modality.shape)}
    if isinstance(modality, Tokens):
        facts["vocabulary"] = len(modality.vocabulary)
    elif isinstance(modality, (Vector, Bag)):
        facts["size"] = modality.size
    return facts


def _counts(name: str, batches: Batches, parts: Mapping[str, Any], splits: Splits) -> Facts:
    """Return how many samples a split has, and what its preparation says of them where that is not "ok"."""
    count = batches.num_samples
    facts: Facts = {"samples": sum(batch.num_samples for batch in batches.epoch(0)) if count is None else count}
    decodes = any(isinstance(modality, Image) for modality in splits.spec.inputs.values())
    if isinstance(parts[name], Columns) and not decodes:
        statuses = Counter(splits.preparation.statuses(parts[name]))
        facts |= {"statuses": {status: number for status, number in statuses.items() if status != "ok"}}
    return facts


def _raw_facts(name: str, modality: Modality, parts: Mapping[str, Any], splits: Splits) -> Facts:
    """Return what only the raw samples tell: the columns of tables, how long texts are."""
    raw = {split: parts[split].inputs[name] for split in _NAMES if split in parts and _has(parts[split], name)}
    if "train" not in raw or isinstance(modality, Image):
        return {}
    if hasattr(raw["train"], "itertuples") and isinstance(modality, Table):
        return {"columns": [_column(column.name, raw) for column in modality.columns if column.name in raw["train"]]}
    if isinstance(raw["train"], PackedCells) or all(isinstance(text, str) for text in raw["train"]):
        return _texts(raw, parts, splits)
    return {}


def _has(samples: Any, name: str) -> bool:
    return isinstance(samples, Columns) and name in samples.inputs


def _column(name: str, raw: Mapping[str, Any]) -> Facts:
    """Return kind, missing cells and values of a table's column; values are those of the first split."""
    cells = cells_of(next(iter(raw.values())), name)
    missing = {split: int(absent(cells_of(table, name)).sum()) for split, table in raw.items()}
    facts: Facts = {"column": name, "missing": missing, "different": num_different(cells)}
    is_known = ~absent(cells)
    if is_known.any() and is_number_column(cells):
        values = torch.from_numpy(numbers_of(cells)[is_known])
        middle = {"mean": float(values.mean()), "median": float(values.median())}
        return {**facts, "kind": "numbers", "min": float(values.min()), **middle, "max": float(values.max())}
    kind = "categories" if order_of(cells) is None else "dates"
    return {**facts, "kind": kind, "most_common": dict(most_frequent(cells, MAX_COMMON))}


def _texts(raw: Mapping[str, Any], parts: Mapping[str, Any], splits: Splits) -> Facts:
    facts: Facts = {
        "characters": {
            split: distribution(torch.from_numpy(np.fromiter(map(len, texts), np.int64, len(texts))))
            for split, texts in raw.items()
        },
        "empty": {split: sum(not text.strip() for text in texts) for split, texts in raw.items()},
    }
    preparation = splits.preparation
    if isinstance(preparation, KnowsWords):
        shares = {split: preparation.unknown_share(parts[split]) for split in raw}
        facts |= {"vocabulary": len(preparation.vocabulary), "unknown_share": shares}
    return facts


def _duplicates(batches: Mapping[str, Batches], parts: Mapping[str, Any], spec: Spec) -> Facts:
    """Return per split how many samples repeat an earlier one of it, are in an earlier split, or contradict others.

    `as_read` says whether the samples were compared, or only what they were encoded as.
    """
    prints = {name: fingerprints(parts[name], one, spec) for name, one in batches.items()}
    known = {name: own for name, own in prints.items() if own is not None}
    facts: Facts = {}
    for name, own in known.items():
        earlier = {other: known[other] for other in facts if known[other].as_read == own.as_read}
        facts[name] = {
            "within": len(own.numbers) - len(torch.unique(own.numbers)),
            "contradicting": _contradicting(own, batches[name]),
            **{f"in_{other}": int(torch.isin(own.numbers, one.numbers).sum()) for other, one in earlier.items()},
            "as_read": own.as_read,
        }
    return facts


def _contradicting(prints: Fingerprints, batches: Batches) -> int:
    """Count samples that have the inputs of another one, but not its targets."""
    targets = batches.stored_targets() if isinstance(batches, InMemory) else {}
    if not targets:
        return 0
    pairs = torch.unique(torch.stack([prints.numbers, of_fields(targets)], dim=1), dim=0)
    inputs, num_answers = torch.unique(pairs[:, 0], return_counts=True)
    return int(torch.isin(prints.numbers, inputs[num_answers > 1]).sum())


def _examples(train: Any) -> list[Facts]:
    """Return the first training samples as they are read."""
    if not isinstance(train, Columns):
        return []
    chosen = train.take(torch.arange(min(NUM_EXAMPLES, len(train))))
    rows = []
    for i, name in enumerate(chosen.names):
        row: Facts = {"sample": name}
        for column, values in [*chosen.inputs.items(), *chosen.targets.items()]:
            row |= _shown(column, values, i)
        rows.append(row)
    return rows


def _shown(name: str, values: Any, place: int) -> Facts:
    """Return one value of a column, in short."""
    if hasattr(values, "iloc"):
        row = values.iloc[place]
        return {str(key): row[key] for key in row.index} if hasattr(row, "index") else {name: row}
    if isinstance(values, PackedTable):
        return {column: values[column][place] for column in values.columns}
    if isinstance(values, DiskRows):
        values, place = values.read(torch.tensor([place])), 0
    value = values[place] if not isinstance(values, Tensor) else values[place].detach()
    if getattr(value, "ndim", 0) > 1:
        return {name: " x ".join(map(str, value.shape))}
    plain = value.tolist() if hasattr(value, "tolist") else value
    return {name: plain if isinstance(plain, (int, float)) else str(plain)[:MAX_EXAMPLE_LENGTH]}
