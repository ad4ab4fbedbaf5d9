"""`dltk plan` prints what a run would be, and trains and writes nothing."""

import pytest

from tests.commands import IRIS, write_table

pytestmark = pytest.mark.usefixtures("threads_as_they_were")
DIGITS = """\
data: {name: digits, batch_size: 50}
model: {name: sequential, layers: [{name: conv2d, filters: 4, activation: relu}, {name: max_pool2d}]}
train: {epochs: 2, threads: 1}
"""
PRINTED = """\
c: sequential learns classification on digits

data   1,797 train; not read, but for headers
       split into 1,295 train, 143 val, 359 test
       image: 1x8x8 (channels x height x width)
model  410 parameters
       label: 10 outputs, one per class; softmax makes probabilities of them

layer                kind       input  output  parameters  multiply-adds     kept
layers.0             Conv2d     1x8x8  4x6x6           40        1.296 k  12.8 kB
layers.0_activation  ReLU       4x6x6  4x6x6                              28.8 kB
layers.1             MaxPool2d  4x6x6  4x3x3                              14.4 kB
head                 Linear     36     10             370            360   7.2 kB
---------------------------------------------------------------------------------
total                                                 410        1.656 k  63.2 kB
"""


@pytest.fixture
def config(folder):
    path = folder / "c.yaml"
    path.write_text(DIGITS)
    return path


def test_the_layers_are_a_table(config, dltk):
    printed = dltk.ok("plan", config).out
    assert printed.startswith(PRINTED)
    assert "length  2 epochs of 26 batches of 50, 52 steps\n" in printed
    assert "scores  val/accuracy (watched), val/loss, test/accuracy, test/loss\n" in printed
    assert "        beside the baseline majority\n" in printed
    assert ["optimizer", "adam", "default", "adam"] in [line.split() for line in printed.splitlines()]


def test_nothing_is_written(config, dltk):
    before = sorted(config.parent.rglob("*"))
    dltk.ok("plan", config)
    assert sorted(config.parent.rglob("*")) == before


def test_json_has_everything(config, dltk):
    facts = dltk.ok("plan", config, "train.epochs=3", "--json").json
    assert facts["length"]["steps"] == 78
    assert [layer["output"] for layer in facts["model"]["layers"]] == [[4, 6, 6], [4, 6, 6], [4, 3, 3], [10]]
    assert facts["config"]["train"]["epochs"] == 3


def test_layers_fold_at_a_depth(config, dltk):
    printed = dltk.ok("plan", config, "--depth", 1).out
    assert "layers  Sequential of 3  1x8x8  4x3x3" in printed
    assert dltk("plan", config, "--depth", 0).code == 2


def test_a_table_is_read(folder, dltk):
    write_table(folder / "table.csv")
    path = folder / "c.yaml"
    path.write_text("data: {name: csv, path: table.csv, target: kind}\nmodel: {name: linear}\n")
    printed = dltk.ok("plan", path).out
    assert "data   60 train; read, for the widths of tables are in their rows\n" in printed
    assert "table: 5 (numbers)\n" in printed  # two numbers, two colours, and one for colours never seen
    assert "beside the baselines majority, linear\n" in printed


def test_what_is_wrong_is_said_with_its_place(config, dltk):
    config.write_text(
        DIGITS.replace("filters: 4", "filters: 4, kernel_size: 9") + "early_stopping: {monitor: val/f1}\n"
    )
    answer = dltk("plan", config)
    assert answer.code == 2
    assert "2 problems in the configuration" in answer.err
    assert "c.yaml:2:76: model.layers.0.kernel_size: a window of 9x9 leaves nothing of 8x8 pixels" in answer.err
    assert "c.yaml:4:27: early_stopping.monitor: no such score" in answer.err
    assert answer.out == ""


def test_a_run_says_the_same_before_it_reads(config, dltk):
    config.write_text(DIGITS + "schedule: {name: cosine, warmup_epochs: 2}\n")
    for command in (["plan"], ["train", "--dry-run"], ["train"]):
        answer = dltk(command[0], config, *command[1:])
        assert answer.code == 2
        assert "c.yaml:4:41: schedule.warmup_epochs: epoch 2 is not before the end of the run" in answer.err


def test_a_misspelt_config_needs_no_torch(folder, dltk):
    (folder / "c.yaml").write_text(IRIS.replace("hidden", "hiden"))
    assert "no such option" in dltk("plan", folder / "c.yaml").err
    assert dltk("plan", folder / "none.yaml").code == 66
