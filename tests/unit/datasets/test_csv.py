"""A user's own table as data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from dltk.config.errors import DataError, MissingInput, OptionError
from dltk.config.sections import DataOptions
from dltk.config.settings import SettingsError
from dltk.data.batches import Loading
from dltk.data.specs import Classes, Numbers
from dltk.data.splits import split_parts
from dltk.data.tables.preparation import TABLE
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
    assert list(train.labels() or ()) == ["no", "yes", "yes", "no"]


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
    assert list(source.parts["train"].names) == ["row 1", "row 2", "row 4", "row 5"]
    assert "patients.csv: 1 of 5 rows have no target and are left out" in source.notes


def test_the_notes_say_what_was_decided(table):
    notes = csv.read(_config(table, target="ill")).notes
    assert notes[1:] == ("the target is classes: ill", "numbers: id, age, price", "categories: city")


def test_almost_a_column_of_numbers_is_pointed_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "1.5,u\n2.5,v\n" * 5 + "none,u\n")
    assert "column a has 1 cell that is no number (such as 'none') among 11" in csv.read(_config(path)).notes[1]


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
    assert list(source.parts["test"].names) == ["test.csv row 1"]
    assert "test.csv: 1 of 2 rows have no target and are left out" in source.notes


def test_a_class_that_only_the_test_file_has_is_refused_with_its_row(table, tmp_path):
    (tmp_path / "test.csv").write_text("id,age,city,price,ill\n9,1,Seoul,2,no.\n")
    config = _config(table, target="ill", test_path=str(tmp_path / "test.csv"))
    source = csv.read(config)
    with pytest.raises(DataError, match="no training row has") as caught:
        csv.prepare(config, source.parts["train"]).parse(source.parts["test"], Loading())
    (problem,) = caught.value.problems
    assert str(problem.position) == f"{tmp_path / 'test.csv'}:2:13"
    assert (problem.key, problem.found) == ("ill", "'no.'")


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
        ({"target": "ill", "id": "ids"}, ("id",), "did you mean 'id'"),
        ({"target": "ill", "id": "ill"}, ("id",), "another column than the target"),
        ({"target": "ill", "id": "id", "drop": ["id"]}, ("drop", 0), "is the id"),
        ({"target": "ill", "columns": {"citi": {"encode": "hashing"}}}, ("columns", "citi"), "did you mean 'city'"),
        ({"target": "ill", "columns": {"city": {"num_buckets": 9}}}, ("columns", "city", "num_buckets"), "hashing"),
        ({"target": "ill", "drop": ["id", "age", "city", "price"]}, ("drop",), "no column to learn from"),
        ({"target": ["ill", "price"], "target_kind": "classes"}, ("target_kind",), "several targets"),
        ({"target": "ill", "encoding": "utf-99"}, ("encoding",), "no text encoding"),
        ({"target": "ill", "encoding": ["utf-8", "utf-99"]}, ("encoding",), "no text encoding"),
        ({"target": 4}, ("target",), "a number, where columns have names"),
        ({"target": "ill", "id": 0}, ("id",), "set header: false"),
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


def test_numbers_with_a_comma_are_pointed_out_and_read_where_it_is_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;y\n" + "".join(f"{i},5;{'uv'[i % 2]}\n" for i in range(20)))
    note = "column a has numbers with a comma (such as '0,5'); set decimal: \",\""
    assert note in csv.read(_config(path)).notes
    config = _config(path, decimal=",", scaling="none")
    batch: Any = csv.prepare(config, (train := csv.read(config).parts["train"])).parse(train, Loading()).whole()
    assert batch.inputs[:, 0].tolist() == [i + 0.5 for i in range(20)]


def test_a_full_stop_behind_a_label_of_the_test_file_is_cut_off(table, tmp_path):
    (tmp_path / "test.csv").write_text("id,age,city,price,ill\n9,1,Seoul,2,no.\n8,1,Seoul,2,.\n")
    config = _config(table, target="ill", test_path=str(tmp_path / "test.csv"), target_strip=".")
    source = csv.read(config)
    assert list(source.parts["test"].targets["ill"]) == ["no"]
    assert "test.csv: 1 of 2 rows have no target and are left out" in source.notes


def test_official_validation_rows_are_the_val_part(table, tmp_path):
    (tmp_path / "val.csv").write_text("id,age,city,price,ill\n9,1,Seoul,2,no\n")
    source = csv.read(_config(table, target="ill", val_path=str(tmp_path / "val.csv")))
    assert list(source.parts["val"].names) == ["val.csv row 1"]


def test_an_id_names_the_rows_of_answers_and_is_no_input(table, tmp_path):
    config = _config(table, target="ill", id="id")
    train = csv.read(config).parts["train"]
    assert list(train.inputs[TABLE]) == ["age", "city", "price"]
    assert train.names[0] == "row 1"
    restored = csv.restore(config, csv.prepare(config, train).state())
    (tmp_path / "new.csv").write_text("id,age,city,price\nA7,1,Seoul,2\n,1,Seoul,2\n")
    assert list(restored.open([str(tmp_path / "new.csv")]).names) == ["A7", "row 2"]
    (tmp_path / "new.csv").write_text("age,city,price\n1,Seoul,2\n")
    assert list(restored.open([str(tmp_path / "new.csv")]).names) == ["row 1"]


def test_rows_can_be_grouped_by_a_column_that_is_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("patient,visit,a,y\n" + "".join(f"p{i // 5},{i},{i % 7},{'uv'[i % 2]}\n" for i in range(60)))
    source = csv.read(_config(path, drop=["patient"], id="visit"))
    assert list(source.parts["train"].inputs[TABLE]) == ["a"]
    parts, _ = split_parts(source, DataOptions.parse({"group": "patient"}))
    patients = [{*part.others["patient"]} for part in parts.values()]
    assert len(patients) == 3
    assert set.union(*patients) == {f"p{i}" for i in range(12)}
    assert sum(map(len, patients)) == 12


def test_columns_without_a_header_are_named_and_the_target_may_be_lacking_at_predict(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1,u,5\n2,v,6\n")
    config = _config(path, header=False, column_names=["a", "y", "b"])
    train = csv.read(config).parts["train"]
    restored = csv.restore(config, csv.prepare(config, train).state())
    for content in ("7,8\n", "7,?,8\n"):
        (tmp_path / "new.csv").write_text(content)
        opened = restored.open([str(tmp_path / "new.csv")]).inputs[TABLE]
        assert (list(opened), list(opened.itertuples())) == (["a", "b"], [("7", "8")])
    path.write_text("1,5\n2,6\n")
    with pytest.raises(DataError, match="as many cells as column_names") as caught:
        csv.describe(config)
    assert (caught.value.found, caught.value.expected) == ("2 cells", "3: a; y; b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column_names": ["a", "y"]}, "set header: false"),
        ({"header": False, "column_names": ["a", "a", "y"]}, "a occurs more than once"),
        ({"decimal": ",", "separator": ","}, "is the separator, too"),
        ({"decimal": ",", "thousands": ","}, "is the decimal mark, too"),
        ({"columns": {"a": {"scalin": "none"}}}, "no such option"),
        ({"columns": {"a": {"num_bins": 1}}}, "greater than or equal to 2"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_a_file_is_read(options, message, tmp_path):
    with pytest.raises(SettingsError, match=message):
        _config(tmp_path / "none.csv", **options)


def test_the_kinds_in_the_notes_follow_the_options_of_a_column(table):
    columns = {"id": {"encode": "hashing"}, "city": {"encode": "ordinal", "order": ["Seoul", "Busan"]}}
    notes = csv.read(_config(table, target="ill", columns=columns)).notes
    assert notes[2:] == ("numbers: age, price", "categories: id, city")


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
    path.write_text("a;y\n" + "".join(f"name {i};{'uv'[i % 2]}\n" for i in range(20)))
    notes = csv.read(_config(path)).notes
    assert any("20 of 20 cells are different (such as 'name 0')" in note for note in notes)
    path.write_text("a;y\n" + "".join(f"{'pqr'[i % 3]};{'uv'[i % 2]}\n" for i in range(20)))
    assert not any("read as categories" in note for note in csv.read(_config(path)).notes)


def test_commas_between_thousands_are_pointed_out_and_read_where_it_is_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f'"{i},000.5",{"uv"[i % 2]}\n' for i in range(1, 21)))
    note = "column a has numbers with a comma (such as '1,000.5'); set thousands: \",\""
    assert note in csv.read(_config(path)).notes
    config = _config(path, thousands=",", scaling="none")
    batch: Any = csv.prepare(config, (train := csv.read(config).parts["train"])).parse(train, Loading()).whole()
    assert batch.inputs[:, 0].tolist() == [1000 * i + 0.5 for i in range(1, 21)]


@pytest.mark.parametrize(
    "date", ["2024-01-{:02}", "{}/1/2024", "2024. 1. {}", "2024년 1월 {}일", "2024-01-{:02} 09:30"]
)
def test_dates_are_told(tmp_path, date):
    path = tmp_path / "t.csv"
    path.write_text("when,y\n" + "".join(f"{date.format(i + 1)},{'uv'[i % 2]}\n" for i in range(20)), encoding="utf-8")
    notes = csv.read(_config(path)).notes
    assert "dates: when" in notes
    assert not any("different" in note for note in notes)


def test_dates_that_cannot_be_told_are_pointed_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("when,y\n" + "".join(f"{i % 12 + 1}/1/2024,{'uv'[i % 2]}\n" for i in range(20)), encoding="utf-8")
    [note] = [note for note in csv.read(_config(path)).notes if "dates" in note]
    assert note.startswith("column when looks like dates written in several ways, or with day and month that cannot be")
    assert "'1/1/2024'" in note


def test_codes_are_no_dates(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{i}-55-{i}99,{'uv'[i % 2]}\n" for i in range(20)))
    assert not any("dates" in note for note in csv.read(_config(path)).notes)


def test_a_text_column_with_options_of_numbers_is_an_error_at_the_option(table):
    config = _config(table, target="ill", columns={"city": {"clip": 3, "scaling": "robust"}})
    with pytest.raises(OptionError, match="4 of the 4 training cells are none") as caught:
        csv.prepare(config, csv.read(config).parts["train"])
    assert caught.value.path == ("columns", "city", "scaling")


def test_a_header_that_looks_like_data_is_asked_about(tmp_path):
    (tmp_path / "t.csv").write_text("5.1,3.5,u\n4.9,3,v\n")
    with pytest.raises(OptionError, match=r"the table has 3\.5, 5\.1, u; is header: false meant\?"):
        csv.describe(_config(tmp_path / "t.csv", target="kind"))


def test_columns_without_a_header_may_be_given_by_number(tmp_path):
    (tmp_path / "t.csv").write_text("A,1,u\nB,2,v\n")
    by_number = csv.read(_config(tmp_path / "t.csv", header=False, target=2, id=0)).parts["train"]
    by_name = csv.read(_config(tmp_path / "t.csv", header=False, target="c2", id="c0")).parts["train"]
    assert list(by_number.targets["c2"]) == list(by_name.targets["c2"]) == ["u", "v"]
    assert list(by_number.inputs[TABLE]) == list(by_name.inputs[TABLE]) == ["c1"]
    named = _config(tmp_path / "t.csv", header=False, column_names=["id", "a", "kind"], target=[1])
    assert list(csv.read(named).parts["train"].targets["a"]) == ["1", "2"]
    with pytest.raises(OptionError, match="there is no column 'c3'"):
        csv.describe(_config(tmp_path / "t.csv", header=False, target=3))


def test_files_to_predict_may_be_in_the_encoding_of_the_training_file_or_in_utf_8(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("도시,y\n서울,u\n부산,v\n".encode("cp949"))
    config = _config(path, encoding="cp949")
    train = csv.read(config).parts["train"]
    assert train.notes == ()
    restored = csv.restore(config, csv.prepare(config, train).state())
    for encoding in ("cp949", "utf-8"):
        (tmp_path / "new.csv").write_bytes("도시\n서울\n".encode(encoding))
        samples = restored.open([str(tmp_path / "new.csv")])
        assert list(samples.inputs[TABLE]["도시"]) == ["서울"]
        assert list(samples.notes) == [f"new.csv: read as {encoding}"]
    (tmp_path / "new.csv").write_bytes("도시\n서울\n".encode("utf-16"))
    with pytest.raises(DataError, match="not utf-8 or cp949 text") as caught:
        restored.open([str(tmp_path / "new.csv")])
    assert caught.value.do == "convert the file to utf-8; it may be utf-16"
