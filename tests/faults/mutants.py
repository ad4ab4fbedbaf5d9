"""Mistakes that one could make in dltk, each with the invariant that must notice it, and the test that holds that."""

from __future__ import annotations

from dataclasses import dataclass

STOPS = "tests/faults/test_stops.py"
WRITING = "tests/faults/test_writing.py"
CHECKPOINTS = "tests/faults/test_checkpoints.py"
RESUMED = "tests/faults/test_resumed.py::test_stops_at_any_moment_change_no_bit"
NAMED = "tests/faults/test_crash_points.py::test_a_run_that_is_killed_before_anything_gets_its_name_goes_on_bit_equal"
EVALUATIONS = "tests/faults/test_evaluations.py"
ONCE = "tests/faults/test_exactly_once.py"


@dataclass(frozen=True)
class Mutant:
    """A mistake: text of a file that another text takes the place of.

    Attributes:
        invariant: Which of the promises it breaks.
        file: Below dltk/.
        old: Stands there exactly once.
        new: What is there instead.
        test: What must fail.
    """

    invariant: str
    file: str
    old: str
    new: str
    test: str


DURABLE, CHECKPOINT, LOOP = (
    "training/saving/durable.py",
    "training/saving/checkpoint.py",
    "training/loop.py",
)
MUTANTS = {
    "files are not synced": Mutant(
        "I2",
        DURABLE,
        "        file.flush()\n        os.fsync(file.fileno())\n",
        "        file.flush()\n",
        f"{WRITING}::test_everything_is_on_the_disk_before_it_gets_its_name",
    ),
    "the directory that got a name is not synced": Mutant(
        "I2",
        DURABLE,
        "        staged.rename(target)\n        sync_directory(target.parent)\n",
        "        staged.rename(target)\n",
        f"{WRITING}::test_everything_is_on_the_disk_before_it_gets_its_name",
    ),
    "the record of scores is not synced": Mutant(
        "I2",
        LOOP,
        "**run.log.metrics.secured().state(),",
        "**run.log.metrics.mark().state(),",
        "tests/faults/test_checkpoints.py::test_the_rows_that_a_checkpoint_counts_on_are_on_the_disk_before_it_is",
    ),
    "a directory is written in its place": Mutant(
        "I2",
        DURABLE,
        'staged = target.with_name(f"{_STAGED}{target.name}-{os.getpid()}-{number}")',
        "staged = target",
        WRITING,
    ),
    "what was moved away is not put back": Mutant(
        "I2",
        DURABLE,
        "            replaced.rename(target)\n    for path",
        "            pass\n    for path",
        WRITING,
    ),
    "digests are not compared": Mutant(
        "I4",
        DURABLE,
        '    if digest != manifest["files"][name]["sha256"]:',
        "    if not digest:",
        f"{CHECKPOINTS}::test_every_flipped_bit_is_noticed",
    ),
    "the set of files is not compared": Mutant(
        "I4", DURABLE, "    if differing:", "    if not manifest:", f"{CHECKPOINTS}::test_an_added_file_is_noticed"
    ),
    "old checkpoints go before the new one is there": Mutant(
        "I3",
        CHECKPOINT,
        '        self._write(step, {"model": weights, "state": state}, score, resumable=True)\n',
        "        for path in paths_in(self._directory):\n            remove_directory(path)\n"
        '        self._write(step, {"model": weights, "state": state}, score, resumable=True)\n',
        f"{CHECKPOINTS}::test_a_checkpoint_that_cannot_be_written_stops_training_and_keeps_the_older_ones",
    ),
    "the best weights are not saved": Mutant(
        "I12",
        CHECKPOINT,
        '            self._write(best.step, {"model": best.weights}, best.score, resumable=False)',
        "            pass",
        f"{RESUMED}[patient]",
    ),
    "checkpoints go by the clock": Mutant(
        "A15",
        "training/saving/facts.py",
        "key=lambda path: _name_of(path)[5:].zfill(10)",
        'key=lambda path: (path / "manifest.json").stat().st_mtime',
        f"{CHECKPOINTS}::test_a_clock_that_goes_back_does_not_matter",
    ),
    "half a checkpoint counts as one": Mutant(
        "I2",
        CHECKPOINT,
        'any((path / "state.json").is_file() for path in paths_in(directory))',
        "any(directory.iterdir())",
        NAMED,
    ),
    "broken weights are saved": Mutant(
        "D1",
        LOOP,
        "    _refuse_broken(run, progress, {})\n    if not run.world",
        "    if not run.world",
        f"{CHECKPOINTS}::test_nothing_that_was_saved_is_broken_when_training_diverges",
    ),
    "an epoch begins anew on resume": Mutant(
        "I1",
        LOOP,
        '    progress = Progress(**state["progress"])\n',
        '    progress = Progress(**{**state["progress"], "batch": 0})\n',
        STOPS,
    ),
    "an evaluation that was cut short is left out": Mutant(
        "I1",
        LOOP,
        "            if _evaluation_is_due(run, progress):  # an epoch",
        "            if progress.batch == 0 and _evaluation_is_due(run, progress):  # an epoch",
        EVALUATIONS,
    ),
    "training scores begin anew before an evaluation is whole": Mutant(
        "I1",
        LOOP,
        "    found = run.world.told(lambda: _val_scores(run))\n",
        "    run.learner.observe(scores)\n    found = run.world.told(lambda: _val_scores(run))\n",
        EVALUATIONS,
    ),
    "a time limit holds before anything is done": Mutant(
        "I1", "training/signals.py", "self._deadline = math.inf", "self._deadline = limits.deadline", EVALUATIONS
    ),
    "the record is not cut on resume": Mutant(
        "I12", "training/record.py", "                os.truncate(self._path, mark.size)", "                pass", STOPS
    ),
    "schedules begin anew on resume": Mutant(
        "I1",
        "training/optimization.py",
        'self._updates, self._num_samples = int(state["steps"]), 0',
        "self._updates, self._num_samples = 0, 0",
        STOPS,
    ),
    "moments are forgotten on resume": Mutant(
        "I1",
        "training/optimization.py",
        '        self._optimizer.load_state_dict(dict(state["optimizer"]))\n',
        "",
        STOPS,
    ),
    "steps are counted anew, and with them seeds": Mutant(
        "I1",
        "training/learner.py",
        '        self._steps = int(state["steps"])\n        self._optimization',
        "        self._optimization",
        STOPS,
    ),
    "running means are forgotten on resume": Mutant(
        "I1",
        "training/learner.py",
        '        self._scores.load_state_dict(state["scores"], self._session.device)\n',
        "",
        STOPS,
    ),
    "the average's updates are counted anew": Mutant(
        "I1",
        "training/updates/averaging.py",
        '        self._updates = int(state["updates"])\n',
        "",
        f"{RESUMED}[averaged]",
    ),
    "patience is full again on resume": Mutant(
        "I1", "training/early_stopping.py", 'int(state["stale"])', "0", f"{RESUMED}[patient]"
    ),
    "every step draws the same noise": Mutant(
        "I8", "training/session.py", 'derive(self.seed, "step", step, ', 'derive(self.seed, "step", ', ONCE
    ),
    "every epoch has the same order": Mutant(
        "I8",
        "data/plans.py",
        '        generator = torch.Generator().manual_seed(derive(seed, "order", epoch))\n        return',
        '        generator = torch.Generator().manual_seed(derive(seed, "order"))\n        return',
        ONCE,
    ),
    "nobody locks": Mutant(
        "G1",
        "training/runs/locking.py",
        "            _lock_soon(file)\n",
        "            pass\n",
        "tests/faults/test_owners.py",
    ),
}
