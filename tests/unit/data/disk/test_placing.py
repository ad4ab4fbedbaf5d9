"""Where decoded samples lie follows from what they need and what there is, unless it is asked for."""

from pathlib import Path

import pytest
import torch

from dltk.config.errors import DataError, MissingInput, OptionError, OutOfResources
from dltk.config.sections import DataOptions
from dltk.data.disk import placing
from dltk.data.disk.placing import bytes_needed, place
from dltk.data.disk.rows import DiskRows
from dltk.data.samples import Columns, Source


class Lengths:
    """Decodes a file to a row of its length, twice; an empty one is broken."""

    dtype, shape = torch.uint8, (2,)

    def facts(self):
        return {"what": "lengths"}

    def decode(self, paths):
        lengths = [Path(path).stat().st_size for path in paths]
        return [torch.full((2,), n, dtype=torch.uint8) if n else ValueError("empty") for n in lengths]

    def unreadable(self, broken, num_files):
        return DataError(
            f"{len(broken)} of {num_files}", found="; ".join(f"{path}: {why}" for path, why in broken.items())
        )


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    paths = []
    for i in range(1, 6):
        (tmp_path / f"{i}").write_text("x" * i)
        paths.append(str(tmp_path / f"{i}"))
    train = Columns({"n": paths[:3]}, {"y": torch.arange(3)}, ["a", "b", "c"])
    return Source({"train": train, "test": Columns({"n": paths[3:]}, {"y": torch.arange(2)})}, (), {"n": Lengths()})


def available(monkeypatch, num_bytes):
    monkeypatch.setattr(placing, "available_bytes", lambda: num_bytes)


def test_what_is_needed_follows_from_headers(source):
    assert bytes_needed(source) == 5 * 2
    assert bytes_needed(Source(source.parts)) is None


@pytest.mark.parametrize(("num_bytes", "expected"), [(20, "memory"), (19, "disk"), (None, "memory")])
def test_auto_is_memory_while_half_of_it_is_enough(source, monkeypatch, num_bytes, expected):
    available(monkeypatch, num_bytes)
    placed, decided = place(source, DataOptions(storage="auto"))
    assert decided.storage == expected
    assert isinstance(placed.parts["train"].inputs["n"], DiskRows) == (expected == "disk")


def test_on_disk_are_the_decoded_samples_of_every_part(source):
    placed, _ = place(source, DataOptions(storage="disk"))
    train, test = (placed.parts[name].inputs["n"] for name in ("train", "test"))
    assert train.read(torch.arange(3)).tolist() == [[1, 1], [2, 2], [3, 3]]
    assert test.read(torch.tensor([1])).tolist() == [[5, 5]]
    assert placed.parts["train"].names == ["a", "b", "c"]
    assert torch.equal(
        placed.parts["train"].take(torch.tensor([2])).inputs["n"].read(torch.tensor([0])),
        torch.tensor([[3, 3]], dtype=torch.uint8),
    )


def test_every_broken_file_is_told(source, monkeypatch, tmp_path):
    monkeypatch.setattr(placing, "CHUNK_BYTES", 2)
    for name in "13":
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match="2 of 3") as told:
        place(source, DataOptions(storage="disk"))
    assert told.value.found == f"{tmp_path}/1: empty; {tmp_path}/3: empty"


def test_a_file_that_is_gone_is_told(source, tmp_path):
    (tmp_path / "2").unlink()
    with pytest.raises(MissingInput, match="not there any more"):
        place(source, DataOptions(storage="disk"))


def test_disk_is_for_what_is_decoded(source):
    with pytest.raises(OptionError, match="read at once"):
        place(Source(source.parts), DataOptions(storage="disk"))
    assert place(Source(source.parts), DataOptions())[1].storage == "memory"


def test_memory_that_is_not_there_is_refused(source, monkeypatch):
    available(monkeypatch, 9)
    with pytest.raises(OutOfResources, match="do not fit in memory"):
        place(source, DataOptions(storage="memory"))
