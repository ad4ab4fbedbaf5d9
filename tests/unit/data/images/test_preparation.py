from pathlib import Path

import PIL.Image
import pytest
import torch

from dltk.config.errors import DataError, MissingInput, OutOfResources, UsageError
from dltk.data.batches import Loading
from dltk.data.images.preparation import (
    ImageOptions,
    ImagePreparation,
    channel_statistics,
    classes_spec,
    ignored_note,
    image_of,
    labelled,
)
from dltk.data.samples import Columns
from dltk.data.specs import Image

SPEC = classes_spec(Image(3, 2, 2), ["cat", "dog"])


def write_images(folder: Path, *names: str, value: int = 51) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (4, 4), (value, 0, 255)).save(folder / name)
    return [str(folder / name) for name in names]


def test_a_model_gets_pixels_from_0_to_1():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 2, 2)
    batch = ImagePreparation.fit(SPEC, labelled(images, ["cat", "dog", "cat"])).parse(
        labelled(images, ["cat", "dog", "cat"]), Loading(4)
    )
    whole = batch.whole()
    assert isinstance(whole.inputs, torch.Tensor)
    assert whole.inputs[:, 0, 0, 0].tolist() == pytest.approx([0, 0.2, 1])
    assert isinstance(whole.targets, torch.Tensor)
    assert whole.targets.tolist() == [0, 1, 0]


def test_standardized_training_images_have_mean_0_and_deviation_1():
    images = torch.randint(0, 256, (50, 3, 2, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    train = labelled(images, torch.zeros(50, dtype=torch.int64))
    preparation = ImagePreparation.fit(SPEC, train, normalize="standardize")
    inputs = preparation.parse(train, Loading(8)).whole().inputs
    assert isinstance(inputs, torch.Tensor)
    assert inputs.mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert inputs.std((0, 2, 3), unbiased=False).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_channel_statistics_agree_with_torch():
    images = torch.randint(0, 256, (20, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    means, deviations = channel_statistics(images)
    scaled = images.double() / 255
    torch.testing.assert_close(means, scaled.mean((0, 2, 3)).float())
    torch.testing.assert_close(deviations, scaled.std((0, 2, 3), unbiased=False).float())


def test_a_channel_that_never_changes_is_not_divided_by_zero():
    _, deviations = channel_statistics(torch.full((2, 1, 2, 2), 9, dtype=torch.uint8))
    assert deviations.tolist() == [1.0]


@pytest.mark.parametrize("normalize", ["unit", "standardize"])
def test_a_restored_preparation_does_the_same(tmp_path, normalize):
    paths = write_images(tmp_path, "a.png", "b.png")
    train = labelled(paths, ["dog", "cat"])
    fitted = ImagePreparation.fit(SPEC, train, "pad", normalize)
    restored = ImagePreparation.restore(fitted.state())
    assert restored.spec == fitted.spec
    before, after = (preparation.parse(train, Loading()).whole() for preparation in (fitted, restored))
    assert torch.equal(before.inputs, after.inputs)  # type: ignore[arg-type]
    assert torch.equal(before.targets, after.targets)  # type: ignore[arg-type]


def test_paths_become_one_compact_tensor(tmp_path):
    paths = write_images(tmp_path, "a.png", "b.png")
    inputs = ImagePreparation(SPEC, "crop").parse(Columns({"image": paths}, {}), Loading()).whole().inputs
    assert isinstance(inputs, torch.Tensor)
    assert inputs.shape == (2, 3, 2, 2)
    assert inputs[0, :, 0, 0].tolist() == pytest.approx([0.2, 0, 1])


def test_links_out_of_a_folder_to_answer_are_counted_and_named_files_are_not(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "one.png").touch()
    (tmp_path / "folder" / "link.png").symlink_to(tmp_path / "one.png")
    preparation = ImagePreparation(SPEC, "crop")
    (note,) = preparation.open([str(tmp_path / "folder")]).notes
    assert note == "1 of 1 files are reached by links that lead out of the folder, such as 'link.png'"
    assert preparation.open([str(tmp_path / "folder" / "link.png")]).notes == []


def test_own_files_and_folders_are_opened_in_order(tmp_path):
    write_images(tmp_path, "folder/b/2.jpg", "folder/a.png", "single.gif")
    (tmp_path / "folder" / "notes.txt").write_text("no image")
    samples = ImagePreparation(SPEC, "crop").open([str(tmp_path / "single.gif"), str(tmp_path / "folder")])
    names = [Path(name).relative_to(tmp_path).as_posix() for name in samples.names]
    assert names == ["single.gif", "folder/a.png", "folder/b/2.jpg"]
    assert samples.targets == {}


def test_standard_input_is_refused():
    with pytest.raises(UsageError, match="standard input"):
        ImagePreparation(SPEC, "crop").open(["-"])


def test_paths_that_lead_nowhere_are_reported_together(tmp_path):
    with pytest.raises(MissingInput) as caught:
        ImagePreparation(SPEC, "crop").open([str(tmp_path / "one.png"), str(tmp_path / "two.png")])
    assert str(tmp_path / "one.png") in caught.value.where
    assert str(tmp_path / "two.png") in caught.value.where


def test_a_folder_without_images_is_reported(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(MissingInput, match="there is no image in"):
        ImagePreparation(SPEC, "crop").open([str(tmp_path)])


def test_an_unreadable_file_is_invalid_and_the_others_are_ok(tmp_path):
    paths = write_images(tmp_path, "a.png", "b.png")
    Path(paths[0]).write_bytes(b"")
    preparation = ImagePreparation(SPEC, "crop")
    samples = preparation.open(paths)
    assert preparation.statuses(samples) == ["invalid", "ok"]
    assert preparation.reasons(samples.take(torch.tensor([0]))) == ["an empty file"]
    assert preparation.parse(samples.take(torch.tensor([1])), Loading()).num_samples == 1


def test_pixels_are_always_ok():
    samples = Columns({"image": torch.zeros(2, 3, 2, 2, dtype=torch.uint8)}, {})
    assert ImagePreparation(SPEC, "crop").statuses(samples) == ["ok", "ok"]


def test_a_file_named_twice_is_answered_twice(tmp_path):
    (path,) = write_images(tmp_path, "a.png")
    preparation = ImagePreparation(SPEC, "crop")
    samples = preparation.open([path, path])
    assert preparation.statuses(samples) == ["ok", "ok"]
    assert preparation.parse(samples, Loading()).num_samples == 2


def test_unreadable_training_files_are_listed_together_up_to_20(tmp_path):
    names = [f"{i:02}.png" for i in range(25)]
    for name in names:
        (tmp_path / name).touch()
    paths = [str(tmp_path / name) for name in names] + write_images(tmp_path, "good.png")
    with pytest.raises(DataError, match="25 of 26 image files cannot be read") as caught:
        ImagePreparation(SPEC, "crop").parse(
            Columns({"image": paths}, {"label": ["cat"] * 26}, [*names, "good.png"]), Loading()
        )
    first, *_ = caught.value.problems
    assert (first.as_json()["file"], first.message, first.id) == (paths[0], "an empty file", "DLTK-DATA-IMAGE")
    assert len(caught.value.problems) == 25
    assert "\n... and 5 more\n" in str(caught.value)


def test_a_class_the_model_does_not_know_is_reported(tmp_path):
    samples = Columns({"image": torch.zeros(2, 3, 2, 2, dtype=torch.uint8)}, {"label": ["cat", "cow"]}, ["a", "b"])
    with pytest.raises(DataError) as caught:
        ImagePreparation(SPEC, "crop").parse(samples, Loading())
    assert (caught.value.where, caught.value.found, caught.value.expected) == ("b", "'cow'", "cat, dog")


def test_images_that_no_memory_holds_are_refused():
    spec = classes_spec(Image(3, 10**6, 10**6), ["cat", "dog"])
    with pytest.raises(OutOfResources, match="GB of memory"):
        ImagePreparation(spec, "crop").parse(Columns({"image": ["x.png"] * 10**6}, {}), Loading())


@pytest.mark.parametrize(("size", "channels", "expected"), [(32, 3, Image(3, 32, 32)), ([16, 24], 1, Image(1, 16, 24))])
def test_size_is_a_side_or_height_and_width(size, channels, expected):
    assert image_of(ImageOptions.parse({"size": size, "channels": channels})) == expected


def test_ignored_files_are_counted_with_examples(tmp_path):
    assert ignored_note([], tmp_path) == []
    (note,) = ignored_note([tmp_path / f"{i}.txt" for i in range(5)], tmp_path)
    assert note.startswith("5 files ignored")
    assert note.endswith("'0.txt', '1.txt', '2.txt', ...")
