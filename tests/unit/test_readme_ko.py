"""README.ko.md says the same as README.md: the same commands, files, configs and Python, in Korean."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
ENGLISH, KOREAN = ((REPOSITORY / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md"))
OWN_LINKS = {"README.md", "README.ko.md", "configs/README.md"}


def blocks(text: str) -> list[str]:
    """Return the fenced blocks; comments are in the page's own language."""
    found: list[str] = re.findall(r"^```\w*\n.*?^```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r" +# .*", "", block) for block in found]


def inline(text: str) -> list[str]:
    """Return what stands in code, in order, without the blocks."""
    text = re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`]+)`", text)


def links(text: str) -> set[str]:
    return set(re.findall(r"\]\(([^)#]+)\)", text)) - OWN_LINKS


def test_the_blocks_are_the_same_but_for_comments() -> None:
    assert blocks(KOREAN) == blocks(ENGLISH)


def test_the_commands_are_the_same() -> None:
    def commands(text: str) -> list[str]:
        return sorted(code for code in inline(text) if code.startswith(("dltk ", "scripts/", "pip ", "%pip ", "echo ")))

    assert commands(KOREAN) == commands(ENGLISH)


def test_everything_else_in_code_is_the_same_too() -> None:
    assert set(inline(KOREAN)) == set(inline(ENGLISH))


def test_the_links_are_the_same_and_there() -> None:
    assert links(KOREAN) == links(ENGLISH)
    assert [link for link in links(KOREAN) if "://" not in link and not (REPOSITORY / link).exists()] == []


def test_the_sections_are_as_many() -> None:
    assert len(re.findall(r"^## ", KOREAN, re.MULTILINE)) == len(re.findall(r"^## ", ENGLISH, re.MULTILINE))
