"""The workloads' networks as one writes them by hand; layers in the order of dltk's, so that weights go over by order.

Letters: B batch, T time, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, arange, bmm, nn, zeros
from torch.nn import functional as F

from benchmarks.skip_gram import pair_losses, pairs_of
from benchmarks.stars import star_losses


def mlp(*sizes: int) -> nn.Module:
    """Return dense layers with rectifiers between them."""
    layers: list[nn.Module] = [nn.Flatten()]
    for i in range(1, len(sizes)):
        layers += [nn.Linear(sizes[i - 1], sizes[i]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def lenet() -> nn.Module:
    """Return LeNet-5 for 28x28 pixels."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


class Block(nn.Module):
    """Two convolutions and a way around them, without parameters."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        self.stride = num_outputs // num_inputs
        self.missing = (num_outputs - num_inputs) // 2
        self.conv1 = nn.Conv2d(num_inputs, num_outputs, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(num_outputs)
        self.conv2 = nn.Conv2d(num_outputs, num_outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, inputs, H, W) into (B, outputs, H / stride, W / stride)."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.missing, self.missing))
        return F.relu(y + x)


class ResNet20(nn.Module):
    """ResNet-20 for CIFAR-10 (He et al. 2016, section 4.2, option A)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stages = [(16, 16), (16, 16), (16, 16), (16, 32), (32, 32), (32, 32), (32, 64), (64, 64), (64, 64)]
        self.blocks = nn.Sequential(*(Block(*sizes) for sizes in stages))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (B, 3, 32, 32) into (B, 10)."""
        x = self.blocks(F.relu(self.bn1(self.conv1(x))))
        outputs: Tensor = self.head(x.mean((2, 3)))
        return outputs


class TextClassifier(nn.Module):
    """An LSTM over word vectors, read out at the end."""

    def __init__(self, num_words: int = 10_000, width: int = 128) -> None:
        super().__init__()
        self.words = nn.Embedding(num_words, width)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Turn ids (B, T) into (B, 1)."""
        outputs: Tensor = self.head(self.lstm(self.words(x))[1][0][-1])
        return outputs


class TransformerBlock(nn.Module):
    """Causal self-attention and a dense part, normalised before each."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, T, C) into (B, T, C)."""
        parts = self.qkv(self.norm1(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        outputs: Tensor = x + self.dense(self.norm2(x))
        return outputs


class CharacterTransformer(nn.Module):
    """Says at every position what comes next, knowing what is before."""

    def __init__(self, num_tokens: int, length: int, *, width: int = 128, heads: int = 4, blocks: int = 4) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(num_tokens, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(TransformerBlock(width, heads) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, num_tokens)

    def forward(self, x: Tensor) -> Tensor:
        """Turn ids (B, T) into logits (B, T, num_tokens)."""
        places = self.places(arange(x.shape[1], device=x.device))
        outputs: Tensor = self.head(self.norm(self.blocks(self.tokens(x) + places)))
        return outputs


class WordVectors(nn.Module):
    """Two vectors per word, one for being seen and one for being around."""

    noise: Tensor

    def __init__(self, num_words: int, width: int) -> None:
        super().__init__()
        self.words, self.around = nn.Parameter(zeros(num_words, width)), nn.Parameter(zeros(num_words, width))
        self.register_buffer("noise", zeros(num_words))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Turn stretches (B, T) into scores of pairs, and how often each counts."""
        pairs = pairs_of(x, self.noise, is_training=self.training)
        return bmm(F.embedding(pairs.words, self.words), F.embedding(pairs.others, self.around).mT), pairs.weights


class Factors(nn.Module):
    """A vector and a number for every user and every film."""

    def __init__(self, num_ids: int, width: int) -> None:
        super().__init__()
        self.vectors, self.numbers = nn.Parameter(zeros(num_ids, width)), nn.Parameter(zeros(num_ids))

    def forward(self, x: Tensor) -> Tensor:
        """Turn ids (B, 1 + R), a user's and those of films, into (B, R)."""
        vectors, numbers = F.embedding(x, self.vectors), self.numbers[x]
        return (vectors[:, :1] * vectors[:, 1:]).sum(2) + numbers[:, :1] + numbers[:, 1:]


def single_logit(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the cross-entropy of two classes with one output."""
    return F.binary_cross_entropy_with_logits(outputs[:, 0], wanted.to(outputs.dtype))


def each_token(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the cross-entropy over all positions."""
    return F.cross_entropy(outputs.flatten(0, 1), wanted.flatten())


def all_pairs(outputs: tuple[Tensor, Tensor], wanted: Tensor) -> Tensor:  # noqa: ARG001
    """Return the loss of telling neighbours from drawn words, of a stretch."""
    return pair_losses(*outputs).mean()


def all_stars(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared error of users' ratings."""
    return star_losses(outputs, wanted).mean()


NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "mlp": lambda: mlp(784, 512, 10),
    "lenet": lenet,
    "resnet20": ResNet20,
    "lstm": TextClassifier,
    "small_mlp": lambda: mlp(13, 64, 64, 1),
    "transformer": lambda: CharacterTransformer(65, 128),
    "word_vectors": lambda: WordVectors(6_501, 100),
    "factors": lambda: Factors(1 + 943 + 1_682, 50),
}
LOSSES: Mapping[str, Callable[[Any, Tensor], Tensor]] = {
    "classes": F.cross_entropy,
    "two_classes": single_logit,
    "numbers": F.mse_loss,
    "tokens": each_token,
    "pairs": all_pairs,
    "stars": all_stars,
}
