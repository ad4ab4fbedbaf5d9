"""What holds for every experiment in `configs/`."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import dltk
from dltk.cli.app import run as dltk_command
from dltk.config import differing, registry, schema
from dltk.config.document import read_document
from dltk.config.errors import MissingInput, Unavailable
from dltk.data import files
from dltk.experiment import RunOptions, check
from dltk.experiment.building import Built, build, scored_splits, total_steps
from dltk.experiment.config import Experiment, read_experiment
from dltk.experiment.planning import Plan, plan
from dltk.experiment.starting import as_built
from dltk.nn.anatomy import anatomy
from dltk.nn.feeding import feed
from dltk.training.task import Rehearsing

REPOSITORY = Path(__file__).parents[2]
CONFIGS = sorted((REPOSITORY / "configs").rglob("*.yaml"))
LARGE_BYTES = 10_000_000
MEASURED = re.compile(r"# (Test|Val|Train) [a-z0-9 ]+ \S+ \+- \S+( %)? \(\d+ seeds?\), \d+ s on .+\.")
COMMAND = "# dltk train "
QUICK = ["train.threads=1", "tensorboard=null"]


def name_of(path: Path) -> str:
    return path.stem


def files_of(path: Path) -> list[Path]:
    """Return the files and folders that a config's data options name."""
    data = read_document(path).values["data"]
    options = registry.load("datasets", data["name"]).Config.model_json_schema().get("properties", {})
    texts = [value for key, value in data.items() if '"path"' in json.dumps(options.get(key, {}))]
    return [files.locate(text, path.parent) for text in texts]


def marks_of(path: Path) -> list[Any]:
    """Mark as slow what unpacks and reads a large archive, and the data sets of texts, which are cut anew each time."""
    is_large = any(file.is_file() and file.stat().st_size > LARGE_BYTES for file in files_of(path))
    return [pytest.mark.slow, pytest.mark.timeout(1800)] if is_large or path.parent.name == "text" else []


every_config = pytest.mark.parametrize("path", CONFIGS, ids=name_of)
every_runnable_config = pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem, marks=marks_of(path)) for path in CONFIGS]
)


@pytest.fixture(autouse=True, scope="module")
def _threads_as_they_were():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def read(path: Path) -> Experiment:
    """Read a config, or skip the test where its data, a package, or the weights it starts from, are not here."""
    try:
        experiment = read_experiment(path)
    except MissingInput as error:
        pytest.skip(f"needs data that are not below $DLTK_DATA: {error.message}")
    except Unavailable as error:
        pytest.skip(error.message)
    weights = experiment.model.common.weights
    if weights is not None and not Path(weights).exists():
        pytest.skip(f"needs {Path(weights).name}, which dltk import makes as the config's header says")
    return experiment


def header_of(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]


@every_config
def test_a_config_fits_on_a_screen(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    assert all(len(line) <= 120 and line == line.rstrip() for line in text.splitlines())
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@every_config
def test_the_first_line_leads_an_editor_to_the_schema(path):
    said, _, place = header_of(path)[0].partition("=")
    assert said == "# yaml-language-server: $schema"
    assert place == "../dltk.schema.json"  # a link beside the configs, a file in an installed dltk
    assert (path.parent / place).resolve() == schema.SCHEMA_PATH.resolve()


@every_config
def test_the_header_says_what_it_is_and_claims_what_was_measured(path):
    said = [line for line in header_of(path)[1:] if not (MEASURED.fullmatch(line) or line.startswith(COMMAND))]
    assert said
    assert said[-1].endswith((".", "?"))
    assert all(line.startswith("# ") for line in said)
    claims = [line for line in header_of(path) if "+-" in line]
    assert len(claims) <= 1
    assert all(MEASURED.fullmatch(line) for line in claims)


@every_config
def test_the_command_in_the_header_is_this_configs(path):
    commands = [line for line in header_of(path) if line.startswith(COMMAND)]
    assert commands in ([], [f"{COMMAND}{path.relative_to(REPOSITORY).as_posix()}"])


@every_config
def test_a_config_is_called_like_its_file(path):
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", path.stem)
    assert read_document(path).values["name"] == path.stem


def test_no_two_configs_have_one_name():
    assert len({path.stem for path in CONFIGS}) == len(CONFIGS)


@every_config
def test_a_config_is_correct_before_anything_is_imported(path):
    assert differing.check(read_document(path).values) == []


@every_runnable_config
def test_a_config_is_checked_built_and_resolved_to_one_that_runs_again(path, tmp_path, capsys):
    read(path)
    assert dltk_command(["train", str(path), "--dry-run", "--json", *QUICK[:1]]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["name"] == path.stem
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(yaml.safe_dump(facts["config"], sort_keys=False), encoding="utf-8")
    assert differing.check(read_document(resolved).values) == []
    assert read_experiment(resolved).plain() == facts["config"]
    assert check(resolved) == facts
    assert list(tmp_path.iterdir()) == [resolved]


@every_runnable_config
def test_a_plan_tells_what_is_built(path):
    experiment = read(path)
    told = plan(path)
    built = build(experiment, torch.device("cpu"), start=as_built)
    splits = {"train": built.splits.train, "val": built.splits.val, "test": built.splits.test}
    assert told.foreseen.sizes == {name: batches.num_samples for name, batches in splits.items() if batches}
    assert told.foreseen.num_batches == built.splits.train.num_batches
    assert told.foreseen.session is not None
    assert told.foreseen.session.total_steps == total_steps(built.experiment, built.splits.train.num_batches)
    assert told.foreseen.selection is not None
    assert told.foreseen.selection.monitor == built.selection().monitor
    assert told.scores() == [
        f"{split}/{name}"
        for split in scored_splits(list(told.foreseen.sizes), experiment)
        for name in built.task.scores
    ]
    if told.foreseen.data.is_exact:
        assert told.foreseen.model is not None
        shapes = {name: value.shape for name, value in built.model.named_parameters()}
        assert {name: value.shape for name, value in told.foreseen.model.named_parameters()} == shapes
    if told.anatomy is not None:
        assert sum(row.parameters for row in told.anatomy.rows()) == told.anatomy.whole.parameters
        _assert_shapes_are_those_of_a_real_pass(told, built)


def _assert_shapes_are_those_of_a_real_pass(told: Plan, built: Built) -> None:
    """Watch a pass over a first batch of real samples with the plan's eyes."""
    assert told.anatomy is not None
    batch = next(built.splits.train.epoch(0))

    def step() -> None:
        if isinstance(built.task, Rehearsing):
            built.task.rehearse(built.model, batch)
        else:
            feed(built.model, batch.inputs)

    real = anatomy(built.model.train(), step, batch.num_samples)
    assert batch.num_samples == told.anatomy.batch_size
    assert [(row.name, row.kind) for row in real.layers] == [(row.name, row.kind) for row in told.anatomy.layers]
    if told.foreseen.data.is_exact:
        facts = [[replace(row, kept_bytes=0) for row in each.layers] for each in (real, told.anatomy)]
        assert facts[0] == facts[1]


@every_runnable_config
def test_a_config_trains_for_two_steps(path, tmp_path):
    experiment = read(path)
    has_length = experiment.is_one_pass or experiment.sections.train.epochs == 0
    short = [] if has_length else ["train.epochs=null", "train.steps=2"]
    run = dltk.train(path, [*short, *QUICK], RunOptions(output_dir=tmp_path / "run", quiet=True))
    assert run.status["state"] == "completed"
    reported = [name for name in run.scores if name.startswith(f"{run.status['reported']}/")]
    assert reported
    assert all(run.scores[name] is not None for name in reported)
    assert list(run.status["baselines"]) == plan(path).baselines()
    again = read_experiment(run.directory.resolved)
    seal, _, settings = run.directory.resolved.read_text(encoding="utf-8").partition("\n")
    assert seal.startswith("# settings ")
    assert again.yaml() == settings
