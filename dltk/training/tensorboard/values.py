"""Summary values of numbers, pictures, texts and settings."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.text.summary_v2 import text_pb

from dltk.training.loggers import number
from dltk.training.tensorboard.events import Value

_DATA_CLASSES = summary_pb2.DataClass


def scalars(row: Mapping[str, float]) -> list[Value]:
    """Return named numbers."""
    return [summary_pb2.Summary.Value(tag=name, simple_value=value) for name, value in row.items()]


def picture(name: str, png: bytes) -> list[Value]:
    """Return a picture in colours, whose size stands in the PNG's header."""
    width, height = struct.unpack(">II", png[16:24])
    image = summary_pb2.Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
    return [summary_pb2.Summary.Value(tag=name, image=image)]


def text(name: str, markdown: str) -> list[Value]:
    """Return a text in Markdown."""
    return as_tensors(text_pb(name, markdown.encode("utf-8", "backslashreplace")))


def settings(values: Mapping[str, Any]) -> list[Value]:
    """Return nested settings as the hyperparameters of a session that begins; what is no scalar becomes text."""
    return list(hparams_pb(dict(_scalar_settings(values))).value)


def success() -> list[Value]:
    """Return the end of the session that `settings` began."""
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS)
    content = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    described = metadata.create_summary_metadata(content)
    tag = metadata.SESSION_END_INFO_TAG
    return [summary_pb2.Summary.Value(tag=tag, metadata=described, tensor=metadata.NULL_TENSOR)]


def score_table(scores: Mapping[str, float], protocol: str) -> str:
    """Return scores and how they are defined, in Markdown."""
    rows = [f"| {name} | {number(value)} |" for name, value in scores.items()]
    return "\n".join(["| score | value |", "|---|---|", *rows, "", *(f"- {line}" for line in protocol.splitlines())])


def as_tensors(summary: Any) -> list[Value]:
    """Return the values of a summary, marked as tensors, as which today's readers expect them."""
    for value in summary.value:
        value.metadata.data_class = _DATA_CLASSES.DATA_CLASS_TENSOR
    return list(summary.value)


def _scalar_settings(values: Any, path: str = "") -> Iterator[tuple[str, bool | float | str]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _scalar_settings(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, values if isinstance(values, (bool, int, float)) else str(values)
