"""configs/README.md, the course: current, complete, and its pictures are such as runs draw."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
SCRIPT = REPOSITORY / "scripts" / "update_course"
PAGE = (REPOSITORY / "configs" / "README.md").read_text(encoding="utf-8")


def test_the_page_is_current() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_config_has_a_row_with_its_term_in_both_languages() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\((\S+)\) \| (.*?) \| (.*?) \|", PAGE, re.MULTILINE)
    configs = {str(path.relative_to(REPOSITORY / "configs")) for path in (REPOSITORY / "configs").glob("*/*.yaml")}
    assert {link for _, link, *_ in rows} == configs
    assert [name for name, _, english, korean in rows if not english or not re.search("[가-힣]", korean)] == []


def test_a_picture_to_look_at_is_one_that_a_task_draws() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "dltk").rglob("*.py"))
    chapters = runpy.run_path(str(SCRIPT))["CHAPTERS"].values()
    named = {Path(chapter.picture).stem for chapter in chapters if chapter.picture}
    assert named
    assert [name for name in named if f'"{name}"' not in sources] == []
