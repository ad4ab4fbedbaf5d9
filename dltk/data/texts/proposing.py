"""What to write in a config for a user's own texts, after a look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from dltk.config.errors import count_of, shown
from dltk.data.proposals import KeyPlace, Proposal
from dltk.data.tables.looking import look_at
from dltk.data.tables.proposing import chosen_target
from dltk.data.tables.tallies import num_different

_MANY_TEXTS = 2_000
_MOST_CLASSES = 100
_FEW_WORDS = 3
_HANGUL = ("가", "힣")


def proposed_texts_of_table(path: Path, target: str) -> Proposal | None:
    """Return a config for a table with a column of texts and one of labels; None where it is none.

    Raises:
        OptionError: There is no such target.
        DataError: It cannot be read as a table.
    """
    table = look_at(path)
    if table is None or {"decimal", "thousands"} & set(table.options):
        return None
    chosen, why = chosen_target(table, target)
    text = _column_of_texts({name: cells for name, cells in table.columns.items() if name != chosen})
    if text is None:
        return None
    rows = [i for i, cell in enumerate(table.columns[chosen]) if cell is not None]
    texts = [table.columns[text][i] or "" for i in rows]
    labels = table.known(chosen)
    classes = num_different(labels)
    if not 2 <= classes <= min(_MOST_CLASSES, len(labels) // 2):
        return None
    options = {"path": str(path), "text": text, "label": chosen, **table.options}
    comments: dict[KeyPlace, str] = {("data", key): reason for key, reason in table.why.items()}
    comments["data", "label"] = why
    others = [name for name in table.columns if name not in {text, chosen}]
    unread = [f"columns that are not read: {', '.join(others)}"] if others else []
    found = [f"{len(labels):,} texts in column {shown(text)}, {count_of(classes, 'label')} in {shown(chosen)}", *unread]
    found += [table.note] if table.note else []
    return Proposal(_sections(options, texts, comments, len(labels)), 0.8, comments, found)


def proposed_texts_of_folders(path: Path, files: Mapping[str, Sequence[Path]]) -> Proposal:
    """Return a config for texts in one folder per class.

    Args:
        path: Of all.
        files: The training texts by class.
    """
    count = sum(map(len, files.values()))
    sample = [file.read_text(encoding="utf-8", errors="replace") for own in files.values() for file in own[:20]]
    comments: dict[KeyPlace, str] = {}
    found = [f"{count:,} training texts in {count_of(len(files), 'class folder')}: {', '.join(files)}"]
    return Proposal(_sections({"path": str(path)}, sample, comments, count), 0.9, comments, found)


def _column_of_texts(columns: Mapping[str, Sequence[str | None]]) -> str | None:
    """Return the column of the longest texts of several words, most of them different."""
    lengths = {}
    for name, cells in columns.items():
        known = [cell for cell in cells if cell]
        words = [len(cell.split()) for cell in known]
        if known and len(set(known)) > len(known) / 2 and median(words) >= _FEW_WORDS:
            lengths[name] = median(map(len, known))
    return max(lengths, key=lambda name: lengths[name]) if lengths else None


def _sections(
    options: dict[str, Any], texts: Sequence[str], comments: dict[KeyPlace, str], count: int | None = None
) -> dict[str, dict[str, Any]]:
    """Return words and pairs of words with one hidden layer; of Korean, syllables in place of words."""
    letters = [letter for text in texts[:_MANY_TEXTS] for letter in text if letter.isalpha()]
    hangul = sum(_HANGUL[0] <= letter <= _HANGUL[1] for letter in letters)
    if 2 * hangul > len(letters):
        options |= {"analyzer": "char", "ngrams": [1, 3]}
        comments["data", "analyzer"] = "Korean: up to three neighbouring characters; morphemes need dltk[korean]"
    else:
        options |= {"ngrams": 2}
        comments["data", "ngrams"] = 'pairs such as "not good" count, too'
    options |= {"vocabulary_size": 20_000}
    epochs = 8 if (count or len(texts)) >= _MANY_TEXTS else 30
    return {
        "data": options,
        "model": {"name": "mlp", "hidden": [16], "dropout": 0.5},
        "optimizer": {"name": "adamw", "lr": 1e-3},
        "train": {"epochs": epochs},
        "early_stopping": {"patience": 3},
    }
