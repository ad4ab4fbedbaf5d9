"""Importing: weights of other programs become runs, or are refused with what does not fit."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image

from dltk.config.errors import ConfigError, DataError, DltkError, IntegrityError, UsageError
from dltk.experiment import Run, RunOptions, check
from dltk.experiment.importing import Naming, import_weights
from dltk.experiment.running import train
from tests.unit.experiment.test_running import quiet, stopped

NETWORK: dict[str, Any] = {"name": "resnet", "depth": 8, "width": 4}
DIGITS: dict[str, Any] = {
    "data": {"name": "digits", "batch_size": 64},
    "model": {**NETWORK, "normalize": {"mean": [0.3], "std": [0.4]}},
    "train": {"steps": 5, "threads": 1},
    "tensorboard": None,
}


@pytest.fixture
def trained(folder: Path) -> Run:
    """Return a trained run, and leave digits.yaml."""
    (folder / "digits.yaml").write_text(yaml.safe_dump(DIGITS))
    return train(folder / "digits.yaml", (), quiet(folder / "trained"))


def foreign_names(run: Run) -> dict[str, torch.Tensor]:
    """Return a run's weights as another program would name them."""
    return {
        f"module.{name.replace('head.', 'linear.')}": tensor
        for name, tensor in run.model.state_dict().items()
        if not name.startswith("normalize.") and not name.endswith("num_batches_tracked")
    }


def imported(file: Path, **changes: Any) -> Run:
    return import_weights(file, "digits.yaml", (), quiet(Path("imported")), Naming(**changes))


def saved(content: Any, name: str = "foreign.pth") -> Path:
    torch.save(content, name)
    return Path(name)


def test_imported_weights_score_as_where_they_came_from(trained):
    run = imported(saved({"state_dict": foreign_names(trained), "best_prec1": 91.0}))
    assert run.status["state"] == "completed"
    assert run.status["epoch"] == 0
    assert run.scores == pytest.approx(trained.scores)
    assert Run(run.directory).evaluate().scores == pytest.approx(trained.evaluate().scores)


def test_the_run_stands_by_itself_and_remembers_the_file(trained, folder):
    file = saved(foreign_names(trained))
    run = imported(file)
    file.unlink()
    assert Run(run.directory).evaluate().scores == pytest.approx(trained.evaluate().scores)
    resolved = yaml.safe_load(run.directory.resolved.read_text())
    assert resolved["model"]["weights"] == str(folder / "foreign.pth")
    assert "weights: 37 tensors of 'foreign.pth'" in run.directory.log.read_text()


def test_an_imported_run_can_be_started_from(trained):
    run = imported(saved(foreign_names(trained)))
    config = {**DIGITS, "model": {**NETWORK, "weights": str(run.path)}}
    tuned = train({**config, "train": {"steps": 1, "threads": 1}}, (), quiet(Path("tuned")))
    model: Any = tuned.model
    assert model.normalize.mean.item() == pytest.approx(0.3), "weights bring their normalisation"


def tuning(run: Run, **model: Any) -> dict[str, Any]:
    """Return an experiment that starts from a run's weights."""
    train = {"steps": 30, "threads": 1, "device": "cpu"}
    return {**DIGITS, "name": "tuned", "model": {**NETWORK, "weights": str(run.path), **model}, "train": train}


def test_the_normalisation_that_weights_bring_is_told_and_written_down(trained, capsys):
    run = imported(saved(foreign_names(trained)))
    config = tuning(run)
    config["train"]["steps"] = 1
    tuned = train(config, (), RunOptions(Path("tuned")))
    brought = {"mean": [0.3], "std": [0.4]}
    assert "model.normalize: {mean: [0.3], std: [0.4]}, which the weights bring\n" in capsys.readouterr().err
    assert yaml.safe_load(tuned.directory.resolved.read_text())["model"]["normalize"] == brought
    again = train(tuned.directory.resolved, (), quiet(Path("again")))
    assert again.scores == tuned.scores
    assert "model.normalize" not in again.directory.log.read_text()


@pytest.mark.parametrize("written", ["none", {"mean": [0.5], "std": [0.1]}])
def test_a_normalisation_other_than_the_weights_own_is_refused(trained, written):
    with pytest.raises(ConfigError) as caught:
        check(tuning(trained, normalize=written))
    (problem,) = caught.value.problems
    assert (problem.key, problem.message) == (
        "model.normalize",
        "the weights bring their own normalisation, {mean: [0.3], std: [0.4]}; leave normalize out",
    )
    check(tuning(trained, normalize={"mean": [0.3], "std": [0.4]}))


def test_a_run_keeps_its_normalisation_when_the_weights_are_gone(trained):
    config = {**tuning(trained), "train": {"epochs": 2, "threads": 1, "device": "cpu"}}
    stopped(config, quiet(Path("halted")))
    shutil.rmtree(trained.path)
    resumed = train(config, (), RunOptions(Path("halted"), resume="auto", quiet=True))
    assert resumed.status["state"] == "completed"
    assert resumed.experiment.plain()["model"]["normalize"] == {"mean": [0.3], "std": [0.4]}


def test_the_users_own_renaming_comes_first(trained):
    weights = {name.replace("layer1.", "first."): tensor for name, tensor in foreign_names(trained).items()}
    run = imported(saved(weights), prefixes={"first.": "layer1."})
    assert run.scores == pytest.approx(trained.scores)


def test_order_may_stand_in_for_names(trained):
    weights = {f"t{i}": tensor for i, tensor in enumerate(foreign_names(trained).values())}
    assert imported(saved(weights), by_order=True).scores == pytest.approx(trained.scores)


def test_every_difference_is_listed_and_no_run_is_left(trained):
    weights = foreign_names(trained)
    weights["module.extra"] = weights.pop("module.conv1.weight")
    weights["module.bn1.bias"] = torch.zeros(7)
    with pytest.raises(DataError, match="not those of this model") as caught:
        imported(saved(weights))
    assert (
        caught.value.found
        == "bn1.bias is (7,), must be (4,); missing conv1.weight (4, 1, 3, 3); unexpected extra (4, 1, 3, 3)"
    )
    assert caught.value.code == 65
    assert not Path("imported").exists()


class RunsCommand:
    """What an attacker puts where weights should be."""

    def __reduce__(self) -> Any:
        return os.system, ("touch it_ran",)


def test_a_file_that_wants_to_run_code_leaves_no_run_and_no_trace(trained):
    with pytest.raises(IntegrityError, match="asks to run code"):
        imported(saved({**foreign_names(trained), "attack": RunsCommand()}))
    assert not Path("it_ran").exists()
    assert not Path("imported").exists()


@pytest.mark.parametrize("model", [{"name": "knn"}, {"name": "naive_bayes"}])
def test_a_model_that_is_fitted_in_one_pass_has_no_weights_to_import(trained, model):
    Path("digits.yaml").write_text(yaml.safe_dump({**DIGITS, "model": model, "train": {}}))
    with pytest.raises(UsageError, match="fitted in one pass; weights cannot be imported"):
        imported(saved(foreign_names(trained)))


def test_another_architecture_is_refused(trained):
    file = saved(foreign_names(trained))
    with pytest.raises(DltkError) as caught:
        import_weights(file, "digits.yaml", ["model.depth=14"], quiet(Path("imported")))
    assert caught.value.code == 65
    assert "missing layer1.1.conv1.weight" in caught.value.found


def test_weights_that_bring_a_normalisation_are_refused_where_data_bring_one_too(trained):
    run = imported(saved(foreign_names(trained)))
    model = {**NETWORK, "weights": str(run.path)}
    data = {"name": "image_folder", "path": "pictures", "size": 8, "channels": 1, "normalize": "standardize"}
    for name in ("a", "b"):
        Path("pictures", name).mkdir(parents=True)
        for shade in range(6):
            Image.new("L", (8, 8), 40 * shade).save(Path("pictures", name, f"{shade}.png"))
    with pytest.raises(ConfigError) as caught:
        check({**DIGITS, "data": data, "model": model})
    (problem,) = caught.value.problems
    assert problem.path == ("model",)
    assert problem.message.endswith("the data are standardised already; set data.normalize: unit")
