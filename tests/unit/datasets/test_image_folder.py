import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import torch

from dltk.config.errors import DataError, MissingInput
from dltk.data.batches import Loading
from dltk.data.files import find
from dltk.data.specs import Classes, Image
from dltk.datasets import image_folder
from tests.problems import told

HYMENOPTERA = "hymenoptera/hymenoptera_data_256.tar.gz"


def config(path: Path, **options: Any) -> image_folder.Config:
    return image_folder.Config.parse({"path": str(path), "size": 4, **options})


def write_images(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (6, 5), (10, 20, 30)).save(root / name)
    return root


def test_a_folder_per_class_is_a_training_set(tmp_path):
    root = write_images(tmp_path, "dog/b.png", "dog/deep/a.jpg", "cat/2.gif", "cat/1.bmp")
    source = image_folder.read(config(root))
    assert list(source.parts) == ["train"]
    assert source.parts["train"].names == ["cat/1.bmp", "cat/2.gif", "dog/b.png", "dog/deep/a.jpg"]
    assert source.parts["train"].labels() == ["cat", "cat", "dog", "dog"]
    assert source.notes == []


def test_links_that_lead_out_of_the_folder_are_counted(tmp_path):
    root = write_images(tmp_path / "root", "cat/1.png", "cat/2.png")
    away = write_images(tmp_path / "away", "1.png", "2.png")
    (root / "cat" / "3.png").symlink_to(root / "cat" / "1.png")
    assert image_folder.read(config(root)).notes == []
    (root / "cat" / "4.png").symlink_to(away / "1.png")
    (root / "dog").symlink_to(away)
    source = image_folder.read(config(root))
    assert source.parts["train"].names == ["cat/1.png", "cat/2.png", "cat/3.png", "cat/4.png", "dog/1.png", "dog/2.png"]
    assert source.notes == ["3 of 6 files are reached by links that lead out of the folder, such as 'cat/4.png'"]


def test_a_folder_that_is_itself_a_link_is_no_link_out_of_it(tmp_path):
    root = write_images(tmp_path / "root", "cat/1.png", "dog/2.png")
    (tmp_path / "link").symlink_to(root)
    assert image_folder.read(config(tmp_path / "link")).notes == []


def test_class_names_are_the_sorted_folder_names(tmp_path):
    root = write_images(tmp_path, "dog/1.png", "cat/1.png")
    spec = image_folder.describe(config(root, size=[8, 6], channels=1))
    assert spec.input == Image(1, 8, 6)
    assert spec.target == Classes(("cat", "dog"))


@pytest.mark.parametrize("val", ["val", "valid"])
def test_split_folders_are_the_official_parts(tmp_path, val):
    root = write_images(tmp_path, *(f"{part}/{name}/1.png" for part in ("train", val, "test") for name in "ab"))
    source = image_folder.read(config(root))
    assert list(source.parts) == ["train", "val", "test"]
    assert source.parts["val"].names == [f"{val}/a/1.png", f"{val}/b/1.png"]


def test_a_class_called_train_is_a_class(tmp_path):
    root = write_images(tmp_path, "train/1.png", "car/1.png", "test/1.png")
    assert image_folder.read(config(root)).parts["train"].labels() == ["car", "test", "train"]


def test_files_that_are_no_images_by_name_are_counted(tmp_path):
    root = write_images(tmp_path, "a/1.png", "b/1.png")
    for name in ("README.md", "a/Thumbs.db", "b/.DS_Store"):
        (root / name).touch()
    (note,) = image_folder.read(config(root)).notes
    assert note.startswith("3 files ignored")


def test_folders_beside_the_splits_are_mentioned(tmp_path):
    root = write_images(tmp_path, "train/a/1.png", "extra/a/1.png")
    assert image_folder.read(config(root)).notes == ["unused folders beside the splits: extra"]


def test_an_archive_is_read_like_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path / "pets", "a/1.png", "b/1.png")
    archive = shutil.make_archive(str(tmp_path / "pets"), "zip", tmp_path, "pets")
    assert image_folder.read(config(Path(archive))).parts["train"].names == ["a/1.png", "b/1.png"]


def test_splits_with_different_classes_are_refused(tmp_path):
    root = write_images(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png", "test/c/1.png")
    with pytest.raises(DataError, match="different classes") as caught:
        image_folder.describe(config(root))
    assert list(map(told, caught.value.problems)) == [
        f"{root}/test: has no 'b', which train/ has",
        f"{root}/test/c: train/ has no such class",
    ]


def test_two_folders_for_one_split_are_refused(tmp_path):
    root = write_images(tmp_path, "train/a/1.png", "val/a/1.png", "valid/a/1.png")
    with pytest.raises(DataError, match="two val splits") as caught:
        image_folder.describe(config(root))
    assert [str(problem.position) for problem in caught.value.problems] == [f"{root}/val", f"{root}/valid"]


def test_a_class_folder_without_images_is_refused(tmp_path):
    root = write_images(tmp_path, "a/1.png")
    (root / "b").mkdir()
    (root / "b" / "notes.txt").touch()
    with pytest.raises(DataError, match="class folders without an image") as caught:
        image_folder.describe(config(root))
    assert list(map(told, caught.value.problems)) == [f"{root}/b: no image in this folder"]


def test_an_empty_class_folder_does_not_hide_corrupt_images(tmp_path):
    root = write_images(tmp_path, "a/1.png", "a/2.png")
    (root / "a" / "2.png").write_bytes(b"broken")
    (root / "b").mkdir()
    with pytest.raises(DataError, match="without an image, and 1 of 2 image files cannot be read") as caught:
        image_folder.describe(config(root))
    places = [(str(problem.position), problem.id) for problem in caught.value.problems]
    assert places == [(f"{root}/a/2.png", "DLTK-DATA-IMAGE"), (f"{root}/b", "DLTK-DATA-CLASS")]


def test_images_without_class_folders_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(DataError, match="no class folders") as caught:
        image_folder.describe(config(write_images(tmp_path, "1.png")))
    assert "image_list" in caught.value.do


def test_a_path_that_leads_nowhere_is_reported(tmp_path):
    with pytest.raises(MissingInput):
        image_folder.describe(config(tmp_path / "absent"))


def test_corrupt_images_are_listed_together(tmp_path):
    root = write_images(tmp_path, *(f"{name}/{i}.png" for name in "ab" for i in range(3)))
    for name in ("a/1.png", "b/2.png"):
        (root / name).write_bytes(b"broken")
    options = config(root)
    train = image_folder.read(options).parts["train"]
    with pytest.raises(DataError, match="2 of 6 image files") as caught:
        image_folder.prepare(options, train).parse(train, Loading())
    assert [str(problem.position) for problem in caught.value.problems] == [f"{root}/a/1.png", f"{root}/b/2.png"]
    assert {problem.message.partition(" (")[0] for problem in caught.value.problems} == {"no image of a known format"}


def test_a_class_missing_later_does_not_shift_the_others(tmp_path):
    options = config(write_images(tmp_path / "first", "a/1.png", "b/1.png", "c/1.png"))
    preparation = image_folder.prepare(options, image_folder.read(options).parts["train"])
    later = image_folder.read(config(write_images(tmp_path / "later", "a/1.png", "c/1.png"))).parts["train"]
    targets = preparation.parse(later, Loading()).whole().targets
    assert isinstance(targets, torch.Tensor)
    assert targets.tolist() == [0, 2]


def test_a_restored_preparation_needs_no_data(tmp_path):
    options = config(write_images(tmp_path / "data", "a/1.png", "b/1.png"), normalize="standardize")
    state = image_folder.prepare(options, image_folder.read(options).parts["train"]).state()
    shutil.rmtree(tmp_path / "data")
    assert image_folder.restore(options, state).spec.target == Classes(("a", "b"))


@pytest.mark.skipif(find([HYMENOPTERA], None) is None, reason="no hymenoptera below $DLTK_DATA")
def test_the_ants_and_bees_are_read_with_their_odd_files(tmp_path, monkeypatch):
    archive = find([HYMENOPTERA], None)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path))
    assert archive is not None
    options = config(archive, size=32)
    source = image_folder.read(options)
    train, val = source.parts["train"], source.parts["val"]
    assert Counter(train.labels()) == {"ants": 123 + 1, "bees": 121}  # the .gif is the one more
    assert Counter(val.labels()) == {"ants": 70, "bees": 83}
    assert "train/ants/imageNotFound.gif" in train.names
    assert any(len(Path(name).name) > 100 for name in [*train.names, *val.names])
    batches = image_folder.prepare(options, train).parse(train, Loading())
    assert batches.num_samples == 245
