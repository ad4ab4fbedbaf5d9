"""A bit that flips anywhere in a run is refused by whatever uses that file, or changes nothing of what it gives."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dltk.config.document import read_document
from dltk.config.errors import ConfigError
from dltk.config.keys import FREE, differences, is_below
from dltk.training.runs.rundir import RunDir
from dltk.training.runs.verifying import verify
from tests.commands import Answer, Commands, contents
from tests.endings import end_of, log
from tests.faults.experiments import write_config
from tests.faults.lives import folder_in_memory, tell

ROWS = "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n"
REFUSED = {81, 82}
UNUSED = ("train.log", ".lock", "config.yaml")
"""What nothing reads but people, and a fork that copies the text."""
LONGER = ("train", "--resume", "copy", "train.epochs=4", "--quiet")
Flip = tuple[str, int, int]


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        run: Where it is; a copy named copy is to be damaged.
        files: Its files that may flip: pictures are left out.
        scores: What eval says.
        rows: What predict says.
        end: What it ends with once it was trained longer.
    """

    run: Path
    files: Mapping[str, bytes]
    scores: Any
    rows: Any
    end: Mapping[str, Any]


@pytest.fixture
def finished(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Finished]:
    """Train three epochs with two checkpoints, the best one among them."""
    dltk = Commands(capsys)
    with folder_in_memory() as folder:
        monkeypatch.chdir(folder)
        write_config(folder, "short")
        (folder / "rows.csv").write_text(ROWS)
        run = dltk.trained("config.yaml", "tensorboard=null", "--output-dir", "run")
        shutil.copytree(run, "copy")
        scores, rows = evaluated(dltk).json["scores"], predicted(dltk).json["rows"]
        dltk.ok(*LONGER)
        end = end_of(folder / "copy")
        files = {name: content for name, content in contents(run).items() if not name.startswith("pictures")}
        yield Finished(run, files, scores, rows, end)


def evaluated(dltk: Commands) -> Answer:
    return dltk("eval", "copy", "--json")


def predicted(dltk: Commands) -> Answer:
    return dltk("predict", "copy", "rows.csv", "--json")


@contextmanager
def flipped(one: Finished, flip: Flip) -> Iterator[Path]:
    """Yield a copy of the run in which one bit is another."""
    name, position, bit = flip
    shutil.rmtree("copy", ignore_errors=True)
    shutil.copytree(one.run, "copy")
    content = bytearray(one.files[name])
    content[position] ^= 1 << bit
    Path("copy", name).write_bytes(content)
    yield Path("copy")


def drawn(files: Mapping[str, bytes], each: int) -> list[Flip]:
    """Draw so many positions of every file, the first and the last among them, and one bit of each."""
    chance, flips = Random(0), list[Flip]()
    for name, content in files.items():
        positions = {0, len(content) - 1, *chance.sample(range(len(content)), min(each, len(content)))}
        flips += [(name, position, chance.randrange(8)) for position in sorted(positions)]
    return flips


def means_the_same(one: Finished, name: str, copy: Path) -> bool:
    """Return whether what a changed file says, and what is used of it, is what the run's file says."""
    if name in UNUSED:
        return True
    if name == "resolved.yaml":  # free settings may be edited by hand: they change nothing that was learned
        return set(changed_settings(one, copy)) <= {key for key in changed_settings(one, copy) if is_below(key, FREE)}
    if name in {"status.json", "environment.json"}:
        old, new = json.loads(one.files[name]), json.loads((copy / name).read_bytes())
        return all(new.get(key) == value for key, value in old.items() if key != "sha256")
    return False


def changed_settings(one: Finished, copy: Path) -> list[str]:
    """Return the settings that differ."""
    try:
        found = read_document(copy / "resolved.yaml").values
    except ConfigError:
        return ["unreadable"]
    return list(differences(read_document(one.run / "resolved.yaml").values, found))


def prove_verified(one: Finished, flips: Iterable[Flip]) -> Counter[str]:
    """Let `dltk verify` look at run after run with one flipped bit."""
    told: Counter[str] = Counter()
    for flip in flips:
        with flipped(one, flip) as copy:
            damaged = {part.part for part in verify(RunDir(copy)).damaged}
            if damaged:
                assert any(flip[0].startswith(part) for part in damaged) or "best" in damaged, (flip, damaged)
            else:
                assert means_the_same(one, flip[0], copy), f"{flip} is not noticed"
        told["noticed" if damaged else "harmless"] += 1
    tell(f"verify: {sum(told.values())} flipped bits:", dict(told))
    return told


def prove_used(one: Finished, flips: Iterable[Flip], dltk: Commands) -> Counter[str]:
    """Let eval, predict and a longer training use run after run with one flipped bit."""
    told: Counter[str] = Counter()
    for flip in flips:
        with flipped(one, flip) as copy:
            if flip[0] == "resolved.yaml" and verify(RunDir(copy)).is_intact and changed_settings(one, copy):
                told["a free setting"] += 1
                continue
            told[f"eval: {said(evaluated(dltk), 'scores', one.scores, flip)}"] += 1
            told[f"predict: {said(predicted(dltk), 'rows', one.rows, flip)}"] += 1
            told[f"resume: {gone_on(dltk(*LONGER), one, flip)}"] += 1
    tell(f"used: {dict(told)}")
    return told


def gone_on(answer: Answer, one: Finished, flip: Flip) -> str:
    """Return how a longer training ended: refused, the same, or with another best checkpoint, which it says."""
    if answer.code:
        assert answer.code in REFUSED, (flip, answer)
        return "refused"
    end, names = end_of(Path("copy").absolute()), ["weights", "metrics"]
    if "warning[DLTK-WARN-BEST]" not in log(Path("copy")):
        names = list(one.end)
    assert {name: end[name] for name in names} == {name: one.end[name] for name in names}, f"{flip} is used"
    return "the same" if len(names) > 2 else "another best"


def said(answer: Answer, part: str, expected: Any, flip: Flip) -> str:
    """Return how a command answered: refused, the same, or with another checkpoint, which it says."""
    if answer.code:
        assert answer.code in REFUSED, (flip, answer)
        return "refused"
    if "skipped a checkpoint" in answer.err:
        assert flip[0].startswith("checkpoints/"), flip
        return "another checkpoint"
    assert answer.json[part] == expected, f"{flip} is used"
    return "the same"


@pytest.fixture
def dltk(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


def test_a_flipped_bit_of_any_file_is_noticed_by_verify_or_harmless(finished: Finished) -> None:
    told = prove_verified(finished, drawn(finished.files, each=10))
    assert told["noticed"] > 120


def test_a_flipped_bit_is_refused_by_every_command_or_changes_nothing(finished: Finished, dltk: Commands) -> None:
    deciding = {name: content for name, content in finished.files.items() if name not in UNUSED}
    told = prove_used(finished, Random(1).sample(drawn(deciding, each=3), 16), dltk)
    assert told["eval: refused"] >= 3


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_flipped_bit_of_every_byte_is_noticed_by_verify_or_harmless(finished: Finished) -> None:
    told = prove_verified(finished, drawn(finished.files, each=10**6))
    assert told["noticed"] > 10_000


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_many_flipped_bits_are_refused_by_every_command_or_change_nothing(finished: Finished, dltk: Commands) -> None:
    told = prove_used(finished, drawn(finished.files, each=22), dltk)
    assert told["eval: refused"] > 60
