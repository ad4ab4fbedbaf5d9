"""The shipped JSON Schema: current, valid, and of one mind with the program's own checks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from dltk.config import differing, generating, registry, schema
from dltk.config.document import read_document
from dltk.experiment.config import VARIANTS
from tests.contracts.examples import shipped

CONFIGS = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))
SHIPPED: dict[str, Any] = json.loads(schema.SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SHIPPED)
every_config = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})


def groups(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping of options in a schema, however deep."""
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            yield part
        part = list(part.values())
    for item in part if isinstance(part, list) else ():
        yield from groups(item)


def test_it_is_current():
    assert generating.generate(VARIANTS) == SHIPPED, "run scripts/update_schema"


def test_it_is_a_valid_schema():
    Draft202012Validator.check_schema(SHIPPED)
    references = [part["$ref"] for part in walk(SHIPPED) if "$ref" in part]
    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(SHIPPED["$defs"])


def walk(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    for item in part if isinstance(part, list) else ():
        yield from walk(item)


def test_it_knows_every_component():
    for section, kind in (("data", "datasets"), ("model", "models"), ("task", "tasks")):
        assert schema.variants(section) == shipped(kind)  # type: ignore[arg-type]


def test_every_option_has_a_description_for_editors():
    mute = [
        name
        for group in groups(SHIPPED)
        for name, option in group["properties"].items()
        if name != "name" and not described(option).endswith(".")
    ]
    assert mute == []


def described(option: dict[str, Any]) -> str:
    """Return an option's help, or that of the group of options it stands for."""
    group = SHIPPED["$defs"].get(option.get("$ref", "").removeprefix("#/$defs/"), {})
    return str(option.get("description") or group.get("description", ""))


def test_every_group_refuses_unknown_options():
    assert all(group.get("additionalProperties") is False for group in groups(SHIPPED))


@every_config
def test_an_editor_and_the_program_accept_every_shipped_config(path):
    values = read_document(path).values
    assert [error.message for error in VALIDATOR.iter_errors(values)] == []
    assert differing.check(values) == []


PATHS = [
    (values, place)
    for values in (read_document(path).values for path in CONFIGS)
    for place in [("data", "batch_size"), ("optimizer", "lr"), ("train", "epochs"), ("model", "name"), ("seed",)]
]
FRACTIONS = st.floats(-2, 2).filter(lambda value: not value.is_integer())  # to an editor 1.0 is a whole number
OTHER_VALUES = (
    st.none() | st.booleans() | st.integers(-3, 3) | FRACTIONS | st.sampled_from(["mlp", "epoch", "", "auto"])
)


def replaced(values: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    head, *rest = place
    return {**values, head: replaced(dict(values.get(head) or {}), tuple(rest), value) if rest else value}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(PATHS), OTHER_VALUES | st.lists(OTHER_VALUES, max_size=2))
def test_an_editor_and_the_program_refuse_the_same_values(chosen, value):
    values, place = chosen
    changed = replaced(values, place, value)
    if place == ("optimizer", "lr") and "name" not in changed["optimizer"]:
        return  # a mapping by parameter set
    assert bool(differing.check(changed)) == (not VALIDATOR.is_valid(changed))
