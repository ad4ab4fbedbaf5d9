"""What holds for every model in `models/`, on every spec of `model_examples.py` that it accepts."""

import contextlib
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dltk.config import registry
from dltk.config.errors import OptionError
from dltk.config.settings import SettingsError
from dltk.data.specs import Boxes, Masks, Spec
from dltk.experiment.compatibility import accepts
from dltk.nn.roles import Estimator
from dltk.training.saving.storage import read_tree, write_directory
from dltk.training.saving.weights import set_weights, weights_of
from tests.contracts.examples import shipped
from tests.contracts.model_examples import SPECS, model_options
from tests.contracts.roles import ROLES, Outputs, Role, random_batch

NO_PREPARATION: Any = None
EVERY = [(name, key) for name in shipped("models") for key in SPECS]
BEYOND = Spec(
    {"a": SPECS["grey_images_of_two_classes"].input, "b": SPECS["ids_of_two_classes"].input}, {"c": Boxes(("cat",))}
)


def role_of(name: str) -> Role:
    return ROLES[registry.load("models", name).Config.role]


def made(name: str, spec: Spec, seed: int = 0) -> Any:
    """Return a model with initial weights of a seed; an estimator is fitted."""
    file = registry.load("models", name)
    torch.manual_seed(seed)
    model = file.build(file.Config.parse(model_options(name, spec)), spec, NO_PREPARATION)
    if isinstance(model, Estimator):
        batch = random_batch(spec, 40)
        model.fit([batch])
    return model


def is_offered(name: str, spec: Spec) -> bool:
    """Return whether the program would offer this model for these data."""
    config, targets = registry.load("models", name).Config, role_of(name).targets
    if targets and not spec.targets:
        return False
    fits = not targets or all(isinstance(target, targets) for target in spec.targets.values())
    return fits and accepts(config, spec)


def built(name: str, spec: Spec) -> bool:
    try:
        made(name, spec)
    except OptionError:
        return False
    return True


OFFERED = [(name, key) for name, key in EVERY if is_offered(name, SPECS[key])]
BUILT = [(name, key) for name, key in OFFERED if built(name, SPECS[key])]
every_model = pytest.mark.parametrize(("name", "key"), BUILT)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def outputs_of(name: str, model: Any, batch: Any) -> Outputs:
    return role_of(name).outputs(model, batch)


@pytest.mark.parametrize("name", shipped("models"))
def test_a_model_can_be_built_for_everything_it_says_it_accepts(name):
    config = registry.load("models", name).Config
    possible = {type(kind) for model, key in BUILT if model == name for kind in SPECS[key].inputs.values()}
    assert possible == set(config.accepts)
    answered = {type(kind) for model, key in BUILT if model == name for kind in SPECS[key].targets.values()}
    assert answered >= set(getattr(config, "gives", ()) or role_of(name).targets)


@pytest.mark.parametrize(("name", "key"), [pair for pair in OFFERED if len(SPECS[pair[1]].inputs) == 1])
def test_one_input_and_one_target_are_only_refused_for_their_size(name, key):
    if (name, key) not in BUILT and len(SPECS[key].targets) == 1:
        with pytest.raises(OptionError, match=r"needs|must"):
            made(name, SPECS[key])


@every_model
def test_outputs_follow_the_data(name, key):
    spec = SPECS[key]
    outputs = outputs_of(name, made(name, spec), spec.example(3))
    assert {part: tuple(value.shape) for part, value in outputs.items()} == role_of(name).shapes(spec, 3)


@every_model
def test_shapes_are_known_without_computing(name, key):
    spec = SPECS[key]
    model = made(name, spec).to("meta")
    outputs = outputs_of(name, model, spec.example(3, "meta"))
    assert {part: tuple(value.shape) for part, value in outputs.items()} == role_of(name).shapes(spec, 3)
    assert all(value.is_meta for value in outputs.values())


@every_model
def test_gradients_reach_every_parameter(name, key):
    spec = SPECS[key]
    model = made(name, spec)
    if role_of(name) is ROLES["estimator"]:
        assert not list(model.parameters())
        return
    losses = [(value.square() + value).sum() for value in outputs_of(name, model, random_batch(spec, 8)).values()]
    torch.autograd.backward(losses)
    missing = [part for part, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


@every_model
def test_stored_weights_give_the_same_outputs_bit_for_bit(name, key, tmp_path):
    spec, file = SPECS[key], registry.load("models", name)
    first = made(name, spec).eval()
    write_directory(tmp_path / "stored", {"weights": weights_of(first)}, {})
    torch.manual_seed(1)
    second = file.build(file.Config.parse(model_options(name, spec)), spec, NO_PREPARATION).eval()
    set_weights(second, read_tree(tmp_path / "stored", "weights"))
    batch = random_batch(spec, 4)
    expected, outputs = outputs_of(name, first, batch), outputs_of(name, second, batch)
    assert all(torch.equal(outputs[part], expected[part]) for part in expected)


@every_model
def test_the_same_seed_gives_the_same_weights(name, key):
    first, second = (flat(weights_of(made(name, SPECS[key], seed=7))) for _ in range(2))
    assert list(first) == list(second)
    assert all(torch.equal(first[part], second[part]) for part in first)


def flat(weights: Any, path: str = "") -> dict[str, Tensor]:
    if isinstance(weights, Tensor):
        return {path: weights}
    items = weights.items() if hasattr(weights, "items") else enumerate(weights) if isinstance(weights, list) else ()
    return {place: tensor for key, item in items for place, tensor in flat(item, f"{path}.{key}").items()}


@every_model
def test_evaluating_changes_nothing_and_depends_on_nothing_before(name, key):
    spec = SPECS[key]
    model, batch = made(name, spec).eval(), random_batch(spec, 5)
    before = {part: tensor.clone() for part, tensor in flat(weights_of(model)).items()}
    first, again = outputs_of(name, model, batch), outputs_of(name, model, batch)
    assert all(torch.equal(first[part], again[part]) for part in first)
    assert all(torch.equal(tensor, before[part]) for part, tensor in flat(weights_of(model)).items())


@every_model
def test_a_sample_is_answered_alike_in_any_company(name, key):
    spec = SPECS[key]
    model = made(name, spec).eval()
    whole, one = (outputs_of(name, model, spec.example(n)) for n in (6, 1))
    if role_of(name) is not ROLES["adversary"]:  # its outputs follow from noise
        for part, value in whole.items():
            torch.testing.assert_close(value[3:4], one[part])


@pytest.mark.parametrize(("name", "key"), [pair for pair in EVERY if pair not in OFFERED])
def test_data_that_do_not_fit_cause_no_other_error_than_a_refusal(name, key):
    file, spec = registry.load("models", name), SPECS[key]
    with contextlib.suppress(OptionError):  # what is not offered may still work
        assert isinstance(file.build(file.Config.parse(model_options(name, spec)), spec, NO_PREPARATION), nn.Module)


@pytest.mark.parametrize("name", shipped("models"))
def test_data_beyond_any_of_these_models_are_refused(name):
    with pytest.raises(OptionError, match=r".{20,}"):
        made(name, BEYOND)


@pytest.mark.parametrize("target", [Boxes(("cat",)), Masks(("sky",))], ids=["boxes", "masks"])
@pytest.mark.parametrize("name", [name for name in shipped("models") if role_of(name).targets])
def test_targets_that_a_model_cannot_give_are_refused_by_name(name, target):
    config = registry.load("models", name).Config
    spec = next(SPECS[key] for model, key in BUILT if model == name)
    assert accepts(config, spec)
    with pytest.raises(OptionError, match=target.word):
        made(name, Spec(spec.inputs, {"label": target}))


@pytest.mark.parametrize("name", shipped("models"))
def test_unknown_options_are_refused(name):
    spec = next(SPECS[key] for model, key in BUILT if model == name)
    options = {**model_options(name, spec), "no_such_option": 1}
    with pytest.raises(SettingsError, match="no_such_option: no such option"):
        registry.load("models", name).Config.parse(options)


@pytest.mark.parametrize("name", shipped("models"))
def test_options_that_must_be_given_have_an_example(name):
    config = registry.load("models", name).Config
    required = {option for option, field in config.model_fields.items() if field.is_required()}
    spec = next(SPECS[key] for model, key in BUILT if model == name)
    assert required <= set(model_options(name, spec)), f"give {name} options in tests/contracts/model_examples.py"
