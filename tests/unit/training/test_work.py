"""What a step multiplies is counted below autograd, backward pass included."""

import subprocess
import sys

import torch
from torch import nn
from torch.nn import functional as F

from dltk.training.work import watched


def test_forward_and_backward_products_of_dense_layers():
    model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    with watched() as work:
        model(torch.ones(4, 3)).sum().backward()
    first, second = 4 * 3 * 5, 4 * 5 * 2
    assert work.products == 5  # the inputs need no gradient
    assert work.multiply_adds == 2 * first + 3 * second
    assert work.mean_product == work.multiply_adds / 5
    assert work.scores == 0


def test_a_batch_of_products_is_one():
    with watched() as work:
        torch.bmm(torch.ones(6, 4, 3), torch.ones(6, 3, 5))
    assert (work.products, work.multiply_adds) == (1, 6 * 4 * 3 * 5)


def test_the_scores_of_an_attention():
    q = torch.randn(2, 3, 7, 8, requires_grad=True)
    with watched() as work:
        F.scaled_dot_product_attention(q, q, q).sum().backward()
    assert work.scores == 2 * 3 * 7 * 7


def test_nothing_multiplied():
    with watched() as work:
        torch.ones(3).exp()
    assert (work.products, work.mean_product) == (0, 0.0)


def test_watching_imports_no_compiler():
    code = "import sys, torch; from dltk.training.work import watched\nx = torch.ones(2, 2)\nwith watched(): x @ x\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}print('torch._dynamo' in sys.modules)"],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
