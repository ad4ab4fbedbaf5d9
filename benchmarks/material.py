"""What all contestants of a workload share: the samples as dltk parsed them, and the weights to start from.

`python -m benchmarks.material KEY` makes them, once; contestants that know nothing of dltk read plain arrays.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import PLUGINS, WORKLOADS, Workload

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dltk.experiment.building import Built

REPOSITORY = Path(__file__).resolve().parent.parent
DECIDING = ("datasets", "models", "data", "nn")
"""Folders of dltk whose code decides samples and initial weights."""
OWN = ("sources.py", "corpora.py", "skip_gram.py", "stars.py")
"""Files beside this one that do."""


@dataclass(frozen=True)
class Material:
    """A folder of arrays.

    Attributes:
        folder: Where they lie.
        data: What the data section of the experiment needs to find the same samples.
        is_real: Whether the data were found; else they are generated.
        note: What people should know about them.
    """

    folder: Path
    data: Mapping[str, Any]
    is_real: bool
    note: str = ""

    @classmethod
    def open(cls, folder: Path) -> Material:
        """Return what lies in a folder."""
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        return cls(folder, facts["data"], facts["is_real"], facts["note"])

    def array(self, name: str) -> NDArray[Any]:
        """Return `inputs` or `targets` of all training samples, or what else belongs to them."""
        loaded: NDArray[Any] = np.load(self.folder / f"{name}.npy")
        return loaded

    def weights(self) -> list[NDArray[Any]]:
        """Return the initial weights and buffers in the order of the model."""
        with np.load(self.folder / "weights.npz") as stored:
            return [stored[name] for name in sorted(stored)]


def cache() -> Path:
    """Return the folder for what is made once."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dltk-benchmark"


def material_for(workload: Workload) -> Material:
    """Return a workload's material; make it, in a process of its own, where it is not there or old."""
    folder = cache() / "material" / f"{workload.key}-{_fingerprint(workload)}"
    if not (folder / "facts.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(
            [sys.executable, "-m", "benchmarks.material", workload.key, str(folder)], cwd=REPOSITORY, check=True
        )
    return Material.open(folder)


def _fingerprint(workload: Workload) -> str:
    """Return what changes whenever the material would."""
    state = hashlib.sha256(json.dumps(workload.experiment({}), sort_keys=True).encode())
    state.update(os.environ.get("DLTK_DATA", "").encode())
    code = [path for name in DECIDING for path in sorted((REPOSITORY / "dltk" / name).rglob("*.py"))]
    for path in (*code, *PLUGINS, Path(__file__), *(Path(__file__).parent / name for name in OWN)):
        state.update(path.read_bytes())
    return state.hexdigest()[:16]


def _make(workload: Workload, folder: Path) -> None:
    """Write the arrays of a workload into a folder; facts.json comes last."""
    from benchmarks.sources import located  # noqa: PLC0415 - what only reads arrays needs no dltk
    from dltk.config import plugins  # noqa: PLC0415

    os.environ["DLTK_OFFLINE"] = "1"
    for plugin in PLUGINS:
        plugins.use_plugin(plugin)
    folder.mkdir(parents=True, exist_ok=True)
    found = located(workload, folder)
    _write_samples(found.built, folder)
    for name, array in found.others.items():
        np.save(folder / f"{name}.npy", array)
    weights = {f"{i:04}": value.numpy() for i, value in enumerate(learned(found.built.model))}
    np.savez(folder / "weights.npz", allow_pickle=False, **weights)
    facts = {"data": found.data, "is_real": found.is_real, "note": found.note}
    (folder / "facts.json").write_text(json.dumps(facts, default=str), encoding="utf-8")


def learned(model: nn.Module) -> list[Tensor]:
    """Return weights and buffers in order; the layer that normalises nothing is not part of the hand-written ones."""
    return [value for name, value in model.state_dict().items() if not name.startswith("normalize.")]


def _write_samples(built: Built, folder: Path) -> None:
    from torch import Tensor  # noqa: PLC0415

    from dltk.data.specs import Numbers  # noqa: PLC0415

    batch = built.splits.train.whole()
    inputs, targets = batch.inputs, batch.targets
    assert isinstance(inputs, Tensor)
    assert isinstance(targets, Tensor)
    wanted = built.splits.spec.target
    scaled = wanted.scaled(targets) if isinstance(wanted, Numbers) else targets
    np.save(folder / "inputs.npy", inputs.numpy())
    np.save(folder / "targets.npy", scaled.numpy())


if __name__ == "__main__":
    _make(WORKLOADS[sys.argv[1]], Path(sys.argv[2]))
