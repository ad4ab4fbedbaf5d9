"""Figures are drawn without warnings, whatever the names and numbers."""

import io
import math

import pytest
import torch

from dltk import pictures
from dltk.pictures.fonts import MAX_LENGTH, drawable


def saved(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=40)
    return buffer.getvalue()


def texts(figure):
    return [label.get_text() for axes in figure.axes for label in (*axes.texts, *axes.get_xticklabels())]


def test_a_confusion_matrix_shows_names_and_counts():
    figure = pictures.confusion_matrix(torch.tensor([[50, 3], [7, 20]]), ["cat", "dog"], "accuracy 0.875, n = 80")
    assert saved(figure).startswith(b"\x89PNG")
    assert {"50", "3", "7", "20", "cat", "dog"} <= set(texts(figure))
    assert figure.axes[0].get_title() == "accuracy 0.875, n = 80"


@pytest.mark.parametrize("num_classes", [1, 20, 130])
def test_a_confusion_matrix_of_any_size_can_be_drawn(num_classes):
    counts = torch.eye(num_classes, dtype=torch.int64)
    assert saved(pictures.confusion_matrix(counts, [f"class {i}" for i in range(num_classes)], "title"))


def test_a_class_without_samples_is_drawn():
    assert saved(pictures.confusion_matrix(torch.tensor([[4, 0], [0, 0]]), ["a", "b"], "title"))


def test_names_are_drawn_as_they_are_or_stand_as_numbers():
    names = ["$x_{", "two\nlines", "n" * 80, "\U000e0001"]
    drawn, _ = drawable(names)
    assert drawn[:2] == ["$x_{", "two lines"]
    assert len(drawn[2]) == MAX_LENGTH
    assert "\U000e0001" not in drawn[3]
    assert saved(pictures.confusion_matrix(torch.eye(4), names, "costs 3$ or 4$"))


def test_korean_names_are_drawn_in_a_font_that_has_them_or_as_numbers():
    drawn, families = drawable(["고양이", "dog"])
    assert drawn == (["고양이", "dog"] if len(families) > 1 else ["#0", "dog"])
    assert saved(pictures.confusion_matrix(torch.eye(2), ["고양이", "개"], "title"))


def test_bars_put_the_worst_label_on_top_and_say_what_is_undefined():
    figure = pictures.label_bars(torch.tensor([0.5, math.nan, 0.9]), ["a", "b", "c"], title="title", axis="F1")
    assert saved(figure)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["c", "a", "b"]
    assert "undefined" in texts(figure)


def test_errors_are_drawn_per_target_even_when_some_are_not_finite():
    predicted = torch.tensor([[1.0, math.nan], [2.0, math.inf], [3.0, 1.0]])
    figure = pictures.error_scatter(predicted, torch.zeros(3, 2), ["price [$]", "age"], "title")
    assert saved(figure)
    assert len(figure.axes) == 4


def test_equal_predictions_and_a_single_sample_can_be_drawn():
    assert saved(pictures.error_scatter(torch.ones(1, 1), torch.ones(1, 1), ["price"], "title"))


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (9, 3, 5, 12), (64, 1, 28, 28)])
def test_images_of_any_number_and_shape_make_a_grid(shape):
    assert saved(pictures.image_grid(torch.randn(shape), "title", [str(i) for i in range(shape[0])]))
    assert saved(pictures.image_grids({"real": torch.rand(shape), "generated": torch.zeros(shape)}, "title"))


def test_a_figure_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError):
        pictures.pie_chart  # noqa: B018
