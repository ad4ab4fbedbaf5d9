"""How plain values differ from a JSON Schema, in words: the part of the standard that pydantic writes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from dltk.config.errors import MAX_LISTED, choices_near, did_you_mean, shown
from dltk.config.problems import KeyPath, Problem
from dltk.config.sentences import meant_instead, missing_key, missing_name, unknown_key, unknown_name, wrong_value
from dltk.config.wording import ABSURD, Schema, choices_of, described, kinds_within, resolved, words_in

SHOWN_BY = "x-shown-by"
"""A key of a root schema: the command that lists what its options may be."""
SYNONYMS = "x-synonyms"
"""A key of an option's schema: what else it may be taken to be called."""
_SMALLEST_PERCENT, _HUNDRED = 5, 100
_IN_ONE = re.compile(r"\w+:\S")
_NEEDS_NO_QUOTES = re.compile(r"[\w.-]+")


def mismatches(value: Any, schema: Schema, root: Schema, path: KeyPath = ()) -> list[Problem]:
    """Return every way in which a value differs from a schema whose `$ref`s resolve in `root`."""
    schema = resolved(schema, root)
    if "discriminator" in schema:
        return _of_named_kind(value, schema, root, path)
    if "anyOf" in schema or "oneOf" in schema:
        return _of_any(value, schema, root, path)
    if not _is_of_type(value, schema) or not _is_within_bounds(value, schema):
        return [_wrong(value, schema, root, path)]
    if isinstance(value, dict):
        return _in_mapping(value, schema, root, path)
    if isinstance(value, list):
        return _in_list(value, schema, root, path)
    return []


def _wrong(value: Any, schema: Schema, root: Schema, path: KeyPath) -> Problem:
    """Say what a value must be, and what was meant; of many words only some are listed then."""
    words = words_in(schema, root)
    allowed, meant = described(schema, root), as_mapping(value, words)
    if meant and value not in words and len(words) > MAX_LISTED:
        where = f"; {root[SHOWN_BY]}" if SHOWN_BY in root else ""
        allowed = f"one of {len(words)} words: {choices_near(value, words)}{where}"
    hint = meant or _as_list(value, schema, root) or _rewritten(value, schema, root)
    choices = [resolved(choice, root) for choice in choices_of(schema)]
    is_word = isinstance(value, str) and any("const" in choice or "enum" in choice for choice in choices)
    fits_type = any("type" in choice and _is_of_type(value, choice) for choice in choices)
    allowed += _limit(value, schema, root)
    return wrong_value(path, value, allowed, hint=hint, fits_type=fits_type, is_word=is_word)


def _as_list(value: Any, schema: Schema, root: Schema) -> str:
    """Return the end of a sentence about one value where a list of such values is needed: "; write [64]"."""
    if value is None or isinstance(value, (dict, list)) or not _fits([value], schema, root):
        return ""
    return f"; write [{value if _NEEDS_NO_QUOTES.fullmatch(str(value)) else shown(value)}]"


def _rewritten(value: Any, schema: Schema, root: Schema) -> str:
    """Return the end of a sentence about a value that would be right if it were written otherwise: "; write true"."""
    if isinstance(value, str) and _IN_ONE.match(value) and _fits({}, schema, root):
        return "; put a space after the colon"
    fitting = [other for other in meant_instead(value) if _fits(other, schema, root)]
    if not fitting and isinstance(value, (int, float)) and _SMALLEST_PERCENT <= value <= _HUNDRED:
        part = round(value / _HUNDRED, 10)
        return f"; {value} % is {part}" if _fits(part, schema, root) and not _fits(1, schema, root) else ""
    return f"; write {shown(fitting[0])}{' without quotes' if value == str(fitting[0]) else ''}" if fitting else ""


def _fits(value: Any, schema: Schema, root: Schema) -> bool:
    """Return whether a value is right, without a word."""
    schema = resolved(schema, root)
    if "discriminator" in schema:
        kinds = schema["discriminator"]["mapping"]
        name = value.get(schema["discriminator"]["propertyName"]) if isinstance(value, dict) else None
        return isinstance(name, str) and name in kinds and _fits(value, {"$ref": kinds[name]}, root)
    if len(choices_of(schema)) > 1:
        return any(_fits(value, choice, root) for choice in choices_of(schema))
    if not _is_of_type(value, schema) or not _is_within_bounds(value, schema):
        return False
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        others = others if isinstance(others, dict) else {} if others else {"enum": ()}
        has_all = all(key in value for key in schema.get("required", ()))
        return has_all and all(_fits(item, known.get(key, others), root) for key, item in value.items())
    if isinstance(value, list):
        kinds = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        return all(_fits(item, kind, root) for item, kind in zip(value, kinds, strict=False))
    return True


def _limit(value: Any, schema: Schema, root: Schema) -> str:
    """Return the limit that most numbers share, for who exceeds it."""
    is_absurd = isinstance(value, int) and value > ABSURD
    limits = [resolved(choice, root).get("maximum") for choice in choices_of(schema)]
    return f", at most {ABSURD}" if is_absurd and ABSURD in limits else ""


def as_mapping(value: Any, kinds: Collection[str]) -> str:
    """Return the end of a sentence about a bare name where a mapping is needed: "; write {name: digits}"."""
    if not isinstance(value, str):
        return ""
    return f"; write {{name: {value}}}" if value in kinds else did_you_mean(value, kinds)


def _of_named_kind(value: Any, schema: Schema, root: Schema, path: KeyPath) -> list[Problem]:
    key, kinds = schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
    if not isinstance(value, dict):
        return [_wrong(value, schema, root, path)]
    if key not in value:
        return [missing_name(path, key, value, kinds)]
    name = value[key]
    if not isinstance(name, str) or name not in kinds:
        return [unknown_name((*path, key), "", name, kinds)]
    return mismatches(value, {"$ref": kinds[name]}, root, path)


def _of_any(value: Any, schema: Schema, root: Schema, path: KeyPath) -> list[Problem]:
    """Report against the alternatives that the value looks like; where it looks like none, name them all."""
    alike = [choice for choice in choices_of(schema) if _looks_like(value, choice, root)]
    tried = [mismatches(value, choice, root, path) for choice in alike]
    if tried and not all(tried):
        return []
    inside = [problems for problems in tried if any(problem.path != path or problem.at_key for problem in problems)]
    if inside:
        return min(inside, key=len)
    return [_wrong(value, schema, root, path)]


def _looks_like(value: Any, schema: Schema, root: Schema) -> bool:
    schema = resolved(schema, root)
    if "discriminator" in schema:
        named = isinstance(value, dict) and schema["discriminator"]["propertyName"] in value
        return named or (isinstance(value, dict) and not _holds_mappings(value))
    if "anyOf" in schema or "oneOf" in schema:
        return any(_looks_like(value, choice, root) for choice in choices_of(schema))
    if isinstance(value, dict) and kinds_within(schema, root):
        return _holds_mappings(value)
    return _is_of_type(value, schema)


def _holds_mappings(value: dict[str, Any]) -> bool:
    return any(isinstance(item, dict) for item in value.values())


def _in_mapping(value: dict[str, Any], schema: Schema, root: Schema, path: KeyPath) -> list[Problem]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    problems, what = [], "option" if path else "section"
    for key, item in value.items():
        if key in properties:
            problems += mismatches(item, properties[key], root, (*path, key))
        elif isinstance(others, dict):
            problems += mismatches(item, others, root, (*path, key))
        elif others is False:
            problems.append(unknown_key((*path, key), properties, _synonym(key, properties), what))
    problems += [
        missing_key(path, key, described(properties.get(key, {}), root))
        for key in schema.get("required", ())
        if key not in value and not is_meant(key, value, properties)
    ]
    return problems


def is_meant(required: str, value: Mapping[str, Any], properties: Schema) -> bool:
    """Return whether a key that must be there is, misspelt."""
    unknown = [key for key in value if key not in properties]
    return any(did_you_mean(key, [required]) or _synonym(key, {required: properties[required]}) for key in unknown)


def _synonym(key: str, properties: Schema) -> str:
    """Return a hint where elsewhere an option is called by this key."""
    meant = [name for name, option in properties.items() if key in option.get(SYNONYMS, ())]
    return f"; did you mean '{meant[0]}'?" if meant else ""


def _in_list(value: list[Any], schema: Schema, root: Schema, path: KeyPath) -> list[Problem]:
    kinds = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
    problems = [
        problem
        for place, (item, kind) in enumerate(zip(value, kinds, strict=False))
        for problem in mismatches(item, kind, root, (*path, place))
    ]
    if schema.get("uniqueItems"):
        repeated = [(place, item) for place, item in enumerate(value) if item in value[:place]]
        problems += [
            Problem((*path, place), f"{shown(item)} is in this list already", id="DLTK-CONFIG-REPEATED")
            for place, item in repeated
        ]
    return problems


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
