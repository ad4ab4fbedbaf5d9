"""Names on figures: a font that has their characters, short enough, never read as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

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

    Names are cut to `MAX_LENGTH`; where no known font has a name's characters, its number stands for it: "#3".
    """
    short = [_shortened(name) for name in names]
    needed = {ord(character) for name in short for character in name} - _characters(_DEFAULT)
    families = [_DEFAULT]
    if needed:
        installed = {font.name for font in fontManager.ttflist}
        families += [name for name in _WIDE if name in installed and needed & _characters(name)]
    known = set[int]().union(*(_characters(family) for family in families))
    drawn = [name if {*map(ord, name)} <= known else f"#{number}" for number, name in enumerate(short)]
    return drawn, families


def plainly(texts: Sequence[Text], families: Sequence[str]) -> None:
    """Draw texts in these fonts as they are: a dollar sign begins no formula."""
    for text in texts:
        text.set_fontfamily(list(families))
        text.set_parse_math(False)


def _shortened(name: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in name)
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"


@cache
def _characters(family: str) -> set[int]:
    path = findfont(FontProperties(family=family), fallback_to_default=True)
    return set(FT2Font(path).get_charmap())
