"""Sizes that a model takes from a spec: what comes in, how many outputs go out."""

from __future__ import annotations

from collections.abc import Mapping

from dltk.config.errors import OptionError, listed
from dltk.data.specs import Classes, Ids, Image, Modality, Numbers, Spec, Target, Tokens


def only_input(spec: Spec) -> Modality:
    """Return the data's only input.

    Raises:
        OptionError: There are several.
    """
    if len(spec.inputs) != 1:
        raise OptionError(
            "",
            f"this model takes one input; the data have {listed(spec.inputs)}; the model graph takes several",
            id="DLTK-CONFIG-MISFIT",
        )
    return spec.input


def only_image(spec: Spec, model: str, least: int = 1, otherwise: str = "") -> Image:
    """Return the data's only input, images.

    Args:
        spec: What the data are.
        model: The name of who asks.
        least: The smallest height and width, in pixels.
        otherwise: What else would help where images are smaller.

    Raises:
        OptionError: There are several inputs, other ones, or smaller images.
    """
    image = only_input(spec)
    if not isinstance(image, Image):
        raise OptionError("", f"{model} looks at images; the data are {image.word}", id="DLTK-CONFIG-MISFIT")
    if min(image.height, image.width) < least:
        size = f"{image.height}x{image.width}"
        raise OptionError(
            "",
            f"{model} needs images of at least {least}x{least} pixels; the data have {size}{otherwise}",
            id="DLTK-CONFIG-MISFIT",
        )
    return image


def only_target(spec: Spec) -> Target:
    """Return the data's only target, Nothing where there is none.

    Raises:
        OptionError: There are several.
    """
    if len(spec.targets) > 1:
        raise OptionError(
            "",
            f"this model predicts one target; the data have {listed(spec.targets)}; the model graph takes several",
            id="DLTK-CONFIG-MISFIT",
        )
    return spec.target


def num_outputs(target: Target) -> int:
    """Return the width of a prediction: one logit for two classes, one per class, or one per number.

    Raises:
        OptionError: A vector cannot predict such a target.
    """
    if not isinstance(target, (Classes, Numbers)):
        raise OptionError(
            "", f"this model predicts classes or numbers; the data's target is {target.word}", id="DLTK-CONFIG-MISFIT"
        )
    return target.num_outputs


def output_sizes(spec: Spec) -> Mapping[str, int]:
    """Return the width of the prediction of every target, by name; raise as `num_outputs` does."""
    if not spec.targets:
        num_outputs(spec.target)
    return {name: num_outputs(target) for name, target in spec.targets.items()}


def num_ids(modality: Modality) -> int | None:
    """Return how many ids a modality's values can take, None where they are numbers.

    Raises:
        OptionError: The samples have no common length.
    """
    if isinstance(modality, Ids):
        return modality.count
    if not isinstance(modality, Tokens):
        return None
    if modality.length is None:
        raise OptionError(
            "",
            "this model needs sequences of one length; the data's differ; set a length in data",
            id="DLTK-CONFIG-MISFIT",
        )
    return len(modality.vocabulary)
