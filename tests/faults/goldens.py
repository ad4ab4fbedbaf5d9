"""Broken configs and inputs with the whole of what dltk says of each: tests/faults/configs/NAME.txt.

A golden begins with the command, `$ dltk train NAME.yaml ...`. To add one, write the input and that line; then, or
after a change of wording, run `python -m tests.faults.goldens`, and read what `git diff` shows as a user would.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dltk.cli.app import run

FOLDER = Path(__file__).parent / "configs"
PROMPT = "$ dltk "
GROWING_LIST = re.compile(r"('?\w+'?, '?\w+'?)(?:, (?:\.\.\. and \d+ more|'?\w+'?)){6,}")
ABRIDGED = r"\1, ..."
"""Lists of eight words or more are of components and options, which grow; their first two words stay."""


def names() -> list[str]:
    """Return the names of all goldens."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def golden(name: str) -> str:
    """Return what is expected."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def said(name: str) -> str:
    """Run a golden's command in the current directory, which holds the inputs; return what belongs into its file."""
    command = golden(name).partition("\n")[0]
    assert command.startswith(PROMPT)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(shlex.split(command.removeprefix(PROMPT)))
    text = f"{command}\nexit {code}\n{GROWING_LIST.sub(ABRIDGED, out.getvalue() + err.getvalue())}"
    return text.replace(f"{Path.cwd()}/", "").replace(str(Path.cwd()), "HERE")


def copy_inputs(folder: Path) -> None:
    """Put the inputs of all goldens into a folder."""
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)


@contextlib.contextmanager
def _among_inputs() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        copy_inputs(Path(folder).resolve())
        os.chdir(Path(folder).resolve())
        try:
            yield
        finally:
            os.chdir(before)


def regenerate() -> None:
    """Write every golden anew."""
    with _among_inputs():
        for name in names():
            text = said(name)
            (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    os.environ["DLTK_OFFLINE"] = "1"
    os.environ.pop("DLTK_DATA", None)
    regenerate()
