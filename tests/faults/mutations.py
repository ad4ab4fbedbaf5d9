"""Ways to break a config, each a function of a generator of chance and the plain values or the bytes of a config."""

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from dltk.config.problems import KeyPath
from dltk.config.writing import yaml_text

Values = dict[str, Any]
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1, 3.5, 10**18, -(10**18), 1e-30, 1e30, "", "x", "auto", "no", "~", "é", "\x1b[2J", "../../x",
    "os.system", "${HOME}", [], {}, [1, 2], [[]], {"name": "adam"}, {"a": {"b": 1}}, ["x"] * 40,
)  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz_"


def mappings(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Values]]:
    """Yield every mapping in plain values with its path, the outermost first."""
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from mappings(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from mappings(item, (*path, place))


def _some_key(chance: random.Random, values: Values) -> tuple[Values, str]:
    mapping = chance.choice([mapping for _, mapping in mappings(values) if mapping])
    return mapping, chance.choice(list(mapping))


def insert(chance: random.Random, values: Values) -> None:
    mapping, _ = _some_key(chance, values)
    mapping["".join(chance.choices(LETTERS, k=chance.randint(1, 9)))] = copy.deepcopy(chance.choice(JUNK))


def delete(chance: random.Random, values: Values) -> None:
    mapping, key = _some_key(chance, values)
    del mapping[key]


def rename(chance: random.Random, values: Values) -> None:
    mapping, key = _some_key(chance, values)
    place = chance.randrange(len(key) + 1)
    new = key[:place] + chance.choice([*LETTERS, "", " ", ".", ":"]) + key[place + chance.randint(0, 1) :]
    mapping[new] = mapping.pop(key)


def retype(chance: random.Random, values: Values) -> None:
    mapping, key = _some_key(chance, values)
    mapping[key] = copy.deepcopy(chance.choice(JUNK))


def nest(chance: random.Random, values: Values) -> None:
    mapping, key = _some_key(chance, values)
    mapping[key] = {chance.choice(["name", "x", key]): mapping[key]} if chance.random() < 0.5 else [mapping[key]]


def swap(chance: random.Random, values: Values) -> None:
    one, key = _some_key(chance, values)
    other, other_key = _some_key(chance, values)
    one[key], other[other_key] = copy.deepcopy(other[other_key]), copy.deepcopy(one[key])


def duplicate(chance: random.Random, raw: bytes) -> bytes:
    """Repeat a line; in a file of block style that is a key."""
    lines = raw.splitlines(keepends=True)
    place = chance.randrange(len(lines))
    return b"".join([*lines[: place + 1], lines[place], *lines[place + 1 :]])


def truncate(chance: random.Random, raw: bytes) -> bytes:
    return raw[: chance.randrange(len(raw))]


def scatter(chance: random.Random, raw: bytes) -> bytes:
    """Change some bytes."""
    changed = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def shift(chance: random.Random, raw: bytes) -> bytes:
    """Indent a line otherwise."""
    lines = raw.splitlines(keepends=True)
    place = chance.randrange(len(lines))
    lines[place] = chance.choice([b" ", b"  ", b"\t", b"- "]) + lines[place]
    return b"".join(lines)


OF_VALUES: dict[str, Callable[[random.Random, Values], None]] = {
    "insert": insert,
    "delete": delete,
    "rename": rename,
    "retype": retype,
    "nest": nest,
    "swap": swap,
}
OF_BYTES: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "duplicate": duplicate,
    "truncate": truncate,
    "bytes": scatter,
    "shift": shift,
}


def broken(how: str, chance: random.Random, raw: bytes, values: Values) -> bytes:
    """Return the text of a config that was broken in one way."""
    if how in OF_BYTES:
        return OF_BYTES[how](chance, raw)
    changed = copy.deepcopy(values)
    OF_VALUES[how](chance, changed)
    return yaml_text(changed).encode("utf-8", "surrogatepass")
