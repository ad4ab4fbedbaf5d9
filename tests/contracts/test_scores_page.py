"""The page about losses and scores says of each what the program says."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from dltk.metrics.class_scores import ONE_OF_SEVERAL, SEVERAL_AT_ONCE
from dltk.metrics.regression import METRICS
from dltk.nn.losses import class_losses
from dltk.nn.number_losses import number_losses

PAGE = Path(__file__).parents[2] / "docs" / "scores.md"


def tables() -> dict[str, list[list[str]]]:
    """Return the rows of each table by the words of its last column's head, without their marks."""
    found: dict[str, list[list[str]]] = {}
    for table in re.findall(r"(?:^\|.*\|\n)+", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]
        rows = [[cell.replace("\\|", "|").strip("`") for cell in row] for row in cells[2:]]
        found[cells[0][-1]] = rows
    return found


@pytest.mark.parametrize(
    ("heading", "losses"), [("of a sample", class_losses()), ("of an error", number_losses())], ids=["class", "number"]
)
def test_every_loss_is_defined_as_in_the_program(heading: str, losses: Mapping[str, tuple[str]]) -> None:
    assert tables()[heading] == [[name, loss[0]] for name, loss in losses.items()]


@pytest.mark.parametrize(
    ("heading", "metrics"),
    [
        ("one class per sample", ONE_OF_SEVERAL),
        ("several labels per sample", SEVERAL_AT_ONCE),
        ("over the samples", METRICS),
    ],
)
def test_every_score_is_defined_as_in_the_program(heading: str, metrics: Mapping[str, tuple[str, object, str]]) -> None:
    assert tables()[heading] == [[name, metric[2], metric[0]] for name, metric in metrics.items()]
