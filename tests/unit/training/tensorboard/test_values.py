"""Texts and settings arrive in TensorBoard's plug-ins as they were given."""

import math

from tensorboard.plugins.hparams import api_pb2, metadata

from dltk.training.tensorboard import values
from tests.unit.training.tensorboard.reading import arrays, read_back, reader_of


def test_text_is_markdown_of_the_text_plugin(tmp_path):
    (found,) = read_back(tmp_path, values.text("config", "```yaml\nname: ä\n```")).items()
    tag, (plugin, array) = found
    assert (tag, plugin) == ("config", "text")
    assert array.item().decode() == "```yaml\nname: ä\n```"


def test_settings_begin_a_session_of_the_hparams_plugin(tmp_path):
    nested = {"optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}, "train": {"test": False}, "task": None, "seed": 3}
    read_back(tmp_path, [*values.settings(nested), *values.success()])
    reader = reader_of(tmp_path)
    content = reader.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    start = metadata.parse_session_start_info_plugin_data(content)
    found = dict(start.hparams.items())
    assert set(found) == {"optimizer.lr", "optimizer.betas", "train.test", "task", "seed"}
    assert (found["optimizer.lr"].number_value, found["seed"].number_value) == (0.1, 3)
    assert (found["optimizer.betas"].string_value, found["train.test"].bool_value) == ("[0.9, 0.99]", False)
    content = reader.SummaryMetadata(metadata.SESSION_END_INFO_TAG).plugin_data.content
    assert metadata.parse_session_end_info_plugin_data(content).status == api_pb2.STATUS_SUCCESS
    assert {plugin for plugin, _ in arrays(reader, 3).values()} == {"hparams"}


def test_a_table_of_scores_has_their_definition_below():
    table = values.score_table(
        {"val/accuracy": 0.5, "val/r2": math.nan}, "accuracy: share of right answers\nr2: of variance"
    )
    assert table.splitlines() == [
        "| score | value |",
        "|---|---|",
        "| val/accuracy | 0.5000 |",
        "| val/r2 | undefined |",
        "",
        "- accuracy: share of right answers",
        "- r2: of variance",
    ]
