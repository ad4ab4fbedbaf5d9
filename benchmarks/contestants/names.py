"""Who takes part, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contestant:
    """One who trains the workloads.

    Attributes:
        module: The file in this folder.
        title: For tables.
        options: Of its `run`.
        precision: What it computes in; losses are compared among the same only.
        packages: What pip is asked for, into an environment of its own beside the packages that dltk uses; () is a
            contestant of this environment.
        environment: Variables that its libraries read when they are imported.
        workloads: Which ones it can train; () stands for all.
        shares_order: Whether it meets the samples in dltk's order, so that losses agree closely.
    """

    module: str
    title: str
    options: Mapping[str, str] = field(default_factory=dict)
    precision: str = "fp32"
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    workloads: tuple[str, ...] = ()
    shares_order: bool = False


SHORT = ("a", "b", "c", "d", "e", "f")
"""What libraries for networks train; a run of a minute is dltk's alone."""


def _keras(backend: str, *packages: str) -> Contestant:
    environment = {"KERAS_BACKEND": backend}
    title = f"Keras on {backend}"
    return Contestant("keras_model", title, packages=("keras", *packages), environment=environment, workloads=SHORT)


CONTESTANTS: Mapping[str, Contestant] = {
    "opt": Contestant("hand_loop", "hand-written loop", shares_order=True),
    "same": Contestant("same_kernels", "the loop with dltk's kernels", shares_order=True),
    "dltk": Contestant("toolkit", "dltk", shares_order=True),
    "dltk_compiling": Contestant(
        "toolkit", "dltk, nothing compiled before", {"cache": "empty"}, workloads=("e_long",), shares_order=True
    ),
    "dltk_bf16": Contestant(
        "toolkit", "dltk, precision: bf16", {"precision": "bf16"}, "bf16", workloads=(*SHORT, "e_long")
    ),
    "dltk_logged": Contestant("toolkit", "dltk, everything logged", {"logging": "all"}, shares_order=True),
    "lightning": Contestant("lightning_trainer", "Lightning, bare", packages=("lightning",), workloads=SHORT),
    "lightning_defaults": Contestant(
        "lightning_trainer", "Lightning, defaults", {"extras": "default"}, packages=("lightning",), workloads=SHORT
    ),
    "keras_torch": _keras("torch"),
    "keras_jax": _keras("jax", "jax"),
    "keras_tensorflow": _keras("tensorflow", "tensorflow-cpu"),
    "skorch": Contestant("skorch_net", "skorch", packages=("skorch",), workloads=SHORT),
    "fastai": Contestant("fastai_learner", "fastai", packages=("fastai",), workloads=SHORT),
    "transformers": Contestant("hf_trainer", "HF Trainer", packages=("transformers", "accelerate"), workloads=SHORT),
    "scikit_learn": Contestant("scikit_mlp", "scikit-learn", workloads=("a", "e")),
    "gensim": Contestant("gensim_vectors", "gensim", packages=("gensim",), workloads=("words",)),
    "surprise": Contestant("surprise_factors", "Surprise", packages=("scikit-surprise",), workloads=("ratings",)),
}
REFERENCE = "opt"
PEERS = tuple(name for name, contestant in CONTESTANTS.items() if contestant.packages or name == "scikit_learn")

DEEP = tuple(name for name, contestant in CONTESTANTS.items() if contestant.packages and contestant.workloads == SHORT)
"""Other deep-learning libraries."""


def able(names: Sequence[str], key: str) -> list[str]:
    """Return those of some contestants that can train a workload."""
    return [name for name in names if not CONTESTANTS[name].workloads or key in CONTESTANTS[name].workloads]
