"""Reading other programs' weights: what is understood, what is refused, and that nothing runs."""

import contextlib
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from dltk.config.errors import DataError, IntegrityError, MissingInput
from dltk.nn.foreign import Limits, in_order, read_foreign, refuse_misfits, renamed

WEIGHTS = {"conv.weight": torch.rand(2, 1, 3, 3), "conv.bias": torch.rand(2)}


def saved(tmp_path: Path, content: Any, name: str = "model.pth", *, old: bool = False) -> Path:
    path = tmp_path / name
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    return path


def assert_same(read: dict[str, torch.Tensor], expected: dict[str, torch.Tensor] = WEIGHTS) -> None:
    assert list(read) == list(expected)
    assert all(torch.equal(read[name], expected[name]) for name in expected)


class RunsCommand:
    """What an attacker puts where weights should be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


# What is understood.


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("name", ["model.pth", "model.th", "model.pt", "model.bin", "MODEL.CKPT"])
def test_a_state_dict_is_read(tmp_path, name, old):
    assert_same(read_foreign(saved(tmp_path, WEIGHTS, name, old=old)))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net"])
def test_weights_below_a_usual_key_are_found(tmp_path, key):
    optimizer = torch.optim.Adam([nn.Parameter(torch.ones(1))]).state_dict()
    assert_same(read_foreign(saved(tmp_path, {"epoch": 3, "optimizer": optimizer, key: WEIGHTS})))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_what_wraps_a_model_leaves_no_trace_in_the_names(tmp_path, prefix):
    assert_same(read_foreign(saved(tmp_path, {f"{prefix}{name}": value for name, value in WEIGHTS.items()})))


def test_a_prefix_that_only_some_names_have_is_a_part_of_them(tmp_path):
    weights = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert_same(read_foreign(saved(tmp_path, weights)), weights)


def test_parameters_and_half_precision_are_tensors(tmp_path):
    weights = {"a": nn.Parameter(torch.ones(2)), "b": torch.ones(2, dtype=torch.float16)}
    read = read_foreign(saved(tmp_path, weights))
    assert not any(value.requires_grad for value in read.values())
    assert read["b"].dtype == torch.float16


def test_safetensors_are_read(tmp_path):
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file(WEIGHTS, path)
    assert_same({name: read_foreign(path)[name] for name in WEIGHTS})


# What is refused.


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_that_wants_to_run_a_command_is_refused_and_runs_nothing(tmp_path, old, wrapped):
    proof = tmp_path / "it ran"
    attack: Any = RunsCommand(proof)
    path = saved(tmp_path, {**WEIGHTS, "extra": attack} if wrapped else attack, old=old)
    with pytest.raises(IntegrityError, match="asks to run code while it is read") as caught:
        read_foreign(path)
    assert "system" in caught.value.found
    assert not proof.exists()


def test_a_whole_pickled_model_is_refused(tmp_path):
    with pytest.raises(IntegrityError, match="asks to run code") as caught:
        read_foreign(saved(tmp_path, nn.Linear(2, 1)))
    assert "Linear" in caught.value.found


@pytest.mark.parametrize(
    "content", [{}, [], {"epoch": 3}, 7, {"state_dict": {}}, {1: torch.ones(1)}, torch.ones(3)], ids=repr
)
def test_a_file_without_named_tensors_is_refused(tmp_path, content):
    with pytest.raises(DataError, match=r"there are no weights in 'model.pth'"):
        read_foreign(saved(tmp_path, content))


@pytest.mark.parametrize("content", [b"", b"\x80", b"\x80\x02", b"PK\x03\x04", b"weights" * 99, b"\x00" * 300])
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_rubbish_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_foreign(path)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before torch 1.6"])
def test_a_file_that_was_cut_off_is_refused(tmp_path, old):
    content = saved(tmp_path, WEIGHTS, old=old).read_bytes()
    path = tmp_path / "cut.pth"
    for size in range(10, len(content) - 1, len(content) // 12):
        path.write_bytes(content[:size])
        with pytest.raises((DataError, IntegrityError)):
            read_foreign(path)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before torch 1.6"])
def test_a_file_with_changed_bytes_is_read_or_refused_but_never_crashes(tmp_path, old):
    content, chance = saved(tmp_path, WEIGHTS, old=old).read_bytes(), random.Random(0)
    path = tmp_path / "changed.pth"
    for _ in range(100):
        changed = bytearray(content)
        for _ in range(chance.randrange(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(changed)
        with contextlib.suppress(DataError, IntegrityError):
            read_foreign(path)


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path):
    with pytest.raises(DataError, match="not finite") as caught:
        read_foreign(saved(tmp_path, {**WEIGHTS, "bad": torch.tensor([1.0, torch.nan])}))
    assert caught.value.found == "bad"


def test_sparse_tensors_are_no_weights(tmp_path):
    with pytest.raises(DataError, match="no weights"):
        read_foreign(saved(tmp_path, {"a": torch.eye(3).to_sparse()}))


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path):
    with pytest.raises(MissingInput, match=r"there is no file 'none.pth'"):
        read_foreign(tmp_path / "none.pth")
    (tmp_path / "table.csv").write_text("a,b\n")
    with pytest.raises(DataError, match=r"'table.csv' is no file of weights"):
        read_foreign(tmp_path / "table.csv")


@pytest.mark.parametrize("limits", [Limits(file_bytes=100), Limits(tensors=1), Limits(ratio=0)])
def test_more_than_the_limits_allow_is_refused(tmp_path, limits):
    with pytest.raises(IntegrityError, match="too large"):
        read_foreign(saved(tmp_path, WEIGHTS), limits)


def test_a_small_file_that_claims_a_large_tensor_is_refused(tmp_path):
    with pytest.raises(IntegrityError, match="too large"):
        read_foreign(saved(tmp_path, {"a": torch.ones(1).expand(10**12)}))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data/0", b"\x00" * 10**7)
    with pytest.raises(IntegrityError, match="too large"):
        read_foreign(path)


# Names.


def own(name: str) -> str | None:
    return None if name.startswith("aux") else name.replace("fc.", "head.")


def test_names_become_the_models_own():
    tensors = {"fc.weight": torch.ones(1), "aux.weight": torch.ones(1), "net.conv.weight": torch.ones(1)}
    assert list(renamed(tensors, own, {"net.": ""})) == ["head.weight", "conv.weight"]


def test_two_tensors_of_one_name_are_refused():
    with pytest.raises(DataError, match="two tensors would get one name"):
        renamed({"fc.weight": torch.ones(1), "head.weight": torch.ones(1)}, own, {})


def test_order_decides_where_it_is_asked_for():
    wanted = {"a": torch.zeros(2), "b": torch.zeros(3), "b.num_batches_tracked": torch.tensor(0)}
    given = in_order({"x": torch.ones(2), "y": torch.ones(3)}, wanted)
    assert list(given) == ["a", "b"]


@pytest.mark.parametrize(
    ("tensors", "found"),
    [
        ({"x": torch.ones(3), "y": torch.ones(2)}, "x (3,) for a (2,); y (2,) for b (3,)"),
        ({"x": torch.ones(2)}, "1 tensors for 2"),
    ],
)
def test_an_order_that_does_not_fit_is_refused(tensors, found):
    with pytest.raises(DataError, match="do not fit this model in their order") as caught:
        in_order(tensors, {"a": torch.zeros(2), "b": torch.zeros(3)})
    assert caught.value.found == found


def test_every_misfit_is_listed():
    wanted = {
        "a": torch.zeros(2),
        "b": torch.zeros(3),
        "norm.mean": torch.ones(1),
        "bn.num_batches_tracked": torch.ones(1),
    }
    with pytest.raises(DataError) as caught:
        refuse_misfits({"a": torch.zeros(4), "c": torch.zeros(1)}, wanted, ["norm."])
    assert caught.value.found == "a is (4,), must be (2,); missing b (3,); unexpected c (1,)"


def test_at_most_twenty_misfits_are_listed():
    wanted = {f"layer{i}": torch.zeros(1) for i in range(50)}
    with pytest.raises(DataError) as caught:
        refuse_misfits({}, wanted, [])
    assert caught.value.found.count("missing") == 20
    assert caught.value.found.endswith("... and 30 more")


def test_an_exact_fit_passes():
    refuse_misfits({"a": torch.zeros(2)}, {"a": torch.ones(2), "norm.mean": torch.ones(1)}, ["norm."])
    refuse_misfits({"a": torch.zeros(2)}, {"a": torch.ones(2)}, [])
