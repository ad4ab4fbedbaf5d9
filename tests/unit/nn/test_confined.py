"""Foreign weights in a process of their own: what it gives, and what ends it."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from dltk.config.errors import DataError, IntegrityError
from dltk.nn.confined import Allowance, read_confined
from dltk.nn.foreign import Limits


class RunsCommand:
    """What an attacker puts where weights should be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def test_tensors_arrive_with_their_names_values_and_order(tmp_path):
    shared = torch.randn(3, 2)
    given = {
        "z": shared,
        "a.t": shared.t(),
        "same": shared,
        "half": torch.ones(2).bfloat16(),
        "__metadata__": torch.tensor(7),
        "empty": torch.ones(0, 3),
        "turned": torch.tensor([1 + 2j]).conj(),
    }
    torch.save({"epoch": 3, "state_dict": given}, tmp_path / "weights.pth")
    read = read_confined(tmp_path / "weights.pth")
    assert list(read) == list(given)
    assert all(torch.equal(read[name], given[name]) and read[name].dtype == given[name].dtype for name in given)


def test_what_asks_to_run_code_is_refused_and_runs_nothing(tmp_path):
    attack: Any = RunsCommand(tmp_path / "it_ran")
    torch.save({"weight": torch.ones(2), "extra": attack}, tmp_path / "bad.pth")
    with pytest.raises(IntegrityError, match="asks to run code while it is read") as caught:
        read_confined(tmp_path / "bad.pth")
    assert "system" in caught.value.found
    assert not (tmp_path / "it_ran").exists()


def test_an_error_arrives_as_it_was_raised(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "none.pth")
    with pytest.raises(DataError, match=r"there are no weights in 'none.pth'") as caught:
        read_confined(tmp_path / "none.pth")
    assert caught.value.where == str(tmp_path / "none.pth")
    assert caught.value.expected.startswith("tensors by name")


def bomb(path: Path, num_values: int) -> Path:
    """Write a small file, as torch before 1.6 did, whose one storage says that it holds many values."""
    torch.save({"weight": torch.ones(12345)}, path, _use_new_zipfile_serialization=False)
    small, large = (b"J" + number.to_bytes(4, "little") for number in (12345, num_values))
    short = b"M" + (12345).to_bytes(2, "little")
    content = path.read_bytes()
    assert short in content
    path.write_bytes(content.replace(short, large).replace(small, large))
    return path


def test_a_bomb_gets_no_memory(tmp_path):
    with pytest.raises(IntegrityError, match=r"'bomb.pth' is too large") as caught:
        read_confined(bomb(tmp_path / "bomb.pth", 2**30))
    assert "more memory" in caught.value.found


def test_a_zip_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data/0", b"\x00" * 10**7)
    with pytest.raises(IntegrityError, match="too large"):
        read_confined(tmp_path / "bomb.pth")


def test_a_file_that_takes_too_long_is_ended(tmp_path):
    with (tmp_path / "slow.pth").open("wb") as file:  # one entry of a dictionary, set ten million times
        pickle.dump(0x1950A86A20F9469CFC6C, file, protocol=2)
        pickle.dump(1001, file, protocol=2)
        file.write(b"\x80\x02}" + b"NNs" * 10_000_000 + b".")
    with pytest.raises(IntegrityError, match=r"takes more to read than a file of its size does") as caught:
        read_confined(tmp_path / "slow.pth", allowance=Allowance(2**30, 0))
    assert caught.value.expected == "at most 0 s and 1024 MiB"


def test_a_file_of_numbers_alone_needs_no_process_of_its_own(tmp_path):
    from safetensors.torch import save_file

    save_file({"weight": torch.ones(2)}, tmp_path / "weights.safetensors")
    read = read_confined(tmp_path / "weights.safetensors", Limits(), Allowance(0, 0))
    assert torch.equal(read["weight"], torch.ones(2))
