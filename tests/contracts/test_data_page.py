"""docs/data.md: its config and commands run as they stand, its program too, and the options it names exist."""

import re
from pathlib import Path

import pytest

from dltk.cli.app import run
from dltk.config.augmentation import NAMES
from dltk.config.sections import DataOptions
from dltk.data.texts.options import TextOptions
from tests.contracts.test_docs import DOCS, blocks, commands

PAGE = (DOCS / "data.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_on_splits_and_augmentation_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (config,) = (block for block in blocks("data") if block["file"])
    Path(config["file"]).write_text(config["text"], encoding="utf-8")
    for command in commands("data"):
        assert run(command) == 0, capsys.readouterr().err
    assert list(tmp_path.glob("runs/augmented/*/pictures/inputs_image_augmented.png"))


def test_the_program_on_the_page_runs() -> None:
    (program,) = (block for block in blocks("data") if block["language"] == "python")
    names: dict[str, object] = {}
    exec(compile(program["text"], "own_images.py", "exec"), names)
    (first, _) = names["batches"].epoch(0)  # type: ignore[attr-defined]
    assert first.inputs.unique().tolist() == [-0.5]


def test_the_page_names_options_and_transforms_that_there_are() -> None:
    named = set(re.findall(r"`([a-z_]+)(?:: [^`]*)?`", PAGE))
    beyond = {"augment", "data", "drop"}
    for word in (
        "split_seed",
        "stratify",
        "group",
        "group_pattern",
        "subset",
        "sampler",
        "test_fraction",
        "val_fraction",
    ):
        assert word in named
        assert word in DataOptions.model_fields
    assert named - set(DataOptions.model_fields) - set(TextOptions.model_fields) - set(NAMES) <= beyond | {
        "shuffled",
        "in_order",
        "balanced",
    }
