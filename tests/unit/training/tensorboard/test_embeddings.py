"""The projector's files: one vector, one row of labels and one small image per sample."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from google.protobuf import text_format  # type: ignore[import-untyped]
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from torch import nn

from dltk.data.batches import InMemory, Loading
from dltk.training.board import Ending
from dltk.training.task import Evaluation
from dltk.training.tensorboard.embeddings import write_embeddings

NAMES = ("cat\tand mouse", "dog")


class Task:
    """Scores nothing, but says what is true and what was answered."""

    def evaluate(self, model, batches):
        outputs = torch.cat([model(batch.inputs) for batch in batches.epoch(0)])
        truth = torch.cat([batch.targets for batch in batches.epoch(0)])
        columns = {"true": truth, "loss": outputs[:, 0].double(), "probabilities": outputs}
        return Evaluation({}, len(outputs), columns=columns)


class Net(nn.Module):
    """Flattens; then a head."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        return self.head(x.flatten(1))


def samples(shape=(7, 1, 3, 4)):
    x = torch.linspace(0, 1, torch.Size(shape).numel()).reshape(shape)
    return InMemory({"x": x}, {"y": torch.arange(shape[0]) % 2}, Loading(4))


def ending(model, batches, task=None):
    chosen: Any = task or Task()
    return Ending(5, {}, None, NAMES, chosen, model, batches)


def config_of(directory):
    return text_format.Parse((directory / "projector_config.pbtxt").read_text(), ProjectorConfig()).embeddings[0]


def rows(path):
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_vectors_are_what_the_head_receives(tmp_path):
    batches = samples()
    write_embeddings(tmp_path, ending(Net(), batches))
    vectors = torch.tensor([[float(cell) for cell in row] for row in rows(tmp_path / "tensors.tsv")])
    assert vectors.allclose(batches.whole().inputs.flatten(1), atol=1e-5)
    config = config_of(tmp_path)
    assert list(config.tensor_shape) == [7, 12]
    assert config.tensor_path == "tensors.tsv"


def test_labels_are_classes_and_numbers_below_a_header(tmp_path):
    write_embeddings(tmp_path, ending(Net(), samples()))
    header, *labels = rows(tmp_path / "metadata.tsv")
    assert header == ["true", "loss"]
    assert [label[0] for label in labels] == ["cat and mouse", "dog"] * 3 + ["cat and mouse"]
    assert config_of(tmp_path).metadata_path == "metadata.tsv"


def test_images_are_tiles_of_a_square_sheet(tmp_path):
    batches = samples()
    write_embeddings(tmp_path, ending(Net(), batches))
    config = config_of(tmp_path)
    assert list(config.sprite.single_image_dim) == [4, 3]
    sheet = Image.open(io.BytesIO((tmp_path / config.sprite.image_path).read_bytes()))
    assert sheet.size == (3 * 4, 3 * 3)
    second = [pixel for row in np.asarray(sheet)[:3, 4:8, 0].tolist() for pixel in row]
    assert second == pytest.approx((batches.whole().inputs[1, 0].flatten() * 255).tolist(), abs=1)


def test_large_images_are_made_small(tmp_path):
    write_embeddings(tmp_path, ending(nn.Flatten(), samples((2, 3, 96, 48))))
    assert list(config_of(tmp_path).sprite.single_image_dim) == [24, 48]


def test_without_a_head_the_outputs_are_shown_and_without_images_no_sheet(tmp_path):
    write_embeddings(tmp_path, ending(nn.Linear(3, 2), samples((5, 3))))
    assert list(config_of(tmp_path).tensor_shape) == [5, 2]
    assert not (tmp_path / "sprite.png").exists()


def test_a_model_without_one_vector_per_sample_is_refused(tmp_path):
    class Twice(Task):
        def evaluate(self, model, batches):
            super().evaluate(model, batches)
            return super().evaluate(model, batches)

    with pytest.raises(ValueError, match="one vector per sample"):
        write_embeddings(tmp_path, ending(Net(), samples(), Twice()))


def test_nothing_stays_on_the_model(tmp_path):
    model = Net()
    write_embeddings(tmp_path, ending(model, samples()))
    assert not model.head._forward_pre_hooks
    assert not model._forward_hooks
