"""Every data set with every model and every task: what fits is trained, scored and used; what does not is refused."""

import math
from typing import Any

import pytest
import torch

import dltk
from dltk.config import registry
from dltk.config.errors import ConfigError
from dltk.experiment import RunOptions
from dltk.experiment.compatibility import accepts, fits_task
from tests.contracts.examples import WRITES, shipped
from tests.contracts.model_examples import model_options

QUICK = {"train": {"epochs": 1, "threads": 1, "device": "cpu"}, "tensorboard": None}


@pytest.fixture(autouse=True, scope="module")
def _threads_as_they_were():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("model", shipped("models"))
@pytest.mark.parametrize("key", list(WRITES))
def test_what_fits_is_trained_and_used_and_the_rest_is_refused_before_training(key, model, tmp_path):
    data, write = WRITES[key]
    example = write(tmp_path, ())
    file, options = registry.load("datasets", data), registry.load("models", model).Config
    spec = file.describe(file.Config.parse(example.options))
    for task in shipped("tasks"):
        values: dict[str, Any] = {
            "data": {"name": data, **example.options},
            "model": {"name": model, **model_options(model, spec)},
            "task": {"name": task},
            **QUICK,
        }
        directory = tmp_path / "run" / task
        if accepts(options, spec) and fits_task(spec, options, registry.load("tasks", task).Config):
            try_out(values, directory, example.inputs)
        else:
            with pytest.raises(ConfigError, match="fit"):
                train(values, directory)
            assert not directory.exists()


def try_out(values: dict[str, Any], directory: Any, inputs: list[str]) -> None:
    try:
        run = train(values, directory)
    except ConfigError as refusal:  # such as images that are too small
        assert [problem.path[0] for problem in refusal.problems] == ["model"]  # noqa: PT017
        assert not directory.exists()
        return
    assert run.status["state"] == "completed"
    assert all(score is None or math.isfinite(score) for score in run.scores.values())
    split = run.status["reported"]
    tolerance = 1e-6 if split == "train" else 0  # training samples are in another order while training
    scores = {name: math.nan if value is None else value for name, value in run.scores.items()}
    reported = {name: value for name, value in scores.items() if name.startswith(f"{split}/")}
    assert run.evaluate(split).scores == pytest.approx(reported, nan_ok=True, rel=tolerance, abs=tolerance)
    request = getattr(run.experiment.task.options, "example_request", "")
    if not request:
        rows = run.predict(inputs)
        assert {row["status"] for row in rows} == {"ok"}
        assert list(dict.fromkeys(row["input"] for row in rows)) == list(dict.fromkeys(names_of(run, inputs)))


def names_of(run: Any, inputs: list[str]) -> list[str]:
    names: list[str] = list(run.preparation.open(inputs).names)
    return names


def train(values: dict[str, Any], directory: Any) -> Any:
    return dltk.train(values, options=RunOptions(output_dir=directory, quiet=True))
