"""Surprise's SVD: matrix factorisation by one rating after the other."""

from __future__ import annotations

from itertools import count

import numpy as np
import surprise

from benchmarks.contestants.turns import Turns
from benchmarks.judging import judged
from benchmarks.material import Material
from benchmarks.stars import MIDDLE
from benchmarks.workloads import Workload


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:  # noqa: ARG001 - it has one
    """Train turn by turn, each with another seed; numbering users and films comes before the clock starts."""
    pairs, stars = material.array("ids"), material.array("stars")
    known = surprise.Dataset(surprise.Reader(rating_scale=(1, 5))).construct_trainset(
        [(one, other, star, None) for (one, other), star in zip(pairs.tolist(), stars.tolist(), strict=True)]
    )
    turns.ready({"surprise": surprise.__version__})
    for seed in count(1):
        model = surprise.SVD(n_factors=material.weights()[0].shape[1], n_epochs=workload.epochs, random_state=seed)
        turns.begin()
        model.fit(known)
        turns.end(None, None, lambda: judged(workload, material, _weights(model, known, *material.weights()[0].shape)))  # noqa: B023 - at once


def _weights(model: surprise.SVD, known: surprise.Trainset, num_ids: int, width: int) -> list[np.ndarray]:
    """Return vectors and numbers of users and films by their ids; the mean is all users' own."""
    vectors, numbers = np.zeros((num_ids, width)), np.zeros(num_ids)
    users, films = (
        [number(i) for i in range(size)]
        for number, size in ((known.to_raw_uid, known.n_users), (known.to_raw_iid, known.n_items))
    )
    vectors[users], numbers[users] = model.pu, model.bu + known.global_mean - MIDDLE
    vectors[films], numbers[films] = model.qi, model.bi
    return [vectors, numbers]
