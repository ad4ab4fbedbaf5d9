"""Multiply-adds, against torch's own counter of operations, which counts two for each."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from dltk.nn.multiply_adds import MultiplyAdds

IMAGES, STEPS, VECTORS = (4, 6, 12, 10), (4, 7, 8), (4, 8)
CASES = {
    "dense": (lambda: nn.Linear(8, 5), VECTORS),
    "dense without bias": (lambda: nn.Linear(8, 5, bias=False), VECTORS),
    "dense at each step": (lambda: nn.Linear(8, 5), STEPS),
    "convolution": (lambda: nn.Conv2d(6, 4, 3), IMAGES),
    "convolution with steps and padding": (lambda: nn.Conv2d(6, 4, 3, stride=2, padding=1), IMAGES),
    "convolution in groups": (lambda: nn.Conv2d(6, 4, 3, groups=2, dilation=2), IMAGES),
    "convolution of a series": (lambda: nn.Conv1d(7, 3, 2), STEPS),
    "convolution of volumes": (lambda: nn.Conv3d(2, 3, 2), (4, 2, 3, 4, 5)),
    "transposed convolution": (lambda: nn.ConvTranspose2d(6, 4, 4, stride=2, padding=1), IMAGES),
    "lstm": (lambda: nn.LSTM(8, 5, num_layers=2, batch_first=True, bidirectional=True), STEPS),
    "gru": (lambda: nn.GRU(8, 5, batch_first=True), STEPS),
    "no product": (nn.ReLU, VECTORS),
}
on_both = pytest.mark.parametrize("device", ["meta", "cpu"])


def counted(work):
    with MultiplyAdds() as own, FlopCounterMode(display=False) as reference:
        work()
    return own.total, reference.get_total_flops() / 2


@on_both
@pytest.mark.parametrize("case", CASES)
def test_a_layer_has_half_as_many_as_torch_counts_operations(case, device):
    make, shape = CASES[case]
    layer, inputs = make().to(device), torch.zeros(shape, device=device)
    own, reference = counted(lambda: layer(inputs))
    assert own == reference
    if device == "meta":  # a processor may compute a recurrent layer as a whole, which neither knows
        assert (own > 0) == (case != "no product")


@on_both
def test_attention_counts_what_its_two_products_would(device):
    query = torch.zeros(2, 3, 7, 8, device=device)
    key, value = torch.zeros(2, 3, 9, 8, device=device), torch.zeros(2, 3, 9, 8, device=device)
    expected = 2 * 3 * 7 * 9 * (8 + 8)
    own, reference = counted(lambda: F.scaled_dot_product_attention(query, key, value))
    assert own == expected
    assert reference in {expected, 0}  # torch's counter does not know the kernel of processors


def test_products_of_matrices_and_backward_passes_count():
    a, b = torch.zeros(3, 4, 5, requires_grad=True), torch.zeros(3, 5, 2, requires_grad=True)
    added = torch.zeros(3, 4, 2)
    assert counted(lambda: torch.baddbmm(added, a, b).sum().backward()) == (3 * 120, 3 * 120)
