"""The pages about own components: their files are short, and train, evaluate and predict as plug-ins."""

import json
import re
import shlex
from pathlib import Path

import pytest

from dltk.cli.app import run
from dltk.config import registry

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = ("own_data", "own_model", "own_task")
FENCED = re.compile(r"(?:`(?P<file>[\w.]+)`:\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
MAX_LINES = 40
MIN_GAIN = 0.1


def blocks(page: str) -> list[re.Match[str]]:
    return list(FENCED.finditer((DOCS / f"{page}.md").read_text(encoding="utf-8")))


def commands(page: str) -> list[list[str]]:
    lines = [line for block in blocks(page) if not block["language"] for line in block["text"].splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("dltk ")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty current directory, in a process that knows no plug-ins yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_plugins", {})
    return tmp_path


@pytest.fixture
def inputs(folder: Path) -> None:
    """Write what the pages predict."""
    from PIL import Image

    Image.new("L", (8, 8), 255).save(folder / "your_image.png")
    columns = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
    (folder / "patients.csv").write_text(f"{','.join(columns)}\n59,2,32.1,101,157,93.2,38,4,4.86,87\n")


@pytest.mark.parametrize("page", PAGES)
def test_a_component_is_a_complete_file_of_at_most_40_lines(page: str) -> None:
    components = [block["text"] for block in blocks(page) if block["file"] and block["language"] == "python"]
    assert len(components) == 1
    assert len(components[0].splitlines()) <= MAX_LINES


@pytest.mark.usefixtures("inputs")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks(page):
        if block["file"]:
            (folder / block["file"]).write_text(block["text"], encoding="utf-8")
        elif block["language"] == "python":
            exec(compile(block["text"], f"{page}.md", "exec"), {})
    answers = []
    for command in commands(page):
        assert run([*command, "--json"]) == 0, capsys.readouterr().err
        answers.append(json.loads(capsys.readouterr().out))
    trained, evaluated, predicted = answers
    status = json.loads((Path(trained["run"]) / "status.json").read_text(encoding="utf-8"))
    name, score = next(iter(evaluated["scores"].items()))
    baseline = next(iter(status["baselines"].values()))
    assert trained["scores"][name] == pytest.approx(score)
    assert abs(score - baseline[name.removeprefix("test/")]) > MIN_GAIN * abs(score), "learned nothing"
    assert predicted["rows"]
    assert {row["status"] for row in predicted["rows"]} == {"ok"}
