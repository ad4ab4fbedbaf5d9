"""Statistics of pixels are those of all samples at once, however they came."""

import pytest
import torch

from dltk.metrics.pixels import PixelStatistics, pixel_distances


def statistics(*parts):
    result = PixelStatistics()
    for part in parts:
        result.add(part)
    return result


def test_means_and_deviations_do_not_depend_on_the_batches():
    samples = torch.rand(50, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    parts = statistics(samples[:7], samples[7:20], samples[20:])
    torch.testing.assert_close(parts.means, samples.double().mean(0))
    torch.testing.assert_close(parts.deviations, samples.double().std(0, correction=0))


def test_equal_samples_are_at_distance_zero():
    samples = torch.rand(9, 3)
    assert set(pixel_distances(statistics(samples), statistics(samples)).values()) == {0.0}


def test_the_distance_joins_those_of_means_and_deviations():
    real, generated = torch.tensor([[0.0], [2.0]]), torch.tensor([[4.0], [4.0]])
    distances = pixel_distances(statistics(real), statistics(generated))
    assert distances == pytest.approx({"mean_distance": 3.0, "deviation_distance": 1.0, "pixel_distance": 10**0.5})
