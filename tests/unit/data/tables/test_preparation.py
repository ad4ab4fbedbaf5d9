"""Tables: fitted on training rows only, the same whatever the order of rows or columns."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dltk.config.errors import DataError, MissingInput
from dltk.data.batches import Loading
from dltk.data.samples import Columns
from dltk.data.specs import Column, Table
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.options import TableOptions
from dltk.data.tables.preparation import TABLE, TablePreparation, text_table
from dltk.data.tables.targets import ClassTarget
from tests.problems import told

TRAIN = text_table({"age": ["20", "30", "40"], "city": ["Seoul", "Busan", "Seoul"]}, {"y": ["0", "1", "1"]}, "y")


@pytest.fixture
def prepared():
    return TablePreparation.fit(TRAIN, ClassTarget("y", ("0", "1")), TableOptions())


def test_the_spec_names_columns_and_widths(prepared):
    table = prepared.spec.inputs[TABLE]
    assert table == Table((Column("age"), Column("city", ("Busan", "Seoul"), 3)))
    assert table.shape == (4,)


def test_rows_become_one_compact_tensor(prepared):
    batch: Any = prepared.parse(TRAIN, Loading()).whole()
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs[:, 1:].tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    assert batch.targets.tolist() == [0, 1, 1]


def test_a_restored_preparation_is_the_same(prepared):
    state = json.loads(json.dumps(prepared.state()))
    assert TablePreparation.restore(state) == prepared


@given(st.permutations(range(3)))
def test_permuted_rows_give_permuted_encodings(order):
    prepared = TablePreparation.fit(TRAIN, ClassTarget("y", ("0", "1")), TableOptions())
    indices = torch.tensor(order)
    permuted = TRAIN.take(indices)
    again = TablePreparation.fit(permuted, ClassTarget("y", ("0", "1")), TableOptions())
    expected, same, refitted = (
        _encoded(prepared, TRAIN)[indices],
        _encoded(prepared, permuted),
        _encoded(again, permuted),
    )
    assert torch.equal(same, expected)
    assert torch.allclose(refitted, expected)


def test_columns_of_a_users_file_are_found_by_name(prepared, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("city,extra,age\nBusan,1,20\n")
    opened = prepared.open([str(path)])
    assert list(opened.inputs[TABLE]) == ["age", "city"]
    assert opened.targets == {}
    batch: Any = prepared.parse(opened, Loading()).whole()
    assert batch.targets is None
    assert torch.equal(batch.inputs[0, 1:], torch.tensor([1.0, 0.0, 0.0]))


def test_columns_that_the_model_does_not_use_are_noted_but_for_the_target_and_the_ids(prepared, tmp_path):
    named = TablePreparation(prepared.columns, prepared.target, CsvFormat(id="who"))
    path = tmp_path / "more.csv"
    path.write_text("who,age,shoe,city,y,hat\nA,20,9,Seoul,1,none\n")
    assert named.open([str(path)]).notes == ["more.csv: 2 columns that the model does not use: 'shoe'; 'hat'"]
    path.write_text("age,city,who,y\n20,Seoul,A,1\n")
    assert named.open([str(path)]).notes == []


def test_missing_columns_are_listed_with_the_nearest_name(prepared, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("Age,town\n20,Busan\n")
    with pytest.raises(DataError) as caught:
        prepared.open([str(path)])
    assert caught.value.expected == "'age'; did you mean 'Age'?; 'city'"
    assert caught.value.where == str(path)


def test_rows_of_several_files_are_named_by_file_in_order(prepared, tmp_path, monkeypatch):
    path = tmp_path / "new.csv"
    path.write_text("age,city\n20,Busan\n30,Seoul\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"city,age\nBusan,50\n")))
    opened = prepared.open([str(path), "-"])
    assert opened.names == ["new.csv row 1", "new.csv row 2", "stdin row 1"]
    assert opened.inputs[TABLE]["age"].tolist() == ["20", "30", "50"]
    assert list(prepared.open([str(path)]).names) == ["row 1", "row 2"]


def test_a_users_file_is_read_in_the_way_of_the_training_file(prepared, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("age|city\n-|Busan\n")
    written = CsvFormat(separator="|", missing=("-",))
    restored = TablePreparation.restore(prepared.state(), written)
    assert restored.statuses(restored.open([str(path)])) == ["missing"]


def test_the_worst_cell_decides_the_status_of_a_row(prepared):
    rows = text_table({"age": ["20", "x", "20"], "city": ["Seoul", "Rome", "Rome"]}, {})
    assert prepared.statuses(rows) == ["ok", "invalid", "unknown_category"]


def test_the_reason_names_the_cells_of_an_invalid_row(prepared):
    rows = text_table({"age": ["x", "1e999"], "city": ["Seoul", "Rome"]}, {})
    assert prepared.reasons(rows) == [
        "column 'age': 'x' is no usable number",
        "column 'age': '1e999' is no usable number",
    ]


def test_files_that_are_not_there_are_reported_together(prepared, tmp_path):
    with pytest.raises(MissingInput, match="2 inputs are not there") as caught:
        prepared.open([str(tmp_path / "one.csv"), str(tmp_path), str(tmp_path / "two.csv")])
    assert caught.value.where == f"{tmp_path / 'one.csv'}; {tmp_path / 'two.csv'}"


def test_a_cell_that_is_no_number_is_refused_when_parsed(prepared):
    rows = text_table({"age": ["20", "x"], "city": ["Seoul", "Rome"]}, {"y": ["0", "1"]})
    with pytest.raises(DataError) as caught:
        prepared.parse(rows, Loading())
    assert told(caught.value.problems[0]).startswith("age: row 2: a value is no usable number")


def test_plain_numbers_keep_all_digits():
    rows = text_table({"a": [0.1 + 0.2, 1e-300]}, {"y": [1, 0]})
    assert [float(cell) for cell in rows.inputs[TABLE]["a"]] == [0.1 + 0.2, 1e-300]


def _encoded(prepared: TablePreparation, rows: Columns) -> torch.Tensor:
    inputs = prepared.parse(rows, Loading()).whole().inputs
    assert isinstance(inputs, torch.Tensor)
    return inputs
