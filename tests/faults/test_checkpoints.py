"""No damage to a checkpoint stays unseen, and a training that meets one loses nothing."""

import errno
import hashlib
import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from dltk.config.errors import Diverged, IntegrityError, ResumeRefused, WriteError
from dltk.config.sections import CheckpointOptions
from dltk.training.optimizers import SGD
from dltk.training.saving.durable import _digest, canonical, read_facts, write_files
from dltk.training.saving.storage import read_tree, write_directory
from dltk.training.schedules import Constant
from tests.unit.training.tiny import Trial, bits, files_in, record

OFTEN = CheckpointOptions(every_seconds=1e6, every_steps=4)
NOT_INTACT = (IntegrityError, ResumeRefused)


@pytest.fixture
def stored(tmp_path):
    """A checkpoint of the smallest network, about two kilobytes."""
    model = nn.Linear(1, 1)
    nn.init.ones_(model.weight)
    trees = {
        "model": model.state_dict(),
        "state": {"steps": 3, "moments": {0: torch.tensor([0.5])}, "best": math.nan, "betas": (0.9, 0.999)},
    }
    write_directory(tmp_path / "step-00000003", trees, {"step": 3, "score": 0.25})
    return tmp_path / "step-00000003"


def load(directory):
    """Read everything; return it spelled, so that it can be compared."""
    facts = read_facts(directory, verify_files=True)
    return repr((facts, read_tree(directory, "model"), read_tree(directory, "state")))


def forge(directory):
    """Make the manifest agree with the files again, as an attacker would."""
    path = directory / "manifest.json"
    manifest = json.loads(path.read_bytes())
    contents = {name: (directory / name).read_bytes() for name in manifest["files"]}
    shutil.rmtree(directory)
    write_files(directory, contents, manifest["facts"])


def test_every_flipped_bit_is_noticed(stored):
    for path in sorted(stored.iterdir()):
        intact = path.read_bytes()
        for position in range(len(intact)):
            flipped = bytearray(intact)
            flipped[position] ^= 1 << position % 8
            path.write_bytes(flipped)
            with pytest.raises(NOT_INTACT):
                load(stored)
        path.write_bytes(intact)
    assert "0.25" in load(stored)


def test_every_truncation_is_noticed(stored):
    for path in sorted(stored.iterdir()):
        intact = path.read_bytes()
        for length in range(len(intact)):
            path.write_bytes(intact[:length])
            with pytest.raises(NOT_INTACT):
                load(stored)
        path.write_bytes(intact + b"\0")
        with pytest.raises(NOT_INTACT):
            load(stored)
        path.write_bytes(intact)


def test_a_page_of_zeros_is_noticed(tmp_path):
    write_directory(tmp_path / "a", {"model": {"weight": torch.ones(5000)}}, {})
    path = tmp_path / "a" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[8192 : 8192 + 4096] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="digest does not match"):
        read_tree(tmp_path / "a", "model")


def test_files_of_another_step_are_noticed(stored, tmp_path):
    trees = {"model": nn.Linear(1, 1).state_dict(), "state": {"steps": 4, "moments": {0: torch.tensor([0.5])}}}
    write_directory(tmp_path / "step-00000004", trees, {"step": 4, "score": 0.25})
    for name in ("model.safetensors", "state.json", "manifest.json"):
        intact = (stored / name).read_bytes()
        shutil.copy(tmp_path / "step-00000004" / name, stored / name)
        with pytest.raises(IntegrityError):
            load(stored)
        (stored / name).write_bytes(intact)


@pytest.mark.parametrize("name", ["manifest.json", "model.json", "model.safetensors", "state.json"])
def test_a_deleted_file_is_noticed(stored, name):
    (stored / name).unlink()
    with pytest.raises(IntegrityError):
        load(stored)


@pytest.mark.parametrize("name", ["other.pt", ".hidden", "model.bin"])
def test_an_added_file_is_noticed(stored, name):
    (stored / name).write_bytes(b"")
    with pytest.raises(IntegrityError, match=name):
        load(stored)


def test_an_edited_manifest_is_noticed(stored):
    path = stored / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["facts"]["score"] = 0.99
    for content in (
        canonical(manifest),
        path.read_bytes() + b"\n",
        json.dumps(json.loads(path.read_bytes()), indent=1).encode(),
        path.read_bytes().replace(b'{"format":1,', b'{"format":1,"format":1,'),
    ):
        path.write_bytes(content)
        with pytest.raises(IntegrityError, match=r"manifest\.json"):
            load(stored)


def test_forged_files_with_a_forged_manifest_load_or_are_refused_but_never_crash(stored):
    outcomes = {"loaded": 0, "refused": 0}
    for name in ("state.json", "model.safetensors"):
        path, intact = stored / name, (stored / name).read_bytes()
        for position in range(len(intact)):
            flipped = bytearray(intact)
            flipped[position] ^= 1 << position % 7
            path.write_bytes(flipped)
            rewrite_digest(stored, name)
            try:
                load(stored)
                outcomes["loaded"] += 1
            except IntegrityError:
                outcomes["refused"] += 1
        path.write_bytes(intact)
        rewrite_digest(stored, name)
    assert outcomes["refused"] > 100, outcomes
    assert "0.25" in load(stored)


def rewrite_digest(directory, name):
    """Make the manifest agree with a changed file, as an attacker would; nothing is synced, to be quick."""
    path, content = directory / "manifest.json", (directory / name).read_bytes()
    manifest = json.loads(path.read_bytes())
    manifest["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    body = {key: value for key, value in manifest.items() if key != "digest"}
    path.write_bytes(canonical({**body, "digest": _digest(body)}))


def test_a_damaged_checkpoint_is_skipped_for_an_older_one_with_a_message(tmp_path):
    reference = replace(Trial(tmp_path / "reference"), checkpoint=OFTEN)
    expected = reference.go()[0]
    for i, (name, damage) in enumerate(
        [
            ("model.safetensors", lambda content: content[:-1]),
            ("state.safetensors", lambda content: bytes(len(content))),
            ("state.json", lambda content: content.replace(b"1", b"2", 1)),
            ("manifest.json", lambda _: b""),
        ]
    ):
        trial = replace(reference, directory=tmp_path / str(i))
        assert trial.stopped(14) == 143
        newest = tmp_path / str(i) / "checkpoints" / f"step-{max(trial.steps):08d}"
        (newest / name).write_bytes(damage((newest / name).read_bytes()))
        checkpoints = trial.checkpoints
        found = checkpoints.last()
        assert found is not None
        assert found.step < 14
        assert len(checkpoints.skipped) == 1
        assert newest.name in checkpoints.skipped[0]
        assert bits(trial.go()[0]) == bits(expected)
        assert record(trial.metrics) == record(reference.metrics)


def test_a_checkpoint_that_cannot_be_written_stops_training_and_keeps_the_older_ones(tmp_path, monkeypatch):
    reference = replace(Trial(tmp_path / "reference"), checkpoint=OFTEN)
    expected = reference.go()[0]
    trial = replace(reference, directory=tmp_path / "full")
    assert trial.stopped(9) == 143
    before = files_in(tmp_path / "full" / "checkpoints")
    with monkeypatch.context() as patch:
        real = os.mkdir

        def fail_for_checkpoints(path, *args):
            if ".tmp-step" in str(path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(path, *args)

        patch.setattr(os, "mkdir", fail_for_checkpoints)
        with pytest.raises(WriteError, match="No space left on device"):
            trial.go()
    assert files_in(tmp_path / "full" / "checkpoints") == before
    assert bits(trial.go()[0]) == bits(expected)
    assert record(trial.metrics) == record(reference.metrics)


def test_a_record_that_cannot_be_written_stops_training(tmp_path):
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(WriteError, match=r"cannot write metrics\.jsonl"):
        Trial(tmp_path).go()


def test_the_rows_that_a_checkpoint_counts_on_are_on_the_disk_before_it_is(tmp_path, monkeypatch):
    trial = Trial(tmp_path, checkpoint=OFTEN)
    record_file = tmp_path / "metrics.jsonl"
    secured, counted, real = [0], [], {name: getattr(os, name) for name in ("fsync", "rename")}

    def fsync(descriptor):
        real["fsync"](descriptor)
        if record_file.exists() and os.fstat(descriptor).st_ino == record_file.stat().st_ino:
            secured[0] = os.fstat(descriptor).st_size

    def rename(old, new, **kwargs):
        real["rename"](old, new, **kwargs)
        if Path(new).name.startswith("step-") and (Path(new) / "state.json").exists():
            counted.append((read_tree(Path(new), "state")["metrics_size"], secured[0]))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    trial.go()
    assert len({size for size, _ in counted}) >= 3, "checkpoints before, between and after rows"
    assert all(size <= on_disk for size, on_disk in counted)


def test_a_run_can_be_moved_and_copied(tmp_path):
    expected = Trial(tmp_path / "reference").go()[0]
    Trial(tmp_path / "here").stopped(8)
    shutil.copytree(tmp_path / "here", tmp_path / "copied ä")
    (tmp_path / "here").rename(tmp_path / "moved")
    assert bits(Trial(tmp_path / "copied ä").go()[0]) == bits(Trial(tmp_path / "moved").go()[0]) == bits(expected)


def test_a_clock_that_goes_back_does_not_matter(tmp_path):
    reference = replace(Trial(tmp_path / "reference"), checkpoint=OFTEN)
    expected = reference.go()[0]
    trial = replace(reference, directory=tmp_path / "old")
    trial.stopped(14)
    for path in (tmp_path / "old" / "checkpoints" / f"step-{max(trial.steps):08d}").iterdir():
        os.utime(path, (0, 0))
    newest = trial.checkpoints.last()
    assert newest is not None
    assert newest.step == 14
    assert bits(trial.go()[0]) == bits(expected)


def test_nothing_that_was_saved_is_broken_when_training_diverges(tmp_path):
    trial = Trial(
        tmp_path,
        checkpoint=CheckpointOptions(every_seconds=1e6, every_steps=1),
        optimizer=SGD(lr=1e8),
        schedule=Constant(),
        model=lambda: nn.Linear(3, 1),
    )
    with pytest.raises(Diverged):
        trial.go()
    saved = trial.checkpoints.all()
    assert saved
    for checkpoint in saved:
        tensors = [*checkpoint.weights().values()]
        assert all(bool(tensor.isfinite().all()) for tensor in tensors)
        if checkpoint.resumable:
            assert all(bool(sums.isfinite().all()) for sums in checkpoint.state()["learner"]["scores"].values())
