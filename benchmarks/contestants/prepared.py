"""What dltk prepares before the first step of a workload."""

from __future__ import annotations

from benchmarks.material import Material
from benchmarks.workloads import PLUGINS, Workload
from dltk.config import plugins
from dltk.experiment.building import Built, build
from dltk.experiment.config import read_experiment
from dltk.experiment.kernels import choose
from dltk.experiment.learning import make_learner
from dltk.experiment.machine import prepare_machine
from dltk.training.learner import Learner


def prepared(workload: Workload, material: Material, threads: int, precision: str = "auto") -> tuple[Built, Learner]:
    """Return a model and what moves it, after dltk has laid it out and set what torch computes with."""
    for plugin in PLUGINS:
        plugins.use_plugin(plugin)
    values = workload.experiment(material.data, precision=precision)
    experiment = read_experiment(values, [f"train.threads={threads}"])
    machine = prepare_machine(experiment.sections.train, None)
    built = build(experiment, machine.device)
    learner = make_learner(built, machine.device)
    machine.computing_with(choose(experiment.sections.train, machine.device, learner, built.splits.lessons))
    return built, learner
