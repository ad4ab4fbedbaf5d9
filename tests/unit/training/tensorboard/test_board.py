"""The board shows what metrics.jsonl says, each step once; its failure stops nothing and no kind changes a run."""

import contextlib
import io
import signal
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dltk.config.sections import CheckpointOptions, TensorboardOptions, TrainOptions
from dltk.pictures import png_of
from dltk.training.loggers import Screen
from dltk.training.tensorboard.board import TensorBoard
from tests.unit.training.tiny import Trial, bits, record

DEFAULTS = TensorboardOptions()
ALL = TensorboardOptions(histograms=True, graph=True, embeddings=True)
NONE = TensorboardOptions(**dict.fromkeys(TensorboardOptions.model_fields, False))


def shown(directory):
    """Return what TensorBoard's own reader finds: {tag: [(step, value)]}."""
    reader = EventAccumulator(str(directory), size_guidance={"scalars": 0, "images": 0})
    reader.Reload()
    return {tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def expected(trial):
    """Return what metrics.jsonl holds, likewise; TensorBoard keeps 32 bits."""
    rows = record(trial.metrics)
    names = [name for name in rows[0] if "/" in name]
    return {name: [(row["step"], pytest.approx(row[name], rel=1e-6)) for row in rows] for name in names}


def trained(tmp_path, *stops, **options):
    """Train, stopped now and then, each life with a board of its own."""
    trial = Trial(tmp_path, **options)
    for stop in [*stops, None]:
        board = TensorBoard(tmp_path / "tensorboard", ALL, Screen(quiet=True))
        life = Trial(tmp_path, board=board, **options)
        with contextlib.closing(board):
            if stop is None:
                life.go()
            else:
                assert life.stopped(stop, signal.SIGTERM) == 143
    return trial


def test_scalars_are_those_of_the_record(tmp_path):
    trial = trained(tmp_path)
    assert shown(tmp_path / "tensorboard") == expected(trial)


@pytest.mark.parametrize("stops", [(6,), (7,), (2, 8, 12, 13), (18,)])
@pytest.mark.parametrize("evaluate_every", ["epoch", 1])
def test_no_step_is_shown_twice_after_stops(tmp_path, stops, evaluate_every):
    trial = trained(tmp_path, *stops, options=TrainOptions(epochs=3, evaluate_every=evaluate_every))
    assert shown(tmp_path / "tensorboard") == expected(trial)


@pytest.mark.parametrize("killed_at", [7, 8, 13])
def test_no_step_is_shown_twice_after_a_kill(tmp_path, killed_at):
    often = CheckpointOptions(every_seconds=1e6, every_steps=6)  # at the end of each epoch, before its evaluation
    with contextlib.closing(TensorBoard(tmp_path / "tensorboard", DEFAULTS, Screen(quiet=True))) as board:
        Trial(tmp_path, checkpoint=often, board=board).killed(killed_at)
    trial = trained(tmp_path, checkpoint=often)
    assert shown(tmp_path / "tensorboard") == expected(trial)


def test_what_came_after_the_last_checkpoint_is_superseded(tmp_path):
    for _ in range(2):  # the second life finds no checkpoint, as after an early kill
        for saved in (tmp_path / "checkpoints").glob("step-*"):
            saved.rename(tmp_path / f"thrown-away-{saved.name}")
        trained(tmp_path)
    assert shown(tmp_path / "tensorboard") == expected(Trial(tmp_path))


def test_a_torn_last_event_costs_only_itself(tmp_path):
    board = TensorBoard(tmp_path, DEFAULTS, Screen(quiet=True))
    board.scalars({"a": 1.0}, 1)
    board.scalars({"a": 2.0}, 2)
    board.close()
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[:-5])
    again = TensorBoard(tmp_path, DEFAULTS, Screen(quiet=True))
    again.rewind(2)
    again.scalars({"a": 3.0}, 2)
    again.close()
    assert shown(tmp_path) == {"a": [(1, 1.0), (2, 3.0)]}


def test_events_are_there_at_once(tmp_path):
    board = TensorBoard(tmp_path, DEFAULTS, Screen(quiet=True))
    board.scalars({"a": 1.0}, 1)
    assert shown(tmp_path) == {"a": [(1, 1.0)]}
    board.close()


def test_pictures_are_shown(tmp_path):
    board = TensorBoard(tmp_path, DEFAULTS, Screen(quiet=True))
    with mpl.rc_context({"figure.dpi": 50}):
        board.picture("confusion", png_of(Figure((2, 1))), 7)
    board.close()
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()
    (event,) = reader.Images("confusion")
    assert event.step == 7
    image = Image.open(io.BytesIO(event.encoded_image_string))
    assert image.format == "PNG"
    assert image.size == (event.width, event.height)


def test_a_directory_that_cannot_be_made_is_a_warning_and_no_stop(tmp_path, capsys):
    (tmp_path / "tensorboard").write_text("a file")
    reference = Trial(tmp_path / "a").go()[0]
    board = TensorBoard(tmp_path / "tensorboard", DEFAULTS, Screen())
    assert bits(Trial(tmp_path / "b", board=board).go()[0]) == bits(reference)
    board.close()
    said = capsys.readouterr().err.splitlines()
    assert said == ["warning[DLTK-WARN-TENSORBOARD]: TensorBoard stops here: File exists; training goes on"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_is_told_once_and_no_stop(tmp_path, capsys):
    board = TensorBoard(tmp_path, DEFAULTS, Screen())
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        assert board._file._file is not None
        board._file._file.close()
        board._file._file = full
        for step in range(3):
            board.scalars({"a": 1.0}, step)
        board.close()
    assert capsys.readouterr().err.splitlines() == [
        "warning[DLTK-WARN-TENSORBOARD]: TensorBoard stops here: No space left on device; training goes on"
    ]


def test_readers_see_files_in_the_order_they_were_made_whatever_the_clock_says(tmp_path):
    names = []
    for _ in range(3):
        TensorBoard(tmp_path, DEFAULTS, Screen(quiet=True)).close()
        names.append(max(path.name for path in tmp_path.iterdir()))
    assert names == sorted(set(names))


def histograms(directory):
    """Return {tag: [step, ...]} of the histograms that TensorBoard's own reader finds."""
    reader = EventAccumulator(str(directory), size_guidance={"tensors": 0})
    reader.Reload()
    tags = reader.SummaryMetadata
    found = {tag for tag in reader.Tags()["tensors"] if tags(tag).plugin_data.plugin_name == "histograms"}
    return {tag: [event.step for event in reader.Tensors(tag)] for tag in found}


def test_weights_and_gradients_are_shown_after_each_evaluation(tmp_path):
    trial = trained(tmp_path)
    steps = [row["step"] for row in record(trial.metrics)]
    names = [name for name, _ in trial.model().named_parameters()]
    expected_tags = {f"{kind}/{name}" for kind in ("weights", "gradients") for name in names}
    assert histograms(tmp_path / "tensorboard") == dict.fromkeys(expected_tags, steps)


@pytest.mark.parametrize("stops", [(), (7,), (2, 13)])
def test_no_kind_changes_the_bits_of_a_run(tmp_path, stops):
    reference = Trial(tmp_path / "a").go()[0]
    trained(tmp_path / "b", *stops)
    assert bits(Trial(tmp_path / "b").go()[0]) == bits(reference)
    assert record(Trial(tmp_path / "b").metrics) == record(Trial(tmp_path / "a").metrics)


def test_what_is_off_is_not_shown(tmp_path):
    with contextlib.closing(TensorBoard(tmp_path / "tensorboard", NONE, Screen(quiet=True))) as board:
        Trial(tmp_path, board=board).go()
    assert shown(tmp_path / "tensorboard") == {}
    assert histograms(tmp_path / "tensorboard") == {}


class NoProbe:
    """A learner whose gradients cannot be had."""

    def __init__(self, learner):
        self._learner = learner

    def __getattr__(self, name):
        return getattr(self._learner, name)

    def probe(self, batch):
        raise RuntimeError("out of memory")


def test_a_kind_that_fails_is_left_out_and_said_once(tmp_path, capsys):
    with contextlib.closing(TensorBoard(tmp_path / "tensorboard", ALL, Screen())) as board:
        fitting = Trial(tmp_path).fitting()
        for step in range(3):
            board.learner(NoProbe(fitting.learner), fitting.splits.train, step)
            board.scalars({"a": 1.0}, step)
    assert shown(tmp_path / "tensorboard") == {"a": [(0, 1.0), (1, 1.0), (2, 1.0)]}
    said = capsys.readouterr().err.splitlines()
    assert said == ["warning[DLTK-WARN-TENSORBOARD]: TensorBoard shows no histograms: out of memory; training goes on"]
