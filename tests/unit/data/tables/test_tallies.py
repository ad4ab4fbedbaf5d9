"""Values are counted alike in memory and on disk, however few are held at once."""

from collections import Counter

import pytest

from dltk.data.disk.choosing import reading_to
from dltk.data.tables import tallies
from dltk.data.tables.csv_files import read_csv
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.frames import cells_of
from dltk.data.tables.tallies import most_frequent, num_different

CELLS = ["b", None, "a", "b", "c", None, "a", "d", "b", "e"]


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{cell or ''},1\n" for cell in CELLS))
    with reading_to("disk"):
        return cells_of(read_csv(str(tmp_path / "t.csv"), CsvFormat()).frame, "x")


@pytest.mark.parametrize("held", [1 << 20, 2, 1])
def test_a_column_on_disk_is_counted_as_one_in_memory(on_disk, held, monkeypatch):
    monkeypatch.setattr(tallies, "MAX_HELD", held)
    assert num_different(on_disk) == num_different(CELLS) == 5
    for most in (1, 3, 10):
        by_name = most_frequent(on_disk, most, lambda counted: (-counted[1], counted[0]))
        assert by_name == sorted(Counter(filter(None, CELLS)).items(), key=lambda c: (-c[1], c[0]))[:most]


@pytest.mark.parametrize("held", [1 << 20, 2, 1])
def test_equally_frequent_values_stand_in_the_order_of_their_first_cell(on_disk, held, monkeypatch):
    monkeypatch.setattr(tallies, "MAX_HELD", held)
    assert most_frequent(CELLS, 4) == most_frequent(on_disk, 4) == [("b", 3), ("a", 2), ("c", 1), ("d", 1)]
    assert most_frequent(["z", "y", "z", "y", "x"], 3) == Counter("zyzyx").most_common(3)
