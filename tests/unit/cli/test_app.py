"""What every command has in common: help, exit codes, errors, bugs."""

import contextlib
import importlib
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dltk.cli.commands import COMMANDS
from dltk.config import registry

SINGLE = sorted(name for name, command in COMMANDS.items() if command.function != "app")
BUGGY = '''"""A model with a bug."""
from typing import ClassVar
from dltk.config.settings import Settings
from dltk.data.specs import Table
class Config(Settings):
    """Options."""
    accepts: ClassVar = (Table,)
    role: ClassVar = "predictor"
def build(config, spec, preparation):
    password = "hunter" + str(2)
    return {}["missing"]
'''


@pytest.fixture
def buggy(folder, monkeypatch):
    """Return a plug-in that dltk cannot foresee to fail, in a process with a secret."""
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.setenv("SECRET_TOKEN", "s3cr3t")
    path = folder / "buggy.py"
    path.write_text(BUGGY)
    return path


def test_the_help_names_every_command(dltk):
    answer = dltk.ok("--help")
    assert [
        name for name in COMMANDS if not re.search(rf"^  {name}  +\S.*(?:\n   .*)*\.$", answer.out, re.MULTILINE)
    ] == []
    assert answer.err == ""


def test_without_a_command_the_help_is_shown(dltk):
    assert dltk.ok().out == dltk.ok("-h").out


def test_the_version_is_the_packages(dltk):
    import dltk as package

    assert dltk.ok("--version").out == f"{package.__version__}\n"


@pytest.mark.parametrize("command", SINGLE)
def test_every_command_has_help_for_every_flag(dltk, command):
    text = dltk.ok(command, "--help").out
    flags = re.findall(r"^  (-.*?)(?:  +(\S.*))?$", text, re.MULTILINE)
    assert {"--debug", "--help"} <= set(re.findall(r"--[a-z-]+", " ".join(flag for flag, _ in flags)))
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("  -") and not re.search(r"\S  +\S", line[2:]):
            assert lines[i + 1].startswith(" " * 10), f"{line} has no help"
    assert "[default: ()]" not in text
    assert "[[" not in text


@pytest.mark.parametrize("command", sorted({*SINGLE} - {"schema"}))
def test_every_command_that_gives_results_gives_them_as_json_too(dltk, command):
    text = dltk.ok(command, "--help").out
    assert "--json" in text
    assert ("--plugin FILE" in text) == (command != "verify")  # which looks at bytes, and loads nothing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        (["train", "--sedes", "3"], "No such option: --sedes"),
        (["train", "iris.yaml", "--device", "tpu"], "'tpu' is not one of 'auto', 'cpu', 'cuda'"),
        (["train", "iris.yaml", "--seeds", "0"], "--seeds"),
        (["eval"], "Missing argument 'RUN'"),
        (["show"], "Missing argument 'NAME'"),
        (["cv"], "Missing argument 'CONFIG'"),
    ],
)
def test_a_wrong_command_line_is_code_2_and_says_where_help_is(dltk, arguments, message):
    answer = dltk(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("error[DLTK-USAGE]: ")
    assert message in answer.err
    assert re.search(r"^  do: dltk .*--help$", answer.err, re.MULTILINE)


def test_a_json_error_is_one_object_on_stdout_and_nothing_else(dltk):
    answer = dltk("train", "iris.yaml", "data.batch_size=many", "--json")
    assert answer.code == answer.json["code"] == 2
    assert answer.json["error"] == "DLTK-CONFIG"
    (problem,) = answer.json["problems"]
    assert problem["key"] == "data.batch_size"
    assert problem["message"] == "text is not allowed here"
    assert (problem["found"], problem["allowed"]) == ("'many'", "a whole number above 0 or null")
    assert (problem["file"], problem["line"], problem["column"]) == ("override", 1, 17)
    assert problem["id"] == "DLTK-CONFIG-TYPE"
    assert answer.err == ""


def test_a_json_error_of_usage_has_the_same_form(dltk):
    answer = dltk("eval", "--json")
    assert (answer.code, answer.json["error"], answer.json["problems"]) == (2, "DLTK-USAGE", [])
    assert answer.json["message"]


def test_debug_shows_the_traceback_of_an_error(dltk):
    answer = dltk("train", "nothing.yaml", "--debug")
    assert answer.code == 66
    assert "Traceback" in answer.err
    assert "error[DLTK-MISSING]" in answer.err


def test_a_bug_is_code_70_and_leaves_a_private_crash_file_without_values(dltk, buggy, folder):
    answer = dltk("train", "iris.yaml", "model={name: buggy}", "--plugin", buggy)
    assert answer.code == 70
    assert answer.err.startswith("error[DLTK-BUG]: ")
    assert "Traceback" not in answer.err
    (crash,) = folder.glob("dltk-crash-*.txt")
    assert crash.name in answer.err
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    text = crash.read_text()
    assert "KeyError" in text
    assert "buggy.py" in text
    for secret in ("hunter2", "s3cr3t"):
        assert secret not in text + answer.err + answer.out
    assert not (folder / "runs").exists()


def test_a_bug_with_json_is_an_object_too(dltk, buggy):
    answer = dltk("train", "iris.yaml", "model={name: buggy}", "--plugin", buggy, "--json")
    assert (answer.code, answer.json["error"], answer.json["code"]) == (70, "DLTK-BUG", 70)


def test_a_bug_with_debug_is_shown_and_leaves_no_file(dltk, buggy, folder):
    answer = dltk("train", "iris.yaml", "model={name: buggy}", "--plugin", buggy, "--debug")
    assert answer.code == 70
    assert "KeyError" in answer.err
    assert list(folder.glob("dltk-crash-*")) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_code_74():
    with Path("/dev/full").open("w") as full:
        done = program(["list", "models"], stdout=full)
    assert done.returncode == 74
    assert done.stderr.startswith("error[DLTK-WRITE]: ")


def test_a_reader_that_went_away_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        done = program(["schema"], stdout=nobody)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_without_utf_8_shows_escapes(folder):
    (folder / "ä 🚀.yaml").write_text("modle: 1\n")
    done = program(["train", "ä 🚀.yaml"], PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="1")
    assert done.returncode == 2
    assert "\\xe4 \\U0001f680.yaml:1:1: modle" in done.stderr


def program(arguments, stdout=subprocess.PIPE, **environment):
    """Run dltk in a process of its own."""
    command = [sys.executable, "-m", "dltk", *arguments]
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=own, timeout=60, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_of_a_command_is_how_its_own_help_begins(name: str) -> None:
    command = COMMANDS[name]
    found = getattr(importlib.import_module(f"dltk.cli.{command.module}"), command.function)
    help_text = found.info.help if command.function == "app" else found.__doc__
    assert help_text.startswith(command.summary)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_debug_on_a_terminal_shows_the_lines_around_and_no_values(buggy, folder):
    import pty

    reader, terminal = pty.openpty()
    command = [sys.executable, "-m", "dltk", "train", "iris.yaml", "model={name: buggy}", "--plugin", buggy, "--debug"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SECRET": "abc-123"}
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=terminal, stdout=subprocess.DEVNULL)
    os.close(terminal)
    told = b""
    with contextlib.suppress(OSError):  # the end of a pseudo-terminal
        while part := os.read(reader, 4096):
            told += part
    os.close(reader)
    assert process.wait() == 70
    assert b"Traceback" in told
    assert told.count(b"buggy.py") > 1
    assert b"error[DLTK-BUG]" in told
    assert b"abc-123" not in told
