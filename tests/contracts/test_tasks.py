"""What holds for every task in `tasks/`, on every example it fits, with one model of each role it takes."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from dltk.config import registry
from dltk.data.batches import Batches, Loading
from dltk.data.blocks import Epoch
from dltk.experiment.building import Built, build
from dltk.experiment.compatibility import accepts, fits_task
from dltk.experiment.config import read_experiment
from dltk.training.evaluating import evaluated
from dltk.training.session import Session
from dltk.training.task import CannotAnswer, Evaluation, Request
from tests.contracts.examples import WRITES, shipped
from tests.contracts.model_examples import model_options
from tests.contracts.roles import ROLES

CPU = torch.device("cpu")
EPOCHS = 2
every_task = pytest.mark.parametrize("task", shipped("tasks"))


@dataclass(frozen=True)
class Trained:
    """A task that was learned for two epochs."""

    name: str
    role: str
    built: Built
    parts: dict[str, Any]
    consumed: list[int]
    training_scores: dict[str, float]

    @property
    def task(self) -> Any:
        return self.built.task

    @property
    def model(self) -> nn.Module:
        return self.built.model

    def batches(self, batch_size: int = 512, count: int = 16) -> Batches:
        """Return some training samples in order."""
        some = self.parts["train"].take(torch.arange(min(count, len(self.parts["train"]))))
        return self.built.splits.preparation.parse(some, Loading(batch_size))

    def score(self, batches: Batches | None = None) -> Evaluation:
        return evaluated(self.task, self.model, self.batches() if batches is None else batches)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Trained]]]:
    """Train every task on every example, once."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found: dict[str, list[Trained]] = {task: [] for task in shipped("tasks")}
    for key, (data, write) in WRITES.items():
        file, example = registry.load("datasets", data), write(tmp_path_factory.mktemp(key), ())
        spec = file.describe(file.Config.parse(example.options))
        for task in shipped("tasks"):
            for role, model in fitting_models(task, spec).items():
                values = {
                    "data": {"name": data, **example.options},
                    "model": {"name": model, **model_options(model, spec)},
                    "task": {"name": task},
                }
                found[task].append(train(f"{key}, {model}", role, values))
    yield found
    torch.set_num_threads(threads)


def fitting_models(task: str, spec: Any) -> dict[str, str]:
    """Return the first model of each role that this task takes for these data."""
    options = registry.load("tasks", task).Config
    configs = {name: registry.load("models", name).Config for name in shipped("models")}
    fitting = [name for name, own in configs.items() if accepts(own, spec) and fits_task(spec, own, options)]
    return {configs[name].role: name for name in reversed(fitting)}


def train(name: str, role: str, values: dict[str, Any]) -> Trained:
    experiment = read_experiment(values)
    built = build(experiment, CPU)
    batches: Any = built.splits.train
    learner = built.task.learner(built.model, experiment.optimization, Session(0, CPU, EPOCHS * batches.num_batches))
    consumed = [sum(learner.epoch(Epoch(batches, number))) for number in range(EPOCHS)]
    parts = experiment.data.file.read(experiment.data.options).parts
    return Trained(name, role, built, dict(parts), consumed, learner.scores())


@every_task
def test_every_task_fits_an_example_with_each_role_it_takes(task, trained):
    assert {one.role for one in trained[task]} == set(registry.load("tasks", task).Config.needs.roles)


@every_task
def test_an_epoch_is_consumed_batch_for_batch(task, trained):
    for one in trained[task]:
        assert one.consumed == [one.built.splits.train.num_batches] * EPOCHS, one.name
        assert all(math.isfinite(score) for score in one.training_scores.values()), one.name


@every_task
def test_declared_scores_are_reported(task, trained):
    for one in trained[task]:
        evaluation = one.score()
        assert set(one.task.scores) <= set(evaluation.scores), one.name
        assert set(one.task.scores.values()) <= {"min", "max"}
        assert all(type(score) is float and not math.isinf(score) for score in evaluation.scores.values()), one.name
        assert math.isfinite(evaluation.scores[next(iter(one.task.scores))]), one.name
        assert evaluation.num_samples == one.batches().num_samples
        assert evaluation.protocol


@every_task
def test_the_same_weights_get_the_same_scores(task, trained):
    for one in trained[task]:
        torch.manual_seed(len(one.name))
        first = one.score().scores
        torch.manual_seed(1 + len(one.name))
        assert json.dumps(one.score().scores) == json.dumps(first), one.name


@every_task
def test_a_split_is_scored_in_one_forward_pass(task, trained):
    for one in trained[task]:
        calls: list[int] = []
        hook = ROLES[one.role].scored(one.model).register_forward_hook(lambda *_, calls=calls: calls.append(1))
        batches = one.batches(batch_size=5)
        one.score(batches)
        hook.remove()
        assert len(calls) == batches.num_batches, one.name


@every_task
def test_scoring_changes_nothing(task, trained):
    for one in trained[task]:
        before = {name: tensor.clone() for name, tensor in one.model.state_dict().items()}
        one.score()
        assert all(torch.equal(tensor, before[name]) for name, tensor in one.model.state_dict().items()), one.name
        assert all(parameter.requires_grad for parameter in one.model.parameters()), one.name


@every_task
def test_scores_do_not_depend_on_the_batch_size(task, trained):
    for one in trained[task]:
        whole, apart = one.score().scores, one.score(one.batches(batch_size=3)).scores
        assert apart == pytest.approx(whole, rel=1e-5, abs=1e-6, nan_ok=True), one.name


@every_task
def test_per_sample_columns_are_kept_on_the_cpu(task, trained):
    for one in trained[task]:
        columns = one.score().columns.values()
        assert all(column.device == CPU for column in columns if isinstance(column, torch.Tensor)), one.name


def plain(rows: Any) -> list[dict[str, Any]]:
    """Return the rows of one answer with their tensors as lists."""
    return [
        {key: value.tolist() if isinstance(value, torch.Tensor) else value for key, value in row.items()}
        for row in rows
    ]


@every_task
def test_inputs_are_answered_one_by_one_in_order_or_refused(task, trained):
    for one in trained[task]:
        file = registry.load("tasks", task)
        samples = one.parts["train"].take(torch.arange(4))
        parse = one.built.splits.preparation.parse
        backwards = parse(samples.take(torch.tensor([3, 2, 1, 0])), Loading(batch_size=2))
        try:
            answers = [plain(rows) for rows in one.task.answer(one.model, parse(samples, Loading()), Request())]
        except CannotAnswer:
            assert file.Config.example_request, f"{task} answers no inputs, so it must say what it answers"
            continue
        assert len(answers) == 4, one.name
        assert all(answers), one.name
        again = [plain(rows) for rows in one.task.answer(one.model, backwards, Request())]
        assert rounded(again[::-1]) == rounded(answers), one.name


def rounded(value: Any) -> Any:
    """Return plain values with numbers cut to what the order of sums leaves alone."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-4, abs=1e-5)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


@every_task
@pytest.mark.parametrize(
    ("request_", "rows"),
    [(Request(count=3, seed=5), 3), (Request(steps=2), 2), (Request(), None), (Request(top=2), None)],
)
def test_what_needs_no_inputs_is_answered_or_refused(task, trained, request_, rows):
    for one in trained[task]:
        try:
            answers = [plain(answer) for answer in one.task.answer(one.model, None, request_)]
        except CannotAnswer:
            continue
        assert rows is not None, f"{task} answers a request for nothing"
        assert sum(len(answer) for answer in answers) == rows, one.name
        assert [plain(answer) for answer in one.task.answer(one.model, None, request_)] == answers, one.name


@every_task
def test_the_example_of_a_request_is_answered(task, trained):
    words = registry.load("tasks", task).Config.example_request.split()
    if words:
        (flag, number) = words
        for one in trained[task]:
            request = Request(**{flag.removeprefix("--"): int(number)})
            assert sum(1 for _ in one.task.answer(one.model, None, request)) == int(number), one.name


@every_task
def test_pictures_are_figures(task, trained):
    for one in trained[task]:
        figures = one.task.pictures(one.score())
        assert all(isinstance(figure, Figure) for figure in figures.values()), one.name
        assert all(name.replace("_", "").isalnum() for name in figures)


@every_task
def test_a_baseline_stands_beside_the_main_score(task, trained):
    for one in trained[task]:
        main = next(iter(one.task.scores))
        baselines = one.task.baselines(one.built.splits)
        assert baselines, one.name
        for evaluation in baselines.values():
            assert isinstance(evaluation, Evaluation)
            assert math.isfinite(evaluation.scores[main]), one.name
            assert evaluation.num_samples > 0
            assert evaluation.protocol


@every_task
def test_decided_options_are_spelled_out_and_decide_the_same_again(task, trained):
    file = registry.load("tasks", task)
    for one in trained[task]:
        config = getattr(one.task, "config", None)
        if config is not None:
            again = file.build(file.Config.parse(config.plain()), one.built.splits.spec, one.built.splits.preparation)
            assert again.config == config, one.name
