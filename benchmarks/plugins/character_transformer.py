"""A transformer that says what each character of a text is followed by; the benchmark's own."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from benchmarks.networks import CharacterTransformer
from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.specs import Modality, Spec, Tokens


class Config(Settings):
    """Blocks of causal self-attention and a dense part, normalised before each."""

    accepts: ClassVar[tuple[type[Modality], ...]] = (Tokens,)
    role: ClassVar[str] = "language_model"
    width: PositiveInt = 128
    """Length of a character's vector."""
    heads: PositiveInt = 4
    """Parts that attention is split into."""
    blocks: PositiveInt = 4
    """How many there are."""


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the network for these data."""
    tokens = spec.input
    assert isinstance(tokens, Tokens)
    assert tokens.length is not None
    return CharacterTransformer(
        len(tokens.vocabulary), tokens.length, width=config.width, heads=config.heads, blocks=config.blocks
    )
