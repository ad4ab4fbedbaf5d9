"""An encoder that reads a sequence into one vector, and a decoder that spells it out (Sutskever et al. 2014)."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.specs import Modality, Spec, Tokens


class Config(Settings):
    accepts: ClassVar[tuple[type[Modality], ...]] = (Tokens,)
    role: ClassVar[str] = "sequence_to_sequence"
    width: PositiveInt = 64
    """Size of every vector."""


class EncoderDecoder(nn.Module):
    def __init__(self, width: int, num_sources: int, num_targets: int) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(num_sources, width), nn.Embedding(num_targets, width)
        self.encoder, self.decoder = nn.GRU(width, width, batch_first=True), nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, num_targets)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Return logits (B, T, V) of the token after each one of target (B, T), knowing source (B, S)."""
        packed = pack_padded_sequence(self.source(source), lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, meaning = self.encoder(packed)
        steps, _ = self.decoder(self.target(target), meaning)
        logits: Tensor = self.head(steps)
        return logits

    def spelled(self, source: Tensor, lengths: Tensor, start: int, num_steps: int) -> Tensor:
        """Return the likeliest next token (B, num_steps), one after the other."""
        tokens = torch.full((len(source), 1), start)
        for _ in range(num_steps):
            tokens = torch.cat([tokens, self(source, lengths, tokens)[:, -1:].argmax(-1)], 1)
        return tokens[:, 1:]


def build(config: Config, spec: Spec, preparation: Preparation) -> nn.Module:
    assert isinstance(spec.input, Tokens)
    assert isinstance(spec.target, Tokens)
    return EncoderDecoder(config.width, len(spec.input.vocabulary), len(spec.target.vocabulary))
