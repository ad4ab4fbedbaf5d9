"""What dltk aims at: ratios on one machine, each against a contestant that does the same work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.contestants.names import SHORT
from benchmarks.programs import PLANS
from benchmarks.ratios import Goal

_DEFAULTS: Mapping[str, float] = {"a": 0.62, "b": 0.80, "c": 0.78, "d": 1.03, "e": 1.03, "f": 0.62, "e_long": 0.25}
_BF16: Mapping[str, float] = {"a": 0.47, "b": 0.80, "c": 0.50, "d": 0.65, "f": 0.72}

_LOOK_UP: Mapping[str, float] = {"--help": 1.3, "list": 1.3, "show": 2.5, "schema": 2.5, "config error": 2.5}
FASTEST = "fastest_peer"
"""Stands for the deep-learning library that was the fastest in a round."""
_AGAINST_PEERS = (
    ("a", "lightning_defaults", 1 / 3),
    ("e", "lightning_defaults", 1 / 7),
    ("d", "keras_torch", 1 / 7),
    ("e", "keras_torch", 1 / 7),
)

_EQUAL = (
    Goal("step", "words", "dltk", "gensim", 1.0, "loss"),
    Goal("step", "words", "gensim", "dltk", 1.0, "score"),
    Goal("step", "ratings", "dltk", "surprise", 1.0, "loss"),
)
"""What comes of it has to be as good: what is held out is told as well, words are as alike as people say."""

GOALS: tuple[Goal, ...] = (
    *(Goal("step", case, "dltk", "opt", limit) for case, limit in _DEFAULTS.items()),
    *(Goal("step", case, "dltk_bf16", "opt", limit) for case, limit in _BF16.items()),
    *(Goal("step", case, "dltk", "same", 1.03) for case in (*SHORT, "words", "ratings")),
    Goal("step", "words", "dltk", "gensim", 0.9, provided=_EQUAL[:2]),
    Goal("step", "ratings", "dltk", "surprise", 0.45, provided=_EQUAL[2:]),
    *_EQUAL,
    Goal("step", "a", "dltk_logged", "dltk", 1.03),
    *(Goal("step", case, "dltk", peer, limit) for case, peer, limit in _AGAINST_PEERS),
    *(Goal("whole", case, "dltk", FASTEST, 1.0) for case in SHORT),
    *(Goal("start", "look up", name, "typer_rich", limit, "cpu_seconds") for name, limit in _LOOK_UP.items()),
    Goal("start", "first step", "dltk", "torch_and_data", 1.1, "cpu_seconds"),
    *(
        Goal("start", f"plan of {Path(config).stem}", "dltk", "imports_and_a_second", 1.0, "cpu_seconds")
        for config in PLANS
    ),
    *(Goal("process", case, "dltk", "opt", 1.05, "peak_mb") for case in ("mnist_dense", "mnist_lenet", "boston_mlp")),
)
