"""Training from Python: new runs, runs that go on, and what stays behind."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import dltk
from dltk.config.errors import (
    ConfigError,
    IntegrityError,
    Locked,
    OutputError,
    ResumeRefused,
    Unavailable,
    UsageError,
    WriteError,
)
from dltk.data.batches import Batch, InMemory
from dltk.experiment import RunOptions, check
from dltk.experiment.running import train
from dltk.training.runs.rundir import RunDir
from dltk.training.signals import Stopped
from tests.commands import contents, record, weights, write_table

DIGITS = {
    "name": "digits",
    "data": {"name": "digits", "batch_size": 64},
    "model": {"name": "mlp", "hidden": [8], "dropout": 0.3},
    "optimizer": {"name": "adam", "lr": 1e-2},
    "train": {"epochs": 2, "threads": 1, "device": "cpu"},
    "checkpoint": {"every_steps": 5},
    "tensorboard": None,
}
LIGHT = {**DIGITS, "data": {"name": "iris", "batch_size": 16}, "checkpoint": {}}


def stopped(source: dict[str, Any], options: RunOptions) -> Stopped:
    """Begin a run that Ctrl-C stops in its second epoch, at a step that is not the end of one."""

    def interrupting(self: InMemory, number: int, *, start: int = 0) -> Iterator[Batch]:
        for position, batch in enumerate(epoch(self, number, start=start), start):
            if (number, position) == (1, 3) and self.num_batches == 21:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    epoch = InMemory.epoch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InMemory, "epoch", interrupting)
        try:
            train(source, (), options)
        except Stopped as stop:
            return stop
    raise AssertionError("nothing was stopped")


def quiet(path: Path | None = None, **more: Any) -> RunOptions:
    return RunOptions(path, quiet=True, **more)


def test_the_api_is_three_names(folder):
    run = dltk.train(LIGHT, {"optimizer.lr": 0.05, "model.hidden": [3]}, quiet())
    assert isinstance(run, dltk.Run)
    assert run.experiment.plain()["optimizer"]["lr"] == 0.05
    assert run.path.parent == folder / "runs" / "digits"
    assert dltk.load(run) is run
    assert dltk.load("digits").path == dltk.load(run.path).path == run.path
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        dltk.trian  # noqa: B018


def test_a_mapping_gives_the_same_bits_as_a_file(folder):
    (folder / "digits.yaml").write_text(yaml.safe_dump(LIGHT))
    from_file = train("digits.yaml", (), quiet(folder / "file"))
    from_mapping = train(LIGHT, (), quiet(folder / "mapping"))
    assert weights(from_file.path) == weights(from_mapping.path)
    assert record(from_file.path) == record(from_mapping.path)
    assert yaml.safe_load((from_mapping.path / "config.yaml").read_text()) == LIGHT


def test_overrides_may_be_a_mapping_or_texts(folder):
    one = train(LIGHT, {"train.epochs": 1, "data.val_fraction": 0.2}, quiet(folder / "one"))
    other = train(LIGHT, ["train.epochs=1", "data.val_fraction=0.2"], quiet(folder / "other"))
    assert one.scores == other.scores
    assert (one.path / "resolved.yaml").read_text() == (other.path / "resolved.yaml").read_text()


def test_a_run_directory_holds_what_it_should(folder):
    run = train(LIGHT, ["tensorboard={scalars: true}"], quiet())
    names = {path.name for path in run.path.iterdir()}
    assert names >= {
        "config.yaml",
        "resolved.yaml",
        "environment.json",
        "status.json",
        "metrics.jsonl",
        "train.log",
        "preparation",
        "checkpoints",
        "tensorboard",
        "pictures",
    }
    environment = json.loads((run.path / "environment.json").read_text())
    assert (environment["torch"], environment["device"], environment["threads"]) == (torch.__version__, "cpu", 1)
    assert run.status["state"] == "completed"
    assert not list(run.path.rglob(".tmp-*"))
    assert not RunDir(run.path).is_owned()


def test_stopped_in_mid_epoch_it_goes_on_bit_equal(folder):
    reference = train(DIGITS, (), quiet(folder / "reference"))
    stop = stopped(DIGITS, quiet(folder / "run"))
    assert (stop.code, stop.run) == (130, str(folder / "run"))
    status = json.loads((folder / "run" / "status.json").read_text())
    assert (status["state"], status["code"]) == ("stopped", 130)
    last = max(path.name for path in (folder / "run" / "checkpoints").iterdir())
    assert 0 < int(last[5:]) % 21 < 20  # neither the beginning nor the end of an epoch
    resumed = train(options=quiet(resume=str(folder / "run")))
    assert "resumed at step" in (folder / "run" / "train.log").read_text()
    assert record(resumed.path) == record(reference.path)
    assert weights(resumed.path)["step-00000042"] == weights(reference.path)["step-00000042"]
    assert resumed.scores == reference.scores


def test_resume_auto_goes_on_with_the_newest_unfinished_run_of_the_same_settings(folder):
    stop = stopped(DIGITS, quiet())
    other = train(DIGITS, {"seed": 5}, quiet(resume="auto"))
    assert str(other.path) != stop.run
    longer = train(DIGITS, {"train.epochs": 3}, quiet(resume="auto"))
    assert str(longer.path) == stop.run
    assert len(longer.history) == 3
    assert len(list((folder / "runs" / "digits").iterdir())) == 2


def test_resume_auto_skips_what_is_damaged_or_completed(folder):
    damaged = Path(stopped(DIGITS, quiet()).run)
    (damaged / "resolved.yaml").write_text("{")
    completed = train(LIGHT, {"name": "digits"}, quiet())
    assert train(LIGHT, {"name": "digits"}, quiet(resume="auto")).path not in {damaged, completed.path}


def test_resume_auto_with_a_directory_begins_a_run_there_or_goes_on(folder):
    options = quiet(folder / "run", resume="auto")
    stopped(DIGITS, options)
    assert train(DIGITS, (), options).status["state"] == "completed"


def test_resume_auto_never_goes_on_with_other_settings_in_silence(folder):
    options = quiet(folder / "run", resume="auto")
    stopped(DIGITS, options)
    before = contents(folder / "run")
    with pytest.raises(ResumeRefused, match="other settings") as caught:
        train(DIGITS, {"model.hidden": [9]}, options)
    assert "model.hidden: [8] -> [9]" in caught.value.found
    assert contents(folder / "run") == before


def test_what_the_data_decided_is_no_change(folder):
    source = {**DIGITS, "data": {"name": "digits"}}  # the batch size and the fractions are decided later
    stop = stopped(source, quiet())
    assert str(train(source, (), quiet(resume="auto")).path) == stop.run


def test_another_device_may_go_on_and_is_warned_of(folder, capsys):
    stop = stopped(DIGITS, quiet())
    run = RunDir(Path(stop.run))
    run.write_environment({**run.read_environment(), "device": "cuda", "gpu": "H100"})
    train(options=RunOptions(resume=stop.run))
    assert "warning[DLTK-WARN-MACHINE]: device was cuda, is cpu" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_run_that_asked_for_cuda_goes_on_without_it_where_that_is_said(folder, capsys):
    reference = train(DIGITS, (), quiet(folder / "reference"))
    stop = stopped(DIGITS, quiet())
    run = RunDir(Path(stop.run))
    run.write_environment({**run.read_environment(), "device": "cuda:0", "gpu": "NVIDIA H100"})
    run.resolved.write_text(run.resolved.read_text().replace("device: cpu", "device: cuda"))
    with pytest.raises(Unavailable, match="there is no CUDA device here") as caught:
        train(options=quiet(resume=stop.run))
    assert "train.device=cpu" in caught.value.do
    resumed = train(None, ["train.device=cpu"], RunOptions(resume=stop.run))
    said = capsys.readouterr().err
    for difference in ("device was cuda:0, is cpu", "gpu was NVIDIA H100, is none"):
        assert f"warning[DLTK-WARN-MACHINE]: {difference}; from here on not bit-identical" in said
    assert record(resumed.path) == record(reference.path), "weights, moments and counters are taken as they are"
    assert run.read_environment()["device"] == "cuda:0", "it says where the run began"


def test_a_run_that_a_live_process_owns_is_refused(folder):
    stop = stopped(DIGITS, quiet())
    owner = RunDir(Path(stop.run))
    owner.lock()
    try:
        before = contents(owner.path)
        with pytest.raises(Locked, match=f"pid {os.getpid()}"):
            train(options=quiet(resume=stop.run))
        assert contents(owner.path) == before
    finally:
        owner.release()
    assert train(options=quiet(resume=stop.run)).status["state"] == "completed"


def test_a_run_whose_checkpoints_are_all_damaged_does_not_go_on(folder):
    stop = stopped(DIGITS, quiet(folder / "run"))
    for path in (folder / "run" / "checkpoints").glob("*/model.safetensors"):
        path.write_bytes(b"torn")
    with pytest.raises(IntegrityError, match="no checkpoint is intact"):
        train(options=quiet(resume=stop.run))
    assert "warning[DLTK-WARN-CHECKPOINT]: skipped a checkpoint" in (folder / "run" / "train.log").read_text()


def test_a_run_that_never_saved_a_checkpoint_begins_anew(folder):
    reference = train(DIGITS, (), quiet(folder / "reference"))
    stop = stopped(DIGITS, quiet(folder / "run"))
    for path in (folder / "run" / "checkpoints").iterdir():
        shutil.rmtree(path)
    assert record(train(options=quiet(resume=stop.run)).path) == record(reference.path)


def test_a_status_without_identity_is_an_error_and_no_new_run(folder):
    stop = stopped(DIGITS, quiet())
    (Path(stop.run) / "status.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"status\.json lacks 'id'"):
        train(options=quiet(resume=stop.run))


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"data.batch_size": 1000}, ConfigError),
        ({"early_stopping.monitor": "val/accurcy"}, ConfigError),
        ({"data.val_fraction": 0, "early_stopping.patience": 3}, ConfigError),
        ({"model.parameters": {"head.bias": [1]}}, ConfigError),
    ],
)
def test_what_only_the_data_can_tell_is_refused_without_a_run_directory(folder, overrides, error):
    with pytest.raises(error):
        train(LIGHT, overrides, quiet())
    assert not (folder / "runs").exists()


def test_an_output_below_a_file_is_refused_before_the_data_are_read(folder):
    (folder / "file").write_text("")
    with pytest.raises(OutputError, match="this is a file"):
        train({**LIGHT, "data": {"name": "digits", "batch_size": 10**6}}, (), quiet(folder / "file" / "run"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_without_permission_is_refused_before_the_data_are_read(folder):
    (folder / "closed").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="no permission"):
        train({**LIGHT, "data": {"name": "digits", "batch_size": 10**6}}, (), quiet(folder / "closed" / "run"))


def test_a_config_is_needed():
    with pytest.raises(UsageError, match="a config is needed"):
        dltk.train()


def test_check_tells_what_was_decided_and_writes_nothing(folder):
    facts = check(DIGITS, {"train.epochs": 1})
    assert facts["total_steps"] == 21
    assert facts["monitor"] == "val/accuracy"
    assert facts["parameters"] == {
        "layers.0.weight": [8, 64],
        "layers.0.bias": [8],
        "head.weight": [10, 8],
        "head.bias": [10],
    }
    assert list(folder.iterdir()) == []


def test_zero_epochs_evaluate_the_weights_that_are_given(folder):
    run = train(LIGHT, {"train.epochs": 0, "model.parameters": {"head.bias": [0, 0, 9]}}, quiet())
    assert run.status["step"] == 0
    assert run.scores["test/accuracy"] == pytest.approx(1 / 3)


def test_data_that_changed_are_refused_on_resume_and_told_at_eval(folder, capsys):
    table = write_table(folder / "table.csv", 80)
    config = {**LIGHT, "data": {"name": "csv", "path": str(table), "target": "kind"}, "train": {"epochs": 1}}
    run = train(config, (), quiet(folder / "run"))
    capsys.readouterr()
    assert dltk.load(run.path).evaluate().scores == pytest.approx(
        {name: value for name, value in run.scores.items() if name.startswith("test/")}
    )
    assert capsys.readouterr().err == ""
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *lines[3:], *lines[1:3]]) + "\n")  # the same rows in another order
    before = contents(folder / "run")
    with pytest.raises(ResumeRefused, match="the data have changed") as refused:
        train(None, ["train.epochs=2"], quiet(resume=str(run.path)))
    assert "train" in refused.value.found
    after = contents(folder / "run")
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} <= {".lock"}
    dltk.load(run.path).evaluate()
    assert "warning[DLTK-WARN-SPLIT]: the test split is not what it was when the run began" in capsys.readouterr().err


def test_a_test_split_that_was_left_out_can_be_scored_later(folder):
    run = train(LIGHT, {"train.test": False, "train.epochs": 1}, quiet(folder / "run"))
    assert not any(name.startswith("test/") for name in run.scores)
    again = train(None, ["train.test=true"], quiet(resume=str(run.path)))
    assert "test/accuracy" in again.scores
    assert len(again.history) == 1


def test_the_clock_goes_on_where_a_run_was_stopped(folder):
    stop = stopped(DIGITS, quiet(folder / "run"))
    (first,) = dltk.load(stop.run).history
    resumed = train(options=quiet(resume=stop.run))
    assert resumed.history[1]["seconds"] >= first["seconds"]
    assert resumed.status["seconds"] == round(resumed.history[-1]["seconds"], 1)


def test_a_length_that_is_already_behind_is_refused_and_nothing_changes(folder):
    run = train(LIGHT, {"train.epochs": 3}, quiet(folder / "run"))
    before = (run.path / "resolved.yaml").read_bytes()
    with pytest.raises(ResumeRefused, match="more epochs behind"):
        train(None, ["train.epochs=2"], quiet(resume=str(run.path)))
    assert (run.path / "resolved.yaml").read_bytes() == before


def test_other_data_are_read_whole_and_without_the_runs_other_files(folder):
    config = {
        **LIGHT,
        "data": {
            "name": "csv",
            "path": str(write_table(folder / "table.csv", 80)),
            "target": "kind",
            "test_path": str(write_table(folder / "test.csv", 9)),
        },
    }
    run = train(config, {"train.epochs": 1}, quiet(folder / "run"))
    assert run.evaluate().num_samples == 9
    other = write_table(folder / "other.csv", 33)
    assert run.evaluate(overrides=[f"data.path={other}"]).num_samples == 33
    same = run.evaluate(overrides=[f"data.path={folder / 'table.csv'}", f"data.test_path={folder / 'test.csv'}"])
    assert same.num_samples == 9, "the run's own data keep their splits"


def test_one_input_may_stand_by_itself(folder):
    config = {**LIGHT, "data": {"name": "csv", "path": str(write_table(folder / "table.csv")), "target": "kind"}}
    run = train(config, {"train.epochs": 1}, quiet(folder / "run"))
    assert len(run.predict("table.csv")) == 60


def test_a_disk_that_is_too_small_for_two_checkpoints_is_told_before_the_first_step(folder, monkeypatch):
    class Usage:
        free = 500

    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: Usage)
        with pytest.raises(WriteError, match="too small for two checkpoints") as caught:
            train(LIGHT, options=RunOptions(folder / "run", quiet=True))
    weights_of_4_bytes = 4 * 8 + 8 + 8 * 3 + 3
    with_two_moments = 3 * weights_of_4_bytes
    assert caught.value.found == f"{2 * with_two_moments * 4:,} bytes needed, 500 free"
    assert caught.value.code == 74
    assert not list((folder / "run" / "checkpoints").iterdir())
    assert train(options=RunOptions(resume=str(folder / "run"), quiet=True)).status["state"] == "completed"
