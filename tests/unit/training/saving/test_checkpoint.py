"""When checkpoints are due, which stay, which is found, and whose are refused."""

import shutil
from pathlib import Path

import pytest
import torch

from dltk.config.errors import ResumeRefused
from dltk.config.sections import CheckpointOptions
from dltk.training.early_stopping import Best
from dltk.training.saving.checkpoint import Checkpoints
from dltk.training.saving.storage import write_directory

SELDOM = 1e6


def checkpoints(directory, keep=2, run_id="this", preparation="prepared", **options):
    return Checkpoints(directory, CheckpointOptions(keep=keep, every_seconds=SELDOM, **options), run_id, preparation)


def weights(step):
    return {"weight": torch.tensor([float(step)])}


def save(saved, step, best_step=None, best=None):
    state = {"selection": {"best_step": best_step}, "step": step}
    saved.save(step, weights(step), state, None, best)


def steps(directory: Path) -> list[int]:
    return sorted(int(path.name[5:]) for path in directory.iterdir())


def test_a_checkpoint_is_due_after_every_so_many_steps(tmp_path):
    saved = checkpoints(tmp_path, every_steps=5)
    due = []
    for step in range(1, 17):
        if saved.due(step):
            due.append(step)
            save(saved, step)
    assert due == [5, 10, 15]


def test_steps_that_jump_over_the_mark_are_due_at_once(tmp_path):
    saved = checkpoints(tmp_path, every_steps=5)
    assert [saved.due(step) for step in (4, 7, 12)] == [False, True, True]
    save(saved, 7)
    assert [saved.due(step) for step in (9, 12)] == [False, True]


def test_a_resumed_run_counts_from_where_it_was_saved(tmp_path):
    saved = checkpoints(tmp_path, every_steps=5)
    saved.begin_at(8)
    assert [saved.due(step) for step in (9, 10)] == [False, True]


def test_a_checkpoint_is_due_after_so_many_seconds(tmp_path):
    soon = Checkpoints(tmp_path, CheckpointOptions(every_seconds=1e-9), "this", "prepared")
    late = Checkpoints(tmp_path, CheckpointOptions(every_seconds=SELDOM), "this", "prepared")
    assert (soon.due(1), late.due(1)) == (True, False)


def test_the_newest_and_the_best_stay(tmp_path):
    saved = checkpoints(tmp_path, keep=2)
    for step in (5, 10, 15, 20):
        save(saved, step, best_step=5)
    assert steps(tmp_path) == [5, 15, 20]
    save(saved, 25, best_step=20)
    assert steps(tmp_path) == [20, 25]


def test_the_best_that_waits_in_memory_is_saved_before_the_next(tmp_path):
    saved = checkpoints(tmp_path)
    save(saved, 10, best_step=7, best=Best(7, 0.5, weights(7)))
    assert steps(tmp_path) == [7, 10]
    found = saved.best(7)
    assert found is not None
    assert (found.resumable, found.score, found.weights()["weight"]) == (False, 0.5, 7)
    assert saved.best(8) is None
    assert saved.best(None) is None


def test_weights_that_are_no_longer_the_best_go(tmp_path):
    saved = checkpoints(tmp_path)
    save(saved, 10, best_step=7, best=Best(7, 0.5, weights(7)))
    save(saved, 20, best_step=15, best=Best(15, 0.6, weights(15)))
    assert steps(tmp_path) == [10, 15, 20]


def test_the_best_never_replaces_a_checkpoint_that_can_be_resumed(tmp_path):
    saved = checkpoints(tmp_path)
    save(saved, 10)
    save(saved, 12, best_step=10, best=Best(10, 0.5, weights(10)))
    assert [(found.step, found.resumable) for found in saved.all()] == [(12, True), (10, True)]


def test_a_checkpoint_that_can_be_resumed_replaces_bare_weights(tmp_path):
    saved = checkpoints(tmp_path)
    save(saved, 8, best_step=7, best=Best(7, 0.5, weights(7)))
    save(saved, 7, best_step=7)
    assert [(found.step, found.resumable) for found in saved.all()] == [(8, True), (7, True)]


def test_the_last_is_the_newest_that_can_be_resumed_by_its_number(tmp_path):
    saved = checkpoints(tmp_path, keep=5)
    for step in (99_999_999, 100_000_001, 3):
        save(saved, step)
    save(saved, 100_000_000, best_step=100_000_002, best=Best(100_000_002, 0.5, weights(1)))
    last = saved.last()
    assert last is not None
    assert last.step == 100_000_001
    assert [found.step for found in saved.all()] == [100_000_002, 100_000_001, 100_000_000, 99_999_999, 3]


def test_there_is_no_last_before_the_first(tmp_path):
    assert checkpoints(tmp_path).last() is None
    assert checkpoints(tmp_path / "gone").all() == []


def test_a_damaged_one_is_skipped_and_told(tmp_path):
    saved = checkpoints(tmp_path)
    for step in (5, 10):
        save(saved, step)
    (tmp_path / "step-00000010" / "state.json").write_bytes(b"{}")
    last = saved.last()
    assert last is not None
    assert last.step == 5
    assert saved.skipped == ["step-00000010 is damaged (state.json: not as long as it was)"]
    assert last.state()["step"] == 5


@pytest.mark.parametrize("owner", [{"run_id": "other"}, {"preparation": "other"}])
def test_checkpoints_of_another_run_or_for_other_prepared_data_are_refused(tmp_path, owner):
    save(checkpoints(tmp_path), 5)
    stranger = checkpoints(tmp_path, **owner)
    assert stranger.last() is None
    assert stranger.best(5) is None
    assert stranger.skipped == ["step-00000005 belongs to another run, or to other prepared data"]


def test_a_checkpoint_with_facts_that_are_unknown_here_is_of_another_version(tmp_path):
    facts = {"run": "this", "preparation": "prepared", "step": 5, "score": None, "resumable": True, "later": 1}
    write_directory(tmp_path / "step-00000005", {"model": weights(5)}, facts)
    with pytest.raises(ResumeRefused, match="step-00000005 needs another version of dltk") as caught:
        checkpoints(tmp_path).last()
    assert caught.value.found == "facts that are unknown here: later"


def test_a_renamed_checkpoint_is_refused(tmp_path):
    saved = checkpoints(tmp_path)
    save(saved, 5)
    (tmp_path / "step-00000005").rename(tmp_path / "step-00000009")
    assert saved.last() is None
    assert "not those of this step" in saved.skipped[0]


def test_what_is_no_checkpoint_is_skipped(tmp_path):
    saved = checkpoints(tmp_path)
    save(saved, 5)
    (tmp_path / "step-latest").mkdir()
    (tmp_path / "step-00000009").write_text("a file")
    assert [found.step for found in saved.all()] == [5]
    assert len(saved.skipped) == 2


def test_retention_leaves_alone_what_is_not_its_own(tmp_path):
    save(checkpoints(tmp_path, run_id="other"), 1)
    saved = checkpoints(tmp_path)
    for step in (5, 10, 15):
        save(saved, step)
    assert steps(tmp_path) == [1, 10, 15]


def test_an_old_checkpoint_goes_only_when_the_new_one_is_safe(tmp_path, monkeypatch):
    saved = checkpoints(tmp_path)
    for step in (5, 10):
        save(saved, step)
    removed = []
    real = shutil.rmtree

    def note(path, *args, **kwargs):
        if Path(path).name.startswith(".trash-step"):
            removed.append((Path(path).name[:20], steps_intact(saved)))
        real(path, *args, **kwargs)

    monkeypatch.setattr(shutil, "rmtree", note)
    save(saved, 15)
    assert removed == [(".trash-step-00000005", [15, 10])]


def steps_intact(saved):
    return [found.step for found in saved.all()]


def test_a_checkpoint_that_cannot_be_deleted_does_not_stop_training(tmp_path, monkeypatch):
    saved = checkpoints(tmp_path)
    monkeypatch.setattr(shutil, "rmtree", lambda *_args, **_kwargs: None)
    for step in (5, 10, 15, 20):
        save(saved, step)
    assert steps_intact(saved) == [20, 15]
    monkeypatch.undo()
    saved.clear_leftovers()
    assert steps(tmp_path) == [15, 20]
