"""Exports: what other runtimes compute from the files, what lies beside them, and what is refused."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch

import dltk
from dltk.config.errors import DataError, OutputError, Unavailable, UsageError
from dltk.config.extras import load_extra
from dltk.experiment import RunOptions
from dltk.experiment.exporting import _compared, export
from dltk.experiment.tracing import traced
from dltk.training.saving.durable import read_facts

QUIET = {"tensorboard": {"scalars": False, "pictures": False}}
onnxruntime = pytest.importorskip("onnxruntime")


def trained(folder, model, data="iris"):
    name = model if isinstance(model, str) else model["name"]
    config = {
        "name": name,
        "data": {"name": data},
        "model": model if isinstance(model, dict) else {"name": model},
        "train": {"epochs": 1, "threads": 1, "device": "cpu"},
        **QUIET,
    }
    return dltk.train(config, options=RunOptions(folder / name, quiet=True))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("run"), {"name": "mlp", "hidden": [4]})


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export(run, output=tmp_path_factory.mktemp("exported") / "both")


@pytest.fixture
def example(exported):
    return safetensors.torch.load_file(exported.directory / "example.safetensors")


def test_onnxruntime_computes_the_models_outputs_from_the_file(exported, example):
    session = onnxruntime.InferenceSession(exported.directory / "model.onnx", providers=["CPUExecutionProvider"])
    (inputs,) = session.get_inputs()
    (outputs,) = session.run(None, {inputs.name: example["table"].numpy()})
    np.testing.assert_allclose(outputs, example["outputs"].numpy(), atol=1e-5)


def test_torch_computes_the_models_outputs_from_the_file(exported, example):
    program = torch.export.load(exported.directory / "model.pt2").module()
    (outputs,) = program(example["table"])
    torch.testing.assert_close(outputs, example["outputs"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("num_samples", [1, 2, 300])
def test_both_take_any_number_of_samples(run, exported, example, num_samples):
    features = example["table"][:1].repeat(num_samples, 1)
    (outputs,) = torch.export.load(exported.directory / "model.pt2").module()(features)
    session = onnxruntime.InferenceSession(exported.directory / "model.onnx", providers=["CPUExecutionProvider"])
    (others,) = session.run(None, {session.get_inputs()[0].name: features.numpy()})
    assert outputs.shape == others.shape == (num_samples, 3)


def test_the_example_is_of_the_runs_own_data(run, example):
    own = next(run.samples()[1].epoch(0)).inputs
    assert torch.equal(example["table"], own[: len(example["table"])])


def test_names_classes_and_scores_lie_beside_it(run, exported):
    about = json.loads((exported.directory / "model.json").read_text())
    assert about["targets"]["species"]["names"] == ["setosa", "versicolor", "virginica"]
    assert about["targets"]["species"]["activation"] == "softmax"
    assert about["inputs"] == [{"name": "table", "dtype": "float32", "shape": ["samples", 4]}]
    assert about["scores"] == dict(run.scores)
    assert about["checked"]["num_inputs"] == exported.num_checked == 30


def test_the_fitted_preparation_lies_beside_it(run, exported):
    own = [path for path in run.directory.preparation.iterdir() if path.stem == "preparation"]
    assert own
    assert all((exported.directory / path.name).read_bytes() == path.read_bytes() for path in own)


def test_every_byte_is_in_the_manifest(run, exported):
    assert read_facts(exported.directory, verify_files=True)["step"] == run.checkpoint.step


def test_numbers_come_with_what_turns_outputs_into_them(folder):
    run = trained(folder, "linear", "diabetes")
    written = export(run, ["torch"], folder / "out")
    (meaning,) = json.loads((written.directory / "model.json").read_text())["targets"].values()
    assert meaning["answer"] == "outputs * scales + means"
    assert meaning["means"] == list(run.preparation.spec.target.means)


def test_of_a_gan_the_generator_is_exported(folder):
    run = trained(folder, "gan", "digits")
    written = export(run, ["onnx"], folder / "out")
    session = onnxruntime.InferenceSession(written.directory / "model.onnx", providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["noise"]


def test_convolution_and_batch_norm_are_exported(folder):
    layers = [{"name": "conv2d", "filters": 2, "kernel_size": 3}, {"name": "batch_norm"}, {"name": "dropout"}]
    written = export(trained(folder, {"name": "sequential", "layers": layers}, "digits"), output=folder / "out")
    assert max(written.differences.values()) <= 1e-5


def test_a_single_input_is_counted_once(run, folder):
    (folder / "one.csv").write_text("sepal_length,sepal_width,petal_length,petal_width\n5,3,1,0.2\n")
    written = export(run, ["torch"], folder / "out", ["one.csv"])
    assert written.num_checked == 1
    assert len(safetensors.torch.load_file(written.directory / "example.safetensors")["outputs"]) == 1


def test_inputs_that_cannot_be_read_are_refused(run, folder):
    (folder / "one.csv").write_text("sepal_length,sepal_width,petal_length,petal_width\nx,3,1,0.2\n")
    with pytest.raises(DataError, match="cannot be read") as caught:
        export(run, ["torch"], folder / "out", ["one.csv"])
    assert "row 1: column 'sepal_length'" in caught.value.found


def test_by_default_it_lies_in_the_run_and_is_replaced(folder):
    run = trained(folder, "linear")
    first = export(run, ["torch"])
    second = export(run, ["torch"])
    assert first.directory == second.directory == run.path / "export"


def test_a_directory_that_exists_is_not_written_to(run, folder):
    with pytest.raises(OutputError, match="exists already"):
        export(run, ["torch"], folder)


def test_a_model_without_a_counterpart_is_refused_in_words(folder):
    run = trained(folder, "knn")
    with pytest.raises(UsageError, match="cannot be exported to onnx") as caught:
        export(run, ["onnx"])
    assert caught.value.do == "try --to torch"
    assert "\x1b" not in caught.value.found


def test_another_result_is_refused(run):
    model = traced(run, ())
    with pytest.raises(DataError, match="other outputs") as caught:
        _compared("onnx", model, lambda tensors: [output + 2e-5 for output in model.outputs.values()])
    assert caught.value.expected == "at most 1e-05"


def test_a_result_that_is_not_a_number_is_refused(run):
    model = traced(run, ())
    with pytest.raises(DataError, match="other outputs"):
        _compared("onnx", model, lambda tensors: [output / 0 for output in model.outputs.values()])


def test_an_absent_package_is_named_with_what_installs_it():
    with pytest.raises(Unavailable) as caught:
        load_extra("no_such_package.part", "export")
    assert "no_such_package" in caught.value.message
    assert caught.value.do == "pip install 'dltk[export]'"
