import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from dltk.config.errors import DataError, MissingInput
from dltk.data.batches import Loading
from dltk.data.specs import Classes, Vector
from dltk.data.texts.own import OwnFiles
from dltk.datasets import text_folder
from tests.problems import told

IMDB = "imdb/aclImdb_v1_labelled.tar.gz"


def config(path: Path, **options: Any) -> text_folder.Config:
    return text_folder.Config.parse({"path": str(path), **options})


def write_texts(root: Path, **folders: str) -> Path:
    """Write each word of a folder's value ("pos/deep" is spelled pos__deep) as a file 0.txt, 1.txt, ..."""
    for folder, words in folders.items():
        place = root / folder.replace("__", "/")
        place.mkdir(parents=True, exist_ok=True)
        for i, word in enumerate(words.split()):
            (place / f"{i}.txt").write_text(word, encoding="utf-8")
    return root


def test_a_folder_per_class_is_a_training_set(tmp_path):
    source = text_folder.read(config(write_texts(tmp_path, pos="good 좋다", neg="bad")))
    train = source.parts["train"]
    assert list(source.parts) == ["train"]
    assert train.names == ["neg/0.txt", "pos/0.txt", "pos/1.txt"]
    assert train.inputs["text"] == ["bad", "good", "좋다"]
    assert train.labels() == ["neg", "pos", "pos"]
    assert source.notes == []


def test_links_that_lead_out_of_the_folder_are_counted_here_and_in_predict(tmp_path):
    root = write_texts(tmp_path / "root", pos="good", neg="bad")
    (tmp_path / "away.txt").write_text("fine")
    (root / "pos" / "away.txt").symlink_to(tmp_path / "away.txt")
    note = "1 of {} files are reached by links that lead out of the folder, such as '{}'"
    assert text_folder.read(config(root)).notes == [note.format(3, "pos/away.txt")]
    assert OwnFiles().open(str(root / "pos")).notes == [note.format(2, "away.txt")]


def test_the_spec_names_the_classes_before_anything_is_read(tmp_path):
    spec = text_folder.describe(config(write_texts(tmp_path, pos="good", neg="bad"), vocabulary_size=7))
    assert spec.input == Vector(7)
    assert spec.target == Classes(("neg", "pos"))


@pytest.mark.parametrize("val", ["val", "valid"])
def test_official_parts_are_kept_and_what_lies_beside_is_noted(tmp_path, val):
    folders = {"train__pos": "a b", "train__neg": "c", "train__unsup": "x", f"{val}__neg": "d", "test__pos": "e"}
    write_texts(tmp_path, **folders, other="y")
    (tmp_path / "train" / "urls_pos.txt").write_text("http")
    (tmp_path / "train" / "pos" / "a.html").write_text("html")
    (tmp_path / "train" / "pos" / ".hidden.txt").write_text("hidden")
    source = text_folder.read(config(tmp_path))
    assert {name: part.inputs["text"] for name, part in source.parts.items()} == {
        "train": ["c", "a", "b"],
        "val": ["d"],
        "test": ["e"],
    }
    assert source.notes == [
        "train/unsup has no labels and is not read",
        "train: 1 files beside the class folders are not read: 'urls_pos.txt'",
        "train: 2 entries that are no .txt files are not read: 'pos/.hidden.txt', 'pos/a.html'",
        "folders beside the splits are not read: 'other'",
    ]


def test_an_archive_is_read_like_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    write_texts(tmp_path / "made" / "reviews", pos="good", neg="bad")
    archive = shutil.make_archive(str(tmp_path / "reviews"), "gztar", tmp_path / "made", "reviews")
    assert text_folder.read(config(Path(archive))).parts["train"].names == ["neg/0.txt", "pos/0.txt"]


def test_every_class_is_known_even_if_its_only_text_is_kept_aside(tmp_path):
    settings = config(write_texts(tmp_path, pos="good fine", neg="bad poor", odd="odd"))
    train = text_folder.read(settings).parts["train"]
    preparation = text_folder.prepare(settings, train.take(torch.tensor([0, 1, 3])))
    assert preparation.spec.target == Classes(("neg", "odd", "pos"))
    targets = preparation.parse(train, Loading()).whole().targets
    assert isinstance(targets, torch.Tensor)
    assert targets.tolist() == [0, 0, 1, 2, 2]
    assert text_folder.restore(settings, preparation.state()).spec == preparation.spec


def test_no_class_folders_one_class_or_an_empty_one_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="no class folders"):
        text_folder.describe(config(tmp_path))
    write_texts(tmp_path, pos="good", unsup="x")
    with pytest.raises(DataError, match="only one class folder"):
        text_folder.describe(config(tmp_path))
    write_texts(tmp_path, neg="")
    with pytest.raises(DataError, match=r"without a \.txt file") as caught:
        text_folder.read(config(tmp_path))
    (problem,) = caught.value.problems
    assert (str(problem.position), problem.id) == (f"{tmp_path}/neg", "DLTK-DATA-CLASS")


def test_a_test_class_that_train_lacks_is_a_data_error(tmp_path):
    write_texts(tmp_path, train__pos="a", train__neg="b", test__neutral="c")
    with pytest.raises(DataError, match="classes that train/ has not") as caught:
        text_folder.describe(config(tmp_path))
    assert list(map(told, caught.value.problems)) == [f"{tmp_path}/test/neutral: train/ has no such class"]


def test_a_text_in_another_encoding_is_named(tmp_path):
    write_texts(tmp_path, pos="a", neg="b")
    (tmp_path / "neg" / "0.txt").write_bytes("나쁘다".encode("cp949"))
    with pytest.raises(DataError, match="no utf-8 text") as caught:
        text_folder.read(config(tmp_path))
    assert str(caught.value.problems[0].position).endswith("neg/0.txt:1:1")
    (tmp_path / "pos" / "0.txt").write_bytes("좋다".encode("cp949"))
    assert text_folder.read(config(tmp_path, encoding="cp949")).parts["train"].inputs["text"] == ["나쁘다", "좋다"]


def test_no_folder_is_missing_input(tmp_path):
    with pytest.raises(MissingInput):
        text_folder.describe(config(tmp_path / "nowhere"))
