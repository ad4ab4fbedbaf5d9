"""Error ids and exit codes: the code and docs/messages.md agree, both ways."""

import re
from pathlib import Path
from typing import get_args

import pytest

from dltk.cli.app import run
from dltk.config import errors
from dltk.config.checking import check_config
from dltk.config.problems import ProblemId

REPOSITORY = Path(__file__).parent.parent.parent
PAGE = (REPOSITORY / "docs" / "messages.md").read_text(encoding="utf-8")
IN_CODE = {
    (kind.ID, kind.CODE)  # type: ignore[attr-defined]
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.DltkError) and kind is not errors.DltkError
} | {("DLTK-BUG", 70)}
KINDS = set(get_args(ProblemId))
KINDS_ON_PAGE = set(re.findall(r"^### (DLTK-[A-Z-]+)$", PAGE, re.MULTILINE))
SOURCES = {path: path.read_text(encoding="utf-8") for path in (REPOSITORY / "dltk").rglob("*.py")}
ON_PAGE = {(id_, int(code)) for id_, code in re.findall(r"^### (DLTK-[A-Z]+) \((\d+)\)$", PAGE, re.MULTILINE)}


def test_every_error_has_a_section_with_its_code_and_every_section_an_error() -> None:
    assert ON_PAGE == IN_CODE


def test_every_id_spelled_anywhere_in_the_code_is_on_the_page() -> None:
    spelled = {id_ for source in SOURCES.values() for id_ in re.findall(r"DLTK-[A-Z-]+[A-Z]", source)}
    assert spelled == {id_ for id_, _ in ON_PAGE} | KINDS_ON_PAGE


def test_every_kind_of_problem_has_a_section_and_every_section_a_kind() -> None:
    assert {id_ for id_ in KINDS_ON_PAGE if not id_.startswith("DLTK-WARN-")} == KINDS
    assert all(kind.startswith(tuple(id_ for id_, _ in ON_PAGE)) for kind in KINDS)


def test_show_explains_every_id(capsys: pytest.CaptureFixture[str]) -> None:
    for id_ in {id_ for id_, _ in ON_PAGE} | KINDS:
        assert run(["show", id_.lower()]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == id_
        assert len(" ".join(lines[1:])) > 20
    assert run(["show", "DLTK-CONFIG-TIPE"]) == 2
    assert "did you mean 'DLTK-CONFIG-TYPE'?" in capsys.readouterr().err


def test_every_warning_has_an_id_and_every_id_is_tested() -> None:
    assert not [str(path) for path, source in SOURCES.items() if re.search(r"[\"']warning: ", source)]
    tests = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py"))
    warned = {id_ for source in SOURCES.values() for id_ in re.findall(r"warning\[(DLTK-WARN-[A-Z]+)\]", source)}
    assert warned == {id_ for id_ in KINDS_ON_PAGE if id_.startswith("DLTK-WARN-")}
    assert {id_ for id_ in warned if id_ not in tests} == set()


def test_every_kind_of_problem_is_raised_somewhere() -> None:
    sources = "".join(source for path, source in SOURCES.items() if path.name != "problems.py")
    assert {kind for kind in KINDS if f'"{kind}"' not in sources} <= {"DLTK-CONFIG-OPTION"}  # the default


def test_every_code_of_an_error_is_in_the_table_of_exit_codes() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE)
    codes = {int(code) for row in rows for code in row.split(",")}
    assert {code for _, code in ON_PAGE} <= codes
    assert 1 not in codes


@pytest.mark.parametrize("id_", sorted({id_ for id_, _ in ON_PAGE} | KINDS))
def test_an_id_has_one_section(id_: str) -> None:
    assert len(re.findall(rf"^### {id_}(?: |$)", PAGE, re.MULTILINE)) == 1


def test_the_example_on_the_page_is_what_a_user_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["data:  {name: digits}", "model: {name: mlp, hiden: [64]}", "optimizer: {lr: fast}"]
    Path("digits.yaml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(errors.ConfigError) as caught:
        check_config(Path("digits.yaml"))
    (example,) = re.findall(r"^```\n(error.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
    assert str(caught.value) == example
