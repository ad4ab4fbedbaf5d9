"""Nothing from a file is run, followed or believed, whichever command is given it and whatever it is called."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from dltk.data.images.files import IMAGE_EXTENSIONS
from dltk.experiment import RunOptions, train
from dltk.training.saving.durable import read_facts, read_files, write_files
from tests.commands import IRIS, QUIET, TABLE, contents, write_table
from tests.faults.payloads import CANARY, KINDS, NAMES, write

CODES = {0, 2, 65, 66, 69, 81}
MAX_BYTES, MAX_SECONDS = 1 << 30, 20
PHOTOS = "data: {name: image_folder, path: photos, size: 8}\nmodel: {name: linear}\ntrain: {epochs: 1, threads: 1}\n"
TEXTS = "data: {name: text_csv, path: texts.csv}\nmodel: {name: linear}\ntrain: {epochs: 1, threads: 1}\n"


STRIDE = 6
OWN_SUFFIXES = (
    ("pickles", ".pt"),
    ("pickles", ".safetensors"),
    ("safetensors", ".safetensors"),
    ("archives", ".tar.gz"),
    ("pictures", ".png"),
    ("texts", ".csv"),
    ("texts", ".yaml"),
)
HARMLESS = [
    ["train", "table.yaml", "--output-dir", "out/table", "--quiet"],
    ["predict", "photos_run", "photos"],
    ["eval", "texts_run"],
]


@dataclass(frozen=True)
class Workplace:
    """A folder with configs, data and a run of each, and another one that must stay as it is."""

    folder: Path
    victims: Path

    def answers(self, commands: list[list[Any]]) -> list[dict[str, Any]]:
        """Run commands, all in one watched process; return what each gave."""
        texts = [[str(word) for word in command] for command in commands]
        asked = {
            "harmless": [{"folder": str(self.folder), "arguments": command} for command in HARMLESS],
            "commands": [{"folder": str(self.folder), "arguments": command} for command in texts],
        }
        allowed = [self.folder / "out", self.folder / "cache", self.folder / "tmp"]
        own = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DLTK_CACHE": str(self.folder / "cache"),
            "TMPDIR": str(self.folder / "tmp"),
            "MPLCONFIGDIR": str(self.folder / "tmp"),
        }
        watched = [sys.executable, str(Path(__file__).with_name("watched.py")), *map(str, allowed)]
        done = subprocess.run(watched, input=json.dumps(asked), capture_output=True, text=True, env=own, check=False)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["peak_bytes"] < MAX_BYTES
        return [{**answer, "command": command} for answer, command in zip(told["answers"], texts, strict=True)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with configs, data and runs."""
    folder = tmp_path_factory.mktemp("made")
    for name, text in {"iris": IRIS, "table": TABLE, "photos": PHOTOS + QUIET, "texts": TEXTS + QUIET}.items():
        (folder / f"{name}.yaml").write_text(text)
    write_table(folder / "table.csv")
    rows = "".join(f"{'good fine nice' if i % 2 else 'bad sad poor'} {i},{i % 2}\n" for i in range(40))
    (folder / "texts.csv").write_text(f"text,label\n{rows}")
    for i in range(40):
        place = folder / "photos" / "ab"[i % 2] / f"{i}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (8, 8), (255 * (i % 2), 3 * i, 0)).save(place)
    for name in ("table", "photos", "texts"):
        options = RunOptions(output_dir=folder / f"{name}_run", quiet=True)
        train(folder / f"{name}.yaml", ["train.epochs=1"], options)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Workplace:
    """Return a copy of the folder, beside one that nobody may touch."""
    folder = Path(shutil.copytree(made, tmp_path / "work"))
    for name in ("out", "cache", "tmp"):
        (folder / name).mkdir()
    (tmp_path / "victims").mkdir()
    (tmp_path / "victims" / "file").write_text("mine")
    return Workplace(folder, tmp_path / "victims")


def commands_for(path: Path) -> list[list[Any]]:
    """Return every command that takes a path, given this one."""
    return [
        ["train", path],
        ["train", "--resume", path],
        ["train", "table.yaml", f"data.path={path}"],
        ["train", "texts.yaml", f"data.path={path}"],
        ["train", "photos.yaml", f"data.path={path}"],
        ["train", "photos.yaml", f"data={{name: image_list, path: photos/a, labels: {path}}}"],
        ["train", "texts.yaml", f"data={{name: text_folder, path: {path}}}"],
        ["train", "table.yaml", f"model.weights={path}"],
        ["eval", path],
        ["eval", "table_run", f"data.path={path}"],
        *(["predict", f"{kind}_run", path] for kind in ("table", "photos", "texts")),
        ["verify", path],
        ["import", path, "table.yaml"],
        ["data", "describe", path],
        ["show", path],
    ]


def with_places(commands: list[list[Any]]) -> list[list[Any]]:
    """Give each training a run directory of its own."""
    return [
        [*command, "--output-dir", f"out/{i}"]
        if command[0] in {"train", "import"} and "--resume" not in command
        else command
        for i, command in enumerate(commands)
    ]


def refuse_harm(place: Workplace, commands: list[list[Any]], codes: set[int] = CODES) -> list[dict[str, Any]]:
    """Run commands; require that nothing happened but an answer."""
    mutable = ("out", "cache", "tmp")
    before = {name: content for name, content in contents(place.folder.parent).items() if "/" in name}
    answers = place.answers(commands)
    after = contents(place.folder.parent)
    kept = {name: text for name, text in after.items() if not name.startswith(tuple(f"work/{one}/" for one in mutable))}
    assert kept == {name: before[name] for name in before if not name.startswith(tuple(f"work/{m}/" for m in mutable))}
    assert not list(place.folder.parent.rglob(CANARY))
    assert not Path("/tmp", CANARY).exists()
    assert [answer for answer in answers if answer["code"] not in codes or "Traceback" in answer["err"]] == []
    assert [answer for answer in answers if answer["seen"]] == []
    assert [answer for answer in answers if answer["seconds"] > MAX_SECONDS] == []
    return answers


def test_a_payload_is_answered_and_does_nothing(place):
    """Every payload under its own suffix meets some of the commands, every command some payloads of each kind.

    A folder of payloads meets them all.
    """
    commands = []
    for kind, suffix in OWN_SUFFIXES:
        for number, path in enumerate(write(place.folder / "payloads" / suffix[1:], kind, suffix).values()):
            commands += commands_for(path)[number % STRIDE :: STRIDE]
    for suffix in IMAGE_EXTENSIONS:
        write(place.folder / "payloads" / "folder", "pictures", suffix)
    write(place.folder / "payloads" / "folder", "pickles", ".txt")
    commands += commands_for(place.folder / "payloads" / "folder")
    refuse_harm(place, with_places(commands))


@pytest.mark.slow
@pytest.mark.parametrize(
    "suffix", [".pt", ".safetensors", ".png", ".tif", ".csv", ".txt", ".yaml", ".tar", ".zip", ".gz"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_payload_does_nothing_whatever_it_is_called(place, kind, suffix):
    payloads = write(place.folder / "payloads", kind, suffix)
    refuse_harm(place, with_places([command for path in payloads.values() for command in commands_for(path)]))


def test_names_of_components_are_looked_up_and_never_imported(place):
    def quoted(name: str) -> str:
        return json.dumps(name)

    sections = ("data", "model", "task", "optimizer", "schedule")
    commands = [["train", "iris.yaml", f"{key}={{name: {quoted(name)}}}"] for key in sections for name in NAMES]
    commands += [["show", name] for name in NAMES if name]
    commands += [
        ["train", "iris.yaml", f"model={{name: sequential, layers: [{{name: {quoted(name)}}}]}}"] for name in NAMES
    ]
    refuse_harm(place, with_places(commands), {2, 66})


def test_a_forged_checkpoint_with_a_right_digest_is_refused(place):
    (checkpoint,) = sorted((place.folder / "table_run" / "checkpoints").iterdir())[-1:]
    facts = read_facts(checkpoint)
    files = read_files(checkpoint, [path.name for path in checkpoint.iterdir() if path.name != "manifest.json"])
    commands: list[list[Any]] = []
    for kind in ("pickles", "safetensors"):
        for path in write(place.folder / "payloads", kind, "").values():
            forged = Path(shutil.copytree(place.folder / "table_run", place.folder / f"forged_{path.name}"))
            for other in (forged / "checkpoints").iterdir():
                shutil.rmtree(other)
            content = {**files, "model.safetensors": path.read_bytes()}
            write_files(forged / "checkpoints" / checkpoint.name, content, facts)
            commands += [["eval", forged], ["predict", forged, "table.csv"]]
    refuse_harm(place, commands, {81})
