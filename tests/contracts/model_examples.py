"""Specs of every kind, and options of the models that need some.

Whoever adds a model with an option that must be given adds an example here; the contract tests say so.
"""

from collections.abc import Callable
from typing import Any

from dltk.data.specs import Ids, Image, Modality, Series, Spec, Target, Tokens
from tests.unit.models.examples import BAG, IDS, IMAGE, LABELS, NUMBERS, SERIES, TABLE, THREE, TOKENS, TWO, VECTOR, one


def sequential_options(spec: Spec) -> dict[str, Any]:
    """Return layers that suit the data's only input."""
    modality = next(iter(spec.inputs.values()))
    if isinstance(modality, (Tokens, Ids)):
        return {"layers": [{"name": "embedding", "units": 4}]}
    if isinstance(modality, Image):
        return {"layers": [{"name": "conv2d", "filters": 3, "activation": "relu"}, {"name": "global_avg_pool2d"}]}
    if isinstance(modality, Series):
        return {"layers": [{"name": "gru", "units": 3}]}
    return {"layers": [{"name": "dense", "units": 6, "activation": "tanh"}]}


def graph_options(spec: Spec) -> dict[str, Any]:
    """Return a node per input and one that joins them, which predicts all targets."""
    nodes: dict[str, Any] = {
        f"node_{name}": {
            "inputs": [name],
            "layers": [
                *([{"name": "embedding", "units": 4}] if isinstance(modality, (Tokens, Ids)) else []),
                *([{"name": "flatten"}] if len(modality.shape) + isinstance(modality, Tokens) > 1 else []),
                {"name": "dense", "units": 5, "activation": "tanh"},
            ],
        }
        for name, modality in spec.inputs.items()
    }
    nodes["all"] = {"inputs": list(nodes)}
    return {"nodes": nodes, "outputs": dict.fromkeys(spec.targets, "all")}


def bernoulli(_: Spec) -> dict[str, Any]:
    """Take numbers below 0, too."""
    return {"distribution": "bernoulli"}


def small_resnet(_: Spec) -> dict[str, Any]:
    """Return the shallowest one."""
    return {"depth": 8, "width": 4, "shortcut": "B"}


def small_googlenet(_: Spec) -> dict[str, Any]:
    """Return a narrow one."""
    return {"width": 0.05}


def shufflenet(_: Spec) -> dict[str, Any]:
    """Return the smallest network of torchvision."""
    return {"architecture": "shufflenet_v2_x0_5"}


MODELS: dict[str, Callable[[Spec], dict[str, Any]]] = {
    "googlenet_small": small_googlenet,
    "resnet": small_resnet,
    "torchvision": shufflenet,
    "graph": graph_options,
    "naive_bayes": bernoulli,
    "sequential": sequential_options,
}
"""Options of the models that need some, whose defaults take counts only, or that are large without."""


def model_options(name: str, spec: Spec) -> dict[str, Any]:
    """Return options with which a model is tried on such data."""
    return MODELS[name](spec) if name in MODELS else {}


MODALITIES: dict[str, Modality] = {
    "grey_images": IMAGE,
    "tables": TABLE,
    "vectors": VECTOR,
    "bags": BAG,
    "tokens": TOKENS,
    "series": SERIES,
    "ids": IDS,
}
TARGETS: dict[str, Target] = {"two_classes": TWO, "classes": THREE, "labels": LABELS, "numbers": NUMBERS}
SPECS: dict[str, Spec] = {
    f"{data}_of_{target}": one(modality, kind)
    for data, modality in MODALITIES.items()
    for target, kind in TARGETS.items()
}
SPECS["colour_images_of_classes"] = one(Image(3, 33, 40), THREE)
SPECS["an_image_and_a_table"] = Spec({"image": IMAGE, "table": TABLE}, {"label": THREE})
SPECS["two_targets"] = Spec({"input": VECTOR}, {"label": THREE, "size": NUMBERS})
SPECS["no_target"] = Spec({"input": IMAGE}, {})
