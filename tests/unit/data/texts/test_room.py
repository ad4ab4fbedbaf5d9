"""Tables and texts that do not fit in memory are refused before they are read."""

import gzip
from pathlib import Path

import pytest

from dltk.config.errors import OutOfResources
from dltk.data.disk.choosing import reading_to
from dltk.data.texts import room
from dltk.data.texts.files import read_bytes
from dltk.data.texts.room import belongs_on_disk, needed_bytes, of_cells, of_words, refuse_without_room, unpacked_bytes
from dltk.datasets import text_folder


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(room, "MIN_BYTES", 0)

    def available(num_bytes):
        monkeypatch.setattr(room, "available_bytes", lambda: num_bytes)

    return available


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_a_table_of_many_cells_needs_more_than_a_text_as_long(tmp_path, little):
    cells, words = write(tmp_path / "cells.csv", "1,2\n" * 250), write(tmp_path / "words.csv", "long" * 250)
    little(10_000)
    refuse_without_room([words])
    with pytest.raises(OutOfResources, match=r"no room in memory for cells\.csv") as told:
        refuse_without_room([cells])
    assert told.value.found == "10.0 kB available"
    assert told.value.expected.startswith("about 39.0 kB for 1.0 kB of tables and texts")
    little(50_000)
    refuse_without_room([cells])
    little(None)
    refuse_without_room([cells])


def test_it_is_refused_where_files_are_read(tmp_path, little):
    little(10)
    with pytest.raises(OutOfResources, match="no room"):
        read_bytes(str(write(tmp_path / "a.csv", "x" * 100)))
    for name in ("a/1.txt", "a/2.txt", "b/1.txt"):
        write(tmp_path / "texts" / name, "good words")
    with reading_to("memory"), pytest.raises(OutOfResources, match="no room in memory for 3 texts"):
        text_folder.read(text_folder.Config.parse({"path": str(tmp_path / "texts")}))


def test_small_files_pass(tmp_path, little, monkeypatch):
    little(1)
    monkeypatch.setattr(room, "MIN_BYTES", 101)
    refuse_without_room([write(tmp_path / "a.csv", "x" * 100)])
    assert not belongs_on_disk([tmp_path / "a.csv"], of_cells)


@pytest.mark.parametrize("trusts_itself", [True, False])
def test_a_packed_file_needs_what_it_unpacks_to(tmp_path, monkeypatch, trusts_itself):
    if not trusts_itself:
        monkeypatch.setattr(room, "_UNPACKED_SAMPLE_BYTES", 1000)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"1,2\n" * 5000))
    assert 19_000 < unpacked_bytes(tmp_path / "a.csv.gz") <= 20_000


def test_a_damaged_packed_file_is_left_to_who_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_UNPACKED_SAMPLE_BYTES", 10)
    assert unpacked_bytes(write(tmp_path / "a.csv.gz", "x" * 100)) == 100


def test_more_than_half_of_what_is_available_belongs_on_disk(tmp_path, little):
    cells = [write(tmp_path / "cells.csv", "1,2\n" * 250)]
    little(78_000)
    assert not belongs_on_disk(cells, of_cells)
    little(77_999)
    assert belongs_on_disk(cells, of_cells)
    little(None)
    assert not belongs_on_disk(cells, of_cells)


def test_what_was_asked_for_comes_before_the_rule(tmp_path, little):
    cells = [write(tmp_path / "cells.csv", "1,2\n" * 250)]
    little(10)
    with reading_to("memory"):
        assert not belongs_on_disk(cells, of_cells)
    little(None)
    with reading_to("disk"):
        assert belongs_on_disk(cells, of_cells)
        assert not belongs_on_disk([tmp_path / "a pipe that is read once"], of_cells)


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("1.5,-2", 2),
        ("1.5,", 2),
        ('"1,5";2', 2),
        ("red,2", 2),
        ("{i},no", 2),
        ("name {i},2", 101),
        ("name {i};2,5", 101),
        ("{i:03}-{i},2024-01-02", 101),
    ],
)
def test_a_column_of_categories_has_as_many_numbers_as_categories(line, numbers):
    lines = [line.format(i=i).encode() for i in range(300)]
    size = sum(len(each) + 1 for each in lines)
    assert of_cells(lines) == pytest.approx(300 * (130 + 7 * numbers) / size)


def test_a_text_needs_room_for_its_words():
    assert of_words([b"two words", b"and  three more"]) == pytest.approx((2 * 130 + 5 * 40) / 26)
    assert of_words([]) == of_cells([]) == 0


@pytest.mark.parametrize("content", [b"", b"1", b"no line ends here, ", b"a\nb"])
def test_the_shortest_files_have_lines_too(tmp_path, little, content):
    (tmp_path / "a.csv").write_bytes(content)
    assert needed_bytes([tmp_path / "a.csv"], len(content), of_cells) is not None
