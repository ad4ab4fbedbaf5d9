"""What a run says: plain lines in a pipe, a bar on a terminal, strict JSON, and that nobody needs to listen."""

import io
import json
import math
import os
import subprocess
import sys

import pytest

from dltk.config.errors import IntegrityError, WriteError
from dltk.training.board import NoBoard
from dltk.training.loggers import RunLog, Screen, number, spelled, table
from dltk.training.record import BEGINNING, Mark, Metrics


def test_lines_go_to_stderr_and_to_the_log(tmp_path, capsys):
    screen = Screen()
    screen.say("before there is a log")
    screen.keep_log(tmp_path / "train.log")
    screen.say("ä \udce4")
    assert capsys.readouterr() == ("", "before there is a log\nä \\udce4\n")
    assert (tmp_path / "train.log").read_text(encoding="utf-8") == "before there is a log\nä \\udce4\n"


def test_quiet_says_nothing_but_keeps_the_log(tmp_path, capsys):
    screen = Screen(quiet=True)
    screen.keep_log(tmp_path / "train.log")
    screen.say("hello")
    screen.begin_epoch("epoch 1", 10, 0)
    screen.advance(1)
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "train.log").read_text() == "hello\n"


def test_there_is_no_bar_in_a_pipe(capsys):
    screen = Screen()
    screen.begin_epoch("epoch 1", 10, 0)
    screen.advance(1)
    screen.say("line")
    screen.close()
    assert capsys.readouterr() == ("", "line\n")


class Terminal(io.StringIO):
    """Takes what a terminal takes."""

    def isatty(self):
        return True


def test_there_is_a_bar_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    screen = Screen()
    screen.begin_epoch("epoch 2/3", 10, 4)
    screen.advance(1)
    screen.say("line")
    screen.close()
    assert "epoch 2/3" in terminal.getvalue()
    assert "4/10" in terminal.getvalue()
    assert terminal.getvalue().endswith("line\n")


@pytest.mark.parametrize("bar", [True, False])
def test_a_bar_is_drawn_or_not_as_told(monkeypatch, bar):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    screen = Screen(bar=bar)
    screen.begin_epoch("epoch", 10, 0)
    screen.close()
    assert ("epoch" in terminal.getvalue()) is bar


class Gone(Terminal):
    """A terminal that was closed."""

    def write(self, _text):
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("stderr", [Gone(), None], ids=["gone", "none"])
def test_a_closed_stderr_does_not_stop_training(tmp_path, monkeypatch, capsys, stderr):
    monkeypatch.setattr(sys, "stderr", stderr)
    screen = Screen()
    screen.keep_log(tmp_path / "train.log")
    for epoch in range(2):
        screen.begin_epoch(f"epoch {epoch}", 10, 0)
        screen.advance(1)
        screen.say(f"line {epoch}")
    screen.close()
    monkeypatch.undo()
    assert (tmp_path / "train.log").read_text() == "line 0\nline 1\n"
    assert capsys.readouterr().out == ""


def test_a_stderr_that_is_closed_meanwhile_does_not_stop_training(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    screen = Screen()
    screen.begin_epoch("epoch", 10, 0)
    terminal.close()
    screen.advance(1)
    screen.say("line")
    screen.close()


def test_a_log_that_cannot_be_written_is_told_once_and_does_not_stop_training(tmp_path, capsys):
    screen = Screen()
    (tmp_path / "train.log").mkdir()
    screen.keep_log(tmp_path / "train.log")
    screen.say("first")
    screen.say("second")
    assert capsys.readouterr().err.splitlines() == [
        "warning[DLTK-WARN-LOG]: train.log stops here: Is a directory; training goes on",
        "first",
        "second",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs file descriptors that can be closed")
def test_a_program_without_stderr_trains(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from dltk.training.loggers import Screen; s = Screen(); "
        "s.keep_log(Path(sys.argv[1])); s.say('line'); os._exit(0 if sys.stderr is None else 3)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "log")]
    done = subprocess.run(command, check=False, capture_output=False, preexec_fn=lambda: os.close(2))
    assert done.returncode == 0
    assert (tmp_path / "log").read_text() == "line\n"


def test_rows_are_strict_json_one_per_line(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.append({"step": 1, "val/loss": math.nan, "val/ä": 0.1, "n": 3})
    metrics.append({"step": 2, "val/loss": -math.inf})
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail) for line in lines] == [
        {"step": 1, "val/loss": None, "val/ä": 0.1, "n": 3},
        {"step": 2, "val/loss": None},
    ]
    assert metrics.rows() == [json.loads(line) for line in lines]
    assert metrics.mark().size == (tmp_path / "metrics.jsonl").stat().st_size


def test_numbers_keep_all_their_digits(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    values = [0.1, 1 / 3, 1e-300, 2.0**60]
    metrics.append({"values": values})
    assert metrics.rows()[0]["values"] == values


def test_rows_after_a_checkpoint_are_cut(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.append({"step": 1})
    mark = metrics.mark()
    metrics.append({"step": 2})
    metrics.cut(mark)
    assert metrics.rows() == [{"step": 1}]
    metrics.cut(BEGINNING)
    assert metrics.rows() == []


def test_nothing_is_cut_of_nothing(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.cut(BEGINNING)
    assert (metrics.rows(), metrics.mark().size) == ([], 0)


@pytest.mark.parametrize("is_gone", [True, False])
def test_rows_that_were_lost_are_told(tmp_path, is_gone):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.append({"step": 1})
    mark = metrics.mark()
    os.truncate(tmp_path / "metrics.jsonl", 5)
    if is_gone:
        (tmp_path / "metrics.jsonl").unlink()
    with pytest.raises(IntegrityError, match=r"metrics\.jsonl has lost rows") as caught:
        metrics.cut(mark)
    assert caught.value.code == 81


def test_rows_that_were_changed_are_told(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.append({"val/loss": 0.25})
    mark = metrics.mark()
    metrics.append({"val/loss": 0.125})
    text = (tmp_path / "metrics.jsonl").read_text()
    (tmp_path / "metrics.jsonl").write_text(text.replace("0.125", "0.375"))
    assert metrics.refuse_other(mark), "rows came after it"
    (tmp_path / "metrics.jsonl").write_text(text.replace("0.25", "0.75"))
    with pytest.raises(IntegrityError, match=r"metrics\.jsonl is damaged: its digest does not match"):
        metrics.cut(mark)


def test_a_record_of_dltk_0_1_0_is_only_as_long_as_it_was(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.append({"step": 1})
    assert Mark.of({"metrics_size": metrics.mark().size}) == Mark(metrics.mark().size, None)
    assert not metrics.refuse_other(Mark(metrics.mark().size, None))


def test_a_torn_last_line_is_no_row(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.append({"step": 1})
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 2, "na\xc3')
    assert metrics.rows() == [{"step": 1}]


def test_a_row_that_cannot_be_written_is_an_error(tmp_path):
    metrics = Metrics(tmp_path / "gone" / "metrics.jsonl")
    with pytest.raises(WriteError, match=r"cannot write metrics\.jsonl: No such file") as caught:
        metrics.append({"step": 1})
    assert caught.value.code == 74


def test_an_evaluation_is_recorded_and_said(tmp_path, capsys):
    log = RunLog(Screen(), Metrics(tmp_path / "metrics.jsonl"), NoBoard())
    log.evaluation("epoch 1/2", 10, 1, {"train/loss": 0.5, "val/accuracy": math.nan}, is_told=True)
    row = log.metrics.rows()[0]
    assert {**row, "seconds": 0} == {"step": 10, "epoch": 1, "train/loss": 0.5, "val/accuracy": None, "seconds": 0}
    assert capsys.readouterr().err.startswith("epoch 1/2  train/loss 0.5000  val/accuracy undefined  ")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.98765, "0.9877"), (-0.5, "-0.5000"), (12.0, "12.0000"), (1e-5, "1e-05"), (123456.0, "1.235e+05"), (0.0, "0"),
     (math.nan, "undefined"), (math.inf, "inf")],
)  # fmt: skip
def test_numbers_are_spelled_for_people(value, text):
    assert number(value) == text
    assert spelled({"val/loss": value}) == f"val/loss {text}"


def test_a_table_is_aligned():
    assert table([["name", "score"], ["a", "0.5"]]) == ["name  score", "a     0.5"]


def test_a_damaged_line_of_the_record_is_an_error(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"ste\n')
    with pytest.raises(IntegrityError, match="is damaged"):
        Metrics(path).rows()


def test_a_warning_is_said_once_and_other_lines_as_often_as_they_come(capsys):
    screen = Screen()
    for line in ("warning[DLTK-WARN-LOG]: x", "same", "warning[DLTK-WARN-LOG]: x", "same"):
        screen.say(line)
    assert capsys.readouterr().err.splitlines() == ["warning[DLTK-WARN-LOG]: x", "same", "same"]
