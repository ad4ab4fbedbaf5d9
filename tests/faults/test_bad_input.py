"""Whatever is wrong with a config, a file, a run or a command line: one clear error, and nothing is left behind."""

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from dltk.config import registry
from tests.commands import IRIS, QUIET, Commands, contents, write_table

SECONDS = 10
TABLE = (
    "data: {name: csv, path: table.csv, target: kind}\nmodel: {name: linear}\ntrain: {epochs: 1, threads: 1}\n" + QUIET
)
GAN = "data: {name: digits}\nmodel: {name: gan}\ntrain: {epochs: 1, threads: 1}\n" + QUIET
RIDGE = "data: {name: diabetes}\nmodel: {name: ridge}\ntrain: {threads: 1}\n" + QUIET
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n" for before, after in zip("abcdef", "bcdefg", strict=True)
)


@pytest.fixture
def dltk(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Return what runs commands in a folder with some configs and a table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_plugins", {})
    for name, text in {"iris": IRIS, "table": TABLE, "gan": GAN, "ridge": RIDGE}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    write_table(tmp_path / "table.csv")
    return Commands(capsys)


def refused(dltk: Commands, *arguments: object, code: int) -> str:
    """Run a command that must fail: with this code, soon, readably, and leaving everything as it was."""
    before = contents(Path())
    begun = time.monotonic()
    answer = dltk(*arguments)
    assert time.monotonic() - begun < SECONDS
    assert answer.code == code, answer.err
    assert answer.out == ""
    assert re.match(r"error\[DLTK-[A-Z]+\]: ", answer.err)
    assert "Traceback" not in answer.err
    assert max(map(len, answer.err.splitlines())) < 1000
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", answer.err)
    assert contents(Path()) == before
    return answer.err


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "data: this section is missing"),
        ("# only a comment\n", "1:1", "model: this section is missing"),
        ("just words\n", "1:1", "a config is a mapping of sections"),
        ("- a\n- b\n", "1:1", "a config is a mapping of sections"),
        ("data: {name: digits\n", "1:7", "this '{' is never closed"),
        (
            "data: {name: iris}\nmodel: {name: mlp}\ndata: {name: iris}\n",
            "3:1",
            "stands twice; on line 1, and again on line 3",
        ),
        ("data: {name: iris, batch_size: 8, batch_size: 9}\n", "1:35", "stands twice"),
        ("data: {name: iris}\nmodle: {name: mlp}\n", "2:1", "did you mean 'model'?"),
        ("data: {name: iriss}\nmodel: {name: mlp}\n", "1:14", "there is no dataset 'iriss'; did you mean 'iris'?"),
        ("data: {name: iris}\nmodel: {name: os.system}\n", "2:15", "there is no model 'os.system'"),
        ("data: {name: iris}\nmodel: {name: ../mlp}\n", "2:15", "there is no model '../mlp'"),
        ("data: {name: iris}\nmodel: {_target_: os.system}\n", "2:1", "'name' is missing"),
        ("data: {name: iris}\nmodel: {name: mlp, hiden: [3]}\n", "2:20", "did you mean 'hidden'?"),
        ("data: {name: iris}\nmodel: {name: mlp, hidden: wide}\n", "2:28", "text is not allowed here"),
        ("data: {name: iris}\nmodel: {name: mlp, hidden: [-1]}\n", "2:29", "above 0"),
        ("data: {name: iris}\nmodel: {name: mlp, dropout: 2}\n", "2:29", "below 1"),
        ("data: {name: iris, batch_size: 1e3}\nmodel: {name: mlp}\n", "1:32", "write 1000"),
        ("data: {name: iris, batch_size: yes}\nmodel: {name: mlp}\n", "1:32", "found: 'yes'"),
        ("data: {name: iris}\nmodel: {name: mlp}\nseed: -1\n", "3:7", "at least 0"),
        ("data: {name: iris}\nmodel: {name: mlp}\ntrain: {epochs: 1.5}\n", "3:17", "whole number"),
        ("data: {name: iris}\nmodel: {name: mlp}\noptimizer: {name: adam, lr: .nan}\n", "3:29", "must be finite"),
        ("data: {name: iris}\nmodel: {name: mlp}\noptimizer: {name: adam, lr: 1e999}\n", "3:29", "must be finite"),
        ("data: {name: iris}\nmodel: {name: mlp}\noptimizer: {name: adm}\n", "3:19", "did you mean 'adam'?"),
        (f"data: {{name: iris, batch_size: {10**18}}}\nmodel: {{name: mlp}}\n", "1:32", "at most"),
        (f"data: {{name: iris, batch_size: {'9' * 5000}}}\nmodel: {{name: mlp}}\n", "1:32", "digits"),
        ("data: !!python/object/apply:os.system ['touch owned']\n", "1:7", "tags such as"),
        ("data: {name: iris}\nmodel: {name: mlp}\nname: ../../etc\n", "3:7", "up to 100 letters, digits"),
        ("data: {name: iris, <<: {a: 1}}\nmodel: {name: mlp}\n", "1:20", "merge keys are not supported"),
        ("\tdata: {name: iris}\n", "1:1", "indent with spaces"),
        ("data: {name: iris}\n---\nmodel: {name: mlp}\n", "2:1", "a second document begins here"),
        ("data: " + "[" * 3000 + "\n", "1:39", "nested more than 32 levels deep"),
        (BOMB, "", "more than 10000 values once aliases are expanded"),
        ("data: {name: iris}\nmodel: {name: mlp, hidden: ['\\e[2J']}\n", "2:", "allowed: a whole number"),
    ],
)
def test_a_wrong_config_names_file_line_and_column(dltk, text, place, message):
    Path("wrong.yaml").write_text(text, encoding="utf-8")
    said = refused(dltk, "train", "wrong.yaml", code=2)
    assert f"wrong.yaml:{place}" in said
    assert message in said
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    "raw", [b"\xff\xfed\x00a\x00", b"data: {name: caf\xe9}\n", b"data: \x00\n", b"\x80\n", b"data: \xed\xa0\x80\n"]
)
def test_bytes_that_are_no_utf_8_name_their_place(dltk, raw):
    Path("wrong.yaml").write_bytes(raw)
    assert re.search(r"wrong\.yaml:1:\d", refused(dltk, "train", "wrong.yaml", code=2))


def test_a_config_of_many_megabytes_is_refused(dltk):
    Path("wrong.yaml").write_text("# " + "x" * 2**21)
    assert "larger than" in refused(dltk, "train", "wrong.yaml", code=2)


def test_all_problems_are_told_at_once_in_the_order_of_the_file(dltk):
    Path("wrong.yaml").write_text(
        "seed: x\ndata: {name: iris, batch_size: 0}\nmodel: {name: mlp, width: 3}\ntrian: {}\n"
    )
    said = refused(dltk, "train", "wrong.yaml", "optimizer.lr=x", code=2)
    assert said.startswith("error[DLTK-CONFIG]: 5 problems in the configuration\n")
    places = re.findall(r"^(wrong\.yaml|override):(\d+):", said, re.MULTILINE)
    assert places == [("wrong.yaml", str(line)) for line in (1, 2, 3, 4)] + [("override", "1")]
    assert said.count("\n  | ") == 10  # each with its line, and a caret below


def test_more_problems_than_fit_a_screen_are_counted(dltk):
    keys = ", ".join(f"k{i}: 1" for i in range(50))
    Path("wrong.yaml").write_text(f"data: {{name: iris}}\nmodel: {{name: mlp, {keys}}}\n")
    assert "... and 30 more" in refused(dltk, "train", "wrong.yaml", code=2)


@pytest.mark.parametrize(
    ("override", "column", "message"),
    [
        ("optimizer", 1, "an override reads key=value"),
        ("=3", 1, "an override reads key=value"),
        ("model.hidden.7=3", 14, "is a list with places 0 to 0; received '7'"),
        ("model.hidden=[3", 14, "this '[' is never closed"),
        ("data.batch_size={a: 1, a: 2}", 24, "stands twice"),
        ("data.name.x=3", 11, "has no 'x' to set"),
        ("train.device=tpu", 14, "allowed: one of 'auto', 'cpu', 'cuda'"),
    ],
)
def test_a_wrong_override_is_quoted_with_its_place(dltk, override, column, message):
    said = refused(dltk, "train", "iris.yaml", "seed=3", override, code=2)
    assert f"override:2:{column}: " in said
    assert message in said
    assert f"  | {override}" in said


@pytest.mark.parametrize(
    ("config", "overrides", "message"),
    [
        ("iris", ["model={name: lenet}"], "lenet takes images; iris gives a table; models that fit: "),
        ("iris", ["model={name: ridge}"], "ridge answers numbers; iris asks for classes"),
        ("iris", ["model={name: gan}"], "gan takes images"),
        ("ridge", ["optimizer.name=adam"], "ridge is fitted in one pass and has no optimizer; leave it out"),
        ("ridge", ["train.epochs=5"], "ridge is fitted in one pass; leave epochs and steps out"),
        ("iris", ["train.steps=5"], "give epochs or steps, not both"),
        ("iris", ["optimizer={generator: {name: adam}}"], "classification has no parameter set 'generator'"),
        ("gan", ["optimizer={generator: {name: adam}, critic: {name: adam}}"], "no parameter set 'critic'"),
        ("iris", ["data.batch_size=109"], "there are only 108 training samples"),
        ("iris", ["early_stopping.patience=3", "data.val_fraction=0"], "there is no val split to choose by"),
        ("iris", ["train.select=best", "data.val_fraction=0"], "there is no val split to choose by"),
        ("iris", ["early_stopping.monitor=val/accurcy"], "no such score; did you mean 'val/accuracy'?"),
        ("iris", ["early_stopping.monitor=test/accuracy"], "no such score"),
        ("iris", ["model.parameters={head.bais: [0, 0, 0]}"], "did you mean 'head.bias'?"),
        ("iris", ["model.parameters={head.bias: [0, 0]}"], "'head.bias' has another shape"),
        ("iris", ["model.parameters={head.bias: [a, b, c]}"], "nested lists of numbers"),
        ("iris", ["data.val_fraction=0.001"], "samples leaves an empty split"),
        ("iris", ["data.fold=[5, 5]"], "with i < k"),
        ("iris", ["model.hidden=[1000000000, 1000000000]"], "[DLTK-CONFIG-MEMORY]"),
        ("table", ["data.target=knid"], "there is no column 'knid'; did you mean 'kind'?"),
        ("table", ["data.drop=[colour, size]"], "there is no column 'size'"),
    ],
)
def test_an_impossible_combination_is_refused_before_training(dltk, config, overrides, message):
    said = refused(dltk, "train", f"{config}.yaml", *overrides, code=2)
    assert message in said
    assert re.search(r"^(override|\S+\.yaml):\d+:\d+: ", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nothing.yaml"], "there is no config file 'nothing.yaml'"),
        (["train", "."], "'.' is a directory, not a config file"),
        (["train", "table.yaml", "data.path=gone.csv"], "gone.csv"),
        (["train", "table.yaml", "data.path=."], "this is a folder, not a CSV file"),
        (["train", "table.yaml", "data.test_path=gone.csv"], "gone.csv"),
        (["train", "iris.yaml", "--plugin", "gone.py"], "there is no plug-in file 'gone.py'"),
        (["train", "iris.yaml", "data={name: mnist, root: nowhere}"], "nowhere"),
        (["train", "iris.yaml", "data={name: image_folder, path: nowhere}"], "nowhere"),
        (["eval", "iris"], "there is no run 'iris'"),
        (["predict", "iris", "table.csv"], "there is no run 'iris'"),
        (["train", "--resume", "iris"], "there is no run 'iris'"),
        (["cv", "nothing.yaml"], "there is no config file"),
    ],
)
def test_what_is_missing_is_named_with_its_place(dltk, arguments, message):
    said = refused(dltk, *arguments, code=66)
    assert message in said
    assert "\n  where: " in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the table is empty"),
        ("a,b,kind\n", "a header but no rows"),
        ("a,a,kind\n1,2,x\n", "several columns have the same name"),
        ("a,b,kind\n1,2,x\n1,2\n1,2,3,y\n", "2 of 3 rows do not have as many cells"),
        ('a,b,kind\n1,"2,x\n', "a row cannot be read"),
        ("a,b,kind\n1,2,\n3,4,\n", "no row has a value in every target column"),
        (b"a,b,kind\n1,caf\xe9,x\n", "the file is not utf-8 text"),
        (b"a,b,kind\n1,\x00,x\n", "a NUL character"),
        (b"\xff\xfea\x00,\x00b\x00", "utf-16"),
    ],
)
def test_a_broken_table_is_code_65_and_names_its_lines(dltk, content, message):
    Path("table.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    said = refused(dltk, "train", "table.yaml", code=65)
    assert message in said
    assert "table.csv" in said


def test_every_broken_picture_of_a_folder_is_named(dltk):
    from PIL import Image

    for kind in ("ant", "bee"):
        (Path("photos") / kind).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (16, 16), (40 * i, 0, 0)).save(Path("photos") / kind / f"{i}.png")
    whole = Path("photos/ant/0.png").read_bytes()
    Path("photos/ant/empty.png").write_bytes(b"")
    Path("photos/bee/torn.png").write_bytes(whole[: len(whole) // 2])
    Path("photos/bee/text.jpg").write_text("no picture")
    said = refused(
        dltk, "train", "iris.yaml", "data={name: image_folder, path: photos}", "model={name: linear}", code=65
    )
    for name in ("empty.png", "torn.png", "text.jpg"):
        assert name in said


def test_a_broken_picture_in_a_hundred_may_be_skipped_and_is_named(dltk):
    from PIL import Image

    for i in range(120):
        place = Path("photos") / ("ant", "bee")[i % 2] / f"{i}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (2 * i, 0, 0)).save(place)
    Path("photos/ant/torn.png").write_bytes(b"\x89PNG")
    photos = ["data={name: image_folder, path: photos, size: 8}", "model={name: linear}"]
    assert "torn.png" in refused(dltk, "train", "iris.yaml", *photos, code=65)
    answer = dltk.ok("train", "iris.yaml", *photos, "data.on_bad_sample=skip", "--output-dir", "run")
    assert "1 of 121 image files cannot be read and are skipped: photos/ant/torn.png: no image of a known" in answer.err
    assert "skipped: photos/ant/torn.png" in Path("run/train.log").read_text()
    rows = dltk.ok("predict", "run", "photos/ant", "--json").json["rows"]
    assert len(rows) == 61
    assert [row["input"] for row in rows if row["status"] == "invalid"] == ["photos/ant/torn.png"]


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("def build(", 2, "cannot be imported"),
        ("import nothing_like_it\n", 2, "cannot be imported"),
        ("x = 1\n", 2, "is no component"),
    ],
)
def test_a_plugin_that_is_none_is_refused(dltk, source, code, message):
    Path("own.py").write_text(source)
    said = refused(dltk, "train", "iris.yaml", "--plugin", "own.py", code=code)
    assert message in said
    assert "own.py" in said


def test_a_plugin_may_not_replace_what_dltk_brings(dltk):
    shutil.copy(Path(registry.__file__).parent.parent / "models" / "linear.py", "linear.py")
    assert "would replace" in refused(dltk, "train", "iris.yaml", "--plugin", "linear.py", code=2)


@pytest.fixture
def plugin_run(dltk: Commands) -> Path:
    """Return a run whose model is a plug-in, straight.py."""
    shutil.copy(Path(registry.__file__).parent.parent / "models" / "linear.py", "straight.py")
    return dltk.trained("iris.yaml", "model={name: straight}", "--plugin", "straight.py", "--output-dir", "own")


@pytest.mark.parametrize(
    "command", [["eval", "own"], ["predict", "own", "table.csv"], ["train", "--resume", "own", "seed=0"]]
)
def test_a_missing_plugin_is_code_2_and_a_changed_one_82(dltk, plugin_run, command, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    assert f"do: add --plugin {Path('straight.py').absolute()}" in refused(dltk, *command, code=2)
    with Path("straight.py").open("a") as file:
        file.write("# another version\n")
    said = refused(dltk, *command, "--plugin", "straight.py", code=82)
    assert "straight.py has changed since the run began" in said


@pytest.fixture
def run(dltk: Commands) -> Path:
    return dltk.trained("iris.yaml", "--output-dir", "run")


@pytest.mark.parametrize("damage", ["flip", "truncate", "append", "remove", "add", "swap"])
@pytest.mark.parametrize("command", [["eval"], ["predict", "table.csv"]])
def test_a_damaged_checkpoint_is_never_used(dltk, command, damage):
    run = dltk.trained("table.yaml", "--output-dir", "run")
    only = max((run / "checkpoints").iterdir())
    for other in (run / "checkpoints").iterdir():
        if other != only:
            shutil.rmtree(other)
    hurt(only, damage)
    said = refused(dltk, command[0], run, *command[1:], code=81)
    assert "there is no intact checkpoint" in said
    assert only.name in said


def hurt(checkpoint: Path, damage: str) -> None:
    """Damage a checkpoint."""
    path = checkpoint / "model.safetensors"
    content = path.read_bytes()
    middle = len(content) // 2
    contents_after: dict[str, Any] = {
        "flip": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "truncate": content[:middle],
        "append": content + b"\0",
        "swap": (checkpoint / "state.safetensors").read_bytes(),
    }
    if damage in contents_after:
        path.write_bytes(contents_after[damage])
    elif damage == "remove":
        path.unlink()
    else:
        (checkpoint / "extra.json").write_text("{}")


@pytest.mark.parametrize("name", ["status.json", "environment.json", "preparation/preparation.json", "resolved.yaml"])
@pytest.mark.parametrize("content", ["", "[]", '{"a": '])
def test_a_damaged_run_directory_is_an_error_and_no_bug(dltk, run, name, content):
    (run / name).write_text(content)
    refused(dltk, "eval", run, code=81)


@pytest.mark.parametrize(
    ("override", "diff"),
    [("model.hidden=[5]", "model.hidden: [4] -> [5]"), ("data.split_seed=1", "data.split_seed: 0 -> 1")],
)
def test_a_changed_setting_is_refused_on_resume_with_the_difference(dltk, run, override, diff):
    assert diff in refused(dltk, "train", "--resume", run, override, code=82)


def test_an_output_that_is_there_is_never_overwritten(dltk, run):
    assert "run exists already" in refused(dltk, "train", "iris.yaml", "--output-dir", run, code=73)


def test_an_output_below_a_file_cannot_be_created(dltk):
    assert "this is a file" in refused(dltk, "train", "iris.yaml", "--output-dir", "table.csv/run", code=73)


def test_a_run_that_a_process_trains_is_refused(dltk, run):
    from dltk.training.runs.rundir import RunDir

    owner = RunDir(run)
    status = owner.status()
    owner.write_status({**status, "state": "running"})
    owner.lock()
    try:
        said = refused(dltk, "train", "--resume", run, "train.epochs=9", code=75)
    finally:
        owner.release()
    assert "another process owns this run: pid " in said


def test_a_name_from_a_file_cannot_write_to_the_terminal(dltk):
    Path("wrong.yaml").write_text('data: {name: "\\e[2Jiris"}\nmodel: {name: mlp}\n')
    assert "\\x1b[2Jiris" in refused(dltk, "train", "wrong.yaml", code=2)


def test_the_json_form_has_the_same_problems(dltk):
    answer = dltk("train", "iris.yaml", "model={name: lenet}", "--json")
    assert answer.err == ""
    assert answer.json["code"] == answer.code == 2
    (problem,) = answer.json["problems"]
    assert problem["key"] == "model.name"
    assert json.dumps(problem)
