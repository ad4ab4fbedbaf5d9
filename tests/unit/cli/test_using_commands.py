"""`dltk eval` and `dltk predict`: which run, which data, which answers."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.commands import QUIET, TABLE, contents, write_table

GAN = "data: {name: digits}\nmodel: {name: gan}\ntrain: {steps: 2, threads: 1}\n" + QUIET
DIGITS = "data: {name: digits}\nmodel: {name: linear}\ntrain: {steps: 3, threads: 1}\n" + QUIET
TEXTS = "data: {name: text_csv, path: texts.csv}\nmodel: {name: linear}\ntrain: {epochs: 1, threads: 1}\n" + QUIET


@pytest.fixture
def table_run(dltk, folder):
    """Return a run on a table, whose file is gone now."""
    path = write_table(folder / "table.csv")
    (folder / "table.yaml").write_text(TABLE)
    run = dltk.trained("table.yaml", "--output-dir", "run")
    path.rename(folder / "new.csv")
    return run


@pytest.fixture
def digits_run(dltk, folder):
    (folder / "digits.yaml").write_text(DIGITS)
    return dltk.trained("digits.yaml", "--output-dir", "run")


@pytest.fixture
def text_run(dltk, folder):
    rows = [f"{'good' if i % 2 else 'bad'} film {i},{'yes' if i % 2 else 'no'}" for i in range(20)]
    (folder / "texts.csv").write_text("text,label\n" + "\n".join(rows))
    (folder / "texts.yaml").write_text(TEXTS)
    run = dltk.trained("texts.yaml", "--output-dir", "run")
    (folder / "texts.csv").unlink()
    return run


@pytest.fixture
def gan_run(dltk, folder):
    (folder / "gan.yaml").write_text(GAN)
    return dltk.trained("gan.yaml", "--output-dir", "run")


def test_eval_repeats_the_scores_of_the_end(dltk, iris_run):
    status = json.loads((iris_run / "status.json").read_text())
    val, answer = dltk.ok("eval", iris_run, "--split", "val", "--json"), dltk.ok("eval", iris_run, "--json")
    assert {**val.json["scores"], **answer.json["scores"]} == pytest.approx(status["scores"])
    assert set(answer.json) == {"run", "status", "scores", "num_samples", "protocol", "per_class", "seconds"}
    assert (answer.json["num_samples"], answer.json["status"]) == (30, "completed")


def test_eval_prints_score_and_number_and_protocol(dltk, iris_run):
    lines = dltk.ok("eval", iris_run, "--split", "train").out.splitlines()
    assert re.fullmatch(r"train/accuracy \d\.\d{4}  \(n = 108\)", lines[0])
    assert lines[2:5] == [
        "accuracy: share of samples whose class is right",
        "loss: mean cross_entropy per sample",
        "",
    ]


def test_eval_tells_how_well_each_class_is_found(dltk, iris_run):
    lines = [line.split() for line in dltk.ok("eval", iris_run).out.splitlines()]
    table = lines[lines.index([]) + 1 :]
    assert table[0] == ["class", "precision", "recall", "f1", "samples"]
    assert [row[0] for row in table[1:]] == ["setosa", "versicolor", "virginica"]
    rows = dltk.ok("eval", iris_run, "--json").json["per_class"]
    assert [row["samples"] for row in rows] == [10, 10, 10]


def test_eval_draws_where_it_is_told_to(dltk, folder, iris_run):
    drawn = dltk.ok("eval", iris_run, "--pictures", "new/pictures", "--json").json["pictures"]
    assert "new/pictures/confusion_matrix.png" in drawn
    assert all((folder / path).read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_a_class_that_no_font_can_draw_is_said_once_by_training_and_by_eval(dltk, folder):
    table = write_table(folder / "table.csv")
    table.write_text(table.read_text().replace("small", "\U00013000"), encoding="utf-8")
    (folder / "table.yaml").write_text(TABLE)
    said = dltk.ok("train", "table.yaml", "tensorboard={pictures: true}", "--output-dir", "run").err
    assert said.count("#1 is '\U00013000'; install a CJK font") == 1
    answer = dltk.ok("eval", "run", "data.path=table.csv", "--pictures", "drawn")
    assert answer.err.count("#1 is '\U00013000'; install a CJK font") == 1
    assert "install" not in dltk.ok("eval", "run", "data.path=table.csv").err


def test_eval_refuses_a_folder_that_is_a_file_at_once(dltk, folder, iris_run):
    (folder / "taken").write_text("")
    answer = dltk("eval", iris_run, "--pictures", "taken")
    assert (answer.code, "cannot create the folder" in answer.err) == (73, True)


def test_eval_changes_nothing(dltk, iris_run):
    before = contents(iris_run)
    dltk.ok("eval", iris_run)
    assert contents(iris_run) == before


@pytest.mark.parametrize("spelled", ["directory", "relative", "name", "checkpoint"])
def test_a_run_is_a_directory_a_name_or_a_checkpoint(dltk, folder, spelled):
    run = dltk.trained("iris.yaml")
    text = {
        "directory": run,
        "relative": run.relative_to(folder),
        "name": "iris",
        "checkpoint": run / "checkpoints" / "step-00000014",
    }[spelled]
    assert dltk.ok("eval", text, "--json").json["run"] == str(run)


def test_a_checkpoint_is_used_as_it_is_and_not_the_best(dltk):
    run = dltk.trained("iris.yaml", "train.epochs=4", "checkpoint.keep=10", "checkpoint.every_steps=7")
    losses = [
        dltk.ok("eval", run / "checkpoints" / f"step-{7 * epoch:08d}", "--split", "val", "--json").json["scores"]
        for epoch in (1, 2, 3, 4)
    ]
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [scores["val/loss"] for scores in losses] == pytest.approx([row["val/loss"] for row in rows])
    assert len({scores["val/loss"] for scores in losses}) == 4


def test_a_moved_run_works(dltk, folder):
    run = dltk.trained("iris.yaml")
    before = dltk.ok("eval", run, "--json").json["scores"]
    (folder / "elsewhere").mkdir()
    moved = run.rename(folder / "elsewhere" / "ä b")
    assert dltk.ok("eval", moved, "--json").json["scores"] == before


def test_eval_scores_another_file_as_one_test_split(dltk, table_run):
    answer = dltk.ok("eval", table_run, "data.path=new.csv", "--json")
    assert answer.json["num_samples"] == 60
    assert set(answer.json["scores"]) == {"test/accuracy", "test/loss"}


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        ("model.hidden=[3]", 2, "eval can only name other data"),
        ("data.batch_size=3", 2, "eval can only name other data"),
        ("data.name=iris", 2, "eval can only name other data"),
        ("data.path=nowhere.csv", 66, "nowhere.csv"),
        ("data.pth=new.csv", 2, "did you mean 'data.path'?"),
        ("data.drop=[a]", 2, "eval can only name other data"),
        ("data.path=bad.csv", 65, "there is no column 'kind'"),
    ],
)
def test_eval_refuses_what_it_cannot_score(dltk, folder, table_run, override, code, message):
    (folder / "bad.csv").write_text("a,b\n1,2\n")
    answer = dltk("eval", table_run, override)
    assert answer.code == code
    assert message in answer.err


def test_eval_of_a_table_that_lacks_columns_names_them(dltk, folder, table_run):
    (folder / "other.csv").write_text("a,color,kind\n1,red,big\n2,blue,small\n")
    answer = dltk("eval", table_run, "data.path=other.csv")
    assert answer.code == 65
    assert "the table lacks 2 of the 3 columns that the model was trained on" in answer.err
    assert "'colour'; did you mean 'color'?" in answer.err


def test_eval_without_the_training_data_says_what_is_missing(dltk, table_run):
    answer = dltk("eval", table_run)
    assert answer.code == 66
    assert "table.csv" in answer.err


def test_eval_of_a_split_that_is_not_there(dltk):
    run = dltk.trained("iris.yaml", "data.val_fraction=0")
    answer = dltk("eval", run, "--split", "val")
    assert answer.code == 2
    assert "expected: test, train" in answer.err


def test_a_table_is_answered_row_by_row_where_the_training_data_are_gone(dltk, folder, table_run):
    (folder / "own.csv").write_text("note,b,colour,a\nx,0.9,red,0.9\n-,0.1,blue,0.1\n?,0.5,green,0.5\n,oops,red,0.5\n")
    answer = dltk.ok("predict", table_run, "own.csv", "--json")
    rows = answer.json["rows"]
    assert [row["input"] for row in rows] == ["row 1", "row 2", "row 3", "row 4"]
    assert [row["status"] for row in rows] == ["ok", "ok", "unknown_category", "invalid"]
    assert {row["label"] for row in rows[:3]} <= {"big", "small"}
    assert "label" not in rows[3]
    assert [row["reason"] for row in rows] == ["", "", "", "column 'b': 'oops' is no usable number"]
    assert set(answer.json) == {"run", "status", "rows", "seconds"}


def test_the_answer_is_a_table_without_escapes_in_a_pipe(dltk, table_run):
    lines = dltk.ok("predict", table_run, "new.csv").out.splitlines()
    assert lines[0].split() == ["input", "status", "label", "probability"]
    assert len(lines) == 61
    assert re.fullmatch(r"row 1 +ok +(big|small) +0\.\d+", lines[1])


def test_predictions_are_the_same_alone_and_together(dltk, folder, table_run):
    header, first, second, *_ = (folder / "new.csv").read_text().splitlines()
    (folder / "two.csv").write_text("\n".join([header, second, first]))
    two = dltk.ok("predict", table_run, "two.csv", "--json").json["rows"]
    whole = dltk.ok("predict", table_run, "new.csv", "--json").json["rows"]
    assert [row["probability"] for row in two] == pytest.approx(
        [whole[1]["probability"], whole[0]["probability"]], 1e-5
    )


def test_a_csv_file_is_written_whole_and_safe_to_open_in_a_spreadsheet(dltk, folder):
    kinds = {"big": "=HYPERLINK(1)", "small": "-1"}
    table = write_table(folder / "table.csv").read_text()
    for kind, name in kinds.items():
        table = table.replace(kind, name)
    (folder / "table.csv").write_text(table)
    (folder / "table.yaml").write_text(TABLE)
    run = dltk.trained("table.yaml", "train.epochs=20", "data.batch_size=4", "optimizer={name: adam, lr: 0.1}")
    answer = dltk.ok("predict", run, "table.csv", "--output", "out.csv")
    assert answer.out == ""
    with (folder / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["input"] for row in rows] == [f"row {i}" for i in range(1, 61)]
    assert {row["label"] for row in rows} == {"'=HYPERLINK(1)", "-1"}
    assert [path.name for path in folder.iterdir() if "out" in path.name] == ["out.csv"]


def test_lines_of_json_are_written_one_per_answer(dltk, folder, table_run):
    answer = dltk.ok("predict", table_run, "new.csv", "--top", 2, "--output", "out.jsonl", "--json")
    assert answer.json["output"] == "out.jsonl"
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert [row["rank"] for row in rows] == [1, 2] * 60
    assert rows[0]["probability"] + rows[1]["probability"] == pytest.approx(1)


def test_images_and_folders_are_answered_in_order(dltk, folder, digits_run):
    (folder / "pictures").mkdir()
    for i in (2, 1):
        Image.new("L", (30, 20), 80 * i).save(folder / "pictures" / f"p{i}.png")
    Image.new("RGB", (8, 8), (255, 0, 0)).save(folder / "own.jpg")
    (folder / "broken.png").write_bytes(b"no image")
    answer = dltk.ok("predict", digits_run, "own.jpg", "pictures", "broken.png", "--json")
    rows = answer.json["rows"]
    assert [row["input"].rpartition("/")[2] for row in rows] == ["own.jpg", "p1.png", "p2.png", "broken.png"]
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "invalid"]


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_code_65_says_that_no_input_could_be_answered(dltk, folder, digits_run, as_json):
    (folder / "broken.png").write_bytes(b"no image")
    (folder / "empty.png").write_bytes(b"")
    answer = dltk("predict", digits_run, "broken.png", "empty.png", *as_json)
    assert answer.code == 65
    assert "an empty file" in answer.out
    assert "every one is invalid" in (answer.json["message"] if as_json else answer.err)


def test_top_gives_the_best_answers_first(dltk, folder, digits_run):
    Image.new("L", (8, 8), 90).save(folder / "own.png")
    rows = dltk.ok("predict", digits_run, "own.png", "--top", 3, "--json").json["rows"]
    probabilities = [row["probability"] for row in rows]
    assert len(probabilities) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    assert {row["input"] for row in rows} == {rows[0]["input"]}


def test_standard_input_is_read_line_by_line(dltk, text_run, monkeypatch):
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO("good film\n\nbad \x1b[31m film 🚀\n".encode()), "utf-8")
    )
    rows = dltk.ok("predict", text_run, "-", "--json").json["rows"]
    assert [row["input"] for row in rows] == ["stdin:1", "stdin:2", "stdin:3"]
    assert [row["status"] for row in rows] == ["ok", "empty", "ok"]
    assert {row["label"] for row in rows} <= {"yes", "no"}


def test_what_a_file_is_called_cannot_write_to_the_terminal(dltk, folder, digits_run):
    Image.new("L", (8, 8)).save(folder / "a\x1b[31m.png")
    out = dltk.ok("predict", digits_run, "a\x1b[31m.png").out
    assert "\x1b" not in out
    assert "a\\x1b[31m.png" in out


def test_a_generator_draws_samples_as_files(dltk, folder, gan_run):
    rows = dltk.ok("predict", gan_run, "--count", 2, "--json").json["rows"]
    assert [row["status"] for row in rows] == ["ok", "ok"]
    for row in rows:
        with Image.open(row["image"]) as image:
            assert image.size == (8, 8)
    assert (gan_run / "predictions").is_dir()
    dltk.ok("predict", gan_run, "--count", 1, "--output", "drawn.csv")
    assert (folder / "image-0000.png").is_file()


def test_the_same_seed_draws_the_same_samples(dltk, gan_run):
    def drawn(seed):
        rows = dltk.ok("predict", gan_run, "--count", 1, "--seed", seed, "--json").json["rows"]
        return [Path(row["image"]).read_bytes() for row in rows]

    first = drawn(1)
    assert drawn(1) == first
    assert drawn(2) != first


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--count", "3"], 2),
        (["--steps", "3"], 2),
        (["--count", "0"], 2),
        (["new.csv", "--top", "0"], 2),
        (["new.csv", "--output", "out.txt"], 2),
        (["new.csv", "--output", "nowhere/out.csv"], 73),
        (["nowhere.csv"], 66),
    ],
)
def test_what_a_table_run_cannot_answer(dltk, folder, table_run, arguments, code):
    before = contents(folder)
    answer = dltk("predict", table_run, *arguments)
    assert answer.code == code
    assert answer.err.startswith("error[DLTK-")
    assert contents(folder) == before


def test_a_generator_answers_no_inputs(dltk, folder, gan_run):
    Image.new("L", (8, 8)).save(folder / "own.png")
    answer = dltk("predict", gan_run, "own.png")
    assert answer.code == 2
    assert "--count" in answer.err
