"""Entry points as importlib.metadata reads them, without its import."""

from importlib import metadata
from pathlib import Path

import pytest

from dltk.config.entry_points import EntryPoint, entry_points


def installed(folder: Path, name: str, text: str) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(text)


@pytest.mark.parametrize("group", ["console_scripts", "pytest11", "dltk.models", "no.such.group"])
def test_they_are_those_that_the_standard_library_finds(group: str) -> None:
    expected = {point.name: (point.module, point.attr or "") for point in metadata.entry_points(group=group)}
    assert {point.name: (point.module, point.attributes) for point in entry_points([group])[0].values()} == expected


def test_comments_spaces_and_other_groups_are_read_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[other]\nx = y\n\n[dltk.models]\n# a = b\n one=pack.age\ntwo = pack.age : part [extra]\n[more]\nz = w\n"
    installed(tmp_path, "extra", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = list(entry_points(["dltk.models"])[0].values())
    assert found == [EntryPoint("one", "pack.age"), EntryPoint("two", "pack.age : part [extra]")]
    assert [(point.module, point.attributes) for point in found] == [("pack.age", ""), ("pack.age", "part")]


def test_of_two_with_the_same_name_the_first_on_the_path_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("late", "early"):
        installed(tmp_path / name, name, f"[dltk.tasks]\nsame = {name}\n")
        monkeypatch.syspath_prepend(str(tmp_path / name))
    assert entry_points(["dltk.tasks"]) == [{"same": EntryPoint("same", "early")}]


def test_what_cannot_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(b"[dltk.models]\nx = \xff\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path / "no such folder"))
    assert entry_points(["dltk.models", "dltk.tasks"]) == [{}, {}]
