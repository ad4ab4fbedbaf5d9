"""The seams are proven: families that dltk does not have train, are killed, go on, are scored and answer, as plug-ins.

A folder here is a family: one component per file, `config.yaml`, and `expected.yaml` with what is asked of it.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import dltk
from dltk.cli.app import run as run_command
from dltk.config import registry
from tests.children import Child
from tests.contracts.families.children import Death, ask, cross_validate, evaluate, train
from tests.endings import end_of, log, resumable, status

HERE = Path(__file__).parent
MOST_LINES = 60


@dataclass(frozen=True)
class Family:
    """A family's folder, its config, and what is expected of it."""

    folder: Path
    config: Mapping[str, Any]
    expected: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path) -> Family:
        config, expected = (yaml.safe_load((folder / f"{name}.yaml").read_text()) for name in ("config", "expected"))
        return cls(folder, config, expected)

    @property
    def is_one_pass(self) -> bool:
        """Whether there is nothing to save before the training data were seen once."""
        return "optimizer" not in self.config


FAMILIES = [Family.of(path.parent) for path in sorted(HERE.glob("*/config.yaml"))]


def each(families: Iterable[Family]) -> pytest.MarkDecorator:
    """Run a test for each family."""
    return pytest.mark.parametrize("family", [pytest.param(family, id=family.folder.name) for family in families])


@each(FAMILIES)
def test_a_family_is_planned(family, monkeypatch, capsys):
    monkeypatch.setattr(registry, "_plugins", {})
    plugins = [f"--plugin={path}" for path in sorted(family.folder.glob("*_*.py"))]
    before = torch.get_num_threads()
    assert run_command(["plan", str(family.folder / "config.yaml"), *plugins, "--json"]) == 0
    torch.set_num_threads(before)
    facts = json.loads(capsys.readouterr().out)
    layers, parameters = facts["model"].get("layers", []), facts["model"].get("parameters")
    assert not layers or sum(layer["parameters"] for layer in layers) == parameters
    assert layers or facts["model"]["unknown"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Train each family once."""

    @cache
    def run_of(folder: Path) -> Path:
        run = tmp_path_factory.mktemp(folder.name) / "run"
        Child(train, folder, run).result()
        return run

    return run_of


@pytest.fixture
def run(family: Family, trained: Callable[[Path], Path]) -> Path:
    """Return the family's run that was never interrupted."""
    return trained(family.folder)


@each(FAMILIES)
def test_it_trains_to_the_end_and_learns(family: Family, run: Path) -> None:
    assert status(run)["state"] == "completed"
    scores = status(run)["scores"]
    assert {name for name, bound in family.expected.get("at_least", {}).items() if scores[name] < bound} == set()
    assert {name for name, bound in family.expected.get("at_most", {}).items() if scores[name] > bound} == set()
    assert {path.name for path in (run / "pictures").iterdir()} >= set(family.expected.get("pictures", ()))


@each(family for family in FAMILIES if not family.is_one_pass)
def test_killed_in_mid_epoch_it_goes_on_bit_equal(family: Family, run: Path, tmp_path: Path) -> None:
    killed, death = tmp_path / "run", Death(**family.expected["killed_at"])
    assert Child(train, family.folder, killed, death).exit_code() == -signal.SIGKILL
    progress = resumable(killed)[-1].state()["progress"]
    assert progress["step"] > 0
    assert 0 < progress["batch"] <= death.batch  # in mid-epoch: neither its beginning nor its end
    assert progress["epoch"] == death.epoch
    Child(train, family.folder, killed).result()
    assert f"resumed at step {progress['step']} " in log(killed)
    assert end_of(killed) == end_of(run)


@each(family for family in FAMILIES if family.is_one_pass)
def test_killed_in_its_pass_an_estimator_begins_anew_bit_equal(family: Family, run: Path, tmp_path: Path) -> None:
    killed, death = tmp_path / "run", Death(**family.expected["killed_at"])
    assert Child(train, family.folder, killed, death).exit_code() == -signal.SIGKILL
    assert resumable(killed) == []  # there is nothing to save before the pass is over
    Child(train, family.folder, killed).result()
    assert end_of(killed) == end_of(run)


@each(family for family in FAMILIES if family.is_one_pass)
def test_killed_after_its_pass_an_estimator_keeps_what_it_fitted(family: Family, run: Path, tmp_path: Path) -> None:
    killed, death = tmp_path / "run", Death(epoch=0, batch=0, training=False)
    assert Child(train, family.folder, killed, death).exit_code() == -signal.SIGKILL
    assert len(resumable(killed)) == 1
    Child(train, family.folder, killed).result()
    assert "resumed at step" in log(killed)
    assert end_of(killed) == end_of(run)


@each(FAMILIES)
def test_evaluation_gives_the_scores_of_the_run(family: Family, run: Path) -> None:
    scores, reported = status(run)["scores"], status(run)["reported"]
    expected = {name: value for name, value in scores.items() if name.startswith(f"{reported}/")}
    assert expected
    # Where no split is held out, the training samples come in another order.
    assert Child(evaluate, family.folder, run).result() == pytest.approx(expected, rel=1e-5)


@each(FAMILIES)
def test_it_answers_in_order(family: Family, run: Path) -> None:
    rows = Child(ask, family.folder, run, family.expected["asks"]).result()
    assert [f"{Path(row['input']).name} {row['status']}" for row in rows] == family.expected["answers"]
    assert max(len(row) for row in rows) > 2


@each(FAMILIES)
def test_what_it_cannot_answer_is_a_usage_error(family: Family, run: Path) -> None:
    assert Child(ask, family.folder, run, family.expected["cannot_answer"]).result() == 2


@each(family for family in FAMILIES if "folds" in family.expected)
def test_it_is_cross_validated(family: Family, tmp_path: Path) -> None:
    values = Child(cross_validate, family.folder, tmp_path, family.expected["folds"]).result()
    assert len(set(zip(*values.values(), strict=True))) == family.expected["folds"]


@each(family for family in FAMILIES if "trains_with" in family.expected)
def test_it_trains_by_epochs_as_by_steps(family: Family, tmp_path: Path) -> None:
    Child(train, family.folder, tmp_path / "run", None, family.expected["trains_with"]).result()
    assert status(tmp_path / "run")["state"] == "completed"
    assert status(tmp_path / "run")["epoch"] == 2


def test_a_plug_in_is_one_short_file() -> None:
    lengths = {path.name: sum(map(bool, path.read_text().split("\n"))) for path in HERE.glob("*/*.py")}
    assert lengths
    assert {name for name, length in lengths.items() if length > MOST_LINES} == set()


def test_no_line_of_dltk_knows_them() -> None:
    package = Path(str(dltk.__file__)).parent
    text = "".join(path.read_text() for path in [*package.rglob("*.py"), *package.rglob("*.json")])
    assert [path.stem for path in HERE.glob("*/*.py") if path.stem in text] == []
