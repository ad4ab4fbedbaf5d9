"""Archives of arrays, read without unpickling."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from dltk.config.errors import DataError
from dltk.data.tables.npz_files import read_arrays


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_numbers_come_back(save, tmp_path):
    save(tmp_path / "a.npz", x=np.arange(6.0).reshape(2, 3), y=np.array([1, 2]), z=np.zeros(9))
    arrays = read_arrays(tmp_path / "a.npz", ["x", "y"])
    assert {name: array.tolist() for name, array in arrays.items()} == {"x": [[0, 1, 2], [3, 4, 5]], "y": [1, 2]}


def test_objects_are_refused_for_only_pickle_reads_them(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    with pytest.raises(DataError) as caught:
        read_arrays(tmp_path / "a.npz", ["x"])
    (problem,) = caught.value.problems
    assert "allow_pickle=False" in problem.found


def test_what_lacks_an_array_is_refused_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(1))
    with pytest.raises(DataError, match="lacks y") as caught:
        read_arrays(tmp_path / "a.npz", ["x", "y"])
    (problem,) = caught.value.problems
    assert (str(problem.position), problem.found, problem.allowed) == (f"{tmp_path}/a.npz", "x", "x, y")


def test_an_archive_that_unpacks_to_more_than_it_can_hold_is_refused_unread(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(10_000))
    with pytest.raises(DataError, match="larger than it can be"):
        read_arrays(tmp_path / "a.npz", ["x"], max_bytes=1000)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_archive_is_refused(content, tmp_path):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        read_arrays(tmp_path / "a.npz", ["x"])


def test_a_damaged_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_arrays(tmp_path / "a.npz", ["x"])
