"""Which words are compared with which, and what it costs to be wrong."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from benchmarks.skip_gram import AROUND, LENGTH, NEGATIVES, NOTHING, REACH, noise_of, pair_losses, pairs_of

NOISE = noise_of(torch.tensor([0, 8, 4, 2, 1]))


def stretch() -> Tensor:
    ids = torch.randint(1, 5, (3, AROUND), generator=torch.Generator().manual_seed(0))
    ids[0, 12:17] = NOTHING  # between two paragraphs
    return ids


def test_words_are_those_in_the_middle_and_others_what_is_around_them():
    pairs = pairs_of(stretch(), NOISE, is_training=True)
    assert torch.equal(pairs.words, stretch()[:, REACH : REACH + LENGTH])
    assert torch.equal(pairs.others[:, :AROUND], stretch())
    assert (pairs.others[:, AROUND:] != NOTHING).all()


def test_no_word_is_compared_with_itself_with_nothing_or_with_what_is_out_of_reach():
    near = pairs_of(stretch(), NOISE, is_training=True).weights[:, :, :AROUND]
    places = near.nonzero()
    apart = (places[:, 1] + REACH - places[:, 2]).abs()
    assert apart.min() == 1
    assert apart.max() == REACH
    seen = stretch()
    assert (seen[places[:, 0], places[:, 2]] != NOTHING).all()
    assert (seen[places[:, 0], places[:, 1] + REACH] != NOTHING).all()


def test_whole_neighbourhoods_are_seen_on_both_sides_alike():
    near = pairs_of(torch.ones(500, AROUND, dtype=torch.long), NOISE, is_training=True).weights[:, :, :AROUND]
    assert torch.equal(near.sum(2) % 2, torch.zeros(500, LENGTH))
    assert near.sum(2).mean().item() == pytest.approx(REACH + 1, rel=0.05)  # 2, 4, ... 10 are as frequent


def test_negatives_weigh_as_much_as_so_many_for_each_pair():
    weights = pairs_of(stretch(), NOISE, is_training=True).weights
    assert torch.allclose(weights[:, :, AROUND:].sum(2), NEGATIVES * weights[:, :, :AROUND].sum(2))


def test_negatives_are_drawn_by_the_counts_to_the_power_three_quarters():
    others = pairs_of(torch.ones(5_000, AROUND, dtype=torch.long), NOISE, is_training=False).others[:, AROUND:]
    drawn = torch.bincount(others.flatten(), minlength=5) / others.numel()
    wanted = torch.tensor([0, 8, 4, 2, 1.0]) ** 0.75
    assert torch.allclose(drawn, wanted / wanted.sum(), atol=0.01)


def test_training_draws_anew_and_scoring_does_not():
    def weights(*, is_training: bool) -> Tensor:
        return pairs_of(stretch(), NOISE, is_training=is_training).weights

    assert not torch.equal(weights(is_training=True), weights(is_training=True))
    assert torch.equal(weights(is_training=False), weights(is_training=False))


def test_the_loss_is_that_of_telling_neighbours_from_negatives():
    generator = torch.Generator().manual_seed(0)
    scores = (4 * torch.randn(3, LENGTH, AROUND + LENGTH, generator=generator)).requires_grad_()
    weights = torch.rand(scores.shape, generator=generator)
    losses = pair_losses(scores, weights)
    signs = torch.cat([torch.ones(AROUND), -torch.ones(LENGTH)])
    wanted = -(weights * logsigmoid(signs * scores)).sum((1, 2))
    assert torch.allclose(losses, wanted)
    factors = torch.tensor([1.0, 2.0, 3.0])
    (own,) = torch.autograd.grad(losses @ factors, scores)
    (given,) = torch.autograd.grad(wanted @ factors, scores)
    assert torch.allclose(own, given, atol=1e-6)


def test_a_loss_beyond_all_numbers_stays_finite():
    scores = torch.full((1, LENGTH, AROUND + LENGTH), -1e4)
    assert pair_losses(scores, torch.ones_like(scores)).isfinite().all()
