"""Learners: what they yield, what they sum, and that they go on bit for bit from where they were saved."""

import itertools

import pytest
import torch
from torch import nn

from dltk.data.batches import Batch
from dltk.data.blocks import Epoch
from dltk.data.specs import Numbers
from dltk.models.ridge import Ridge
from dltk.training.evaluating import evaluated
from dltk.training.learner import GradientLearner, OnePassLearner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD
from dltk.training.running_scores import RunningScores
from dltk.training.saving.trees import copied
from dltk.training.saving.weights import set_weights, weights_of
from dltk.training.session import Session
from tests.unit.training.tiny import ADAMW, COSINE, CPU, TASK, bits, network, samples

SESSION = Session(0, CPU, 18)
SETTINGS = OptimizationSettings({"": ADAMW}, {"": COSINE})


def learner(seed=0):
    return TASK.learner(network(seed), SETTINGS, SESSION)


def learn(one, epoch, start=0, steps=None):
    """Train some steps of an epoch."""
    for _ in itertools.islice(one.epoch(samples().epoch(epoch, start=start)), steps):
        pass


def test_it_yields_after_every_batch():
    assert list(learner().epoch(samples().epoch(0))) == [1] * 6


def test_scores_are_means_over_samples_not_batches():
    def loss(model, batch):
        return model.weight.sum() * 0 + batch.targets.mean()

    def batch(values):
        return Batch(torch.zeros(len(values), 1), torch.tensor(values), len(values))

    one = learner_for(nn.Linear(1, 1), loss, OptimizationSettings(), SESSION)
    list(one.epoch(iter([batch([1.0, 1.0, 1.0]), batch([5.0])])))
    assert one.scores() == {"loss": 2.0, "lr": 1e-3}
    assert one.scores() == {"loss": 2.0, "lr": 1e-3}, "reading changes nothing"
    one.observe({})
    assert "loss" not in one.scores(), "they begin anew with an evaluation"


def test_named_parts_of_a_loss_are_scores_and_loss_is_minimised():
    def loss(model, batch):
        value = model(batch.inputs).square().mean()
        return {"loss": value, "twice": 2 * value}

    one = learner_for(nn.Linear(3, 1), loss, OptimizationSettings({"": SGD(lr=0.1)}), SESSION)
    learn(one, 0)
    first = one.scores()
    one.observe({})
    learn(one, 1)
    second = one.scores()
    assert first["twice"] == pytest.approx(2 * first["loss"])
    assert second["loss"] < first["loss"]


@pytest.mark.parametrize("steps_before", [1, 3, 5])
def test_it_goes_on_in_the_middle_of_an_epoch_bit_for_bit(steps_before):
    whole = learner()
    learn(whole, 0, steps=steps_before)
    weights, state = copied(weights_of(whole.inference_model())), copied(whole.state_dict())
    learn(whole, 0, start=steps_before)
    torch.manual_seed(999)  # the generator's state is not carried over

    restored = learner(seed=5)
    set_weights(restored.inference_model(), weights)
    restored.load_state_dict(state)
    learn(restored, 0, start=steps_before)
    assert bits(restored) == bits(whole)
    assert restored.scores() == whole.scores()


def test_evaluation_in_the_middle_of_an_epoch_changes_no_bit_of_training():
    plain, disturbed = learner(), learner()
    learn(plain, 0)
    for _ in disturbed.epoch(samples().epoch(0)):
        evaluated(TASK, disturbed.inference_model(), samples(9, 9, seed=2))
        torch.rand(17)
    assert bits(disturbed) == bits(plain)
    assert disturbed.scores() == plain.scores()


def test_every_step_has_noise_of_its_own():
    drawn = []

    def loss(model, batch):
        drawn.append(torch.rand(()).item())
        return model(batch.inputs).square().mean()

    one = learner_for(nn.Linear(3, 1), loss, OptimizationSettings(), SESSION)
    learn(one, 0)
    learn(one, 1)
    expected = []
    for step in range(12):
        SESSION.seed_step(step)
        expected.append(torch.rand(()).item())
    assert drawn == expected
    assert len(set(drawn)) == 12


def test_noise_follows_from_the_seed_and_the_step():
    same, other = learner(), TASK.learner(network(), SETTINGS, Session(1, CPU, 18))
    for one in (same, other):
        learn(one, 0, steps=2)
    again = learner()
    learn(again, 0, steps=2)
    assert bits(same) == bits(again) != bits(other)


def test_running_sums_survive_saving_bit_for_bit():
    scores, restored = RunningScores(), RunningScores()
    for value in (0.1, 0.7, 1e9):
        scores.add({"loss": torch.tensor(value)}, 3)
    restored.load_state_dict(scores.state_dict(), CPU)
    for one in (scores, restored):
        one.add({"loss": torch.tensor(1 / 3)}, 1)
    assert restored.values() == scores.values() != {}
    scores.begin_anew()
    assert scores.values() == {}


def test_an_estimator_is_fitted_once_on_all_batches():
    model = Ridge(1e-6, Numbers(("y",)))
    one = learner_for(model, lambda *_: pytest.fail("an estimator has no loss"), OptimizationSettings(), SESSION)
    assert isinstance(one, OnePassLearner)
    data = samples()
    assert list(one.epoch(Epoch(data, 0))) == [data.num_batches]
    batch = data.whole()
    assert isinstance(batch.inputs, torch.Tensor)
    assert isinstance(batch.targets, torch.Tensor)
    x = torch.cat([batch.inputs, torch.ones(len(batch.inputs), 1)], 1).double()
    expected = torch.linalg.lstsq(x, batch.targets.double()).solution
    torch.testing.assert_close(model.weight, expected[:3].T.float(), rtol=1e-4, atol=1e-4)
    assert (one.scores(), one.state_dict(), one.inference_model()) == ({}, {}, model)


def test_an_epoch_that_is_behind_fits_nothing_again():
    model = Ridge(1.0, Numbers(("y",)))
    data = samples()
    assert list(OnePassLearner(model, SESSION).epoch(Epoch(data, 0, data.num_batches))) == []
    assert model.weight is None


def test_a_network_gets_the_gradient_learner():
    assert isinstance(learner(), GradientLearner)
