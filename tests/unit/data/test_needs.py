"""What tables and texts are said to need in memory is what they take: never less, and not much more."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dltk.data.texts.room import needed_bytes, of_cells, of_words

MOST = 1.8
NUM_BYTES = 40_000_000
WORDS = ["film", "good", "bad", "wonderful", "terrible", "it", "was", "the", "most"]
CHANCE = random.Random(0)
TABLES: dict[str, Callable[[], list[str]]] = {
    "decimals": lambda: [f"{CHANCE.gauss(0, 1):.4f}" for _ in range(40)],
    "digits": lambda: [str(CHANCE.randrange(10)) for _ in range(40)],
    "precise": lambda: [repr(CHANCE.gauss(0, 1)) for _ in range(20)],
    "letters": lambda: [CHANCE.choice("abcde") for _ in range(20)],
    "many letters": lambda: [CHANCE.choice("abcdefghijklmnopqrst") for _ in range(20)],
    "narrow": lambda: [str(CHANCE.randrange(10))],
    "names": lambda: [f"city number {CHANCE.randrange(2000)}" for _ in range(10)],
}
PEAK = """
import itertools, sys
from pathlib import Path
import torch
from dltk.experiment.building import build
from dltk.experiment.config import read_experiment
torch.set_num_threads(1)
name, path = sys.argv[1:]
options = {"text": "x0", "label": "y", "sparse": True} if name == "text_csv" else {"target": "y"}
data = {"name": name, "path": path, "storage": "memory", **options}
model = {"name": "embedding_bag" if name == "text_csv" else "linear"}
built = build(read_experiment({"data": data, "model": model}), torch.device("cpu"))
next(built.splits.lessons.epoch(0))
lines = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")))
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not tell the peak so")


def write(path: Path, row: Callable[[], list[str]], num_bytes: int) -> Path:
    """Write rows of cells, and a class, until there are enough bytes; some thousands are drawn, and shuffled."""
    rows = [",".join([*row(), CHANCE.choice(["no", "yes"])]) for _ in range(5000)]
    with path.open("w") as file:
        written = file.write(",".join([*(f"x{i}" for i in range(rows[0].count(","))), "y\n"]))
        while written < num_bytes:
            CHANCE.shuffle(rows)
            written += file.write("\n".join(rows) + "\n")
    return path


def peak(name: str, path: Path) -> int:
    done = subprocess.run([sys.executable, "-c", PEAK, name, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def times(tmp_path: Path, row: Callable[[], list[str]], name: str = "csv") -> float:
    """Return what is said over what is taken."""
    large, small = write(tmp_path / "large.csv", row, NUM_BYTES), write(tmp_path / "small.csv", row, 1000)
    said = needed_bytes([large, small], large.stat().st_size, of_words if name == "text_csv" else of_cells)
    assert said is not None
    return said / (peak(name, large) - peak(name, small))


@linux
@pytest.mark.slow
@pytest.mark.parametrize("kind", TABLES)
def test_what_a_table_needs_is_what_it_takes(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("dltk.data.texts.room.MIN_BYTES", 0)
    assert 1 <= times(tmp_path, TABLES[kind]) <= MOST


@linux
@pytest.mark.slow
def test_what_texts_need_is_what_they_take(tmp_path, monkeypatch):
    monkeypatch.setattr("dltk.data.texts.room.MIN_BYTES", 0)
    assert 1 <= times(tmp_path, lambda: [" ".join(CHANCE.choices(WORDS, k=30))], "text_csv") <= MOST


def test_it_is_told_from_lines_all_over_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("dltk.data.texts.room.MIN_BYTES", 0)
    sorted_rows = tmp_path / "sorted.csv"
    sorted_rows.write_text("".join(f"{letter},1\n" * 50_000 for letter in "abcdef"))
    size = sorted_rows.stat().st_size
    assert needed_bytes([sorted_rows], size, of_cells) == int(size * (3 + (130 + 7 * 5) / 4))
