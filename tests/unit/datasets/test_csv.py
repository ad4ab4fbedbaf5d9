"""A user's own table as data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from dltk.config.errors import DataError, MissingInput, OptionError
from dltk.config.sections import DataOptions
from dltk.data.batches import Loading
from dltk.data.specs import Classes, Numbers
from dltk.data.splits import split_parts
from dltk.data.tables import TABLE
from dltk.datasets import csv

ROWS = (
    "id,age,city,price,ill\n1,20,Seoul,1.5,no\n2,,Busan,2.5,yes\n3,40,Seoul,,yes\n4,50,Busan,4.5,\n5,60,Seoul,5.5,no\n"
)
TITANIC = Path(os.environ.get("DLTK_DATA", "")) / "tabular-small" / "titanic.csv"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text(ROWS)
    return path


def test_text_is_classes_and_splits_are_balanced_by_it(table):
    config = _config(table, target="ill", drop=["id"])
    spec: Any = csv.describe(config)
    train = csv.read(config).parts["train"]
    assert [column.name for column in spec.input.columns] == ["age", "city", "price"]
    assert spec.targets == {"ill": Classes(("no", "yes"))}
    assert train.labels() == ["no", "yes", "yes", "no"]


def test_numbers_are_numbers_and_splits_are_not_balanced(table):
    config = _config(table, target="price", drop=["id", "ill"])
    train = csv.read(config).parts["train"]
    assert csv.describe(config).targets == {"price": Numbers(("price",))}
    assert train.labels() is None
    target: Any = csv.prepare(config, train).spec.target
    assert target.means == (3.5,)


def test_several_columns_are_one_target_of_numbers(table):
    config = _config(table, target=["price", "id"])
    batch: Any = csv.prepare(config, (train := csv.read(config).parts["train"])).parse(train, Loading()).whole()
    assert csv.describe(config).target == Numbers(("price", "id"))
    assert batch.targets.tolist() == [[1.5, 1], [2.5, 2], [4.5, 4], [5.5, 5]]


def test_columns_of_labels_are_several_classes_at_once(tmp_path):
    (tmp_path / "films.csv").write_text("length,war,love\n90,0,1\n100,1,1\n")
    config = _config(tmp_path / "films.csv", target=["war", "love"], target_kind="labels")
    train = csv.read(config).parts["train"]
    assert csv.describe(config).target == Classes(("war", "love"), multi_label=True)
    batch: Any = csv.prepare(config, train).parse(train, Loading()).whole()
    assert batch.targets.tolist() == [[0, 1], [1, 1]]


def test_rows_without_a_target_are_left_out_counted_and_the_others_keep_their_names(table):
    source = csv.read(_config(table, target="price"))
    assert source.parts["train"].names == ["row 1", "row 2", "row 4", "row 5"]
    assert "patients.csv: 1 of 5 rows have no target and are left out" in source.notes


def test_the_notes_say_what_was_decided(table):
    notes = csv.read(_config(table, target="ill")).notes
    assert notes[1:] == ("the target is classes: ill", "numbers: id, age, price", "categories: city")


def test_almost_a_column_of_numbers_is_pointed_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "1.5,u\n2.5,v\n" * 5 + "none,u\n")
    assert "column a has 1 cells that are no number (such as 'none') among 11" in csv.read(_config(path)).notes[1]


def test_more_categories_than_are_kept_are_pointed_out(table):
    notes = csv.read(_config(table, target="ill", categories=["id"], max_categories=3)).notes
    assert "column id has 4 different values" in notes[2]


def test_an_empty_column_is_pointed_out(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,y\n1,,u\n2,,v\n")
    assert "column b is empty; drop it" in csv.read(_config(tmp_path / "t.csv")).notes


def test_an_official_test_file_is_the_test_part_with_columns_found_by_name(table, tmp_path):
    (tmp_path / "test.csv").write_text("ill,price,city,age\nno,1,Rome,30\n,2,Seoul,40\n")
    config = _config(table, target="ill", drop=["id"], test_path=str(tmp_path / "test.csv"))
    source = csv.read(config)
    assert list(source.parts["test"].inputs[TABLE]) == ["age", "city", "price"]
    assert source.parts["test"].names == ["test.csv row 1"]
    assert "test.csv: 1 of 2 rows have no target and are left out" in source.notes


def test_a_class_that_only_the_test_file_has_is_refused_with_its_row(table, tmp_path):
    (tmp_path / "test.csv").write_text("id,age,city,price,ill\n9,1,Seoul,2,no.\n")
    config = _config(table, target="ill", test_path=str(tmp_path / "test.csv"))
    source = csv.read(config)
    with pytest.raises(DataError, match="no training row has") as caught:
        csv.prepare(config, source.parts["train"]).parse(source.parts["test"], Loading())
    assert "test.csv row 1, column 'ill': 'no.'" in caught.value.found


def test_a_test_file_that_lacks_columns_is_refused(table, tmp_path):
    (tmp_path / "test.csv").write_text("age,ill\n1,no\n")
    with pytest.raises(DataError) as caught:
        csv.read(_config(table, target="ill", test_path=str(tmp_path / "test.csv")))
    assert caught.value.expected == "city, id, price"


def test_a_missing_file_is_named_by_its_absolute_path(table, tmp_path):
    for options in ({"path": str(tmp_path / "no.csv")}, {"path": str(table), "test_path": str(tmp_path / "no.csv")}):
        with pytest.raises(MissingInput) as caught:
            csv.describe(csv.Config.parse({"target": "ill", **options}))
        assert caught.value.where == str(tmp_path / "no.csv")


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        ({"target": "il"}, ("target",), "did you mean 'ill'"),
        ({"target": ["price", "ages"]}, ("target", 1), "did you mean 'age'"),
        ({"target": ["price", "price"]}, ("target",), "different columns"),
        ({"target": "ill", "drop": ["citi"]}, ("drop", 0), "did you mean 'city'"),
        ({"target": "ill", "drop": ["id", "ill"]}, ("drop", 1), "is the target"),
        ({"target": "ill", "categories": ["town"]}, ("categories", 0), "the table has age, city, id, ill, price"),
        ({"target": "ill", "drop": ["id", "age", "city", "price"]}, ("drop",), "no column to learn from"),
        ({"target": ["ill", "price"], "target_kind": "classes"}, ("target_kind",), "several targets"),
        ({"target": "ill", "encoding": "utf-99"}, ("encoding",), "no text encoding"),
    ],
)
def test_an_option_that_does_not_fit_the_table_is_refused(table, options, path, message):
    with pytest.raises(OptionError, match=message) as caught:
        csv.describe(_config(table, **options))
    assert caught.value.path == path


def test_a_target_without_any_value_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n1,\n2,?\n")
    with pytest.raises(DataError, match="no row has a value"):
        csv.describe(_config(tmp_path / "t.csv"))


def test_rows_kept_aside_change_nothing_that_was_fitted(tmp_path):
    lines = [f"{i},{'abc'[i % 3]},{i % 2}" for i in range(100)]
    path = tmp_path / "t.csv"
    states = []
    for disturbed in ((), ("val", "test")):
        path.write_text("\n".join(["a,b,y", *lines]))
        config = _config(path)
        source = csv.read(config)
        parts, _ = split_parts(source, DataOptions())
        for part in disturbed:
            for name in parts[part].names:
                i = int(name.removeprefix("row ")) - 1
                lines[i] = f"text{i},new,{i % 2}"
        path.write_text("\n".join(["a,b,y", *lines]))
        parts, _ = split_parts(csv.read(config), DataOptions())
        states.append(csv.prepare(config, parts["train"]).state())
    assert "text" in path.read_text()
    assert states[0] == states[1]


def test_a_preparation_comes_back_without_the_file(table):
    config = _config(table, target="ill", missing=["-"])
    prepared: Any = csv.prepare(config, csv.read(config).parts["train"])
    table.unlink()
    assert csv.restore(config, prepared.state()) == prepared
    assert prepared.written.missing == ("-",)


@pytest.mark.skipif(not TITANIC.is_file(), reason="needs tabular-small/titanic.csv in $DLTK_DATA")
def test_titanic_is_891_passengers_with_numbers_categories_and_missing_cells():
    config = _config(TITANIC, target="survived", drop=["alive", "class", "who", "adult_male"])
    train = csv.read(config).parts["train"]
    prepared: Any = csv.prepare(config, train)
    batch: Any = prepared.parse(train, Loading()).whole()
    widths = {column.name: column.size for column in prepared.spec.input.columns}
    assert batch.inputs.shape == (891, sum(widths.values()))
    assert torch.isfinite(batch.inputs).all()
    assert batch.targets.sum() == 342  # survivors among the 891
    numbers = {"pclass": 1, "sex": 3, "age": 2, "sibsp": 1, "parch": 1, "fare": 1}
    assert widths == numbers | {"embarked": 4, "deck": 8, "embark_town": 4, "alone": 3}
    assert prepared.statuses(train).count("ok") == 182  # rows without an empty cell, as pandas.dropna counts them


def _config(path: Path, **options: Any) -> csv.Config:
    return csv.Config.parse({"path": str(path), "target": "y", **options})


def test_categories_of_which_nearly_every_row_has_its_own_are_pointed_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;y\n" + "".join(f"{i},5;{'uv'[i % 2]}\n" for i in range(20)))
    notes = csv.read(_config(path)).notes
    assert any("column a is read as categories" in note and "a decimal point" in note for note in notes)
    path.write_text("a;y\n" + "".join(f"{'pqr'[i % 3]};{'uv'[i % 2]}\n" for i in range(20)))
    assert not any("read as categories" in note for note in csv.read(_config(path)).notes)
