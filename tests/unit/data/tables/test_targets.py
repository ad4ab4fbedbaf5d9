"""Targets of tables: their kind, what is fitted, how they are encoded."""

from __future__ import annotations

import pytest
import torch
from sklearn.preprocessing import StandardScaler

from dltk.config.errors import DataError, OptionError
from dltk.data.samples import Columns
from dltk.data.specs import Classes, Numbers
from dltk.data.tables.targets import ClassTarget, LabelTarget, decide_kind, fit_target, restore_target

ROWS = Columns({"x": [""] * 99}, {}, [f"row {i}" for i in range(1, 100)])


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["0", "1", "1", "0"], "classes"),
        (["yes", "no", "no"], "classes"),
        (["1", "2", "x", "x"], "classes"),
        (["1.0", "2.0", "1.0", "2.0"], "classes"),
        (["1", "2", "3", "3"], "numbers"),
        (["1.5", "1.5", "2", "2"], "numbers"),
        ([str(i // 2) for i in range(42)], "numbers"),
        ([str(i // 2) for i in range(40)], "classes"),
    ],
)
def test_the_kind_follows_the_values(cells, kind):
    assert decide_kind("auto", {"y": cells}) == kind


def test_several_columns_are_numbers_unless_labels_are_asked_for():
    columns = {"y": ["0", "1"], "z": ["1", "0"]}
    assert decide_kind("auto", columns) == "numbers"
    assert decide_kind("labels", columns) == "labels"
    with pytest.raises(OptionError, match="several targets; found classes"):
        decide_kind("classes", columns)


@pytest.mark.parametrize("kind", ["auto", "numbers", "labels"])
def test_a_column_of_text_is_learned_alone(kind):
    with pytest.raises(OptionError, match=r"'z' is text \(such as 'red'\)") as caught:
        decide_kind(kind, {"y": ["0", "1"], "z": ["red", "blue"]})
    assert caught.value.path == ("target",)
    assert decide_kind(kind, {"y": ["0", "1"], "z": ["1", "?"]}) != "classes"  # one wrong cell is told by its row


def test_a_column_of_names_is_no_target():
    with pytest.raises(OptionError, match="30 different values in 30 rows") as caught:
        decide_kind("auto", {"name": [f"Mr {i}" for i in range(30)]})
    assert caught.value.path == ("target",)


@pytest.mark.parametrize("cells", [["a", "a"], ["1", "1"]])
def test_a_target_with_one_value_is_refused(cells):
    with pytest.raises(DataError, match="only one value"):
        decide_kind("auto", {"y": cells})


def test_classes_are_sorted_and_numbered():
    target = fit_target("classes", {"y": ["10", "9", "10"]}, ROWS)
    assert target.spec == Classes(("9", "10"))
    assert target.encode({"y": ["10", "9"]}, ROWS).tolist() == [1, 0]
    assert target.encode({"y": ["9"]}, ROWS).dtype == torch.int64


def test_a_class_that_training_rows_lack_is_refused_with_row_and_value():
    with pytest.raises(DataError) as caught:
        ClassTarget("y", ("a", "b")).encode({"y": ["a", "c", "b", "d"]}, ROWS)
    assert [problem.found for problem in caught.value.problems] == ["'c'", "'d'"]
    assert "y: row 4: a value is a class" in str(caught.value)
    assert caught.value.code == 65


def test_numbers_stay_in_their_own_units_beside_mean_and_deviation():
    columns = {"y": ["1", "2", "6"], "z": ["5", "5", "5"]}
    target = fit_target("numbers", columns, ROWS)
    reference = StandardScaler().fit([[1, 5], [2, 5], [6, 5]])
    assert target.name == "targets"
    assert isinstance(target.spec, Numbers)
    assert target.spec.means == pytest.approx(reference.mean_)
    assert target.spec.scales == pytest.approx(reference.scale_)
    encoded = target.encode(columns, ROWS)
    assert encoded.dtype == torch.float32
    assert encoded.tolist() == [[1, 5], [2, 5], [6, 5]]


def test_a_number_target_with_text_is_refused_with_its_rows():
    with pytest.raises(DataError, match="not a finite number") as caught:
        fit_target("numbers", {"y": ["1", "x", "inf"]}, ROWS)
    assert "y: row 2: a value is not a finite number [DLTK-DATA-CELL]\n  found: 'x'" in str(caught.value)
    assert "y: row 3: a value is not a finite number [DLTK-DATA-CELL]\n  found: 'inf'" in str(caught.value)


@pytest.mark.parametrize("kind", ["numbers", "labels"])
def test_a_missing_target_is_never_encoded(kind):
    with pytest.raises(DataError, match="missing"):
        fit_target(kind, {"y": ["1", None]}, ROWS)


def test_labels_are_zeros_and_ones():
    target = fit_target("labels", {"y": ["0", "1"], "z": ["1.0", "1"]}, ROWS)
    assert target.spec == Classes(("y", "z"), multi_label=True)
    assert target.encode({"y": ["0"], "z": ["1"]}, ROWS).tolist() == [[0.0, 1.0]]


def test_a_label_that_is_neither_zero_nor_one_is_refused():
    with pytest.raises(DataError, match="neither 0 nor 1") as caught:
        LabelTarget(("y", "z")).encode({"y": ["0", "1"], "z": ["2", "1"]}, ROWS)
    assert "z: row 1: a value of a label is neither 0 nor 1 [DLTK-DATA-CELL]\n  found: '2'" in str(caught.value)


@pytest.mark.parametrize("kind", ["classes", "numbers", "labels"])
def test_a_target_comes_back_from_its_state(kind):
    target = fit_target(kind, {"y": ["0", "1", "1"]}, ROWS)
    assert restore_target(target.state()) == target
    assert target.name == "y"


def test_a_target_with_commas_between_thousands_says_what_to_set():
    with pytest.raises(OptionError, match='neither numbers nor classes; set thousands: ","'):
        decide_kind("auto", {"price": [f"{i},000" for i in range(1, 50)]})
