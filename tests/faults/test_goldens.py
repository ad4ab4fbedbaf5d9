"""Every broken config and input answers as its golden says: code, sentence, place, caret, what is allowed."""

import re
from pathlib import Path
from typing import get_args

import pytest

from dltk.config import registry
from dltk.config.problems import ProblemId
from tests.faults.goldens import FOLDER, copy_inputs, golden, names, said

CODES = {2, 65, 66}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("goldens").resolve()
    copy_inputs(folder)
    return folder


@pytest.mark.parametrize("name", names())
def test_it_answers_as_written(name, inputs, monkeypatch):
    monkeypatch.chdir(inputs)
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setattr(registry, "_plugins", {})
    before = sorted(Path().iterdir())
    assert said(name) == golden(name)
    assert sorted(Path().iterdir()) == before


def test_there_are_enough_of_them_and_each_is_about_one_command():
    assert len(names()) >= 120
    commands = [golden(name).partition("\n")[0] for name in names()]
    assert len(set(commands)) == len(commands)


@pytest.mark.parametrize("name", names())
def test_a_golden_is_a_refusal_with_a_place(name):
    lines = golden(name).split("\n")
    assert lines[1] in {f"exit {code}" for code in CODES}
    assert re.match(r"error\[DLTK-[A-Z]+\]: ", lines[2])
    assert "Traceback" not in golden(name)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", golden(name))
    if lines[2].startswith("error[DLTK-CONFIG]"):
        assert re.match(r"\S+:\d+:\d+: ", lines[3])


def test_no_golden_knows_this_machine():
    text = "".join(map(golden, names()))
    assert not re.search(r"/(tmp|home|root|work|usr)/|\bGiB\b", text)


def test_every_kind_of_problem_has_a_golden_or_a_test():
    elsewhere = "".join(
        path.read_text(encoding="utf-8")
        for path in FOLDER.parent.parent.rglob("test_*.py")
        if path.name not in {"test_messages.py", Path(__file__).name}
    )
    seen = elsewhere + "".join(map(golden, names()))
    assert [kind for kind in get_args(ProblemId) if kind not in seen] == []


def test_inputs_have_a_golden_each():
    inputs = {path.stem for path in FOLDER.glob("*.yaml")}
    assert inputs == set(names())
