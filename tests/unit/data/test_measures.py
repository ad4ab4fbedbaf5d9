import pytest
import torch

from dltk.data.fields import Ragged
from dltk.data.measures import Balance, Identities, Lengths, Objects, Values, distribution, measure_of
from dltk.data.specs import Bag, Boxes, Classes, Ids, Image, Masks, Numbers, Tokens, Vector


def test_values_in_batches_have_the_range_mean_and_deviation_of_all():
    numbers = torch.randn(50, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    measure = Values(["r", "g", "b"])
    for batch in numbers.split(20):
        measure.add(batch)
    facts = measure.facts()
    assert list(facts) == ["r", "g", "b"]
    green = numbers[:, 1].double()
    assert facts["g"]["min"] == pytest.approx(float(green.min()))
    assert facts["g"]["max"] == pytest.approx(float(green.max()))
    assert facts["g"]["mean"] == pytest.approx(float(green.mean()))
    assert facts["g"]["deviation"] == pytest.approx(float(green.std(correction=0)))


def test_a_small_deviation_about_a_large_mean_is_not_lost():
    years = 2000 + torch.rand(1000, 1, generator=torch.Generator().manual_seed(0))
    measure = Values(["all"])
    for batch in years.split(64):
        measure.add(batch)
    facts = measure.facts()["all"]
    assert facts["mean"] == pytest.approx(float(years.double().mean()), rel=1e-7)
    assert facts["deviation"] == pytest.approx(float(years.double().std(correction=0)), rel=1e-3)


def test_values_without_features_are_one():
    measure = Values(["all"])
    measure.add(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
    assert measure.facts()["all"] == {"min": 1.0, "max": 6.0, "mean": 3.0, "deviation": pytest.approx(3.5**0.5)}


def test_lengths_do_not_count_padding_and_unknown_tokens_are_a_share():
    measure = Lengths(("<pad>", "<unk>", "a"))
    measure.add(torch.tensor([[2, 1, 0, 0], [2, 2, 2, 1]]))
    facts = measure.facts()
    assert (facts["length"]["min"], facts["length"]["max"]) == (2, 4)
    assert facts["unknown_share"] == pytest.approx(2 / 6)


def test_lengths_of_ragged_sequences_and_of_lists():
    for field in (Ragged.of([[5], [5, 6, 7]]), [torch.tensor([5]), torch.tensor([5, 6, 7])]):
        measure = Lengths(())
        measure.add(field)
        assert measure.facts() == {"length": {"min": 1, "median": 3, "95 %": 3, "max": 3, "mean": 2.0}}


def test_balance_counts_classes_labels_and_pixels():
    single, multiple, pixels = Balance("ab"), Balance("ab"), Balance("ab")
    single.add(torch.tensor([0, 1, 1]))
    multiple.add(torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
    pixels.add(torch.tensor([[[0, 0], [1, 255]]]))
    assert (single.facts(), multiple.facts(), pixels.facts()) == ({"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 2, "b": 1})


def test_objects_are_counted_by_class_and_image():
    measure = Objects("ab")
    measure.add([torch.tensor([[0, 0, 1, 1, 1.0], [0, 0, 1, 1, 0.0]]), torch.zeros(0, 5)])
    facts = measure.facts()
    assert (facts["a"], facts["b"]) == (1, 1)
    assert facts["objects per image"]["max"] == 2
    assert facts["objects per image"]["min"] == 0


def test_different_ids_are_counted_once():
    measure = Identities()
    measure.add(torch.tensor([3, 3]))
    measure.add(torch.tensor([4, 3]))
    assert measure.facts() == {"different": 2}


@pytest.mark.parametrize(
    ("kind", "measure"),
    [
        (Image(3, 2, 2), Values), (Vector(3), Values), (Numbers(("x",)), Values), (Tokens(("a",)), Lengths),
        (Bag(9), Lengths), (Ids(9), Identities), (Classes(("a", "b")), Balance), (Masks(("a",)), Balance),
        (Boxes(("a",)), Objects),
    ],
)  # fmt: skip
def test_every_kind_has_its_measure(kind, measure):
    assert isinstance(measure_of(kind), measure)


def test_nothing_has_no_distribution():
    assert distribution(torch.tensor([])) == {}
