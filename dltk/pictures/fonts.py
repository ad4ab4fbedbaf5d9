"""Names on figures: a font that has their characters, short enough, never read as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from dltk.config.errors import at_most_shown, shown

MAX_LENGTH = 24
_DEFAULT = "DejaVu Sans"
_WIDE = (
    "Noto Sans CJK KR", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans KR", "Noto Sans JP",
    "Noto Sans SC", "Source Han Sans", "NanumGothic", "Nanum Gothic", "Malgun Gothic", "Apple SD Gothic Neo",
    "AppleGothic", "Hiragino Sans", "PingFang SC", "Microsoft YaHei", "SimHei", "Yu Gothic", "MS Gothic",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "IPAGothic", "TakaoPGothic", "VL Gothic", "UnDotum", "Baekmuk Gulim",
    "Droid Sans Fallback", "Arial Unicode MS", "Unifont",
)  # fmt: skip


def drawable(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what can be drawn of some names, and the font families that have it.

    Names are cut to `MAX_LENGTH`; where no known font has a name's characters, its number stands for it: "#3". What is
    returned is drawable as it is: where only some of the names are drawn, choose among those of all.
    """
    short = [_shortened(name) for name in names]
    needed = {ord(character) for name in short for character in name} - _characters(_DEFAULT)
    families = _families(needed)
    if not needed <= _known(families):
        _find_new_fonts()
        families = _families(needed)
    known = _known(families)
    drawn = [name if {*map(ord, name)} <= known else f"#{number}" for number, name in enumerate(short)]
    return drawn, families


def font_note(names: Sequence[str]) -> str:
    """Say which names no font here can draw, and what pictures call them; "" where all are drawn."""
    drawn, _ = drawable(names)
    lacking = [f"{new} is {shown(old)}" for old, new in zip(names, drawn, strict=True) if new != _shortened(old)]
    fonts = "a CJK font such as Noto Sans CJK or Nanum"
    return f"no font here can draw some names: {at_most_shown(lacking)}; install {fonts}" if lacking else ""


def plainly(texts: Sequence[Text], families: Sequence[str]) -> None:
    """Draw texts in these fonts as they are: a dollar sign begins no formula."""
    for text in texts:
        text.set_fontfamily(list(families))
        text.set_parse_math(False)


def _shortened(name: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in name)
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"


def _families(needed: set[int]) -> list[str]:
    """Return the default font and, of the installed ones, those that have some of these characters."""
    installed = {font.name for font in fontManager.ttflist} if needed else set()
    return [_DEFAULT, *(name for name in _WIDE if name in installed and needed & _characters(name))]


def _known(families: Sequence[str]) -> set[int]:
    return set[int]().union(*(_characters(family) for family in families))


@cache
def _find_new_fonts() -> None:
    """Tell matplotlib of the fonts that were installed since it listed them, which it does once per machine."""
    listed = {font.fname for font in fontManager.ttflist}
    for path in sorted({*findSystemFonts()} - listed):
        with suppress(OSError, RuntimeError, ValueError, LookupError):  # a damaged file is no font
            fontManager.addfont(path)


@cache
def _characters(family: str) -> set[int]:
    path = findfont(FontProperties(family=family), fallback_to_default=True)
    return set(FT2Font(path).get_charmap())
