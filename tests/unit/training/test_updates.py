"""What updates do: accumulation, whole epochs, precision, averages, groups, clipping; all go on bit-equal."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.config.sections import CheckpointOptions
from dltk.data.batches import Batch
from dltk.training.learner import learner_for
from dltk.training.optimization import Optimization, OptimizationSettings
from dltk.training.optimizers import GD, OPTIMIZERS, SGD, AdamW
from dltk.training.saving.trees import copied
from dltk.training.schedules import Constant, Cosine, Length, OneCycle, Plateau, Step
from dltk.training.session import Session
from dltk.training.updates.parameter_groups import ParameterGroup
from tests.unit.training.tiny import CPU, Trial, bits, record, samples

STEPS = 6
SMALL = 1e-3
"""Keeps the gradients of these tests in fp16's range at the first loss scale."""


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def squares(model, batch):
    return (model(batch.inputs) - batch.targets).square().mean()


def learner(model, settings, epochs=2):
    return learner_for(model, squares, settings, Session(0, CPU, STEPS * epochs, STEPS))


def trained(settings, data=None, epochs=2):
    """Return the weights after some epochs."""
    model = linear()
    one = learner(model, settings, epochs)
    for epoch in range(epochs):
        list(one.epoch((data or samples()).epoch(epoch)))
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def whole_batch(number):
    """Return the samples of an epoch as one batch, in the order of its batches."""
    return Batch.joined(list(samples().epoch(number)))


@pytest.mark.parametrize(("accumulate", "yields"), [(1, [1] * 6), (2, [2, 2, 2]), (4, [4, 2]), (9, [6])])
def test_it_yields_after_every_update(accumulate, yields):
    one = learner(linear(), OptimizationSettings(accumulate=accumulate))
    assert list(one.epoch(samples().epoch(0))) == yields


@pytest.mark.parametrize("accumulate", [4, 9])
def test_accumulated_batches_move_as_one_large_batch(accumulate):
    sgd = {"": SGD(lr=0.1, momentum=0.9)}
    model = linear()
    one = learner(model, OptimizationSettings(sgd))
    for epoch in range(2):
        batches = list(samples().epoch(epoch))
        assert len({batch.num_samples for batch in batches}) > 1, "the last one is another size"
        groups = [batches[start : start + accumulate] for start in range(0, len(batches), accumulate)]
        list(one.epoch(iter([Batch.joined(group) for group in groups])))
    large = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    torch.testing.assert_close(trained(OptimizationSettings(sgd, accumulate=accumulate)), large, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [3, 7, 22, 23])
def test_gradient_descent_does_not_depend_on_the_batch_size(batch_size):
    data = samples(batch_size=batch_size)
    ours, theirs = linear(), linear()
    session = Session(0, CPU, 2 * data.num_batches, data.num_batches)
    one = learner_for(ours, squares, OptimizationSettings({"": GD(lr=0.1)}, {"": Cosine()}), session)
    plain = torch.optim.SGD(theirs.parameters(), 0.1)
    for epoch in range(2):
        assert list(one.epoch(data.epoch(epoch))) == [data.num_batches]
        plain.param_groups[0]["lr"] = 0.1 * Cosine().multiplier(epoch, Length(2))
        plain.zero_grad()
        squares(theirs, samples().whole()).backward()
        plain.step()
    for our, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-5, atol=1e-6)


def test_groups_move_at_rates_of_their_own_under_the_same_schedule():
    groups = (ParameterGroup(match="bias", lr_factor=0.5), ParameterGroup(match="weight", lr=0.3, weight_decay=0.1))
    settings = OptimizationSettings({"": SGD(lr=0.1, groups=groups)}, {"": Cosine()})
    ours, theirs = linear(), linear()
    one = learner(ours, settings, epochs=1)
    list(one.epoch(samples().epoch(0)))
    plain = torch.optim.SGD(
        [{"params": [theirs.bias], "lr": 0.05}, {"params": [theirs.weight], "lr": 0.3, "weight_decay": 0.1}], fused=True
    )
    for step, batch in enumerate(samples().epoch(0)):
        for group, base in zip(plain.param_groups, (0.05, 0.3), strict=True):
            group["lr"] = base * Cosine().multiplier(step, Length(STEPS))
        plain.zero_grad()
        squares(theirs, batch).backward()
        plain.step()
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)


@pytest.mark.parametrize(
    ("settings", "name", "path"),
    [
        (OptimizationSettings({"": SGD(groups=(ParameterGroup(match="x", lr=1.0),))}), "", "optimizer.groups.0.match"),
        (
            OptimizationSettings({"one": SGD(groups=(ParameterGroup(match="x", lr=1.0),))}),
            "one",
            "optimizer.one.groups.0.match",
        ),
        (OptimizationSettings({}, {"": Step(step_size=9)}), "one", "schedule.step_size"),
        (OptimizationSettings({}, {"one": Plateau()}), "one", "schedule.one.name"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(settings, name, path):
    with pytest.raises(OptionError) as caught:
        Optimization(linear().named_parameters(), settings, Length(5, 5), name)
    assert ".".join(map(str, caught.value.path)) == path


def test_clipping_is_told():
    settings = OptimizationSettings({"": SGD(lr=0.1, clip_norm=1e-3)})
    one = learner(linear(), settings)
    before = linear()
    list(one.epoch(samples().epoch(0)))
    norms = []
    for batch in samples().epoch(0):
        before.zero_grad()
        squares(before, batch).backward()
        gradients = [p.grad for p in before.parameters() if p.grad is not None]
        norms.append(nn.utils.get_total_norm(gradients).item())
    scores = one.scores()
    assert scores["grad_norm"] == pytest.approx(sum(norms) / len(norms), rel=0.01)
    one.observe({})
    assert "grad_norm" not in one.scores(), "it began anew"
    pairs = zip(one.training_model().parameters(), linear().parameters(), strict=True)
    moved = torch.cat([(a - b).flatten() for a, b in pairs])
    assert moved.norm() <= 0.1 * 1e-3 * STEPS * 1.001


def test_without_clipping_no_norm_is_told():
    one = learner(linear(), OptimizationSettings())
    list(one.epoch(samples().epoch(0)))
    assert set(one.scores()) == {"loss", "lr"}


def test_penalties_move_weights_but_are_not_in_the_loss():
    plain, penalised = (learner(linear(), OptimizationSettings({"": SGD(lr=0.1, l2=l2)})) for l2 in (0.0, 1.0))
    for one in (plain, penalised):
        next(one.epoch(samples().epoch(0)))
    assert plain.scores() == penalised.scores()
    weight, other = (one.training_model().state_dict() for one in (plain, penalised))
    assert other["weight"].norm() < weight["weight"].norm()
    assert other["bias"].equal(weight["bias"])


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_computes_in_16_bits_and_keeps_weights_and_gradients_in_32(precision):
    seen = []

    def loss(model, batch):
        outputs = model(batch.inputs)
        seen.append(outputs.dtype)
        return SMALL * (outputs.float() - batch.targets).square().mean()

    model = linear()
    settings = OptimizationSettings({"": SGD(lr=0.1 / SMALL)}, precision=precision)
    one = learner_for(model, loss, settings, Session(0, CPU, 12, 6))
    list(one.epoch(samples().epoch(0)))
    assert set(seen) == {torch.bfloat16 if precision == "bf16" else torch.float16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert all(parameter.grad.dtype == torch.float32 for parameter in model.parameters() if parameter.grad is not None)
    weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    exact = trained(OptimizationSettings({"": SGD(lr=0.1)}), epochs=1)
    torch.testing.assert_close(weights, exact, rtol=0.05, atol=0.02)
    assert not weights.equal(exact)


def test_a_gradient_that_overflows_makes_no_update_and_halves_the_scale():
    def loss(model, batch):
        return squares(model, batch) * (1e36 if batch.num_samples == 3 else SMALL)

    model = linear()
    settings = OptimizationSettings({"": SGD(lr=0.1, clip_norm=1e9)}, precision="fp16")
    one = learner_for(model, loss, settings, Session(0, CPU, 12, 6))
    list(one.epoch(samples().epoch(0)))  # 23 samples in batches of 4: the last has 3
    scores = one.scores()
    assert scores["loss_scale"] == 2.0**15
    assert scores["skipped_updates"] == 1
    assert scores["grad_norm"] < 100
    one.observe({})
    assert one.scores()["skipped_updates"] == 0  # counted since the last evaluation
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_skipped_updates_are_counted_across_a_stop():
    def loss(model, batch):
        return squares(model, batch) * 1e36

    settings = OptimizationSettings({"": SGD(lr=0.1)}, precision="fp16")
    uninterrupted = learner_for(linear(), loss, settings, Session(0, CPU, 12, 6))
    list(uninterrupted.epoch(samples().epoch(0)))
    stopped, resumed = (learner_for(linear(), loss, settings, Session(0, CPU, 12, 6)) for _ in range(2))
    batches = list(samples().epoch(0))
    list(stopped.epoch(iter(batches[:2])))
    resumed.load_state_dict(stopped.state_dict())
    list(resumed.epoch(iter(batches[2:])))
    assert uninterrupted.scores()["skipped_updates"] == len(batches) == resumed.scores()["skipped_updates"]


def test_other_precisions_skip_nothing_and_do_not_say_so():
    one = learner(linear(), OptimizationSettings({"": SGD(lr=0.1)}))
    list(one.epoch(samples().epoch(0)))
    assert not {"skipped_updates", "loss_scale"} & set(one.scores())


def test_the_evaluated_model_is_the_average():
    model = linear()
    one = learner(model, OptimizationSettings({"": SGD(lr=0.1)}, ema=0.9))
    assert one.training_model() is model
    assert one.inference_model() is not model
    expected = model.weight.detach().double()
    for update, _ in enumerate(one.epoch(samples().epoch(0)), 1):
        kept = min(0.9, (1 + update) / (10 + update))
        expected = kept * expected + (1 - kept) * model.weight.detach().double()
    found: Any = one.inference_model()
    torch.testing.assert_close(found.weight.detach().double(), expected, rtol=1e-5, atol=1e-6)


PROBED = [
    OptimizationSettings(),
    OptimizationSettings(accumulate=4),
    OptimizationSettings(precision="fp16"),
    OptimizationSettings(precision="bf16", ema=0.9),
]


@pytest.mark.parametrize("settings", PROBED, ids=["plain", "accumulate", "fp16", "ema"])
def test_a_probe_leaves_no_trace(settings):
    def run(probes):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        one = learner(model, settings)
        for _ in one.epoch(samples().epoch(0)):
            if probes:
                model.eval()
                before = {name: p.grad for name, p in model.named_parameters()}
                assert set(one.probe(whole_batch(0))) == set(dict(model.named_parameters()))
                assert not model.training
                assert {name: p.grad for name, p in model.named_parameters()} == before
        return bits(one), repr(one.state_dict()), one.scores()

    assert run(probes=True) == run(probes=False)


def test_a_probe_gives_the_gradients_of_the_loss():
    ours, theirs = linear(), linear()
    squares(theirs, whole_batch(0)).backward()
    for settings in (OptimizationSettings(), OptimizationSettings(precision="fp16")):
        found = learner(ours, settings).probe(whole_batch(0))
        for name, parameter in theirs.named_parameters():
            torch.testing.assert_close(found[name], parameter.grad)


def image_network() -> nn.Module:
    """Return a network whose weights lie with the channels last."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(3, 32), nn.Unflatten(1, (2, 4, 4)), nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten()
    )
    return network.append(nn.Linear(24, 1)).to(memory_format=torch.channels_last)


GROUPS = (ParameterGroup(match="0.*", lr_factor=0.1), ParameterGroup(match="*.bias", weight_decay=0.0))
VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"optimizer": kind.parse({"name": name})} for name, kind in OPTIMIZERS.items()},
    "momentum": {"optimizer": SGD(lr=0.01, momentum=0.9)},
    "groups and clipping": {"optimizer": AdamW(lr=0.05, groups=GROUPS, clip_norm=0.1, l1=0.01, l2=0.01)},
    "one cycle": {"schedule": OneCycle()},
    "warm step": {"schedule": Step(step_size=1, warmup_steps=3)},
    "accumulate": {"updates": OptimizationSettings(accumulate=4)},
    "bf16": {"updates": OptimizationSettings(precision="bf16")},
    "fp16": {"updates": OptimizationSettings(precision="fp16")},
    "ema": {"updates": OptimizationSettings(ema=0.9)},
    "all": {
        "optimizer": AdamW(lr=0.05, clip_value=0.1, amsgrad=True),
        "updates": OptimizationSettings(accumulate=2, precision="fp16", ema=0.9),
    },
    "plateau": {
        "schedule": Plateau(factor=0.5, patience=0, threshold=0.3, monitor="val/mse"),
        "updates": OptimizationSettings(directions={"val/mse": "min"}),
    },
    "channels last": {"model": image_network},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_killed_it_goes_on_bit_equal(name, tmp_path):
    options = {"checkpoint": CheckpointOptions(every_seconds=1e6, every_steps=2), **VARIANTS[name]}
    whole, killed = Trial(tmp_path / "whole", **options), Trial(tmp_path / "killed", **options)
    expected, _ = whole.go()
    for step in (5, 11, 15):
        killed.killed(step)
    assert killed.steps
    found, progress = killed.go()
    assert progress.step == 18
    assert bits(found) == bits(expected)
    assert repr(copied(found.state_dict())) == repr(copied(expected.state_dict()))
    assert record(killed.metrics) == record(whole.metrics)


def test_a_plateau_lowers_the_rate_in_a_run(tmp_path):
    trial = Trial(tmp_path, **VARIANTS["plateau"])
    trial.go()
    rates = [row["train/lr"] for row in trial.metrics.rows()]
    assert rates[0] > rates[-1]


def test_schedules_count_updates_not_batches(tmp_path):
    trial = Trial(tmp_path, updates=OptimizationSettings(accumulate=4), schedule=Cosine())
    trial.go()
    assert [row["train/lr"] for row in trial.metrics.rows()][-1] == 0


def test_constant_rates_are_those_of_the_base_group(tmp_path):
    trial = replace(Trial(tmp_path, optimizer=AdamW(lr=0.05, groups=GROUPS)), schedule=Constant())
    trial.go()
    assert {row["train/lr"] for row in trial.metrics.rows()} == {0.05}
