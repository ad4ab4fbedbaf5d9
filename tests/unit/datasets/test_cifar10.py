import tarfile
from pathlib import Path

import pytest
import torch

from dltk.config.errors import DataError, MissingInput
from dltk.data.files import find
from dltk.data.specs import Classes, Image
from dltk.datasets import cifar10

FOLDER = "cifar-10-batches-bin"


def record(label: int, red: int, green: int, blue: int) -> bytes:
    return bytes([label, *[red] * 1024, *[green] * 1024, *[blue] * 1024])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Write two images per file; keep the user's own data and cache out of sight."""
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data" / "cifar10" / FOLDER
    folder.mkdir(parents=True)
    for number in range(1, 6):
        (folder / f"data_batch_{number}.bin").write_bytes(record(number, 1, 2, number) + record(0, 7, 7, 7))
    (folder / "test_batch.bin").write_bytes(record(9, 0, 0, 255))
    return folder


def check_parts(root: Path | None) -> None:
    parts = cifar10.read(cifar10.Config(root=None if root is None else str(root))).parts
    images = parts["train"].inputs["image"]
    assert images.shape == (10, 3, 32, 32)
    assert images[4, :, 31, 31].tolist() == [1, 2, 3]
    assert (images[1] == 7).all()
    assert parts["train"].labels() == [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]
    assert parts["test"].labels() == [9]


def test_a_folder_below_cifar10_is_read(folder, monkeypatch):
    check_parts(folder.parent.parent)
    monkeypatch.setenv("DLTK_DATA", str(folder.parent.parent))
    check_parts(None)


def test_a_folder_below_the_root_and_the_root_itself_are_read(folder):
    check_parts(folder.parent)
    check_parts(folder)


@pytest.mark.parametrize("place", ["cifar10", ""])
def test_the_archive_is_read(folder, tmp_path, place):
    (tmp_path / "other" / place).mkdir(parents=True)
    with tarfile.open(tmp_path / "other" / place / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.add(folder, FOLDER)
    check_parts(tmp_path / "other")


def test_classes_have_their_usual_names_unless_a_file_says_others(folder):
    config = cifar10.Config(root=str(folder))
    spec = cifar10.describe(config)
    assert spec.input == Image(3, 32, 32)
    assert isinstance(spec.target, Classes)
    assert spec.target.names[:2] == ("airplane", "automobile")
    names = [f"class {i}" for i in range(10)]
    (folder / "batches.meta.txt").write_text("\n".join([*names, "", ""]))
    assert cifar10.describe(config).target == Classes(tuple(names))
    (folder / "batches.meta.txt").write_text("a\nb\n")
    with pytest.raises(DataError, match="the class names are wrong"):
        cifar10.describe(config)


@pytest.mark.parametrize("content", [b"", record(1, 1, 1, 1)[:-1], b"<!DOCTYPE html>"])
def test_a_file_of_no_whole_records_is_refused_before_it_is_read(folder, content):
    (folder / "data_batch_3.bin").write_bytes(content)
    with pytest.raises(DataError, match="no file of CIFAR-10's binary version") as caught:
        cifar10.describe(cifar10.Config(root=str(folder)))
    (problem,) = caught.value.problems
    assert str(problem.position).endswith("data_batch_3.bin")
    assert problem.allowed == "records of 3,073 bytes"


def test_a_label_without_a_class_is_named_with_its_place(folder):
    (folder / "data_batch_2.bin").write_bytes(record(1, 0, 0, 0) + record(10, 0, 0, 0))
    with pytest.raises(DataError, match="a label stands for no class") as caught:
        cifar10.read(cifar10.Config(root=str(folder)))
    (problem,) = caught.value.problems
    assert problem.as_json() == {
        "id": "DLTK-DATA-FILE",
        "key": "",
        "message": "a label stands for no class",
        "found": "10",
        "allowed": "0 to 9",
        "file": str(folder / "data_batch_2.bin"),
        "member": "image",
        "index": 2,
    }


def test_an_absent_file_is_named(folder):
    (folder / "data_batch_5.bin").unlink()
    with pytest.raises(MissingInput, match=r"lacks the file data_batch_5\.bin"):
        cifar10.describe(cifar10.Config(root=str(folder)))


def test_absent_data_say_what_to_put_there(folder, tmp_path):
    with pytest.raises(MissingInput, match="CIFAR-10 is not there") as caught:
        cifar10.describe(cifar10.Config(root=str(tmp_path / "nowhere")))
    assert "www.cs.toronto.edu" in caught.value.expected


def test_another_number_of_images_is_said(folder):
    (note,) = cifar10.read(cifar10.Config(root=str(folder))).notes
    assert note == "not the official 50,000 and 10,000 images: 10 and 1"


@pytest.mark.skipif(find([f"cifar10/{FOLDER}", FOLDER], None) is None, reason="no CIFAR-10 below $DLTK_DATA")
def test_the_official_files_have_as_many_images_per_class():
    source = cifar10.read(cifar10.Config())
    assert source.notes == ()
    assert torch.bincount(source.parts["train"].targets["label"]).tolist() == [5000] * 10
    assert torch.bincount(source.parts["test"].targets["label"]).tolist() == [1000] * 10
    means = source.parts["train"].inputs["image"].float().mean((0, 2, 3)) / 255
    assert means.tolist() == pytest.approx([0.491, 0.482, 0.447], abs=1e-3)
