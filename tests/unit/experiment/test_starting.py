"""What a model starts from: initialisers, weights of other runs, values by hand; and what of it does not learn."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import yaml

from dltk.config.errors import ConfigError, DltkError, MissingInput
from dltk.experiment import Run, RunOptions
from dltk.experiment.building import build
from dltk.experiment.config import read_experiment
from dltk.experiment.running import train
from tests.commands import weights
from tests.unit.experiment.test_running import quiet, stopped

CPU = torch.device("cpu")
SHORT = {"train": {"epochs": 1, "threads": 1}, "tensorboard": None}
IRIS: dict[str, Any] = {"data": {"name": "iris"}, "model": {"name": "mlp", "hidden": [6]}, **SHORT}
TABLE: dict[str, Any] = {
    "data": {"name": "csv", "path": "table.csv", "target": "kind"},
    "model": {"name": "mlp", "hidden": [6]},
    **SHORT,
}


@pytest.fixture
def donor(folder: Path) -> Run:
    """Return a run whose hidden layer fits table.csv, but whose head does not."""
    rows = [f"{i % 7},{i % 5},{i % 3},{i % 11},{'big' if i % 7 > 3 else 'small'}" for i in range(60)]
    (folder / "table.csv").write_text("\n".join(["a,b,c,d,kind", *rows]) + "\n")
    return train({**IRIS, "name": "donor"}, (), quiet(folder / "donor"))


def with_model(config: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {**config, "model": {**config["model"], **options}}


def state_of(run: Run) -> dict[str, torch.Tensor]:
    return dict(run.model.state_dict())


def started(config: dict[str, Any]) -> Any:
    return build(read_experiment(config), CPU)


def problem(config: dict[str, Any]) -> str:
    """Return the only problem that building finds."""
    with pytest.raises(ConfigError) as caught:
        started(config)
    (found,) = caught.value.problems
    return f"{found.key}: {found.message}"


# Initialisers.


def test_an_initialiser_replaces_the_layers_own():
    model = started(with_model(IRIS, initializer="zeros")).model
    assert not any(parameter.any() for parameter in model.parameters())


def test_an_initialiser_may_have_options():
    model = started(with_model(IRIS, initializer={"name": "normal", "mean": 5, "deviation": 0.01})).model
    assert model.head.weight.mean().item() == pytest.approx(5, abs=0.1)
    assert not model.head.bias.any()


def test_an_initialiser_draws_by_the_seed():
    first, again, other = (started({**with_model(IRIS, initializer="he_normal"), "seed": seed}) for seed in (1, 1, 2))
    assert torch.equal(first.model.head.weight, again.model.head.weight)
    assert not torch.equal(first.model.head.weight, other.model.head.weight)


def test_values_by_hand_go_over_an_initialiser():
    model = started(with_model(IRIS, initializer="zeros", parameters={"head.bias": [1, 2, 3]})).model
    assert model.head.bias.tolist() == [1, 2, 3]


# Weights of others.


def test_weights_are_taken_where_names_and_shapes_agree_and_the_rest_is_named(donor):
    built = started(with_model(TABLE, weights=str(donor.path)))
    assert torch.equal(built.model.layers[0].weight, state_of(donor)["layers.0.weight"])
    assert "model.weights: 2 of the model's 4 tensors are those of donor" in built.experiment.inferred
    assert (
        "model.weights: new are head.weight (1, 6), not (3, 6); head.bias (1,), not (3,)" in built.experiment.inferred
    )


def test_what_a_model_does_not_have_is_named_too(donor):
    deeper = train(with_model(IRIS, hidden=[6, 6]), (), quiet(donor.path.parent / "deeper"))
    said = started(with_model(IRIS, weights=str(deeper.path))).experiment.inferred
    assert "model.weights: not used: layers.1.weight; layers.1.bias" in said


def test_a_run_is_named_by_its_folder_its_name_or_a_checkpoint(donor, folder, monkeypatch):
    older, newer = (train({**IRIS, "name": "many", "seed": seed}, (), quiet(runs_dir=Path("runs"))) for seed in (1, 2))
    assert older.path != newer.path
    for text in ("many", "runs/many"):
        built = started(with_model(IRIS, weights=text))
        assert torch.equal(built.model.head.weight, state_of(newer)["head.weight"])
        assert built.experiment.plain()["model"]["weights"] == str(newer.path)
    (checkpoint,) = (older.path / "checkpoints").iterdir()
    assert torch.equal(
        started(with_model(IRIS, weights=str(checkpoint))).model.head.weight, state_of(older)["head.weight"]
    )


def test_a_path_is_looked_for_beside_the_config(donor, folder):
    (folder / "configs").mkdir()
    shutil.move(donor.path, folder / "configs" / "donor")
    (folder / "configs" / "a.yaml").write_text(yaml.safe_dump(with_model(IRIS, weights="donor")))
    built = build(read_experiment(folder / "configs" / "a.yaml"), CPU)
    assert "model.weights: 4 of the model's 4 tensors are those of configs/donor" in built.experiment.inferred


def test_a_safetensors_file_is_taken(folder):
    safetensors.torch.save_file({"head.bias": torch.tensor([1.0, 2.0, 3.0])}, folder / "bias.safetensors")
    model = started(with_model(IRIS, weights="bias.safetensors")).model
    assert model.head.bias.tolist() == [1, 2, 3]


def test_weights_of_which_nothing_fits_are_refused(donor):
    message = problem(with_model(IRIS, hidden=[5], weights=str(donor.path)))
    assert message.startswith("model.weights: nothing of donor fits this model; it has layers.0.weight, layers.0.bias")


def test_another_programs_file_has_to_be_imported(folder):
    torch.save({"head.bias": torch.ones(3)}, folder / "foreign.pth")
    message = problem(with_model(IRIS, weights="foreign.pth"))
    assert message == (
        "model.weights: 'foreign.pth' is another program's file; make a run of it by dltk import, and name that"
    )


@pytest.mark.parametrize("name", ["none", "none.pth", "none.safetensors"])
def test_weights_that_are_not_there_are_missing(folder, name):
    with pytest.raises(MissingInput, match=r"there is no (run|file)"):
        started(with_model(IRIS, weights=name))


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"\xff" * 64, (2**40).to_bytes(8, "little") + b"{}"], ids=["empty", "a", "b", "c"]
)
def test_a_damaged_file_of_weights_is_refused(folder, content):
    (folder / "bad.safetensors").write_bytes(content)
    with pytest.raises(DltkError) as caught:
        started(with_model(IRIS, weights="bad.safetensors"))
    assert caught.value.code == 65


def test_a_run_works_without_the_weights_it_began_with(donor, folder):
    run = train(with_model(TABLE, weights=str(donor.path)), (), quiet(folder / "run"))
    shutil.rmtree(donor.path)
    again = Run(run.directory)
    assert again.evaluate().scores == pytest.approx({name: run.scores[name] for name in again.evaluate().scores})
    assert train(None, ["train.epochs=2"], RunOptions(resume=str(run.path), quiet=True)).status["epoch"] == 2


def test_a_run_resumes_bit_equal_without_the_weights_it_began_with(folder):
    digits: dict[str, Any] = {
        "name": "digits",
        "data": {"name": "digits", "batch_size": 64},
        "model": {"name": "cnn", "layers": [4, "pool"], "batch_norm": True, "dropout": 0.3},
        "train": {"epochs": 2, "threads": 1, "device": "cpu"},
        "checkpoint": {"every_steps": 5},
        "tensorboard": None,
    }
    donor = train({**digits, "train": {**digits["train"], "steps": 3, "epochs": None}}, (), quiet(folder / "donor"))
    config = with_model(digits, weights=str(donor.path), freeze=["layers.*"])
    whole = train(config, (), quiet(folder / "whole"))
    stopped(config, quiet(folder / "halted"))
    shutil.rmtree(donor.path)
    resumed = train(None, (), RunOptions(resume=str(folder / "halted"), quiet=True))
    assert resumed.status["state"] == "completed"
    assert weights(resumed.path)["step-00000042"] == weights(whole.path)["step-00000042"]


def test_a_run_that_never_saved_a_checkpoint_needs_its_weights_again(donor, folder):
    run = train(with_model(TABLE, weights=str(donor.path)), (), quiet(folder / "run"))
    for checkpoint in (run.path / "checkpoints").iterdir():
        shutil.rmtree(checkpoint)
    run.directory.write_status({**run.status, "state": "stopped"})
    expected = weights(train(with_model(TABLE, weights=str(donor.path)), (), quiet(folder / "same")).path)
    assert weights(train(None, (), RunOptions(resume=str(run.path), quiet=True)).path) == expected
    for checkpoint in (run.path / "checkpoints").iterdir():
        shutil.rmtree(checkpoint)
    shutil.rmtree(donor.path)
    run.directory.write_status({**run.status, "state": "stopped"})
    with pytest.raises(MissingInput, match="there is no run"):
        train(None, (), RunOptions(resume=str(run.path), quiet=True))


# What does not learn.


def test_what_is_frozen_does_not_move(donor, folder):
    run = train(with_model(TABLE, weights=str(donor.path), freeze="backbone"), (), quiet(folder / "run"))
    assert torch.equal(state_of(run)["layers.0.weight"], state_of(donor)["layers.0.weight"])
    begin = started(with_model(TABLE, weights=str(donor.path))).model
    assert not torch.equal(state_of(run)["head.weight"], begin.head.weight)


def test_what_is_frozen_with_random_values_is_told_where_no_weights_are_given(capsys, folder):
    train(with_model(IRIS, freeze="backbone"), (), RunOptions(folder / "run"))
    said = capsys.readouterr().err
    assert "warning[DLTK-WARN-RANDOM]: 2 frozen tensors keep random values: layers.0.weight, layers.0.bias\n" in said
    assert "model: mlp, 51 parameters, 21 of them learn\n" in said
    deep = started(with_model(IRIS, hidden=[6, 6, 6], freeze="backbone")).experiment.inferred
    first = "layers.0.weight, layers.0.bias, layers.1.weight, ..."
    assert f"warning[DLTK-WARN-RANDOM]: 6 frozen tensors keep random values: {first}" in deep


def test_what_is_frozen_must_come_from_the_weights_where_there_are_some(donor):
    assert problem(with_model(IRIS, hidden=[6, 5], weights=str(donor.path), freeze="backbone")) == (
        "model.freeze: the weights have nothing for 2 frozen tensors, which would stay random: "
        "layers.1.weight, layers.1.bias"
    )
    started(with_model(IRIS, hidden=[6, 5], weights=str(donor.path), freeze=["layers.0.*"]))


def test_values_by_hand_may_be_frozen():
    values = {"layers.0.weight": [[0.5] * 4] * 6, "layers.0.bias": [0] * 6}
    said = started(with_model(IRIS, parameters=values, freeze="backbone")).experiment.inferred
    assert not any("random" in line for line in said)


def test_everything_frozen_is_refused():
    assert problem(with_model(IRIS, freeze=["*"])) == "model: has no parameters that could learn"


def test_a_wrong_glob_is_found_before_training():
    message = problem(with_model(IRIS, freeze=["layer.*"]))
    assert message.startswith("model.freeze.0: no parameter is called 'layer.*'; did you mean 'layers.0.*'?")


@pytest.mark.parametrize("options", [{"initializer": "zeros"}, {"freeze": ["*"]}, {"weights": "x.safetensors"}])
def test_a_model_that_is_fitted_in_one_pass_has_nothing_to_start_from(options):
    (name,) = options
    message = problem({"data": {"name": "iris"}, "model": {"name": "knn", **options}})
    assert message == f"model.{name}: this model is fitted in one pass; leave this out"
