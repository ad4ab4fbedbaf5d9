"""Whatever a config is: a foreseen code, a place for everything wrong, and no traceback, soon."""

import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltk.config import differing, registry, schema
from dltk.config.checking import check_config
from dltk.config.document import parse_document, read_document
from dltk.config.errors import ConfigError
from dltk.config.problems import KeyPath
from dltk.config.writing import yaml_text
from dltk.experiment.config import read_experiment
from tests.commands import Commands
from tests.faults import scalars
from tests.faults.mutations import OF_BYTES, OF_VALUES, broken, mappings

REPOSITORY = Path(__file__).parents[2]
CONFIGS = sorted((REPOSITORY / "configs").rglob("*.yaml"))
BUNDLED = [path for path in CONFIGS if path.parent.name in {"gates", "start", "generative"}] + [
    REPOSITORY / "configs" / "tables" / f"{name}_mlp.yaml" for name in ("iris", "wine", "breast_cancer", "diabetes")
]
SEED = 20261128
CODES = {0, 2, 65, 66}
LIMIT_SECONDS = {"light": 2, "heavy": 15}
KINDS = [*OF_VALUES, *OF_BYTES]
every_config = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
every_bundled_config = pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)


@pytest.fixture
def dltk(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Return what runs commands in an empty folder, where no data set lies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    return Commands(capsys)


def refuse_bad_answer(dltk: Commands, raw: bytes) -> int:
    """Run a config; assert what holds for the answer to any; return the code."""
    Path("fuzzed.yaml").write_bytes(raw)
    begun = time.process_time()
    answer = dltk("train", "fuzzed.yaml", "train.threads=1", "--dry-run")
    seconds = time.process_time() - begun
    assert answer.code in CODES, answer.err
    assert "Traceback" not in answer.err
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", answer.err)
    assert seconds < LIMIT_SECONDS["heavy"]
    if answer.code == 2:
        assert re.match(r"error\[DLTK-CONFIG\]: \d+ problems? in the configuration\n", answer.err), answer.err
        problems = re.findall(r"^(?:(\S+:\d+:\d+): )?.* \[DLTK-CONFIG-[A-Z-]+\]$", answer.err, re.MULTILINE)
        assert problems
        assert all(problems), answer.err
    assert {path.name for path in Path().iterdir()} <= {"fuzzed.yaml", "cache"}
    return answer.code


def fuzz(dltk: Commands, path: Path, kind: str, count: int, seed: int) -> None:
    raw, values = path.read_bytes(), read_document(path).values
    for i in range(count):
        chance = random.Random(f"{seed} {path.stem} {kind} {i}")
        changed = broken(kind, chance, raw, values)
        try:
            refuse_bad_answer(dltk, changed)
        except AssertionError as error:
            raise AssertionError(f"{path.stem} {kind} {i}:\n{changed.decode('utf-8', 'replace')}\n{error}") from None


@pytest.mark.parametrize("kind", KINDS)
@every_config
def test_a_mutated_config_gets_a_foreseen_answer(dltk, path, kind):
    fuzz(dltk, path, kind, 1, SEED)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
@every_config
def test_many_mutated_configs_get_foreseen_answers(dltk, path, kind):
    fuzz(dltk, path, kind, 20, SEED + 1)


YAML_LIKE = st.text("abnm:{}[],&*!|>'\"-?#%@`\\ \n\t019.~<=é", max_size=200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=2**10), st.text(max_size=500), YAML_LIKE))
def test_any_bytes_are_refused_with_a_place(folder, text):
    path = folder / "any.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError) as caught:
        check_config(path)
    assert all(problem.position is not None for problem in caught.value.problems)


@pytest.mark.parametrize("size", [2**16, 2**16 - 1])
@pytest.mark.parametrize(
    "unit", [b"[", b"{", b"a: ", b"- ", b"'", b"\xff", b"a: {b: c}\n", b"&a ", b"*a ", b"\n", b"? ", b"0"]
)
def test_64_kib_of_anything_are_answered_within_the_limits(tmp_path, size, unit):
    path = tmp_path / "large.yaml"
    path.write_bytes((unit * size)[:size])
    begun = time.process_time()
    with pytest.raises(ConfigError):
        check_config(path)
    assert time.process_time() - begun < LIMIT_SECONDS["light"]


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
from dltk.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "raw",
    [b"data: {name: iris}\nmodle: {}\n", b"a: &a [*a]\n", b"[" * 2**16, b"a: &a [x, x]\n" * 4000, b"\xff" * 2**16],
    ids=["typo", "endless", "brackets", "many", "bytes"],
)
def test_a_process_of_its_own_answers_within_time_and_memory(tmp_path, raw):
    (tmp_path / "c.yaml").write_bytes(raw)
    begun = time.monotonic()
    command = [sys.executable, "-c", LIMITED, "train", "c.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert re.search(r"^c\.yaml:\d+:\d+: ", done.stderr, re.MULTILINE)
    assert time.monotonic() - begun < LIMIT_SECONDS["heavy"]  # of a busy machine; the answer takes a third of a second


def dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def at(values: Any, path: KeyPath) -> Any:
    for part in path:
        values = values[part]
    return values


def problems_of(values: dict[str, Any]) -> list[str]:
    """Return the keys of what is wrong with plain values, by the check that needs no torch."""
    return [problem.key for problem in differing.check(values)]


FREE = {"parameters", "columns", "class_weights"}
"""Options whose keys are the user's own names."""


@every_config
def test_an_unknown_key_in_any_mapping_is_refused_with_its_dotted_path(path):
    for where, _ in mappings(read_document(path).values):
        values = read_document(path).values
        at(values, where)["zzz"] = 1
        if FREE.isdisjoint(where):
            assert dotted((*where, "zzz")) in problems_of(values)


def flow(value: Any, twice: KeyPath | None, path: KeyPath = ()) -> str:
    """Return values as one line of YAML, in which the key at a path stands twice."""
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {flow(item, twice, (*path, key))}" for key, item in value.items()]
        again = [item for key, item in zip(value, items, strict=True) if (*path, key) == twice]
        return "{" + ", ".join([*items, *again]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item, twice, (*path, i)) for i, item in enumerate(value)) + "]"
    return json.dumps(value)


@every_config
def test_any_key_that_stands_twice_is_refused(path):
    values = read_document(path).values
    assert parse_document(flow(values, None).encode(), "c.yaml").values == values
    for where, mapping in mappings(values):
        for key in mapping:
            document = parse_document(flow(values, (*where, key)).encode(), "c.yaml")
            assert [(p.key, p.id) for p in document.problems] == [(dotted((*where, key)), "DLTK-CONFIG-DUPLICATE-KEY")]


def reordered(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = chance.sample(list(value), len(value))
        return {key: reordered(value[key], chance) for key in keys}
    return [reordered(item, chance) for item in value] if isinstance(value, list) else value


@every_bundled_config
def test_the_order_of_keys_changes_nothing(path):
    values = read_document(path).values
    expected = read_experiment(values).plain()
    for seed in range(2):
        assert read_experiment(reordered(values, random.Random(seed))).plain() == expected


@every_bundled_config
def test_what_was_resolved_resolves_to_itself(path):
    resolved = read_experiment(read_document(path).values).plain()
    again = parse_document(yaml_text(resolved).encode(), "c.yaml")
    assert not again.problems
    assert read_experiment(again.values).plain() == resolved


def with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with every default that is documented, and is not "none", written out."""
    full = dict(values)
    shared = json.loads(schema.SCHEMA_PATH.read_text(encoding="utf-8"))
    for section, option in shared["properties"].items():
        given = full.get(section)
        if isinstance(given, dict) and isinstance(given.get("name"), str):
            own = schema.options(section, given["name"]) or {}
        elif section in {"train", "checkpoint", "early_stopping"} and (isinstance(given, dict) or section not in full):
            if section == "early_stopping" and given is None:
                continue
            own = schema.find(section)[section]
        elif "default" in option and option["default"] is not None and section not in full:
            full[section] = option["default"]
            continue
        else:
            continue
        known = {
            key: one["default"] for key, one in own.get("properties", {}).items() if one.get("default") is not None
        }
        full[section] = {**known, **(given or {})}
    return full


@every_bundled_config
def test_writing_out_every_documented_default_changes_nothing(path):
    values = read_document(path).values
    full = with_defaults(values)
    assert full != values
    assert read_experiment(full).plain() == read_experiment(values).plain()


def test_forty_scalars_mean_in_every_type_of_option_what_the_table_says():
    assert len(scalars.SCALARS) >= 40
    assert scalars.table() == scalars.TABLE.read_text(encoding="utf-8")
