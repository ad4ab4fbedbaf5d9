"""The page about tables: its example trains, is scored and answers; its tables name what the options allow."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from dltk.cli.app import run
from dltk.data.tables.options import ColumnOptions, Encode, Scaling, TableOptions
from dltk.datasets import csv
from tests.contracts.test_docs import DOCS, blocks, commands

PAGE = "tables"
TEXT = (DOCS / f"{PAGE}.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+?)` ?(?:\(default\) )?\|", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("heading", "choices"), [("scaling", Scaling), ("encode", Encode)])
def test_a_table_lists_every_choice(heading, choices):
    rows = ROWS[ROWS.index(heading) + 1 :]
    assert set(rows[: len(get_args(choices))]) == set(get_args(choices))


def test_every_option_is_on_the_page():
    named = set(re.findall(r"`(\w+)", TEXT)) | set(re.findall(r"^  (?:  )?(\w+):", TEXT, re.MULTILINE))
    options = {*csv.Config.model_fields, *TableOptions.model_fields, *ColumnOptions.model_fields}
    assert sorted(options - named) == []


def test_the_example_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(PAGE):
        if block["file"]:
            Path(block["file"]).write_text(block["text"], encoding="utf-8")
        elif block["language"] == "yaml":
            csv.Config.parse(
                {key: value for key, value in yaml.safe_load(block["text"])["data"].items() if key != "name"}
            )
        elif block["language"] == "python":
            exec(compile(block["text"], f"{PAGE}.md", "exec"), {})
    answers = []
    for command in commands(PAGE):
        assert run([*command, *(["train.threads=1"] if command[0] == "train" else []), "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    trained, _, predicted = answers
    status = json.loads((Path(trained["run"]) / "status.json").read_text(encoding="utf-8"))
    assert trained["scores"]["test/mae"] < 0.8 * min(scores["mae"] for scores in status["baselines"].values())
    assert [row["input"] for row in predicted["rows"]][:2] == ["P0", "P1"]
