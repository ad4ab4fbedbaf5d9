"""A convolution in one with its pool gives what both give one after the other."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from dltk.nn.folding import FEWEST_PIXELS, MOST_CHANNELS, MOST_FILTERS, fold_pools, has_foldable, is_foldable, pooled

POOL = nn.MaxPool2d(2)


@pytest.fixture(autouse=True)
def folding() -> Iterator[None]:
    fold_pools(on=True)
    yield
    fold_pools(on=False)


def is_folded(outputs: Tensor) -> bool:
    """Walk from what a pass gave back to where it began."""
    left, names = [outputs.grad_fn], []
    while left:
        node = left.pop()
        if node is not None:
            names.append(type(node).__name__)
            left += [each for each, _ in node.next_functions]
    return any("Folded" in name for name in names)


def learned(convolution: nn.Conv2d, x: Tensor, *, on: bool) -> list[Tensor]:
    """Return what remains of a convolution, and all gradients of it under some gradient."""
    fold_pools(on=on)
    x = x.clone().requires_grad_()
    outputs = pooled(convolution, POOL, x)
    assert is_folded(outputs) == on
    rising = torch.arange(outputs.numel(), dtype=torch.float32).view(outputs.shape) % 7 - 3
    return [outputs, *torch.autograd.grad(outputs, [x, *convolution.parameters()], rising)]


SHAPES = [
    (1, 6, 5, 2, True, 28, 28),
    (3, 6, 5, 0, True, 28, 28),
    (1, 7, 3, 1, False, 31, 26),
    (2, 1, (3, 5), (1, 0), True, 29, 33),
    (1, 2, 2, 0, True, 40, 27),
    (3, 4, 1, 0, False, 27, 27),
]


@pytest.mark.parametrize(("channels", "filters", "kernel", "padding", "bias", "height", "width"), SHAPES)
def test_whole_numbers_come_out_the_same_with_ties_as_the_first(
    channels, filters, kernel, padding, bias, height, width
):
    generator = torch.Generator().manual_seed(0)
    convolution = nn.Conv2d(channels, filters, kernel, padding=padding, bias=bias)
    with torch.no_grad():
        for parameter in convolution.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape, generator=generator))
    x = torch.randint(-1, 2, (32, channels, height, width), generator=generator).float()
    x[:8, :, 5:20] = 0
    together, apart = learned(convolution, x, on=True), learned(convolution, x, on=False)
    assert [each.shape for each in together] == [each.shape for each in apart]
    assert all(torch.equal(first, second) for first, second in zip(together, apart, strict=True))


@pytest.mark.parametrize(("channels", "filters", "kernel", "padding", "bias", "height", "width"), SHAPES)
def test_other_numbers_differ_by_rounding_alone(channels, filters, kernel, padding, bias, height, width):
    torch.manual_seed(0)
    convolution = nn.Conv2d(channels, filters, kernel, padding=padding, bias=bias).to(memory_format=torch.channels_last)
    x = torch.rand(64, channels, height, width)
    for first, second in zip(learned(convolution, x, on=True), learned(convolution, x, on=False), strict=True):
        assert (first - second).norm() <= 1e-5 * second.norm()


def test_what_is_frozen_gets_no_gradient():
    convolution = nn.Conv2d(1, 6, 5)
    convolution.weight.requires_grad = False
    outputs = pooled(convolution, POOL, torch.rand(32, 1, 28, 28))
    assert is_folded(outputs)
    outputs.sum().backward()
    assert convolution.weight.grad is None
    assert convolution.bias is not None
    assert convolution.bias.grad is not None
    torch.testing.assert_close(convolution.bias.grad, torch.full((6,), 32.0 * 12 * 12))


def test_only_a_large_pass_that_is_learned_from_is_folded():
    convolution = nn.Conv2d(1, 6, 5)
    x = torch.rand(FEWEST_PIXELS // 784 + 1, 1, 28, 28)
    assert is_folded(pooled(convolution, POOL, x))
    assert not is_folded(pooled(convolution, POOL, x[:-1]))
    with torch.no_grad():
        assert torch.equal(pooled(convolution, POOL, x), POOL(convolution(x)))
    assert not is_folded(pooled(convolution.eval(), POOL, x))
    assert not is_folded(pooled(nn.Conv2d(1, 6, 5).double(), POOL, x.double()))
    fold_pools(on=False)
    assert not is_folded(pooled(convolution.train(), POOL, x))


@pytest.mark.parametrize(
    ("convolution", "pool"),
    [
        (nn.Conv2d(1, MOST_FILTERS + 1, 5), POOL),
        (nn.Conv2d(MOST_CHANNELS + 1, 6, 5), POOL),
        (nn.Conv2d(1, 6, 5, stride=2), POOL),
        (nn.Conv2d(1, 6, 5, dilation=2), POOL),
        (nn.Conv2d(1, 6, 5, padding="same"), POOL),
        (nn.Conv2d(1, 6, 5, padding=1, padding_mode="circular"), POOL),
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(3)),
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2, 1)),
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2, padding=1)),
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2, ceil_mode=True)),
        (nn.Conv2d(1, 6, 5), nn.AvgPool2d(2)),
    ],
)
def test_other_layers_are_called_one_after_the_other(convolution, pool):
    assert not is_foldable(convolution, pool)
    x = torch.rand(32, convolution.in_channels, 28, 28)
    assert torch.equal(pooled(convolution, pool, x), pool(convolution(x)))


def test_who_watches_a_layer_sees_what_it_would_give_and_changes_nothing():
    torch.manual_seed(0)
    convolution, seen = nn.Conv2d(1, 6, 5), []
    x = torch.rand(32, 1, 28, 28)
    alone = learned(convolution, x, on=True)
    convolution.register_forward_hook(lambda *passed: seen.append(passed[-1].shape))
    watched = learned(convolution, x, on=True)
    assert seen == [(32, 6, 24, 24)]
    assert all(torch.equal(first, second) for first, second in zip(alone, watched, strict=True))


def test_a_model_that_pools_otherwise_has_nothing_to_fold():
    assert not has_foldable(nn.Sequential(nn.Conv2d(1, 6, 5), POOL))
