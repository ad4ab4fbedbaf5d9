"""The hand-written loop with every choice that dltk made: what is between the two is dltk's own overhead."""

from __future__ import annotations

import torch

from benchmarks.contestants.hand_loop import train
from benchmarks.contestants.turns import Turns
from benchmarks.material import Material
from benchmarks.workloads import PLUGINS, Workload
from dltk.config import plugins
from dltk.experiment.building import build
from dltk.experiment.config import read_experiment
from dltk.experiment.kernels import choose
from dltk.experiment.layout import layout_of
from dltk.experiment.learning import make_learner
from dltk.experiment.machine import prepare_machine


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:
    """Train turn by turn, after dltk has set what torch computes with and chosen the layout."""
    for plugin in PLUGINS:
        plugins.use_plugin(plugin)
    experiment = read_experiment(workload.experiment(material.data), [f"train.threads={threads}"])
    machine = prepare_machine(experiment.sections.train, None)
    built = build(experiment, machine.device)
    learner = make_learner(built, machine.device)
    machine.computing_with(choose(experiment.sections.train, machine.device, learner, built.splits.lessons))
    layout = torch.channels_last if layout_of(built.model) == "channels_last" else torch.contiguous_format
    del built, learner
    train(workload, material, turns, layout)
