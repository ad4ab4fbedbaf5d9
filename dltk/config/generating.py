"""Making the JSON Schema of a config from the settings of its sections and components; `schema` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dltk.config import registry
from dltk.config.schema import COMMON, NAMED_LATER, SECTION_KINDS, component
from dltk.config.sections import DataOptions, ModelOptions, Sections
from dltk.config.settings import Settings
from dltk.config.wording import Schema

_NAMELESS: Schema = {"type": "object", "not": {"required": ["name"]}}
_COMMON: Mapping[str, type[Settings]] = {settings.__name__: settings for settings in (DataOptions, ModelOptions)}


def generate(variants: Mapping[str, Mapping[str, type[Settings]]]) -> dict[str, Any]:
    """Build the schema of every shipped component.

    Args:
        variants: The named settings of sections that are no component folders, e.g. {"optimizer": {"adam": Adam}}.
    """
    components = {
        section: {name: registry.load(kind, name).Config for name in registry.shipped(kind)}
        for section, kind in SECTION_KINDS.items()
    }
    return assemble({**components, **variants})


def assemble(sections: Mapping[str, Mapping[str, type[Settings]]]) -> dict[str, Any]:
    """Build the schema of a config whose sections may name these settings.

    Raises:
        ValueError: Two different nested settings have the same class name.
    """
    schema: dict[str, Any] = Sections.model_json_schema()
    definitions: dict[str, Any] = schema.pop("$defs")
    for name, settings in _COMMON.items():
        _define(name, settings.model_json_schema(), definitions)
    for section, kinds in sections.items():
        common = definitions[COMMON[section]] if section in COMMON else None
        for name, settings in kinds.items():
            _define(f"{section}.{name}", component(settings.model_json_schema(), common, name), definitions)
        choice = _choice(section, kinds)
        choices = [choice, _NAMELESS if section in NAMED_LATER else _mapping_of(choice)]
        is_required = section in schema["required"]
        described_as = {"description": schema["properties"][section]["description"]}
        schema["properties"][section] = described_as | (
            choice if is_required else {"anyOf": [*choices, {"type": "null"}], "default": None}
        )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dltk experiment",
        **schema,
        "$defs": definitions,
    }


def _define(name: str, settings: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Add the schema of settings to the definitions, and those of the settings nested in them."""
    for key, nested in settings.pop("$defs", {}).items():
        if definitions.setdefault(key, nested) != nested:
            raise ValueError(f"two nested settings are called {key}; rename the one in {name.replace('.', ' ')}")
    definitions[name] = settings


def _choice(section: str, names: Iterable[str]) -> dict[str, Any]:
    references = {name: f"#/$defs/{section}.{name}" for name in names}
    return {
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": "name", "mapping": references},
    }


def _mapping_of(choice: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": choice, "minProperties": 1}
