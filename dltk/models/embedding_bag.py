"""Bag of embeddings: a learned vector per word, averaged over a text, then a small network (Joulin et al. 2017)."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import ClassVar, Literal

from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.settings import Fraction, PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_input, only_target
from dltk.data.specs import Bag, Modality, Spec
from dltk.nn.activations import ActivationName, make_activation
from dltk.nn.bags import Bags, weighted_means, weighted_sums


class Config(Settings):
    """Texts as sparse bags of words and neighbours: data with `sparse: true` and `ngrams: 2`.

    Parameters: `embedding.weight` (words, units); `layers.0.weight` and `layers.0.bias` of the first hidden layer ...;
    then `head.weight` and `head.bias`; two classes have one output.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Bag,)
    role: ClassVar[str] = "predictor"

    units: PositiveInt = 16
    """Length of each word's vector."""
    mode: Literal["mean", "sum"] = "mean"
    """How the vectors of a text become one; each counts by its weight in the bag."""
    hidden: tuple[PositiveInt, ...] = ()
    """Units of each hidden layer behind it."""
    activation: ActivationName = "relu"
    """What hidden units pass through."""
    dropout: Fraction = 0.0
    """Part of the text's vector, and of the hidden values, set to zero while training."""


class EmbeddingBag(nn.Module):
    """A table of vectors, hidden layers and a head.

    Args:
        config: What comes between.
        num_ids: Rows of the table.
        outputs: Width of the prediction.
    """

    def __init__(self, config: Config, num_ids: int, outputs: int) -> None:
        super().__init__()
        self._combine = weighted_means if config.mode == "mean" else weighted_sums
        self.embedding = nn.Embedding(num_ids, config.units)
        nn.init.uniform_(self.embedding.weight, -1 / config.units, 1 / config.units)
        modules: OrderedDict[str, nn.Module] = OrderedDict()
        sizes = (config.units, *config.hidden)
        for i, (num_inputs, num_units) in enumerate(pairwise(sizes)):
            modules[f"{i}"] = nn.Linear(num_inputs, num_units)
            modules[f"{i}_activation"] = make_activation(config.activation)
            modules[f"{i}_dropout"] = nn.Dropout(config.dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.Sequential(modules)
        self.head = nn.Linear(sizes[-1], outputs)

    def forward(self, bags: Bags) -> Tensor:
        """Turn B bags into (B, num_outputs)."""
        combined = self._combine(bags, self.embedding.weight)
        outputs: Tensor = self.head(self.layers(self.dropout(combined)))
        return outputs


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the network for these data; raise OptionError where they are no bags."""
    modality = only_input(spec)
    if not isinstance(modality, Bag):
        raise OptionError(
            "", f"embedding_bag needs sparse bags; the data have {modality.word}", id="DLTK-CONFIG-MISFIT"
        )
    return EmbeddingBag(config, modality.size, num_outputs(only_target(spec)))
