"""The page of promises: each names a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PAGE = (TESTS.parent / "docs" / "promises.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and line != "| promise | held by |"
]
REFERENCE = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
OF_TESTS = {"faults/test_goldens.py"}
"""What keeps answers as they are, word by word, and promises nothing of them."""
REFERENCES = sorted(set(REFERENCE.findall(PAGE)))


@cache
def known_in(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_the_tests_that_hold_it_and_nothing_else() -> None:
    assert len(ROWS) > 20
    for row in ROWS:
        promise, held_by = row
        assert promise.endswith("."), row
        assert REFERENCE.sub("", held_by).strip(", ") == "", row
        assert REFERENCE.search(held_by), row


def test_no_promise_is_made_twice() -> None:
    promises = [row[0] for row in ROWS]
    assert len(promises) == len(set(promises))


def test_every_test_of_faults_holds_a_promise() -> None:
    modules = {path.relative_to(TESTS).as_posix() for path in (TESTS / "faults").glob("test_*.py")}
    assert modules - OF_TESTS - {path for path, _ in REFERENCES} == set()


@pytest.mark.parametrize(("path", "name"), REFERENCES, ids=["::".join(reference) for reference in REFERENCES])
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert (TESTS / path).is_file(), path
    assert name in known_in(path)
