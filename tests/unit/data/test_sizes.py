import pytest

from dltk.config.errors import OptionError
from dltk.data.sizes import num_ids, num_outputs, output_sizes
from dltk.data.specs import Classes, Ids, Masks, Numbers, Spec, Tokens, Vector


@pytest.mark.parametrize(
    ("target", "width"),
    [
        (Classes(("no", "yes")), 1),
        (Classes(("no", "yes"), multi_label=True), 2),
        (Classes(("a", "b", "c")), 3),
        (Numbers(("x", "y")), 2),
    ],
)
def test_two_classes_have_one_output_all_else_one_each(target, width):
    assert num_outputs(target) == width


def test_every_target_has_its_own_width():
    spec = Spec({"x": Vector(2)}, {"a": Numbers(("n",)), "b": Classes(("p", "q", "r"))})
    assert output_sizes(spec) == {"a": 1, "b": 3}


def test_a_target_that_is_no_vector_is_refused_by_its_word():
    with pytest.raises(OptionError, match="the data's target is masks"):
        output_sizes(Spec({"x": Vector(2)}, {"a": Masks(("p",))}))


def test_only_tokens_and_ids_have_ids():
    assert [num_ids(modality) for modality in (Vector(2), Ids(9), Tokens(("a", "b"), 5))] == [None, 9, 2]
