"""Texts and ratings as the libraries for them take them, cut into what is learned and what is held out to judge by."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.skip_gram import AROUND, LENGTH, NEGATIVES, NOTHING, REACH, noise_of
from benchmarks.stars import NO_STAR, TOGETHER
from dltk.config.errors import MissingInput

Array = NDArray[Any]
NUM_WORDS, NUM_USERS, NUM_FILMS = 6_500, 943, 1_682
"""The words that are most frequent; all others are left out of the text. Users and films of MovieLens-100K."""
HELD_OUT_PARAGRAPH, HELD_OUT_RATINGS = 20, 10_000
"""Every so-manieth paragraph is held out; so many ratings are."""


@dataclass(frozen=True)
class Found:
    """Samples to learn from, and what comes with them.

    Attributes:
        inputs: One row per sample.
        targets: Likewise.
        others: What is judged by, and the samples in other forms, by name.
        note: What people should know about them.
    """

    inputs: Array
    targets: Array
    others: Mapping[str, Array] = field(default_factory=dict)
    note: str = ""


def words() -> Found:
    """Return paragraphs of Wikipedia (WikiText-2), and pairs of words that people compared (WordSim-353).

    Raises:
        MissingInput: They are not there.
    """
    paragraphs = []
    for part in ("valid", "test"):
        lines = gzip.decompress(_path(f"wikitext-2/{part}.txt.gz").read_bytes()).decode().lower().splitlines()
        paragraphs += [[word for word in line.split() if word != "<unk>"] for line in lines]
    text = _path("wordvec/wordsim353/combined.csv").read_text(encoding="utf-8")
    compared = [(row[0].lower(), row[1].lower(), float(row[2])) for row in list(csv.reader(io.StringIO(text)))[1:]]
    return _cut([paragraph for paragraph in paragraphs if paragraph], compared)


def generated_words() -> Found:
    """Return sentences about one topic each, and pairs of words that are alike where they are about the same."""
    generator, num_topics = np.random.default_rng(0), 10
    sentences = [[f"{number % num_topics} {word}" for word in generator.zipf(1.5, 30) % 50] for number in range(1_500)]
    known = sorted({word for sentence in sentences for word in sentence})
    pairs = [(str(one), str(other)) for one, other in generator.choice(known, (200, 2))]
    return _cut(sentences, [(one, other, float(one.split()[0] == other.split()[0])) for one, other in pairs])


def ratings() -> Found:
    """Return which users gave which films how many stars (MovieLens-100K).

    Raises:
        MissingInput: They are not there.
    """
    with zipfile.ZipFile(_path("movielens/ml-100k.zip")) as archive, archive.open("ml-100k/u.data") as file:
        table = np.loadtxt(file, np.int64, usecols=(0, 1, 2))
    return _split(table[:, :2] - 1, table[:, 2])


def generated_ratings() -> Found:
    """Return stars that follow from what users and films are like."""
    generator = np.random.default_rng(0)
    pairs = np.stack([generator.integers(0, count, 100_000) for count in (NUM_USERS, NUM_FILMS)], 1)
    users, films = (generator.normal(size=(count, 3)) for count in (NUM_USERS, NUM_FILMS))
    stars = 3.5 + (users[pairs[:, 0]] * films[pairs[:, 1]]).sum(1) + generator.normal(size=len(pairs)) / 2
    return _split(pairs, stars.round().clip(1, 5).astype(np.int64))


def _cut(paragraphs: Sequence[Sequence[str]], compared: Sequence[tuple[str, str, float]]) -> Found:
    """Hold paragraphs out, number the frequent words of the others, and cut these into stretches."""
    learned = [paragraph for i, paragraph in enumerate(paragraphs) if i % HELD_OUT_PARAGRAPH]
    frequent = Counter(word for paragraph in learned for word in paragraph).most_common(NUM_WORDS)
    ids = {word: i for i, (word, _) in enumerate(frequent, NOTHING + 1)}
    numbered = [[ids[word] for word in paragraph if word in ids] for paragraph in learned]
    held = [[ids[word] for word in paragraph if word in ids] for paragraph in paragraphs[::HELD_OUT_PARAGRAPH]]
    flat = np.concatenate([np.array(paragraph, np.int64) for paragraph in numbered])
    stretches = _stretches(numbered)
    pairs = np.array([(ids[one], ids[other]) for one, other, _ in compared if one in ids and other in ids])
    people = np.array([likeness for one, other, likeness in compared if one in ids and other in ids])
    others = {
        "words": flat,
        "lengths": np.array([len(paragraph) for paragraph in numbered]),
        **_held_out(held, np.bincount(flat, minlength=NUM_WORDS + 1)),
        "pairs": pairs,
        "people": people,
    }
    note = (
        f"{len(flat):,} words are learned from, {len(ids):,} different ones; of {len(compared)} pairs that people "
        f"compared {1 - len(pairs) / len(compared):.0%} have a word that is not among them, and are left out"
    )
    return Found(stretches, stretches, others, note)


def _stretches(paragraphs: Iterable[Sequence[int]]) -> Array:
    """Return stretches of the whole text with what is around them; no word of another paragraph is in reach."""
    nothing = [NOTHING] * REACH
    text = [*nothing, *(word for paragraph in paragraphs for word in [*paragraph, *nothing])]
    count = -(-(len(text) - REACH) // LENGTH)
    text += [NOTHING] * (count * LENGTH + 2 * REACH - len(text))
    return np.lib.stride_tricks.sliding_window_view(np.array(text, np.int64), AROUND)[::LENGTH].copy()


def _held_out(paragraphs: Iterable[Sequence[int]], counts: Array) -> dict[str, Array]:
    """Return pairs of neighbours and drawn words for each, the same for all."""
    generator = np.random.default_rng(0)
    pairs = []
    for paragraph in paragraphs:
        for i, far in enumerate(generator.integers(1, REACH + 1, len(paragraph))):
            near = range(max(0, i - far), min(len(paragraph), i + far + 1))
            pairs += [(paragraph[i], paragraph[j]) for j in near if j != i]
    noise = noise_of(torch.from_numpy(counts)).numpy()
    drawn = np.searchsorted(noise, generator.random((len(pairs), NEGATIVES), np.float32), "right")
    return {"held_pairs": np.array(pairs), "held_drawn": drawn}


def _split(pairs: Array, stars: Array) -> Found:
    """Hold some ratings out, and put those of each user together; users' ids come before films'."""
    ids = pairs + np.array([NO_STAR + 1, NO_STAR + 1 + NUM_USERS])
    order = np.random.default_rng(0).permutation(len(ids))
    held, learned = order[:HELD_OUT_RATINGS], order[HELD_OUT_RATINGS:]
    others = {
        "held_ids": ids[held],
        "held_stars": stars[held],
        "ids": ids[learned],
        "stars": stars[learned],
    }
    note = f"{len(learned):,} ratings are learned from, {len(held):,} held out"
    return Found(*_together(ids[learned], stars[learned]), others, note)


def _together(ids: Array, stars: Array) -> tuple[Array, Array]:
    """Return rows of a user and some films, and of as many stars, of which the user has none."""
    order = np.argsort(ids[:, 0], kind="stable")
    ids, stars = ids[order], stars[order]
    _, first, counts = np.unique(ids[:, 0], return_index=True, return_counts=True)
    places = np.arange(len(ids)) - first.repeat(counts)
    ends = (-(-counts // TOGETHER)).cumsum()
    rows = np.concatenate([[0], ends[:-1]]).repeat(counts) + places // TOGETHER
    both = np.full((2, ends[-1], 1 + TOGETHER), NO_STAR)
    both[0, rows, 0] = ids[:, 0]
    both[0, rows, 1 + places % TOGETHER] = ids[:, 1]
    both[1, rows, 1 + places % TOGETHER] = stars
    return both[0], both[1]


def _path(name: str) -> Path:
    path = Path(os.environ.get("DLTK_DATA", "")) / name
    if not path.is_file():
        raise MissingInput("there is no such data", where=str(path))
    return path
