"""Ridge regression: the least squares line with small weights, in closed form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from dltk.config.errors import DataError, OptionError, UsageError
from dltk.config.settings import PositiveFloat, Settings
from dltk.data.batches import Batch
from dltk.data.samples import Preparation
from dltk.data.sizes import only_input, only_target
from dltk.data.specs import Image, Modality, Numbers, Spec, Table, Target, Vector
from dltk.data.targets import target_of


class Config(Settings):
    """The weights that minimise squared error + alpha * squared weights (Hoerl & Kennard 1970).

    The bias is not held small. There is no optimizer, there are no epochs and no parameters.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector)
    gives: ClassVar[tuple[type[Target], ...]] = (Numbers,)
    role: ClassVar[str] = "estimator"

    alpha: PositiveFloat = 1.0
    """How strongly weights are held small; 1e-8 is least squares, nearly."""


class Ridge(nn.Module):
    """A line fitted to all samples.

    Args:
        alpha: Weight of the penalty.
        target: Its means and scales say what outputs stand for: number = output * scale + mean.
    """

    weight: Tensor | None
    bias: Tensor | None

    def __init__(self, alpha: float, target: Numbers) -> None:
        super().__init__()
        self._alpha, self._target = alpha, target
        self.register_buffer("weight", None, persistent=False)
        self.register_buffer("bias", None, persistent=False)

    def fit(self, samples: Iterable[Batch]) -> None:
        """Solve for the weights, in float64: means in a first pass, products of what is centred in a second.

        Args:
            samples: Blocks of (N, ...) features; (N, K) numbers in original units.

        Raises:
            DataError: Features depend on each other and alpha is too small to choose. Synchronises with the device.
        """
        num_samples = 0
        x_sum, y_sum = torch.zeros(()), torch.zeros(())
        for x, y in self._doubled(samples):
            num_samples, x_sum, y_sum = num_samples + len(x), x_sum + x.sum(0), y_sum + y.sum(0)
        x_mean, y_mean = x_sum / num_samples, y_sum / num_samples
        centred = ((x - x_mean, y - y_mean) for x, y in self._doubled(samples))
        weight = self._solve(centred, is_wide=len(x_mean) > num_samples)
        # A stored tensor comes back contiguous, and the layout decides the last bit of a product.
        self.weight, self.bias = weight.T.float().contiguous(), (y_mean - x_mean @ weight).float()

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, ...) into (B, K) scaled numbers.

        Raises:
            UsageError: Nothing is fitted yet.
        """
        if self.weight is None or self.bias is None:
            raise UsageError("ridge is not fitted", do="train it for one epoch")
        return functional.linear(x.flatten(1), self.weight.to(x.device), self.bias.to(x.device))

    def state(self) -> Mapping[str, Any]:
        """Return weight (K, D) and bias (K,); empty before `fit`."""
        return {} if self.weight is None else {"weight": self.weight, "bias": self.bias}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.weight, self.bias = state.get("weight"), state.get("bias")

    def _doubled(self, samples: Iterable[Batch]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield features (N, D) and scaled numbers (N, K), float64."""
        for block in samples:
            assert isinstance(block.inputs, Tensor)
            yield block.inputs.flatten(1).double(), self._target.scaled(target_of(block).double())

    def _solve(self, centred: Iterable[tuple[Tensor, Tensor]], *, is_wide: bool) -> Tensor:
        """Return the weights (D, K) for blocks of centred features (N, D) and numbers (N, K)."""
        if is_wide:  # the same weights, from the smaller system; all rows together are smaller than the other one
            x, y = (torch.cat(parts) for parts in zip(*centred, strict=True))
            return x.T @ self._positive_solve(x @ x.T, y)
        gram, right = torch.zeros(()), torch.zeros(())
        for x, y in centred:
            gram, right = gram + x.T @ x, right + x.T @ y
        return self._positive_solve(gram, right)

    def _positive_solve(self, gram: Tensor, right: Tensor) -> Tensor:
        gram.diagonal().add_(self._alpha)
        factor, failed = torch.linalg.cholesky_ex(gram)
        if bool(failed):
            raise DataError(
                "ridge cannot choose weights: features depend on each other",
                found=f"model.alpha: {self._alpha:g}",
                do="set a larger model.alpha, such as 1",
            )
        return torch.cholesky_solve(right, factor)


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the unfitted model; raise OptionError where the target is not numbers."""
    only_input(spec)
    target = only_target(spec)
    if not isinstance(target, Numbers):
        raise OptionError(
            "",
            f"ridge predicts numbers; the data's target is {target.word}; naive_bayes and linear predict classes",
            id="DLTK-CONFIG-MISFIT",
        )
    return Ridge(config.alpha, target)
