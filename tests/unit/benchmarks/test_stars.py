"""The loss of ratings is that of those there are."""

import torch

from benchmarks.stars import MIDDLE, TOGETHER, star_losses


def test_only_ratings_that_are_there_count():
    outputs, wanted = torch.zeros(2, TOGETHER), torch.zeros(2, 1 + TOGETHER, dtype=torch.long)
    wanted[0, 1], wanted[0, 2], wanted[1, TOGETHER] = 5, 3, 1
    outputs[0, 1] = 1.0
    losses = star_losses(outputs, wanted)
    errors = [(5 - MIDDLE) ** 2 + (3 - MIDDLE - 1) ** 2, (1 - MIDDLE) ** 2]
    assert losses.tolist() == [error / TOGETHER for error in errors]
