"""The hand-written loop with dltk's own network and all its choices: what is between the two is dltk's overhead."""

from __future__ import annotations

import copy

from benchmarks.contestants.hand_loop import train
from benchmarks.contestants.prepared import prepared
from benchmarks.contestants.turns import Turns
from benchmarks.material import Material
from benchmarks.workloads import Workload


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:
    """Train turn by turn, after dltk has laid out the network and set what torch computes with."""
    model = prepared(workload, material, threads)[0].model.train()
    train(workload, material, turns, lambda: copy.deepcopy(model))
