"""What is shown of a run at its start and end, and that showing everything changes nothing."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import dltk
from dltk.config.sections import TensorboardOptions
from dltk.experiment import RunOptions
from tests.commands import record, weights

DIGITS = {
    "name": "digits",
    "data": {"name": "digits", "batch_size": 256},
    "model": {"name": "mlp", "hidden": [8], "dropout": 0.1},
    "train": {"epochs": 2, "threads": 1, "device": "cpu"},
}
EVERYTHING = dict.fromkeys(TensorboardOptions.model_fields, True)
NOTHING = dict.fromkeys(TensorboardOptions.model_fields, False)


def trained(folder, tensorboard):
    return dltk.train({**DIGITS, "tensorboard": tensorboard}, (), RunOptions(folder, quiet=True)).path


def reader(run):
    found = EventAccumulator(str(run / "tensorboard"), size_guidance={"tensors": 0})
    found.Reload()
    return found


def plugins(run):
    found = reader(run)
    tags = found.Tags()
    named = {found.SummaryMetadata(tag).plugin_data.plugin_name for tag in tags["tensors"]}
    return named | {kind for kind in ("scalars", "images", "graph") if tags[kind]}


@pytest.mark.slow
def test_every_kind_is_shown_and_the_run_is_the_same_as_without_any(folder):
    shown, bare = trained(folder / "shown", EVERYTHING), trained(folder / "bare", None)
    assert plugins(shown) == {"scalars", "images", "graph", "histograms", "pr_curves", "hparams", "text"}
    assert (shown / "tensorboard" / "projector_config.pbtxt").is_file()
    assert {path.name for path in (shown / "pictures").iterdir()} > {"inputs_image.png", "confusion_matrix.png"}
    assert (weights(shown), record(shown)) == (weights(bare), record(bare))
    assert not (bare / "tensorboard").exists()
    assert not list((bare / "pictures").iterdir())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("scalars", {"scalars"}),
        ("images", {"images"}),
        ("pr_curves", {"pr_curves"}),
        ("hparams", {"hparams", "scalars"}),  # the final scores are numbers, too
        ("text", {"text"}),
    ],
)
def test_each_kind_is_chosen_by_itself(folder, kind, expected):
    assert plugins(trained(folder / kind, {**NOTHING, kind: True})) == expected


def test_final_scores_stand_beside_the_settings(folder):
    run = trained(folder / "run", {**NOTHING, "hparams": True})
    scores, found = dltk.load(str(run)).scores, reader(run)
    final = {tag: found.Scalars(tag)[0].value for tag in found.Tags()["scalars"]}
    assert final == {f"final/{name}": pytest.approx(value, rel=1e-6) for name, value in scores.items()}
    start = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    assert b"data.batch_size" in start
    assert b"tensorboard" not in start
