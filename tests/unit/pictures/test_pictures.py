"""Figures are drawn without warnings, whatever the names and numbers."""

import io
import math
from typing import Any

import pytest
import torch
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.ttLib.tables._g_l_y_f import Glyph  # type: ignore[import-untyped]
from matplotlib import font_manager

from dltk import pictures
from dltk.pictures import fonts
from dltk.pictures.fonts import MAX_LENGTH, drawable, font_note


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


HIEROGLYPH = "\U00013000"


def test_names_are_drawn_alike_when_only_some_of_them_are():
    drawn, _ = drawable(["dog", HIEROGLYPH])
    assert drawn == ["dog", "#1"]
    assert drawable(drawn[1:])[0] == ["#1"]


def test_the_note_says_what_is_called_by_its_number():
    assert font_note(["dog", "n" * 80, "two\nlines"]) == ""
    assert f"#1 is '{HIEROGLYPH}'; install" in font_note(["dog", HIEROGLYPH])


def test_a_font_that_was_installed_after_matplotlib_listed_them_is_found(tmp_path, monkeypatch):
    name = "Baekmuk Gulim"
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*font_manager.fontManager.ttflist])
    monkeypatch.setattr(font_manager, "X11FontDirectories", [str(tmp_path)])
    write_font(tmp_path / "new.ttf", name, HIEROGLYPH)
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    fonts._find_new_fonts.cache_clear()
    assert drawable([HIEROGLYPH]) == ([HIEROGLYPH], ["DejaVu Sans", name])


def write_font(path, name, character):
    font = FontBuilder(1000)
    font.setupGlyphOrder([".notdef", "sign"])
    font.setupCharacterMap({ord(character): "sign"})
    font.setupGlyf({".notdef": Glyph(), "sign": Glyph()})
    font.setupHorizontalMetrics({".notdef": (500, 0), "sign": (500, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": name, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


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
    assert len(figure.axes) == 6


def test_equal_predictions_and_a_single_sample_can_be_drawn():
    assert saved(pictures.error_scatter(torch.ones(1, 1), torch.ones(1, 1), ["price"], "title"))


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (9, 3, 5, 12), (64, 1, 28, 28)])
def test_images_of_any_number_and_shape_make_a_grid(shape):
    assert saved(pictures.image_grid(torch.randn(shape), "title", [str(i) for i in range(shape[0])]))
    assert saved(pictures.image_grids({"real": torch.rand(shape), "generated": torch.zeros(shape)}, "title"))
    assert saved(pictures.image_pairs(torch.randn(shape), torch.zeros(shape), "title"))


def test_pairs_stand_above_each_other_and_are_stretched_alike():
    above, below = torch.full((2, 1, 28, 28), -1.0), torch.full((2, 1, 28, 28), 3.0)
    (image,) = pictures.image_pairs(above, below, "title").axes[0].get_images()
    pixels = image.get_array()
    assert pixels is not None
    column = pixels[:, 14, 0]
    black, white = (column == 0).sum(), (column == 1).sum()
    assert (black, black + white) == (28, len(column))
    assert (column[2:30] == 0).all()


def ranking(name="a", points=3):
    steps = torch.linspace(0, 1, points)
    return pictures.Ranking(name, (steps, steps), (steps, 1 - steps), ("AUC 0.5", "AP 0.3"), 0.3)


@pytest.mark.parametrize("curves", [[ranking("yes")], [ranking(f"$c{i}", 5000) for i in range(10)]])
def test_ranking_curves_name_each_class_with_its_areas(curves):
    figure: Any = pictures.ranking_curves(curves, "costs 3$ or 4$")
    assert saved(figure)
    roc, recall = ([text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes)
    assert roc == [f"{curve.name}  AUC 0.5" for curve in curves]
    assert recall == [f"{curve.name}  AP 0.3" for curve in curves]
    assert max(len(line.get_xdata()) for line in figure.axes[0].lines) <= 1000


def test_a_reliability_diagram_leaves_empty_bins_out():
    nothing = math.nan
    figure: Any = pictures.reliability_diagram(
        torch.tensor([nothing, 0.7]), torch.tensor([nothing, 0.9]), torch.tensor([0, 5]), "error 0.2"
    )
    assert saved(figure)
    assert [bar.get_height() for bar in figure.axes[0].patches] == [pytest.approx(0.9)]
    empty = torch.full((2,), nothing)
    assert saved(pictures.reliability_diagram(empty, empty, torch.zeros(2), "nothing"))


ROWS: list[dict[str, Any]] = [
    {"step": 5, "epoch": 1, "train/loss": 2.0, "val/loss": 2.1, "val/accuracy": 0.5},
    {"step": 10, "epoch": 2, "train/loss": 1.0, "val/loss": None, "val/accuracy": 0.75},
]


def test_learning_curves_mark_the_best_epoch_and_leave_out_what_is_undefined():
    figure: Any = pictures.learning_curves(ROWS, [["train/loss", "val/loss"], ["val/accuracy"]], 10)
    assert saved(figure)
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy"]
    drawn = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert drawn["train/loss"] == [2.0, 1.0]
    assert math.isnan(drawn["val/loss"][1])
    assert "best: epoch 2" in drawn


def test_learning_curves_count_steps_where_an_epoch_has_several_evaluations():
    rows = [{**row, "epoch": 0} for row in ROWS]
    figure: Any = pictures.learning_curves(rows, [["val/accuracy"]], None)
    assert figure.axes[0].get_xlabel() == "step"
    assert list(figure.axes[0].lines[0].get_xdata()) == [5, 10]


def test_bars_say_how_many_of_all_labels_are_shown():
    figure = pictures.label_bars(torch.rand(100), [str(i) for i in range(100)], title="title", axis="F1")
    assert figure.axes[0].get_xlabel() == "F1: the worst 40 of 100"


def test_a_figure_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError):
        pictures.pie_chart  # noqa: B018
