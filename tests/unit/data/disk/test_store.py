"""Entries of the store are written once, are whole or not there, and notice changed sources."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dltk.config.errors import WriteError
from dltk.data.disk import store
from dltk.data.disk.store import WantedRows, entries, sources_of, store_directory, stored

ROWS = torch.arange(12, dtype=torch.uint8).view(4, 3)
WANTED = WantedRows({"sources": "a"}, torch.uint8, (4, 3))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def whole():
    return iter(torch.split(ROWS, 3))


def never():
    raise AssertionError("an entry that is there is not made again")


def read(found):
    return found.read(torch.arange(len(found)))


def test_an_entry_is_made_once(cache):
    assert torch.equal(read(stored(WANTED, whole)), ROWS)
    assert torch.equal(read(stored(WANTED, never)), ROWS)
    assert [entry.name for entry in entries()] == [WANTED.key]
    assert json.loads((entries()[0] / "facts.json").read_text())["of"] == {"sources": "a"}


@pytest.mark.parametrize(
    "other",
    [
        WantedRows({"sources": "b"}, torch.uint8, (4, 3)),
        WantedRows({"sources": "a"}, torch.uint8, (4, 3, 1)),
        WantedRows({"sources": "a", "resize": "pad"}, torch.uint8, (4, 3)),
    ],
)
def test_other_sources_options_or_sizes_are_another_entry(other):
    stored(WANTED, whole)
    stored(other, whole)
    assert len(entries()) == 2


def test_what_was_interrupted_never_counts(cache):
    def interrupted():
        yield ROWS[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stored(WANTED, interrupted)
    assert entries() == []
    assert torch.equal(read(stored(WANTED, whole)), ROWS)


def test_what_a_killed_process_left_is_removed(cache):
    script = f"""
import os, torch
from dltk.data.disk.store import WantedRows, stored
def rows():
    yield torch.zeros(2, 3, dtype=torch.uint8)
    os.kill(os.getpid(), 9)
stored(WantedRows({dict(WANTED.facts)!r}, torch.uint8, (4, 3)), rows)
"""
    killed = subprocess.run([sys.executable, "-c", script], env={**os.environ, "DLTK_CACHE": str(cache)}, check=False)
    assert killed.returncode == -9
    (left,) = store_directory().glob(".tmp-*")
    assert entries() == []
    stored(WantedRows({"sources": "other"}, torch.uint8, (4, 3)), whole)
    assert not left.exists()
    assert torch.equal(read(stored(WANTED, whole)), ROWS)


@pytest.mark.parametrize("damage", ["flip", "cut", "no facts"])
def test_a_damaged_entry_is_made_again(damage, capsys):
    stored(WANTED, whole)
    values, facts = entries()[0] / "values.bin", entries()[0] / "facts.json"
    if damage == "no facts":
        facts.write_text("[]")
    else:
        content = bytearray(values.read_bytes())
        content[5] ^= 1
        values.write_bytes(content if damage == "flip" else content[:-1])
    assert torch.equal(read(stored(WANTED, whole)), ROWS)
    assert "warning[DLTK-WARN-SAMPLES]: " in capsys.readouterr().err


def test_the_least_recently_used_entries_make_room(monkeypatch, capsys):
    old, older = (WantedRows({"sources": name}, torch.uint8, (4, 3)) for name in ("old", "older"))
    for age, wanted in ((2, old), (3, older)):
        stored(wanted, whole)
        os.utime(store_directory() / wanted.key, (0, 10**9 - age))
    stored(WANTED, whole)
    usage = shutil.disk_usage(store_directory())
    each = store.size_of(entries()[0])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 * each))
    stored(WantedRows({"sources": "new"}, torch.uint8, (4, 3)), whole)
    assert "removed decoded samples that were not used for long" in capsys.readouterr().err
    assert store_directory() / older.key not in entries()
    assert store_directory() / WANTED.key in entries()


def test_what_does_not_fit_the_disk_is_refused_before_it_is_decoded(monkeypatch):
    store_directory().mkdir(parents=True)
    usage = shutil.disk_usage(store_directory())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=20))
    with pytest.raises(WriteError, match="no room for the decoded samples"):
        stored(WANTED, never)


def test_a_changed_file_has_other_sources(tmp_path):
    file = tmp_path / "image"
    file.write_bytes(b"one")
    os.utime(file, (0, 10**9))
    before = sources_of([str(file)])
    assert sources_of([str(file)]) == before
    file.write_bytes(b"two")
    os.utime(file, (0, 10**9))
    assert sources_of([str(file)]) != before, "the time of change cannot be set back"


def test_a_reader_goes_on_when_its_entry_is_removed():
    found = stored(WANTED, whole)
    store.remove(entries()[0])
    assert torch.equal(read(found), ROWS)


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(WriteError, match="cannot keep decoded samples"):
        stored(WANTED, whole)


def test_the_store_lies_in_the_cache(cache):
    assert store_directory() == Path(cache / "decoded")
