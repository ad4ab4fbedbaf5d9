"""A run from Python: scores, history, model, evaluation, answers; its plug-ins, its damage."""

import json
import os

import pytest
import torch

import dltk
from dltk.config import plugins, registry
from dltk.config.errors import DataError, IntegrityError, MissingInput, ResumeRefused, UsageError
from dltk.config.keys import sealed
from dltk.experiment import RunOptions
from dltk.training.task import Request
from tests.commands import write_table

IRIS = {
    "name": "iris",
    "data": {"name": "iris", "batch_size": 16},
    "model": {"name": "mlp", "hidden": [4]},
    "train": {"epochs": 3, "threads": 1, "device": "cpu"},
    "tensorboard": None,
}


@pytest.fixture
def run(folder):
    return dltk.train(IRIS, options=RunOptions(folder / "run", quiet=True))


@pytest.fixture
def table_run(folder):
    data = {"name": "csv", "path": write_table(folder / "table.csv"), "target": "kind"}
    return dltk.train({**IRIS, "data": data}, options=RunOptions(folder / "table", quiet=True))


@pytest.fixture
def plugin(folder, no_plugins):
    """Return a model of the user's own, which is called straight."""
    path = folder / "straight.py"
    path.write_text((registry._PACKAGE / "models" / "linear.py").read_text())
    plugins.use_plugin(path)
    return path


def test_it_shows_what_it_is(run):
    assert repr(run) == f"Run('{run.path}', test/accuracy {run.scores['test/accuracy']:.4f})"


def test_history_has_one_row_per_evaluation(run):
    assert [row["epoch"] for row in run.history] == [1, 2, 3]
    assert run.history[-1].keys() >= {"step", "train/loss", "val/accuracy", "val/loss"}


def test_the_model_is_in_eval_mode_and_gives_the_scores(run):
    assert not run.model.training
    assert run.evaluate("val").scores["val/loss"] == pytest.approx(run.scores["val/loss"])
    assert sum(parameter.numel() for parameter in run.model.parameters()) == 35


def test_a_checkpoint_that_is_asked_for_is_the_one_in_use(run):
    last = dltk.load(run.path / "checkpoints" / "step-00000021")
    assert last.checkpoint.step == 21
    assert last.evaluate("val").scores["val/loss"] == pytest.approx(run.history[-1]["val/loss"])


def test_a_damaged_checkpoint_that_is_asked_for_is_refused(run):
    path = run.path / "checkpoints" / "step-00000021"
    content = bytearray((path / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (path / "model.safetensors").write_bytes(content)
    with pytest.raises(IntegrityError, match="step 21 is gone or damaged"):
        dltk.load(path).evaluate()


def test_without_any_intact_checkpoint_there_is_nothing_to_use(run):
    for path in (run.path / "checkpoints").glob("*/manifest.json"):
        path.write_text("{}")
    with pytest.raises(IntegrityError, match="no intact checkpoint") as caught:
        dltk.load(run).evaluate()
    assert "damaged" in caught.value.found


def test_weights_of_another_model_are_refused(run):
    resolved = (run.path / "resolved.yaml").read_text()
    (run.path / "resolved.yaml").write_text(sealed(resolved.partition("\n")[2].replace("- 4\n", "- 5\n")))
    with pytest.raises(IntegrityError, match="weights are not those of this model"):
        dltk.load(str(run.path)).evaluate()


def test_settings_that_were_edited_are_refused(run):
    resolved = (run.path / "resolved.yaml").read_text()
    (run.path / "resolved.yaml").write_text(resolved.replace("- 4\n", "- 5\n"))
    with pytest.raises(IntegrityError, match=r"resolved.yaml is not what was written"):
        dltk.load(str(run.path)).evaluate()


def test_a_run_that_is_not_there(folder):
    dltk.train(IRIS, options=RunOptions(quiet=True))
    with pytest.raises(MissingInput, match="there is no run 'irs'; did you mean 'iris'"):
        dltk.load("irs")


def test_predict_is_the_same_by_all_three_ways(table_run):
    rows = table_run.predict(["table.csv"])
    assert dltk.predict(table_run.path, ["table.csv"]) == dltk.predict(table_run, ["table.csv"]) == rows
    assert len(rows) == 60
    assert {row["status"] for row in rows} == {"ok"}


def test_predict_needs_no_training_data(table_run, folder):
    (folder / "table.csv").rename(folder / "new.csv")
    loaded = dltk.load(table_run.path)
    assert len(loaded.predict([folder / "new.csv"])) == 60
    assert loaded.evaluate(overrides=["data.path=new.csv"]).num_samples == 60
    with pytest.raises(MissingInput):
        loaded.evaluate()


def test_predict_refuses_what_the_task_cannot_answer(run):
    with pytest.raises(UsageError, match="classification answers named inputs"):
        run.predict((), Request(count=3))


def test_only_invalid_inputs_are_answered_too(table_run, folder):
    (folder / "bad.csv").write_text("a,b,colour\nx,0.5,red\n")
    reason = "column 'a': 'x' is no usable number"
    assert table_run.predict(["bad.csv"]) == [{"input": "row 1", "status": "invalid", "reason": reason}]


def test_a_table_that_lacks_a_column_is_refused(table_run, folder):
    (folder / "bad.csv").write_text("a,colour\n1,red\n")
    with pytest.raises(DataError, match="lacks 1 of the 3 columns"):
        table_run.predict(["bad.csv"])


def test_a_run_of_a_gpu_is_used_where_there_is_none(run):
    resolved = (run.path / "resolved.yaml").read_text()
    (run.path / "resolved.yaml").write_text(resolved.replace("device: cpu", "device: cuda"))
    device = dltk.load(run.path).model.get_parameter("head.bias").device
    assert device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_run_needs_its_plugins_again(plugin, folder, monkeypatch):
    own = dltk.train({**IRIS, "model": {"name": "straight"}}, options=RunOptions(folder / "own", quiet=True))
    assert own.evaluate().num_samples == 30
    monkeypatch.setattr(registry, "_plugins", {})
    with pytest.raises(UsageError, match="needs the plug-in 'straight'") as caught:
        dltk.load(own.path).evaluate()
    assert caught.value.do == f"add --plugin {plugin}"
    plugin.write_text(plugin.read_text() + "# changed\n")
    plugins.use_plugin(plugin)
    with pytest.raises(ResumeRefused, match=r"straight\.py has changed"):
        dltk.load(own.path).evaluate()


def test_the_commands_of_a_run_name_its_plugins(plugin, folder):
    from dltk.training.runs.summary import summary

    own = dltk.train({**IRIS, "model": {"name": "straight"}}, options=RunOptions(folder / "own", quiet=True))
    assert "dltk eval own --plugin straight.py" in summary(own.directory)
    assert "dltk predict own your_table.csv --plugin straight.py" in summary(own.directory)


def test_nothing_in_a_run_names_the_current_directory_of_the_user(run):
    status = json.loads((run.path / "status.json").read_text())
    assert os.fspath(run.path) not in json.dumps(status)


def test_what_is_used_instead_of_a_damaged_checkpoint_is_said(folder, capsys):
    config = {**IRIS, "checkpoint": {"every_steps": 5}}
    run = dltk.train(config, {"train.select": "last"}, RunOptions(folder / "run", quiet=True))
    newest = max((run.path / "checkpoints").iterdir())
    (newest / "model.safetensors").write_bytes(b"torn")
    again = dltk.load(run.path)
    assert again.checkpoint.path < newest
    said = capsys.readouterr().err
    assert f"warning[DLTK-WARN-CHECKPOINT]: skipped a checkpoint: {newest.name} is damaged" in said
    assert f"{again.checkpoint.path.name} is used" in said


@pytest.fixture
def korean_run(folder):
    (folder / "train.csv").write_bytes(_korean_table().encode("cp949"))
    data = {"name": "csv", "path": "train.csv", "target": "결과", "encoding": "cp949"}
    return dltk.train({**IRIS, "data": data}, options=RunOptions(folder / "korean", quiet=True))


def _korean_table():
    return "도시,면적,결과\n" + "".join(f"{['서울', '부산', '대구'][i % 3]},{i},{'합불'[i % 2]}\n" for i in range(60))


def test_a_run_is_used_on_utf_8_files_whatever_its_training_data_were_in(korean_run, folder, capsys):
    for name, encoding in {"new.csv": "utf-8", "old.csv": "cp949"}.items():
        (folder / name).write_bytes(_korean_table().encode(encoding))
        assert {row["status"] for row in korean_run.predict([name])} == {"ok"}
        assert korean_run.evaluate(overrides=[f"data.path={name}"]).num_samples == 60
        assert capsys.readouterr().err.count(f"data: {name}: read as {encoding}\n") == 2


def test_the_encoding_of_other_data_may_be_named_and_is_then_strict(korean_run, folder):
    (folder / "new.csv").write_bytes(_korean_table().encode("utf-16"))
    assert korean_run.evaluate(overrides=["data.path=new.csv", "data.encoding=utf-16"]).num_samples == 60
    with pytest.raises(DataError, match="not cp949 text"):
        korean_run.evaluate(overrides=["data.path=new.csv", "data.encoding=cp949"])
    with pytest.raises(UsageError, match=r"data\.encoding is that of other data") as caught:
        korean_run.evaluate(overrides=["data.encoding=utf-8"])
    assert caught.value.do == "dltk eval RUN data.path=new.csv data.encoding=utf-8"


def test_the_own_data_are_recognised_whatever_their_encoding(korean_run):
    assert korean_run.evaluate(overrides=["data.path=train.csv"]).num_samples == 12  # the test split


def test_other_data_that_do_not_fit_are_named_as_they_were_typed(table_run, folder):
    (folder / "bad.csv").write_text("a,b,colour\n1,2,red\n")
    with pytest.raises(DataError, match="there is no column 'kind'") as caught:
        table_run.evaluate(overrides=["data.path=bad.csv"])
    assert caught.value.where == "data.path=bad.csv"


def test_rows_that_are_left_out_of_other_data_are_told(table_run, folder, capsys):
    rows = (folder / "table.csv").read_text().splitlines()
    place = rows[0].split(",").index("kind")
    cells = rows[1].split(",")
    cells[place] = ""
    (folder / "new.csv").write_text("\n".join([rows[0], ",".join(cells), *rows[2:]]))
    assert table_run.evaluate(overrides=["data.path=new.csv"]).num_samples == 59
    assert "data: new.csv: 1 of 60 rows have no target and are left out" in capsys.readouterr().err
