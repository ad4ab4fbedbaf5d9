"""Processes that torchrun starts train one model: as one alone would, and ending together whatever happens."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from dltk.training.saving.storage import read_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="torchrun's processes meet by gloo, on Unix")
QUIET = "tensorboard: null\ncheckpoint: {every_steps: 3}\n"
IRIS = "data: {name: iris, batch_size: 15}\nmodel: {name: mlp, hidden: [16]}\ntrain: {epochs: 2, threads: 1}\n" + QUIET
DROPOUT = (
    "data: {name: digits, batch_size: 31}\n"
    "model: {name: sequential, layers: [{name: flatten}, {name: dense, units: 32}, {name: batch_norm}, "
    "{name: dropout, rate: 0.3}]}\n"
    "schedule: {name: cosine}\n"
    "train: {epochs: 40, threads: 1, ema: 0.9, accumulate: 2}\n"
    "optimizer: {name: adam, clip_norm: 1.0}\n" + QUIET
)
GAN = "data: {name: digits, batch_size: 50}\nmodel: {name: gan}\ntrain: {epochs: 2, threads: 1}\n" + QUIET
TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "dltk"]
LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
ALONE = [sys.executable, "-m", "dltk"]


def started(folder: Path, command: list[str], *arguments: object) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"RANK", "WORLD_SIZE"}}
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def ran(folder: Path, command: list[str], *arguments: object) -> tuple[int, str]:
    process = started(folder, command, *arguments)
    try:
        text, _ = process.communicate(timeout=300)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, text


def trained(folder: Path, command: list[str], *arguments: object) -> str:
    code, text = ran(folder, command, "train", *arguments)
    assert code == 0, text
    return text


def workers(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that train, which are the children of torchrun."""
    return [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def listened_at(process: int) -> set[str]:
    """Return the addresses, as the system spells them, at which a process waits for connections."""
    files = Path(f"/proc/{process}/fd").iterdir()
    sockets = {target.removeprefix("socket:[").rstrip("]") for target in map(os.readlink, files) if "socket:" in target}
    lines = [
        line.split()
        for kind in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{kind}").read_text().splitlines()
    ]
    return {line[1].partition(":")[0] for line in lines if line[3] == "0A" and line[9] in sockets}


def steps(run: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in run.glob("checkpoints/step-*"))


def wait_for_step(run: Path, process: subprocess.Popen[str]) -> None:
    """Return once a checkpoint in the middle of an epoch is there."""
    until = time.monotonic() + 120
    while not steps(run):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.02)


def rows(run: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in lines]


def last_files(run: Path) -> dict[str, bytes]:
    last = run / "checkpoints" / f"step-{steps(run)[-1]:08d}"
    return {file.name: file.read_bytes() for file in last.iterdir() if file.suffix == ".safetensors"}


def assert_close(one: Path, other: Path) -> None:
    """Compare the scores and the last weights of two runs within the rounding of float32."""
    for mine, theirs in zip(rows(one), rows(other), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4, abs=1e-5)
    last = f"checkpoints/step-{steps(one)[-1]:08d}"
    mine, theirs = (read_tree(run / last, "model") for run in (one, other))
    for name, weight in mine.items():
        assert torch.allclose(weight, theirs[name], rtol=1e-3, atol=1e-5), name


def exit_codes(text: str) -> set[int]:
    """Return what torchrun says of how its processes ended by themselves."""
    return {int(code) for code in re.findall(r"exitcode *: (\d+)", text)}


@pytest.mark.slow
def test_two_processes_give_the_scores_and_weights_of_one(tmp_path):
    (tmp_path / "iris.yaml").write_text(IRIS)
    trained(tmp_path, ALONE, "iris.yaml", "--output-dir", "one")
    said = trained(tmp_path, TOGETHER, "iris.yaml", "--output-dir", "two")
    assert_close(tmp_path / "one", tmp_path / "two")
    assert said.count("2 processes share every batch") == 1, "only the first process speaks"
    assert said.count("test/accuracy") == 1
    assert json.loads((tmp_path / "two" / "environment.json").read_text())["processes"] == 2


@pytest.mark.slow
def test_a_game_of_two_networks_is_shared(tmp_path):
    (tmp_path / "gan.yaml").write_text(GAN)
    trained(tmp_path, TOGETHER, "gan.yaml", "--output-dir", "two")
    trained(tmp_path, TOGETHER, "gan.yaml", "--output-dir", "again")
    assert last_files(tmp_path / "two") == last_files(tmp_path / "again")
    assert len(rows(tmp_path / "two")) == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_all_and_the_resumed_run_has_the_same_bits(tmp_path, rank):
    (tmp_path / "c.yaml").write_text(DROPOUT)
    trained(tmp_path, TOGETHER, "c.yaml", "--output-dir", "whole")
    process = started(tmp_path, TOGETHER, "train", "c.yaml", "--output-dir", "run")
    wait_for_step(tmp_path / "run", process)
    os.kill(workers(process)[rank], signal.SIGKILL)
    process.communicate(timeout=60)
    assert 0 < steps(tmp_path / "run")[-1] < steps(tmp_path / "whole")[-1], "it was killed on the way"
    said = trained(tmp_path, TOGETHER, "--resume", "run")
    assert said.count("resumed at step") == 1
    assert last_files(tmp_path / "run") == last_files(tmp_path / "whole")
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_at_one_step_with_a_checkpoint(tmp_path, number):
    (tmp_path / "c.yaml").write_text(DROPOUT)
    process = started(tmp_path, TOGETHER, "train", "c.yaml", "--output-dir", "run")
    wait_for_step(tmp_path / "run", process)
    assert {place for worker in workers(process) for place in listened_at(worker)} <= LOOPBACK
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "stopped", said
    assert json.loads((tmp_path / "run" / "status.json").read_text())["code"] == 128 + number
    trained(tmp_path, TOGETHER, "--resume", "run")
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "completed"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_a_signal_during_an_evaluation_stops_all_and_the_resumed_run_has_the_same_rows(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "c.yaml").write_text(
        "data: {name: iris, batch_size: 15}\nmodel: {name: slow}\ntrain: {epochs: 2, threads: 1}\n" + QUIET
    )
    arguments = ["c.yaml", "--plugin", "slow.py", "--output-dir"]
    process = started(tmp_path, TOGETHER, "train", *arguments, "run")
    wait_for_step(tmp_path / "run", process)
    time.sleep(2)
    assert not (tmp_path / "run" / "metrics.jsonl").exists(), "the first evaluation goes on for seconds"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["code"] == 143, said
    assert not (tmp_path / "run" / "metrics.jsonl").exists()
    (step,) = [step for step in steps(tmp_path / "run") if step > 3 * (step // 3)] or [0]
    assert step, "it stopped after an epoch, not where a checkpoint was due"
    trained(tmp_path, TOGETHER, "--resume", "run", "--plugin", "slow.py")
    trained(tmp_path, TOGETHER, *arguments, "whole")
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")
    assert last_files(tmp_path / "run") == last_files(tmp_path / "whole")


@pytest.mark.slow
def test_another_number_of_processes_goes_on_within_rounding_and_says_so(tmp_path):
    (tmp_path / "iris.yaml").write_text(IRIS)
    trained(tmp_path, ALONE, "iris.yaml", "--output-dir", "whole", "train.epochs=4")
    trained(tmp_path, TOGETHER, "iris.yaml", "--output-dir", "run")
    said = trained(tmp_path, ALONE, "--resume", "run", "train.epochs=4")
    assert "warning[DLTK-WARN-MACHINE]: processes was 2, is 1; from here on not bit-identical" in said
    assert_close(tmp_path / "run", tmp_path / "whole")


@pytest.mark.slow
def test_early_stopping_and_the_time_limit_are_decided_once(tmp_path):
    (tmp_path / "iris.yaml").write_text(IRIS + "early_stopping: {patience: 1, min_delta: 1}\n")
    trained(tmp_path, TOGETHER, "iris.yaml", "--output-dir", "early", "train.epochs=50")
    assert len(rows(tmp_path / "early")) == 2
    (tmp_path / "long.yaml").write_text(IRIS)
    code, said = ran(
        tmp_path, TOGETHER, "train", "long.yaml", "--output-dir", "long", "--max-time", "1s", "train.epochs=100000"
    )
    assert code == 0, said
    assert json.loads((tmp_path / "long" / "status.json").read_text())["state"] == "stopped"


@pytest.mark.slow
def test_errors_end_all_processes_with_their_code_and_are_said_once(tmp_path):
    (tmp_path / "knn.yaml").write_text("data: {name: iris}\nmodel: {name: knn}\n")
    _, said = ran(tmp_path, TOGETHER, "train", "knn.yaml", "--output-dir", "knn")
    assert said.count("error[DLTK-USAGE]: knn is fitted in one pass, by one process") == 1
    assert exit_codes(said) <= {2}
    (tmp_path / "iris.yaml").write_text(IRIS)
    _, said = ran(tmp_path, TOGETHER, "train", "iris.yaml", "--output-dir", "large", "optimizer={name: sgd, lr: 1e30}")
    assert said.count("error[DLTK-DIVERGED]: training diverged at step") == 1
    assert exit_codes(said) == {80}
    _, said = ran(tmp_path, TOGETHER, "train", "iris.yaml", "--output-dir", "small", "data.batch_size=1")
    assert said.count("makes a batch of 1 sample, which 2 processes cannot share") == 1
    _, said = ran(tmp_path, TOGETHER, "train", "iris.yaml", "--output-dir", "large")
    assert said.count("error[DLTK-OUTPUT]: large exists already") == 1
    assert 73 in exit_codes(said)


@pytest.mark.slow
def test_an_error_of_another_process_is_said_by_the_first(tmp_path):
    (tmp_path / "failing.py").write_text(FAILING)
    (tmp_path / "c.yaml").write_text("data: {name: iris, batch_size: 15}\nmodel: {name: failing}\n" + QUIET)
    _, said = ran(tmp_path, TOGETHER, "train", "c.yaml", "--plugin", "failing.py", "--output-dir", "run")
    assert said.count("process 1 failed: the disk of this one is broken") == 1, said
    assert 74 in exit_codes(said)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["code"] == 74


SLOW = '''"""A linear model that takes its time to answer, but not to learn."""

import math
import time
from typing import ClassVar

from torch import nn

from dltk.config.settings import Settings
from dltk.data.sizes import num_outputs, only_input, only_target
from dltk.data.specs import Table


class Config(Settings):
    accepts: ClassVar = (Table,)
    role: ClassVar = "predictor"


class Slow(nn.Linear):
    def forward(self, x):
        time.sleep(0 if self.training else 5)
        return super().forward(x)


def build(config, spec, preparation):
    return Slow(math.prod(only_input(spec).shape), num_outputs(only_target(spec)))
'''


FAILING = '''"""A linear model whose third forward pass fails in one process only."""

import math
import os
from typing import ClassVar

from torch import nn

from dltk.config.errors import WriteError
from dltk.config.settings import Settings
from dltk.data.sizes import num_outputs, only_input, only_target
from dltk.data.specs import Table


class Config(Settings):
    accepts: ClassVar = (Table,)
    role: ClassVar = "predictor"


class Failing(nn.Linear):
    calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 3 and os.environ["RANK"] == "1":
            raise WriteError("the disk of this one is broken")
        return super().forward(x)


def build(config, spec, preparation):
    return Failing(math.prod(only_input(spec).shape), num_outputs(only_target(spec)))
'''
