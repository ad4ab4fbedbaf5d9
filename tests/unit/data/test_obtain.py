"""Data sets that are there, or are downloaded into the cache, or must not be."""

import gzip
from pathlib import Path

import pytest

from dltk.config.errors import IntegrityError, MissingInput
from dltk.data import files
from dltk.data.download import Remote
from tests.servers import CONTENT, Server, server

__all__ = ["server"]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "set" / "a.gz"


@pytest.fixture
def remote(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    return Remote("set/a.gz", (server.url(),), ("set/a", "a.gz"))


def test_data_that_are_there_are_not_downloaded(server, remote, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.gz").write_bytes(b"mine")
    assert files.obtain("Set", [remote], str(tmp_path / "own")) == [tmp_path / "own" / "a.gz"]
    assert server.requests == []


def test_data_that_are_nowhere_come_into_the_cache_once(server, remote, tmp_path):
    (tmp_path / "own").mkdir()
    for _ in range(2):
        assert files.obtain("Set", [remote], str(tmp_path / "own")) == [tmp_path / "cache" / "set" / "a.gz"]
    assert len(server.requests) == 1


def test_a_downloaded_file_that_changed_is_kept_aside_and_downloaded_anew(server, remote, target, capsys):
    files.obtain("Set", [remote], None)
    target.write_bytes(gzip.compress(b"other"))
    assert files.obtain("Set", [remote], None) == [target]
    assert target.read_bytes() == CONTENT
    assert (target.parent / "a.gz.bad").exists()
    assert "warning[DLTK-WARN-DOWNLOAD]: " in capsys.readouterr().err


def test_offline_a_downloaded_file_that_changed_is_refused(server, remote, target, monkeypatch):
    files.obtain("Set", [remote], None)
    target.write_bytes(gzip.compress(b"other"))
    monkeypatch.setenv("DLTK_OFFLINE", "1")
    with pytest.raises(IntegrityError, match="is not what was downloaded"):
        files.obtain("Set", [remote], None)


def test_a_users_own_file_in_the_cache_is_never_refused_by_a_digest(server, remote, target):
    target.parent.mkdir(parents=True)
    target.write_bytes(b"mine")
    assert files.obtain("Set", [remote], None) == [target]


def test_a_digest_that_is_none_is_refused(server, remote, target):
    files.obtain("Set", [remote], None)
    (target.parent / "a.gz.sha256").write_text("nonsense")
    with pytest.raises(IntegrityError, match="no SHA-256"):
        files.obtain("Set", [remote], None)


def test_offline_absent_data_say_what_to_put_where_and_from_which_address(server, remote, target, monkeypatch):
    monkeypatch.setenv("DLTK_OFFLINE", "1")
    with pytest.raises(MissingInput, match="Set is not there") as caught:
        files.obtain("Set", [remote], None)
    assert caught.value.code == 66
    assert str(target) in caught.value.where
    assert caught.value.expected == f"set/a.gz, from {server.url()}"
    assert "without --offline" in caught.value.do


def test_a_root_that_is_no_folder_is_an_error_even_online(server, remote, tmp_path):
    with pytest.raises(MissingInput) as caught:
        files.obtain("Set", [remote], str(tmp_path / "typo"))
    assert str(tmp_path / "typo" / "set" / "a.gz") in caught.value.where
    assert "without data.root" in caught.value.do
    assert server.requests == []
