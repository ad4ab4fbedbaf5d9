"""What is said about a key or a value that a config may not have, wherever it is noticed."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from dltk.config.errors import choices_near, did_you_mean, listed, shown
from dltk.config.problems import KeyPath, Problem, ProblemId
from dltk.config.terminal import escaped

_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    str: "text",
    list: "a list",
    dict: "a mapping",
}
_GROUPED = re.compile(r"\d{1,3}([_,]\d{3})+", re.ASCII)
_LIKE_NUMBER = re.compile(r"([+-]?\d{1,15}(?:[.,]\d{1,15})?(?:e[+-]?\d{1,2})?)\s*(%?)", re.ASCII)
_WORDS = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False, "none": None}
_SWITCHES = {True: "on", False: "off"}


def unknown_key(path: KeyPath, known: Collection[str], hint: str = "", what: str = "option") -> Problem:
    """Say that a mapping may not have the key at the end of a path; `hint` replaces the nearest known key."""
    key = str(path[-1])
    name, separator, value = key.partition(":")
    if separator and name in known:  # YAML sees no value where no space follows the colon
        hint = f"; put a space after the colon: {escaped(name)}: {escaped(value)}".rstrip(" :")
    said = f"no such {what}{hint or did_you_mean(key, known)}"
    allowed = choices_near(key, known) if known else ""
    return Problem(path, said, at_key=True, id="DLTK-CONFIG-UNKNOWN-KEY", allowed=allowed)


def missing_key(path: KeyPath, key: str, what: str) -> Problem:
    """Say that a mapping lacks a key."""
    return Problem(path, f"'{key}' is missing", at_key=True, id="DLTK-CONFIG-MISSING-KEY", allowed=what)


def missing_name(path: KeyPath, key: str, value: Collection[Any], kinds: Collection[str]) -> Problem:
    """Say that a mapping lacks the key that names its kind, or that the key is misspelt."""
    near = next((str(other) for other in value if did_you_mean(str(other), [key])), None)
    if near is not None:
        return unknown_key((*path, near), [key])
    return missing_key(path, key, f"one of {listed(kinds)}")


def unknown_name(path: KeyPath, what: str, name: Any, known: Collection[str], hint: str = "") -> Problem:
    """Say that there is no component, layer or the like of a name; `hint` replaces the nearest known name."""
    said = f"there is no {what} {shown(name)}".replace("  ", " ")
    hint = hint or did_you_mean(str(name), known)
    return Problem(path, said + hint, id="DLTK-CONFIG-UNKNOWN-NAME", allowed=choices_near(str(name), known))


def wrong_value(
    path: KeyPath, value: Any, allowed: str, *, hint: str = "", fits_type: bool = False, is_word: bool = False
) -> Problem:
    """Say that a value may not stand at a path.

    Args:
        path: Where it stands.
        value: What it is.
        allowed: What may stand there.
        hint: What was meant, where that is known: the end of the sentence.
        fits_type: It is out of range only.
        is_word: It stands where one of several words may stand.
    """
    kind, said = _complaint(value, fits_type=fits_type, is_word=is_word)
    return Problem(path, said + hint, id=kind, found=shown(value), allowed=allowed)


def _complaint(value: Any, *, fits_type: bool, is_word: bool) -> tuple[ProblemId, str]:
    if fits_type and isinstance(value, str):
        return "DLTK-CONFIG-FORM", "this text has not the form that is needed"
    if fits_type and isinstance(value, list):
        return "DLTK-CONFIG-LENGTH", f"a list of {len(value)} is not allowed here"
    if fits_type:
        return "DLTK-CONFIG-RANGE", "is out of range"
    if is_word:
        return "DLTK-CONFIG-CHOICE", "no such choice"
    if value is None:
        return "DLTK-CONFIG-TYPE", "there is no value here"
    is_whole = isinstance(value, float) and value.is_integer()
    kind = "a number with a point or an exponent" if is_whole else _KINDS.get(type(value), "this")
    return "DLTK-CONFIG-TYPE", f"{kind} is not allowed here"


def meant_instead(value: Any) -> list[Any]:
    """Return what a value of a wrong type may have been meant as: yes as true or "on", 1_000 as 1000, 99% as 0.99."""
    if isinstance(value, bool):
        return [_SWITCHES[value]]
    if isinstance(value, list):
        return value if len(value) == 1 else []
    if isinstance(value, float) and value.is_integer():
        return [int(value)]
    if isinstance(value, int) and value in {0, 1}:
        return [bool(value)]
    if not isinstance(value, str):
        return []
    text = value.strip().lower()
    if text not in _WORDS:
        return _numbers_in(text)
    said = _WORDS[text]
    return [said] if said is None else [said, _SWITCHES[said]]


def _numbers_in(text: str) -> list[int | float]:
    """Return the number that a text may stand for."""
    if _GROUPED.fullmatch(text):
        return [int(re.sub("[_,]", "", text))]
    found = _LIKE_NUMBER.fullmatch(text)
    if found is None:
        return []
    number = float(found[1].replace(",", "."))
    if found[2]:
        return [round(number / 100, 10)]
    return [int(number)] if number.is_integer() and found[1].isdecimal() else [number]
