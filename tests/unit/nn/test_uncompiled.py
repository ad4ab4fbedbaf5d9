"""A pass without numbers imports neither torch's compiler nor Triton, and leaves torch as it was."""

import os
import subprocess
import sys

import pytest

PASSES = {
    "a pass": "assert model(inputs).shape == (2, 3)",
    "a pass that is watched": "from dltk.nn.anatomy import anatomy\nanatomy(model, lambda: model(inputs), 2)",
}
BEFORE = """
import sys
import torch
from torch import nn
from dltk.nn.uncompiled import without_compiler
with torch.device("meta"):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    inputs = torch.zeros(2, 1, 4, 4)
"""
LAYERS = """
from dltk.nn.image_layers import GlobalPool2d
from dltk.nn.layers import Embedding, RecurrentLayer, build_layers
from dltk.nn.shapes import Shape
_, shape = build_layers([GlobalPool2d(name="global_avg_pool2d")], Shape((3, 8, 8)), "layers")
assert shape.sizes == (3,)
words = [Embedding(name="embedding", units=4), RecurrentLayer(name="lstm", units=5)]
_, shape = build_layers(words, Shape((7,), num_ids=9), "layers")
assert shape.sizes[-1] == 5
"""
IMPORTED = "print([name for name in ('torch._dynamo', 'triton') if name in sys.modules])"
COMPILED = """
real = torch.compile(nn.Linear(2, 2), backend="eager")
assert real(torch.zeros(1, 2)).shape == (1, 2)
assert hasattr(sys.modules["torch._dynamo"], "__file__")
"""


def run(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", BEFORE + program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def within(lines: str) -> str:
    return "with without_compiler():\n" + "".join(f"    {line}\n" for line in lines.splitlines())


def test_no_compiler_is_imported():
    passes = "".join(map(within, PASSES.values()))
    assert run(f"{passes}{IMPORTED}") == "[]\n"


def test_none_is_imported_to_build_the_layers_of_a_yaml():
    assert run(f"{LAYERS}{IMPORTED}") == "[]\n"


def test_nothing_of_it_stays_after_an_error_either():
    program = (
        "kept = []\ntry:\n    with without_compiler():\n        model(inputs)\n"
        "        kept += sys.modules['torch._dynamo'].left_alone\n        1 / 0\nexcept ZeroDivisionError:\n    pass\n"
        "marked = any('__dynamo_disable' in vars(function) for function in kept)\n"
        "print(len(kept) > 0, marked, 'torch._dynamo' in sys.modules)"
    )
    assert run(program) == "True False False\n"


@pytest.mark.slow
def test_without_it_the_compiler_would_be_imported():
    assert run("model(inputs)\nprint('torch._dynamo' in sys.modules)") == "True\n"


@pytest.mark.slow
def test_models_can_be_compiled_afterwards():
    run(within("model(inputs)") + COMPILED)


@pytest.mark.slow
def test_who_asks_for_the_compiler_meanwhile_gets_it():
    run(within("model(inputs)" + COMPILED + "model(inputs)"))
    run(within("import torch._dynamo.utils\nassert torch._dynamo.utils.counters is not None"))
