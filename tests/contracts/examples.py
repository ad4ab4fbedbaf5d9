"""Tiny generated inputs: examples of every data set.

Whoever adds a data set adds an example here; the contract tests say so.
"""

import random
import struct
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL.Image
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from dltk.config import registry


@dataclass(frozen=True)
class Example:
    """Data that were written to disk.

    Attributes:
        options: Of the data set, as in YAML.
        inputs: Files of a user's own that it can answer, all "ok"; they lie outside of what the options name.
    """

    options: dict[str, Any]
    inputs: list[str] = field(default_factory=list)


Write = Callable[[Path, Container[str]], Example]
"""Writes an example below a folder. Samples of these names get another content, but keep their label.

So a test can change what is kept aside, and see that nothing fitted on the training samples changes. Samples of an
official val or test part are called "test NAME".
"""

NUM_SAMPLES = 24
SIDE = 16


def passengers(folder: Path, strange: Container[str] = ()) -> Example:
    """A table of numbers and categories with empty cells, and two classes."""
    chance, rows = random.Random(1), ["age,deck,ticket,survived"]
    for i in range(NUM_SAMPLES):
        age, deck = f"{chance.uniform(1, 80):.1f}", "ABC"[chance.randrange(3)]
        cells = [age if i % 5 else "", deck if i % 7 else "", str(i % 4)]
        rows.append(",".join([*(["-9e9", "strange", "999"] if f"row {i + 1}" in strange else cells), str(i % 2)]))
    write_lines(folder / "data" / "passengers.csv", rows)
    own = write_lines(folder / "own" / "new.csv", ["deck,ticket,age", "A,1,30", "B,2,4.5"])
    options = {"path": str(folder / "data" / "passengers.csv"), "target": "survived", "categories": ["ticket"]}
    return Example(options, [own])


def houses(folder: Path, strange: Container[str] = ()) -> Example:
    """A table with two numbers to predict."""
    chance, rows = random.Random(2), ["rooms,river,price,tax"]
    for i in range(NUM_SAMPLES):
        rooms, river = chance.uniform(3, 9), chance.randrange(2)
        inputs = "1e12,0" if f"row {i + 1}" in strange else f"{rooms:.2f},{river}"
        outputs = "7e12,-9e9" if f"row {i + 1}" in strange else f"{5 * rooms + 3 * river:.2f},{300 - 20 * rooms:.1f}"
        rows.append(f"{inputs},{outputs}")
    write_lines(folder / "data" / "houses.csv", rows)
    own = write_lines(folder / "own" / "new.csv", ["rooms,river", "5,1", "6,0", "7,1"])
    options = {"path": str(folder / "data" / "houses.csv"), "target": ["price", "tax"], "scaling": "minmax"}
    return Example(options, [own])


def fruits(folder: Path, strange: Container[str] = ()) -> Example:
    """A table with two labels, each 0 or 1."""
    chance, rows = random.Random(3), ["weight,red,round"]
    for i in range(NUM_SAMPLES):
        weight = f"{chance.uniform(1, 9):.3f}"
        weight = "5e9" if f"row {i + 1}" in strange else weight
        rows.append(f"{weight},{i % 2},{i // 2 % 2}")
    write_lines(folder / "data" / "fruits.csv", rows)
    own = write_lines(folder / "own" / "new.csv", ["weight", "5", "6"])
    options = {"path": str(folder / "data" / "fruits.csv"), "target": ["red", "round"], "target_kind": "labels"}
    return Example(options, [own])


def parcels(folder: Path, strange: Container[str] = ()) -> Example:
    """A table without a header, with an encoding of each kind and an official test file."""
    chance = random.Random(4)
    for file, part, count in (("train.csv", "", NUM_SAMPLES), ("test.csv", "test test.csv ", 6)):
        rows = []
        for i in range(count):
            cells = [f"{chance.uniform(0, 1e4):.2f}", f"{chance.uniform(1, 9):.1f}", f"{chance.uniform(-1, 1):.3f}"]
            cells += ["SML"[chance.randrange(3)], f"Street {chance.randrange(9)}"]
            cells = ["9e9", "9e9", "-9e9", "S", "nowhere"] if f"{part}row {i + 1}" in strange else cells
            rows.append(";".join(cells).replace(".", ",") + f";{('no', 'yes')[i % 2]}{'.' if part else ''}")
        write_lines(folder / "data" / file, rows)
    own = write_lines(folder / "own" / "new.csv", ["12,5;3;0,5;M;Street 3", "1;2;3;S;Street 99"])
    columns = {
        "value": {"transform": "log1p", "scaling": "robust", "clip": 4.0},
        "weight": {"scaling": "piecewise_linear", "num_bins": 4},
        "size": {"encode": "ordinal", "order": ["S", "M", "L"]},
        "street": {"encode": "hashing", "num_buckets": 16},
    }
    names = {"column_names": ["value", "weight", "hurry", "size", "street", "lost"], "target": "lost"}
    form = {"header": False, "decimal": ",", "target_strip": ".", "scaling": "quantile_normal", "columns": columns}
    paths = {"path": str(folder / "data" / "train.csv"), "test_path": str(folder / "data" / "test.csv")}
    return Example({**paths, **names, **form}, [own])


def homes(folder: Path, strange: Container[str] = ()) -> Example:
    """A table such as that of Boston, shuffled and cut as Keras does."""
    chance, names = random.Random(5), ["CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX"]
    names, rows = [*names, "PTRATIO", "B", "LSTAT"], []
    for i in range(NUM_SAMPLES):
        cells, price = [f"{chance.uniform(0, 9):.3f}" for _ in names], f"{chance.uniform(5, 50):.1f}"
        is_strange = f"row {i + 1}" in strange or f"test row {i + 1}" in strange
        rows.append(",".join([*(["7e9"] * len(names) if is_strange else cells), price]))
    write_lines(folder / "data" / "boston-housing" / "housing.csv", [",".join([*names, "MEDV"]), *rows])
    return Example({"root": str(folder / "data"), "scaling": "robust"}, [own_table(folder, names)])


def tumours(folder: Path, strange: Container[str] = ()) -> Example:
    """The table of breast cancer; its rows cannot be changed."""
    names = [name.replace(" ", "_") for name in load_breast_cancer().feature_names]
    return Example({"drop": ["mean_radius"]}, [own_table(folder, names)])


def patients(folder: Path, strange: Container[str] = ()) -> Example:
    """The table of diabetes; its rows cannot be changed."""
    return Example({"scaling": "minmax"}, [own_table(folder, load_diabetes(scaled=False).feature_names)])


def flowers(folder: Path, strange: Container[str] = ()) -> Example:
    """The table of iris; its rows cannot be changed."""
    names = [name.removesuffix(" (cm)").replace(" ", "_") for name in load_iris().feature_names]
    return Example({}, [own_table(folder, names)])


def wines(folder: Path, strange: Container[str] = ()) -> Example:
    """The table of wine; its rows cannot be changed."""
    names = ["od280_od315" if name.startswith("od280") else name for name in load_wine().feature_names]
    return Example({}, [own_table(folder, names)])


def small_digits(folder: Path, strange: Container[str] = ()) -> Example:
    """The digits of scikit-learn; they cannot be changed."""
    return Example({"normalize": "standardize"}, [own_image(folder)])


def idx_digits(folder: Path, strange: Container[str] = ()) -> Example:
    """IDX files of 30 training and 10 test images."""
    data = folder / "data" / "mnist"
    data.mkdir(parents=True)
    for prefix, part, count in (("train", "", 30), ("t10k", "test ", 10)):
        images = [noise(i, SIDE * SIDE, is_strange=f"{part}{i}" in strange) for i in range(count)]
        pixels = b"".join(images)
        (data / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 2051, count, SIDE, SIDE) + pixels)
        labels = bytes(i % 10 for i in range(count))
        (data / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, count) + labels)
    return Example({"root": str(folder / "data"), "normalize": "standardize"}, [own_image(folder)])


def idx_clothes(folder: Path, strange: Container[str] = ()) -> Example:
    """IDX files of clothes."""
    example = idx_digits(folder, strange)
    (folder / "data" / "mnist").rename(folder / "data" / "fashion_mnist")
    return example


def cifar_records(folder: Path, strange: Container[str] = ()) -> Example:
    """Six files of records of one label and an image."""
    files = {"test_batch.bin": [f"test {i}" for i in range(5)]}
    files |= {f"data_batch_{n + 1}.bin": [str(i) for i in range(6 * n, 6 * n + 6)] for n in range(5)}
    for file, names in files.items():
        write_records(folder / "data" / "cifar-10-batches-bin" / file, names, 1, strange)
    return Example({"root": str(folder / "data"), "normalize": "standardize"}, [own_image(folder)])


def cifar_groups(folder: Path, strange: Container[str] = ()) -> Example:
    """Two files of records of two labels and an image."""
    write_records(folder / "data" / "cifar-100-binary" / "train.bin", list(map(str, range(30))), 2, strange)
    write_records(folder / "data" / "cifar-100-binary" / "test.bin", [f"test {i}" for i in range(5)], 2, strange)
    options = {"root": str(folder / "data"), "labels": "coarse", "normalize": "standardize"}
    return Example(options, [own_image(folder)])


def write_records(path: Path, names: list[str], num_labels: int, strange: Container[str]) -> None:
    """Write a file of images with their labels in front."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [noise(i, 3072, is_strange=name in strange) for i, name in enumerate(names)]
    path.write_bytes(b"".join(bytes([i % 10] * num_labels) + image for i, image in enumerate(images)))


def photos(folder: Path, strange: Container[str] = ()) -> Example:
    """A folder of images per class."""
    for i in range(NUM_SAMPLES):
        write_image(folder / "data", f"{('ants', 'bees')[i % 2]}/{i:02d}.png", i, strange)
    options = {"path": str(folder / "data"), "size": SIDE, "normalize": "standardize"}
    return Example(options, [own_image(folder)])


def divided_photos(folder: Path, strange: Container[str] = ()) -> Example:
    """Folders train, val and test, with a folder of grey images per class in each."""
    for i in range(NUM_SAMPLES):
        part = "val" if i < 4 else "test" if i < 8 else "train"
        name = f"{part}/{('ants', 'bees')[i % 2]}/{i:02d}.png"
        write_image(folder / "data", name, i, [name] if f"{part} {name}" in strange else [])
    options = {"path": str(folder / "data"), "size": [SIDE, SIDE + 3], "channels": 1, "normalize": "standardize"}
    return Example(options, [str(folder / "own"), own_image(folder)])


def listed_photos(folder: Path, strange: Container[str] = ()) -> Example:
    """A folder of images with a file of labels."""
    for i in range(NUM_SAMPLES):
        write_image(folder / "data", f"{i:02d}.png", i, strange)
    write_lines(folder / "data" / "labels.txt", [("frog", "truck", "ship")[i % 3] for i in range(NUM_SAMPLES)])
    options = {"path": str(folder / "data"), "size": SIDE, "normalize": "standardize"}
    return Example(options, [own_image(folder)])


def xor(folder: Path, strange: Container[str] = ()) -> Example:
    """A gate; there is no other truth."""
    return Example({"gate": "xor"}, [write_lines(folder / "own" / "new.csv", ["x1,x2", "1,0", "0,0"])])


def majority(folder: Path, strange: Container[str] = ()) -> Example:
    """A truth table of three inputs."""
    table = [[a, b, c, int(a + b + c > 1)] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    return Example({"table": table}, [write_lines(folder / "own" / "new.csv", ["x1,x2,x3", "1,0,1"])])


def rated_films(folder: Path, strange: Container[str] = ()) -> Example:
    """A table of texts with a label and an official test file."""
    for file, part, count in (("films.csv", "", NUM_SAMPLES), ("test.csv", "test ", 6)):
        rows = [f'"{sentence(i, f"{part}{file}:{i + 2}" in strange)}",{i % 2}' for i in range(count)]
        write_lines(folder / "data" / file, ["text,label", *rows])
    paths = {"path": str(folder / "data" / "films.csv"), "test_path": str(folder / "data" / "test.csv")}
    own = write_lines(folder / "own" / "new.csv", ["text", '"a good film, really"', "bad"])
    return Example({**paths, "encode": "count"}, [own])


def tagged_films(folder: Path, strange: Container[str] = ()) -> Example:
    """A table of texts with any number of labels each."""
    tags = ("", "comedy", "drama", "comedy|drama")
    rows = [f"{sentence(i, f'films.tsv:{i + 2}' in strange)}\t{tags[i % 4]}" for i in range(NUM_SAMPLES)]
    write_lines(folder / "data" / "films.tsv", ["plot\ttags", *rows])
    own = write_lines(folder / "own" / "new.txt", ["a good film", "bad bad plot"])
    names = {"text": "plot", "label": "tags", "label_separator": "|"}
    return Example({"path": str(folder / "data" / "films.tsv"), **names}, [own])


def reviews(folder: Path, strange: Container[str] = ()) -> Example:
    """A folder of texts per class."""
    for i in range(NUM_SAMPLES):
        name = f"{('neg', 'pos')[i % 2]}/{i:02d}.txt"
        write_lines(folder / "data" / name, [sentence(i, name in strange)])
    own = write_lines(folder / "own" / "new.txt", ["a good film", "bad bad plot"])
    return Example({"path": str(folder / "data"), "vocabulary_size": 9, "ngrams": 2}, [own])


def film_reviews(folder: Path, strange: Container[str] = ()) -> Example:
    """Folders train and test with reviews called by id and rating, as sparse bags of neighbouring characters."""
    for part, prefix, count in (("train", "", NUM_SAMPLES), ("test", "test ", 6)):
        for i in range(count):
            name = f"{part}/{('neg', 'pos')[i % 2]}/{i}_{i % 2 * 9 + 1}.txt"
            write_lines(folder / "data" / "aclImdb" / name, [sentence(i, f"{prefix}{name}" in strange)])
    own = write_lines(folder / "own" / "new.txt", ["a good film", "bad bad plot"])
    texts = {"encode": "tf_idf", "analyzer": "char", "ngrams": [2, 3], "sparse": True}
    return Example({"root": str(folder / "data"), **texts}, [own])


def korean_reviews(folder: Path, strange: Container[str] = ()) -> Example:
    """Two tables of reviews with an id and a label, as token sequences."""
    for file, prefix, count in (("ratings_train.txt", "", NUM_SAMPLES), ("ratings_test.txt", "test ", 6)):
        rows = [f"{90 + i}\t{sentence(i, f'{prefix}{file}:{i + 2}' in strange)}\t{i % 2}" for i in range(count)]
        write_lines(folder / "data" / file, ["id\tdocument\tlabel", *rows])
    own = write_lines(folder / "own" / "new.txt", ["a good film", "bad bad plot"])
    return Example({"root": str(folder / "data"), "encode": "tokens", "max_length": 7}, [own])


DATASETS: dict[str, list[Write]] = {
    "boston": [homes],
    "breast_cancer": [tumours],
    "cifar10": [cifar_records],
    "cifar100": [cifar_groups],
    "csv": [passengers, houses, fruits, parcels],
    "diabetes": [patients],
    "digits": [small_digits],
    "fashion_mnist": [idx_clothes],
    "image_folder": [photos, divided_photos],
    "image_list": [listed_photos],
    "imdb": [film_reviews],
    "iris": [flowers],
    "logic_gate": [xor, majority],
    "mnist": [idx_digits],
    "nsmc": [korean_reviews],
    "text_csv": [rated_films, tagged_films],
    "text_folder": [reviews],
    "wine": [wines],
}
"""By data set; `Write` says what an example is."""

WRITES: dict[str, tuple[str, Write]] = {
    f"{name}-{write.__name__}": (name, write) for name, writes in DATASETS.items() for write in writes
}
"""All examples by a name of their own: the data set and the function."""


def shipped(kind: registry.Kind) -> list[str]:
    """Return the components in the folder, whatever plug-ins other tests have loaded."""
    return registry.shipped(kind)


def write_lines(path: Path, lines: list[str]) -> str:
    """Write a text file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def write_image(folder: Path, name: str, seed: int, strange: Container[str]) -> None:
    """Write a colour image of noise below a folder."""
    path, size = folder / name, (SIDE + 4, SIDE + 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.frombytes("RGB", size, noise(seed, 3 * size[0] * size[1], is_strange=name in strange)).save(path)


def own_image(folder: Path) -> str:
    """Write a grey image of a user's own."""
    path = folder / "own" / "mine.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.frombytes("L", (SIDE, SIDE), noise(99, SIDE * SIDE, is_strange=False)).save(path)
    return str(path)


def own_table(folder: Path, names: list[str]) -> str:
    """Write a table of a user's own, two rows of small numbers."""
    rows = [",".join(str(i + row) for i in range(len(names))) for row in (1, 2)]
    return write_lines(folder / "own" / "new.csv", [",".join(names), *rows])


def noise(seed: int, count: int, *, is_strange: bool) -> bytes:
    """Return dark pixels of a seed; strange ones are all white."""
    return b"\xff" * count if is_strange else bytes(value // 2 for value in random.Random(seed).randbytes(count))


def sentence(seed: int, is_strange: bool) -> str:
    """Return some words, or strange ones."""
    if is_strange:
        return "quite strange words " * 9
    return " ".join(random.Random(seed).choices(["a", "good", "bad", "film", "plot", "not", "really"], k=8))
