import json
from pathlib import Path

import pytest

from dltk.config.errors import ConfigError, MissingInput, UsageError
from dltk.experiment.describing import describe_data
from tests.contracts.examples import WRITES


@pytest.mark.parametrize("key", list(WRITES))
def test_every_data_set_can_be_described_in_json(key, tmp_path):
    name, write = WRITES[key]
    options = [f"data.{option}={json.dumps(value)}" for option, value in write(tmp_path, ()).options.items()]
    config = tmp_path / "config.yaml"
    config.write_text(f"data: {{name: {name}}}\n")
    described = describe_data(str(config), options)
    facts = json.loads(json.dumps(described.facts, allow_nan=False))
    assert described.splits is not None
    assert facts["data"]["name"] == name
    assert facts["splits"]["train"]["samples"] == described.splits.train.num_samples
    assert set(facts["inputs"]) == set(described.splits.spec.inputs)
    assert set(facts["targets"]) == set(described.splits.spec.targets)
    for part in ("inputs", "targets"):
        assert all(set(one["seen"]) == set(facts["splits"]) for one in facts[part].values())
    assert facts["examples"]
    for images, captions in described.pictures().values():
        assert len(images) == len(captions) > 0


@pytest.fixture
def table(tmp_path: Path) -> list[str]:
    rows = ["a,b,kind", "1,x,yes", "2,,no", "1,x,yes", "1,x,no", ",y,yes", "6,y,no"]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    return [f"data.path={tmp_path / 'table.csv'}", "data.target=kind"]


def test_columns_have_ranges_gaps_and_common_values(table):
    columns = describe_data("csv", table).facts["inputs"]["table"]["columns"]
    a, b = ({**column} for column in columns)
    assert (a["kind"], a["missing"], a["different"]) == ("numbers", {"train": 1}, 3)
    assert (a["min"], a["mean"], a["median"], a["max"]) == (1.0, pytest.approx(2.2), 1.0, 6.0)
    assert (b["kind"], b["missing"], b["most_common"]) == ("categories", {"train": 1}, {"x": 3, "y": 2})


def test_repeated_samples_and_contradicting_targets_are_counted(table):
    facts = describe_data("csv", table).facts
    assert facts["duplicates"]["train"] == {"within": 2, "contradicting": 3, "as_read": True}
    assert facts["splits"]["train"]["statuses"] == {"missing": 2}


def test_a_sample_of_another_split_that_is_in_the_training_split_is_counted(table):
    facts = describe_data("csv", [*table, "data.test_fraction=0.34", "data.split_seed=1"]).facts
    counts = facts["duplicates"]["test"]
    assert counts["in_train"] + facts["duplicates"]["train"]["within"] + counts["within"] == 2


def test_texts_have_lengths_a_vocabulary_and_unknown_words(tmp_path):
    for part, texts in {"train": ["good film", "bad"], "test": ["good good odd new", "bad"]}.items():
        rows = [f"{text},{i % 2}" for i, text in enumerate(texts)]
        (tmp_path / f"{part}.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    paths = [f"data.path={tmp_path / 'train.csv'}", f"data.test_path={tmp_path / 'test.csv'}"]
    text = describe_data("text_csv", paths).facts["inputs"]["text"]
    assert text["vocabulary"] == 3
    assert text["unknown_share"] == {"train": 0.0, "test": pytest.approx(2 / 5)}
    assert text["characters"]["test"]["max"] == len("good good odd new")


def test_other_sections_of_a_config_do_not_count(tmp_path):
    (tmp_path / "c.yaml").write_text("data: {name: iris}\nmodel: {name: nonsense}\n")
    assert describe_data(str(tmp_path / "c.yaml")).facts["data"]["name"] == "iris"


def test_what_does_not_exist_is_said_with_the_nearest_name(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'iris'"):
        describe_data("irsi")
    with pytest.raises(MissingInput):
        describe_data(str(tmp_path / "nothing.yaml"))
    with pytest.raises(ConfigError, match="no such option"):
        describe_data("iris", ["data.batchsize=3"])
    with pytest.raises(ConfigError, match="there are only 108 training samples"):
        describe_data("iris", ["data.batch_size=3000"])


def test_rows_that_only_encoding_makes_alike_are_not_called_repeated(tmp_path):
    rows = [f"2024-{i % 12 + 1:02}-{i // 12 + 1:02},{i}" for i in range(120)]
    (tmp_path / "t.csv").write_text("\n".join(["date,y", *rows]))
    options = ["data.target=y", "data.max_categories=1", f"data.path={tmp_path / 't.csv'}"]
    facts = describe_data("csv", options).facts["duplicates"]
    assert facts["test"] == {"within": 0, "contradicting": 0, "in_train": 0, "in_val": 0, "as_read": True}
