"""The tests are tested: each of these mistakes in dltk makes the test fail that is to notice it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("dltk", "tests", "configs", "docs", "pyproject.toml", "README.md", "CHANGELOG.md")
FAILED = 1


def copied(folder: Path) -> Path:
    """Copy everything that tests need."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def tried(folder: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy, which brings its own dltk."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-showlocals", *tests]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=name) for name, mutant in MUTANTS.items()])
def test_a_mutant_is_still_possible(mutant: Mutant) -> None:
    source = (ROOT / "dltk" / mutant.file).read_text(encoding="utf-8")
    assert source.count(mutant.old) == 1, "the source has moved: change the mutant"
    compile(source.replace(mutant.old, mutant.new), mutant.file, "exec")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=name) for name, mutant in MUTANTS.items()])
def test_a_mistake_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    path = folder / "dltk" / mutant.file
    path.write_text(path.read_text(encoding="utf-8").replace(mutant.old, mutant.new), encoding="utf-8")
    done = tried(folder, [mutant.test])
    assert done.returncode == FAILED, done.stdout[-3000:] + done.stderr
    assert f"FAILED {mutant.test.partition('::')[0]}" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_without_a_mistake_all_pass(tmp_path: Path) -> None:
    done = tried(copied(tmp_path), sorted({mutant.test for mutant in MUTANTS.values()}))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
