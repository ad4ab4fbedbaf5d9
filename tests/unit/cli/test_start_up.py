"""Looking something up, and every error that can be seen without computing, must not wait for torch."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("torch", "numpy", "pandas", "sklearn", "matplotlib", "torchvision", "tensorboard", "scipy", "PIL")
FILES = {
    "empty.yaml": "",
    "typo.yaml": "data: {name: digits}\nmodel: {name: mlp, hiden: [3]}\n",
    "wrong.yaml": "data: {name: digits, batch_size: many}\nmodel: {name: lenett}\n",
    "broken.yaml": "data: {name: digits\n",
    "good.yaml": "data: {name: digits}\nmodel: {name: mlp}\n",
}
COMMANDS = {
    "": 0,
    "--help": 0,
    "--version": 0,
    "train --help": 0,
    "cv --help": 0,
    "predict --help": 0,
    "list": 0,
    "list models --json": 0,
    "list configs": 0,
    "list runs": 0,
    "list nonsense": 2,
    "show lenet": 0,
    "show DLTK-CONFIG-TYPE": 0,
    "show DLTK-NONSENSE": 2,
    "show adam": 0,
    "show train --json": 0,
    "show RUN": 0,
    "show RUN --json": 0,
    "show nonsense": 2,
    "schema": 0,
    "train": 2,
    "train nothing.yaml": 66,
    "train empty.yaml": 2,
    "train typo.yaml": 2,
    "train wrong.yaml": 2,
    "train broken.yaml": 2,
    "train good.yaml optimizer.lr=fast": 2,
    "train good.yaml optimizer.lr": 2,
    "train good.yaml --seeds 2 --seed 1": 2,
    "train --resume RUN --dry-run": 2,
    "train --resume RUN other.yaml": 2,
    "train --resume nothing": 66,
    "cv typo.yaml": 2,
    "verify --help": 0,
    "verify RUN": 0,
    "verify nothing": 66,
    "import --help": 0,
    "import nothing.pth good.yaml": 66,
    "import good.yaml typo.yaml": 2,
    "eval nothing": 66,
    "predict RUN": 2,
    "predict nothing input.png": 66,
    "predict RUN input.png --output answers.txt": 2,
}
AT_ONCE = (
    *("", "--help", "--version", "train --help", "data --help", "list", "list layers --json", "show lenet"),
    *("show train", "show nonsense", "schema", "train typo.yaml", "train wrong.yaml", "train broken.yaml"),
)
"""Commands that wait for no package but typer, and PyYAML where they read a config."""
FELT = ("pydantic", "rich.console", "importlib.metadata")
"""Packages whose import takes as long as all else that these do."""
PROGRAM = f"""
import contextlib, io, json, sys
import dltk
from dltk.cli.app import run
seen, found = set(), {{}}
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = run(command.split())
    heavy = [name for name in {HEAVY!r} if name in sys.modules and name not in seen]
    seen.update(heavy)
    found[command] = [code, heavy]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, iris_run: Path) -> dict[str, Any]:
    """Return the exit code and the newly imported heavy packages of every command, run in one fresh process."""
    folder = tmp_path_factory.mktemp("start")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "runs").mkdir()
    (folder / "runs" / "iris").symlink_to(iris_run.parent)
    commands = [command.replace("RUN", str(iris_run)) for command in COMMANDS]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(COMMANDS, json.loads(done.stdout).values(), strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_it_answers_without_heavy_packages(found, command):
    code, heavy = found[command]
    assert heavy == []
    assert code == COMMANDS[command]


@pytest.mark.parametrize("command", AT_ONCE)
def test_what_is_only_looked_up_waits_for_typer_alone(command: str, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    code = (
        f"import sys; from dltk.cli.app import run; run({command.split()!r}); sys.stderr.write('imported: '); "
        f"sys.stderr.write(' '.join(name for name in {(*HEAVY, *FELT)!r} if name in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.endswith("imported: ")


@pytest.mark.parametrize("command", ["list", "show lenet"])
def test_what_lists_components_imports_neither_what_checks_configs_nor_what_imports_plugins(command: str) -> None:
    others = ("dltk.config.differing", "dltk.config.matching", "dltk.config.sentences", "dltk.config.plugins")
    code = (
        f"import sys; from dltk.cli.app import run; run({command.split()!r}); "
        f"sys.stderr.write(' '.join(name for name in {others!r} if name in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_command_is_imported_without_the_others(tmp_path: Path) -> None:
    code = (
        "import sys; from dltk.cli.app import run; run(['list', '--help']); "
        "sys.stderr.write(' '.join(sorted(name for name in sys.modules if name.startswith('dltk.cli.'))))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "dltk.cli.listing" in done.stderr
    assert "dltk.cli.training" not in done.stderr


FIRST_STEPS = """
import sys
from pathlib import Path
from dltk.experiment.running import RunOptions, train
train(sys.argv[1], sys.argv[3:], RunOptions(Path(sys.argv[2]), quiet=True))
slow = ("torch._dynamo", "torch._inductor", "torchvision", "torch.utils.tensorboard")
print([name for name in slow if name in sys.modules])
"""


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_training_imports_no_compiler(tmp_path, optimizer):
    config = tmp_path / "digits.yaml"
    config.write_text("data: {name: digits}\nmodel: {name: mlp}\ntrain: {epochs: 1, threads: 1, device: cpu}\n")
    arguments = [str(config), str(tmp_path / "run"), f"optimizer.name={optimizer}"]
    done = subprocess.run(
        [sys.executable, "-c", FIRST_STEPS, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


PLANNED = {
    "dense": "data: {name: digits}\nmodel: {name: mlp}\n",
    "layers by hand": "data: {name: digits}\nmodel: {name: sequential, layers: [{name: conv2d, filters: 3, "
    "kernel_size: 3}, {name: global_avg_pool2d}]}\n",
    "adversarial": "data: {name: digits}\nmodel: {name: gan}\ntask: {name: gan}\n",
}


@pytest.mark.parametrize("case", PLANNED)
def test_planning_imports_no_compiler(tmp_path, case):
    (tmp_path / "c.yaml").write_text(PLANNED[case])
    code = (
        "import sys; from dltk.cli.app import run; code = run(['plan', 'c.yaml']); "
        "slow = ('torch._dynamo', 'torch._inductor', 'triton', 'torchvision', 'tensorboard'); "
        "sys.stderr.write(str([code, *(name for name in slow if name in sys.modules)]))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "multiply-adds" in done.stdout
    assert done.stderr == "[0]"
