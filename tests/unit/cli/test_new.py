"""`dltk new`: configs to begin with, copied or written for files of a user's own."""

import datetime
import random
from pathlib import Path

import PIL.Image
import pytest

from dltk.config import shipped
from dltk.config.schema import SCHEMA_PATH
from dltk.data.tables import looking
from dltk.data.texts import room
from tests.commands import write_table


def written(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def after_the_name(text: str) -> str:
    return text.partition("\nname:")[2].partition("\n")[2]


@pytest.mark.parametrize("path", shipped.configs(), ids=lambda path: path.stem)
def test_a_copy_of_a_shipped_config_says_where_it_is_from_and_how_to_train_it(path, dltk, folder):
    dltk.ok("new", path.stem, "-o", "mine.yaml")
    text = written(folder, "mine.yaml")
    lines = text.splitlines()
    assert lines[0] == f"# yaml-language-server: $schema={SCHEMA_PATH.resolve()}"
    assert lines[1].startswith(f"# A copy of configs/{path.parent.name}/{path.name}")
    assert "# dltk train mine.yaml\nname: mine\n" in text
    assert (
        text.partition("\nname:")[2].partition("\n")[2] == path.read_text().partition("\nname:")[2].partition("\n")[2]
    )
    assert shipped.title(path) in text


def test_a_copy_trains(dltk, folder):
    dltk.ok("new", "iris_mlp")
    dltk.trained("iris_mlp.yaml", "train.epochs=1", "tensorboard=null")


def test_inside_a_checkout_the_schema_is_found_by_a_relative_path():
    line = shipped.editor_line(shipped.configs()[0].parent / "mine.yaml")
    assert line == "# yaml-language-server: $schema=../../dltk/dltk.schema.json"


@pytest.mark.parametrize("name", ["cnn/mnist_lenet", "configs/cnn/mnist_lenet.yaml", "mnist_lenet.yaml"])
def test_a_config_is_found_with_its_chapter_and_ending_too(name, dltk, folder):
    assert dltk.ok("new", name, "--json").json["config"] == "mnist_lenet.yaml"


def test_what_is_there_is_never_overwritten(dltk, folder):
    (folder / "iris_mlp.yaml").write_text("mine")
    answer = dltk("new", "iris_mlp")
    assert answer.code == 73
    assert "'iris_mlp.yaml' exists already" in answer.err
    assert written(folder, "iris_mlp.yaml") == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "a shipped config is needed, or --for PATH"),
        (["mnist_lenett"], 2, "there is no shipped config 'mnist_lenett'; did you mean 'mnist_lenet'?"),
        (["iris_mlp", "--target", "y"], 2, "--target and --dataset go with --for PATH"),
        (["iris_mlp", "--for", "table.csv"], 2, "NAME and --for contradict each other"),
        (["iris_mlp", "-o", "mine.txt"], 2, "a config ends in .yaml; received 'mine.txt'"),
        (["iris_mlp", "-o", "nowhere/mine.yaml"], 73, "there is no such folder"),
        (["--for", "nothing.csv"], 66, "there is no 'nothing.csv'"),
        (["--for", "table.csv", "--target", "kinds"], 2, "there is no column 'kinds'; did you mean 'kind'?"),
        (["--for", "table.csv", "--dataset", "csvv"], 2, "'csvv' is no data set; did you mean 'csv'?"),
        (["--for", "table.csv", "--dataset", "mnist"], 2, "'mnist' is no data set for files of one's own"),
        (["--for", "."], 2, "no data set knows what is in '.'"),
    ],
)
def test_what_cannot_be_written_is_an_error(arguments, code, message, dltk, folder):
    write_table(folder / "table.csv")
    answer = dltk("new", *arguments)
    assert message in answer.err
    assert answer.code == code


def test_an_archive_in_the_folder_is_named_instead(dltk, folder):
    (folder / "data").mkdir()
    (folder / "data" / "images.tar.gz").touch()
    answer = dltk("new", "--for", "data")
    assert answer.code == 2
    assert "do: dltk new --for data/images.tar.gz" in answer.err


def test_a_table_gets_a_config_that_trains(dltk, folder):
    write_table(folder / "table.csv")
    assert "'big'" in dltk.ok("new", "--for", "table.csv").out
    assert "path: table.csv" in written(folder, "table.yaml")
    dltk.trained("table.yaml", "train.epochs=1", "tensorboard=null")


def test_columns_that_cannot_help_are_left_out_and_it_is_said_why(dltk, folder):
    chance = random.Random(0)
    rows = ["PassengerId,Name,same,paid,a,alive,survived"]
    for i in range(80):
        survived = chance.random() < 0.5
        cells = [f"N{chance.random()}", "x", f"{10 ** (8 * chance.random()):.0f}", f"{chance.random() + survived}"]
        rows.append(",".join([str(i + 7), *cells, "yes" if survived else "no", str(int(survived))]))
    (folder / "t.csv").write_text("\n".join(rows))
    dltk.ok("new", "--for", "t.csv")
    text = written(folder, "t.yaml")
    assert "  target: survived\n" in text
    assert "  id: PassengerId\n" in text
    assert "  drop: [Name, same, alive]\n" in text
    assert "alive: repeats the target" in text
    assert "same: always the same" in text
    assert "{paid: {transform: log1p}}" in text
    dltk.trained("t.yaml", "train.epochs=1", "tensorboard=null")


def test_a_table_without_a_header_in_another_encoding_and_with_decimal_commas(dltk, folder):
    rows = [f"{i},5;{'가나' if i % 3 else '다라'};{i % 2}" for i in range(60)]
    (folder / "t.csv").write_bytes("\n".join(rows).encode("cp949"))
    dltk.ok("new", "--for", "t.csv")
    text = written(folder, "t.yaml")
    assert "header: false" in text
    assert "encoding: cp949" in text
    assert "decimal: ','" in text
    dltk.ok("train", "t.yaml", "--dry-run")


def test_a_dated_series_is_tested_on_its_end(dltk, folder):
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=i) for i in range(120)]
    (folder / "series.csv").write_text(
        "day,sold\n" + "".join(f"{day},{i % 7 + i / 10}\n" for i, day in enumerate(days))
    )
    dltk.ok("new", "--for", "series.csv")
    assert "2024-01-01 to 2024-04-29" in written(folder, "series.yaml")
    assert "  time: day\n" in written(folder, "series.yaml")
    run = dltk.trained("series.yaml", "train.epochs=1", "tensorboard=null")
    assert "dates: day" in (run / "train.log").read_text()


@pytest.fixture
def large(folder, monkeypatch):
    """Return a table that does not fit in memory, of which 100 rows in 3,000 are looked at, all with even numbers."""
    monkeypatch.setenv("DLTK_CACHE", str(folder / "cache"))
    monkeypatch.setattr(looking, "MAX_ROWS_ON_DISK", 100)
    monkeypatch.setattr(room, "MIN_BYTES", 0)
    monkeypatch.setattr(room, "available_bytes", lambda: 50_000)
    chance = random.Random(2)
    rows = ["row,a,same,nearly,b,kind"]
    for i in range(3000):
        a = chance.gauss(0, 1)
        odd = i == 2501
        kind = "rare" if i % 500 == 7 else "big" if a > 0 else "small"
        rows.append(f"{i + 1},{a:.4f},x,{'y' if odd else 'x'},{'much' if odd else chance.gauss(0, 1)},{kind}")
    path = folder / "large.csv"
    path.write_text("\n".join(rows))
    return path


def test_of_a_table_on_disk_some_rows_all_over_it_are_looked_at_and_it_is_said(large, dltk, folder):
    said = dltk.ok("new", "--for", "large.csv").out
    assert "columns were judged by 100 rows, spread over the file" in said
    assert "6 columns and 3,000 rows that have 'kind'" in said
    assert "3 classes: " in said
    text = written(folder, "large.yaml")
    assert "  drop: [row, same]\n" in text
    assert "row: numbers the rows" in text
    assert "same: always the same" in text


def test_what_was_not_looked_at_is_told_while_training(large, dltk, folder):
    dltk.ok("new", "--for", "large.csv")
    run = dltk.trained("large.yaml", "train.epochs=1", "tensorboard=null")
    assert "column b has 1 cell that is no number (such as 'much') among 3000" in (run / "train.log").read_text()
    assert "rare" in dltk.ok("eval", run).out


def test_ratings_get_a_bias_for_every_user_and_item(dltk, folder):
    chance = random.Random(1)
    rows = [f"{chance.randrange(20)},{chance.randrange(15)},{chance.randrange(1, 6)},{i}" for i in range(400)]
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "\n".join(rows))
    dltk.ok("new", "--for", "ratings.csv")
    text = written(folder, "ratings.yaml")
    assert "  categories: [userId, movieId]\n" in text
    assert "  drop: [timestamp]\n" in text
    assert "target_kind: numbers" in text
    dltk.trained("ratings.yaml", "train.epochs=1", "tensorboard=null")


def test_texts_in_a_table_are_read_as_texts_and_as_a_table_on_request(dltk, folder):
    good, bad = "a film that I would see again and again", "a film that I left before it was over"
    rows = [f"{(good, bad)[i % 2]} {i},{i * i % 7},{('good', 'bad')[i % 2]}" for i in range(80)]
    (folder / "reviews.csv").write_text("review,stars,label\n" + "\n".join(rows))
    assert "it could also be read as csv: --dataset NAME" in dltk.ok("new", "--for", "reviews.csv").out
    text = written(folder, "reviews.yaml")
    assert "name: text_csv" in text
    assert "text: review" in text
    assert "columns that are not read: stars" in text
    dltk.trained("reviews.yaml", "train.epochs=1", "tensorboard=null")
    dltk.ok("new", "--for", "reviews.csv", "--dataset", "csv", "-o", "table.yaml")
    assert "drop: [review]" in written(folder, "table.yaml")


@pytest.mark.parametrize(("text", "option"), [("good film", "ngrams: 2"), ("좋은 영화", "analyzer: char")])
def test_a_folder_of_texts(text, option, dltk, folder):
    for name in ("neg", "pos"):
        (folder / "texts" / name).mkdir(parents=True)
        for i in range(30):
            (folder / "texts" / name / f"{i}.txt").write_text(f"{text} {name} {i}", encoding="utf-8")
    dltk.ok("new", "--for", "texts")
    assert "name: text_folder" in written(folder, "texts.yaml")
    assert option in written(folder, "texts.yaml")
    dltk.ok("train", "texts.yaml", "--dry-run")


@pytest.mark.parametrize(("mode", "side", "size", "channels"), [("L", 28, 28, "channels: 1"), ("RGB", 200, 128, "")])
def test_a_folder_of_images(mode, side, size, channels, dltk, folder):
    for name in ("ants", "bees"):
        (folder / "insects" / name).mkdir(parents=True)
        for i in range(30):
            PIL.Image.new(mode, (side, side + 3), i * 8 if mode == "L" else (i, 0, 0)).save(
                folder / "insects" / name / f"{i}.png"
            )
    dltk.ok("new", "--for", "insects")
    text = written(folder, "insects.yaml")
    assert "name: image_folder" in text
    assert f"size: {size}" in text
    assert channels in text
    dltk.ok("train", "insects.yaml", "--dry-run")


def test_a_list_of_labels_beside_images(dltk, folder):
    (folder / "pictures").mkdir()
    for i in range(60):
        PIL.Image.new("RGB", (32, 32), (i, 0, 0)).save(folder / "pictures" / f"{i:02}.png")
    (folder / "pictures" / "labels.txt").write_text("\n".join("ab"[i % 2] for i in range(60)))
    dltk.ok("new", "--for", "pictures")
    assert "name: image_list" in written(folder, "pictures.yaml")
    dltk.ok("train", "pictures.yaml", "--dry-run")
