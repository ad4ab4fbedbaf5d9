"""The adversarial task plays rounds that can be stopped and continued, and draws samples."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.data.batches import InMemory, Loading
from dltk.data.plans import shuffled
from dltk.data.specs import Image, Nothing, Spec, Tokens, Vector
from dltk.data.splits import Splits
from dltk.tasks.gan import Config, build
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD, Adam
from dltk.training.schedules import Cosine
from dltk.training.session import Session
from dltk.training.task import CannotAnswer, Request
from tests.threads import one_thread

__all__ = ["one_thread"]

NOTHING_FITTED: Any = None
SMALL = Image(1, 2, 2)
SETTINGS = OptimizationSettings({"generator": Adam(lr=1e-2), "discriminator": Adam(lr=5e-3)}, {"": Cosine()})


class Pair(nn.Module):
    latent_size = 3

    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4), nn.Unflatten(1, (1, 2, 2))
        )
        self.discriminator = nn.Sequential(
            nn.Flatten(), nn.Linear(4, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0)
        )


def pair(seed=0):
    torch.manual_seed(seed)
    return Pair()


def task_for(modality=SMALL, **options):
    return build(Config.parse(options), Spec({"image": modality}, {}), NOTHING_FITTED)


def images(num_samples=22, batch_size=4):
    pixels = torch.rand(num_samples, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    return InMemory({"image": pixels}, {}, Loading(batch_size, shuffled(0)))


def learner_of(task, model, total_steps=60, settings=SETTINGS):
    return task.learner(model, settings, Session(0, torch.device("cpu"), total_steps, 6))


@pytest.mark.parametrize(("critic_steps", "rounds"), [(1, [1] * 6), (2, [2, 2, 2]), (4, [4, 2]), (9, [6])])
def test_a_round_is_so_many_batches_or_what_the_epoch_has_left(critic_steps, rounds):
    task = task_for(critic_steps=critic_steps)
    assert list(learner_of(task, pair()).epoch(images().epoch(0))) == rounds


@pytest.mark.parametrize("critic_steps", [1, 2, 4])
@pytest.mark.parametrize("loss", ["non_saturating", "least_squares"])
def test_a_stopped_game_goes_on_bit_equal(critic_steps, loss):
    task, data = task_for(critic_steps=critic_steps, loss=loss), images()
    straight = pair()
    unbroken = learner_of(task, straight, 18)
    for epoch in range(3):
        list(unbroken.epoch(data.epoch(epoch)))

    first = pair()
    learner = learner_of(task, first, 18)
    list(learner.epoch(data.epoch(0)))
    consumed = next(learner.epoch(data.epoch(1)))
    saved, weights = copy.deepcopy(learner.state_dict()), copy.deepcopy(first.state_dict())

    second = pair(seed=99)
    second.load_state_dict(weights)
    resumed = learner_of(task, second, 18)
    resumed.load_state_dict(saved)
    torch.manual_seed(12345)
    list(resumed.epoch(data.epoch(1, start=consumed)))
    list(resumed.epoch(data.epoch(2)))
    for name, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert unbroken.scores() == resumed.scores()


def test_the_discriminator_moves_critic_steps_times_for_each_move_of_the_generator():
    learner = learner_of(task_for(critic_steps=3), pair())
    list(learner.epoch(images(24).epoch(0)))
    state = learner.state_dict()
    assert (state["discriminator"]["steps"], state["generator"]["steps"], state["steps"]) == (6, 2, 6)


def test_each_network_moves_only_by_its_own_optimizer():
    frozen = OptimizationSettings({"generator": SGD(lr=1e-30), "discriminator": SGD(lr=0.1)})
    model = pair()
    before = copy.deepcopy(model.state_dict())
    learner = learner_of(task_for(), model, settings=frozen)
    list(learner.epoch(images().epoch(0)))
    after = model.state_dict()
    assert torch.equal(before["generator.0.weight"], after["generator.0.weight"])
    assert not torch.equal(before["discriminator.1.weight"], after["discriminator.1.weight"])
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_schedules_end_with_the_last_update_of_each_network():
    learner = learner_of(task_for(critic_steps=2), pair(), total_steps=6)
    list(learner.epoch(images().epoch(0)))
    scores = learner.scores()
    assert (scores["lr/generator"], scores["lr/discriminator"]) == (0, 0)


def test_training_scores_are_the_textbooks_at_the_start():
    model = pair()
    nn.init.zeros_(model.discriminator[-2].weight)
    nn.init.zeros_(model.discriminator[-2].bias)
    still = OptimizationSettings({"": SGD(lr=1e-30)})
    learner = learner_of(task_for(), model, settings=still)
    list(learner.epoch(images().epoch(0)))
    scores = learner.scores()
    assert scores["loss/discriminator"] == pytest.approx(2 * math.log(2))  # Goodfellow et al. 2014, theorem 1
    assert scores["loss/generator"] == pytest.approx(math.log(2))
    assert scores["d_real"] == scores["d_fake"] == pytest.approx(0.5)


def test_evaluations_use_the_same_noise_each_time():
    task, model = task_for(), pair().eval()
    torch.manual_seed(1)
    first = task.evaluate(model, images())
    torch.manual_seed(2)
    second = task.evaluate(model, images())
    assert first.scores == second.scores
    assert torch.equal(first.columns["generated"], second.columns["generated"])
    assert first.num_samples == 22
    assert set(task.scores) <= set(first.scores)


@pytest.mark.parametrize("batch_size", [1, 5, 7])
def test_scores_do_not_depend_on_the_batch_size(batch_size):
    model, task = pair().eval(), task_for()
    whole = task.evaluate(model, images(batch_size=22)).scores
    assert task.evaluate(model, images(batch_size=batch_size)).scores == pytest.approx(whole, rel=1e-6)


def test_a_discriminator_that_knows_nothing_is_half_right():
    model = pair().eval()
    nn.init.zeros_(model.discriminator[-2].weight)
    nn.init.constant_(model.discriminator[-2].bias, 1.0)
    assert task_for().evaluate(model, images()).scores["discriminator_accuracy"] == 0.5


def test_a_generator_that_makes_the_mean_image_scores_as_the_baseline():
    class Mean(nn.Module):
        def forward(self, noise):
            return images().whole().inputs.mean(0).expand(len(noise), -1, -1, -1)

    model, task = pair().eval(), task_for()
    model.generator = Mean()
    baseline = task.baselines(Splits(images(), None, None, NOTHING_FITTED))["mean sample"]
    scores = task.evaluate(model, images()).scores
    assert baseline.scores == pytest.approx({name: scores[name] for name in task.scores}, abs=1e-4)
    assert baseline.scores["deviation_distance"] > 0.2


def test_answers_are_as_many_images_as_asked_for_and_follow_the_seed():
    task, model = task_for(), pair().eval()
    few, many = list(task.answer(model, None, Request(count=3))), list(task.answer(model, None, Request(count=300)))
    assert (len(few), len(many)) == (3, 300)
    assert all(torch.equal(a[0]["image"], b[0]["image"]) for a, b in zip(few, many, strict=False))
    image = few[0][0]["image"]
    assert image.shape == (1, 2, 2)
    assert 0 <= image.min() <= image.max() <= 1
    other = next(iter(task.answer(model, None, Request(count=1, seed=1))))
    assert not torch.equal(other[0]["image"], image)


def test_numbers_are_answered_as_lists_and_not_drawn():
    task, model = task_for(Vector(4)), pair().eval()
    model.generator = nn.Linear(3, 4)
    (rows,) = task.answer(model, None, Request(count=1))
    assert len(rows[0]["values"]) == 4
    data = InMemory({"x": torch.rand(9, 4)}, {}, Loading())
    assert task.pictures(task.evaluate(model, data)) == {}


@pytest.mark.parametrize("request_", [Request(), Request(count=2, top=1), Request(count=2, steps=1)])
def test_requests_without_a_count_cannot_be_answered(request_):
    with pytest.raises(CannotAnswer, match="--count"):
        task_for().answer(pair(), None, request_)


def test_inputs_cannot_be_answered():
    with pytest.raises(CannotAnswer):
        task_for().answer(pair(), images(), Request(count=1))


def test_generated_images_are_drawn_beside_real_ones():
    task = task_for()
    figure = task.pictures(task.evaluate(pair().eval(), images()))["samples"]
    assert [axes.get_title() for axes in figure.axes] == ["real (22)", "generated (22)"]


def test_tokens_cannot_be_generated():
    with pytest.raises(OptionError, match="token sequences"):
        build(Config(), Spec({"text": Tokens(("a", "b"))}, {"y": Nothing()}), NOTHING_FITTED)


@pytest.mark.parametrize("precision", ["auto", "bf16", "fp16"])
def test_a_game_with_averaged_weights_in_any_precision_goes_on_bit_equal(precision):
    settings = OptimizationSettings(SETTINGS.optimizers, SETTINGS.schedules, precision=precision, ema=0.9)
    task, data = task_for(critic_steps=2), images()
    unbroken, first, second = (learner_of(task, pair(seed), 12, settings) for seed in (0, 0, 99))
    list(unbroken.epoch(data.epoch(0)))
    consumed = next(first.epoch(data.epoch(0)))
    second.inference_model().load_state_dict(copy.deepcopy(first.inference_model().state_dict()))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    list(second.epoch(data.epoch(0, start=consumed)))
    for name, value in unbroken.training_model().state_dict().items():
        assert torch.equal(value, second.training_model().state_dict()[name]), name
    for name, value in unbroken.inference_model().state_dict().items():
        assert torch.equal(value, second.inference_model().state_dict()[name]), name
    assert unbroken.scores() == second.scores()


def test_a_probe_gives_both_networks_gradients_and_leaves_no_trace():
    def play(probes):
        model = pair()
        learner = learner_of(task_for(), model)
        for _ in learner.epoch(images().epoch(0)):
            if probes:
                assert set(learner.probe(next(images().epoch(0)))) == set(dict(model.named_parameters()))
        return [value.tolist() for value in model.state_dict().values()], learner.scores()

    assert play(probes=True) == play(probes=False)
