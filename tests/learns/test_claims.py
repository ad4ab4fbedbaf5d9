"""What the shipped configs are claimed to reach, trained unchanged: pytest -m learns."""

import statistics
from pathlib import Path

import pytest
import torch

import dltk
from dltk.data import files
from dltk.experiment import Run, RunOptions
from dltk.study.cross_validation import cross_validate

CONFIGS = Path(__file__).parents[2] / "configs"
pytestmark = pytest.mark.learns


@pytest.fixture(autouse=True)
def _threads_as_they_were():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip where none of these is among the data."""
    return pytest.mark.skipif(files.find(names, None) is None, reason=f"needs {names[0]} below $DLTK_DATA")


def trained(name: str, folder: Path, seed: int = 0) -> Run:
    """Train a shipped config as it is, but for its seed."""
    run: Run = dltk.train(CONFIGS / name, [f"seed={seed}"], RunOptions(output_dir=folder / str(seed), quiet=True))
    return run


def mean_of_three(name: str, folder: Path, score: str = "test/accuracy") -> float:
    return statistics.fmean(trained(name, folder, seed).scores[score] for seed in range(3))


def baseline(run: Run, score: str) -> float:
    """Return the score of the most frequent answer."""
    return float(run.status["baselines"]["majority"][score])


def test_digits_mlp_reaches_96_percent(tmp_path):
    assert mean_of_three("start/digits_mlp.yaml", tmp_path) >= 0.96


def test_digits_gan_draws_nearer_to_the_data_than_their_mean_and_than_before(tmp_path):
    run = trained("generative/digits_gan.yaml", tmp_path)
    distance = run.scores["test/pixel_distance"]
    (mean_sample,) = run.status["baselines"].values()
    assert distance < 0.5 * mean_sample["pixel_distance"]
    assert run.scores["val/pixel_distance"] < 0.5 * run.history[0]["val/pixel_distance"]


@needs("mnist/train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz")
@pytest.mark.timeout(1800)
def test_mnist_dense_reaches_97_6_percent_with_54000_images_in_5_epochs(tmp_path):
    runs = [trained("mlp/mnist_dense.yaml", tmp_path, seed) for seed in range(3)]
    assert all(run.status["epoch"] == 5 for run in runs)
    assert all(run.status["num_samples"] == {"val": 6000, "test": 10_000} for run in runs)
    assert statistics.fmean(run.scores["test/accuracy"] for run in runs) >= 0.976


@needs("mnist/train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz")
@pytest.mark.timeout(1800)
def test_mnist_lenet_reaches_98_9_percent(tmp_path):
    assert trained("cnn/mnist_lenet.yaml", tmp_path).scores["test/accuracy"] >= 0.989


@needs("imdb/aclImdb_v1_labelled.tar.gz")
@pytest.mark.parametrize(
    ("name", "reached"),
    [("multi_hot", 0.88), ("bigrams", 0.903), ("embedding_bag", 0.908), ("log_count_ratio", 0.913)],
)
@pytest.mark.timeout(1800)
def test_imdb_reaches_what_is_claimed(name, reached, tmp_path):
    run = trained(f"text/imdb_{name}.yaml", tmp_path)
    assert run.status["num_samples"]["test"] == 25_000
    assert run.scores["test/accuracy"] >= reached


@needs("nsmc/ratings_train.txt.gz", "nsmc/ratings_train.txt")
@pytest.mark.parametrize(("name", "reached"), [("characters", 0.872), ("morphemes", 0.87)])
@pytest.mark.timeout(1800)
def test_nsmc_reaches_87_percent(name, reached, tmp_path):
    if name == "morphemes":
        pytest.importorskip("kiwipiepy")
    run = trained(f"text/nsmc_{name}.yaml", tmp_path)
    assert run.status["num_samples"]["test"] == 50_000
    assert run.scores["test/accuracy"] >= reached


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("tables/titanic_mlp.yaml", marks=needs("tabular-small/titanic.csv")),
        pytest.param("cnn/hymenoptera_cnn.yaml", marks=needs("hymenoptera/hymenoptera_data_256.tar.gz")),
    ],
)
@pytest.mark.timeout(1800)
def test_it_beats_the_majority(name, tmp_path):
    run = trained(name, tmp_path)
    reported = run.status["reported"]
    assert run.scores[f"{reported}/accuracy"] > baseline(run, "accuracy") + 0.05


def cross_validated(name: str, folds: int, folder: Path, score: str, *overrides: str) -> float:
    """Return the mean val score over the folds of a shipped config."""
    options = RunOptions(output_dir=folder, quiet=True)
    runs = cross_validate(CONFIGS / name, ["train.threads=1", "tensorboard=null", *overrides], folds, options).runs
    return statistics.fmean(run.scores[score] for run in runs)


@needs("boston-housing/housing.csv")
def test_boston_in_four_folds_of_keras_split_is_off_by_2250_to_2600_dollars(tmp_path):
    assert 2.25 <= cross_validated("tables/boston_mlp.yaml", 4, tmp_path / "cv", "val/mae") <= 2.60


@pytest.mark.parametrize(
    ("name", "folds", "accuracy"),
    [
        ("tables/wine_mlp.yaml", 10, 0.975),
        ("tables/breast_cancer_mlp.yaml", 10, 0.968),
        pytest.param("tables/titanic_mlp.yaml", 5, 0.81, marks=needs("tabular-small/titanic.csv")),
    ],
)
def test_small_tables_reach_in_folds_of_all_rows(name, folds, accuracy, tmp_path):
    reached = cross_validated(name, folds, tmp_path / "cv", "val/accuracy", "data.test_fraction=0")
    assert reached >= accuracy


@needs("adult/adult.data.gz")
@pytest.mark.timeout(1800)
def test_adult_mlp_reaches_86_2_percent(tmp_path):
    assert mean_of_three("tables/adult_mlp.yaml", tmp_path) >= 0.862
