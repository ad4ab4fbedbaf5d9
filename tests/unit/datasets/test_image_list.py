from pathlib import Path

import PIL.Image
import pytest
import torch

from dltk.config.errors import DataError, MissingInput
from dltk.data.batches import Loading
from dltk.data.specs import Classes
from dltk.datasets import image_list
from tests.problems import told


def write(folder: Path, labels: str | bytes | None, *names: str) -> image_list.Config:
    folder.mkdir(exist_ok=True)
    for i, name in enumerate(names):
        PIL.Image.new("RGB", (4, 4), (i, 0, 0)).save(folder / name)
    if labels is not None:
        (folder / "labels.txt").write_bytes(labels if isinstance(labels, bytes) else labels.encode())
    return image_list.Config(path=str(folder), size=2)


FOUR = ("4.png", "2.jpg", "1.png", "3.png")


def test_labels_follow_the_sorted_image_names(tmp_path):
    config = write(tmp_path, "frog\ntruck\ntruck\nfrog\n", *FOUR)
    train = image_list.read(config).parts["train"]
    assert train.names == ["1.png", "2.jpg", "3.png", "4.png"]
    assert train.labels() == ["frog", "truck", "truck", "frog"]
    assert image_list.describe(config).target == Classes(("frog", "truck"))


def test_batches_hold_class_positions_in_that_order(tmp_path):
    config = write(tmp_path, "frog\ntruck\ntruck\nfrog", *FOUR)
    train = image_list.read(config).parts["train"]
    whole = image_list.prepare(config, train).parse(train, Loading()).whole()
    assert isinstance(whole.inputs, torch.Tensor)
    assert isinstance(whole.targets, torch.Tensor)
    assert whole.targets.tolist() == [0, 1, 1, 0]
    assert (whole.inputs[[0, 2, 3], 0, 0, 0] * 255).round().tolist() == [2, 3, 0]


@pytest.mark.parametrize(
    "labels",
    [b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n\n  \n", b" a \nb", b"a\rb\r"],
    ids=["crlf", "bom and empty end", "spaces", "cr"],
)
def test_line_ends_and_marks_do_not_matter(tmp_path, labels):
    assert image_list.read(write(tmp_path, labels, "1.png", "2.png")).parts["train"].labels() == ["a", "b"]


def test_labels_in_any_script_are_kept(tmp_path):
    labels = "\uac1c\uad6c\ub9ac\n\ud2b8\ub7ed\n"
    assert image_list.describe(write(tmp_path, labels, "1.png", "2.png")).target == Classes(tuple(labels.split()))


def test_another_labels_file_can_be_named(tmp_path):
    config = write(tmp_path, None, "1.png")
    (tmp_path / "y.csv").write_text("frog\n")
    config = config.model_copy(update={"labels": "y.csv"})
    source = image_list.read(config)
    assert source.parts["train"].labels() == ["frog"]
    assert source.notes == []


def test_links_that_lead_out_of_the_folder_are_counted(tmp_path):
    write(tmp_path / "away", None, "2.png")
    config = write(tmp_path / "root", "a\nb\n", "1.png")
    (tmp_path / "root" / "2.png").symlink_to(tmp_path / "away" / "2.png")
    (note,) = image_list.read(config).notes
    assert note == "1 of 2 files are reached by links that lead out of the folder, such as '2.png'"


def test_other_files_are_counted(tmp_path):
    config = write(tmp_path, "a\n", "1.png")
    (tmp_path / "README.md").touch()
    (note,) = image_list.read(config).notes
    assert note.startswith("1 file ignored")


@pytest.mark.parametrize(
    ("labels", "found", "place", "first"),
    [
        ("a\nb\n", "3 images, 2 labels", "2:1", "the last label; the first image without one is '3.png'"),
        ("a\nb\na\nfrog\nb", "3 images, 5 labels", "4:1", "the first label without an image"),
    ],
)
def test_unequal_numbers_are_refused_at_the_first_one_left_over(tmp_path, labels, found, place, first):
    with pytest.raises(DataError, match="differ in number") as caught:
        image_list.describe(write(tmp_path, labels, "1.png", "2.png", "3.png"))
    assert caught.value.found == found
    assert [told(problem) for problem in caught.value.problems] == [f"{tmp_path / 'labels.txt'}:{place}: {first}"]


@pytest.mark.parametrize(
    ("labels", "message", "place"),
    [(b"a\n\nb", "labels are missing", "2:1"), (b"", "labels are missing", "1:1"), (b"a\nb\xff\n", "no utf-8", "2:2")],
)
def test_a_wrong_line_is_named(tmp_path, labels, message, place):
    with pytest.raises(DataError, match=message) as caught:
        image_list.describe(write(tmp_path, labels, "1.png", "2.png"))
    assert str(caught.value.problems[0].position) == f"{tmp_path / 'labels.txt'}:{place}"


def test_an_absent_labels_file_is_reported(tmp_path):
    with pytest.raises(MissingInput, match="no labels file"):
        image_list.describe(write(tmp_path, None, "1.png"))


def test_a_folder_without_images_is_reported(tmp_path):
    with pytest.raises(DataError, match="no image in the folder"):
        image_list.describe(write(tmp_path, "a\n"))


def test_a_restored_preparation_knows_the_classes(tmp_path):
    config = write(tmp_path, "b\na\n", "1.png", "2.png")
    state = image_list.prepare(config, image_list.read(config).parts["train"]).state()
    assert image_list.restore(config, state).spec == image_list.describe(config)
