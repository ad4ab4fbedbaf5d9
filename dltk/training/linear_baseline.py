"""The linear model that a network has to beat: ridge and logistic regression, as scikit-learn defines them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dltk.data.batches import Batches
from dltk.data.specs import Spec, Table, Vector
from dltk.data.splits import Splits
from dltk.data.targets import target_of
from dltk.nn.class_outputs import ClassOutputs
from dltk.nn.losses import sigmoid_cross_entropy, softmax_cross_entropy

MAX_NUMBERS = 20_000_000
MAX_FEATURES = 2000
MAX_STEPS = 100
PROTOCOL = "with penalty 1 on squared weights, on standardised inputs of the training split"


@dataclass(frozen=True)
class Features:
    """Standardised inputs, float64, a column of ones last.

    Attributes:
        train: (n, features + 1).
        targets: What the training samples should be.
        reported: (m, features + 1), of the split that is reported.
        truth: What those should be.
    """

    train: Tensor
    targets: Tensor
    reported: Tensor
    truth: Tensor


def is_fitted(spec: Spec, num_samples: int | None, num_outputs: int) -> bool:
    """Return whether samples are rows of numbers, few enough to be fitted within seconds; None is a stream."""
    rows = [kind for kind in spec.inputs.values() if isinstance(kind, (Table, Vector))]
    if not num_samples or len(spec.inputs) != 1 or not rows:
        return False
    return rows[0].shape[0] <= min(MAX_FEATURES, MAX_NUMBERS // (num_samples * num_outputs))


def features_of(splits: Splits, num_outputs: int) -> Features | None:
    """Return the samples where they are rows of numbers, few enough to be fitted within seconds; else None."""
    if not is_fitted(splits.spec, splits.train.num_samples, num_outputs):
        return None
    train, targets = _whole(splits.train)
    scored, truth = _whole(splits.test or splits.val or splits.train)
    means = train.mean(0)
    deviations = (train - means).square().mean(0).sqrt()
    scales = torch.where(deviations > 1e-7 * means.abs(), deviations, 1.0)  # a constant column's is a rounding error
    ones = [torch.ones(len(x), 1, dtype=torch.float64) for x in (train, scored)]
    standard = [torch.cat([(x - means) / scales, one], 1) for x, one in zip((train, scored), ones, strict=True)]
    return Features(standard[0], targets, standard[1], truth)


def ridge(features: Features, numbers: Tensor) -> Tensor:
    """Return what a line fitted to numbers (n, k) says of the reported samples, (m, k)."""
    penalty = torch.ones(features.train.shape[1], dtype=torch.float64)
    penalty[-1] = 0.0  # the bias is free
    gram = features.train.T @ features.train + penalty.diag()
    weight: Tensor = torch.linalg.solve(gram, features.train.T @ numbers.double())
    return features.reported @ weight


def logistic(features: Features, classes: ClassOutputs) -> Tensor:
    """Return the outputs (m, num_outputs) for the reported samples of the line that makes the cross-entropy small."""
    num_samples, num_features = features.train.shape
    wanted = classes.wanted(features.targets)
    values = sigmoid_cross_entropy if classes.stand_alone else softmax_cross_entropy
    num_regressions = classes.num_outputs if classes.stand_alone else 1  # each label has one of its own
    weight = torch.zeros(num_features, classes.num_outputs, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=MAX_STEPS, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        optimizer.zero_grad()
        loss = values(features.train @ weight, wanted).mean() * num_regressions
        value = loss + weight[:-1].square().sum() / (2 * num_samples)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with torch.enable_grad():
        optimizer.step(objective)  # type: ignore[no-untyped-call]
    return features.reported @ weight.detach()


def _whole(batches: Batches) -> tuple[Tensor, Tensor]:
    whole = batches.whole()
    assert isinstance(whole.inputs, Tensor)
    return whole.inputs.double().cpu(), target_of(whole).cpu()
