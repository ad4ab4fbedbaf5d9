"""How plain values differ from a JSON Schema, in words: the part of the standard that pydantic writes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from dltk.config.errors import KeyPath, Problem, alternatives, did_you_mean, listed, shown

Schema = Mapping[str, Any]
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}
_BOUNDS = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


def mismatches(value: Any, schema: Schema, root: Schema, path: KeyPath = ()) -> list[Problem]:
    """Return every way in which a value differs from a schema whose `$ref`s resolve in `root`."""
    schema = _resolved(schema, root)
    if "discriminator" in schema:
        return _of_named_kind(value, schema["discriminator"], root, path)
    if "anyOf" in schema or "oneOf" in schema:
        return _of_any(value, schema, root, path)
    if not _is_of_type(value, schema) or not _is_within_bounds(value, schema):
        hint = did_you_mean(value, map(str, schema.get("enum", ()))) if isinstance(value, str) else ""
        return [Problem(path, f"must be {described(schema, root)}; received {shown(value)}{hint}")]
    if isinstance(value, dict):
        return _in_mapping(value, schema, root, path)
    if isinstance(value, list):
        return _in_list(value, schema, root, path)
    return []


def described(schema: Schema, root: Schema) -> str:
    """Spell what a value may be, such as "a whole number above 0 or null"."""
    schema = _resolved(schema, root)
    if "const" in schema:
        return shown(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(shown(choice) for choice in schema["enum"])
    if "discriminator" in schema:
        return f"a mapping whose {schema['discriminator']['propertyName']} is one of {_kinds(schema['discriminator'])}"
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(dict.fromkeys(described(choice, root) for choice in _choices(schema)))
    if schema.get("type") == "array":
        return _described_list(schema)
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    if "pattern" in schema:
        bounds.append(f"that matches {schema['pattern']}")
    return " ".join([_WORDS.get(schema.get("type", ""), "a value"), " and ".join(bounds)]).rstrip()


def _described_list(schema: Schema) -> str:
    low, high = schema.get("minItems", 0), schema.get("maxItems")
    if low == high:
        return f"a list of {low}"
    return f"a list of {low} to {high}" if high else f"a list of at least {low}" if low else "a list"


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def _choices(schema: Schema) -> list[Schema]:
    choices: list[Schema] = schema.get("anyOf") or schema["oneOf"]
    return choices


def _kinds(discriminator: Schema) -> str:
    return listed(discriminator["mapping"])


def as_mapping(value: Any, kinds: Collection[str], key: str = "name") -> str:
    """Return the end of a sentence about a bare name where a mapping is needed: "; write {name: digits}"."""
    if not isinstance(value, str):
        return ""
    return f"; write {{{key}: {value}}}" if value in kinds else did_you_mean(value, kinds)


def _of_named_kind(value: Any, discriminator: Schema, root: Schema, path: KeyPath) -> list[Problem]:
    key, kinds = discriminator["propertyName"], discriminator["mapping"]
    if not isinstance(value, dict):
        message = f"must be a mapping whose {key} is one of {_kinds(discriminator)}; received {shown(value)}"
        message += as_mapping(value, kinds, key)
        return [Problem(path, message)]
    if key not in value:
        return [Problem(path, f"'{key}' is missing: one of {_kinds(discriminator)}", at_key=True)]
    name = value[key]
    if not isinstance(name, str) or name not in kinds:
        return [Problem((*path, key), f"there is no {shown(name)}{alternatives(str(name), kinds, 'available')}")]
    return mismatches(value, {"$ref": kinds[name]}, root, path)


def _of_any(value: Any, schema: Schema, root: Schema, path: KeyPath) -> list[Problem]:
    """Report against the alternatives that the value looks like; where it looks like none, name them all."""
    alike = [choice for choice in _choices(schema) if _looks_like(value, choice, root)]
    tried = [mismatches(value, choice, root, path) for choice in alike]
    if tried and not all(tried):
        return []
    inside = [problems for problems in tried if any(problem.path != path or problem.at_key for problem in problems)]
    if inside:
        return min(inside, key=len)
    named = [one["discriminator"] for choice in _choices(schema) if "discriminator" in (one := _resolved(choice, root))]
    hint = next((as_mapping(value, kinds["mapping"], kinds["propertyName"]) for kinds in named), "")
    return [Problem(path, f"must be {described(schema, root)}; received {shown(value)}{hint}")]


def _looks_like(value: Any, schema: Schema, root: Schema) -> bool:
    schema = _resolved(schema, root)
    if "discriminator" in schema:
        named = isinstance(value, dict) and schema["discriminator"]["propertyName"] in value
        return named or (isinstance(value, dict) and not _holds_mappings(value))
    if "anyOf" in schema or "oneOf" in schema:
        return any(_looks_like(value, choice, root) for choice in _choices(schema))
    others = schema.get("additionalProperties")
    if isinstance(value, dict) and isinstance(others, dict) and "discriminator" in _resolved(others, root):
        return _holds_mappings(value)
    return _is_of_type(value, schema)


def _holds_mappings(value: dict[str, Any]) -> bool:
    return bool(value) and all(isinstance(item, dict) for item in value.values())


def _in_mapping(value: dict[str, Any], schema: Schema, root: Schema, path: KeyPath) -> list[Problem]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    problems = []
    for key, item in value.items():
        if key in properties:
            problems += mismatches(item, properties[key], root, (*path, key))
        elif isinstance(others, dict):
            problems += mismatches(item, others, root, (*path, key))
        elif others is False:
            message = f"no such {'option' if path else 'section'}{alternatives(key, properties)}"
            problems.append(Problem((*path, key), message, at_key=True))
    problems += [
        Problem(path, f"'{key}' is missing: {described(properties.get(key, {}), root)}", at_key=True)
        for key in schema.get("required", ())
        if key not in value
    ]
    return problems


def _in_list(value: list[Any], schema: Schema, root: Schema, path: KeyPath) -> list[Problem]:
    kinds = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
    return [
        problem
        for place, (item, kind) in enumerate(zip(value, kinds, strict=False))
        for problem in mismatches(item, kind, root, (*path, place))
    ]


def _is_of_type(value: Any, schema: Schema) -> bool:
    if "const" in schema:
        return type(value) is type(schema["const"]) and bool(value == schema["const"])
    if "enum" in schema:
        return any(type(value) is type(choice) and value == choice for choice in schema["enum"])
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": is_number and isinstance(value, int),
        "number": is_number,
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "null": value is None,
    }.get(schema.get("type", ""), True)


def _is_within_bounds(value: Any, schema: Schema) -> bool:
    if isinstance(value, str):
        fits = re.search(schema.get("pattern", ""), value) is not None
        return fits and bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)))
    if isinstance(value, list):
        return bool(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return True
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and not ("exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"])
        and not ("exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"])
    )
