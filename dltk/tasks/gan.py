"""Generative adversarial learning: a generator makes samples that a discriminator cannot tell from real ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dltk import pictures
from dltk.config.errors import OptionError
from dltk.config.seeds import derive
from dltk.config.settings import PositiveInt
from dltk.data.batches import Batch, Batches
from dltk.data.fields import Fields
from dltk.data.samples import Preparation
from dltk.data.specs import Bag, Ids, Image, Spec, Tokens
from dltk.data.splits import Splits
from dltk.metrics.pixels import PixelStatistics, pixel_distances
from dltk.training.adversarial import AdversarialLearner, Game
from dltk.training.learner import Learner
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_SHOWN = 64
ANSWERS_AT_ONCE = 256
RANDOM_RUN = 16  # torch fills so many normal numbers at once; what is left over differs from what a longer row has


class Config(TaskConfig):
    """Trains a generator and a discriminator against each other (Goodfellow et al. 2014)."""

    needs: ClassVar[Needs] = Needs(targets=(), roles=("adversary",))
    is_default: ClassVar[bool] = True
    example_request: ClassVar[str] = "--count 16"
    optimizers: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    loss: Literal["non_saturating", "least_squares"] = "non_saturating"
    """What both minimise: cross-entropy with the generator's non-saturating form, or squared distances to 0 and 1."""
    critic_steps: PositiveInt = 1
    """Updates of the discriminator, a batch each, for one of the generator."""


GAMES = {
    # Goodfellow et al. 2014, section 3.
    "non_saturating": Game(
        lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        lambda fake: softplus(-fake).mean(),
        torch.sigmoid,
    ),
    # Mao et al. 2017, eq. 2 with b = c = 1 and a = 0.
    "least_squares": Game(
        lambda real, fake: 0.5 * ((real - 1).square().mean() + fake.square().mean()),
        lambda fake: 0.5 * (fake - 1).square().mean(),
        lambda output: output,
    ),
}


def build(config: Config, spec: Spec, preparation: Preparation) -> Adversarial:  # noqa: ARG001
    """Return the task for data with one input of real numbers; targets are not used.

    Raises:
        OptionError: The data cannot be generated.
    """
    if len(spec.inputs) != 1 or isinstance(spec.input, (Bag, Tokens, Ids)):
        words = ", ".join(modality.word for modality in spec.inputs.values())
        raise OptionError(
            "", f"gan generates one input of images or numbers; the data have {words}", id="DLTK-CONFIG-MISFIT"
        )
    return Adversarial(config, shows_images=isinstance(spec.input, Image) and spec.input.channels in (1, 3))


@dataclass(frozen=True)
class Adversarial:
    """Learns to generate, scores samples by their statistics, and draws new ones.

    Attributes:
        config: The options.
        shows_images: Whether samples can be looked at.
    """

    config: Config
    shows_images: bool

    @property
    def scores(self) -> Mapping[str, Direction]:
        """How far the generated pixels' means and deviations are from the real ones', together and apart."""
        return {"pixel_distance": "min", "mean_distance": "min", "deviation_distance": "min"}

    def learner(self, model: nn.Module, settings: OptimizationSettings, session: Session) -> Learner:
        """Return the learner of both networks."""
        return AdversarialLearner(model, GAMES[self.config.loss], self.config.critic_steps, settings, session)

    def evaluate(self, model: nn.Module, batches: Batches) -> Evaluation:
        """Compare as many generated samples as there are real ones, from noise that is always the same."""
        networks: Any = model
        noise = torch.Generator().manual_seed(derive(0, "gan", "evaluation"))
        real_pixels, fake_pixels = PixelStatistics(), PixelStatistics()
        real_shown, fake_shown = list[Tensor](), list[Tensor]()
        num_right: Tensor | int = 0
        verdict = GAMES[self.config.loss].verdict
        with torch.inference_mode():
            for batch in batches.epoch(0):
                real = _samples(batch)
                fake = networks.generator(_noise(networks, batch.num_samples, noise, real.device))
                real_pixels.add(real)
                fake_pixels.add(fake)
                found_real, found_fake = (verdict(networks.discriminator(samples)) for samples in (real, fake))
                num_right = num_right + (found_real > 0.5).sum() + (found_fake <= 0.5).sum()
                if sum(len(samples) for samples in real_shown) < NUM_SHOWN:
                    real_shown.append(real.cpu())
                    fake_shown.append(fake.cpu())
        num_samples = real_pixels.count
        scores = pixel_distances(real_pixels, fake_pixels)
        scores["discriminator_accuracy"] = int(num_right) / (2 * num_samples)
        protocol = (
            "root mean square over pixels of the differences of means and of deviations, generated to real\n"
            "discriminator_accuracy: 0.5 when it cannot tell"
        )
        columns = {"real": torch.cat(real_shown)[:NUM_SHOWN], "generated": torch.cat(fake_shown)[:NUM_SHOWN]}
        return Evaluation(scores, num_samples, protocol, columns)

    def answer(self, model: nn.Module, batches: Batches | None, request: Request) -> Iterable[Answer]:
        """Draw `request.count` samples, each an image (C, H, W) cut to 0..1, or a list of numbers."""
        if batches is not None or request.count is None or request.steps is not None or request.top is not None:
            raise CannotAnswer("gan draws new samples: give --count N and no inputs")
        return self._answers(model, request.count, request.seed)

    def rehearse(self, model: nn.Module, batch: Batch) -> None:
        """Judge as many generated samples as the batch has."""
        networks: Any = model
        device = _samples(batch).device
        networks.discriminator(networks.generator(_noise(networks, batch.num_samples, torch.Generator(), device)))

    def portable(self, model: nn.Module, batch: Batch) -> tuple[nn.Module, Fields]:
        """Return the generator and noise for it."""
        networks: Any = model
        noise = torch.Generator().manual_seed(derive(0, "gan", "export"))
        return networks.generator, {"noise": _noise(networks, batch.num_samples, noise, torch.device("cpu"))}

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Figure]:
        """Draw generated images from the fixed noise beside real ones."""
        if not self.shows_images:
            return {}
        title = f"pixel distance {evaluation.scores['pixel_distance']:.4f}, n = {evaluation.num_samples:,}"
        groups = {"real": evaluation.columns["real"], "generated": evaluation.columns["generated"]}
        return {"samples": pictures.image_grids(groups, title)}

    def baseline_names(self, spec: Spec, num_samples: int | None) -> Sequence[str]:  # noqa: ARG002
        """Return the one there is."""
        return ["mean sample"]

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        """Score a generator that always makes the mean training sample."""
        train, reported = PixelStatistics(), PixelStatistics()
        for batch in splits.train.epoch(0):
            train.add(_samples(batch))
        for batch in (splits.test or splits.val or splits.train).epoch(0):
            reported.add(_samples(batch))
        constant = PixelStatistics()
        constant.add(train.means[None])
        protocol = "every generated sample is the mean of the training split"
        return {"mean sample": Evaluation(pixel_distances(reported, constant), reported.count, protocol)}

    def _answers(self, model: Any, count: int, seed: int) -> Iterator[Answer]:
        noise = torch.Generator().manual_seed(derive(seed, "gan", "answer"))
        device = next(model.parameters()).device
        for start in range(0, count, ANSWERS_AT_ONCE):
            with torch.inference_mode():
                drawn = model.generator(_noise(model, ANSWERS_AT_ONCE, noise, device)).cpu()
            for sample in drawn[: count - start]:
                yield [{"image": sample.clamp(0, 1)} if self.shows_images else {"values": sample.tolist()}]


def _samples(batch: Batch) -> Tensor:
    """Return the real samples of a batch, (B, ...)."""
    assert isinstance(batch.inputs, Tensor)
    return batch.inputs


def _noise(model: Any, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Draw noise (count, latent_size) that does not depend on how many samples are drawn at once."""
    width = -(-model.latent_size // RANDOM_RUN) * RANDOM_RUN
    return torch.randn(count, width, generator=generator)[:, : model.latent_size].to(device)
