"""Outputs: never through a link that somebody planted, never half a file, and no secret in what a bug leaves behind."""

import errno
import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from dltk.config import registry
from dltk.experiment import RunOptions, train
from tests.commands import IRIS, Commands, contents
from tests.faults.experiments import write_config
from tests.faults.lives import MADE, NEW, RUN, folder_in_memory, live, to_the_end
from tests.faults.system import DEATH, Outcome, System

CLUMSY = '''"""A model with a bug that shows up only while it is trained."""
import os
from typing import ClassVar
import torch
from dltk.config.settings import Settings
from dltk.data.specs import Table
class Config(Settings):
    """Options."""
    accepts: ClassVar = (Table,)
    role: ClassVar = "predictor"
class Net(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.head = torch.nn.Linear(size, 3)
        self.calls = 0
    def forward(self, x):
        password = os.environ["SECRET_TOKEN"]
        self.calls += self.training
        return self.head(x) if self.calls < 5 else {}[self.calls]
def build(config, spec, preparation):
    return Net(4)
'''


@pytest.fixture
def dltk(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Return what runs commands in a folder with a config and a file that nobody may touch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_plugins", {})
    Path("iris.yaml").write_text(IRIS)
    Path("victim").write_text("mine")
    return Commands(capsys)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "iris.yaml").write_text(IRIS)
    train(folder / "iris.yaml", options=RunOptions(output_dir=folder / "run", quiet=True))
    return folder / "run"


@pytest.fixture
def run(dltk: Commands, trained: Path) -> Path:
    return Path(shutil.copytree(trained, "run")).absolute()


@pytest.mark.parametrize(
    "name",
    [
        "metrics.jsonl",
        "train.log",
        ".lock",
        "status.json",
        "config.yaml",
        "checkpoints",
        "pictures/x.png",
        "tensorboard",
    ],
)
def test_a_link_in_a_run_is_refused_and_what_it_leads_to_stays(dltk, run, name):
    place, elsewhere = run / name, run.parent / "victim"
    if place.exists():
        elsewhere = place.rename(run.parent / "moved")
    place.symlink_to(elsewhere)
    before = contents(run.parent)
    answer = dltk("train", "--resume", run, "train.epochs=9")
    assert (answer.code, contents(run.parent)) == (73, before)
    assert "the run directory has links in it" in answer.err
    assert f"'{name}'" in answer.err


def test_predictions_replace_a_link_and_not_what_it_leads_to(dltk, run):
    columns = "sepal_length,sepal_width,petal_length,petal_width"
    Path("flowers.csv").write_text(f"{columns}\n5,3,1,0\n")
    Path("answers.csv").symlink_to("victim")
    dltk.ok("predict", run, "flowers.csv", "--output", "answers.csv")
    assert Path("victim").read_text() == "mine"
    assert not Path("answers.csv").is_symlink()


def test_pictures_replace_a_link_and_not_what_it_leads_to(dltk, run):
    first = Path(dltk.ok("eval", run, "--pictures", "drawn", "--json").json["pictures"][0])
    first.unlink()
    first.symlink_to(Path("victim").absolute())
    dltk.ok("eval", run, "--pictures", "drawn")
    assert Path("victim").read_text() == "mine"
    assert not first.is_symlink()
    assert first.read_bytes().startswith(b"\x89PNG")


def test_a_link_under_the_name_of_a_file_that_is_being_written_is_not_followed(tmp_path):
    from dltk.training.saving.durable import write_text

    (tmp_path / "victim").write_text("mine")
    (tmp_path / f".tmp-status.json-{os.getpid()}").symlink_to("victim")
    write_text(tmp_path / "status.json", "{}")
    assert (tmp_path / "victim").read_text() == "mine"
    assert (tmp_path / "status.json").read_text() == "{}"


@pytest.mark.parametrize("where", ["folder.csv", "nowhere/answers.csv", "closed/answers.csv"])
def test_answers_that_cannot_be_written_are_refused_before_anything_is_read(dltk, run, where):
    Path("folder.csv").mkdir()
    Path("closed").mkdir(mode=0o500)
    if where.startswith("closed") and os.access("closed", os.W_OK):
        pytest.skip("this user may write anywhere")
    answer = dltk("predict", run, "absent.csv", "--output", where)
    assert answer.code == 73
    assert where.split("/")[0] in answer.err


def test_a_bug_while_training_is_told_in_the_run_and_holds_no_secret(dltk, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "s3cr3t-abc")
    Path("clumsy.py").write_text(CLUMSY)
    answer = dltk("train", "iris.yaml", "model={name: clumsy}", "--plugin", "clumsy.py", "--output-dir", "run")
    assert answer.code == 70
    (crash,) = Path("run/crash").iterdir()
    assert str(crash) in answer.err
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    assert "KeyError" in crash.read_text()
    assert list(Path().glob("dltk-crash-*")) == []
    status = json.loads(Path("run/status.json").read_text())
    assert (status["state"], status["code"], status["error"]) == ("failed", 70, "DLTK-BUG")
    for path, content in contents(Path()).items():
        assert b"s3cr3t" not in content, path
    assert "s3cr3t" not in answer.err + answer.out


def test_a_bug_after_another_run_is_not_told_in_that_one(dltk, run):
    Path("clumsy.py").write_text(CLUMSY.replace("    return Net(4)", "    return 1 / 0"))
    assert dltk("train", "iris.yaml", "model={name: clumsy}", "--plugin", "clumsy.py").code == 70
    assert len(list(Path().glob("dltk-crash-*"))) == 1
    assert not (run / "crash").exists()


ROWS = "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n"


@pytest.mark.parametrize(
    ("outcome", "codes"),
    [(DEATH, {-9}), (Outcome(error=errno.ENOSPC), {0, 74}), (Outcome(error=errno.EIO, lasts=True), {0, 74})],
    ids=["killed", "full once", "failing"],
)
def test_answers_are_there_as_a_whole_or_not_at_all_wherever_writing_them_ends(outcome, codes):
    with folder_in_memory() as folder:
        write_config(folder, "short")
        (folder / "rows.csv").write_text(ROWS)
        to_the_end(folder, NEW)
        place = folder / MADE / "out"
        place.mkdir()
        asked = ("predict", RUN, "rows.csv", "--output", f"{MADE}/out/answers.csv")
        calls = to_the_end(folder, asked, System(place)).counted["calls"]
        whole = (place / "answers.csv").read_text()
        assert whole.count("\n") == 3
        assert calls >= 5, "opened, written, synced, closed, renamed"
        for number in range(1, calls + 1):
            (place / "answers.csv").write_text("those from before")
            life = live(folder, asked, System(place, number, outcome))
            assert life.code in codes, life.said
            found = (place / "answers.csv").read_text()
            assert found in {"those from before", whole}
            assert life.code != 0 or found == whole
        to_the_end(folder, asked)
        assert (place / "answers.csv").read_text() == whole
