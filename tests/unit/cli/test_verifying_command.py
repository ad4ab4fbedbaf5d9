"""`dltk verify`: what is intact, what is damaged, what a killed process left."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dltk.training.runs.rundir import RunDir
from dltk.training.saving.durable import canonical
from tests.commands import Commands, contents
from tests.golden_runs import golden_runs

PARTS = [
    "status.json",
    "preparation",
    "checkpoints",
    "metrics.jsonl",
    "config.yaml",
    "resolved.yaml",
    "environment.json",
]
BEST, OLDER, NEWEST = "step-00000014", "step-00000020", "step-00000021"


@pytest.fixture
def copied(iris_run: Path, folder: Path) -> Path:
    """Return a copy of the finished run, free to be damaged."""
    return Path(shutil.copytree(iris_run, folder / "copied"))


@pytest.fixture
def three(dltk: Commands) -> Path:
    """Return a run with three checkpoints: the best, and two that can be resumed."""
    options = ["train.epochs=3", "checkpoint.every_steps=4", "optimizer.lr=0.3", "--output-dir", "three"]
    run = dltk.trained("iris.yaml", *options)
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [BEST, OLDER, NEWEST]
    return run


def statuses(answer: object) -> dict[str, str]:
    (run,) = answer.json["runs"]  # type: ignore[attr-defined]
    return {part["part"]: part["status"] for part in run["parts"]}


def test_an_intact_run_is_told_part_by_part_and_not_changed(dltk, iris_run):
    before = contents(iris_run)
    answer = dltk.ok("verify", iris_run)
    assert answer.err == ""
    first, header, *lines = answer.out.splitlines()
    assert first == f"run: {iris_run}"
    assert header.split() == ["part", "status", "note"]
    assert {line.split()[0].partition("/")[0] for line in lines} == set(PARTS)
    assert {line.split()[1] for line in lines} == {"intact"}
    assert any(line.endswith("can be resumed") for line in lines)
    assert contents(iris_run) == before


def test_several_runs_are_verified_at_once(dltk, iris_run, copied):
    answer = dltk.ok("verify", iris_run, "copied", "--json")
    assert [run["run"] for run in answer.json["runs"]] == [str(iris_run), str(copied)]
    assert all(run["intact"] for run in answer.json["runs"])
    assert answer.json["status"] == "completed"


def written_by_a_newer_release(run: Path) -> None:
    """Give each checkpoint another format, under a digest that is right."""
    for path in run.glob("checkpoints/*/manifest.json"):
        manifest = {**json.loads(path.read_bytes()), "format": 999}
        del manifest["digest"]
        path.write_bytes(canonical({**manifest, "digest": hashlib.sha256(canonical(manifest)).hexdigest()}))


def test_all_runs_are_verified_before_one_of_a_newer_release_or_damage_ends_with_its_code(dltk, iris_run, folder):
    newer, broken = (Path(shutil.copytree(iris_run, folder / name)) for name in ("newer", "broken"))
    written_by_a_newer_release(newer)
    answer = dltk("verify", "newer", iris_run, "--json")
    assert answer.code == answer.json["code"] == 82
    assert [run["intact"] for run in answer.json["runs"]] == [False, True]
    assert answer.json["runs"][0]["parts"][0]["status"] == "skipped"
    (broken / "status.json").write_text("{")
    answer = dltk("verify", "newer", "broken", iris_run)
    assert answer.code == 81, "damage counts more"
    assert [line for line in answer.out.splitlines() if line.startswith("run: ")] == [
        "run: newer",
        "run: broken",
        f"run: {iris_run}",
    ]
    assert "needs another version of dltk, a newer one most likely" in answer.out


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("checkpoints/{last}/model.safetensors", "checkpoints/{last}"),
        ("checkpoints/{last}/manifest.json", "checkpoints/{last}"),
        ("checkpoints/{last}/state.json", "checkpoints/{last}"),
        ("preparation/preparation.json", "preparation"),
        ("preparation/manifest.json", "preparation"),
        ("status.json", "status.json"),
        ("environment.json", "environment.json"),
        ("metrics.jsonl", "metrics.jsonl"),
        ("resolved.yaml", "resolved.yaml"),
    ],
)
def test_what_is_damaged_is_named_with_code_81(dltk, copied, name, part):
    last = max(path.name for path in (copied / "checkpoints").iterdir())
    (copied / name.format(last=last)).write_bytes(b"")
    answer = dltk("verify", "copied", "--json")
    assert answer.code == answer.json["code"] == 81
    assert answer.json["error"] == "DLTK-INTEGRITY"
    assert statuses(answer)[part.format(last=last)] == "damaged"
    said = dltk("verify", "copied")
    assert said.code == 81
    assert said.err.startswith("error[DLTK-INTEGRITY]: 1 part of 1 run is damaged\n")


@pytest.mark.parametrize(("state", "how"), [("stopped", "train --resume"), ("completed", "eval")])
def test_the_last_good_checkpoint_is_named_and_the_command_that_uses_it(dltk, three, state, how):
    RunDir(three).write_status(RunDir(three).status() | {"state": state})
    (three / "checkpoints" / NEWEST / "model.json").write_text("{}")
    assert f"found: last good: {OLDER}\n  do: dltk {how} three\n" in dltk("verify", "three").err
    (three / "checkpoints" / OLDER / "model.json").write_text("{}")
    assert "found: no intact checkpoint to go on from" in dltk("verify", "three").err


def test_one_checkpoint_is_verified_alone(dltk, copied):
    last = max((copied / "checkpoints").iterdir())
    (copied / "metrics.jsonl").unlink()
    assert list(statuses(dltk.ok("verify", last, "--json"))) == [f"checkpoints/{last.name}"]
    (last / "extra").touch()
    assert dltk("verify", last).code == 81


def test_a_checkpoint_of_another_run_is_damage(dltk, copied, folder):
    other = dltk.trained("iris.yaml", "train.epochs=1")
    foreign = max((other / "checkpoints").iterdir())
    shutil.copytree(foreign, copied / "checkpoints" / foreign.name)
    answer = dltk("verify", "copied")
    assert answer.code == 81
    assert f"{foreign.name} belongs to another run" in answer.out


def test_a_best_checkpoint_that_is_gone_is_damage(dltk, three):
    shutil.rmtree(three / "checkpoints" / BEST)
    answer = dltk("verify", "three")
    assert answer.code == 81
    assert "the best so far is of step 14, and not intact or gone" in answer.out


def test_a_run_that_ended_without_a_checkpoint_is_damaged(dltk, three):
    for checkpoint in (three / "checkpoints").iterdir():
        shutil.rmtree(checkpoint)
    answer = dltk("verify", "three")
    assert answer.code == 81
    assert "a run that is completed has saved one" in answer.out


def test_rows_that_are_changed_or_lost_are_damage(dltk, copied):
    record = copied / "metrics.jsonl"
    rows = record.read_text().splitlines(keepends=True)
    record.write_text("".join(reversed(rows)))
    assert "metrics.jsonl is damaged: its digest does not match" in dltk("verify", "copied").out
    record.write_text("".join(rows[:-1]))
    assert "metrics.jsonl has lost rows" in dltk("verify", "copied").out


def test_rows_of_an_earlier_release_that_are_out_of_order_are_damage(dltk, folder):
    run = Path(shutil.copytree(golden_runs()[0], folder / "earlier"))
    dltk.ok("verify", "earlier")
    rows = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(reversed(rows)))
    assert "its steps are not in order" in dltk("verify", "earlier").out


def test_what_a_kill_left_is_skipped_and_no_damage(dltk, copied):
    (copied / "checkpoints" / ".tmp-step-00000099-1-0").mkdir()
    with (copied / "metrics.jsonl").open("a") as file:
        file.write('{"step": 99')
    answer = dltk.ok("verify", "copied", "--json")
    assert statuses(answer)["checkpoints/.tmp-step-00000099-1-0"] == "skipped"
    assert "its last line was never finished" in dltk.ok("verify", "copied").out


def test_a_run_that_never_saved_is_intact(dltk, copied):
    for checkpoint in (copied / "checkpoints").iterdir():
        shutil.rmtree(checkpoint)
    RunDir(copied).write_status(RunDir(copied).status() | {"state": "running"})
    dltk.ok("verify", "copied")


def test_what_is_no_run_is_66_and_no_argument_is_2(dltk):
    assert dltk("verify", "nothing").code == 66
    assert dltk("verify").code == 2


def test_it_needs_no_torch(iris_run):
    program = (
        "import sys; from dltk.cli.app import run; code = run(['verify', sys.argv[1]]);"
        "sys.exit(code or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, str(iris_run)], check=True, capture_output=True)
