import tarfile
from pathlib import Path

import pytest
import torch

from dltk.config.errors import DataError, MissingInput
from dltk.config.sections import DataOptions
from dltk.data.files import find
from dltk.data.specs import Vector
from dltk.data.splits import make_splits, split_parts
from dltk.datasets import imdb

ARCHIVE = "imdb/aclImdb_v1_labelled.tar.gz"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLTK_OFFLINE", "1")


def written(folder: Path) -> Path:
    """Write reviews, and what lies beside them in the official archive."""
    for part in ("train", "test"):
        for i, label in enumerate(("neg", "pos")):
            for name, text in ((f"10_{3 + i * 5}", "ten"), (f"2_{1 + i * 8}", f"{part} {label}")):
                file = folder / "aclImdb" / part / label / f"{name}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        (folder / "aclImdb" / part / "urls_pos.txt").write_text("http")
    (folder / "aclImdb" / "train" / "unsup").mkdir()
    (folder / "aclImdb" / "train" / "unsup" / "0_0.txt").write_text("no label")
    return folder


def config(folder: Path, **options: object) -> imdb.Config:
    return imdb.Config.parse({"root": str(folder), **options})


def test_reviews_keep_their_official_parts_and_names(tmp_path):
    source = imdb.read(config(written(tmp_path)))
    train = source.parts["train"]
    names = [f"train/{label}" for label in ("neg/10_3", "neg/2_1", "pos/10_8", "pos/2_9")]
    assert list(train.names) == [f"{name}.txt" for name in names]
    assert train.inputs["text"] == ["ten", "train neg", "ten", "train pos"]
    assert train.targets["label"] == ["neg", "neg", "pos", "pos"]
    assert source.parts["test"].inputs["text"][3] == "test pos"
    assert source.notes == ("not the official 25,000 and 25,000 reviews: 4 and 4",)


@pytest.mark.parametrize("name", ["aclImdb_v1.tar.gz", "imdb/aclImdb_v1_labelled.tar.gz"])
def test_an_archive_is_read_like_the_folder(tmp_path, name):
    written(tmp_path / "plain")
    archive = tmp_path / "packed" / name
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "plain" / "aclImdb", "aclImdb")
    packed, plain = (imdb.read(config(tmp_path / folder)).parts["train"] for folder in ("packed", "plain"))
    assert packed == plain


def test_a_class_without_reviews_is_a_data_error(tmp_path):
    for file in (written(tmp_path) / "aclImdb" / "test" / "pos").iterdir():
        file.unlink()
    with pytest.raises(DataError, match="no reviews") as caught:
        imdb.read(config(tmp_path))
    (problem,) = caught.value.problems
    assert str(problem.position).endswith("test/pos")


def test_data_that_are_nowhere_are_missing_input(tmp_path):
    with pytest.raises(MissingInput):
        imdb.describe(config(tmp_path))


@pytest.mark.slow
@pytest.mark.skipif(find([ARCHIVE], None) is None, reason=f"no {ARCHIVE} below $DLTK_DATA")
def test_imdb_is_complete_and_quick_to_vectorise():
    settings = imdb.Config()
    source = imdb.read(settings)
    assert source.notes == ()
    parts, options = split_parts(source, DataOptions(batch_size=512))
    preparation = imdb.prepare(settings, parts["train"])
    splits = make_splits(parts, preparation, options.batch_size or 1, 0, torch.device("cpu"))
    assert splits.val is not None
    assert splits.test is not None
    assert [part.num_samples for part in (splits.train, splits.val, splits.test)] == [22500, 2500, 25000]
    assert preparation.spec.input == Vector(10_000)
    test = splits.test.take(torch.arange(24_000, 25_000)).whole()
    assert isinstance(test.inputs, torch.Tensor)
    assert isinstance(test.targets, torch.Tensor)
    assert test.targets.unique().tolist() == [1]
    assert 50 < float(test.inputs.sum(1).mean()) < 200
