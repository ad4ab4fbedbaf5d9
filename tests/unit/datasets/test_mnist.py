import gzip
import struct
from pathlib import Path

import pytest
import torch

from dltk.config.errors import DataError, MissingInput
from dltk.data.batches import Loading
from dltk.data.files import find
from dltk.data.specs import Classes, Image
from dltk.datasets import mnist

IMAGES, LABELS = "-images-idx3-ubyte", "-labels-idx1-ubyte"


def idx_images(count: int, height: int = 28, width: int = 28) -> bytes:
    pixels = bytes(i % 256 for i in range(count * height * width))
    return struct.pack(">4I", 2051, count, height, width) + pixels


def idx_labels(*labels: int) -> bytes:
    return struct.pack(">2I", 2049, len(labels)) + bytes(labels)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "mnist")
    return tmp_path / "mnist"


def write(folder: Path, *, packed: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        f"train{IMAGES}": idx_images(3),
        f"train{LABELS}": idx_labels(5, 0, 4),
        f"t10k{IMAGES}": idx_images(2),
        f"t10k{LABELS}": idx_labels(7, 2),
    }
    for name, content in contents.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)


def replace(folder: Path, name: str, content: bytes) -> mnist.Config:
    (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return mnist.Config(root=str(folder.parent))


def check_parts(config: mnist.Config) -> None:
    parts = mnist.read(config).parts
    assert parts["train"].inputs["image"].shape == (3, 1, 28, 28)
    assert parts["train"].inputs["image"].flatten().tolist() == [i % 256 for i in range(3 * 784)]
    assert parts["train"].labels() == [5, 0, 4]
    assert parts["test"].labels() == [7, 2]


def test_packed_files_in_a_folder_named_mnist_are_read(folder):
    check_parts(mnist.Config(root=str(folder.parent)))


def test_files_in_the_root_itself_are_read(folder):
    check_parts(mnist.Config(root=str(folder)))


def test_files_below_dltk_data_are_read(folder, monkeypatch):
    monkeypatch.setenv("DLTK_DATA", str(folder.parent))
    check_parts(mnist.Config())


def test_unpacked_files_are_read(folder):
    write(folder.parent / "plain", packed=False)
    check_parts(mnist.Config(root=str(folder.parent / "plain")))


def test_the_other_customary_name_is_read(folder):
    for path in folder.iterdir():
        path.rename(folder / path.name.replace("-idx", ".idx"))
    check_parts(mnist.Config(root=str(folder)))


def test_sizes_come_from_the_headers(folder):
    spec = mnist.describe(mnist.Config(root=str(folder)))
    assert spec.input == Image(1, 28, 28)
    assert spec.target == Classes(tuple("0123456789"))


def test_data_of_another_size_are_said_not_to_be_the_official_ones(folder):
    (note,) = mnist.read(mnist.Config(root=str(folder))).notes
    assert note == "not the official 60,000 and 10,000 images: 3 and 2"


def test_absent_files_are_named_with_the_places_looked_at(folder):
    for path in folder.glob("t10k*"):
        path.unlink()
    with pytest.raises(MissingInput) as caught:
        mnist.describe(mnist.Config(root=str(folder.parent)))
    assert str(folder / f"t10k{IMAGES}.gz") in caught.value.where
    assert f"mnist/t10k{LABELS}.gz" in caught.value.expected
    assert "train" not in caught.value.expected


WRONG = {
    "html": (f"train{IMAGES}", b"<!DOCTYPE html><html></html>", "this is no IDX file of images"),
    "empty": (f"train{IMAGES}", b"", "this is no IDX file of images"),
    "labels_for_images": (f"t10k{IMAGES}", idx_labels(*range(10), *range(10)), "this is no IDX file of images"),
    "images_for_labels": (f"train{LABELS}", idx_images(3), "this is no IDX file of labels"),
    "count": (f"train{LABELS}", idx_labels(5, 0), "images and labels differ in number"),
    "size": (f"t10k{IMAGES}", idx_images(2, 20, 20), "training and test images differ in size"),
    "no_images": (f"t10k{IMAGES}", idx_images(0), "the IDX file is empty"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_noticed_by_its_header(folder, case):
    name, content, message = WRONG[case]
    with pytest.raises(DataError, match=message) as caught:
        mnist.describe(replace(folder, name, content))
    (problem,) = caught.value.problems
    assert str(problem.position).startswith(str(folder / name))


@pytest.mark.parametrize(("change", "found"), [(-1, "2,367 bytes"), (1, "more bytes")])
def test_a_file_of_another_length_than_announced_is_noticed(folder, change, found):
    content = idx_images(3)
    with pytest.raises(DataError, match="has not the length") as caught:
        mnist.read(replace(folder, f"train{IMAGES}", content[:-1] if change < 0 else content + b"x"))
    (problem,) = caught.value.problems
    assert problem.found == found
    assert problem.allowed == "2,368 bytes for 3 x 28 x 28 values"


def test_a_truncated_gzip_file_is_noticed(folder):
    path = folder / f"train{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        mnist.read(mnist.Config(root=str(folder)))


def test_a_label_that_is_no_digit_is_named(folder):
    with pytest.raises(DataError, match="a label stands for no class") as caught:
        mnist.read(replace(folder, f"train{LABELS}", idx_labels(5, 10, 4)))
    (problem,) = caught.value.problems
    assert (problem.as_json()["member"], problem.as_json()["index"]) == ("label", 2)
    assert str(problem.position).endswith(", label 2")


def test_a_restored_preparation_gives_the_same_batches(folder):
    config = mnist.Config(root=str(folder), normalize="standardize")
    train = mnist.read(config).parts["train"]
    fitted = mnist.prepare(config, train)
    restored = mnist.restore(config, fitted.state())
    before, after = (preparation.parse(train, Loading()).whole() for preparation in (fitted, restored))
    assert torch.equal(before.inputs, after.inputs)  # type: ignore[arg-type]


@pytest.mark.skipif(find([f"mnist/train{IMAGES}.gz"], None) is None, reason="no MNIST below $DLTK_DATA")
def test_the_official_files_give_the_published_counts():
    source = mnist.read(mnist.Config())
    train, test = source.parts["train"], source.parts["test"]
    assert (len(train), len(test)) == (60_000, 10_000)
    assert source.notes == ()
    assert train.labels()[:10] == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels()[:10] == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert torch.bincount(train.targets["label"]).tolist()[:3] == [5923, 6742, 5958]
    mean = train.inputs["image"].sum() / train.inputs["image"].numel() / 255
    assert float(mean) == pytest.approx(0.1307, abs=5e-5)
