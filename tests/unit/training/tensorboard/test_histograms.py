"""Histograms count every finite value once, as numpy does."""

import math

import numpy as np
import pytest
import torch

from dltk.training.tensorboard.histograms import NUM_BINS, histograms
from tests.unit.training.tensorboard.reading import read_back


def bins(tmp_path, tensor):
    (found,) = read_back(tmp_path, histograms("weights", {"layer.weight": tensor})).items()
    tag, (plugin, array) = found
    assert (tag, plugin) == ("weights/layer.weight", "histograms")
    assert array.shape == (NUM_BINS, 3)
    return array


def test_bins_are_those_of_numpy(tmp_path):
    values = torch.randn(40, 25, generator=torch.Generator().manual_seed(0))
    found = bins(tmp_path, values)
    counts, edges = np.histogram(values.numpy(), NUM_BINS)
    assert np.abs(found[:, 2] - counts).max() <= 1  # a value on an edge
    assert found[:, 2].sum() == 1000
    assert found[:, 0] == pytest.approx(edges[:-1], abs=1e-6)
    assert found[:, 1] == pytest.approx(edges[1:], abs=1e-6)


def test_equal_values_stand_in_the_last_bin_of_no_width(tmp_path):
    found = bins(tmp_path, torch.full((7,), 0.5))
    assert found[-1].tolist() == [0.5, 0.5, 7]
    assert found[:-1, 2].sum() == 0


def test_what_is_not_finite_is_left_out(tmp_path):
    found = bins(tmp_path, torch.tensor([0.0, math.nan, 1.0, math.inf]))
    assert found[:, 2].sum() == 2
    assert bins(tmp_path / "b", torch.tensor([math.nan]))[:, 2].sum() == 0


def test_half_precision_and_empty_tensors_are_no_problem(tmp_path):
    assert bins(tmp_path, torch.ones(3, dtype=torch.bfloat16))[-1, 2] == 3
    assert histograms("weights", {"nothing": torch.empty(0)}) == []
