"""Cross-validation: each fold of the training samples is the val split once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltk.config.errors import OptionError
from dltk.experiment import RunOptions, train
from dltk.experiment.config import read_experiment
from dltk.study.spread import Spread, begin, parent_of


def cross_validate(
    config: str | Path | Mapping[str, Any], overrides: Sequence[str], folds: int, options: RunOptions
) -> Spread:
    """Train once per fold and return the runs; preparation is fitted anew on each fold's training samples.

    The weights after the last step are scored, and early stopping is left out: choosing by the fold that is then
    reported would flatter it. A config or an override with `train.select` keeps both. The test split is never scored.

    Raises:
        DltkError: With an exit code.
        Stopped: By a signal, with a checkpoint saved.
    """
    fixed = ["train.test=false", "data.val_fraction=null"]
    experiment = read_experiment(config if isinstance(config, Mapping) else Path(config), overrides)
    if experiment.sections.train.overfit_batches is not None:
        raise experiment.problem(
            "train",
            OptionError("overfit_batches", "leaves no val split to score; leave it out", id="DLTK-CONFIG-CONFLICT"),
        )
    if experiment.sections.train.select is None:
        fixed += ["train.select=last", "early_stopping=null"]
    parent, runs = parent_of(config, overrides, options), []
    for fold in range(folds):
        begin(f"fold {fold} ({fold + 1} of {folds})", options)
        own = replace(options, output_dir=parent / f"fold-{fold}", resume="auto")
        runs.append(train(config, [*overrides, *fixed, f"data.fold=[{fold}, {folds}]"], own))
    return Spread("fold", [str(fold) for fold in range(folds)], runs)
