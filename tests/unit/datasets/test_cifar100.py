from pathlib import Path

import pytest

from dltk.config.errors import DataError
from dltk.data.specs import Classes
from dltk.datasets import cifar100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write images with a coarse label, then a fine one."""
    folder = tmp_path / "cifar-100-binary"
    folder.mkdir()
    (folder / "train.bin").write_bytes(b"".join(bytes([i % 20, i, *[i] * 3072]) for i in range(100)))
    (folder / "test.bin").write_bytes(bytes([19, 99, *[0] * 3072]))
    return folder


@pytest.mark.parametrize(("labels", "train", "test"), [("fine", 41, 99), ("coarse", 1, 19)])
def test_the_first_byte_is_the_group_and_the_second_the_class(folder, labels, train, test):
    parts = cifar100.read(cifar100.Config(root=str(folder.parent), labels=labels)).parts
    assert parts["train"].labels()[41] == train
    assert parts["test"].labels() == [test]
    assert (parts["train"].inputs["image"][41] == 41).all()


@pytest.mark.parametrize(
    ("labels", "count", "first", "last"),
    [("fine", 100, "apple", "worm"), ("coarse", 20, "aquatic_mammals", "vehicles_2")],
)
def test_classes_and_groups_have_their_usual_names_in_order(folder, labels, count, first, last):
    target = cifar100.describe(cifar100.Config(root=str(folder), labels=labels)).target
    assert isinstance(target, Classes)
    assert len(set(target.names)) == count
    assert (target.names[0], target.names[-1]) == (first, last)
    assert list(target.names) == sorted(target.names)


def test_names_come_from_the_files_where_they_are_there(folder):
    (folder / "coarse_label_names.txt").write_text("\n".join(f"group {i}" for i in range(20)))
    target = cifar100.describe(cifar100.Config(root=str(folder), labels="coarse")).target
    assert target == Classes(tuple(f"group {i}" for i in range(20)))


def test_a_group_beyond_the_last_is_refused(folder):
    (folder / "test.bin").write_bytes(bytes([20, 0, *[0] * 3072]))
    with pytest.raises(DataError, match="a label stands for no class"):
        cifar100.read(cifar100.Config(root=str(folder), labels="coarse"))
    cifar100.read(cifar100.Config(root=str(folder), labels="fine"))


def test_records_of_cifar_10_are_refused(folder):
    (folder / "train.bin").write_bytes(bytes(3073))
    with pytest.raises(DataError, match="no file of CIFAR-100's binary version"):
        cifar100.describe(cifar100.Config(root=str(folder)))
