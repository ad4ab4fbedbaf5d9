"""docs/datasets.md names every shipped data set, and every file and address that dltk downloads from."""

import re
from pathlib import Path

import pytest

from dltk.config import registry
from dltk.data.download import Remote
from tests.contracts.examples import shipped

PAGE = (Path(__file__).parent.parent.parent / "docs" / "datasets.md").read_text(encoding="utf-8")
OVERVIEW, _, DOWNLOADS = PAGE.partition("## Where dltk looks")
DATASETS = shipped("datasets")


def rows(text: str) -> dict[str, str]:
    return {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` \|.*$", text, re.MULTILINE)}


def remotes(name: str) -> tuple[Remote, ...]:
    return getattr(registry.load("datasets", name), "REMOTES", ())


def test_every_data_set_has_a_row_in_order_and_every_row_a_data_set():
    assert list(rows(OVERVIEW)) == DATASETS, "docs/datasets.md needs a row per data set"


def test_what_is_downloaded_is_said_of_exactly_those_that_are():
    downloaded = [name for name in DATASETS if remotes(name)]
    assert list(rows(DOWNLOADS)) == downloaded, "docs/datasets.md needs the files and addresses of what is downloaded"
    assert [name for name, row in rows(OVERVIEW).items() if "| downloaded |" in row] == downloaded


@pytest.mark.parametrize("name", [name for name in DATASETS if remotes(name)])
def test_every_address_is_safe_and_on_the_page(name):
    row = rows(DOWNLOADS)[name]
    for remote in remotes(name):
        folder, _, file = remote.name.rpartition("/")
        assert folder in row
        for url in remote.urls:
            assert url.startswith("https://")
            assert url in row or url.removesuffix(file) in row


@pytest.mark.parametrize("name", [name for name in DATASETS if remotes(name)])
def test_an_md5_is_one_and_a_name_stays_below_the_cache(name):
    for remote in remotes(name):
        assert re.fullmatch(r"([0-9a-f]{32})?", remote.md5)
        assert all(".." not in path and not path.startswith("/") for path in (remote.name, *remote.found_as))
