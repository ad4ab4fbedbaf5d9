"""scikit-learn's multi-layer perceptrons, epoch by epoch."""

from __future__ import annotations

import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.contestants.turns import Pace, Turns
from benchmarks.material import Material
from benchmarks.workloads import Workload

HIDDEN = {"mlp": (512,), "small_mlp": (64, 64)}


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:  # noqa: ARG001 - by environment
    """Train turn by turn; its loss of numbers is half the mean squared error."""
    inputs = material.array("inputs").reshape(len(material.array("inputs")), -1)
    targets = material.array("targets")
    is_classes = workload.loss == "classes"
    steps = -(-len(inputs) // workload.batch_size)
    turns.ready({"scikit-learn": sklearn.__version__})
    while True:
        model = (MLPClassifier if is_classes else MLPRegressor)(
            hidden_layer_sizes=HIDDEN[workload.network],
            batch_size=workload.batch_size,
            learning_rate_init=workload.lr,
            alpha=0.0,
        )
        pace = Pace(turns, workload.epochs, workload.round_epochs)
        turns.begin()
        for _ in range(workload.epochs):
            if is_classes:
                model.partial_fit(inputs, targets, classes=range(10))
            else:
                model.partial_fit(inputs, targets.ravel())
            pace.epoch(steps, model.loss_ if is_classes else 2 * model.loss_)
