"""The page on images: its config and commands run as they stand, and what it says is read is what is read."""

import re
from pathlib import Path

import PIL.Image
import pytest

from dltk.cli.app import run
from dltk.data.images.files import FORMATS, MAX_PIXELS
from tests.contracts.test_docs import DOCS, blocks, commands

PAGE = (DOCS / "images.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_on_images_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for i in range(60):
        place = Path("photos", ("ant", "bee")[i % 2], f"{i}.png")
        place.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (70, 66), (255 * (i % 2), 3 * i, 0)).save(place)
    (config,) = (block for block in blocks("images") if block["file"])
    Path(config["file"]).write_text(config["text"], encoding="utf-8")
    describe, train, predict = commands("images")
    for command in (describe, train, [*predict[:-1], "photos/ant"]):
        assert run(command) == 0, capsys.readouterr().err


def test_the_formats_are_those_that_are_read() -> None:
    sentence = re.search(r"^(BMP.*?)\.", PAGE, re.MULTILINE)
    assert sentence is not None
    assert re.split(r", | AND ", sentence[1].upper()) == list(FORMATS)


def test_the_limit_is_the_one_that_holds() -> None:
    assert f"more than {MAX_PIXELS // 10**6} million pixels" in PAGE
