"""Options of the initial weights of a model's layers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dltk.config.settings import FiniteFloat, PositiveFloat, Settings

ScaledName = Literal["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal", "zeros"]
InitializerName = Literal[
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_normal",
    "normal",
    "uniform",
    "zeros",
    "orthogonal",
]


class ScaledInitializer(Settings):
    """A spread that follows from the layer's inputs and outputs, or none at all."""

    name: ScaledName


class NormalInitializer(Settings):
    """Weights from one normal distribution, whatever the layer."""

    name: Literal["normal"] = "normal"
    mean: FiniteFloat = 0.0
    """Its mean."""
    deviation: PositiveFloat = 0.05
    """Its standard deviation."""


class UniformInitializer(Settings):
    """Weights anywhere between two bounds, whatever the layer."""

    name: Literal["uniform"] = "uniform"
    limit: PositiveFloat = 0.05
    """The bounds are -limit and limit."""


class OrthogonalInitializer(Settings):
    """Rows at right angles to each other (Saxe et al. 2014)."""

    name: Literal["orthogonal"] = "orthogonal"
    gain: PositiveFloat = 1.0
    """Their length."""


Initializer = Annotated[
    ScaledInitializer | NormalInitializer | UniformInitializer | OrthogonalInitializer, Field(discriminator="name")
]
InitializerOption = InitializerName | Initializer

_KINDS: dict[str, type[Settings]] = {
    "normal": NormalInitializer,
    "uniform": UniformInitializer,
    "orthogonal": OrthogonalInitializer,
}


def with_options(option: InitializerOption) -> Initializer:
    """Return an initialiser with its options, the defaults where only its name is given."""
    if not isinstance(option, str):
        return option
    chosen: Initializer = _KINDS.get(option, ScaledInitializer).parse({"name": option})  # type: ignore[assignment]
    return chosen
