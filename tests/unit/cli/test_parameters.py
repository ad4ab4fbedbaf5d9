"""Words, paths and numbers of the command line are what typer itself makes of them."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from typer.exceptions import TyperException
from typer.main import get_command

from dltk.cli.parameters import read_plainly


def given(arguments: list[str], *, plainly: bool) -> dict[str, object]:
    """Return what a command receives."""
    received: dict[str, object] = {}

    def command(
        word: str,
        more: Annotated[list[str] | None, typer.Argument()] = None,
        folder: Path = Path("runs"),
        top: Annotated[int | None, typer.Option(min=1)] = None,
        device: Annotated[Literal["cpu", "cuda"] | None, typer.Option()] = None,
        plugin: Annotated[list[Path] | None, typer.Option()] = None,
        is_quiet: Annotated[bool, typer.Option("--quiet")] = False,
    ) -> None:
        received.update(locals())

    app = typer.Typer()
    app.command()(command)
    built = get_command(app)
    program = read_plainly(built) if plainly else built
    with program.make_context("program", arguments) as context:
        program.invoke(context)
    received.pop("received")
    return received


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a b c",
        "a --folder there",
        "a --top 3 --device cpu",
        "a --plugin x.py --plugin y.py --quiet",
        "a b --folder x --top 1",
    ],
)
def test_values_are_typers_own(line: str) -> None:
    assert given(line.split(), plainly=True) == given(line.split(), plainly=False)


@pytest.mark.parametrize("line", ["", "a --top 0", "a --top many", "a --device tpu", "a --nothing"])
def test_what_typer_refuses_is_refused_in_its_words(line: str) -> None:
    with pytest.raises(TyperException) as ours:
        given(line.split(), plainly=True)
    with pytest.raises(TyperException) as typers:
        given(line.split(), plainly=False)
    assert ours.value.format_message() == typers.value.format_message()
