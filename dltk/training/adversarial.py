"""The learner of two networks that play against each other, each with an optimization of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.sections import Precision
from dltk.data.batches import Batch
from dltk.training.optimization import Optimization, OptimizationSettings
from dltk.training.probing import undisturbed
from dltk.training.running_scores import RunningScores
from dltk.training.session import Session
from dltk.training.updates.averaging import WeightAverage
from dltk.training.updates.precision import autocast


@dataclass(frozen=True)
class Game:
    """What the players minimise, and how a verdict is read, as functions of the discriminator's outputs (B,).

    Attributes:
        discriminator: Its loss, of outputs on real and on generated samples.
        generator: Its loss, of outputs on generated samples.
        verdict: How real samples are found, 1 for real and 0 for generated.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    verdict: Callable[[Tensor], Tensor]


class AdversarialLearner:
    """Plays rounds: `critic_steps` batches teach the discriminator, then the generator answers once.

    A round ends early where the epoch does, so that its place in the epoch alone decides where rounds begin and end.
    The generator's schedule counts one update per round; an average of the weights takes in each round's.

    Args:
        model: Of role adversary.
        game: What the players minimise.
        critic_steps: Updates of the discriminator, a batch each, for one of the generator.
        settings: With optimizers and schedules called generator and discriminator, or one for both.
        session: Where it computes.

    Raises:
        OptionError: An option does not fit the game, the model or the run; its path begins with the section.
    """

    def __init__(
        self, model: nn.Module, game: Game, critic_steps: int, settings: OptimizationSettings, session: Session
    ) -> None:
        networks: Any = model
        self._model: Any = model
        self._game, self._critic_steps = game, critic_steps
        self._session, self._precision = session, settings.precision
        self._judges = [p for p in networks.discriminator.parameters() if p.requires_grad]
        lengths = {"generator": session.length(critic_steps), "discriminator": session.length()}
        _refuse_other_updates(settings, lengths)
        self._optimizations = {
            name: Optimization(_named(model, name), settings, length, name, world=session.world)
            for name, length in lengths.items()
        }
        self._average = None if settings.ema is None else WeightAverage(model, settings.ema)
        self._scores = RunningScores()
        self._steps = 0

    def epoch(self, batches: Iterable[Batch]) -> Iterator[int]:
        """Play round after round; yield after each."""
        played = 0
        num_samples = 0
        for batch in batches:
            if not self._model.training:
                self._model.train()
            num_samples = batch.num_samples
            self._teach_discriminator(batch)
            self._steps += 1
            played += 1
            if played == self._critic_steps:
                self._end_round(num_samples)
                yield played
                played = 0
        if played:
            self._end_round(num_samples)
            yield played

    def scores(self) -> dict[str, float]:
        """Return both mean losses, how real the discriminator found both kinds, and what both optimizations tell."""
        told = {
            f"{score}/{name}": value
            for name, optimization in self._optimizations.items()
            for score, value in optimization.scores().items()
        }
        return {**self._scores.values(), **told}

    def observe(self, scores: Mapping[str, float | None]) -> None:
        """Let both schedules react, and means begin anew."""
        self._scores.begin_anew()
        for optimization in self._optimizations.values():
            optimization.observe(scores)

    def probe(self, batch: Batch) -> dict[str, Tensor]:
        """Return the gradients of each network's own loss."""
        with undisturbed(self._model):
            _, _, loss = self._judged(batch, "fp32")
            gradients = self._optimizations["discriminator"].gradients(loss)
            answered = self._generator_loss(batch.num_samples, "fp32")
            return gradients | self._optimizations["generator"].gradients(answered)

    def training_model(self) -> nn.Module:
        """Return both networks."""
        model: nn.Module = self._model
        return model

    def inference_model(self) -> nn.Module:
        """Return both networks, or those with averaged weights."""
        return self.training_model() if self._average is None else self._average.model

    def state_dict(self) -> dict[str, Any]:
        """Return moments, counters, sums, and the weights themselves where the inference model's are averaged."""
        return {
            "steps": self._steps,
            "scores": self._scores.state_dict(),
            "average": {} if self._average is None else self._average.state_dict(),
            **{name: optimization.state_dict() for name, optimization in self._optimizations.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._steps = int(state["steps"])
        self._scores.load_state_dict(state["scores"], self._session.device)
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        for name, optimization in self._optimizations.items():
            optimization.load_state_dict(state[name])

    def _teach_discriminator(self, batch: Batch) -> None:
        on_real, on_fake, loss = self._judged(batch, self._precision)
        self._optimizations["discriminator"].step(loss, batch.num_samples)
        verdicts = {
            "d_real": self._game.verdict(on_real.detach()).mean(),
            "d_fake": self._game.verdict(on_fake.detach()).mean(),
        }
        means = self._session.world.means({"loss/discriminator": loss, **verdicts}, batch.num_samples)
        self._scores.add(*means)

    def _end_round(self, num_samples: int) -> None:
        for parameter in self._judges:  # the verdict's gradient goes through them, not to them
            parameter.requires_grad_(False)
        loss = self._generator_loss(num_samples, self._precision)
        self._optimizations["generator"].step(loss, num_samples)
        for parameter in self._judges:
            parameter.requires_grad_(True)
        self._scores.add(*self._session.world.means({"loss/generator": loss}, num_samples))
        self._session.world.follow_first(self._model.buffers())
        if self._average is not None:
            self._average.update()

    def _judged(self, batch: Batch, precision: Precision) -> tuple[Tensor, Tensor, Tensor]:
        """Return the discriminator's outputs on real and generated samples, (B,) each, and its loss."""
        self._session.seed_step(self._steps)
        real = batch.to(self._session.device).inputs
        with autocast(precision, self._session.device):
            with torch.no_grad():
                fake = self._model.generator(self._noise(batch.num_samples))
            on_real, on_fake = self._model.discriminator(real), self._model.discriminator(fake)
            return on_real, on_fake, self._game.discriminator(on_real, on_fake)

    def _generator_loss(self, num_samples: int, precision: Precision) -> Tensor:
        with autocast(precision, self._session.device):
            fake = self._model.generator(self._noise(num_samples))
            return self._game.generator(self._model.discriminator(fake))

    def _noise(self, num_samples: int) -> Tensor:
        """Draw from the device's generator, which was seeded for this step."""
        return torch.randn(num_samples, self._model.latent_size, device=self._session.device)


def _named(model: nn.Module, network: str) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if name.startswith(f"{network}.")]


def _refuse_other_updates(settings: OptimizationSettings, networks: Mapping[str, Any]) -> None:
    """Refuse options that say how many batches make an update: rounds do."""
    if settings.accumulate != 1:
        raise OptionError(
            "train.accumulate",
            "rounds say when each network is updated; leave accumulate out",
            id="DLTK-CONFIG-CONFLICT",
        )
    if any(settings.optimizer(name).takes_whole_epochs for name in networks):
        raise OptionError(
            "optimizer",
            "gd makes one update per epoch, and rounds say when each network is updated",
            id="DLTK-CONFIG-CONFLICT",
        )
