"""The bootstrap in scripts/: what it installs, when, and for whom; with a stand-in for pip."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
FAKE_PYTHON = """#!/bin/bash
log="$(dirname "$0")/../../pip.log"
case "$*" in
    "-m pip --version") exit 0 ;;
    "-m pip install"*)
        [ -e "$(dirname "$log")/offline" ] && exit 1
        sleep 0.3
        echo "${@: -1}" >>"$log" ;;
    *) echo "python $*" ;;
esac
"""
FAKE_DLTK = """#!/bin/bash
echo "dltk $* in $(basename "$PWD")"
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="bash scripts; on Windows they need WSL")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout, in a folder with a space, whose .venv logs what pip is asked for."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3.13").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    checkout = tmp_path / "a checkout"
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    shutil.copytree(SCRIPTS, checkout / "scripts")
    (checkout / "pyproject.toml").write_text("[project]\n")
    for name, text in (("python", FAKE_PYTHON), ("dltk", FAKE_DLTK)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return checkout


def start(checkout: Path, script: str, *arguments: str, path: str | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [checkout / "scripts" / script, *arguments],
        cwd=checkout.parent,
        env={**os.environ, **({"PATH": path} if path else {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def installed(checkout: Path) -> list[str]:
    log = checkout / "pip.log"
    return [Path(line).name for line in log.read_text().splitlines()] if log.exists() else []


def test_the_first_call_installs_and_later_ones_only_run(checkout: Path) -> None:
    first, second = (start(checkout, "dltk", "list").communicate() for _ in range(2))
    assert installed(checkout) == ["a checkout"]
    assert all(line.startswith("dltk setup: ") for line in first[1].splitlines())
    assert first[1]
    assert second[1] == ""


def test_the_program_runs_where_the_user_is_with_all_arguments(checkout: Path) -> None:
    out, _ = start(checkout, "dltk", "train", "a b.yaml").communicate()
    assert out == f"dltk train a b.yaml in {checkout.parent.name}\n"


def test_a_link_to_the_script_works(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(checkout / "scripts" / "dltk")
    assert subprocess.run([tmp_path / "link", "list"], capture_output=True, check=False).returncode == 0


def test_a_changed_pyproject_is_installed_anew(checkout: Path) -> None:
    start(checkout, "dltk").communicate()
    (checkout / "pyproject.toml").write_text("[project]\nname = 'dltk'\n")
    start(checkout, "dltk").communicate()
    assert installed(checkout) == ["a checkout"] * 2


def test_tests_need_the_development_tools_which_serve_the_program_too(checkout: Path) -> None:
    for script in ("dltk", "test", "dltk"):
        start(checkout, script).communicate()
    assert installed(checkout) == ["a checkout", "a checkout[all,dev]"]


def test_two_calls_at_once_install_once(checkout: Path) -> None:
    both = [start(checkout, "dltk"), start(checkout, "dltk")]
    for process in both:
        process.communicate()
    assert [process.returncode for process in both] == [0, 0]
    assert installed(checkout) == ["a checkout"]


def test_a_failed_installation_is_said_and_tried_again(checkout: Path) -> None:
    (checkout / "offline").touch()
    process = start(checkout, "dltk")
    assert "pip could not install dltk" in process.communicate()[1]
    assert process.returncode == 69
    (checkout / "offline").unlink()
    start(checkout, "dltk").communicate()
    assert installed(checkout) == ["a checkout"]


def test_without_a_new_enough_python_it_says_so(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "no python"
    tools.mkdir()
    for name in ("bash", "dirname", "readlink", "cksum", "uname"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    process = start(checkout, "dltk", path=str(tools))
    assert "Python 3.11 or newer" in process.communicate()[1]
    assert process.returncode == 69
