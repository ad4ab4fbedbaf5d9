"""Options: what is converted (almost nothing), and how a wrong value reads."""

from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field, field_validator, model_validator

from dltk.config.errors import OptionError
from dltk.config.settings import FiniteFloat, Fraction, PositiveFloat, PositiveInt, Settings, SettingsError, help_texts
from tests.problems import told


class Dense(Settings):
    name: Literal["dense"] = "dense"
    units: PositiveInt


class Dropout(Settings):
    name: Literal["dropout"] = "dropout"
    rate: Fraction = 0.5


class Options(Settings):
    lr: PositiveFloat = 0.1
    """Learning rate."""
    epochs: PositiveInt = 3
    bias: bool = True
    words: str = ""
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    shift: FiniteFloat = 0
    every: Literal["epoch"] | PositiveInt = "epoch"
    layers: list[Annotated[Dense | Dropout, Field(discriminator="name")]] = []
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _is_odd(cls, value):
        if value % 2 == 0:
            raise ValueError(f"must be odd; received {value}")
        return value

    @model_validator(mode="after")
    def _words_fit(self):
        if self.words == "bad":
            raise OptionError("words", "must be good; received 'bad'")
        return self


def problems_of(values):
    with pytest.raises(SettingsError) as caught:
        Options.parse(values)
    return [told(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("key", "given", "value"),
    [("lr", 1, 1.0), ("lr", 3e-4, 3e-4), ("betas", [0.5, 0], (0.5, 0.0)), ("every", 3, 3), ("every", "epoch", "epoch"),
     ("layers", [{"name": "dropout"}], [Dropout()])],
)  # fmt: skip
def test_plain_yaml_values_are_taken(key, given, value):
    found = getattr(Options.parse({key: given}), key)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"lrr": 1}, "lrr: no such option; did you mean 'lr'? (allowed betas, bias, epochs, every, layers, lr, odd, "
         "shift, words)"),
        ({"lr": "1e-3"}, "lr: must be a valid number (found '1e-3')"),
        ({"lr": True}, "lr: must be a valid number (found true)"),
        ({"lr": 0}, "lr: must be greater than 0 (found 0)"),
        ({"lr": None}, "lr: must be a valid number (found null)"),
        ({"lr": [1]}, "lr: must be a valid number (found [1])"),
        ({"shift": float("nan")}, "shift: must be a finite number (found nan)"),
        ({"shift": float("inf")}, "shift: must be a finite number (found inf)"),
        ({"epochs": True}, "epochs: must be a valid integer (found true)"),
        ({"epochs": 3.0}, "epochs: must be a valid integer (found 3.0)"),
        ({"epochs": "3"}, "epochs: must be a valid integer (found '3')"),
        ({"epochs": 10**18}, "epochs: must be less than or equal to 1000000000 (found 1000000000000000000)"),
        ({"epochs": 10**299}, f"epochs: must be less than or equal to 1000000000 (found 1{'0' * 196}...)"),
        ({"bias": 1}, "bias: must be a valid boolean (found 1)"),
        ({"bias": "no"}, "bias: must be a valid boolean (found 'no')"),
        ({"words": 3}, "words: must be a valid string (found 3)"),
        ({"betas": [0.5, 1]}, "betas.1: must be less than 1 (found 1)"),
        ({"layers": [{"name": "dense"}]}, "layers.0: 'units' is missing"),
        ({"layers": [{"name": "dropout"}, {"name": "dense", "units": 1, "unts": 3}]}, "layers.1.unts: no such option"),
        ({"layers": {"a": 1}}, "layers: must be a valid array"),
        ({"odd": 4}, "odd: must be odd; received 4"),
        ({"words": "bad"}, "words: must be good; received 'bad'"),
        ({"every": 1.5}, "every: must be 'epoch' or must be a valid integer (found 1.5)"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_problem_at_its_path(values, problem):
    assert problems_of(values) == [problem]


def test_all_wrong_values_are_reported_together():
    assert len(problems_of({"lr": 0, "epochs": 0, "x": 1})) == 3


def test_an_unknown_key_is_a_problem_of_the_key():
    with pytest.raises(SettingsError) as caught:
        Options.parse({"lrr": 1, "lr": 0})
    assert {p.key: p.at_key for p in caught.value.problems} == {"lrr": True, "lr": False}


def test_plain_values_parse_again():
    options = Options.parse({"layers": [{"name": "dense", "units": 3}], "betas": [0, 0.5]})
    assert Options.parse(options.plain()) == options
    assert options.plain()["betas"] == [0.0, 0.5]


def test_options_are_frozen_and_their_help_is_beside_them():
    with pytest.raises(ValueError, match="frozen"):
        Options.parse({}).lr = 3  # type: ignore[misc]
    assert help_texts(Options)["lr"] == "Learning rate."


class Parent(Settings):
    """Options that others share."""

    kind: ClassVar[str] = "parent"
    """No option."""
    rate: Fraction = 0.5
    """How much."""
    count: PositiveInt = 1
    """How many."""


class Child(Parent):
    count: PositiveInt = 2
    inner: Parent = Parent()
    """Nested."""

    def halved(self):
        "No help text."
        return self.rate / 2


def test_help_is_inherited_but_by_options_that_are_written_anew():
    assert help_texts(Child) == {"rate": "How much.", "inner": "Nested."}


def test_the_schema_of_settings_and_of_those_nested_in_them_has_the_help():
    schema = Child.model_json_schema()
    told = {name: option.get("description") for name, option in schema["properties"].items()}
    assert told == {"rate": "How much.", "count": None, "inner": "Nested."}
    assert schema["$defs"]["Parent"]["properties"]["rate"]["description"] == "How much."


def test_settings_without_source_have_no_help():
    namespace = {"Settings": Settings, "__name__": "made"}
    exec("class Made(Settings):\n    x: int = 3\n    'How many.'\n", namespace)
    assert help_texts(namespace["Made"]) == {}
