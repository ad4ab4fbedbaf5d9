"""A run whose memory ends says with which batches, and keeps what it had."""

from pathlib import Path

import pytest

from dltk.config import registry
from tests.commands import IRIS, Commands, contents
from tests.threads import one_thread

__all__ = ["one_thread"]
GREEDY = '''"""An mlp that wants too much from its twelfth batch on, where a file says so."""
from pathlib import Path
import torch
from dltk.models import mlp

Config = mlp.Config

def build(config, spec, preparation):
    model = mlp.build(config, spec, preparation)
    calls = iter(range(10**6))
    def want(module, _):
        if module.training and next(calls) >= 12 and Path("greedy").exists():
            torch.empty(2**40)
    model.register_forward_pre_hook(want)
    return model
'''


@pytest.fixture
def dltk(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_plugins", {})
    Path("greedy.py").write_text(GREEDY)
    Path("greedy").touch()
    Path("iris.yaml").write_text(IRIS + "checkpoint: {every_steps: 5}\n")
    return Commands(capsys)


def test_it_is_code_71_with_the_batch_size_and_the_last_checkpoint_stays(dltk):
    answer = dltk("train", "iris.yaml", "model.name=greedy", "--plugin", "greedy.py", "--output-dir", "run")
    assert answer.code == 71
    assert "memory ran out with batches of 16 samples" in answer.err
    assert "found: 4,096.00 GiB asked for at once" in answer.err
    assert "do: take a smaller data.batch_size" in answer.err
    assert "can be resumed" in dltk.ok("verify", "run").out
    before = contents(Path("run/checkpoints"))
    assert any(name.startswith("step-00000010/state") for name in before)
    Path("greedy").unlink()
    assert "resumed at step 10" in dltk.ok("train", "--resume", "run", "--plugin", "greedy.py").err


def test_its_last_checkpoint_goes_on_with_smaller_batches(dltk):
    assert dltk("train", "iris.yaml", "model.name=greedy", "--plugin", "greedy.py", "--output-dir", "run").code == 71
    Path("greedy").unlink()
    smaller = ["data.batch_size=8", "train.accumulate=2"]
    answer = dltk.ok("train", "--resume", "run", "--fork", *smaller, "--plugin", "greedy.py", "--output-dir", "other")
    assert "resumed at step 10" in answer.err
