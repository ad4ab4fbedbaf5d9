"""What is said of a run from its files alone: scores beside baselines, where it is, what to do next."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dltk.config.terminal import short
from dltk.training.loggers import number
from dltk.training.runs.rundir import RunDir


def summary(run: RunDir) -> list[str]:
    """Return the lines that end a run: score and baseline, where it is, three commands to paste."""
    status, path = run.status(), short(run.path)
    example = status.get("example", "your_input")
    return [
        *score_lines(status),
        f"run: {path}",
        "",
        command(run, "eval"),
        command(run, "predict", example),
        f"tensorboard --logdir {shlex.quote(path)}",
    ]


def score_lines(status: Mapping[str, Any]) -> list[str]:
    """Return one line per score, those of the reported split with their number of samples and the baselines.

    A run that was to overfit has its verdict below.
    """
    reported = status.get("reported", "")
    count = status.get("num_samples", {}).get(reported)
    lines = []
    for name, value in status.get("scores", {}).items():
        split, _, score = name.partition("/")
        notes = [f"n = {count}"] if split == reported and count else []
        if split == reported:
            notes += [
                f"{baseline} {number(_plain(scores[score]))}"
                for baseline, scores in status.get("baselines", {}).items()
                if score in scores
            ]
        lines.append(f"{name} {number(_plain(value))}" + (f"  ({', '.join(notes)})" if notes else ""))
    return [*lines, *([status["verdict"]] if "verdict" in status else [])]


def origin(status: Mapping[str, Any]) -> str:
    """Return where a fork comes from and what it changed, in one line; "" for a run that is none."""
    found = status.get("forked_from")
    if not found:
        return ""
    changed = f" ({'; '.join(found['changed'])})" if found["changed"] else ""
    return f"{short(Path(found['run']))} at step {found['step']}{changed}"


def main_score(status: Mapping[str, Any]) -> str:
    """Return the first score of the reported split, such as "test/accuracy 0.9610"; "" where there is none yet."""
    reported = status.get("reported", "")
    scores = status.get("scores", {})
    name = next((name for name in scores if name.startswith(f"{reported}/")), None)
    return f"{name} {number(_plain(scores[name]))}" if name else ""


def state(run: RunDir) -> str:
    """Return running, stopped, failed or completed; killed where it says running and no process is there."""
    said = str(run.status().get("state", ""))
    return "killed" if said in {"", "running"} and not run.is_owned() else said or "running"


def resume_command(run: RunDir) -> str:
    """Return the command that goes on with a run."""
    return command(run, "train --resume")


def command(run: RunDir, words: str, arguments: str = "") -> str:
    """Return a command to paste about a run, with the plug-ins it needs."""
    plugins = [f"--plugin {shlex.quote(short(Path(plugin['path'])))}" for plugin in _plugins(run)]
    return " ".join(word for word in [f"dltk {words}", shlex.quote(short(run.path)), arguments, *plugins] if word)


def _plugins(run: RunDir) -> list[dict[str, str]]:
    found = run.read_environment().get("plugins", []) if run.environment.is_file() else []
    return [plugin for plugin in found if "path" in plugin]


def _plain(value: float | None) -> float:
    return math.nan if value is None else value
