"""Processes that start at once, as a sweep's do, get run directories of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NUM_PROCESSES = 8
CONFIG = """\
data: {name: logic_gate, gate: xor}
model: {name: mlp}
train: {epochs: 1, threads: 1, device: cpu}
tensorboard: null
"""


@pytest.mark.slow
def test_runs_that_start_at_once_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text(CONFIG)
    command = [sys.executable, "-m", "dltk", "train", "gate.yaml", "--json", "--quiet"]
    processes = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(NUM_PROCESSES)
    ]
    lines = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * NUM_PROCESSES
    assert all(line.count("\n") == 1 for line in lines)
    runs = {json.loads(line)["run"] for line in lines}
    assert len(runs) == NUM_PROCESSES
    assert {path.parent for path in (tmp_path / "runs").glob("gate/*/status.json")} == set(map(Path, runs))
