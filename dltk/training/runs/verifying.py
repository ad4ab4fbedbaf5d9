"""Whether all in a run directory is what was written: every byte that has a digest, every row; needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from dltk.config.errors import DltkError, IntegrityError, ResumeRefused, count_of
from dltk.config.keys import refuse_edited
from dltk.training.record import BEGINNING, Mark, Metrics
from dltk.training.runs.rundir import STATES, RunDir
from dltk.training.saving.durable import digest_of, distrusting, leftovers_in, loads, read_facts, read_files
from dltk.training.saving.facts import Facts, Owner, facts_of, path_of, paths_in

LEFT = "left by a process that was killed; the next resume clears it away"
TORN = "its last line was never finished; the next resume cuts it off"
READABLE = "readable; it has no digest"
T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """One file or directory of a run.

    Attributes:
        part: Its path inside the run.
        status: Whether it is what was written; what a killed process left half-done is skipped.
        note: What is worth knowing of it, or why it is damaged.
    """

    part: str
    status: Literal["intact", "damaged", "skipped"]
    note: str = ""

    def as_json(self) -> dict[str, str]:
        """Return a part for `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """What was found in a run.

    Attributes:
        run: Where it is.
        parts: All that was looked at.
        last_good: The newest checkpoint that the run can go on from; None where there is none.
        refusal: Why nothing can be said of the run: another version of dltk wrote it.
    """

    run: Path
    parts: Sequence[Part]
    last_good: Path | None = None
    refusal: ResumeRefused | None = None

    @property
    def damaged(self) -> list[Part]:
        """What is not what was written."""
        return [part for part in self.parts if part.status == "damaged"]

    @property
    def is_intact(self) -> bool:
        """Whether all is what was written, as far as this version of dltk can tell."""
        return not self.damaged and self.refusal is None


def verify(run: RunDir, step: int | None = None) -> Verdict:
    """Look at everything in a run, or at one checkpoint of it; nothing is changed.

    A run that trains meanwhile may replace a checkpoint while it is read: one that is gone by then is not counted.
    """
    try:
        return _verified(run, step)
    except ResumeRefused as error:
        part = Part(_inside(run, Path(error.where)), "skipped", error.message)
        return Verdict(run.path, [part], refusal=error)


def _verified(run: RunDir, step: int | None) -> Verdict:
    """Return the same; raise ResumeRefused where another version of dltk wrote something."""
    owner, parts = _owner(run)
    steps = paths_in(run.checkpoints) if step is None else [path_of(run.checkpoints, step)]
    saved = {}
    for path in steps:
        found, facts = _checkpoint(run, path, owner)
        if facts is not None:
            saved[path] = facts
        parts += [found] if found.status == "intact" or path.exists() else []
    last = next((path for path, facts in saved.items() if facts.resumable), None)
    if step is not None:
        return Verdict(run.path, [part for part in parts if part.part.startswith("checkpoints/")], last)
    state = _plain_state(last) if last is not None else {}
    if not steps:
        parts += _none_saved(run)
    if len(saved) == len(steps):  # else it goes on from an older one, whose best may have been replaced
        parts += _best(state, {facts.step for facts in saved.values()})
    parts += [_metrics(run, state.get("mark", BEGINNING)), *_files(run)]
    parts += [Part(_inside(run, path), "skipped", LEFT) for path in _leftovers(run)]
    return Verdict(run.path, parts, last)


def _owner(run: RunDir) -> tuple[Owner | None, list[Part]]:
    """Return what the checkpoints must belong to, where that can be told, and what was looked at for it."""
    parts = [
        _looked_at("status.json", lambda: _state(run), str),
        _looked_at("preparation", lambda: read_facts(run.preparation, verify_files=True)),
    ]
    if any(part.status == "damaged" for part in parts):
        return None, parts
    return Owner(run.status()["id"], digest_of(run.preparation)), parts


def _looked_at(name: str, look: Callable[[], T], note: Callable[[T], str] = lambda _: "") -> Part:
    try:
        with distrusting(Path(name)):
            return Part(name, "intact", note(look()))
    except ResumeRefused:  # it is intact, and of another version
        raise
    except DltkError as error:
        return Part(name, "damaged", error.message)


def _state(run: RunDir) -> str:
    status = run.status()
    if not isinstance(status.get("id"), str) or status.get("state") not in STATES:
        raise IntegrityError("it lacks the run's id or its state")
    state: str = status["state"]
    return state


def _checkpoint(run: RunDir, path: Path, owner: Owner | None) -> tuple[Part, Facts | None]:
    """Look at a checkpoint; in a run that does not tell its id, only at whether it is whole."""
    if owner is None:
        return _looked_at(_inside(run, path), lambda: read_facts(path, verify_files=True)), None
    found: list[Facts] = []

    def look() -> str:
        facts = facts_of(path, owner, verify_files=True)
        if facts.resumable:
            _plain_state(path)
        found.append(facts)
        return "can be resumed" if facts.resumable else "weights only"

    return _looked_at(_inside(run, path), look, str), next(iter(found), None)


def _plain_state(checkpoint: Path) -> Mapping[str, Any]:
    """Return what a checkpoint's state says of the rest of the run."""
    with distrusting(checkpoint):
        state = loads(read_files(checkpoint, ["state.json"])["state.json"])
        return {"mark": Mark.of(state), "best_step": state["selection"]["best_step"]}


def _none_saved(run: RunDir) -> list[Part]:
    """Return a damaged part where there must be a checkpoint: a run ends, and stops, with one."""
    with suppress(DltkError):
        state = run.status().get("state")
        if state in {"completed", "stopped"}:
            return [Part("checkpoints", "damaged", f"a run that is {state} has saved one, and none is there")]
    return []


def _best(state: Mapping[str, Any], steps: set[int]) -> list[Part]:
    """Return a damaged part where the newest state names a best checkpoint that is not intact."""
    best = state.get("best_step")
    if best is None or best in steps:
        return []
    return [Part("best", "damaged", f"the best so far is of step {best}, and not intact or gone")]


def _metrics(run: RunDir, mark: Mark) -> Part:
    metrics = Metrics(run.metrics)

    def look() -> str:
        metrics.refuse_other(mark)
        steps = [row["step"] for row in metrics.rows()]
        if steps != sorted(set(steps)):
            raise IntegrityError("its steps are not in order")
        return TORN if metrics.is_torn() else count_of(len(steps), "evaluation")

    return _looked_at("metrics.jsonl", look, str)


def _files(run: RunDir) -> list[Part]:
    return [
        _looked_at("config.yaml", lambda: run.config.read_text(encoding="utf-8"), lambda _: READABLE),
        _looked_at("resolved.yaml", lambda: refuse_edited(run.resolved)),
        _looked_at("environment.json", run.read_environment),
    ]


def _leftovers(run: RunDir) -> list[Path]:
    """Return what a killed process left; a live one is about to finish it."""
    return [] if run.is_owned() else [*leftovers_in(run.path), *leftovers_in(run.checkpoints)]


def _inside(run: RunDir, path: Path) -> str:
    return path.relative_to(run.path).as_posix()
