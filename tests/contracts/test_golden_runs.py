"""Runs of every release so far are verified, scored, used and gone on with by this one.

When a change of dltk lets one of these fail, users' runs fail likewise. Let the new code read what is there: a new
option gets a default that does what was done before it, a new part of a state is asked for by `get`. Only where old
files would be misread does `durable.FORMAT` go up, with a function that turns what the old format holds into what the
new one does; a run is never rewritten in place. Then make the golden run of this release, beside the others:
`python -m tests.golden_runs`.
"""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

import dltk
from dltk.experiment.running import RunOptions, train
from dltk.training.saving.durable import FORMAT, canonical
from dltk.training.saving.storage import read_tree
from tests.commands import Commands, contents, record
from tests.golden_runs import CONFIG, LONGER, golden_runs
from tests.threads import one_thread

__all__ = ["one_thread"]
NEAR = 1e-3
"""How far numbers of another torch on another processor may be after forty steps."""


@pytest.fixture(params=golden_runs(), ids=lambda path: path.name)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(request.param, tmp_path / "run"))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


def test_it_is_intact_and_says_so(run: Path, command: Commands) -> None:
    before = contents(run)
    assert "damaged" not in command.ok("verify", run).out
    assert contents(run) == before


def test_it_is_scored_as_it_was(run: Path, command: Commands) -> None:
    recorded = json.loads((run / "status.json").read_text())["scores"]
    scores = command.ok("eval", run, "--json").json["scores"]
    assert {name: scores[name] for name in recorded if name.startswith("test/")} == pytest.approx(
        {name: value for name, value in recorded.items() if name.startswith("test/")}, rel=NEAR
    )


def test_it_answers(run: Path, tmp_path: Path, command: Commands) -> None:
    table = tmp_path / "table.csv"
    table.write_text("sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n", encoding="utf-8")
    answer = command.ok("predict", run, table).out
    assert any(kind in answer for kind in ("setosa", "versicolor", "virginica"))


def test_it_goes_on_as_if_this_release_had_trained_it_all(run: Path, tmp_path: Path, command: Commands) -> None:
    answer = command.ok("train", "--resume", run, f"train.steps={LONGER}")
    assert "resumed at step 20" in answer.err
    longer = {**CONFIG, "train": {**CONFIG["train"], "steps": LONGER}}
    train(longer, options=RunOptions(tmp_path / "new", quiet=True))
    found, expected = record(run), record(tmp_path / "new")
    assert [row["step"] for row in found] == [row["step"] for row in expected]
    for row, other in zip(found, expected, strict=True):
        assert row == pytest.approx(other, rel=NEAR)
    newest = f"checkpoints/step-{LONGER:08d}"
    torch.testing.assert_close(
        read_tree(run / newest, "model"), read_tree(tmp_path / "new" / newest, "model"), rtol=NEAR, atol=NEAR
    )


@pytest.mark.parametrize(("name", "version"), [("torch", "2.10.0"), ("dltk", "0.0.9"), ("device", "cuda:0")])
def test_with_another_version_or_device_it_goes_on_and_says_that_bits_may_differ(
    name: str, version: str, run: Path, command: Commands
) -> None:
    environment = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps({**environment, name: version}))
    now = {"torch": torch.__version__, "dltk": dltk.__version__, "device": "cpu"}[name]
    said = command.ok("train", "--resume", run, "train.steps=21").err
    assert f"warning[DLTK-WARN-MACHINE]: {name} was {version}, is {now}; from here on not bit-id" in said


@pytest.mark.parametrize("command_line", ["train --resume RUN train.steps=40", "eval RUN", "verify RUN"])
@pytest.mark.parametrize("changes", [{"format": 999}, {"later": 1}], ids=str)
def test_what_a_newer_release_wrote_is_refused_with_how_to_read_it(
    command_line: str, changes: dict[str, int], run: Path, command: Commands
) -> None:
    for path in run.glob("checkpoints/*/manifest.json"):
        manifest = {**json.loads(path.read_bytes()), **changes}
        del manifest["digest"]
        digest = hashlib.sha256(canonical(manifest)).hexdigest()
        path.write_bytes(canonical({**manifest, "digest": digest}))
    before = contents(run)
    answer = command(*[run if word == "RUN" else word for word in command_line.split()])
    assert answer.code == 82
    assert "needs another version of dltk, a newer one most likely" in answer.err
    assert f"found: format {changes.get('format', FORMAT)}" in answer.err
    assert f"expected: format {FORMAT}, which this version reads" in answer.err
    assert "do: update dltk" in answer.err
    kept = {name: content for name, content in contents(run).items() if name.startswith(("checkpoints", "metrics"))}
    assert kept.items() <= before.items()


def test_this_release_is_among_them() -> None:
    assert dltk.__version__ in {path.name for path in golden_runs()}


def test_none_of_them_knows_a_machine() -> None:
    for path in golden_runs():
        text = b"".join(contents(path).values())
        assert not [
            word for word in (b"/home", b"/root", b"/tmp", b"/usr", b"/work", b"/Users", b":\\") if word in text
        ]
