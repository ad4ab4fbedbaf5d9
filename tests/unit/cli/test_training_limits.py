"""`dltk train` with a time limit, on a few batches only, and with everything said."""

import json
import re

import pytest

from dltk.cli.flags import seconds_of
from dltk.config.errors import UsageError
from tests.commands import QUIET, record, weights

ENDLESS = ("train.epochs=1000000", "train.compile=off", "checkpoint.every_seconds=1000")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1m1s", 61)])
def test_times_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "5", "1h30", "0", "-5m", "1.5h", "30m1h", " ", "5d"])
def test_what_is_no_time_is_refused(dltk, text):
    with pytest.raises(UsageError, match="a time limit is 90s"):
        seconds_of(text)
    assert dltk("train", "iris.yaml", f"--max-time={text}").code == 2


@pytest.mark.parametrize("text", ["0s", "0h0m"])
def test_a_time_limit_of_nothing_is_refused(text):
    with pytest.raises(UsageError, match=f"a time limit must be above 0; received '{text}'"):
        seconds_of(text)


def test_a_time_limit_stops_with_a_checkpoint_and_code_0(dltk):
    answer = dltk("train", "iris.yaml", *ENDLESS, "--max-time", "1s", "--json", "-q")
    assert answer.code == 0
    run = answer.json["run"]
    assert answer.json == {"run": run, "status": "stopped", "code": 0}
    assert re.match(
        r"stopped at its time limit; the checkpoint is saved\n  do: dltk train --resume runs/iris/", answer.err
    )
    (found,) = dltk.ok("list", "runs", "--json").json["runs"]
    assert found["state"] == "stopped"


def test_a_run_that_ran_out_of_time_goes_on_bit_by_bit(dltk, folder):
    stopped = folder / dltk("train", "iris.yaml", *ENDLESS, "--max-time", "1s", "--json", "-q").json["run"]
    done = json.loads((stopped / "metrics.jsonl").read_text().splitlines()[-1])["epoch"] + 1
    epochs = f"train.epochs={done}"
    dltk.ok("train", "--resume", stopped, epochs, "-q")
    whole = dltk.trained("iris.yaml", epochs, "checkpoint.every_seconds=1000")
    assert record(stopped) == record(whole)
    last = max(weights(whole))
    assert weights(stopped)[last] == weights(whole)[last]


def test_overfitting_learns_a_few_batches_by_heart_and_says_so_in_its_name(dltk):
    answer = dltk.ok(
        "train",
        "iris.yaml",
        "--overfit-batches",
        2,
        "train.epochs=200",
        "optimizer.lr=0.02",
        "early_stopping={}",
        "--json",
    )
    run = answer.json["run"]
    assert re.search(r"/runs/iris-overfit/", run)
    assert re.search(r"^data: iris: 32 train; ", answer.err, re.MULTILINE)
    assert set(answer.json["scores"]) == {"train/accuracy", "train/loss"}
    assert answer.json["scores"]["train/accuracy"] == 1
    resolved = dltk.ok("train", f"{run}/resolved.yaml", "--dry-run", "--json").json["config"]
    assert resolved["name"] == "iris-overfit"


def test_overfitting_goes_on_until_its_verdict_means_something(dltk):
    lines = dltk.ok("train", "iris.yaml", "--overfit-batches", 2, "optimizer={lr: 0.05}")
    assert "\ntrain.epochs: 150\n" in lines.err
    assert re.search(r"^the loss fell from \d\.\d+ to 0\.\d+ on 2 batches: it can learn$", lines.out, re.MULTILINE)
    (shown,) = [line for line in dltk.ok("show", "iris-overfit").out.splitlines() if line.startswith("the loss fell")]
    assert shown in lines.out


def test_what_cannot_be_overfitted_is_told_so(dltk):
    answer = dltk.ok("train", "iris.yaml", "--overfit-batches", 3, "optimizer={lr: 1e-6}", "--json")
    assert "on 3 batches and not below a tenth: look at optimizer.lr" in answer.json["verdict"]


def test_the_batches_to_overfit_are_mixed_as_in_training(dltk):
    out = dltk.ok("train", "iris.yaml", "--overfit-batches", 2, "-q").out  # the file has one class after the other
    (share,) = re.findall(r"majority (0\.\d+)", out)
    assert float(share) < 0.6


def test_folds_are_not_overfitted_for_nothing_would_be_scored(dltk):
    answer = dltk("cv", "iris.yaml", "train.overfit_batches=1")
    assert answer.code == 2
    assert "train.overfit_batches: leaves no val split to score; leave it out" in answer.err


def test_an_estimator_has_no_loss_to_overfit(dltk, folder):
    (folder / "knn.yaml").write_text("data: {name: iris}\nmodel: {name: knn}\ntrain: {threads: 1}\n" + QUIET)
    assert "verdict" not in dltk.ok("train", "knn.yaml", "--overfit-batches", 1, "--json").json


def test_overfitting_takes_all_samples_where_there_are_fewer(dltk):
    answer = dltk.ok("train", "iris.yaml", "--overfit-batches", 1000, "--json")
    assert re.search(r"^data: iris: 108 train; ", answer.err, re.MULTILINE)


def test_of_many_epochs_all_are_told_where_that_is_asked(dltk):
    some, every = (dltk.ok("train", "iris.yaml", "train.epochs=120", *flags).err for flags in ((), ("-v",)))
    assert every.count("epoch ") == 120
    assert some.count("epoch ") < 100
