"""`dltk train` and `dltk cv`: flags, what is said where, how runs are gone on with."""

import os
import re
import shlex
import statistics
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest
import torch
import yaml

from tests.commands import IRIS, TABLE, Commands, contents, record, weights, write_table

ESCAPES = re.compile(r"[\r\x1b]")


def test_results_go_to_stdout_and_progress_to_stderr_as_plain_lines(dltk):
    answer = dltk.ok("train", "iris.yaml")
    scores, _, commands = answer.out.partition("\n\n")
    assert re.fullmatch(
        r"val/accuracy \d\.\d{4}\nval/loss \d+\.\d{4}\n"
        r"test/accuracy \d\.\d{4}  \(n = 30, majority \d\.\d{4}, linear \d\.\d{4}\)\ntest/loss \d+\.\d{4}  \(n = 30\)\n"
        r"run: runs/iris/\S+",
        scores,
    )
    run = scores.rpartition(" ")[2]
    assert commands == f"dltk eval {run}\ndltk predict {run} your_table.csv\ntensorboard --logdir {run}\n"
    assert not ESCAPES.search(answer.out + answer.err)
    for line in ("data: iris: 108 train, 12 val, 30 test", "model: mlp, 35 parameters", "task: classification"):
        assert line in answer.err
    for decided in ("optimizer: adam", "monitor: val/accuracy", "device: "):
        assert re.search(f"^{decided}", answer.err, re.MULTILINE), decided
    assert len(re.findall(r"^epoch [12]/2  train/loss ", answer.err, re.MULTILINE)) == 2


def test_what_was_said_is_in_the_log_too(dltk, folder):
    answer = dltk.ok("train", "iris.yaml", "--output-dir", "run")
    assert (folder / "run" / "train.log").read_text() == answer.err


def test_json_is_one_object_with_run_status_scores_and_seconds(dltk, folder):
    answer = dltk.ok("train", "iris.yaml", "--json")
    assert set(answer.json) == {"run", "status", "scores", "seconds"}
    assert answer.json["status"] == "completed"
    assert set(answer.json["scores"]) == {"val/accuracy", "val/loss", "test/accuracy", "test/loss"}
    assert (folder / answer.json["run"] / "metrics.jsonl").is_file()
    assert "epoch 1/2" in answer.err


@pytest.mark.parametrize("flag", ["-q", "--quiet"])
def test_quiet_leaves_only_the_result(dltk, flag):
    answer = dltk.ok("train", "iris.yaml", flag)
    assert answer.err == ""
    assert answer.out.startswith("val/accuracy")


def on_a_terminal(dltk: Commands, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> str:
    """Run a command whose stderr is a terminal; return what the terminal got."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    with ThreadPoolExecutor(1) as other, os.fdopen(master, "rb", buffering=0) as seen:
        text = other.submit(everything, seen)
        with monkeypatch.context() as patch, os.fdopen(slave, "w") as terminal:
            patch.setattr(sys, "stderr", terminal)
            code = dltk(*arguments).code
        assert code == 0
        return text.result(60)


def everything(terminal: IO[bytes]) -> str:
    """Read until the other end is closed."""
    text = b""
    try:
        while chunk := terminal.read(65536):
            text += chunk
    except OSError:  # how a terminal says that nobody is there any more
        pass
    return text.decode()


def test_a_terminal_gets_one_bar_per_epoch(dltk, folder, monkeypatch):
    text = on_a_terminal(dltk, monkeypatch, "train", folder / "iris.yaml", "--runs-dir", folder)
    bars = set(re.findall(r"\r(epoch \d/2): ", text))
    assert bars == {"epoch 1/2", "epoch 2/2"}
    assert "7/7" not in text.replace("\r", "\n").splitlines()[-1]  # the bar is taken away
    assert len(re.findall(r"epoch \d/2  train/loss", text)) == 2


@pytest.mark.parametrize("flag", ["--no-progress", "--quiet"])
def test_a_terminal_gets_no_bar_when_none_is_wanted(dltk, folder, monkeypatch, flag):
    text = on_a_terminal(dltk, monkeypatch, "train", folder / "iris.yaml", "--runs-dir", folder, flag)
    assert not ESCAPES.search(text.replace("\r\n", "\n"))


def test_output_dir_is_the_exact_run_directory(dltk, folder):
    assert dltk.trained("iris.yaml", "--output-dir", "here/it/is") == folder / "here" / "it" / "is"
    assert (folder / "here" / "it" / "is" / "resolved.yaml").is_file()


def test_an_output_dir_that_exists_is_refused_and_not_touched(dltk, folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("years of work")
    answer = dltk("train", "iris.yaml", "--output-dir", "mine")
    assert answer.code == 73
    assert "mine exists already" in answer.err
    assert contents(folder / "mine") == {"thesis.txt": b"years of work"}


def test_a_runs_dir_gets_a_new_directory_under_the_name_of_the_experiment(dltk, folder):
    run = dltk.trained("iris.yaml", "name=flowers", "--runs-dir", "all")
    assert run.parent == folder / "all" / "flowers"
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", run.name)
    assert not list((folder / "all" / "flowers").glob(".*"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_code_69(dltk, folder):
    answer = dltk("train", "iris.yaml", "--device", "cuda")
    assert answer.code == 69
    assert "CUDA" in answer.err
    assert not (folder / "runs").exists()


def test_device_and_seed_are_the_options_of_the_same_name(dltk):
    by_flag = dltk.trained("iris.yaml", "--seed", 3, "--device", "cpu")
    by_override = dltk.trained("iris.yaml", "seed=3", "train.device=cpu")
    assert (by_flag / "resolved.yaml").read_text() == (by_override / "resolved.yaml").read_text()
    assert weights(by_flag) == weights(by_override)
    assert weights(by_flag) != weights(dltk.trained("iris.yaml", "--seed", 4))


def test_several_seeds_give_a_table_of_mean_and_deviation(dltk, folder):
    answer = dltk.ok("train", "iris.yaml", "--seeds", 2, "--output-dir", "both", "-q")
    header, *rows = [line.split() for line in answer.out.splitlines()]
    assert header == ["seed", "val/accuracy", "val/loss", "test/accuracy", "test/loss"]
    table = {row[0]: row[1:] for row in rows}
    assert list(table) == ["0", "1", "mean", "sd", "runs:"]
    losses = [float(table[seed][3]) for seed in ("0", "1")]
    assert float(table["mean"][3]) == pytest.approx(statistics.mean(losses), abs=2e-4)
    assert float(table["sd"][3]) == pytest.approx(statistics.stdev(losses), abs=2e-4)
    resolved = [yaml.safe_load((folder / "both" / f"seed-{k}" / "resolved.yaml").read_text()) for k in (0, 1)]
    assert [one["seed"] for one in resolved] == [0, 1]


def test_seeds_that_are_finished_are_not_trained_again(dltk, folder):
    first = dltk.ok("train", "iris.yaml", "--seeds", 2, "--output-dir", "both", "--json", "-q")
    before = contents(folder / "both")
    again = dltk.ok("train", "iris.yaml", "--seeds", 2, "--output-dir", "both", "--json", "-q")
    assert again.json == first.json
    assert contents(folder / "both") == before


def test_seeds_into_the_runs_of_another_experiment_are_refused(dltk, folder):
    dltk.ok("train", "iris.yaml", "--seeds", 1, "--output-dir", "both", "-q")
    before = contents(folder / "both")
    answer = dltk("train", "iris.yaml", "model.hidden=[5]", "--seeds", 2, "--output-dir", "both", "-q")
    assert answer.code == 82
    assert "model.hidden: [4] -> [5]" in answer.err
    assert contents(folder / "both") == before


def test_one_seed_has_no_deviation_and_its_json_is_valid(dltk):
    answer = dltk.ok("train", "iris.yaml", "--seeds", 1, "-q", "--json")
    assert set(answer.json) == {"runs", "status", "scores", "seconds"}
    assert answer.json["scores"]["val/loss"]["sd"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["iris.yaml", "--seeds", "2", "--seed", "1"],
        ["--resume", "RUN", "--output-dir", "new"],
        ["--resume", "RUN", "--seeds", "2"],
        ["--resume", "RUN", "--dry-run"],
        ["--resume", "RUN", "iris.yaml"],
        ["optimizer.lr=3", "iris.yaml"],
        [],
    ],
)
def test_flags_that_contradict_each_other_are_refused(dltk, folder, iris_run, arguments):
    answer = dltk("train", *(str(iris_run) if word == "RUN" else word for word in arguments))
    assert answer.code == 2
    assert "do: " in answer.err
    assert not (folder / "runs").exists()


def test_a_dry_run_prints_a_config_that_runs_and_writes_nothing(dltk, folder):
    before = contents(folder)
    answer = dltk.ok("train", "iris.yaml", "--dry-run")
    assert contents(folder) == before
    for fact in ("# device: cpu", "# total_steps: 14", "# monitor: val/accuracy", "#   head.weight [3, 4]"):
        assert fact in answer.out.splitlines()
    (folder / "full.yaml").write_text(answer.out)
    run = dltk.trained("full.yaml")
    assert yaml.safe_load((run / "resolved.yaml").read_text()) == yaml.safe_load(answer.out)
    assert weights(run) == weights(dltk.trained("iris.yaml"))


def test_a_dry_run_as_json(dltk):
    answer = dltk.ok("train", "iris.yaml", "--dry-run", "--json")
    assert answer.json["config"]["optimizer"]["name"] == "adam"
    assert answer.json["parameters"]["head.bias"] == [3]


def test_the_resolved_config_runs_again_and_gives_the_same_bits(dltk):
    first = dltk.trained("iris.yaml", "model.dropout=0.5")
    again = dltk.trained(first / "resolved.yaml")
    assert (again / "resolved.yaml").read_text() == (first / "resolved.yaml").read_text()
    assert weights(again) == weights(first)
    assert record(again) == record(first)
    assert again.parent == first.parent  # the name stays


def test_the_config_is_kept_as_it_was_given_with_the_overrides(dltk):
    run = dltk.trained("iris.yaml", "model.hidden=[3]")
    assert (run / "config.yaml").read_text() == f"# override: model.hidden=[3]\n{IRIS}"


def test_a_completed_run_is_not_trained_again(dltk, iris_run):
    before = contents(iris_run)
    answer = dltk.ok("train", "--resume", iris_run)
    assert answer.out.startswith("val/accuracy")
    assert contents(iris_run) == before


def test_a_completed_run_goes_on_when_it_may_be_longer(dltk):
    whole = dltk.trained("iris.yaml", "train.epochs=4")
    half = dltk.trained("iris.yaml")
    longer = dltk.ok("train", "--resume", half, "train.epochs=4")
    assert "resumed at step 14 (epoch 3, batch 0)" in longer.err
    assert record(half) == record(whole)
    assert weights(half).items() & weights(whole).items()
    assert weights(half)["step-00000028"] == weights(whole)["step-00000028"]


def test_a_longer_run_is_refused_where_the_schedule_depends_on_the_length(dltk):
    run = dltk.trained("iris.yaml", "schedule={name: cosine}")
    before = contents(run)
    answer = dltk("train", "--resume", run, "train.epochs=4")
    assert answer.code == 82
    assert "train.epochs: 2 -> 4" in answer.err
    assert contents(run) == before


@pytest.mark.parametrize(
    ("override", "diff"),
    [
        ("model.hidden=[5]", "model.hidden: [4] -> [5]"),
        ("data.batch_size=8", "data.batch_size: 16 -> 8"),
        ("seed=1", "seed: 0 -> 1"),
        ("optimizer.lr=1", "optimizer.lr: 0.001 -> 1.0"),
        ("train.threads=2", "train.threads: 1 -> 2"),
    ],
)
def test_a_setting_that_decides_the_result_cannot_change(dltk, iris_run, override, diff):
    before = contents(iris_run)
    answer = dltk("train", "--resume", iris_run, override)
    assert answer.code == 82
    assert diff in answer.err
    assert "do: dltk train --resume " in answer.err
    assert " --fork " in answer.err
    assert contents(iris_run) == before


def test_resume_takes_a_name_whose_newest_run_it_is(dltk):
    older, newer = dltk.trained("iris.yaml"), dltk.trained("iris.yaml", "seed=1")
    newest = max(older, newer, key=lambda run: run.name)
    assert dltk.ok("train", "--resume", "iris", "--json").json["run"] == str(newest)


def test_resume_auto_begins_a_run_where_none_is_unfinished(dltk):
    first = dltk.trained("iris.yaml", "--resume", "auto")
    assert dltk.trained("iris.yaml", "--resume", "auto") != first


def test_resume_auto_with_a_directory_returns_what_is_completed(dltk, folder):
    dltk.trained("iris.yaml", "--resume", "auto", "--output-dir", "run")
    before = contents(folder / "run")
    assert dltk.trained("iris.yaml", "--resume", "auto", "--output-dir", "run") == folder / "run"
    assert contents(folder / "run") == before
    dltk.ok("train", "iris.yaml", "train.epochs=3", "--resume", "auto", "--output-dir", "run")
    assert len(record(folder / "run")) == 3


def test_cross_validation_reports_folds_mean_and_deviation_and_no_test_score(dltk, folder):
    write_table(folder / "table.csv")
    (folder / "table.yaml").write_text(TABLE)
    answer = dltk.ok("cv", "table.yaml", "-k", 3, "--output-dir", "folds")
    assert "test/" not in answer.out + answer.err
    header, *rows = [line.split() for line in answer.out.splitlines()]
    assert header == ["fold", "val/accuracy", "val/loss"]
    assert [row[0] for row in rows] == ["0", "1", "2", "mean", "sd", "runs:"]
    assert re.findall(r"^fold \d \(\d of 3\)$", answer.err, re.MULTILINE) == [
        f"fold {i} ({i + 1} of 3)" for i in range(3)
    ]
    assert sorted(path.name for path in (folder / "folds").iterdir()) == ["fold-0", "fold-1", "fold-2"]


def test_cross_validation_as_json(dltk):
    answer = dltk.ok("cv", "iris.yaml", "--folds", 2, "-q", "--json")
    scores = answer.json["scores"]["val/accuracy"]
    assert scores["mean"] == pytest.approx(statistics.mean(scores["values"]))
    assert scores["sd"] == pytest.approx(statistics.stdev(scores["values"]))
    assert len(answer.json["runs"]) == 2


def test_commands_to_paste_survive_a_strange_path(dltk, folder):
    strange = folder / "ä b" / "it's $(x)"
    strange.mkdir(parents=True)
    (strange / "ü ö.yaml").write_text(IRIS)
    answer = dltk.ok("train", strange / "ü ö.yaml", "--runs-dir", strange)
    run = next(Path(path) for path in strange.glob("*/*/resolved.yaml")).parent
    assert run.parent.name == "experiment"  # no letter of the file's name is one of a name
    command = next(line for line in answer.out.splitlines() if line.startswith("dltk eval "))
    dltk.ok(*shlex.split(command)[1:])
