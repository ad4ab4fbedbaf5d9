"""Ctrl-C and SIGTERM at the command line: what is saved, what is said, how it goes on."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dltk.data.batches import Batch, InMemory
from tests.commands import Commands, contents, record, weights

DIGITS = """\
name: digits
data: {name: digits, batch_size: 64}
model: {name: mlp, hidden: [16], dropout: 0.2}
train: {epochs: 2, threads: 1, device: cpu}
checkpoint: {every_steps: 10}
tensorboard: null
"""
BATCHES_PER_EPOCH = 21


@pytest.fixture
def dltk(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Return what runs commands in a folder of its own, which holds digits.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.yaml").write_text(DIGITS)
    return Commands(capsys)


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[signal.Signals]:
    """Return a list of signals that come, one after another, while the 8th batch of the second epoch is made."""
    coming: list[signal.Signals] = []
    epoch = InMemory.epoch

    def interrupted(self: InMemory, number: int, *, start: int = 0) -> Iterator[Batch]:
        for position, batch in enumerate(epoch(self, number, start=start), start):
            if (number, position) == (1, 7):
                while coming:
                    os.kill(os.getpid(), coming.pop(0))
            yield batch

    monkeypatch.setattr(InMemory, "epoch", interrupted)
    return coming


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_saves_and_says_how_to_go_on(dltk, signals, number, code):
    whole = dltk.trained("digits.yaml", "--output-dir", "whole")
    signals.append(number)
    stop = dltk("train", "digits.yaml", "--output-dir", "run")
    assert stop.code == code
    assert stop.out == ""
    assert stop.err.endswith(f"stopped by {number.name}; the checkpoint is saved\n  do: dltk train --resume run\n")
    run = Path("run").absolute()
    assert max(weights(run)) == f"step-{BATCHES_PER_EPOCH + 8:08d}"
    assert dltk.ok("show", "run").out.startswith("state: stopped\n")
    resumed = dltk.ok(*shlex.split(stop.err.rpartition("do: dltk ")[2]))
    assert f"resumed at step {BATCHES_PER_EPOCH + 8} (epoch 2, batch 8)" in resumed.err
    assert record(run) == record(whole)
    assert weights(run)["step-00000042"] == weights(whole)["step-00000042"]


def test_a_second_ctrl_c_ends_at_once_and_the_last_checkpoint_stays(dltk, signals):
    whole = dltk.trained("digits.yaml", "--output-dir", "whole")
    signals += [signal.SIGINT, signal.SIGINT]
    stop = dltk("train", "digits.yaml", "--output-dir", "run")
    assert stop.code == 130
    assert stop.err.endswith("stopped by SIGINT; nothing was saved after step 20\n  do: dltk train --resume run\n")
    run = Path("run").absolute()
    assert max(weights(run)) == "step-00000020"
    assert dltk.ok("show", "run").out.startswith("state: stopped\n")
    status = json.loads((run / "status.json").read_text())
    assert (status["state"], status["code"], status["step"]) == ("stopped", 130, 20)
    dltk.ok("train", "--resume", "run")
    assert record(run) == record(whole)
    assert weights(run)["step-00000042"] == weights(whole)["step-00000042"]


def test_a_long_step_ends_with_its_grace_and_without_a_checkpoint(dltk, monkeypatch):
    whole = dltk.trained("digits.yaml", "train.accumulate=7", "--output-dir", "whole")
    epoch = InMemory.epoch

    def slow(self: InMemory, number: int, *, start: int = 0) -> Iterator[Batch]:
        for position, batch in enumerate(epoch(self, number, start=start), start):
            if (number, position) == (1, 9):  # the third of seven batches of an update
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(InMemory, "epoch", slow)
        begun = time.monotonic()
        stop = dltk("train", "digits.yaml", "train.accumulate=7", "--output-dir", "run", "--grace", "1s")
        assert time.monotonic() - begun < 30
    assert stop.code == 143
    run = Path("run").absolute()
    last = int(max(weights(run))[5:])
    assert last < BATCHES_PER_EPOCH + 9
    assert stop.err.endswith(
        f"stopped by SIGTERM; nothing was saved after step {last}\n  do: dltk train --resume run\n"
    )
    dltk.ok("verify", "run")
    dltk.ok("train", "--resume", "run")
    assert record(run) == record(whole)
    assert weights(run)["step-00000042"] == weights(whole)["step-00000042"]


def test_with_json_a_stop_is_an_object(dltk, signals):
    signals.append(signal.SIGINT)
    stop = dltk("train", "digits.yaml", "--output-dir", "run", "--json")
    assert stop.json == {"run": str(Path("run").absolute()), "status": "stopped", "code": 130}
    signals += [signal.SIGINT, signal.SIGINT]
    stop = dltk("train", "digits.yaml", "--output-dir", "other", "--json")
    run = str(Path("other").absolute())
    assert stop.json == {"run": run, "status": "stopped", "code": 130, "saved": False}


@pytest.mark.parametrize("study", [["train", "--seeds", "2"], ["cv", "-k", "2"]])
def test_a_study_is_stopped_and_goes_on_too(dltk, signals, study):
    signals.append(signal.SIGINT)
    command = [study[0], "digits.yaml", *study[1:], "--output-dir", "study"]
    stop = dltk(*command)
    assert stop.code == 130
    assert stop.err.endswith("do: the same command again, with --output-dir study\n")
    (stopped,) = Path("study").iterdir()
    assert json.loads((stopped / "status.json").read_text())["state"] == "stopped"
    again = dltk.ok(*command)
    assert re.search(r"resumed at step \d+ \(epoch 2, batch 8\)", again.err)
    assert len(list(Path("study").iterdir())) == 2


def test_the_handlers_of_the_process_are_as_before(dltk, signals):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    signals.append(signal.SIGINT)
    dltk("train", "digits.yaml")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start dltk in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dltk", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_real_process_is_stopped_wherever_it_is_and_goes_on_bit_equal(dltk, tmp_path):
    run = tmp_path / "run"
    arguments = ["train", "digits.yaml", "train.epochs=100000", "train.compile=off", "--output-dir", "run"]
    step = 0
    for _ in range(5):
        process = start(tmp_path, *arguments)
        seen = len(record(run)) if (run / "metrics.jsonl").exists() else 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (
            (run / "metrics.jsonl").exists() and len((run / "metrics.jsonl").read_text().splitlines()) > seen + 1
        ):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert "Traceback" not in said
        step = int(max(weights(run))[5:])
        if step % BATCHES_PER_EPOCH:
            break
        arguments = ["train", "--resume", "run"]
    assert step > BATCHES_PER_EPOCH
    assert step % BATCHES_PER_EPOCH  # it was stopped in mid-epoch
    epochs = step // BATCHES_PER_EPOCH + 2
    dltk.ok("train", "--resume", "run", f"train.epochs={epochs}", "-q")
    whole = dltk.trained("digits.yaml", f"train.epochs={epochs}", "train.compile=off", "--output-dir", "whole")
    assert record(run) == record(whole)
    last = f"step-{epochs * BATCHES_PER_EPOCH:08d}"
    assert weights(run)[last] == weights(whole)[last]
    assert contents(run)["resolved.yaml"] == contents(whole)["resolved.yaml"]
    assert re.search("resumed at step", (run / "train.log").read_text())
