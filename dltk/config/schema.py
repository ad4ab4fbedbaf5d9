"""The shipped JSON Schema of a config: what it says of sections and components.

No settings are imported: pydantic takes longer than all else that looking something up does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from dltk.config import registry
from dltk.config.wording import Schema, described

SCHEMA_PATH = Path(__file__).parent.parent / "dltk.schema.json"
SECTION_KINDS: dict[str, registry.Kind] = {"data": "datasets", "model": "models", "task": "tasks"}
DEFAULT_NAMES = {"optimizer": "adam"}
NAMED_LATER = {"task"}
"""Components that follow from others: their options may stand without a name, and are checked when it is known."""
COMMON = {"data": "DataOptions", "model": "ModelOptions"}
"""The definition of the options that all components of a section share."""


def component(own: Schema, common: Schema | None, name: str) -> dict[str, Any]:
    """Return the schema of one component's section: its own options, the common ones, and its name."""
    shared = {} if common is None else common["properties"]
    properties = {"name": {"const": name}, **own.get("properties", {}), **shared}
    return {**own, "properties": properties, "required": sorted({"name", *own.get("required", [])})}


def named(section: str, value: Any) -> Any:
    """Return a section's value with the name that may be left out: options alone are those of the default."""
    if section not in DEFAULT_NAMES or not isinstance(value, dict) or not value or "name" in value:
        return value
    is_by_name = any(isinstance(item, dict) for item in value.values())
    return value if is_by_name else {"name": DEFAULT_NAMES[section], **value}


def options(section: str, name: str) -> Schema | None:
    """Return the shipped schema of one component's options (its `$ref`s resolve in the shipped `$defs`), or None."""
    found: Schema | None = shipped()["$defs"].get(f"{section}.{name}")
    return found


def find(name: str) -> dict[str, Schema]:
    """Return every component, or section, of a name: {"model lenet": schema}; empty where there is none."""
    found = {
        f"{section} {name}": component_schema(section, kind, name, shipped())
        for section, kind in SECTION_KINDS.items()
        if name in registry.names(kind)
    }
    schema = shipped()
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
    sections = [name for name in shipped()["properties"] if _section(name)]
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
    definitions = shipped()["$defs"]
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
    return described(schema, {"$defs": {**shipped()["$defs"], **own}})


def variants(section: str) -> list[str]:
    """Return the names that a section such as `optimizer` may take; none where it has one kind of options."""
    kind = SECTION_KINDS.get(section)
    return registry.names(kind) if kind else variants_in(section, shipped())


@cache
def shipped() -> Schema:
    """Return the schema that dltk ships."""
    schema: Schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema


def _section(name: str) -> Schema:
    """Return the shipped schema of a section's options, or of those its components share; else an empty one."""
    section = shipped()["properties"].get(name, {})
    if variants_in(name, shipped()):
        return {"description": section["description"], "properties": _shared(name)}
    references = [choice["$ref"] for choice in [section, *section.get("anyOf", ())] if "$ref" in choice]
    found: Schema = shipped()["$defs"][references[0].removeprefix("#/$defs/")] if references else {}
    return found


def _shared(section: str) -> dict[str, Any]:
    """Return the options that all shipped components of a section, or all but one, have alike."""
    own = {name: shipped()["$defs"][f"{section}.{name}"]["properties"] for name in variants_in(section, shipped())}
    shared = {}
    for key in dict.fromkeys(key for options in own.values() for key in options if key != "name"):
        alike = [options[key] for options in own.values() if key in options]
        lacking = [f"Not for {name}." for name, options in own.items() if key not in options]
        if len(lacking) <= 1 and len({describe(option) for option in alike}) == 1:
            said = Counter(option.get("description", "") for option in alike).most_common(1)[0][0]
            default = {} if any(option.get("default") != alike[0].get("default") for option in alike) else alike[0]
            shared[key] = {**alike[0], "default": default.get("default"), "description": " ".join([said, *lacking])}
    return shared


def variants_in(section: str, schema: Schema) -> list[str]:
    """Return the names that a section may take by a schema."""
    prefix = f"{section}."
    return sorted(key.removeprefix(prefix) for key in schema["$defs"] if key.startswith(prefix))


def component_schema(section: str, kind: registry.Kind, name: str, schema: Schema) -> Schema:
    """Return the schema of one component's section, a plug-in's with all that its `$ref`s need."""
    if registry.is_plugin(kind, name):
        own = registry.load(kind, name).Config.model_json_schema()
        definitions = shipped()["$defs"]
        common = definitions[COMMON[section]] if section in COMMON else None
        return {**component(own, common, name), "$defs": {**definitions, **own.get("$defs", {})}}
    found: Schema = schema["$defs"][f"{section}.{name}"]
    return found
