import json
from pathlib import Path

import pytest

from dltk.config import registry
from tests.contracts.examples import idx_digits, photos
from tests.servers import CONTENT, server

__all__ = ["server"]


def test_data_are_described_in_tables_for_people(dltk):
    out = dltk.ok("data", "describe", "iris").out
    for words in ("target species: classes", "setosa", "33.3%", "petal_width", "first training samples"):
        assert words in out


def test_a_table_is_described_before_its_target_is_chosen_and_then_split(dltk, folder):
    (folder / "t.csv").write_text("size;kind\n" + "1;a\n2;b\n" * 30)
    alone = dltk.ok("data", "describe", "t.csv").out
    for words in ("columns of table: all rows", "data.target=COLUMN", "first rows"):
        assert words in alone
    facts = dltk.ok("data", "describe", "t.csv", "data.drop=[size]", "--json", "--output", "out").json
    assert facts["splits"] == {"all": {"samples": 60}}
    assert [column["column"] for column in facts["inputs"]["table"]["columns"]] == ["kind"]
    split = dltk.ok("data", "describe", "t.csv", "data.target=kind").out
    assert "a table, 1 column, 1 input" in split
    assert "target kind: classes" in split


def test_first_samples_of_a_wide_table_are_columns(dltk):
    out = dltk.ok("data", "describe", "breast_cancer").out
    header, first, *_ = out.partition("first training samples\n")[2].splitlines()
    assert header.split() == ["sample", "row", "1", "row", "2", "row", "3"]
    assert first.split() == ["mean_radius", "17.99", "20.57", "19.69"]


def test_data_are_described_in_one_json_object(dltk):
    facts = dltk.ok("data", "describe", "iris.yaml", "data.val_fraction=0", "--json").json
    assert facts["data"]["batch_size"] == 16
    assert set(facts["splits"]) == {"train", "test"}


def test_a_folder_gets_the_description_and_a_picture_of_images(dltk, folder):
    example = photos(folder)
    options = [f"data.path={example.options['path']}", "data.size=16"]
    answer = dltk.ok("data", "describe", "image_folder", *options, "--output", folder / "out", "--json").json
    assert answer["output"] == [str(folder / "out" / "description.json"), str(folder / "out" / "image.png")]
    assert json.loads((folder / "out" / "description.json").read_text())["data"]["name"] == "image_folder"
    assert (folder / "out" / "image.png").read_bytes().startswith(b"\x89PNG")


def test_a_class_that_no_font_can_draw_is_said_where_images_are_drawn(dltk, folder):
    path = Path(photos(folder).options["path"])
    first, *_ = sorted(path.iterdir())
    first.rename(path / "\U00013000")
    options = [f"data.path={path}", "data.size=16"]
    answer = dltk.ok("data", "describe", "image_folder", *options, "--output", folder / "out")
    assert "is '\U00013000'; install a CJK font" in answer.err


def test_a_folder_that_cannot_be_made_is_refused(dltk, folder):
    (folder / "file").write_text("")
    assert dltk("data", "describe", "iris", "--output", folder / "file").code == 73


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe"], "Missing argument"),
        (["describe", "irsi"], "did you mean 'iris'?"),
        (["download", "mnits"], "did you mean 'mnist'?"),
        (["describe", "."], "dltk data describe image_folder data.path=."),
        (["download", "iris"], "iris is not downloaded"),
        (["delete"], "No such command"),
    ],
)
def test_misuse_is_a_usage_error(dltk, arguments, message):
    answer = dltk("data", *arguments)
    assert answer.code == 2
    assert message in answer.err


def test_the_group_without_a_command_shows_its_help(dltk):
    assert "download" in dltk.ok("data").out


@pytest.fixture
def _no_data(monkeypatch, tmp_path):
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLTK_OFFLINE", "1")  # what --offline sets is taken back, too
    monkeypatch.setattr(registry, "_plugins", {})


@pytest.mark.usefixtures("_no_data")
def test_offline_absent_data_are_missing_with_place_and_address(dltk, folder, monkeypatch):
    monkeypatch.delenv("DLTK_OFFLINE")
    (folder / "m.yaml").write_text("data: {name: mnist}\nmodel: {name: linear}\n")
    commands = (["train", "m.yaml"], ["cv", "m.yaml"], ["data", "describe", "mnist"], ["data", "download", "mnist"])
    for command in commands:
        error = dltk(*command, "--offline", "--json")
        assert error.code == 66
        assert "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz" in error.json["expected"]
        assert str(folder / "cache" / "mnist" / "train-images-idx3-ubyte.gz") in error.json["where"]


PLUGIN = """
from dltk.data.download import Remote
from dltk.datasets.iris import Config, describe, prepare, read, restore

REMOTES = (Remote("mine/a.gz", ("{url}",)),)
"""


@pytest.mark.usefixtures("_no_data")
def test_data_sets_are_downloaded_once_and_said_where_they_are(dltk, folder, server):
    (folder / "mine.py").write_text(PLUGIN.format(url=server.url()))
    path = folder / "cache" / "mine" / "a.gz"
    answer = dltk.ok("data", "download", "mine", "--plugin", "mine.py")
    assert answer.out == f"{path}\n"
    assert answer.err.startswith("downloading a.gz (")
    assert path.read_bytes() == CONTENT
    again = dltk.ok("data", "download", "mine", "--plugin", "mine.py", "--json")
    assert again.json["files"] == {"mine": [str(path)]}
    assert again.err == ""


@pytest.mark.usefixtures("_no_data")
def test_a_run_remembers_where_its_data_were(dltk, folder, monkeypatch):
    root = idx_digits(folder).options["root"]
    monkeypatch.setenv("DLTK_DATA", root)
    lines = ["data: {name: mnist, val_fraction: 0}", "model: {name: linear}", "train: {epochs: 1, threads: 1}"]
    (folder / "m.yaml").write_text("\n".join([*lines, "tensorboard: {scalars: false, pictures: false}"]))
    run = dltk.trained("m.yaml")
    assert f"root: {root}" in (run / "resolved.yaml").read_text()
    monkeypatch.delenv("DLTK_DATA")
    assert dltk.ok("eval", run, "--json").json["num_samples"] == 10
    (folder / "data").rename(folder / "elsewhere")
    assert dltk("train", "--resume", run, "train.epochs=2").code == 66
    dltk.ok("train", "--resume", run, "train.epochs=2", f"data.root={folder / 'elsewhere'}")
