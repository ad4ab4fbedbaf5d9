"""Classification learns, scores, answers and draws classes and labels."""

import math
from typing import Any, get_args

import pytest
import torch
from sklearn.metrics import classification_report, log_loss
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from dltk.config.errors import ConfigError, OptionError
from dltk.data.batches import InMemory, Loading
from dltk.data.blocks import Epoch
from dltk.data.specs import Classes, Image, Numbers, Spec, Vector
from dltk.metrics.class_scores import ONE_OF_SEVERAL, SEVERAL_AT_ONCE, MetricName
from dltk.nn.losses import class_losses
from dltk.tasks.classification import Config, build
from dltk.training.learner import OnePassLearner
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD
from dltk.training.session import Session
from dltk.training.task import CannotAnswer, Request
from tests.fitted import splits_of

NOTHING_FITTED: Any = None
PAIRS = Vector(2)
SESSION = Session(0, torch.device("cpu"), None)
GATE_INPUTS = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
GATES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0], "xor": [0, 1, 1, 0]}


def task_for(names, *, multi_label=False, inputs=PAIRS, **options):
    spec = Spec({"x": inputs}, {"y": Classes(tuple(names), multi_label)})
    return build(Config.parse(options), spec, NOTHING_FITTED)


def batches(inputs, targets, batch_size=1):
    return InMemory({"x": inputs}, {"y": targets}, Loading(batch_size))


def splits(train, test=None, val=None):
    return splits_of(train, test, val)


def linear(weight, bias):
    model = nn.Linear(len(weight[0]), len(weight))
    model.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    return model


def test_defaults_follow_from_the_target_and_are_spelled_out():
    assert task_for(["a", "b", "c"]).config.plain() == {
        "loss": "cross_entropy", "gamma": None, "class_weights": "none", "label_smoothing": 0.0, "metrics": ["accuracy"]
    }  # fmt: skip
    assert task_for("ab", loss="focal").config.gamma == 2.0
    assert task_for("ab", class_weights={"b": 3}).config.class_weights == {"a": 1.0, "b": 3.0}
    assert dict(task_for(["a", "b"]).scores) == {"accuracy": "max", "loss": "min"}
    assert list(task_for(["a", "b"], multi_label=True).scores) == ["micro_f1", "accuracy", "loss"]


@pytest.mark.parametrize(
    ("names", "multi_label", "options", "path", "message"),
    [
        (
            "abcdefghij",
            False,
            {"loss": "perceptron"},
            ("loss",),
            "perceptron needs two classes; the data have 10 classes",
        ),
        ("ab", True, {"loss": "perceptron"}, ("loss",), "2 labels per sample"),
        ("ab", False, {"loss": "hinge", "label_smoothing": 0.1}, ("label_smoothing",), "needs another loss"),
        ("ab", False, {"gamma": 1}, ("gamma",), "needs another loss"),
        ("ab", True, {"class_weights": "balanced"}, ("class_weights",), "one class per sample; the data have 2 labels"),
        ("ab", False, {"class_weights": {"A": 2}}, ("class_weights",), "no class 'A'; did you mean 'a'"),
        ("abc", False, {"metrics": ["f1"]}, ("metrics", 0), "f1 needs two classes; .* 3 classes; macro_f1 is for sev"),
        ("abc", False, {"metrics": ["top3_accuracy"]}, ("metrics", 0), "4 or more classes; the data have 3"),
        ("abc", False, {"loss": "hinge", "metrics": ["brier"]}, ("metrics", 0), "needs probabilities; .* loss: hinge"),
        ("ab", False, {"metrics": ["accuracy", "micro_f1"]}, ("metrics", 1), "micro_f1 is not defined for 2 classes"),
        ("abc", False, {"metrics": ["top5_accuracy"]}, ("metrics", 0), "6 or more classes; the data have 3"),
    ],
)
def test_options_that_do_not_fit_the_target_are_refused(names, multi_label, options, path, message):
    with pytest.raises(OptionError, match=message) as error:
        task_for(names, multi_label=multi_label, **options)
    assert error.value.path == path


@pytest.mark.parametrize(
    "targets", [{}, {"y": Numbers(("price",))}, {"y": Classes(("a", "b")), "z": Classes(("a", "b"))}]
)
def test_data_without_one_target_of_classes_are_refused(targets):
    with pytest.raises(OptionError):
        build(Config(), Spec({"x": Vector(2)}, targets), NOTHING_FITTED)


@pytest.mark.parametrize("gate", ["and", "or", "nand"])
def test_rosenblatts_rule_learns_a_gate_step_by_step(gate):
    targets = torch.tensor(GATES[gate])
    model, weights, bias = linear([[0.0, 0.0]], [0.0]), [0.0, 0.0], 0.0
    task = task_for(["no", "yes"], loss="perceptron")
    learner = task.learner(model, OptimizationSettings({"": SGD(lr=0.5)}), SESSION)
    data = batches(GATE_INPUTS, targets)
    for epoch in range(12):
        for row, _ in enumerate(learner.epoch(data.epoch(epoch))):
            x, y = GATE_INPUTS[row].tolist(), int(targets[row])
            activation = weights[0] * x[0] + weights[1] * x[1] + bias
            move = 0.5 * (y - (1 if activation > 0 else 0))  # Rosenblatt's rule, by hand
            weights, bias = [w + move * value for w, value in zip(weights, x, strict=True)], bias + move
            assert (model.weight.tolist()[0], model.bias.item()) == (weights, bias)
    assert task.evaluate(model, data).scores == {"accuracy": 1.0, "loss": 0.0}


def test_one_perceptron_does_not_learn_xor():
    model, task = linear([[0.0, 0.0]], [0.0]), task_for(["no", "yes"], loss="perceptron")
    learner = task.learner(model, OptimizationSettings({"": SGD(lr=1.0)}), SESSION)
    data = batches(GATE_INPUTS, torch.tensor(GATES["xor"]))
    for epoch in range(20):
        list(learner.epoch(data.epoch(epoch)))
        assert task.evaluate(model, data).scores["accuracy"] < 1


@pytest.mark.parametrize(
    ("gate", "weights", "bias"), [("and", [0.5, 0.5], -0.7), ("or", [1.0, 1.0], -0.5), ("nand", [-0.5, -0.5], 0.7)]
)
def test_the_courses_weights_answer_a_gate(gate, weights, bias):
    task, model = task_for(["0", "1"]), linear([weights], [bias])
    data = batches(GATE_INPUTS, torch.tensor(GATES[gate]), 4)
    assert task.evaluate(model, data).scores["accuracy"] == 1.0
    answers = [rows[0]["label"] for rows in task.answer(model, data, Request())]
    assert answers == [str(label) for label in GATES[gate]]


def test_the_loss_is_a_mean_over_samples_whatever_the_batches():
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(23, 2, generator=generator), torch.arange(23) % 3
    model, task = nn.Linear(2, 3), task_for("abc", label_smoothing=0.3)
    one = task.evaluate(model, batches(inputs, targets, 23))
    several = task.evaluate(model, batches(inputs, targets, 4))
    assert several.scores["loss"] == pytest.approx(one.scores["loss"], rel=1e-6)
    assert one.num_samples == several.num_samples == 23
    probabilities = model(inputs).double().softmax(1).detach()
    assert one.scores["loss"] == pytest.approx(log_loss(targets, probabilities, labels=[0, 1, 2]), rel=1e-6)
    assert {"true", "predicted", "probabilities", "loss"} == set(one.columns)


def test_label_smoothing_acts_on_training_only():
    inputs, targets = torch.tensor([[1.0, 0], [0, 1.0]]), torch.tensor([0, 1])
    model, data = linear([[9.0, 0], [0, 9.0], [0, 0]], [0.0, 0.0, 0.0]), batches(inputs, targets, 2)
    task = task_for("abc", label_smoothing=0.2)
    learner = task.learner(model, OptimizationSettings({"": SGD(lr=1e-9)}), SESSION)
    list(learner.epoch(data.epoch(0)))
    assert learner.scores()["loss"] > 0.5 > task.evaluate(model, data).scores["loss"]


def test_a_model_that_gives_no_numbers_gets_no_score():
    model = linear([[math.nan, 0.0]], [0.0])
    scores = task_for("ab").evaluate(model, batches(GATE_INPUTS, torch.tensor([0, 1, 1, 0]), 4)).scores
    assert math.isnan(scores["accuracy"])
    assert math.isnan(scores["loss"])


def test_outputs_that_do_not_fit_the_classes_are_a_configuration_error():
    with pytest.raises(ConfigError, match="shape \\(samples, 3\\) for 'y'; received \\(samples, 5\\)"):
        task_for("abc").evaluate(nn.Linear(2, 5), batches(GATE_INPUTS, torch.zeros(4, dtype=torch.int64)))


def test_an_estimator_learns_in_one_pass():
    class Frequencies(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("logits", torch.zeros(2))

        def fit(self, samples):
            counts = [torch.bincount(block.targets, minlength=2) for block in samples]
            self.logits = torch.stack(counts).sum(0).double().log()

        def forward(self, inputs):
            return (self.logits[1] - self.logits[0]).expand(len(inputs), 1)

        def state(self):
            return {}

        def restore(self, state):
            pass

    task, model = task_for(["no", "yes"]), Frequencies()
    learner = task.learner(model, OptimizationSettings(), SESSION)
    assert isinstance(learner, OnePassLearner)
    data = batches(GATE_INPUTS, torch.tensor(GATES["or"]))
    list(learner.epoch(Epoch(data, 0)))
    assert task.evaluate(model, data).scores["accuracy"] == 0.75


def test_answers_name_the_class_its_probability_and_the_likeliest():
    model = linear([[1.0, 0], [0, 1.0], [0, 0]], [0.0, 0.0, 0.0])
    task, data = task_for(["cat", "dog", "cow"]), batches(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
    expected = torch.tensor([1.0, 0, 0]).softmax(0).tolist()
    assert [dict(row) for rows in task.answer(model, data, Request()) for row in rows] == [
        {"label": "cat", "probability": pytest.approx(expected[0])}
    ]
    (rows,) = task.answer(model, data, Request(top=2))
    assert [(row["rank"], row["label"]) for row in rows] == [(1, "cat"), (2, "dog")]
    (rows,) = task.answer(model, data, Request(top=9))
    assert len(rows) == 3


def test_a_perceptron_answers_with_its_activation():
    task = task_for(["no", "yes"], loss="perceptron")
    (rows,) = task.answer(linear([[2.0, 0]], [1.0]), batches(GATE_INPUTS[3:], torch.tensor([1])), Request())
    assert rows == [{"label": "yes", "activation": 3.0}]


def test_inputs_without_targets_are_answered():
    data = InMemory({"x": GATE_INPUTS}, {}, Loading(2))
    assert len(list(task_for("ab").answer(nn.Linear(2, 1), data, Request()))) == 4


@pytest.mark.parametrize("request_", [Request(count=3), Request(steps=3), Request()])
def test_what_has_no_inputs_cannot_be_answered(request_):
    with pytest.raises(CannotAnswer):
        task_for("ab").answer(nn.Linear(2, 1), None, request_)


def test_several_labels_are_learned_answered_and_drawn():
    targets = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    task, model = task_for(["red", "round"], multi_label=True), linear([[4.0, 0], [0, 4.0]], [-2.0, -2.0])
    data = batches(GATE_INPUTS, targets, 3)
    list(task.learner(model, OptimizationSettings(), SESSION).epoch(data.epoch(0)))
    evaluation = task.evaluate(model, data)
    assert evaluation.scores["micro_f1"] == evaluation.scores["accuracy"] == 1.0
    rows = [rows[0] for rows in task.answer(model, data, Request())]
    assert [row["label"] for row in rows] == ["", "round", "red", "red, round"]
    assert rows[3]["probability/red"] == pytest.approx(torch.tensor(2.0).sigmoid().item(), abs=0.01)
    assert set(task.pictures(evaluation)) == {"f1_per_label", "roc_and_precision_recall"}
    (top,) = list(task.answer(model, data, Request(top=1)))[1]
    assert top["label"] == "round"


def test_the_baseline_answers_the_majority_of_the_training_split():
    train = batches(GATE_INPUTS, torch.tensor([2, 2, 2, 0]))
    val, test = (batches(GATE_INPUTS, torch.tensor(values)) for values in ([2, 0, 0, 0], [2, 2, 0, 1]))
    task = task_for("abc")
    scores = {
        "test": task.baselines(splits(train, test, val))["majority"].scores["accuracy"],
        "val": task.baselines(splits(train, None, val))["majority"].scores["accuracy"],
        "train": task.baselines(splits(train))["majority"].scores["accuracy"],
    }
    assert scores == {"test": 0.5, "val": 0.25, "train": 0.75}


def test_the_baselines_probabilities_are_the_training_splits_frequencies():
    train = batches(GATE_INPUTS, torch.tensor([1, 1, 1, 0]))
    test = batches(GATE_INPUTS, torch.tensor([1, 1, 0, 0]))
    task = task_for("ab", metrics=["accuracy", "log_loss", "brier", "expected_calibration_error"])
    scores = task.baselines(splits(train, test))["majority"].scores
    assert scores["log_loss"] == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)
    assert scores["expected_calibration_error"] == pytest.approx(0.25)


def test_the_baselines_probabilities_of_labels_are_their_frequencies():
    train = batches(GATE_INPUTS, torch.tensor([[1.0, 0], [1, 0], [0, 0], [1, 1]]))
    task = task_for("ab", multi_label=True, metrics=["micro_f1", "log_loss"])
    scores = task.baselines(splits(train))["majority"].scores
    assert scores["log_loss"] == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


def test_the_baseline_of_labels_is_the_majority_of_each():
    train = batches(GATE_INPUTS, torch.tensor([[1.0, 0], [1, 0], [0, 0], [1, 1]]))
    majority = task_for("ab", multi_label=True).baselines(splits(train))["majority"]
    assert majority.scores["accuracy"] == 0.5
    assert majority.scores["micro_f1"] == pytest.approx(2 * 3 / (4 + 4))


def test_the_images_with_the_largest_losses_are_kept_and_drawn():
    images = torch.rand(100, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    task = task_for(["dark", "light"], inputs=Image(1, 2, 2))
    model = nn.Sequential(nn.Flatten(), linear([[1.0, 1, 1, 1]], [-2.0]))
    evaluation = task.evaluate(model, batches(images, torch.zeros(100, dtype=torch.int64), 7))
    expected = evaluation.columns["loss"].topk(32).indices
    assert evaluation.columns["worst_positions"].tolist() == expected.tolist()
    torch.testing.assert_close(evaluation.columns["worst_inputs"], images[expected])
    figures = task.pictures(evaluation)
    assert set(figures) == {"confusion_matrix", "calibration", "worst"}  # without a light image there is no curve
    assert "n = 100" in figures["confusion_matrix"].axes[0].get_title()


def test_a_class_that_no_font_can_draw_is_called_the_same_in_every_picture():
    images = torch.rand(20, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    task = task_for(["dark", "\U00013000"], inputs=Image(1, 2, 2))
    model = nn.Sequential(nn.Flatten(), linear([[1.0, 1, 1, 1]], [-9.0]))
    figures = task.pictures(task.evaluate(model, batches(images, torch.arange(20) % 2)))
    captions = {text.get_text() for text in figures["worst"].axes[0].texts}
    assert captions == {"dark → dark", "#1 → dark"}
    assert [label.get_text() for label in figures["confusion_matrix"].axes[0].get_yticklabels()] == ["dark", "#1"]
    curves: Any = figures["roc_and_precision_recall"].axes[0].get_legend()
    assert curves.get_texts()[0].get_text().startswith("#1  AUC")


def test_balanced_weights_are_sklearns_and_count_while_training_only():
    targets = torch.tensor([0, 0, 0, 1])
    data = batches(GATE_INPUTS, targets, 4)
    task = task_for(["no", "yes"], class_weights="balanced").fitted(data)
    expected = compute_class_weight("balanced", classes=torch.tensor([0, 1]).numpy(), y=targets.numpy())
    assert list(task.config.class_weights.values()) == pytest.approx(expected.tolist())
    model = linear([[1.0, 0.5]], [-0.2])
    learner = task.learner(model, OptimizationSettings({"": SGD(lr=1e-9)}), SESSION)
    list(learner.epoch(data.epoch(0)))
    evaluation = task.evaluate(model, data)
    weighted = (evaluation.columns["loss"] * torch.from_numpy(expected)[targets]).mean().item()
    assert learner.scores()["loss"] == pytest.approx(weighted, rel=1e-6)
    assert evaluation.scores["loss"] == pytest.approx(task_for(["no", "yes"]).evaluate(model, data).scores["loss"])
    assert "without class weights" in evaluation.protocol


def test_a_class_without_training_samples_weighs_nothing_special():
    task = task_for("abc", class_weights="balanced").fitted(batches(GATE_INPUTS, torch.tensor([0, 0, 0, 2])))
    assert task.config.class_weights == {"a": pytest.approx(2 / 3), "b": 1.0, "c": 2.0}


def mixed(count, classes):
    shares = torch.rand(count, classes, generator=torch.Generator().manual_seed(3))
    return shares / shares.sum(1, keepdim=True)


@pytest.mark.parametrize("names", ["ab", "abc"])
@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "mse"])
def test_mixed_samples_train_with_shares_of_classes(names, loss):
    task = task_for(names, loss=loss, label_smoothing=0.1, class_weights={"a": 2.0})
    data = batches(GATE_INPUTS, mixed(4, len(names)), 4)
    task = task.fitted(data)
    model = nn.Linear(2, task.target.num_outputs)
    learner = task.learner(model, OptimizationSettings({"": SGD(lr=0.1)}), SESSION)
    before = model.weight.clone()
    list(learner.epoch(data.epoch(0)))
    assert math.isfinite(learner.scores()["loss"])
    assert not torch.equal(model.weight, before)


def test_mixed_samples_do_not_suit_losses_that_need_whole_classes():
    assert {name for name in class_losses() if task_for("ab", loss=name).learns_shares} == {
        "cross_entropy", "focal", "mse"
    }  # fmt: skip


def test_each_class_has_a_row_of_scores():
    model, truth = linear([[9.0, 0], [0, 9.0], [0, 0]], [0.0, 0.0, 0.1]), torch.tensor([2, 1, 0, 0])
    rows = task_for(["cat", "dog", "cow"]).evaluate(model, batches(GATE_INPUTS, truth)).per_class
    report = classification_report(truth, [2, 1, 0, 0], output_dict=True)
    for i, row in enumerate(rows):
        assert [row["precision"], row["recall"], row["f1"], row["samples"]] == list(report[str(i)].values())
    assert [row["class"] for row in rows] == ["cat", "dog", "cow"]


def test_the_names_of_losses_and_metrics_are_all_there():
    fields = Config.model_fields
    assert set(get_args(fields["loss"].annotation)) == {"auto", *class_losses()}
    assert set(get_args(MetricName)) == {*ONE_OF_SEVERAL, *SEVERAL_AT_ONCE}


def test_a_margin_is_answered_as_an_activation():
    task = task_for("ab", multi_label=True, loss="hinge")
    model = linear([[2.0, 0], [0, 2.0]], [1.0, -1.0])
    (rows,) = task.answer(model, batches(GATE_INPUTS[3:], torch.ones(1, 2)), Request())
    assert rows == [{"label": "a, b", "activation/a": 3.0, "activation/b": 1.0}]


def test_tables_have_a_linear_baseline():
    train = batches(GATE_INPUTS, torch.tensor(GATES["and"]))
    assert task_for(["no", "yes"]).baselines(splits(train))["linear"].scores["accuracy"] >= 0.75
