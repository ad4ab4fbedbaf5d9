"""Runs whose training samples are augmented, balanced, grouped or few."""

import os
import signal
from typing import Any

import pytest
import yaml

from dltk.config.errors import ConfigError, ResumeRefused
from dltk.data.batches import InMemory
from dltk.experiment import RunOptions, check
from dltk.experiment.running import train
from dltk.training.signals import Stopped
from tests.commands import record, weights

AUGMENT = [{"name": "crop", "padding": 1}, "rotation", "contrast", {"name": "erasing", "fill": "noise"}, "mixup"]
DIGITS: dict[str, Any] = {
    "name": "digits",
    "data": {"name": "digits", "batch_size": 128, "augment": AUGMENT, "sampler": "balanced", "subset": 600},
    "model": {"name": "mlp", "hidden": [8]},
    "train": {"epochs": 3, "threads": 1, "device": "cpu"},
    "tensorboard": None,
}


def quiet(path: Any) -> RunOptions:
    return RunOptions(path, quiet=True)


def changed(**data: Any) -> dict[str, Any]:
    return {**DIGITS, "data": {**DIGITS["data"], **data}}


def test_a_run_with_augmentation_goes_on_to_the_same_bits(folder, monkeypatch):
    train(DIGITS, (), quiet(folder / "unbroken"))
    epoch = InMemory.epoch

    def interrupting(self, number, *, start=0):
        for position, batch in enumerate(epoch(self, number, start=start), start):
            if (number, position) == (1, 2) and self.loading.augment is not None:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(InMemory, "epoch", interrupting)
        with pytest.raises(Stopped):
            train(DIGITS, (), quiet(folder / "broken"))
    train(None, (), RunOptions(resume=str(folder / "broken"), quiet=True))
    (last,) = weights(folder / "unbroken").items()
    assert last in weights(folder / "broken").items()
    assert record(folder / "broken") == record(folder / "unbroken")


def test_augmentation_changes_what_is_learned_and_nothing_that_is_scored(folder):
    run = train(DIGITS, ["train.epochs=1"], quiet(folder / "run"))
    resolved = yaml.safe_load((run.path / "resolved.yaml").read_text())
    assert resolved["data"]["augment"][0] == {"name": "crop", "padding": 1, "mode": "zero"}
    plain = train(changed(augment=[]), ["train.epochs=1"], quiet(folder / "plain"))
    assert weights(run.path) != weights(plain.path)
    assert run.status["baselines"] == plain.status["baselines"]
    assert run.status["num_samples"] == plain.status["num_samples"]


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("data.augment=[]", "data.augment"),
        ("data.sampler=shuffled", "data.sampler"),
        ("data.subset=500", "data.subset"),
        ("data.stratify=off", "data.stratify"),
    ],
)
def test_a_run_does_not_go_on_with_other_variations(folder, override, key):
    run = folder / "run"
    if not run.exists():
        train(changed(augment=["rotation"]), ["train.epochs=0"], quiet(run))
    with pytest.raises(ResumeRefused) as caught:
        train(None, [override, "train.epochs=5"], RunOptions(resume=str(run), quiet=True))
    assert key in caught.value.found


def message(config: dict[str, Any], *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        check(config, overrides)
    (found,) = caught.value.problems
    return f"{found.key}: {found.message}"


def test_what_cannot_be_augmented_is_a_problem_of_the_config():
    assert (
        message(changed(augment=["crop", "hue"])) == "data.augment.1: hue changes colours; these images have 1 channel"
    )
    iris = {**DIGITS, "data": {"name": "iris", "augment": ["crop"]}}
    assert message(iris) == "data.augment: varies images; these data give a table; leave it out"
    knn = {**DIGITS, "model": {"name": "knn"}, "train": {"threads": 1}}
    assert message(knn) == ("data.augment: knn is fitted in one pass over the samples as they are; leave augment out")


def test_mixing_needs_a_loss_that_learns_shares_of_classes():
    rest = " each image shares of several classes; classification with the loss hinge needs one class each"
    for augment, who in (
        (["mixup"], "mixup gives"),
        (["mixup", "mixup"], "mixup gives"),
        (["cutmix", "mixup"], "cutmix and mixup give"),
    ):
        found = message(changed(augment=augment), "task={name: classification, loss: hinge}")
        assert found == f"data.augment: {who}{rest}"


def test_pictures_show_samples_above_their_augmented_versions(folder):
    run = train(
        {**changed(augment=["rotation"]), "tensorboard": {"scalars": False}}, ["train.epochs=0"], quiet(folder / "run")
    )
    assert (run.path / "pictures" / "inputs_image.png").stat().st_size > 1000
    assert (run.path / "pictures" / "inputs_image_augmented.png").stat().st_size > 1000


def test_rows_of_one_group_and_duplicates_are_told(folder, capsys):
    rows = [f"{i},{i % 7},{i // 4},{'yes' if i % 3 else 'no'}" for i in range(120)] * 2
    (folder / "table.csv").write_text("\n".join(["a,b,patient,y", *rows]))
    config = {
        "data": {"name": "csv", "path": str(folder / "table.csv"), "target": "y", "drop": ["patient"]},
        "model": {"name": "linear"},
        "train": {"epochs": 1, "threads": 1},
        "tensorboard": None,
    }
    train(config, ["train.epochs=0"], RunOptions(folder / "torn"))
    assert "test samples are also in the training split" in capsys.readouterr().err
    train(config, ["train.epochs=0", "data.group=patient"], RunOptions(folder / "whole"))
    assert "also in the training split" not in capsys.readouterr().err
    assert message(config, "data.group=patien") == "data.group: there is no column 'patien'; did you mean 'patient'?"
