"""Who takes part, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contestant:
    """One who trains the workloads.

    Attributes:
        module: The file in this folder.
        title: For tables.
        options: Of its `run`.
        precision: What it computes in; losses are compared among the same only.
    """

    module: str
    title: str
    options: Mapping[str, str] = field(default_factory=dict)
    precision: str = "fp32"


CONTESTANTS: Mapping[str, Contestant] = {
    "opt": Contestant("hand_loop", "hand-written loop"),
    "dltk": Contestant("toolkit", "dltk"),
    "dltk_bf16": Contestant("toolkit", "dltk, precision: bf16", {"precision": "bf16"}, "bf16"),
}
REFERENCE = "opt"
