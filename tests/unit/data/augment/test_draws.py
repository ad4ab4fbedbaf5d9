"""Random numbers without a generator: known answers, fair, and of each sample alone."""

import math

import pytest
import torch

from dltk.data.augment.draws import betas, between, draw_for, mixed, normals, order_of, uniforms

WORD = (1 << 64) - 1


def splitmix64(value: int) -> int:
    """Finish a number as splitmix64 does, in Python's own integers."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & WORD
    return value ^ (value >> 31)


@pytest.mark.parametrize("value", [0, 1, -1, 12345678901234, -(2**63), 2**63 - 1])
def test_bits_are_mixed_as_by_splitmix64(value):
    assert int(mixed(torch.tensor(value))) & WORD == splitmix64(value & WORD)


def test_the_first_number_of_splitmix64_is_the_published_one():
    seed_and_step = torch.tensor(1234567) + torch.tensor(0x9E3779B97F4A7C15 - 2**64)
    assert int(mixed(seed_and_step)) & WORD == 6457827717110365317


def test_numbers_are_even_and_unrelated():
    numbers = uniforms(7, torch.arange(20_000), 8)
    assert numbers.shape == (20_000, 8)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert torch.allclose(numbers.mean(0), torch.tensor(0.5), atol=0.01)
    assert torch.allclose(numbers.var(0), torch.tensor(1 / 12), atol=0.002)
    related = torch.corrcoef(torch.cat([numbers[1:], numbers[:-1]], 1).T) - torch.eye(16)
    assert related.abs().max() < 0.04


def test_a_samples_numbers_depend_on_the_key_and_the_sample_alone():
    numbers = uniforms(7, torch.arange(100), 5)
    assert torch.equal(uniforms(7, torch.tensor([42, 3]), 5), numbers[[42, 3]])
    assert torch.equal(uniforms(7, torch.tensor([42]), 2), numbers[42:43, :2])
    assert not torch.equal(uniforms(8, torch.arange(100), 5), numbers)


def test_no_generator_is_read_or_moved():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    draw = draw_for(1, torch.arange(4))
    assert torch.equal(draw(3), draw(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_an_order_is_a_permutation_by_key():
    orders = [order_of(key, 50, torch.device("cpu")) for key in (1, 1, 2)]
    assert orders[0].tolist() == orders[1].tolist() != orders[2].tolist()
    assert sorted(orders[0].tolist()) == list(range(50))


def test_numbers_are_stretched_and_made_normal():
    uniform = uniforms(1, torch.arange(50_000), 1)[:, 0]
    stretched, normal = between(-3, 5, uniform), normals(uniform)
    assert stretched.min() >= -3
    assert stretched.max() < 5
    assert stretched.mean() == pytest.approx(1, abs=0.05)
    assert [normal.mean().item(), normal.std().item()] == pytest.approx([0, 1], abs=0.02)
    assert normals(torch.tensor([0.0, 1 - 2.0**-24])).isfinite().all()
    assert (normal < 1).float().mean() == pytest.approx(0.5 + 0.5 * math.erf(1 / math.sqrt(2)), abs=0.01)


def test_betas_of_one_are_even_and_of_one_half_follow_the_arcsine():
    uniform = torch.linspace(0, 1 - 2.0**-24, 999)
    assert torch.allclose(betas(1.0, uniform), uniform, atol=1e-6)
    assert torch.allclose(betas(0.5, uniform), torch.sin(torch.pi * uniform / 2) ** 2, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 2.0, 30.0, 1000.0])
def test_betas_have_the_moments_of_their_distribution(alpha):
    drawn = betas(alpha, (torch.arange(100_000) + 0.5) / 100_000).double()
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert drawn.mean().item() == pytest.approx(0.5, abs=1e-4)
    assert drawn.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=1e-3)
