"""The page on training options: its examples are accepted as they stand, and it names every optimizer and schedule."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dltk.config.document import read_document
from dltk.experiment.running import check
from dltk.training.optimizers import OPTIMIZERS
from dltk.training.schedules import SCHEDULES
from tests.contracts.test_docs import DOCS, blocks
from tests.threads import threads_as_they_were

__all__ = ["threads_as_they_were"]

BASE: Mapping[str, Any] = {"data": {"name": "iris"}, "model": {"name": "mlp", "hidden": [8]}, "train": {"epochs": 5}}
PAGE = (DOCS / "training.md").read_text(encoding="utf-8")
EXAMPLES = [block["text"] for block in blocks("training") if block["language"] == "yaml"]


@pytest.mark.parametrize("text", EXAMPLES, ids=[str(i) for i in range(len(EXAMPLES))])
def test_an_example_is_accepted_as_it_stands(text: str, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(text, encoding="utf-8")
    example = read_document(tmp_path / "example.yaml").values
    merged = {key: {**BASE.get(key, {}), **example.get(key, {})} for key in {**BASE, **example}}
    if "model" in example:
        merged["model"] = example["model"]
    decided = check(merged)
    for section, options in example.items():
        assert contained(options, decided["config"][section])


def contained(part: Any, whole: Any) -> bool:
    """Return whether every option that was written is there."""
    if isinstance(part, Mapping):
        return all(key in whole and contained(value, whole[key]) for key, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(contained, part, whole))
    return bool(part == whole)


@pytest.mark.parametrize("table", [OPTIMIZERS, SCHEDULES], ids=["optimizers", "schedules"])
def test_every_name_has_a_row(table: Mapping[str, Any]) -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert set(table) <= rows


def test_the_options_that_are_named_exist() -> None:
    for name, settings in OPTIMIZERS.items():
        (row,) = re.findall(rf"^\| `{name}` \|[^|]*\|(.*)\|$", PAGE, re.MULTILINE)
        named = set(re.findall(r"`(\w+)`", row))
        shared = {"name", "lr", "weight_decay", "clip_norm", "clip_value", "l1", "l2", "groups"}
        assert named == set(settings.model_fields) - shared
