"""The same bits twice on CUDA, where that is asked for: kernels that give them, or a refusal of what has none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dltk.config.errors import OptionError
from dltk.config.sections import TrainOptions
from dltk.data.batches import Batches
from dltk.experiment.config import Experiment
from dltk.training.learner import Learner

WORKSPACE, FIXED_SIZES = "CUBLAS_WORKSPACE_CONFIG", (":4096:8", ":16:8")
_WITHOUT_KERNEL = re.compile(r"(\S+) does not have a deterministic implementation")


def ask_for_same_bits(options: TrainOptions, device: torch.device) -> None:
    """Let CUDA take only kernels that give the same bits twice, or any; to be called before it starts."""
    wanted = options.deterministic and device.type == "cuda"
    if wanted and os.environ.get(WORKSPACE) not in FIXED_SIZES:
        os.environ[WORKSPACE] = FIXED_SIZES[0]
    if wanted != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(wanted)


def told_of_bits(options: TrainOptions, device: torch.device) -> list[str]:
    """Return what to say before the first step of whether the same run would give the same bits again."""
    if device.type == "cuda" and options.deterministic:
        return ["train.deterministic: the same bits from run to run, by kernels that are slower than others"]
    if device.type == "cuda":
        return [
            "device: kernels on CUDA may differ in last bits from run to run, and so may a resumed run; "
            "train.deterministic=true keeps them, and is slower"
        ]
    return ["train.deterministic: the CPU gives the same bits in any case"] if options.deterministic else []


@contextmanager
def with_same_bits(experiment: Experiment) -> Iterator[None]:
    """Turn torch's refusal of an operation into a problem of the option that asked for it.

    Raises:
        ConfigError: An operation has no kernel that gives the same bits twice.
    """
    try:
        yield
    except RuntimeError as error:
        found = _WITHOUT_KERNEL.search(str(error))
        if found is None:
            raise
        reason = f"{found[1]} has no kernel on this device that gives the same bits twice"
        advice = "leave deterministic out, or take other layers, loss or scores"
        raise experiment.problem("train", OptionError("deterministic", f"{reason}; {advice}")) from None


def refuse_other_bits(experiment: Experiment, device: torch.device, learner: Learner, lessons: Batches) -> None:
    """Refuse a model that cannot keep its bits before a run begins, by one pass over a batch that changes nothing.

    Raises:
        ConfigError: One of its operations has no kernel that gives the same bits twice.
    """
    if not (experiment.sections.train.deterministic and device.type == "cuda"):
        return
    batch = next(lessons.epoch(0), None)
    with with_same_bits(experiment):
        if batch is not None:
            learner.probe(batch)
