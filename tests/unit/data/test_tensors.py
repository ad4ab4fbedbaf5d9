"""TensorPreparation: scaling by the training samples, refusals, and what a stored one gives back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from dltk.config.errors import DataError
from dltk.data.batches import Loading
from dltk.data.samples import Columns
from dltk.data.specs import (
    Boxes,
    Classes,
    Column,
    Ids,
    Image,
    Masks,
    Modality,
    Nothing,
    Numbers,
    Series,
    Spec,
    Table,
    Target,
    Tokens,
    Vector,
)
from dltk.data.tensors import TensorPreparation
from dltk.training.saving.storage import read_tree, write_directory

SPEC = Spec({"x": Vector(3)}, {"y": Classes(("a", "b"))})
TRAIN = Columns(
    {"x": torch.tensor([[1.0, 10.0, 5.0], [2.0, 30.0, 5.0], [6.0, 20.0, 5.0]])}, {"y": torch.tensor([0, 1, 1])}
)
EVERY_INPUT: dict[str, Modality] = {
    "image": Image(1, 2, 2),
    "table": Table((Column("age"), Column("city", ("Bonn", "Ulm"), 3))),
    "vector": Vector(2),
    "tokens": Tokens(("a", "b"), 4),
    "series": Series(5, ("load", "price")),
    "ids": Ids(7),
}
EVERY_TARGET: tuple[Target, ...] = (
    Classes(("a", "b"), multi_label=True),
    Numbers(("price",), ("EUR",), (1.5,), (2.5,)),
    Boxes(("cat",)),
    Masks(("sky", "road"), ignore=255),
    Tokens(("a", "b")),
    Nothing(),
)


def no_files(path: str) -> Columns:
    raise AssertionError(path)


def test_features_are_scaled_as_scikit_learn_does() -> None:
    preparation = TensorPreparation.fit(SPEC, TRAIN, no_files)
    unseen = Columns({"x": torch.tensor([[3.0, 0.0, 6.0]])}, {})
    expected = StandardScaler().fit(TRAIN.inputs["x"].numpy()).transform(unseen.inputs["x"].numpy())
    inputs = preparation.parse(unseen, Loading()).whole().inputs
    assert isinstance(inputs, torch.Tensor)
    assert inputs.dtype == torch.float32
    np.testing.assert_allclose(inputs.numpy(), expected, rtol=1e-6)


def test_features_of_a_series_are_scaled_over_samples_and_time() -> None:
    series = torch.randn(4, 5, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 0.1]) + 7
    spec = Spec({"s": Series(5, ("load", "price"))}, {})
    samples = Columns({"s": series}, {})
    scaled = TensorPreparation.fit(spec, samples, no_files).parse(samples, Loading()).whole().inputs
    assert isinstance(scaled, torch.Tensor)
    torch.testing.assert_close(scaled.mean((0, 1)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std((0, 1), correction=0), torch.ones(2))


def test_images_tokens_and_ids_stay_as_they_are() -> None:
    spec = Spec({name: EVERY_INPUT[name] for name in ("image", "tokens", "ids")}, {})
    inputs = {"image": torch.rand(3, 1, 2, 2), "tokens": torch.ones(3, 4).long(), "ids": torch.tensor([6, 0, 1])}
    samples = Columns(inputs, {})
    batch = TensorPreparation.fit(spec, samples, no_files).parse(samples, Loading()).whole()
    assert isinstance(batch.inputs, dict)
    assert all(torch.equal(batch.inputs[name], column) for name, column in inputs.items())


def test_numbers_stay_in_their_units_and_the_spec_gets_their_scale() -> None:
    spec = Spec({"x": Vector(3)}, {"price": Numbers(("price",))})
    prices = torch.tensor([[10.0], [20.0], [60.0]])
    samples = Columns(TRAIN.inputs, {"price": prices})
    preparation = TensorPreparation.fit(spec, samples, no_files)
    target = preparation.spec.target
    assert isinstance(target, Numbers)
    assert target.means == (30.0,)
    assert target.scales == pytest.approx((np.std([10, 20, 60]),))
    targets = preparation.parse(samples, Loading()).whole().targets
    assert isinstance(targets, torch.Tensor)
    assert torch.equal(targets, prices)


def test_a_stored_preparation_gives_the_same_batches(tmp_path: Path) -> None:
    fitted = TensorPreparation.fit(SPEC, TRAIN, no_files)
    write_directory(tmp_path / "preparation", {"preparation": fitted.state()}, {})
    restored = TensorPreparation.restore(read_tree(tmp_path / "preparation", "preparation"), no_files)
    assert restored.spec == fitted.spec
    again, before = (one.parse(TRAIN, Loading()).whole().inputs for one in (restored, fitted))
    assert isinstance(again, torch.Tensor)
    assert isinstance(before, torch.Tensor)
    assert torch.equal(again, before)


@pytest.mark.parametrize("target", EVERY_TARGET, ids=lambda target: type(target).__name__)
def test_every_kind_of_input_and_target_is_stored_whole(target: Target, tmp_path: Path) -> None:
    spec = Spec(EVERY_INPUT, {"target": target})
    write_directory(tmp_path / "p", {"p": TensorPreparation(spec, no_files, {}).state()}, {})
    assert TensorPreparation.restore(read_tree(tmp_path / "p", "p"), no_files).spec == spec


def test_several_files_are_opened_in_order_and_named_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"in/one": Columns({"x": torch.ones(1, 3)}, {"y": torch.tensor([0])}), "two": TRAIN}
    Path("in").mkdir()
    for name in files:
        Path(name).touch()
    opened = TensorPreparation(SPEC, files.__getitem__, {}).open(["in/one", "two"])
    assert opened.names == ["one 0", "two 0", "two 1", "two 2"]
    assert opened.targets == {}
    assert torch.equal(opened.inputs["x"], torch.cat([torch.ones(1, 3), TRAIN.inputs["x"]]))
    assert TensorPreparation(SPEC, files.__getitem__, {}).open(["two"]).names == ["0", "1", "2"]


def test_a_sample_that_is_not_finite_is_invalid() -> None:
    samples = Columns({"x": torch.tensor([[1.0, 2, 3], [1, float("nan"), 3], [float("inf"), 2, 3]])}, {})
    assert TensorPreparation(SPEC, no_files, {}).statuses(samples) == ["ok", "invalid", "invalid"]
    boxes = Columns({"x": [torch.ones(2, 4), torch.full((1, 4), float("nan"))]}, {})
    assert TensorPreparation(SPEC, no_files, {}).statuses(boxes) == ["ok", "invalid"]


def test_the_reason_names_the_inputs_that_are_not_finite() -> None:
    wrong, right = torch.full((1, 2), float("inf")), torch.ones(1, 2)
    preparation = TensorPreparation(SPEC, no_files, {})
    assert preparation.reasons(Columns({"x": wrong, "y": right}, {})) == ["numbers that are not finite in 'x'"]
    assert preparation.reasons(Columns({"x": [wrong], "y": [wrong]}, {})) == ["numbers that are not finite in 'x', 'y'"]


def test_training_numbers_that_are_not_finite_are_refused_with_their_sample() -> None:
    wrong = Columns({"x": torch.tensor([[1.0, 2, 3], [1, float("nan"), 3]])}, {}, ["first", "second"])
    with pytest.raises(DataError, match="'x' has numbers that are not finite") as caught:
        TensorPreparation.fit(SPEC, wrong, no_files)
    assert caught.value.where == "sample second"


@pytest.mark.parametrize("column", [torch.ones(3, 4), torch.ones(3, 3).long(), torch.empty(0)])
def test_a_column_that_is_not_as_described_is_refused(column: torch.Tensor) -> None:
    with pytest.raises(DataError, match="'x' is not as the data set describes it") as caught:
        TensorPreparation(SPEC, no_files, {}).parse(Columns({"x": column}, {}), Loading())
    assert caught.value.expected == "float32 (samples, 3)"


def test_lists_of_tensors_have_sizes_of_their_own() -> None:
    spec = Spec({"image": Image(1, 2, 2)}, {"boxes": Boxes(("cat",))})
    samples = Columns({"image": torch.rand(2, 1, 2, 2)}, {"boxes": [torch.ones(3, 5), torch.ones(0, 5)]})
    targets = TensorPreparation.fit(spec, samples, no_files).parse(samples, Loading()).whole().targets
    assert isinstance(targets, list)
    assert [len(boxes) for boxes in targets] == [3, 0]
