"""What TensorBoard's own reader finds of values that were written."""

from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from dltk.training.loggers import Screen
from dltk.training.tensorboard.events import EventFile, Value


def reader_of(directory: Path) -> EventAccumulator:
    """Return a reader that has read everything."""
    reader = EventAccumulator(str(directory), size_guidance={"tensors": 0, "scalars": 0, "images": 0})
    reader.Reload()
    return reader


def read_back(directory: Path, values: list[Value], step: int = 3) -> dict[str, Any]:
    """Write values and read them back: {tag: (plugin, array)}."""
    file = EventFile(directory, Screen(quiet=True))
    file.add(values, step)
    file.close()
    return arrays(reader_of(directory), step)


def arrays(reader: EventAccumulator, step: int) -> dict[str, Any]:
    """Return what a reader found at a step: {tag: (plugin, array)}."""
    found = {}
    for tag in reader.Tags()["tensors"]:
        (event,) = [event for event in reader.Tensors(tag) if event.step == step]
        array = tensor_util.make_ndarray(event.tensor_proto)
        found[tag] = (reader.SummaryMetadata(tag).plugin_data.plugin_name, array)
    return found
