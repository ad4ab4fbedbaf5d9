"""The page about planning shows what `dltk plan` prints."""

import re
import shlex
from pathlib import Path

import pytest

from dltk.cli.app import run
from tests.threads import threads_as_they_were

__all__ = ["threads_as_they_were"]
REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "planning.md"


@pytest.mark.usefixtures("threads_as_they_were")
def test_the_page_shows_what_is_printed(monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    command, shown = re.findall(r"^```(?:text)?\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert run([*shlex.split(command)[1:], "train.device=cpu"]) == 0
    printed = capsys.readouterr().out
    of_the_machine = re.compile(r"^train\.(device|threads) .*\n", re.MULTILINE)
    assert of_the_machine.sub("", printed) == of_the_machine.sub("", shown)
