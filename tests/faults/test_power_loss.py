"""After a power cut at any moment of a save the newest checkpoint that was synced is there, and nothing torn counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from dltk.training.record import Mark, Metrics
from dltk.training.runs.rundir import RunDir
from tests.children import Child
from tests.faults.lives import folder_in_memory, tell
from tests.faults.power_loss import Disk
from tests.faults.saving import RUN, begun, checkpoints_of, found_in, save, weights_of
from tests.faults.system import Event, System


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with folder_in_memory() as made:
        begun(made)
        yield made


@pytest.fixture(scope="module")
def events(folder: Path) -> list[Event]:
    """Save step 12 in a process of its own; return its calls. The folder is as it was before."""
    with folder_in_memory() as made:
        begun(made)
        events: list[Event] = Child(saved, made).result()
    return [Event(event.name, at(folder, event.path), at(folder, event.to), event.content) for event in events]


def saved(folder: Path) -> list[Event]:
    system = System(folder / RUN)
    system.arm()
    save(RunDir(folder / RUN), 12)
    system.disarm()
    return [
        Event(event.name, relative(folder, event.path), relative(folder, event.to), event.content)
        for event in system.events
    ]


def relative(folder: Path, path: str) -> str:
    return path and str(Path(path).relative_to(folder))


def at(folder: Path, path: str) -> str:
    return path and str(folder / path)


def moments(folder: Path, events: Sequence[Event]) -> Iterator[tuple[Disk, int, str]]:
    """Yield the disk after each call, the newest step that was synced by then, and the call."""
    disk, committed, is_named = Disk(folder / RUN), 8, False
    for number, event in enumerate(events):
        disk.happens(event)
        is_named = is_named or (event.name == "rename" and event.to.endswith("checkpoints/step-00000012"))
        if is_named and event.name == "fsync" and event.path.endswith("checkpoints"):
            committed = 12
        yield disk, committed, f"{number}: {event.name} {event.path}"


def prove(folder: Path, events: Sequence[Event], *, in_order: bool, share: float) -> int:
    """Cut the power at any call, look at a share of what may be there then; return how many that were."""
    chance, looked = Random(0), 0
    with folder_in_memory() as back:
        for disk, committed, where in moments(folder, events):
            for kept, torn in disk.states(in_order=in_order):
                if chance.random() < share:
                    disk.write(kept, torn, back / RUN)
                    found = found_in(RunDir(back / RUN)) if in_order else newest_in(RunDir(back / RUN))
                    assert found >= committed, f"step {committed} was synced, {found} is found after {where}"
                    looked += 1
    tell(f"power cuts: {looked}, in order: {in_order}")
    return looked


def newest_in(run: RunDir) -> int:
    """Return the step that a run goes on from, which is what was saved, and the record with it."""
    intact = checkpoints_of(run)
    for found in intact:
        assert found.weights()["layer.weight"].equal(weights_of(found.step)["layer.weight"]), "false weights"
    newest = next(found for found in intact if found.resumable)
    Metrics(run.metrics).refuse_other(Mark.of(newest.state()))
    return newest.step


def test_what_was_synced_survives_a_power_cut_and_nothing_torn_counts(folder: Path, events: list[Event]) -> None:
    assert prove(folder, events, in_order=True, share=0.2) > 50


def test_it_does_so_on_a_disk_that_changes_names_in_any_order(folder: Path, events: list[Event]) -> None:
    assert prove(folder, events, in_order=False, share=0.02) > 50


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("in_order", [True, False])
def test_what_was_synced_survives_any_power_cut(folder: Path, events: list[Event], in_order: bool) -> None:
    assert prove(folder, events, in_order=in_order, share=1) > 500


@pytest.mark.parametrize(("left_out", "in_order"), [("", True), ("checkpoints", False)], ids=["all", "names"])
def test_a_save_that_does_not_sync_loses_what_it_saved(
    folder: Path, events: list[Event], left_out: str, in_order: bool
) -> None:
    fewer = [event for event in events if not (event.name == "fsync" and event.path.endswith(left_out))]
    *_, (disk, _, _) = moments(folder, fewer)
    found = set()
    with folder_in_memory() as back:
        for kept, torn in disk.states(in_order=in_order):
            disk.write(kept, torn, back / RUN)
            found |= {checkpoint.step for checkpoint in checkpoints_of(RunDir(back / RUN))[:1]}
    assert found > {12}, "the model is tested"
