from pathlib import Path

import PIL.Image
import pytest

from dltk.config.errors import DataError
from dltk.data.images.preparation import labelled
from dltk.data.images.scanning import scanned
from dltk.data.samples import Columns
from dltk.data.specs import Image

FORM = Image(3, 4, 4)


def pictures(folder: Path, *names: str) -> Columns:
    """Write images, those called bad* without any content; the class is the first letter."""
    paths = [folder / name for name in names]
    for path in paths:
        if path.name.startswith("bad"):
            path.write_bytes(b"")
        else:
            PIL.Image.new("RGB", (6, 5), (10, 20, 30)).save(path)
    return labelled([str(path) for path in paths], [name[0] for name in names], list(names))


def many(folder: Path, count: int, *others: str) -> Columns:
    return pictures(folder, *others, *(f"{'ab'[i % 2]}{i}.png" for i in range(count)))


def test_by_default_nothing_is_decoded_or_left_out(tmp_path):
    samples = many(tmp_path, 3, "bad.png")
    parts, notes = scanned({"train": samples}, "image", FORM, "error")
    assert parts["train"] is samples
    assert notes == []


def test_what_cannot_be_read_is_skipped_and_listed(tmp_path):
    (tmp_path / "test").mkdir()
    parts = {"train": many(tmp_path, 150, "bad1.png"), "test": many(tmp_path / "test", 60, "bad2.png")}
    kept, notes = scanned(parts, "image", FORM, "skip")
    assert [len(samples) for samples in kept.values()] == [150, 60]
    assert kept["train"].names == parts["train"].names[1:]
    assert kept["train"].targets["label"] == parts["train"].targets["label"][1:]
    assert notes == [
        f"2 of 212 image files cannot be read and are skipped: {tmp_path}/bad1.png: an empty file; "
        f"{tmp_path}/test/bad2.png: an empty file"
    ]


def test_more_than_one_in_a_hundred_is_no_accident(tmp_path):
    samples = many(tmp_path, 30, *(f"bad{i}.png" for i in range(25)))
    with pytest.raises(DataError, match="25 of 55 image files cannot be read") as caught:
        scanned({"train": samples}, "image", FORM, "skip")
    assert "... and 5 more" in str(caught.value)
    assert "at most" in caught.value.do
    assert "1%" in caught.value.do


def test_a_class_keeps_an_image(tmp_path):
    samples = pictures(tmp_path, "bad.png", *(f"a{i}.png" for i in range(120)))
    with pytest.raises(DataError, match="a class has no image"):
        scanned({"train": samples}, "image", FORM, "skip")


@pytest.mark.parametrize("kind", ["gif", "tif", "webp"])
def test_files_of_several_pictures_are_counted(tmp_path, kind):
    frames = [PIL.Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / f"moving.{kind}", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / f"still.{kind}")
    (tmp_path / f"torn.{kind}").write_bytes(b"GIF89a")
    names = [f"{name}.{kind}" for name in ("moving", "still", "torn")]
    samples = labelled([str(tmp_path / name) for name in names], ["a", "b", "b"], names)
    _, notes = scanned({"train": samples}, "image", FORM, "error")
    assert notes == [
        f"1 file holds several pictures, of which the first one counts, such as '{tmp_path}/moving.{kind}'"
    ]
