"""The oldest versions that dltk installs with have no known hole in what reads other people's files."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((Path(__file__).parent.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FLOORS = {
    "torch": "2.10",  # CVE-2026-24747: weights_only=True ran code before it
    "pillow": "12.2",  # CVE-2026-40192: a small file of a rare format filled the memory
    "pyyaml": "6",  # CVE-2020-14343 and the safe loader's own past
}


@pytest.mark.parametrize("name", FLOORS)
def test_a_package_with_a_known_hole_is_never_installed(name):
    (found,) = (Requirement(text) for text in PROJECT["dependencies"] if Requirement(text).name.lower() == name)
    (oldest,) = (Version(one.version) for one in found.specifier if one.operator == ">=")
    assert oldest >= Version(FLOORS[name])
