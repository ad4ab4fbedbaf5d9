"""The base of every group of options: frozen, typo-proof, its help text beside each field."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError

from dltk.config.errors import OptionError, shown
from dltk.config.problems import KeyPath, Problem, ProblemId
from dltk.config.sentences import missing_key, unknown_key

PositiveInt = Annotated[int, Field(gt=0, le=10**9)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
DISTINCT = Field(json_schema_extra={"uniqueItems": True})
"""Marks a list that has nothing twice; a config is checked against the schema."""
FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]


class Settings(BaseModel):
    """Options of one thing. A string below a field is its help text; unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Validate plain YAML values; lists may stand for tuples, nothing else is converted.

        Raises:
            SettingsError: With one problem per wrong value.
        """
        try:
            return cls.model_validate_json(json.dumps(values))
        except ValidationError as error:
            raise SettingsError(_problems(error, values, cls.model_fields)) from None

    def plain(self) -> dict[str, Any]:
        """Return the options as plain YAML values, defaults included."""
        return self.model_dump(mode="json")

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the options by their help texts."""
        schema = handler(core_schema)
        options = handler.resolve_ref_schema(schema)["properties"]
        for name, text in help_texts(cls).items():
            options[name] = {**options[name], "description": text}
        return schema


@cache
def help_texts(settings: type[Settings]) -> Mapping[str, str]:
    """Return the strings below the options, by option; they are read from the source, which few programs need."""
    texts: dict[str, str] = {}
    for kind in reversed(settings.__mro__):
        if issubclass(kind, Settings) and kind is not Settings:
            own = _strings_below_options(kind)
            texts = {name: text for name, text in texts.items() if name not in kind.__annotations__} | own
    return {name: text for name, text in texts.items() if name in settings.model_fields}


def _strings_below_options(kind: type) -> dict[str, str]:
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # made while the program runs
        return {}
    tree = ast.parse(textwrap.dedent(source))
    definition = tree.body[0]
    assert isinstance(definition, ast.ClassDef)
    return {
        option.target.id: inspect.cleandoc(text.value.value)
        for option, text in pairwise(definition.body)
        if isinstance(option, ast.AnnAssign) and isinstance(option.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


class SettingsError(ValueError):
    """What is wrong with the values of one group of options; paths are relative to the group."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(_told, problems)))
        self.problems = problems


def _told(problem: Problem) -> str:
    details = {"found": problem.found, "allowed": problem.allowed}
    return "; ".join(
        [f"{problem.key}: {problem.message}", *(f"{name} {text}" for name, text in details.items() if text)]
    )


def _problems(error: ValidationError, values: Any, known: Collection[str]) -> list[Problem]:
    """Return one problem per place; what pydantic says of the alternatives of a union is joined."""
    found: dict[KeyPath, Problem] = {}
    for details in error.errors(include_url=False):
        problem = _problem(details, values, known)
        if problem.path in found:
            problem = replace(problem, message=f"{found[problem.path].message} or {problem.message}")
        found[problem.path] = problem
    return list(found.values())


def _problem(details: Any, values: Any, known: Collection[str]) -> Problem:
    path, kind = _path_in(values, details["loc"]), details["type"]
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, OptionError):
        return cause.problem(*path)
    if kind == "missing":
        return missing_key(path, str(details["loc"][-1]), "")
    if kind == "extra_forbidden":
        return unknown_key(path, known if len(path) == 1 else ())
    message = details["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)
    message = message[:1].lower() + message[1:]
    is_plain = kind != "value_error" and not isinstance(details["input"], dict)
    given = shown(details["input"]) if is_plain else ""
    id_: ProblemId = "DLTK-CONFIG-TYPE" if kind.endswith("_type") else "DLTK-CONFIG-OPTION"
    return Problem(path, message, id=id_, found=given)


def _path_in(values: Any, location: Sequence[str | int]) -> KeyPath:
    """Return pydantic's location without its own words for unions, validators and missing keys."""
    path: list[str | int] = []
    for part in location:
        in_mapping = isinstance(values, Mapping) and part in values
        in_list = isinstance(values, (list, tuple)) and isinstance(part, int) and part < len(values)
        if in_mapping or in_list:
            values = values[part]
            path.append(part)
    return tuple(path)
