"""The shipped JSON Schema of a config: what it says of sections and components, and what differs from it.

No settings are imported: pydantic takes longer than all else that looking something up does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from dltk.config import registry
from dltk.config.errors import listed
from dltk.config.matching import SHOWN_BY, as_mapping, is_meant, mismatches
from dltk.config.problems import Problem
from dltk.config.sentences import missing_name, unknown_name, wrong_value
from dltk.config.wording import Schema, choices_of, described, resolved

SCHEMA_PATH = Path(__file__).parent.parent / "dltk.schema.json"
SECTION_KINDS: dict[str, registry.Kind] = {"data": "datasets", "model": "models", "task": "tasks"}
_DEFAULT_NAMES = {"optimizer": "adam"}
NAMED_LATER = {"task"}
"""Components that follow from others: their options may stand without a name, and are checked when it is known."""
COMMON = {"data": "DataOptions", "model": "ModelOptions"}
"""The definition of the options that all components of a section share."""


def component(own: Schema, common: Schema | None, name: str) -> dict[str, Any]:
    """Return the schema of one component's section: its own options, the common ones, and its name."""
    shared = {} if common is None else common["properties"]
    properties = {"name": {"const": name}, **own.get("properties", {}), **shared}
    return {**own, "properties": properties, "required": sorted({"name", *own.get("required", [])})}


def check(values: Mapping[str, Any], schema: Schema | None = None) -> list[Problem]:
    """Return every way in which plain config values differ from the grammar; needs no torch for shipped components.

    Args:
        values: The whole config.
        schema: What `assemble` made; default the shipped one.
    """
    schema = _shipped() if schema is None else schema
    common = {key: named(key, value) for key, value in values.items() if key not in SECTION_KINDS}
    problems = [_at_home(problem, schema) for problem in mismatches(common, {**schema, "required": []}, schema)]
    for section, kind in SECTION_KINDS.items():
        value = values.get(section)
        if value is not None:
            problems += _check_component(section, kind, value, schema)
        elif section in schema["required"] and not is_meant(section, values, schema["properties"]):
            problems.append(_missing_section(section, kind))
    return problems


def named(section: str, value: Any) -> Any:
    """Return a section's value with the name that may be left out: options alone are those of the default."""
    if section not in _DEFAULT_NAMES or not isinstance(value, dict) or not value or "name" in value:
        return value
    is_by_name = any(isinstance(item, dict) for item in value.values())
    return value if is_by_name else {"name": _DEFAULT_NAMES[section], **value}


def options(section: str, name: str) -> Schema | None:
    """Return the shipped schema of one component's options (its `$ref`s resolve in the shipped `$defs`), or None."""
    found: Schema | None = _shipped()["$defs"].get(f"{section}.{name}")
    return found


def find(name: str) -> dict[str, Schema]:
    """Return every component, or section, of a name: {"model lenet": schema}; empty where there is none."""
    found = {
        f"{section} {name}": _component_schema(section, kind, name, _shipped())
        for section, kind in SECTION_KINDS.items()
        if name in registry.names(kind)
    }
    schema = _shipped()
    found |= {
        key.replace(".", " "): option
        for key, option in schema["$defs"].items()
        if key.endswith(f".{name}") and key.replace(".", " ") not in found
    }
    for kind, listed_ones in (("layer", layers()), ("transform", transforms())):
        found |= {f"{kind} {name}": listed_ones[name]} if name in listed_ones else {}
    return found | ({name: _section(name)} if _section(name) else {})


def findable() -> list[str]:
    """Return all names that `find` knows."""
    sections = [name for name in _shipped()["properties"] if _section(name)]
    components = [name for section in sections for name in variants(section)]
    return [*sections, *components, *layers(), *transforms()]


def layers() -> dict[str, Schema]:
    """Return the layers that a model such as `sequential` lists, by name."""
    return _listed("model")


def transforms() -> dict[str, Schema]:
    """Return the ways to vary images that `data.augment` lists, by name."""
    return _listed("data")


def _listed(section: str) -> dict[str, Schema]:
    """Return the kinds of things that components of a section list, by their names, from the shipped schema."""
    definitions = _shipped()["$defs"]
    components = [option for key, option in definitions.items() if key.startswith(f"{section}.")]
    mappings: dict[str, str] = {}
    for mapping in _mappings(components):
        mappings |= mapping
    return {name: definitions[reference.removeprefix("#/$defs/")] for name, reference in sorted(mappings.items())}


def _mappings(schema: Any, *, in_list: bool = False) -> Iterator[dict[str, str]]:
    """Yield every mapping of names to definitions that the items of a list in a schema follow."""
    if isinstance(schema, dict):
        if in_list and "discriminator" in schema:
            yield schema["discriminator"]["mapping"]
        for key, part in schema.items():
            yield from _mappings(part, in_list=in_list or key == "items")
    elif isinstance(schema, list):
        for part in schema:
            yield from _mappings(part, in_list=in_list)


def describe(schema: Schema, component: Schema | None = None) -> str:
    """Spell what a value may be, for a table of options; a plug-in `component` brings its own `$defs`."""
    own = {} if component is None else component.get("$defs", {})
    return described(schema, {"$defs": {**_shipped()["$defs"], **own}})


def variants(section: str) -> list[str]:
    """Return the names that a section such as `optimizer` may take; none where it has one kind of options."""
    kind = SECTION_KINDS.get(section)
    return registry.names(kind) if kind else _variants(section, _shipped())


@cache
def _shipped() -> Schema:
    schema: Schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema


def options_of(section: str, schema: Schema) -> Collection[str]:
    """Return the options that a section has, whatever its component."""
    if section in COMMON:
        return set(schema["$defs"][COMMON[section]]["properties"])
    references = [choice["$ref"] for choice in choices_of(schema["properties"][section]) if "$ref" in choice]
    found = references or [f"#/$defs/{section}.{name}" for name in [_DEFAULT_NAMES.get(section)] if name]
    return set(resolved({"$ref": found[0]}, schema).get("properties", {})) if found else set()


def _section(name: str) -> Schema:
    """Return the shipped schema of a section's options, or of those its components share; else an empty one."""
    section = _shipped()["properties"].get(name, {})
    if _variants(name, _shipped()):
        return {"description": section["description"], "properties": _shared(name)}
    references = [choice["$ref"] for choice in [section, *section.get("anyOf", ())] if "$ref" in choice]
    found: Schema = _shipped()["$defs"][references[0].removeprefix("#/$defs/")] if references else {}
    return found


def _shared(section: str) -> dict[str, Any]:
    """Return the options that all shipped components of a section, or all but one, have alike."""
    own = {name: _shipped()["$defs"][f"{section}.{name}"]["properties"] for name in _variants(section, _shipped())}
    shared = {}
    for key in dict.fromkeys(key for options in own.values() for key in options if key != "name"):
        alike = [options[key] for options in own.values() if key in options]
        lacking = [f"Not for {name}." for name, options in own.items() if key not in options]
        if len(lacking) <= 1 and len({describe(option) for option in alike}) == 1:
            said = Counter(option.get("description", "") for option in alike).most_common(1)[0][0]
            default = {} if any(option.get("default") != alike[0].get("default") for option in alike) else alike[0]
            shared[key] = {**alike[0], "default": default.get("default"), "description": " ".join([said, *lacking])}
    return shared


def _variants(section: str, schema: Schema) -> list[str]:
    prefix = f"{section}."
    return sorted(key.removeprefix(prefix) for key in schema["$defs"] if key.startswith(prefix))


def _check_component(section: str, kind: registry.Kind, value: Any, schema: Schema) -> list[Problem]:
    known = sorted({*_variants(section, schema), *registry.joined(kind)})
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
    own = _component_schema(section, kind, name, schema)
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
    homes = [section for section in schema["properties"] if key in options_of(section, schema)]
    hint = f"; did you mean {' or '.join(f'{home}.{key}' for home in homes)}?" if homes else ""
    return replace(problem, message=problem.message + hint)


def _missing_section(section: str, kind: registry.Kind) -> Problem:
    allowed = f"{section}: {{name: ...}}, with a name of: dltk list {kind}"
    what = "this section is missing"
    return Problem((section,), what, at_key=True, id="DLTK-CONFIG-MISSING-KEY", allowed=allowed)


def _meant_as_option(section: str, value: Any, schema: Schema) -> str:
    """Return a hint where an unknown component is what another one is told by an option that must be given."""
    for name in _variants(section, schema):
        own = schema["$defs"][f"{section}.{name}"]
        for option in own["required"]:
            if value in own["properties"][option].get("enum", ()):
                return f"; did you mean {{name: {name}, {option}: {value}}}?"
    return ""


def _component_schema(section: str, kind: registry.Kind, name: str, schema: Schema) -> Schema:
    if registry.is_plugin(kind, name):
        own = registry.load(kind, name).Config.model_json_schema()
        definitions = _shipped()["$defs"]
        common = definitions[COMMON[section]] if section in COMMON else None
        return {**component(own, common, name), "$defs": {**definitions, **own.get("$defs", {})}}
    found: Schema = schema["$defs"][f"{section}.{name}"]
    return found
