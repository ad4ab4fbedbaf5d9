import gzip
import struct
from pathlib import Path

import pytest

from dltk.config.errors import MissingInput
from dltk.data.specs import Classes, Image
from dltk.datasets import fashion_mnist, mnist


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Keep the user's own data and cache out of sight."""
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))


def write(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for part, labels in (("train", [9, 0, 3]), ("t10k", [1, 1])):
        count = len(labels)
        images = struct.pack(">4I", 2051, count, 28, 28) + bytes(count * 784)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(struct.pack(">2I", 2049, count) + bytes(labels))
        )
    return folder


@pytest.mark.parametrize("name", ["fashion_mnist", "fashion-mnist", "FashionMNIST/raw"])
def test_the_files_are_found_in_a_folder_of_their_own(tmp_path, monkeypatch, name):
    write(tmp_path / "data" / name)
    monkeypatch.setenv("DLTK_DATA", str(tmp_path / "data"))
    parts = fashion_mnist.read(fashion_mnist.Config()).parts
    assert parts["train"].labels() == [9, 0, 3]
    assert parts["test"].labels() == [1, 1]


def test_classes_have_names_and_images_one_channel(tmp_path):
    spec = fashion_mnist.describe(fashion_mnist.Config(root=str(write(tmp_path / "data"))))
    assert spec.input == Image(1, 28, 28)
    assert isinstance(spec.target, Classes)
    assert len(spec.target.names) == 10
    assert spec.target.names[9] == "Ankle boot"


@pytest.mark.parametrize("file", [mnist, fashion_mnist])
def test_files_whose_names_do_not_say_what_they_are_count_only_where_the_user_says_so(tmp_path, monkeypatch, file):
    folder = write(tmp_path / "data")
    monkeypatch.setenv("DLTK_DATA", str(folder))
    with pytest.raises(MissingInput):
        file.read(file.Config())
    assert len(file.read(file.Config(root=str(folder))).parts["train"]) == 3


@pytest.mark.parametrize("file", [mnist, fashion_mnist])
def test_every_file_has_safe_addresses_and_the_published_md5(file):
    assert len(file.REMOTES) == 4
    for remote in file.REMOTES:
        assert all(url.startswith("https://") and url.endswith(Path(remote.name).name) for url in remote.urls)
        assert len(remote.md5) == 32
