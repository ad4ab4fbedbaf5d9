"""gensim's Word2Vec: skip-grams with drawn negatives."""

from __future__ import annotations

from itertools import accumulate, count, pairwise

import gensim
import numpy as np
from gensim.models import Word2Vec
from gensim.models.word2vec import FAST_VERSION

from benchmarks.contestants.turns import Turns
from benchmarks.judging import judged
from benchmarks.material import Material
from benchmarks.workloads import Workload


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:
    """Train turn by turn, each with another seed; counting the words comes before the clock starts."""
    ids = [str(word) for word in material.array("words")]
    ends = accumulate(material.array("lengths").tolist(), initial=0)
    paragraphs = [ids[begin:end] for begin, end in pairwise(ends)]
    num_words, width = material.weights()[0].shape
    turns.ready({"gensim": gensim.__version__, "compiled": FAST_VERSION >= 0})
    for seed in count(1):
        model = Word2Vec(
            vector_size=width, window=5, negative=5, sample=0, min_count=1, sg=1, workers=threads, seed=seed
        )
        model.build_vocab(paragraphs)
        turns.begin()
        model.train(paragraphs, total_examples=len(paragraphs), epochs=workload.epochs)
        turns.end(None, None, lambda: judged(workload, material, _weights(model, num_words)))  # noqa: B023 - at once


def _weights(model: Word2Vec, num_words: int) -> list[np.ndarray]:
    """Return both tables by the ids of words; nothing is known of what stands between paragraphs."""
    places = [int(word) for word in model.wv.index_to_key]
    tables = [np.zeros((num_words, model.vector_size), np.float32) for _ in range(2)]
    for table, learned in zip(tables, (model.wv.vectors, model.syn1neg), strict=True):
        table[places] = learned
    return tables
