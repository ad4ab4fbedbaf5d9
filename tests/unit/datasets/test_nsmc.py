import gzip
from pathlib import Path

import pytest
import torch

import dltk
from dltk.config.errors import DataError, MissingInput
from dltk.data.batches import Loading
from dltk.data.files import find
from dltk.datasets import nsmc
from dltk.experiment import RunOptions

TRAIN = 'id\tdocument\tlabel\n9\t"좋다" 정말\t1\n8\t\t0\n7\t나쁘다\t0\n'
TEST = "id\tdocument\tlabel\n5\t최고\t1\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLTK_OFFLINE", "1")


def written(folder: Path, train: str = TRAIN, test: str = TEST) -> nsmc.Config:
    for name, text in (("ratings_train.txt", train), ("ratings_test.txt", test)):
        (folder / name).write_text(text, encoding="utf-8")
    return nsmc.Config(root=str(folder))


def test_reviews_keep_their_quotes_and_empty_ones_stay(tmp_path):
    source = nsmc.read(written(tmp_path))
    train = source.parts["train"]
    assert train.inputs["text"] == ['"좋다" 정말', "", "나쁘다"]
    assert train.targets["label"] == ["positive", "negative", "negative"]
    assert list(train.names) == ["ratings_train.txt:2", "ratings_train.txt:3", "ratings_train.txt:4"]
    assert source.parts["test"].inputs["text"] == ["최고"]
    assert source.notes == ("not the official 150,000 and 50,000 reviews: 3 and 1",)


def test_an_empty_review_is_a_vector_of_zeros_and_is_said_to_be_empty(tmp_path):
    config = written(tmp_path)
    train = nsmc.read(config).parts["train"]
    preparation = nsmc.prepare(config, train)
    assert list(preparation.statuses(train)) == ["ok", "empty", "ok"]
    batch = preparation.parse(train, Loading()).whole()
    assert batch.inputs.sum(1).tolist() == [2, 0, 1]  # type: ignore[union-attr]


def test_gzipped_files_in_a_folder_of_their_own_are_the_same(tmp_path):
    config = written(tmp_path)
    folder = tmp_path / "root" / "nsmc"
    folder.mkdir(parents=True)
    for name, text in (("ratings_train.txt", TRAIN), ("ratings_test.txt", TEST)):
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    packed = nsmc.read(nsmc.Config(root=str(tmp_path / "root"))).parts["train"]
    plain = nsmc.read(config).parts["train"]
    assert (packed.inputs, packed.targets) == (plain.inputs, plain.targets)


@pytest.mark.parametrize(
    ("train", "message", "found"),
    [
        ("9\t좋다\t1\n", "no file of NSMC", r"'9\t좋다\t1'"),
        ("", "no file of NSMC", "''"),
        ("id\tdocument\tlabel\n", "no file of NSMC", "no reviews"),
        (TRAIN + "6\t좋다\n", "do not have as many cells", ":5:5: 2 cells"),
        (TRAIN + "6\t좋\t다\t1\n", "do not have as many cells", ":5:7: 4 cells"),
        (TRAIN + "6\t좋다\t2\n", "labels that are not 0 or 1", ":5:6: label: is not 0 or 1"),
    ],
)
def test_rows_of_another_kind_are_a_data_error_with_their_line(tmp_path, train, message, found):
    with pytest.raises(DataError, match=message) as caught:
        nsmc.read(written(tmp_path, train))
    assert found in caught.value.found or found in str(caught.value)


def test_data_that_are_nowhere_are_missing_input(tmp_path):
    with pytest.raises(MissingInput):
        nsmc.describe(nsmc.Config(root=str(tmp_path)))


@pytest.fixture
def _threads_as_they_were():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads_as_they_were")
def test_a_recurrent_network_learns_the_order_of_words(tmp_path):
    rows = [f"{i}\t{'가 ' * (i % 5)}{('이 것', '것 이')[i % 2]}\t{i % 2}\n" for i in range(96)]
    data = written(tmp_path, TRAIN.partition("\n")[0] + "\n" + "".join(rows))
    layers = [{"name": "embedding", "units": 8}, {"name": "lstm", "units": 8}]
    values = {
        "data": {"name": "nsmc", "root": data.root, "encode": "tokens", "batch_size": 8},
        "model": {"name": "sequential", "layers": layers},
        "optimizer": {"name": "adam", "lr": 0.02},
        "train": {"epochs": 8, "threads": 1, "test": False},
        "tensorboard": None,
    }
    run = dltk.train(values, options=RunOptions(output_dir=tmp_path / "run", quiet=True))
    (tmp_path / "own.txt").write_text("가 가 이 것\n가 것 이\n", encoding="utf-8")
    assert [row["label"] for row in run.predict([str(tmp_path / "own.txt")])] == ["negative", "positive"]


@pytest.mark.skipif(find(["nsmc/ratings_train.txt.gz"], None) is None, reason="no nsmc/ below $DLTK_DATA")
def test_nsmc_is_complete():
    source = nsmc.read(nsmc.Config())
    assert source.notes == ()
    counts = {part: samples.targets["label"].count("positive") for part, samples in source.parts.items()}
    assert counts == {"train": 74_827, "test": 25_173}
    empty = {part: samples.inputs["text"].count("") for part, samples in source.parts.items()}
    assert empty == {"train": 5, "test": 3}
