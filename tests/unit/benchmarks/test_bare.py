"""Steps by kernels alone do the work of hand-written ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.bare import Bare
from benchmarks.material import Material
from benchmarks.workloads import WORKLOADS

STEPS = 3


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Return a few noisy images, and weights to start from."""
    folder: Path = tmp_path_factory.mktemp("material")
    generator = np.random.default_rng(0)
    np.save(folder / "inputs.npy", generator.random((600, 1, 28, 28), dtype=np.float32))
    np.save(folder / "targets.npy", generator.integers(0, 10, 600))
    sizes = ((512, 784), (512,), (10, 512), (10,))
    first, second, third, fourth = (generator.normal(0, 0.05, size).astype(np.float32) for size in sizes)
    np.savez(folder / "weights.npz", w0=first, w1=second, w2=third, w3=fourth)
    return Material(folder, {}, is_real=False)


def moved_by_hand(material: Material, order: Tensor) -> list[Tensor]:
    """Return how far autograd and torch's Adam move the weights."""
    workload = WORKLOADS["a"]
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10))
    begin = [torch.from_numpy(each) for each in material.weights()]
    for parameter, value in zip(model.parameters(), begin, strict=True):
        parameter.data = value.clone()
    optimizer = torch.optim.Adam(model.parameters(), workload.lr)
    images, classes = (torch.from_numpy(material.array(name)) for name in ("inputs", "targets"))
    for chosen in order[: STEPS * workload.batch_size].split(workload.batch_size):
        optimizer.zero_grad()
        F.cross_entropy(model(images[chosen].flatten(1)), classes[chosen]).backward()
        optimizer.step()
    return [parameter.detach() - value for parameter, value in zip(model.parameters(), begin, strict=True)]


@pytest.mark.parametrize("options", [{}, {"is_transposed": True}, {"rows": 128}])
@pytest.mark.parametrize("is_half", [False, True])
def test_weights_move_as_by_hand(material, options, is_half):
    bare = Bare(material, is_half=is_half, **options)
    for _ in range(STEPS):
        bare.step()
    first, *others = bare.weights
    ends = [first.t() if bare.is_transposed else first, *others]
    begin = [torch.from_numpy(each) for each in material.weights()]
    for end, start, expected in zip(ends, begin, moved_by_hand(material, bare.order), strict=True):
        moved = end - start
        if is_half:
            assert torch.cosine_similarity(moved.flatten(), expected.flatten(), 0) > 0.95
        else:
            assert (moved - expected).norm() < 1e-2 * expected.norm()


def test_images_may_lie_in_sixteen_bits(material):
    torch.manual_seed(0)
    plain = Bare(material, is_half=True)
    torch.manual_seed(0)
    lying = Bare(material, is_half=True, has_half_data=True)
    plain.step()
    lying.step()
    assert all(torch.equal(one, other) for one, other in zip(plain.weights, lying.weights, strict=True))
