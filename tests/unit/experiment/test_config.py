"""From a YAML file to a checked experiment: what is inferred, what is refused, and that it reads back the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dltk.config.document import parse_document, read_document
from dltk.config.errors import ConfigError
from dltk.config.writing import yaml_text
from dltk.experiment.config import read_experiment
from tests.commands import TABLE, write_table

IRIS = {"data": {"name": "iris"}, "model": {"name": "mlp"}}
DIGITS = {"data": {"name": "digits"}, "model": {"name": "mlp"}}


def messages(source: dict[str, Any], *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_experiment(source, overrides)
    return [f"{problem.key}: {problem.message}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("source", "task"),
    [
        (IRIS, "classification"),
        ({**IRIS, "data": {"name": "diabetes"}}, "regression"),
        ({**DIGITS, "model": {"name": "gan"}}, "gan"),
        ({**IRIS, "data": {"name": "diabetes"}, "model": {"name": "ridge"}}, "regression"),
    ],
)
def test_the_task_follows_from_data_and_model_and_is_told(source, task):
    experiment = read_experiment(source)
    assert experiment.task.name == task
    assert f"task: {task}, which follows from the data and the model" in experiment.inferred


def test_a_task_without_a_name_keeps_its_options_and_is_checked_once_it_is_known():
    source = {**IRIS, "data": {"name": "diabetes"}}
    experiment = read_experiment(source, ["task.metrics=[rmse]"])
    assert (experiment.task.name, list(experiment.task.options.metrics)) == ("regression", ["rmse"])
    assert "task: regression, which follows from the data and the model" in experiment.inferred
    with pytest.raises(ConfigError, match=r"override:1:6: task\.metrcs: no such option; did you mean 'metrics'"):
        read_experiment(source, ["task.metrcs=[rmse]"])


def test_a_task_that_is_written_is_not_inferred():
    experiment = read_experiment({**IRIS, "task": {"name": "classification"}})
    assert [line for line in experiment.inferred if line.startswith("task")] == []


def test_the_optimizer_has_a_default_that_is_told():
    experiment = read_experiment(IRIS)
    assert experiment.plain()["optimizer"]["name"] == "adam"
    assert "optimizer: adam, lr 0.001" in experiment.inferred


def test_steps_leave_no_epochs():
    assert "epochs" not in read_experiment(IRIS, ["train.steps=5"]).plain()["train"]


def test_an_estimator_has_one_epoch_and_no_optimizer():
    plain = read_experiment({"data": {"name": "diabetes"}, "model": {"name": "ridge"}}).plain()
    assert plain["train"]["epochs"] == 1
    assert "optimizer" not in plain


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["early_stopping={patience: 3}", "schedule={name: cosine}", "train.steps=7"],
        ["model.hidden=[]", "data.split_seed=5", "checkpoint={every_steps: 3}", "tensorboard.pictures=false"],
        ["optimizer={name: sgd, lr: 1e-5, momentum: 0.9}", "model.parameters={head.bias: [0, 0, 1]}"],
    ],
)
def test_a_resolved_experiment_reads_back_as_itself(tmp_path, overrides):
    experiment = read_experiment(IRIS, overrides)
    path = tmp_path / "resolved.yaml"
    path.write_text(experiment.yaml(), encoding="utf-8")
    again = read_experiment(path)
    assert again.plain() == experiment.plain()
    assert again.yaml() == experiment.yaml()
    assert again.inferred == []


@pytest.mark.parametrize(
    "text",
    [
        "1e-3",
        "0o17",
        "0x1F",
        "1:30",
        "no",
        "~",
        "null",
        "True",
        "2001-01-01",
        ".5",
        "-",
        "+1",
        "",
        " a ",
        "a: b",
        "#",
        "ä 🚀",
    ],
)
def test_text_reads_back_as_text_whatever_it_looks_like(tmp_path, text):
    (tmp_path / "text.yaml").write_text(yaml_text({"text": text, "texts": [text], text: 1}), encoding="utf-8")
    assert read_document(tmp_path / "text.yaml").values == {"text": text, "texts": [text], text: 1}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text("01eExo_.:+-~'\"#, aä\n"),
        lambda inner: st.lists(inner, max_size=3),
    )
)
def test_every_plain_value_reads_back_as_itself(value):
    assert parse_document(yaml_text({"value": value}).encode(), "here").values == {"value": value}


def test_several_optimizers_read_back_as_they_were(tmp_path):
    optimizers = {"generator": {"name": "adam", "lr": 0.1}, "discriminator": {"name": "sgd", "lr": 0.2}}
    experiment = read_experiment({**DIGITS, "model": {"name": "gan"}, "optimizer": optimizers})
    (tmp_path / "resolved.yaml").write_text(experiment.yaml())
    assert read_experiment(tmp_path / "resolved.yaml").plain() == experiment.plain()
    assert experiment.plain()["optimizer"]["discriminator"]["lr"] == 0.2


def test_the_order_of_keys_does_not_matter():
    backwards = {section: dict(reversed(values.items())) for section, values in reversed(DIGITS.items())}
    assert read_experiment(backwards).yaml() == read_experiment(DIGITS).yaml()


def test_the_sections_of_the_resolved_config_are_in_their_usual_order():
    assert list(read_experiment(IRIS).plain())[:6] == ["name", "seed", "data", "model", "task", "optimizer"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("iris_mlp.yaml", "iris_mlp"),
        ("my first try.yaml", "my_first_try"),
        ("2.5D (new).yaml", "2.5D_new_"),
        ("글자.yaml", "experiment"),
        ("..hidden.yaml", "hidden"),
        (f"{'x' * 150}.yaml", "x" * 100),
    ],
)
def test_the_name_is_the_files_as_far_as_a_directory_may_be_called_so(tmp_path, file, name):
    path = tmp_path / file
    path.write_text(yaml.safe_dump(IRIS))
    experiment = read_experiment(path)
    assert experiment.name == name
    (tmp_path / "resolved.yaml").write_text(experiment.yaml())
    assert read_experiment(tmp_path / "resolved.yaml").name == name


def test_a_mapping_may_hold_paths_and_tuples(tmp_path):
    path = write_table(tmp_path / "table.csv")
    experiment = read_experiment(
        {"data": {"name": "csv", "path": path, "target": "kind"}, "model": {"name": "mlp", "hidden": (4, 3)}}
    )
    assert experiment.data.options.path == str(path)
    assert list(experiment.model.options.hidden) == [4, 3]


def test_a_path_in_a_file_is_relative_to_it_and_in_an_override_to_the_current_directory(folder):
    for place in ("a", "b"):
        (folder / place).mkdir()
        write_table(folder / place / "table.csv")
    (folder / "a" / "table.yaml").write_text(TABLE)
    assert read_experiment(Path("a/table.yaml")).data.options.path == str(folder / "a" / "table.csv")
    override = read_experiment(Path("a/table.yaml"), ["data.path=b/table.csv"])
    assert override.data.options.path == str(folder / "b" / "table.csv")


def test_a_stored_preparation_stands_for_data_that_are_gone(tmp_path):
    import torch

    from dltk.experiment.building import build

    path = write_table(tmp_path / "table.csv")
    (tmp_path / "table.yaml").write_text(TABLE)
    experiment = read_experiment(tmp_path / "table.yaml")
    state = build(experiment, torch.device("cpu")).splits.preparation.state()
    path.unlink()
    assert read_experiment(tmp_path / "table.yaml", state=state).spec.inputs.keys() == experiment.spec.inputs.keys()


def test_every_problem_is_told_at_once_and_none_twice():
    found = messages({"data": {"name": "digit"}, "model": {"name": "mlp", "hiden": 3}, "trian": {}}, "seed=-1")
    assert len(found) == len(set(found)) == 4
    assert [line.partition(":")[0] for line in sorted(found)] == ["data.name", "model.hiden", "seed", "trian"]


@pytest.mark.parametrize(
    ("source", "overrides", "expected"),
    [
        (
            {**IRIS, "model": {"name": "lenet"}},
            [],
            "model.name: lenet takes images; iris gives a table; models that fit: ",
        ),
        ({**IRIS, "model": {"name": "ridge"}}, [], "model.name: ridge answers numbers; iris asks for classes; models"),
        (IRIS, ["task={name: regression}"], "task.name: regression learns numbers with a model of role"),
        (IRIS, ["train={epochs: 1, steps: 1}"], "train.steps: give epochs or steps, not both"),
        (
            IRIS,
            ["optimizer={generator: {name: adam}}"],
            "optimizer.generator: the task classification has no parameter set 'generator'; it has only one",
        ),
        (
            {**DIGITS, "model": {"name": "gan"}},
            ["schedule={generater: {name: cosine}}"],
            "schedule.generater: the task gan has no parameter set 'generater'; did you mean 'generator'? it has: ",
        ),
        (
            {"data": {"name": "diabetes"}, "model": {"name": "ridge"}},
            ["optimizer={name: sgd, lr: 1}", "schedule={name: cosine}"],
            "schedule: ridge is fitted in one pass and has no schedule; leave it out",
        ),
        (
            {"data": {"name": "diabetes"}, "model": {"name": "ridge"}},
            ["train.epochs=5"],
            "train.epochs: ridge is fitted in one pass; leave epochs and steps out",
        ),
    ],
)
def test_an_impossible_combination_says_what_would_fit(source, overrides, expected):
    found = messages(source, *overrides)
    assert [line for line in found if line.startswith(expected)], found
