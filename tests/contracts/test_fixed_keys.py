"""Every option of the schema is fixed or free once a run has begun, and a resumed run treats it so."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dltk.cli.app import run as dltk
from dltk.config.keys import FORK_FIXED, FORK_FREE, FREE, PATHS, is_below
from dltk.config.schema import SCHEMA_PATH
from tests.commands import contents
from tests.contracts.test_docs import DOCS
from tests.threads import threads_as_they_were

__all__ = ["threads_as_they_were"]

SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
CONFIG: dict[str, Any] = {
    "data": {"name": "csv", "path": "table.csv", "target": "kind", "batch_size": 16},
    "model": {"name": "mlp", "hidden": [4]},
    "task": {"name": "classification"},
    "optimizer": {"name": "adam"},
    "schedule": {"name": "step", "step_size": 1},
    "train": {"epochs": 2, "threads": 1, "device": "cpu"},
    "early_stopping": {"patience": 9},
    "tensorboard": None,
}
ELSEWHERE = {"data.name", "model.name", "task.name", "optimizer.name", "schedule.name", "train.overfit_batches"}
"""What changes the whole section, or more than the one key."""


def leaves(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the dotted key and the schema of every option."""
    choices = [schema, *schema.get("anyOf", ())]
    whole = [SCHEMA["$defs"][one["$ref"].removeprefix("#/$defs/")] if "$ref" in one else one for one in choices]
    options: dict[str, Any] = next((one["properties"] for one in whole if "properties" in one), {})
    for name, option in options.items():
        yield from leaves(option, f"{path}.{name}")
    if not options:
        yield path, schema


def all_keys() -> dict[str, dict[str, Any]]:
    """Return every option of the config above, and of the sections that all experiments share."""
    parts = {section: f"{section}.{CONFIG[section]['name']}" for section in CONFIG if "name" in (CONFIG[section] or {})}
    found: dict[str, dict[str, Any]] = {}
    for section, schema in SCHEMA["properties"].items():
        found |= dict(leaves(SCHEMA["$defs"][parts[section]] if section in parts else schema, section))
    return found


KEYS = all_keys()
FREE_KEYS = sorted(key for key in KEYS if is_below(key, FREE))
FIXED_KEYS = sorted(key for key in KEYS if not is_below(key, FREE) and key not in ELSEWHERE)


def others(schema: dict[str, Any]) -> Iterator[Any]:
    """Yield values that an option may take."""
    for choice in [*schema.get("anyOf", ()), schema]:
        yield from choice.get("enum", ())
        kind = choice.get("type")
        if kind == "boolean":
            yield from (True, False)
        if kind in {"integer", "number"}:
            yield from (2, 3, 0.25, 0.5)
        if kind == "string":
            yield "colour"
        if kind == "array":
            yield from ([5], [0, 3], [0.5, 0.9], ["colour"], ["flip"])
        if kind == "object":
            yield {"head.bias": [0.0, 0.0]}
    yield from ("backbone", "he_normal", None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.commands import write_table

    folder = tmp_path_factory.mktemp("fixed")
    write_table(folder / "table.csv")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    assert dltk(["train", str(folder / "config.yaml"), "--output-dir", str(folder / "run"), "-q"]) == 0
    return folder / "run"


@pytest.mark.parametrize("key", FIXED_KEYS)
def test_a_fixed_key_that_changes_is_82_with_the_difference_and_no_byte_changed(
    key: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(trained)
    codes = []
    for value in others(KEYS[key]):
        codes.append(dltk(["train", "--resume", str(trained), f"{key}={json.dumps(value)}", "-q"]))
        said = capsys.readouterr().err
        if codes[-1] == 82:
            assert re.search(rf"{re.escape(key)}\S*: .* -> ", said), said
            break
    assert contents(trained) == before
    assert 82 in codes or (key in NEVER_ALONE and set(codes) <= {0, 2, 65})


NEVER_ALONE = {
    "data.augment",
    "data.column_names",
    "data.columns",
    "data.decimal",
    "data.drop",
    "data.encoding",
    "data.fold",
    "data.group",
    "data.group_pattern",
    "data.header",
    "data.id",
    "data.target",
    "data.target_kind",
    "data.target_strip",
    "optimizer.groups",
    "task.gamma",
    "task.metrics",
    "train.precision",
    "train.steps",
}
"""Options of which every other value that is tried here is wrong in this config, or for these data."""


@pytest.mark.parametrize("key", FREE_KEYS)
def test_a_free_key_may_change(key: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i, value in enumerate(others(KEYS[key])):
        run = Path(shutil.copytree(trained, tmp_path / str(i)))
        code = dltk(["train", "--resume", str(run), f"{key}={json.dumps(value)}", "-q"])
        said = capsys.readouterr().err
        assert code in {0, 2, 66, 69} or "more epochs behind" in said, (value, said)


def test_every_path_of_data_may_change_and_nothing_is_declared_twice() -> None:
    options = {
        f"data.{name}"
        for key, component in SCHEMA["$defs"].items()
        if key.startswith("data.")
        for name, option in component["properties"].items()
        if "path" in [choice.get("format") for choice in [option, *option.get("anyOf", ())]]
    }
    assert options == set(PATHS)
    assert not set(FREE) & set(FORK_FREE)
    assert all(is_below(key, FORK_FREE) for key in FORK_FIXED)


@pytest.mark.parametrize("key", [*FREE, *FORK_FREE, *FORK_FIXED])
def test_every_declared_key_exists_and_is_on_the_page(key: str) -> None:
    every = {".".join(["data", name]) for part in SCHEMA["$defs"].values() for name in part.get("properties", ())}
    every |= {f"model.{name}" for name in SCHEMA["$defs"]["model.mlp"]["properties"]} | KEYS.keys()
    assert any(is_below(one, [key]) for one in every)
    assert f"`{key}`" in (DOCS / "resuming.md").read_text(encoding="utf-8")
