"""Files are complete or absent; what an earlier process left half-done is finished or undone."""

import json
import math

import pytest

from dltk.config.errors import IntegrityError, ResumeRefused, WriteError
from dltk.training.saving import durable
from dltk.training.saving.durable import (
    FORMAT,
    canonical,
    clear_leftovers,
    digest_of,
    read_facts,
    read_files,
    remove_directory,
    write_files,
    write_json,
    write_text,
)

OLD, NEW = {"a.bin": b"old", "b.bin": b""}, {"a.bin": b"newer", "c.bin": b"x"}


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def with_manifest(directory, **changes):
    """Edit a manifest as an attacker would who computes its digest anew."""
    manifest = json.loads((directory / "manifest.json").read_bytes()) | changes
    body = {key: value for key, value in manifest.items() if key != "digest"}
    digest = durable._digest(body)
    (directory / "manifest.json").write_bytes(canonical({**body, "digest": digest}))


def test_files_come_back_with_their_facts(tmp_path):
    write_files(tmp_path / "target", OLD, {"step": 3})
    assert read_files(tmp_path / "target", ["a.bin", "b.bin", "none"]) == OLD
    assert read_facts(tmp_path / "target", verify_files=True) == {"step": 3}
    assert names(tmp_path) == ["target"]


def test_a_directory_is_replaced_as_a_whole(tmp_path):
    write_files(tmp_path / "target", OLD, {})
    write_files(tmp_path / "target", NEW, {})
    assert names(tmp_path / "target") == ["a.bin", "c.bin", "manifest.json"]
    assert names(tmp_path) == ["target"]


def test_the_digest_changes_with_every_byte(tmp_path):
    digests = set()
    for i, contents in enumerate([OLD, NEW, {**OLD, "b.bin": b"\0"}]):
        write_files(tmp_path / str(i), contents, {})
        digests.add(digest_of(tmp_path / str(i)))
    assert len(digests) == 3


@pytest.mark.parametrize("changes", [{"format": 999}, {"format": None}, {"later": 1}])
def test_another_format_is_refused_as_such(tmp_path, changes):
    write_files(tmp_path / "target", OLD, {})
    with_manifest(tmp_path / "target", **changes)
    with pytest.raises(ResumeRefused, match="target needs another version of dltk") as caught:
        read_facts(tmp_path / "target")
    assert caught.value.code == 82
    assert caught.value.found == f"format {changes.get('format', FORMAT)}{' with later' if 'later' in changes else ''}"
    assert caught.value.expected == f"format {FORMAT}, which this version reads"
    assert caught.value.do.startswith("update dltk")


def test_a_format_that_is_not_under_the_digest_is_damage(tmp_path):
    write_files(tmp_path / "target", OLD, {})
    path = tmp_path / "target" / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":9'))
    with pytest.raises(IntegrityError):
        read_facts(tmp_path / "target")


@pytest.mark.parametrize(
    "files",
    [None, [], {"a.bin": 1}, {"a.bin": {}, "b.bin": {}}, {"a.bin": {"size": "3", "sha256": 1}}, {"../x": {}}, 3],
    ids=repr,
)
def test_a_forged_list_of_files_is_refused(tmp_path, files):
    write_files(tmp_path / "target", OLD, {})
    with_manifest(tmp_path / "target", files=files)
    with pytest.raises(IntegrityError) as caught:
        read_facts(tmp_path / "target", verify_files=True)
    assert caught.value.code == 81


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "NaN", '{"digest": NaN}', "[" * 100_000, "\xff", "1" * 5000])
def test_a_manifest_that_is_none_is_refused(tmp_path, text):
    write_files(tmp_path / "target", OLD, {})
    (tmp_path / "target" / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(IntegrityError, match="target is damaged"):
        read_facts(tmp_path / "target")


def test_a_manifest_that_would_fill_memory_is_not_read(tmp_path):
    write_files(tmp_path / "target", OLD, {})
    with (tmp_path / "target" / "manifest.json").open("r+b") as file:
        file.truncate(2**40)  # a hole, no space
    with pytest.raises(IntegrityError, match="too long"):
        read_facts(tmp_path / "target")


def test_a_file_that_would_fill_memory_is_not_read(tmp_path):
    write_files(tmp_path / "target", OLD, {})
    with (tmp_path / "target" / "a.bin").open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(IntegrityError, match=r"a\.bin: not as long"):
        read_facts(tmp_path / "target", verify_files=True)


def test_a_missing_directory_is_refused(tmp_path):
    with pytest.raises(IntegrityError, match=r"step-1 is damaged \(manifest\.json: No such file"):
        read_facts(tmp_path / "step-1")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    write_files(tmp_path / "target", OLD, {})
    (tmp_path / "target" / "a.bin").unlink()
    (tmp_path / "target" / "a.bin").mkdir()
    with pytest.raises(IntegrityError, match="target is damaged"):
        read_facts(tmp_path / "target", verify_files=True)


def test_text_is_replaced_as_a_whole(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    write_text(tmp_path / "a.txt", "ä \udce4")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "ä \\udce4"
    assert names(tmp_path) == ["a.txt"]


def test_json_is_strict(tmp_path):
    write_json(tmp_path / "a.json", {"nan": math.nan, "list": [math.inf, (1.5, -math.inf)], "name": "ä\udce4"})
    value = json.loads((tmp_path / "a.json").read_bytes(), parse_constant=pytest.fail)
    assert value == {"nan": None, "list": [None, [1.5, None]], "name": "ä\udce4"}


def test_text_that_cannot_be_written_says_where(tmp_path):
    with pytest.raises(WriteError, match=r"cannot write a\.txt: No such file") as caught:
        write_text(tmp_path / "gone" / "a.txt", "new")
    assert (caught.value.code, caught.value.where) == (74, str(tmp_path / "gone" / "a.txt"))


def test_leftovers_are_cleared(tmp_path):
    write_files(tmp_path / "step-1", OLD, {})
    for name in (".tmp-step-2-99", ".trash-step-0-99"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.bin").write_bytes(b"torn")
    (tmp_path / ".tmp-status.json-99").write_text("torn")
    clear_leftovers(tmp_path)
    assert names(tmp_path) == ["step-1"]


def test_what_was_moved_away_and_not_yet_replaced_is_put_back(tmp_path):
    write_files(tmp_path / "step-1", OLD, {})
    (tmp_path / "step-1").rename(tmp_path / ".old-step-1")
    clear_leftovers(tmp_path)
    assert read_files(tmp_path / "step-1", ["a.bin"]) == {"a.bin": b"old"}


def test_what_was_moved_away_and_is_replaced_goes(tmp_path):
    write_files(tmp_path / ".old-step-1", OLD, {})
    write_files(tmp_path / "step-1", NEW, {})
    clear_leftovers(tmp_path)
    assert names(tmp_path) == ["step-1"]
    assert read_files(tmp_path / "step-1", ["a.bin"]) == {"a.bin": b"newer"}


def test_a_removed_directory_is_gone(tmp_path):
    write_files(tmp_path / "step-1", OLD, {})
    remove_directory(tmp_path / "step-1")
    remove_directory(tmp_path / "never-was")
    assert names(tmp_path) == []
