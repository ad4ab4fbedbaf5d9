"""What a run says at its end: scores beside baselines, which weights, pictures."""

import shutil

import pytest

import dltk
from dltk.experiment import RunOptions
from dltk.training.runs.rundir import RunDir
from dltk.training.runs.summary import main_score, score_lines, state, summary

IRIS = {
    "name": "iris",
    "data": {"name": "iris", "batch_size": 16},
    "model": {"name": "mlp", "hidden": [4]},
    "train": {"epochs": 2, "threads": 1},
    "tensorboard": None,
}


def trained(folder, overrides=(), source=IRIS, **options):
    return dltk.train(source, overrides, RunOptions(folder / "run", **options))


def test_the_reported_split_stands_beside_its_baseline(folder):
    run = trained(folder, quiet=True)
    status = run.status
    assert status["reported"] == "test"
    assert status["num_samples"] == {"val": 12, "test": 30}
    assert status["baselines"]["majority"] == {"accuracy": pytest.approx(1 / 3)}
    assert status["baselines"]["linear"]["accuracy"] > 0.8
    linear = f"linear {status['baselines']['linear']['accuracy']:.4f}"
    lines = score_lines(status)
    assert lines[0] == f"val/accuracy {run.scores['val/accuracy']:.4f}"
    assert lines[2] == f"test/accuracy {run.scores['test/accuracy']:.4f}  (n = 30, majority 0.3333, {linear})"
    assert main_score(status) == f"test/accuracy {run.scores['test/accuracy']:.4f}"


def test_no_test_score_and_no_test_baseline_where_none_is_wanted(folder):
    run = trained(folder, ["train.test=false"], quiet=True)
    assert {name.partition("/")[0] for name in run.scores} == {"val"}
    assert (run.status["reported"], run.status["baselines"]) == ("val", {})


def test_without_val_and_test_the_training_samples_are_reported(folder):
    run = trained(folder, ["data={name: iris, val_fraction: 0, test_fraction: 0}"], quiet=True)
    assert {name.partition("/")[0] for name in run.scores} == {"train"}
    assert run.status["num_samples"] == {"train": 150}
    assert "majority" in run.status["baselines"]


def test_the_weights_in_use_are_told_where_they_are_not_the_last(folder, capsys):
    run = trained(folder, ["train.epochs=30", "optimizer={name: sgd, lr: 3}"])
    said = capsys.readouterr().err
    selected = run.status["selected_step"]
    assert selected < run.status["step"]
    assert f"weights of step {selected}, the best val/accuracy" in said
    rows = {row["step"]: row for row in run.history}
    assert run.scores["val/loss"] == pytest.approx(rows[selected]["val/loss"])


def test_the_last_weights_are_used_where_that_is_asked_for(folder, capsys):
    run = trained(folder, ["train.epochs=30", "train.select=last", "optimizer={name: sgd, lr: 3}"])
    assert run.status["selected_step"] == run.status["step"] == run.history[-1]["step"]
    assert "weights of step" not in capsys.readouterr().err
    assert run.scores["val/loss"] == pytest.approx(run.history[-1]["val/loss"])


def test_a_picture_that_cannot_be_written_is_a_warning(folder, capsys, monkeypatch):
    def without_pictures(self, *arguments):
        shutil.rmtree(self.pictures)
        move(self, *arguments)

    move = RunDir.move
    monkeypatch.setattr(RunDir, "move", without_pictures)
    run = trained(folder, ["tensorboard.pictures=true"])
    assert run.status["state"] == "completed"
    assert "warning[DLTK-WARN-PICTURE]: cannot write the picture confusion_matrix.png" in capsys.readouterr().err


def test_pictures_are_drawn_where_they_are_wanted(folder):
    run = trained(folder, ["tensorboard.pictures=true"], quiet=True)
    pictures = {path.name: path.read_bytes()[:4] for path in (run.path / "pictures").iterdir()}
    assert {"confusion_matrix.png", "learning_curves.png", "calibration.png"} <= set(pictures)
    assert set(pictures.values()) == {b"\x89PNG"}


def test_the_end_names_three_commands_to_paste(folder):
    run = trained(folder, quiet=True)
    assert summary(run.directory)[-5:] == [
        "run: run",
        "",
        "dltk eval run",
        "dltk predict run your_table.csv",
        "tensorboard --logdir run",
    ]


@pytest.mark.parametrize(
    ("data", "model", "example"),
    [
        ({"name": "digits"}, {"name": "linear"}, "your_image.png"),
        ({"name": "digits"}, {"name": "gan"}, "--count 16"),
    ],
)
def test_the_command_to_predict_suits_the_data_and_the_task(folder, data, model, example):
    source = {**IRIS, "data": data, "model": model, "train": {"steps": 1, "threads": 1}}
    run = trained(folder, source=source, quiet=True)
    assert f"dltk predict run {example}" in summary(run.directory)


def test_a_run_that_says_running_is_killed_unless_a_process_owns_it(folder):
    run = trained(folder, quiet=True)
    owner = RunDir(run.path)
    owner.write_status({**run.status, "state": "running"})
    assert state(owner) == "killed"
    owner.lock()
    assert state(RunDir(run.path)) == "running"
    owner.release()


def test_an_undefined_score_is_said_so():
    assert score_lines({"scores": {"test/r2": None}, "reported": "test", "num_samples": {"test": 1}}) == [
        "test/r2 undefined  (n = 1)"
    ]
