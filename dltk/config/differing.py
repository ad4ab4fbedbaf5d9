"""What differs from the JSON Schema of a config, told by what is known of sections and components."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from dltk.config import registry
from dltk.config.errors import listed
from dltk.config.matching import SHOWN_BY, as_mapping, is_meant, mismatches
from dltk.config.problems import Problem
from dltk.config.schema import (
    COMMON,
    DEFAULT_NAMES,
    NAMED_LATER,
    SECTION_KINDS,
    component_schema,
    named,
    shipped,
    variants_in,
)
from dltk.config.sentences import missing_name, unknown_name, wrong_value
from dltk.config.wording import Schema, choices_of, resolved


def check(values: Mapping[str, Any], schema: Schema | None = None) -> list[Problem]:
    """Return every way in which plain config values differ from the grammar; needs no torch for shipped components.

    Args:
        values: The whole config.
        schema: What `assemble` made; default the shipped one.
    """
    schema = shipped() if schema is None else schema
    common = {key: named(key, value) for key, value in values.items() if key not in SECTION_KINDS}
    problems = [_at_home(problem, schema) for problem in mismatches(common, {**schema, "required": []}, schema)]
    for section, kind in SECTION_KINDS.items():
        value = values.get(section)
        if value is not None:
            problems += _check_component(section, kind, value, schema)
        elif section in schema["required"] and not is_meant(section, values, schema["properties"]):
            problems.append(_missing_section(section, kind))
    return problems


def _options_of(section: str, schema: Schema) -> Collection[str]:
    """Return the options that a section has, whatever its component."""
    if section in COMMON:
        return set(schema["$defs"][COMMON[section]]["properties"])
    references = [choice["$ref"] for choice in choices_of(schema["properties"][section]) if "$ref" in choice]
    found = references or [f"#/$defs/{section}.{name}" for name in [DEFAULT_NAMES.get(section)] if name]
    return set(resolved({"$ref": found[0]}, schema).get("properties", {})) if found else set()


def _check_component(section: str, kind: registry.Kind, value: Any, schema: Schema) -> list[Problem]:
    known = sorted({*variants_in(section, schema), *registry.joined(kind)})
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(value, dict):
        hint = _meant_as_option(section, value, schema) or as_mapping(value, known)
        return [wrong_value((section,), value, f"a mapping whose name is one of {listed(known)}", hint=hint)]
    if name is None:
        missing = missing_name((section,), "name", value, known)
        return [] if section in NAMED_LATER else [missing, *_check_common(section, value, schema)]
    if name not in known:
        hint = _meant_as_option(section, name, schema)
        unknown = unknown_name((section, "name"), kind[:-1], name, known, hint)
        return [unknown, *_check_common(section, value, schema)]
    own = component_schema(section, kind, name, schema)
    root = own if registry.is_plugin(kind, name) else schema
    return mismatches(value, own, {**root, SHOWN_BY: f"dltk show {name}"}, (section,))


def _check_common(section: str, value: Mapping[str, Any], schema: Schema) -> list[Problem]:
    """Check the options that every component of a section has, where it is not known which one is meant."""
    if section not in COMMON:
        return []
    common = schema["$defs"][COMMON[section]]
    known = {key: item for key, item in value.items() if key in common["properties"]}
    return mismatches(known, common, schema, (section,))


def _at_home(problem: Problem, schema: Schema) -> Problem:
    """Return a problem of an unknown section with the section that has it as an option, such as train for epochs."""
    if problem.id != "DLTK-CONFIG-UNKNOWN-KEY" or len(problem.path) != 1 or "did you mean" in problem.message:
        return problem
    key = str(problem.path[0])
    homes = [section for section in schema["properties"] if key in _options_of(section, schema)]
    hint = f"; did you mean {' or '.join(f'{home}.{key}' for home in homes)}?" if homes else ""
    return replace(problem, message=problem.message + hint)


def _missing_section(section: str, kind: registry.Kind) -> Problem:
    allowed = f"{section}: {{name: ...}}, with a name of: dltk list {kind}"
    what = "this section is missing"
    return Problem((section,), what, at_key=True, id="DLTK-CONFIG-MISSING-KEY", allowed=allowed)


def _meant_as_option(section: str, value: Any, schema: Schema) -> str:
    """Return a hint where an unknown component is what another one is told by an option that must be given."""
    for name in variants_in(section, schema):
        own = schema["$defs"][f"{section}.{name}"]
        for option in own["required"]:
            if value in own["properties"][option].get("enum", ()):
                return f"; did you mean {{name: {name}, {option}: {value}}}?"
    return ""
