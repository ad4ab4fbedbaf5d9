"""What holds for every data set in `datasets/`, shown on the examples in `examples.py`."""

import csv
import hashlib
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from dltk.config import registry
from dltk.config.errors import MissingInput
from dltk.config.sections import DataOptions
from dltk.data.batches import Batch, Loading
from dltk.data.fields import Ragged, take
from dltk.data.outlook import needs_reading
from dltk.data.specs import Image, Numbers
from dltk.data.splits import split_parts
from dltk.training.saving.storage import read_tree, write_directory
from tests.contracts.examples import DATASETS, WRITES, Example, shipped

MANY = 20
every_example = pytest.mark.parametrize("key", list(WRITES))


@pytest.fixture(autouse=True)
def _no_other_data(tmp_path, monkeypatch):
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))


@dataclass(frozen=True)
class Opened:
    """An example as the program sees it; the raw samples are split."""

    file: Any
    config: Any
    parts: dict[str, Any]
    official: set[str]
    example: Example

    @property
    def train(self) -> Any:
        return self.parts["train"]

    @property
    def aside(self) -> frozenset[str]:
        """The samples that are not for training, as `Write` takes them."""
        parts = [(part, samples) for part, samples in self.parts.items() if part != "train"]
        return frozenset(
            f"{part} {name}" if part in self.official else name for part, samples in parts for name in samples.names
        )

    def prepare(self) -> Any:
        return self.file.prepare(self.config, self.train)


def opened(key: str, folder: Path, strange: frozenset[str] = frozenset()) -> Opened:
    name, write = WRITES[key]
    file, example = registry.load("datasets", name), write(folder, strange)
    config = file.Config.parse(example.options)
    source = file.read(config)
    fractions = {f"{part}_fraction": 0.25 for part in ("val", "test") if part not in source.parts}
    parts, _ = split_parts(source, DataOptions.parse(fractions))
    return Opened(file, config, parts, set(source.parts), example)


def tensors_of(value: Any) -> list[Tensor]:
    """Return everything a batch's inputs or targets hold, in order of names."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Ragged):
        return [value.values, value.offsets]
    items = [value[key] for key in sorted(value)] if isinstance(value, dict) else value or []
    return [tensor for item in items for tensor in tensors_of(item)]


def same(one: Batch, other: Batch) -> bool:
    pairs = [(one.inputs, other.inputs), (one.targets, other.targets)]
    return all(
        len(tensors_of(a)) == len(tensors_of(b)) and all(map(torch.equal, tensors_of(a), tensors_of(b)))
        for a, b in pairs
    )


def picked(field: Any, order: Tensor) -> Any:
    return {name: take(item, order) for name, item in field.items()} if isinstance(field, dict) else take(field, order)


def stored(state: Any, folder: Path) -> Any:
    """Return a state as it comes back from a run directory."""
    write_directory(folder, {"preparation": state}, {})
    return read_tree(folder, "preparation")


def as_plain(state: Any) -> Any:
    """Return a state whose tensors are lists, to compare."""
    if isinstance(state, Tensor):
        return [str(state.dtype), state.tolist()]
    if isinstance(state, dict):
        return {key: as_plain(item) for key, item in state.items()}
    return [as_plain(item) for item in state] if isinstance(state, (list, tuple)) else state


@pytest.mark.parametrize("name", shipped("datasets"))
def test_every_data_set_has_an_example(name):
    assert DATASETS.get(name), f"write an example of {name} in tests/contracts/examples.py"


@every_example
def test_headers_tell_the_kinds_that_are_prepared(key, tmp_path):
    data = opened(key, tmp_path)
    told, prepared = data.file.describe(data.config), data.prepare().spec
    for now, later in ((told.inputs, prepared.inputs), (told.targets, prepared.targets)):
        assert {name: type(kind) for name, kind in now.items()} == {name: type(kind) for name, kind in later.items()}
    for name, kind in told.inputs.items():
        assert not isinstance(kind, Image) or kind == prepared.inputs[name]
    for name, kind in told.targets.items():
        later = prepared.targets[name]
        assert later.names == kind.names if isinstance(kind, Numbers) else later == kind


@every_example
def test_what_headers_count_is_what_is_read(key, tmp_path):
    data = opened(key, tmp_path)
    if hasattr(data.file, "count"):
        source = data.file.read(data.config)
        assert data.file.count(data.config) == {part: len(samples) for part, samples in source.parts.items()}
    else:
        assert needs_reading(data.file.describe(data.config)), f"{key} tells no sizes; give it a count(config)"


@every_example
def test_batches_are_what_the_spec_says(key, tmp_path):
    data = opened(key, tmp_path)
    preparation = data.prepare()
    for samples in data.parts.values():
        batch = preparation.parse(samples, Loading()).whole()
        example = preparation.spec.example(len(samples))
        assert batch.num_samples == len(samples)
        assert layout(batch.inputs) == layout(example.inputs)
        assert layout(batch.targets) == layout(example.targets)
        assert all(tensor.isfinite().all() for tensor in tensors_of(batch.inputs) if tensor.is_floating_point())


def layout(field: Any) -> Any:
    """Return dtypes and shapes; of lists and ragged fields what all samples share."""
    if isinstance(field, Tensor):
        return field.dtype, tuple(field.shape)
    if isinstance(field, dict):
        return {name: layout(item) for name, item in field.items()}
    first = field.values if isinstance(field, Ragged) else field[0] if field else None
    return None if first is None else (type(field), first.dtype, first.dim())


@every_example
def test_a_stored_preparation_gives_the_same_batches_bit_for_bit(key, tmp_path):
    data = opened(key, tmp_path)
    preparation = data.prepare()
    restored = data.file.restore(data.config, stored(preparation.state(), tmp_path / "stored"))
    assert restored.spec == preparation.spec
    for samples in data.parts.values():
        assert same(preparation.parse(samples, Loading()).whole(), restored.parse(samples, Loading()).whole())


@every_example
def test_a_stored_preparation_is_stored_the_same_again(key, tmp_path):
    data = opened(key, tmp_path)
    state = data.prepare().state()
    again = data.file.restore(data.config, stored(state, tmp_path / "stored")).state()
    assert as_plain(again) == as_plain(state)


@every_example
def test_a_users_own_input_is_answered_where_the_data_are_gone(key, tmp_path):
    data = opened(key, tmp_path)
    preparation = data.prepare()
    state = stored(preparation.state(), tmp_path / "stored")
    expected = preparation.parse(preparation.open(data.example.inputs), Loading()).whole()
    if (tmp_path / "data").exists():
        shutil.rmtree(tmp_path / "data")
    restored = data.file.restore(data.config, state)
    samples = restored.open(data.example.inputs)
    assert list(restored.statuses(samples)) == ["ok"] * len(samples)
    assert len(samples.names) == len(samples) >= len(data.example.inputs)
    batch = restored.parse(samples, Loading()).whole()
    assert batch.targets is None
    assert batch.num_samples == len(samples)
    assert same(batch, expected)


@every_example
def test_statuses_are_told_of_training_samples_too(key, tmp_path):
    data = opened(key, tmp_path)
    statuses = data.prepare().statuses(data.train)
    assert len(statuses) == len(data.train)
    assert "invalid" not in statuses


@every_example
def test_reading_and_parsing_twice_gives_the_same(key, tmp_path):
    data = opened(key, tmp_path)
    source = data.file.read(data.config)
    preparation, again = data.prepare(), data.prepare()
    assert as_plain(preparation.state()) == as_plain(again.state())
    for part, samples in data.file.read(data.config).parts.items():
        assert list(samples.names) == list(source.parts[part].names)
        batch = preparation.parse(samples, Loading()).whole()
        assert same(batch, preparation.parse(samples, Loading()).whole())
        assert same(batch, again.parse(source.parts[part], Loading()).whole())


@every_example
def test_reading_leaves_the_process_as_it_was(key, tmp_path):
    def settings() -> tuple[Any, ...]:
        generators = repr((random.getstate(), np.random.get_state(), torch.get_rng_state().tolist()))  # noqa: NPY002
        drawn = hashlib.sha256(generators.encode()).hexdigest()
        return csv.field_size_limit(), torch.get_default_dtype(), Path.cwd(), dict(os.environ), drawn

    before = settings()
    data = opened(key, tmp_path)
    data.prepare().parse(data.train, Loading()).whole()
    assert settings() == before


@every_example
def test_rows_stay_in_order(key, tmp_path):
    data = opened(key, tmp_path)
    preparation = data.prepare()
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
    chosen = data.train.take(order)
    assert list(chosen.names) == [data.train.names[i] for i in order.tolist()]
    whole, shuffled = (preparation.parse(samples, Loading()).whole() for samples in (data.train, chosen))
    assert same(shuffled, Batch(picked(whole.inputs, order), picked(whole.targets, order), len(order)))


@every_example
def test_batches_of_any_size_hold_the_same_rows(key, tmp_path):
    data = opened(key, tmp_path)
    preparation = data.prepare()
    batches = preparation.parse(data.train, Loading(batch_size=5))
    parts = list(batches.epoch(0))
    assert len(parts) == batches.num_batches
    assert batches.num_samples == len(data.train)
    assert same(Batch.joined(parts), batches.whole())
    later = list(batches.epoch(0, start=len(parts) - 1))
    assert len(later) == 1
    assert same(later[0], parts[-1])


@every_example
def test_nothing_is_learned_from_samples_that_are_kept_aside(key, tmp_path):
    data = opened(key, tmp_path / "plain")
    changed = opened(key, tmp_path / "changed", data.aside)
    assert list(changed.train.names) == list(data.train.names)
    assert as_plain(changed.prepare().state()) == as_plain(data.prepare().state())
    if (tmp_path / "plain" / "data").exists():  # not built in, so that there was something to change
        preparation = data.prepare()
        unchanged = [
            same(*(preparation.parse(one.parts[part], Loading()).whole() for one in (data, changed)))
            for part in data.parts
        ]
        assert unchanged == [part == "train" for part in data.parts]


@every_example
def test_what_is_fitted_follows_from_the_training_samples(key, tmp_path):
    """Built-in data cannot be changed, so that halves of them must show it; a gate has too few rows to differ."""
    data = opened(key, tmp_path)
    half = len(data.train) // 2
    if (tmp_path / "data").exists() or half < MANY:
        return
    first, second = data.train.take(torch.arange(half)), data.train.take(torch.arange(half, 2 * half))
    states = [as_plain(data.file.prepare(data.config, samples).state()) for samples in (first, second)]
    assert states[0] != states[1]


@pytest.mark.parametrize("name", shipped("datasets"))
def test_a_missing_file_is_reported_as_such(name, tmp_path):
    file = registry.load("datasets", name)
    properties = file.Config.model_json_schema()["properties"] if file.Config.model_fields else {}
    paths = [option for option, schema in properties.items() if '"path"' in str(schema).replace("'", '"')]
    example = DATASETS[name][0](tmp_path, ())
    for option in paths:
        config = file.Config.parse({**example.options, option: str(tmp_path / "nowhere" / "data.csv")})
        with pytest.raises(MissingInput) as caught:
            file.describe(config)
        assert caught.value.code == 66
        assert "nowhere" in f"{caught.value.message} {caught.value.where}"


@every_example
def test_what_a_user_asks_for_and_is_not_there_is_reported_as_such(key, tmp_path):
    preparation = opened(key, tmp_path).prepare()
    with pytest.raises(MissingInput):
        preparation.open([str(tmp_path / "nowhere" / "own.txt")])


@every_example
def test_options_are_spelled_out_so_that_they_can_be_read_again(key, tmp_path):
    data = opened(key, tmp_path)
    assert data.file.Config.parse(data.config.plain()) == data.config
