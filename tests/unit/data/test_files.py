import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from dltk.config.errors import DataError, MissingInput
from dltk.data.files import as_directory, cache_directory, data_roots, find, locate, missing, not_there


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Keep the user's own data and cache out of sight."""
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))


def write(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_the_cache_is_where_the_environment_says(tmp_path):
    assert cache_directory() == tmp_path / "cache"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_the_cache_follows_xdg_and_ignores_a_relative_xdg_folder(monkeypatch):
    monkeypatch.delenv("DLTK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/somewhere")
    assert cache_directory() == Path("/var/somewhere/dltk")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_directory() == Path.home() / ".cache" / "dltk"


@pytest.mark.parametrize(("platform", "ending"), [("darwin", "Library/Caches/dltk"), ("win32", "Local/dltk")])
def test_other_platforms_have_their_own_cache(monkeypatch, platform, ending):
    monkeypatch.delenv("DLTK_CACHE")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_directory().as_posix().endswith(ending)


def test_a_given_root_replaces_the_environments_and_the_cache_comes_last(tmp_path, monkeypatch):
    assert data_roots(None) == [tmp_path / "cache"]
    monkeypatch.setenv("DLTK_DATA", "/data")
    assert data_roots(None) == [Path("/data"), tmp_path / "cache"]
    assert data_roots("/own") == [Path("/own"), tmp_path / "cache"]


def test_earlier_roots_then_earlier_names_are_found_first(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_DATA", str(tmp_path / "data"))
    write(tmp_path / "cache" / "a")
    assert find(["a", "b"], None) == tmp_path / "cache" / "a"
    write(tmp_path / "data" / "b")
    assert find(["a", "b"], None) == tmp_path / "data" / "b"
    assert find(["c"], None) is None


def test_a_relative_path_is_looked_for_beside_the_config_then_among_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_DATA", str(tmp_path / "data"))
    here = tmp_path / "configs"
    in_data, in_cache = write(tmp_path / "data" / "t.csv"), write(tmp_path / "cache" / "u.csv")
    assert locate("t.csv", here) == in_data
    assert locate("u.csv", here) == in_cache
    assert locate("t.csv", here) != write(here / "t.csv")  # not there a moment ago
    assert locate("t.csv", here) == here / "t.csv"
    assert locate("nowhere.csv", here) == here / "nowhere.csv"
    assert locate(str(in_data), here) == in_data
    assert locate("~/t.csv", here) == Path.home() / "t.csv"


def test_missing_data_name_every_place_and_what_to_put_there(monkeypatch, tmp_path):
    monkeypatch.setenv("DLTK_DATA", "/data")
    error = missing("MNIST", ["mnist/a.gz", "mnist/a"], None)
    assert error.code == 66
    for place in ("/data/mnist/a.gz", "/data/mnist/a", str(tmp_path / "cache" / "mnist" / "a")):
        assert place in error.where
    assert "$DLTK_DATA" in error.do
    assert "data.root" in missing("MNIST", ["a"], "/own").do
    assert "$DLTK_DATA" in not_there(Path("x")).do


def test_a_folder_is_itself(tmp_path):
    assert as_directory(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("tar", ".tar"),
        ("gztar", ".tar.gz"),
        ("gztar", ".TGZ"),
        ("bztar", ".tar.bz2"),
        ("xztar", ".tar.xz"),
        ("zip", ".zip"),
    ],
)
def test_an_archive_of_one_folder_is_that_folder(tmp_path, kind, suffix):
    write(tmp_path / "pets" / "cat" / "1.txt", "miau")
    made = shutil.make_archive(str(tmp_path / "made"), kind, tmp_path, "pets")
    archive = Path(made).rename(tmp_path / f"pets{suffix}")
    folder = as_directory(archive)
    assert folder.name == "pets"
    assert (folder / "cat" / "1.txt").read_text() == "miau"
    assert folder.is_relative_to(tmp_path / "cache")


def test_an_archive_of_several_entries_is_their_folder_and_it_is_unpacked_once(tmp_path):
    archive = tmp_path / "two.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("cat/1.txt", "miau")
        file.writestr("dog/1.txt", "wuff")
    folder = as_directory(archive)
    assert sorted(entry.name for entry in folder.iterdir()) == ["cat", "dog"]
    write(folder / "mark")
    archive.rename(tmp_path / "renamed.zip")
    assert (as_directory(tmp_path / "renamed.zip") / "mark").exists()


def test_what_macos_adds_to_an_archive_does_not_count(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("pets/1.txt", "miau")
        file.writestr("__MACOSX/pets/._1.txt", "")
    assert as_directory(tmp_path / "a.zip").name == "pets"


def test_another_file_or_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither a folder nor an archive"):
        as_directory(write(tmp_path / "a.csv"))
    with pytest.raises(MissingInput, match=r"there is no 'b\.zip'"):
        as_directory(tmp_path / "b.zip")
