import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dltk.config.errors import DataError, MissingInput
from dltk.data.samples import Columns
from dltk.data.specs import Classes
from dltk.data.texts.options import TextOptions
from dltk.data.texts.own import OwnFiles
from dltk.data.texts.preparation import TextPreparation, labelled


def fitted(read_table=None, encoding="utf-8"):
    train = labelled(["a", "b"], ["no", "yes"], ())
    return TextPreparation.fit(train, TextOptions(), Classes(("no", "yes")), OwnFiles(encoding, read_table))


def test_each_line_of_a_file_is_a_text(tmp_path):
    (tmp_path / "a.txt").write_text("good\n\nbad\r\nlast", encoding="utf-8")
    samples = fitted().open([str(tmp_path / "a.txt")])
    assert samples.inputs["text"] == ["good", "", "bad", "last"]
    assert samples.names == ["a.txt:1", "a.txt:2", "a.txt:3", "a.txt:4"]
    assert samples.targets == {}


def test_each_text_file_of_a_folder_is_a_text(tmp_path):
    for name, text in {"b.txt": "two\nlines", "a.TXT": "one", "c.csv": "no", ".d.txt": "no"}.items():
        (tmp_path / name).write_text(text)
    samples = fitted().open([str(tmp_path)])
    assert dict(zip(samples.names, samples.inputs["text"], strict=True)) == {"a.TXT": "one", "b.txt": "two\nlines"}


def test_standard_input_is_read_line_by_line_and_inputs_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("좋다\nbad\n".encode())))
    (tmp_path / "a.txt").write_text("file")
    samples = fitted().open([str(tmp_path / "a.txt"), "-"])
    assert samples.inputs["text"] == ["file", "좋다", "bad"]
    assert samples.names == ["a.txt:1", "stdin:1", "stdin:2"]


def test_a_sentence_is_no_path_and_the_message_says_how_to_predict_it():
    with pytest.raises(MissingInput) as caught:
        fitted().open(["this film was good"])
    assert "| dltk predict RUN -" in caught.value.do


def test_texts_that_are_not_there_are_reported_together(tmp_path):
    (tmp_path / "a.txt").write_text("good")
    sentence = "a sentence that is longer than any name of a file may be" * 9
    with pytest.raises(MissingInput, match="2 inputs are not there") as caught:
        fitted().open(["absent.txt", str(tmp_path / "a.txt"), sentence])
    assert caught.value.where.count("; ") == 1


@pytest.mark.parametrize("name", ["a.csv", "a.jpg", "a"])
def test_files_of_another_kind_are_refused(tmp_path, name):
    (tmp_path / name).write_text("a,b")
    with pytest.raises(DataError, match="no file of texts"):
        fitted().open([str(tmp_path / name)])


def test_a_file_without_a_line_is_refused_and_an_empty_line_is_a_text(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    (tmp_path / "a.txt").write_bytes(b"")
    for path, where in {str(tmp_path / "a.txt"): str(tmp_path / "a.txt"), "-": "standard input"}.items():
        with pytest.raises(DataError, match="an empty file") as caught:
            fitted().open([path])
        assert caught.value.where == where
    (tmp_path / "a.txt").write_bytes(b"\n")
    assert fitted().open([str(tmp_path / "a.txt")]).inputs["text"] == [""]


def test_a_folder_without_texts_is_missing_input(tmp_path):
    with pytest.raises(MissingInput, match=r"no \*\.txt file"):
        fitted().open([str(tmp_path)])


def test_a_table_is_read_where_the_data_are_one(tmp_path):
    def read(path: str) -> Columns:
        return Columns({"text": [Path(path).name]}, {}, ["row"])

    (tmp_path / "a.csv").write_text("x")
    assert fitted(read).open([str(tmp_path / "a.csv")]).inputs["text"] == ["a.csv"]


def test_texts_are_read_in_the_encoding_of_the_training_texts_or_utf_8(tmp_path):
    (tmp_path / "a.txt").write_bytes("좋은 영화".encode())
    (tmp_path / "b.txt").write_bytes("지루한 영화".encode("cp949"))
    preparation = fitted(encoding="cp949")
    samples = preparation.open([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")])
    assert samples.inputs["text"] == ["좋은 영화", "지루한 영화"]
    assert samples.notes == ["a.txt: read as utf-8", "b.txt: read as cp949"]
    folder = preparation.open([str(tmp_path)])
    assert folder.inputs["text"] == samples.inputs["text"]
    assert list(folder.notes) == [f"{tmp_path.name}: 1 files read as {name}" for name in ("utf-8", "cp949")]


def test_a_text_that_cannot_be_read_at_predict_is_to_be_converted_for_there_is_no_option(tmp_path):
    (tmp_path / "a.txt").write_bytes("좋은 영화".encode("cp949"))
    with pytest.raises(DataError, match="this is no utf-8 text") as caught:
        fitted().open([str(tmp_path / "a.txt")])
    assert caught.value.do == "convert the file to utf-8; it may be cp949"
