"""Keras on the backend that $KERAS_BACKEND names, with its own initial weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers

from benchmarks.contestants.turns import Pace, Turns
from benchmarks.material import Material
from benchmarks.workloads import Workload


class Callback(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
    """Keeps the pace."""

    def __init__(self, pace: Pace, steps: int) -> None:
        super().__init__()
        self._pace, self._steps = pace, steps

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
        """Count an epoch."""
        self._pace.epoch(self._steps, float((logs or {})["loss"]))


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:
    """Train turn by turn; images come with the channels last, as Keras' layers are made for."""
    _limit_threads(threads)
    inputs, targets = material.array("inputs"), material.array("targets")
    if inputs.ndim == 4:
        inputs = inputs.transpose(0, 2, 3, 1).copy()
    turns.ready({"keras": keras.__version__, "backend": keras.backend.backend()})
    while True:
        model = NETWORKS[workload.network]()
        model.compile(keras.optimizers.Adam(workload.lr, epsilon=1e-8), _LOSSES[workload.loss])
        steps = math.ceil(len(inputs) / workload.batch_size)
        turns.begin()
        model.fit(
            inputs,
            targets,
            batch_size=workload.batch_size,
            epochs=workload.epochs,
            verbose=0,
            callbacks=[Callback(Pace(turns, workload.epochs, workload.round_epochs), steps)],
        )


def _limit_threads(threads: int) -> None:
    """Tell the backend how many threads to take; jax looks at the cores that the process may use."""
    if keras.backend.backend() == "torch":
        import torch  # noqa: PLC0415

        torch.set_num_threads(threads)
    elif keras.backend.backend() == "tensorflow":
        import tensorflow  # noqa: PLC0415

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)


def _mlp(shape: tuple[int, ...], *units: int) -> Any:
    hidden = [layers.Dense(count, "relu") for count in units[:-1]]
    return keras.Sequential([keras.Input(shape), layers.Flatten(), *hidden, layers.Dense(units[-1])])


def _lenet() -> Any:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *(layers.Conv2D(6, 5, padding="same", activation="relu"), layers.MaxPooling2D()),
            *(layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D()),
            *(layers.Flatten(), layers.Dense(120, "relu"), layers.Dense(84, "relu"), layers.Dense(10)),
        ]
    )


def _convolution(x: Any, filters: int, stride: int = 1) -> Any:
    """Pad as torch does, on all sides, then convolve and normalise."""
    x = layers.Conv2D(filters, 3, stride, use_bias=False)(layers.ZeroPadding2D(1)(x))
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def _resnet20() -> Any:
    images = keras.Input((32, 32, 3))
    x = layers.ReLU()(_convolution(images, 16))
    for filters in (16, 16, 16, 32, 32, 32, 64, 64, 64):
        stride = filters // x.shape[-1]
        y = _convolution(layers.ReLU()(_convolution(x, filters, stride)), filters)
        if stride > 1:
            missing = (filters - x.shape[-1]) // 2
            x = layers.Lambda(_halved, arguments={"missing": missing}, output_shape=y.shape[1:])(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    return keras.Model(images, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def _halved(x: Any, missing: int) -> Any:
    return keras.ops.pad(x[:, ::2, ::2, :], [[0, 0], [0, 0], [0, 0], [missing, missing]])


def _lstm() -> Any:
    return keras.Sequential(
        [keras.Input((200,), dtype="int32"), layers.Embedding(10_000, 128), layers.LSTM(128), layers.Dense(1)]
    )


class Places(layers.Layer):  # type: ignore[misc, unused-ignore]
    """Adds a vector of its own for every place in a sequence."""

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the vectors for sequences (batch, length, width)."""
        self.vectors = self.add_weight(shape=shape[1:], initializer="uniform", name="vectors")

    def call(self, x: Any) -> Any:
        """Return vectors (batch, length, width) with what tells their place."""
        return x + self.vectors


def _transformer() -> Any:
    ids = keras.Input((128,), dtype="int32")
    x = Places()(layers.Embedding(65, 128)(ids))
    for _ in range(4):
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        x = x + layers.MultiHeadAttention(4, 32)(y, y, use_causal_mask=True)
        y = layers.Dense(512, "gelu")(layers.LayerNormalization(epsilon=1e-5)(x))
        x = x + layers.Dense(128)(y)
    return keras.Model(ids, layers.Dense(65)(layers.LayerNormalization(epsilon=1e-5)(x)))


NETWORKS: Mapping[str, Callable[[], Any]] = {
    "mlp": lambda: _mlp((28, 28, 1), 512, 10),
    "lenet": _lenet,
    "resnet20": _resnet20,
    "lstm": _lstm,
    "small_mlp": lambda: _mlp((13,), 64, 64, 1),
    "transformer": _transformer,
}
_LOSSES: Mapping[str, Any] = {
    "classes": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "tokens": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "two_classes": keras.losses.BinaryCrossentropy(from_logits=True),
    "numbers": keras.losses.MeanSquaredError(),
}
