"""How problems read, and what scripts get."""

import re
from typing import Any

import pytest

from dltk.config import errors
from dltk.config.errors import (
    ConfigError,
    DataError,
    DltkError,
    MissingInput,
    OptionError,
    alternatives,
    did_you_mean,
    shown,
)
from dltk.config.problems import FilePlace, Position, Problem
from dltk.config.terminal import Ink


def test_a_problem_names_place_key_line_and_caret():
    position = Position("configs/x.yaml", 14, 5, "    lrr: 3")
    message = f"no such option{did_you_mean('lrr', ['lr', 'betas'])}"
    problem = Problem(
        ("optimizer", "lrr"), message, position, id="DLTK-CONFIG-UNKNOWN-KEY", found="3", allowed="betas, lr"
    )
    assert str(problem) == (
        "configs/x.yaml:14:5: optimizer.lrr: no such option; did you mean 'lr'? [DLTK-CONFIG-UNKNOWN-KEY]\n"
        "  |     lrr: 3\n"
        "  |     ^\n"
        "  found: 3\n"
        "  allowed: betas, lr"
    )


def test_a_problem_is_coloured_where_ink_is_and_reads_the_same():
    error = ConfigError([Problem(("a",), "odd", Position("c.yaml", 1, 4, "a: b"))])
    coloured = error.spelled(Ink(is_coloured=True))
    assert coloured.startswith("\x1b[1;31merror[DLTK-CONFIG]\x1b[0m: 1 problem")
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == error.spelled() == str(error)


def test_a_problem_without_place_or_path_is_its_message():
    assert str(Problem((), "nothing fits")) == "nothing fits [DLTK-CONFIG-OPTION]"
    assert str(Problem(("model", "layers", 0), "is odd")) == "model.layers.0: is odd [DLTK-CONFIG-OPTION]"


@pytest.mark.parametrize(
    ("text", "column", "quote"),
    [
        ("名字: x", 5, ["名字: x", "      ^"]),
        ("\tx", 2, ["\\tx", "  ^"]),
        ("\u202eab", 2, ["\\u202eab", "      ^"]),
        ("e\u0301: x", 5, ["e\u0301: x", "   ^"]),
        ("x" * 300 + "!" + "y" * 300, 301, ["..." + "x" * 100 + "!" + "y" * 99 + "...", " " * 103 + "^"]),
        ("x", 9, ["x", " ^"]),
    ],
)
def test_a_caret_stands_below_its_character(text, column, quote):
    assert Position("c", 1, column, text).quote() == [f"  | {line}" for line in quote]


def test_values_are_shown_as_yaml_has_them_and_cut():
    assert [shown(value) for value in (None, True, 1.5, "a\x1b", [1, "b"])] == [
        "null", "true", "1.5", "'a\\x1b'", "[1, 'b']",
    ]  # fmt: skip
    assert len(shown("x" * 10**6)) == 200


def test_a_hint_is_given_for_a_near_word_only():
    assert did_you_mean("LEARNIG_RATE", ["learning_rate", "lr"]) == "; did you mean 'learning_rate'?"
    assert did_you_mean("zzz", ["lr"]) == ""
    assert did_you_mean("x" * 10**6, ["lr"]) == ""
    assert alternatives("zzz", ["lr", "betas"]) == "; allowed: betas, lr"
    assert alternatives("zzz", []) == "; allowed: none"


AUGMENTATIONS = ["crop", "horizontal_flip", "vertical_flip", "mixup"]


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("flip", AUGMENTATIONS, "; did you mean 'horizontal_flip' or 'vertical_flip'?"),
        ("he", ["he_uniform", "he_normal", "zeros"], "; did you mean 'he_normal' or 'he_uniform'?"),
        ("drop", ["drop_path", "dropout"], "; did you mean 'dropout' or 'drop_path'?"),
        (
            "norm",
            ["batch_norm", "group_norm", "instance_norm", "layer_norm"],
            "; did you mean 'batch_norm' or 'group_norm' or 'instance_norm'?",
        ),
        ("f1_makro", ["accuracy", "macro_f1", "recall"], "; did you mean 'macro_f1'?"),
        ("lip", AUGMENTATIONS, ""),
    ],
)
def test_a_part_of_a_word_is_near_and_so_are_its_parts_in_another_order(word, known, hint):
    assert did_you_mean(word, known) == hint


def test_of_many_words_a_hint_makes_most_superfluous():
    known = [f"net{i:02}" for i in range(22)]
    assert alternatives("net21x", known).endswith(
        "; did you mean 'net21'? allowed: " + ", ".join(known[:20]) + ", ... and 2 more"
    )
    assert alternatives("zzz", known) == "; allowed: " + ", ".join(known)


def at(line, source="c.yaml"):
    return Problem((f"k{line}",), "m", Position(source, line, 1))


def test_problems_stand_in_file_order_then_overrides_then_the_rest():
    error = ConfigError([Problem(("z",), "m"), at(1, "override"), at(30), at(4)])
    assert [p.key for p in error.problems] == ["k4", "k30", "k1", "z"]


def test_at_most_20_problems_are_printed():
    text = str(ConfigError([at(line) for line in range(1, 24)]))
    assert text.startswith(
        "error[DLTK-CONFIG]: 23 problems in the configuration\nc.yaml:1:1: k1: m [DLTK-CONFIG-OPTION]\n"
    )
    assert text.endswith("c.yaml:20:1: k20: m [DLTK-CONFIG-OPTION]\n... and 3 more")


def test_json_has_every_problem_with_its_place():
    odd = Problem((), "odd", id="DLTK-CONFIG-TYPE", found="3", allowed="text")
    error = ConfigError([at(3), odd])
    assert error.code == 2
    assert error.as_json() == {
        "error": "DLTK-CONFIG",
        "code": 2,
        "message": "2 problems in the configuration",
        "problems": [
            {"id": "DLTK-CONFIG-OPTION", "key": "k3", "message": "m", "found": "", "allowed": "",
             "file": "c.yaml", "line": 3, "column": 1},
            {"id": "DLTK-CONFIG-TYPE", "key": "", "message": "odd", "found": "3", "allowed": "text"},
        ],
    }  # fmt: skip


def test_an_error_of_data_lists_its_problems_before_what_to_do():
    cells = [
        Problem(("price",), "is no number", Position("t.csv", line, 3, "a,b"), id="DLTK-DATA-CELL") for line in (9, 2)
    ]
    error = DataError("2 cells are wrong", do="correct them", problems=cells)
    assert str(error) == (
        "error[DLTK-DATA]: 2 cells are wrong\n"
        "t.csv:2:3: price: is no number [DLTK-DATA-CELL]\n  | a,b\n  |   ^\n"
        "t.csv:9:3: price: is no number [DLTK-DATA-CELL]\n  | a,b\n  |   ^\n"
        "  do: correct them"
    )
    assert [one.as_json()["line"] for one in error.problems] == [2, 9]


def test_an_error_says_what_where_and_what_to_do():
    error = MissingInput("there is no file 'x'", where="/data/x", do="dltk data mnist")
    assert str(error) == (
        "error[DLTK-MISSING]: there is no file 'x'\n  where: /data/x\n  do: dltk data mnist"
    )  # fmt: skip
    assert error.as_json() == {
        "error": "DLTK-MISSING", "code": 66, "message": "there is no file 'x'",
        "where": "/data/x", "do": "dltk data mnist", "problems": [],
    }  # fmt: skip
    assert error.args == ("there is no file 'x'",)
    assert hash(error) is not None


def test_every_kind_of_error_has_its_own_id_and_an_exit_code():
    kinds: list[Any] = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DltkError)
    ]
    kinds.remove(DltkError)
    assert len({kind.ID for kind in kinds}) == len(kinds)
    assert {kind.CODE for kind in kinds} == {2, 65, 66, 69, 71, 73, 74, 75, 80, 81, 82}
    assert DataError("x").code == 65
    assert DltkError("x").code == 70


def test_an_option_error_has_the_path_of_its_option():
    error = OptionError("layers.2.kernel_size", "is even", id="DLTK-CONFIG-SHAPE")
    assert error.path == ("layers", 2, "kernel_size")
    assert error.below("nodes", "a").path == ("nodes", "a", "layers", 2, "kernel_size")
    problem = error.below("nodes").problem("model")
    assert (problem.key, problem.id) == ("model.nodes.layers.2.kernel_size", "DLTK-CONFIG-SHAPE")
    assert OptionError("", "does not fit").path == ()
    assert str(OptionError("lr", "is 0")) == "lr: is 0"
    assert OptionError("a.\u00b2", "x").path == ("a", "\u00b2")


@pytest.mark.parametrize(
    ("place", "said", "facts"),
    [
        (FilePlace("a.png"), "a.png", {"file": "a.png"}),
        (FilePlace("a.zip", "b/\x1b.png"), "a.zip, b/\\x1b.png", {"file": "a.zip", "member": "b/\x1b.png"}),
        (FilePlace("a.bin", "label", 3), "a.bin, label 3", {"file": "a.bin", "member": "label", "index": 3}),
    ],
)
def test_a_file_without_lines_is_a_place_too(place, said, facts):
    problem = Problem((), "is damaged", place, id="DLTK-DATA-FILE")
    assert problem.spelled() == f"{said}: is damaged [DLTK-DATA-FILE]"
    assert {
        key: value for key, value in problem.as_json().items() if key in {"file", "line", "member", "index"}
    } == facts


def test_places_of_files_and_lines_are_sorted_together():
    places: list[Any] = [FilePlace("b", "label", 2), FilePlace("b", "label", 1), Position("a", 3, 1), FilePlace("a")]
    error = DataError("wrong", problems=[Problem((), str(place), place) for place in places])
    assert [problem.message for problem in error.problems] == ["a", "a:3:1", "b, label 1", "b, label 2"]
