import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer

from dltk.config.errors import DataError, MissingInput, OptionError
from dltk.data.batches import Loading
from dltk.data.files import find
from dltk.data.specs import Classes, Vector
from dltk.data.texts.words import WORD_PATTERN
from dltk.datasets import text_csv
from tests.problems import told

SST2 = ("sst2/train.tsv", "sst2/dev.tsv", "sst2/test.tsv")
NSMC = ("nsmc/ratings_train.txt.gz", "nsmc/ratings_test.txt.gz")


def config(path: Path | str, **options: Any) -> text_csv.Config:
    return text_csv.Config.parse({"path": str(path), **options})


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8", newline="")
    return path


def rows_of(path: Path, **options: Any) -> list[tuple[str, Any, str]]:
    train = text_csv.read(config(path, **options)).parts["train"]
    return list(zip(train.inputs["text"], train.targets["label"], train.names, strict=True))


def test_a_text_and_a_label_column_are_taken_by_name(tmp_path):
    path = write(tmp_path / "a.csv", 'id,text,label\n1,"good, ""very"" good",pos\n2,"two\nlines", neg \n\n3,,neg\n')
    assert rows_of(path) == [
        ('good, "very" good', "pos", "a.csv:2"),
        ("two\nlines", "neg", "a.csv:3"),
        ("", "neg", "a.csv:6"),
    ]
    assert text_csv.describe(config(path)).target == Classes(("neg", "pos"))
    assert text_csv.describe(config(path)).input == Vector(10_000)


@pytest.mark.parametrize("separator", ["\t", ",", ";", "|"])
def test_the_separator_is_the_one_that_makes_the_columns_appear(tmp_path, separator):
    path = write(tmp_path / "a.txt", f"text{separator}label\r\na{separator}x\r\nb{separator}y\r\n")
    assert rows_of(path) == [("a", "x", "a.txt:2"), ("b", "y", "a.txt:3")]
    path = write(tmp_path / "b.txt", f"a{separator}x\nb{separator}y")
    assert rows_of(path, header=False, text=0, label=1) == [("a", "x", "b.txt:1"), ("b", "y", "b.txt:2")]
    assert rows_of(path, header=False, text="c0", label="c1") == [("a", "x", "b.txt:1"), ("b", "y", "b.txt:2")]


def test_carriage_returns_alone_end_lines_too(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\ra,x\rb,y\r")
    assert [row[:2] for row in rows_of(path)] == [("a", "x"), ("b", "y")]


def test_a_text_longer_than_the_csv_module_allows_is_read_wherever_it_stands(tmp_path):
    long = "word " * 50_000
    path = write(tmp_path / "a.csv", f'text,label\n"{long}",x\nb,y\n')
    assert rows_of(path)[0][0] == long
    path = write(tmp_path / "b.csv", f'"{long}",x\nb,y\n')
    assert rows_of(path, header=False, text=0, label=1)[0][0] == long


def test_without_quoting_quotes_are_text(tmp_path):
    path = write(tmp_path / "a.tsv", 'text\tlabel\n"open quote\t0\nsay "hi" \'there\'\t1\n')
    assert [row[0] for row in rows_of(path, quoting=False)] == ['"open quote', "say \"hi\" 'there'"]
    with pytest.raises(DataError) as caught:
        rows_of(path)
    assert str(caught.value.problems[0].position) == f"{path}:2:1"
    assert "data.quoting to false" in caught.value.do


def test_rows_without_a_label_are_left_out_with_a_note(tmp_path):
    source = text_csv.read(config(write(tmp_path / "a.csv", "text,label\na,x\nb,\nc,y\nd, \n")))
    assert source.parts["train"].names == ["a.csv:2", "a.csv:4"]
    assert source.notes == ["a.csv: 2 of 4 rows have no label and are left out"]


def test_several_labels_of_a_cell_are_cut_apart(tmp_path):
    settings = config(write(tmp_path / "a.csv", "text,label\na,x|y\nb,\nc,y | z|y\n"), label_separator="|")
    source = text_csv.read(settings)
    assert source.parts["train"].targets["label"] == [("x", "y"), (), ("y", "z")]
    assert source.notes == []
    assert text_csv.describe(settings).target == Classes(("x", "y", "z"), multi_label=True)
    preparation = text_csv.prepare(settings, source.parts["train"])
    targets = preparation.parse(source.parts["train"], Loading()).whole().targets
    assert isinstance(targets, torch.Tensor)
    assert targets.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 1]]


def test_official_parts_have_files_of_their_own(tmp_path):
    for part in ("train", "val", "test"):
        write(tmp_path / f"{part}.csv", f"text,label\n{part},x\nb,y\n")
    paths = {"val_path": str(tmp_path / "val.csv"), "test_path": str(tmp_path / "test.csv")}
    parts = text_csv.read(config(tmp_path / "train.csv", **paths)).parts
    assert {name: part.inputs["text"][0] for name, part in parts.items()} == {
        "train": "train",
        "val": "val",
        "test": "test",
    }


def test_rows_of_another_width_are_listed_with_their_lines(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\na,x\n"b\nb",y,z\nc\n')
    with pytest.raises(DataError, match="2 of 4 rows") as caught:
        rows_of(path)
    assert [told(problem) for problem in caught.value.problems] == [
        f"{path}:4:6: 3 cells in this row instead of 2",
        f"{path}:5:2: 1 cell in this row instead of 2",
    ]
    many = write(tmp_path / "b.csv", "text,label\n" + "a\n" * 50)
    with pytest.raises(DataError, match="50 of 51 rows") as caught:
        rows_of(many)
    assert "b.csv:21:2: 1 cell" in str(caught.value)
    assert "\n... and 30 more\n" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "txt"}, r"text: there is no column 'txt'; did you mean 'text'\? a\.csv has label, text"),
        ({"label": "klass"}, r"label: there is no column 'klass'; a\.csv has label, text"),
        ({"label": "text"}, "label: must be another column than the text"),
        ({"text": 0}, "text: a number, where columns have names"),
        ({"header": False}, "text: there is no column 'text'; a.csv has c0, c1"),
        ({"header": False, "text": 0, "label": 2}, "label: there is no column 'c2'; a.csv has c0, c1"),
        ({"encoding": "klingon"}, "encoding: must be a text encoding"),
    ],
)
def test_options_that_do_not_fit_the_file_are_option_errors(tmp_path, options, message):
    with pytest.raises(OptionError, match=message):
        text_csv.describe(config(write(tmp_path / "a.csv", "text,label\na,x\nb,y\n"), **options))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("text,label\n", "no rows"),
        ("text,label,text\na,b,c\n", "same name"),
        ("text,label\na,\n", "no row has a label"),
        ("text,label\na,x\nb,x\n", "too few different labels"),
        ('text,label\n"a,x\n', "cannot be read"),
    ],
)
def test_a_table_that_teaches_nothing_is_a_data_error(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        text_csv.describe(config(write(tmp_path / "a.csv", content)))


def test_a_missing_file_is_missing_input(tmp_path):
    with pytest.raises(MissingInput):
        text_csv.describe(config(tmp_path / "a.csv"))
    path = write(tmp_path / "b.csv", "text,label\na,x\nb,y\n")
    with pytest.raises(MissingInput):
        text_csv.read(config(path, test_path=str(tmp_path / "c.csv")))


def test_a_long_cell_is_read_whole(tmp_path):
    path = write(tmp_path / "a.csv", f"text,label\n{'word ' * 100_000},x\nb,y\n")
    assert len(rows_of(path)[0][0]) == 500_000


def test_a_table_without_labels_can_be_predicted_and_keeps_every_row(tmp_path):
    settings = config(write(tmp_path / "a.csv", "text,label\ngood,x\nbad,y\n"))
    preparation = text_csv.restore(settings, text_csv.prepare(settings, text_csv.read(settings).parts["train"]).state())
    samples = preparation.open([str(write(tmp_path / "new.csv", "id,text\n1,good\n2,\n"))])
    assert (samples.inputs["text"], samples.names) == (["good", ""], ["new.csv:2", "new.csv:3"])
    samples = preparation.open([str(write(tmp_path / "one.csv", "text\ngood\n\nbad\n"))])
    assert samples.inputs["text"] == ["good", "", "bad"]


def test_a_table_without_the_column_of_texts_cannot_be_predicted(tmp_path):
    table = write(tmp_path / "train.csv", "text,label\ngood,a\nbad,b\n")
    options = text_csv.Config.parse({"path": str(table)})
    preparation = text_csv.prepare(options, text_csv.read(options).parts["train"])
    other = write(tmp_path / "other.csv", "review,label\ngood,a\n")
    with pytest.raises(DataError, match="lacks the column of texts") as caught:
        preparation.open([str(other)])
    assert caught.value.found == "columns 'review', 'label'"
    assert caught.value.expected == "'text'"


@pytest.mark.skipif(find(SST2, None) is None, reason="no sst2 below $DLTK_DATA")
def test_sst2_is_read_as_it_is_published():
    train, val, test = (str(find([name], None)) for name in SST2)
    columns = {"header": False, "text": 0, "label": 1, "quoting": False}
    settings = config(train, val_path=val, test_path=test, vocabulary_size=100_000, encode="count", **columns)
    source = text_csv.read(settings)
    assert {name: len(part) for name, part in source.parts.items()} == {"train": 6920, "val": 872, "test": 1821}
    assert source.notes == []
    preparation = text_csv.prepare(settings, source.parts["train"])
    reference = CountVectorizer(token_pattern=WORD_PATTERN).fit(source.parts["train"].inputs["text"])
    assert set(preparation.vocabulary) == set(reference.vocabulary_)
    order = [reference.vocabulary_[word] for word in preparation.vocabulary]
    inputs = preparation.parse(source.parts["val"], Loading()).whole().inputs
    assert isinstance(inputs, torch.Tensor)
    np.testing.assert_array_equal(
        inputs.numpy(), reference.transform(source.parts["val"].inputs["text"]).toarray()[:, order]
    )


@pytest.mark.skipif(find(NSMC, None) is None, reason="no nsmc below $DLTK_DATA")
def test_nsmc_has_eight_empty_documents_and_they_are_kept(tmp_path):
    train, test = (find([name], None) for name in NSMC)
    source = text_csv.read(config(str(train), test_path=str(test), text="document", quoting=False))
    counts = {name: (len(part), part.inputs["text"].count("")) for name, part in source.parts.items()}
    assert counts == {"train": (150_000, 5), "test": (50_000, 3)}
    labels = source.parts["train"].targets["label"]
    assert {label: labels.count(label) for label in set(labels)} == {"0": 75_173, "1": 74_827}


@pytest.mark.skipif(find(NSMC, None) is None, reason="no nsmc below $DLTK_DATA")
def test_korean_texts_become_vectors(tmp_path):
    head = gzip.decompress(Path(str(find(NSMC[1:], None))).read_bytes()).decode().split("\n")[:2000]
    settings = config(write(tmp_path / "head.txt", "\n".join(head)), text="document", quoting=False)
    train = text_csv.read(settings).parts["train"]
    preparation = text_csv.prepare(settings, train)
    assert {"영화", "정말", "너무"} <= set(preparation.vocabulary[:20])
    assert preparation.statuses(train).count("ok") > 1900


def test_each_file_may_have_one_of_several_encodings_and_which_is_said(tmp_path):
    for name, encoding in {"train": "cp949", "test": "utf-8"}.items():
        (tmp_path / f"{name}.csv").write_bytes("text,label\n영화,x\n극장,y\n".encode(encoding))
    options = {"encoding": ["utf-8", "cp949"], "test_path": str(tmp_path / "test.csv")}
    source = text_csv.read(config(tmp_path / "train.csv", **options))
    assert [part.inputs["text"] for part in source.parts.values()] == [["영화", "극장"]] * 2
    assert source.notes == ["train.csv: read as cp949", "test.csv: read as utf-8"]
