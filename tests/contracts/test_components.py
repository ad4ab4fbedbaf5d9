"""What holds for every file in `datasets/`, `models/` and `tasks/`, whatever it does."""

import ast
from pathlib import Path
from typing import Any

import pytest

import dltk
from dltk.config import registry
from dltk.config.sections import DataOptions, ModelOptions
from dltk.config.settings import Settings, SettingsError
from tests.contracts.examples import shipped

PACKAGE = Path(dltk.__file__).parent
EVERY = [(kind, name) for kind in registry.KINDS for name in shipped(kind)]
COMMON: dict[str, set[str]] = {
    "datasets": set(DataOptions.model_fields),
    "models": set(ModelOptions.model_fields),
    "tasks": set(),
}
FUNCTIONS = {"datasets": {"describe", "read", "prepare", "restore"}, "models": {"build"}, "tasks": {"build"}}
every_component = pytest.mark.parametrize(("kind", "name"), EVERY)


def config_of(kind: registry.Kind, name: str) -> type[Settings]:
    config: type[Settings] = registry.load(kind, name).Config
    assert issubclass(config, Settings)
    return config


def groups_of(config: type[Settings]) -> list[tuple[str, Any]]:
    """Return the JSON Schemas of a Config and of every group of options inside it."""
    schema = config.model_json_schema()
    return [("", schema), *schema.get("$defs", {}).items()]


@every_component
def test_every_option_says_what_it_is(kind, name):
    mute = [
        f"{group}.{option}"
        for group, schema in groups_of(config_of(kind, name))
        for option, field in schema.get("properties", {}).items()
        if option != "name" and not field.get("description", "").endswith(".")
    ]
    assert mute == []


@every_component
def test_no_option_is_called_like_one_that_all_share(kind, name):
    assert not {"name", *COMMON[kind]} & set(config_of(kind, name).model_fields)


@every_component
def test_every_group_of_options_says_what_it_is(kind, name):
    config = config_of(kind, name)
    first = (config.__doc__ or "").strip().split("\n\n")[0]
    assert first.rstrip().endswith(".")


@every_component
def test_the_first_line_of_a_file_is_one_sentence(kind, name):
    summary = registry.summary(kind, name)
    assert summary.endswith(".")
    assert ". " not in summary.replace("et al. ", "")
    assert summary == (registry.load(kind, name).__doc__ or "").splitlines()[0]


@every_component
def test_a_typo_in_an_option_is_an_error(kind, name):
    with pytest.raises(SettingsError, match="no_such_option"):
        config_of(kind, name).parse({"no_such_option": 1})


@every_component
def test_defaults_are_values_that_may_be_written(kind, name):
    config = config_of(kind, name)
    fields = config.model_fields
    if not any(field.is_required() for field in fields.values()):
        assert config.parse(config().plain()) == config()


@every_component
def test_a_file_defines_what_its_kind_asks_for_and_documents_it(kind, name):
    functions = {one: getattr(registry.load(kind, name), one, None) for one in FUNCTIONS[kind]}
    assert all(callable(function) and (function.__doc__ or "").strip() for function in functions.values())


@every_component
def test_a_file_can_be_read_at_one_sitting(kind, name):
    lines = (PACKAGE / kind / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= (200 if kind == "models" else 300)


@every_component
def test_nothing_is_drawn_from_a_generator_that_all_share(kind, name):
    """Randomness comes from torch generators that were seeded for their purpose, or that the session seeds."""
    tree = ast.parse((PACKAGE / kind / f"{name}.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"random", "numpy.random", "secrets"}
    seeding = {"manual_seed", "seed"}
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [call for call in calls if call.startswith(("np.random.", "numpy.random."))]
    assert not [call for call in calls if call.removeprefix("torch.") in seeding]
