"""What a JSON Schema allows, in words: the part of the standard that pydantic writes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from dltk.config.errors import listed, shown

Schema = Mapping[str, Any]
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}
_BOUNDS = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
FORM = "x-form"
"""A key of an option's schema: its pattern, in words."""
ABSURD = 10**9
"""The largest of most whole numbers, there to keep sizes computable; only who exceeds it needs to know."""


def resolved(schema: Schema, root: Schema) -> Schema:
    """Return what a `$ref` stands for in `root`; any other schema as it is."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def choices_of(schema: Schema) -> list[Schema]:
    """Return the alternatives of a union; any other schema is its only one."""
    found: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return found


def kinds_of(schema: Schema, root: Schema) -> Set[str]:
    """Return the names that tell the kinds of a mapping apart; none where there is one kind only."""
    found: Mapping[str, str] = resolved(schema, root).get("discriminator", {}).get("mapping", {})
    return found.keys()


def kinds_within(schema: Schema, root: Schema) -> Set[str]:
    """Return the kinds of the values of a mapping whose keys are free, such as several optimizers by name."""
    others = resolved(schema, root).get("additionalProperties")
    return kinds_of(others, root) if isinstance(others, dict) else set()


def words_in(schema: Schema, root: Schema) -> Set[str]:
    """Return all words that a value may be, or may have as its name."""
    schema = resolved(schema, root)
    if "discriminator" in schema:
        return kinds_of(schema, root)
    if len(choices_of(schema)) > 1:
        return {word for choice in choices_of(schema) for word in words_in(choice, root)}
    return {value for value in schema.get("enum", [schema.get("const")]) if isinstance(value, str)}


def described(schema: Schema, root: Schema) -> str:
    """Spell what a value may be, such as "a whole number above 0 or null"."""
    schema = resolved(schema, root)
    if "const" in schema:
        return shown(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(shown(choice) for choice in schema["enum"])
    if "discriminator" in schema:
        return f"a mapping whose name is one of {listed(kinds_of(schema, root))}"
    if len(choices_of(schema)) > 1:
        return _described_choices(schema, root)
    if schema.get("type") == "array":
        return _described_list(schema)
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if schema.get(key, ABSURD) != ABSURD]
    if FORM in schema or "pattern" in schema:
        bounds.append(f"of {schema[FORM]}" if FORM in schema else f"that matches {schema['pattern']}")
    elif schema.get("minLength"):
        bounds.append("of one character" if schema.get("maxLength") == 1 else "that is not empty")
    return " ".join([_TYPES.get(schema.get("type", ""), "a value"), " and ".join(bounds)]).rstrip()


def _described_choices(schema: Schema, root: Schema) -> str:
    """Spell alternatives; names that one of them lists are not listed again by the next."""
    parts: dict[str, None] = {}
    said: set[str] = set()
    for choice in choices_of(schema):
        kinds, kinds_inside = kinds_of(choice, root), kinds_within(choice, root)
        if kinds and kinds <= said:
            parts["a mapping whose name is one of these"] = None
        elif kinds_inside and kinds_inside <= said:
            parts["a mapping of such mappings"] = None
        else:
            parts[described(choice, root)] = None
        said |= words_in(choice, root)
    return " or ".join(parts)


def _described_list(schema: Schema) -> str:
    low, high = schema.get("minItems", 0), schema.get("maxItems")
    if low == high:
        return f"a list of {low}"
    return f"a list of {low} to {high}" if high else f"a list of at least {low}" if low else "a list"
