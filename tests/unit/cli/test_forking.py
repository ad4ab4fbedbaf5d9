"""`dltk train --resume RUN --fork`: a new run from another one's checkpoint; that one stays as it is."""

import json
from pathlib import Path

import pytest

from tests.commands import IRIS, Commands, contents, record, weights

OPTIONS = ["train.epochs=3", "checkpoint.every_steps=4", "optimizer={name: adam, lr: 0.3}"]
OLDER, NEWEST = "step-00000020", "step-00000021"


@pytest.fixture
def source(dltk: Commands) -> Path:
    """Return a finished run of 21 steps, of which the last two checkpoints can be resumed."""
    return dltk.trained("iris.yaml", *OPTIONS, "--output-dir", "source")


@pytest.fixture
def fork(dltk):
    """Return what forks the run and returns the new one's directory."""

    def forked(*arguments: str, source: str = "source") -> Path:
        return Path(dltk.ok("train", "--resume", source, "--fork", *arguments, "--json").json["run"])

    return forked


def status(run):
    return json.loads((run / "status.json").read_text())


def state(run, step):
    return json.loads((run / "checkpoints" / step / "state.json").read_text())


def test_a_fork_without_changes_learns_what_going_on_would(dltk, source, fork):
    longer = fork("train.epochs=5", "--output-dir", "longer")
    assert longer == Path("longer").absolute()
    dltk.ok("train", "--resume", "source", "train.epochs=5")
    last = "step-00000035"
    assert weights(longer)[last] == weights(source)[last]
    assert [row["val/loss"] for row in record(longer)] == [row["val/loss"] for row in record(source)][3:]


def test_the_old_run_stays_as_it_is_byte_by_byte(dltk, source, fork):
    before = contents(source)
    assert fork("optimizer.lr=0.01", "train.epochs=4") != source
    assert contents(source) == before
    dltk.ok("verify", source)


def test_its_origin_and_changes_are_kept_and_shown(dltk, source, fork):
    run = fork("optimizer.lr=0.01", "train.epochs=4", "--output-dir", "child")
    origin = status(run)["forked_from"]
    changes = ["optimizer.lr: 0.3 -> 0.01", "train.epochs: 3 -> 4"]
    assert origin == {"run": str(source), "id": status(source)["id"], "step": 21, "changed": changes}
    assert status(run)["id"] != status(source)["id"]
    shown = dltk.ok("show", "child").out
    assert f"forked from: source at step 21 ({'; '.join(changes)})\n" in shown
    log = (run / "train.log").read_text()
    assert "forked from source at step 21\n  optimizer.lr: 0.3 -> 0.01\n" in log
    assert (
        (run / "config.yaml").read_text().endswith("# override: optimizer.lr=0.01\n# override: train.epochs=4\n" + IRIS)
    )
    dltk.ok("verify", "child")


def test_a_list_of_runs_says_what_is_a_fork(dltk, source, fork):
    fork("optimizer.lr=0.01", "train.epochs=4", "--runs-dir", "runs", source=str(source))
    dltk.trained("iris.yaml")
    (first, second) = dltk.ok("list", "runs", "--json").json["runs"]
    assert "forked_from" not in first
    assert second["forked_from"] == "source at step 21"
    assert "forked from" in dltk.ok("list", "runs").out.splitlines()[0]


def test_a_fork_may_begin_at_an_older_checkpoint(source, fork):
    run = fork("seed=7", source=f"source/checkpoints/{OLDER}")
    assert status(run)["forked_from"]["step"] == 20
    assert "the epoch it was in begins again" in (run / "train.log").read_text()
    assert status(run)["step"] == 20 + 7, "the third epoch, whose order is another, is learned whole"


def test_going_on_from_an_older_checkpoint_is_refused(dltk, source):
    before = contents(source)
    said = dltk("train", "--resume", f"source/checkpoints/{OLDER}", "train.epochs=5")
    assert said.code == 2
    assert "a run goes on from its newest checkpoint, that of step 21; received step 20" in said.err
    assert f"dltk train --resume source/checkpoints/{OLDER} --fork" in said.err
    assert contents(source) == before
    dltk.ok("train", "--resume", f"source/checkpoints/{NEWEST}", "train.epochs=4")


def test_a_damaged_checkpoint_that_is_named_is_81(dltk, source):
    (source / "checkpoints" / NEWEST / "model.json").write_text("{}")
    for arguments in (["train.epochs=5"], ["--fork", "train.epochs=5"]):
        assert dltk("train", "--resume", f"source/checkpoints/{NEWEST}", *arguments).code == 81
    forked = dltk.ok("train", "--resume", "source", "--fork", "train.epochs=5")
    assert "forked from source at step 20" in forked.err


def test_moments_go_on_where_the_optimizer_has_the_same(source, fork):
    same = fork("optimizer.lr=0.01", "train.epochs=4", "--output-dir", "same")
    other = fork("optimizer={name: sgd, momentum: 0.9}", "train.epochs=4", "--output-dir", "other")
    before = state(source, NEWEST)["learner"]["optimization"]
    assert "the optimizer's moments begin anew" not in (same / "train.log").read_text()
    assert "the optimizer's moments begin anew" in (other / "train.log").read_text()
    assert before["steps"] == 21
    for run in (same, other):
        assert state(run, "step-00000028")["learner"]["optimization"]["steps"] == 28


def test_a_killed_fork_goes_on(dltk, source, fork):
    run = fork("optimizer.lr=0.01", "train.epochs=5", "--output-dir", "child")
    whole, rows = weights(run)["step-00000035"], record(run)
    dltk.ok("train", "--resume", "source", "--fork", "optimizer.lr=0.01", "train.epochs=4", "--output-dir", "short")
    dltk.ok("train", "--resume", "short", "train.epochs=5")
    assert weights(Path("short"))["step-00000035"] == whole
    assert record(Path("short")) == rows
    assert status(Path("short"))["forked_from"]["step"] == 21


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("data.val_fraction=0.3", "data.val_fraction: 0.1 -> 0.3"),
        ("data.split_seed=1", "data.split_seed: 0 -> 1"),
        ("train.ema=0.9", "train.ema: null -> 0.9"),
        ("model.initializer=he_normal", "model.initializer: null -> 'he_normal'"),
        ("model.hidden=[8]", "size mismatch"),
        ("train.epochs=3", "train.epochs: 3"),
        ("train.epochs=2", "train.epochs: 2"),
    ],
)
def test_what_no_fork_can_change_is_82_and_leaves_nothing(dltk, source, override, found):
    before = contents(Path())
    said = dltk("train", "--resume", "source", "--fork", override, "--output-dir", "child")
    assert said.code == 82, said.err
    assert found in said.err
    assert contents(Path()) == before


def test_a_model_that_is_fitted_in_one_pass_has_nothing_to_go_on_from(dltk, folder):
    Path("knn.yaml").write_text("data: {name: iris}\nmodel: {name: knn}\ntensorboard: null\n")
    dltk.trained("knn.yaml", "--output-dir", "knn")
    assert dltk("train", "--resume", "knn", "--fork").code == 82


@pytest.mark.parametrize(
    "arguments", [["--fork"], ["iris.yaml", "--fork"], ["iris.yaml", "--resume", "auto", "--fork"]]
)
def test_a_fork_needs_a_run(dltk, arguments):
    said = dltk("train", *arguments)
    assert said.code == 2
    assert "--fork needs the run to start from" in said.err


def test_a_directory_that_exists_is_73(dltk, source):
    assert dltk("train", "--resume", "source", "--fork", "train.epochs=4", "--output-dir", "source").code == 73


def test_the_refusal_of_a_fixed_setting_gives_the_command_that_forks(dltk, source):
    said = dltk("train", "--resume", "source", "optimizer.lr=0.01", "train.epochs=4")
    assert said.code == 82
    command = said.err.rpartition("do: dltk ")[2].split()
    assert command == ["train", "--resume", "source", "--fork", "optimizer.lr=0.01"]


def test_an_edited_config_of_a_run_is_81(dltk, source):
    resolved = source / "resolved.yaml"
    resolved.write_text(resolved.read_text().replace("lr: 0.3", "lr: 0.4"))
    for command in (["train", "--resume", "source", "train.epochs=4"], ["eval", "source"], ["verify", "source"]):
        said = dltk(*command)
        assert said.code == 81, command
        assert "resolved.yaml is not what was written" in said.err + said.out
    resolved.write_text(resolved.read_text().replace("lr: 0.4", "lr: 0.3").replace("epochs: 3", "epochs: 4"))
    dltk.ok("train", "--resume", "source")  # a free setting


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"\xe8" + path.read_bytes()), Path.unlink])
def test_a_config_as_given_that_is_damaged_is_81_for_a_fork_and_nothing_to_who_goes_on(dltk, source, damage):
    damage(source / "config.yaml")
    for command in (
        ["verify", "source"],
        ["train", "--resume", "source", "--fork", "train.epochs=4", "--output-dir", "new"],
    ):
        said = dltk(*command)
        assert said.code == 81, command
        assert "config.yaml" in said.err + said.out
    assert not Path("new").exists()
    dltk.ok("train", "--resume", "source", "train.epochs=4")
