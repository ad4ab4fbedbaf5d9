"""Runs on samples that lie on disk are those on samples in memory, to the bit, and take little memory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from dltk import train
from dltk.config.errors import ConfigError, ResumeRefused
from dltk.experiment import RunOptions
from dltk.training.saving.storage import read_tree

EPOCHS = {"epochs": 2}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_images(folder: Path, count: int = 60, side: int = 12) -> Path:
    noise = np.random.default_rng(0)
    for i in range(count):
        (folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        pixels = noise.integers(0, 128, (side, side, 3), dtype=np.uint8) + np.uint8(100 * (i % 2))
        PIL.Image.fromarray(pixels).save(folder / "ab"[i % 2] / f"{i}.bmp")
    return folder


def config(folder, **data):
    options = {"name": "image_folder", "path": str(folder), "size": 8, "normalize": "standardize", "batch_size": 7}
    return {
        "data": {**options, "augment": ["horizontal_flip"], **data},
        "model": {"name": "cnn"},
        "train": EPOCHS,
        "tensorboard": None,
    }


def run(tmp_path, name, **data):
    options = RunOptions(output_dir=tmp_path / name, quiet=True)
    return train(config(tmp_path / "images", **data), (), options)


def weights(found):
    last = sorted(found.directory.checkpoints.iterdir())[-1]
    return (last / "model.safetensors").read_bytes()


def test_disk_and_memory_give_the_same_weights(tmp_path):
    write_images(tmp_path / "images")
    in_memory, on_disk, again = (
        run(tmp_path, f"run-{i}", storage=where) for i, where in enumerate(("memory", "disk", "disk"))
    )
    assert weights(in_memory) == weights(on_disk) == weights(again)
    assert in_memory.scores == on_disk.scores
    before, after = (read_tree(found.directory.preparation, "preparation") for found in (in_memory, on_disk))
    assert before["means"].equal(after["means"])
    assert "storage: disk" in on_disk.directory.resolved.read_text()
    assert "on disk" in on_disk.directory.log.read_text()


def test_a_changed_source_is_noticed_on_resume(tmp_path):
    write_images(tmp_path / "images")
    found = run(tmp_path, "run", storage="disk")
    image = tmp_path / "images" / "a" / "0.bmp"
    shutil.copyfile(tmp_path / "images" / "b" / "1.bmp", image)
    with pytest.raises(ResumeRefused, match="the data have changed"):
        train(None, ["train.epochs=3"], RunOptions(resume=str(found.path), quiet=True))


def test_storage_may_change_on_resume(tmp_path):
    write_images(tmp_path / "images")
    found = run(tmp_path, "run", storage="disk")
    longer = train(None, ["train.epochs=3", "data.storage=memory"], RunOptions(resume=str(found.path), quiet=True))
    assert longer.status["epoch"] == 3


def test_a_model_that_is_fitted_at_once_needs_all_samples_in_memory(tmp_path):
    write_images(tmp_path / "images")
    one_pass = {**config(tmp_path / "images", storage="disk", augment=[]), "model": {"name": "knn"}, "train": {}}
    with pytest.raises(ConfigError, match=r"data\.storage"):
        train(one_pass, (), RunOptions(output_dir=tmp_path / "run", quiet=True))


PEAK = """
import resource, sys
from pathlib import Path
from dltk import train
from dltk.experiment import RunOptions
folder, output, side, storage = sys.argv[1:]
data = {"name": "image_folder", "path": folder, "size": int(side), "storage": storage, "batch_size": 4}
model = {"name": "sequential", "layers": [{"name": "max_pool2d", "size": 16}]}
config = {"data": data, "model": model, "train": {"epochs": 2}, "tensorboard": None}
train(config, (), RunOptions(Path(output), quiet=True))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ru_maxrss has another unit")
def test_training_on_many_images_takes_the_memory_of_few(tmp_path):
    def peak_mib(count: int, storage: str) -> int:
        folder = write_images(tmp_path / f"{count}-images", count, 384)
        arguments = [str(folder), str(tmp_path / f"{count}-{storage}"), "384", storage]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *arguments], capture_output=True, text=True, check=True, env=dict(os.environ)
        )
        return int(done.stdout.split()[-1])

    few, many, held = peak_mib(400, "disk"), peak_mib(1200, "disk"), peak_mib(1200, "memory")
    num_mib = 1200 * 384 * 384 * 3 >> 20
    assert num_mib > 500
    assert many - few < 100, "the 800 images more take 340 MiB"
    assert held - few > 0.8 * num_mib, "the measure tells samples that are held"
