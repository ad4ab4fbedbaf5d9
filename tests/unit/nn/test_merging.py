import pytest
import torch

from dltk.config.errors import OptionError
from dltk.nn.merging import merge, merged_shape
from dltk.nn.shapes import Shape


@pytest.mark.parametrize("sizes", [[(2,), (3,)], [(5, 2), (5, 3)], [(2, 4, 6), (3, 4, 6), (1, 4, 6)]])
def test_concat_joins_features_or_channels_and_foretells_the_shape(sizes):
    shape = merged_shape([(str(i), Shape(size)) for i, size in enumerate(sizes)], "concat", "")
    assert merge([torch.zeros(7, *size) for size in sizes], "concat").shape == (7, *shape.sizes)


def test_add_and_mul_go_value_by_value():
    a, b = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 5.0]])
    assert merge([a, b, a], "add").tolist() == [[5.0, 9.0]]
    assert merge([a, b], "mul").tolist() == [[3.0, 10.0]]
    assert merged_shape([("a", Shape((2,))), ("b", Shape((2,)))], "add", "") == Shape((2,))


def test_a_single_value_stays_as_it_is_ids_too():
    assert merged_shape([("a", Shape((8,), num_ids=5))], "concat", "") == Shape((8,), num_ids=5)


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [((2,), (3,), "add"), ((2,), (5, 2), "concat"), ((1, 4, 4), (1, 4, 5), "concat"), ((5, 2), (6, 2), "concat")],
)
def test_shapes_that_do_not_fit_are_named(first, second, how):
    with pytest.raises(OptionError) as error:
        merged_shape([("a", Shape(first)), ("b", Shape(second))], how, "nodes.c.inputs")
    assert error.value.path == ("nodes", "c", "inputs")
    assert error.value.found == f"a {first}, b {second}"


def test_ids_cannot_be_merged():
    with pytest.raises(OptionError, match="must begin with an embedding"):
        merged_shape([("a", Shape((8,), num_ids=5)), ("b", Shape((8,)))], "concat", "nodes.c.inputs")
