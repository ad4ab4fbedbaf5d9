"""YAML 1.2 scalars, positions, and everything that is no config."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltk.config.document import Document, locate, parse_document, read_document
from dltk.config.errors import ConfigError, MissingInput
from dltk.config.nodes import MAX_BYTES, MAX_DEPTH
from dltk.config.problems import Position, Problem
from tests.problems import told


def parse(text):
    return parse_document(text if isinstance(text, bytes) else text.encode(), "c.yaml")


def problems_of(text):
    try:
        problems = parse(text).problems
    except ConfigError as error:
        problems = error.problems
    assert problems
    return problems


def problem_of(text):
    problems = problems_of(text)
    assert len(problems) == 1
    return problems[0]


# Results by the core schema of YAML 1.2.2, section 10.3.2.
SCALARS = {
    "1e-3": 1e-3,
    "1e3": 1000.0,
    "1E+3": 1000.0,
    "3e-4": 3e-4,
    "1.": 1.0,
    ".5": 0.5,
    "-0.0": -0.0,
    "+1.5": 1.5,
    "1.5.2": "1.5.2",
    "e3": "e3",
    ".": ".",
    "0": 0,
    "-0": 0,
    "+12": 12,
    "010": 10,
    "08": 8,
    "0o10": 8,
    "0o8": "0o8",
    "0O10": "0O10",
    "0x1F": 31,
    "0b1": "0b1",
    "1_000": "1_000",
    "no": "no",
    "NO": "NO",
    "yes": "yes",
    "on": "on",
    "off": "off",
    "y": "y",
    "true": True,
    "False": False,
    "tRUE": "tRUE",
    "null": None,
    "~": None,
    "": None,
    "nUll": "nUll",
    "1:30": "1:30",
    "12:30:45": "12:30:45",
    "2001-01-01": "2001-01-01",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
    "=": "=",
    "<<": "<<",
    "'1'": "1",
    '"true"': "true",
    "inf": "inf",
    "nan": "nan",
    "1.infinite": "1.infinite",
    "${HOME}": "${HOME}",
    "100000000000000000000": 10**20,
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items(), ids=repr)
def test_a_scalar_means_what_yaml_1_2_says(text, value):
    found = parse(f"a: {text}").values["a"]
    assert type(found) is type(value)
    assert found == value


@pytest.mark.parametrize("text", ["1e400", "-1e400", ".nan", ".NaN", ".inf", "-.Inf", "+.inf"])
def test_numbers_are_finite(text):
    problem = problem_of(f"a:\n  b: {text}")
    assert str(problem).startswith(f"c.yaml:2:6: a.b: numbers must be finite; received {text} [")


def test_a_number_of_5000_digits_is_refused_not_computed():
    assert "a whole number of more than 300 digits" in problem_of(f"a: {'9' * 5000}").message


def test_quoted_and_block_scalars_are_text():
    assert parse("a: '1e-3'\nb: |\n  1\nc: >-\n  2\n").values == {"a": "1e-3", "b": "1\n", "c": "2"}


def test_keys_are_text():
    assert parse("1: a\ntrue: b\n~: c\n'': d").values == {"1": "a", "true": "b", "~": "c", "": "d"}


def test_a_duplicate_key_names_both_lines():
    problem = problem_of("a:\n  lr: 1\n  x: 2\n  lr: 3\n")
    assert told(problem) == "c.yaml:4:3: a.lr: this key stands twice; on line 2, and again on line 4"
    assert "first in column 5" in problem_of("a: {b: 1, b: 2}").message


def test_all_problems_of_a_text_are_reported_together():
    assert [p.position.line for p in problems_of("a: 1\na: 2\nb: .nan\nc: !x 1\n")] == [2, 3, 4]


@pytest.mark.parametrize(
    "text",
    ["!!python/object/apply:os.system [echo]", "!x 1", "!!str 1", "!!int '1'", "! 1", "!!binary aGk=", "!!set {a}"],
)
def test_every_tag_is_refused(text):
    assert "tags such as" in problem_of(f"a: {text}").message


def test_a_tag_on_a_key_is_refused():
    assert "a key must be a plain word" in problem_of("!!str a: 1").message


def test_a_key_that_is_a_mapping_is_refused():
    assert "a key must be a plain word" in problem_of("? {a: 1}\n: 2").message


def test_an_alias_repeats_what_it_names():
    document = parse("a: &x {b: [1, 2]}\nc: *x")
    assert document.values == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert document.values["a"] is not document.values["c"]


def laughs(levels):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (laughs(9), "values once aliases are expanded"),
        ("a: &a [*a]", "an alias stands inside what it names"),
        ("a: &a [*a, *a]", "an alias stands inside what it names"),
        ("a: &a {b: *a}", "an alias stands inside what it names"),
        (f"a: &a {'x' * 500_000}\nb: [{'*a, ' * 5000}]", "characters once aliases are expanded"),
        (f"a: [{'1,' * 500_000}]", "more than 10000 values"),
        ("a: " + "[" * 500_000, f"nested more than {MAX_DEPTH} levels"),
        ("a: " + "{a: " * 100_000, f"nested more than {MAX_DEPTH} levels"),
        ("\n".join(" " * i + "a:" for i in range(1000)), f"nested more than {MAX_DEPTH} levels"),
    ],
    ids=["laughs", "self", "self twice", "self in mapping", "long text", "many", "brackets", "braces", "indents"],
)
def test_a_bomb_is_refused_at_once(text, message):
    started = time.process_time()
    assert message in problem_of(text).message
    assert time.process_time() - started < 3  # 0.2 s measured; the rest is for coverage


def test_the_deepest_allowed_nesting_is_read():
    assert parse("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)).values["a"] is not None


def test_a_merge_key_is_refused():
    problem = problem_of("x: &x {lr: 1}\na:\n  <<: *x\n")
    assert problem.position == Position("c.yaml", 3, 3, "  <<: *x")
    assert "merge keys are not supported" in problem.message


def test_a_second_document_is_refused():
    problem = problem_of("a: 1\n---\nb: 2\n")
    assert problem.message == "a second document begins here; a config is a single one"
    assert problem.position.line == 2


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~", "\ufeff"])
def test_an_empty_file_is_an_empty_config(text):
    document = parse(text)
    assert document.values == {}
    assert str(document.position(("data",))).startswith("c.yaml:")


@pytest.mark.parametrize("text", ["[1, 2]", "text", "3", "'null'"])
def test_a_config_must_be_a_mapping(text):
    assert str(problem_of(text)).startswith("c.yaml:1:1: a config is a mapping of sections")


@pytest.mark.parametrize(
    ("raw", "line", "column", "message"),
    [
        (b"a: 1\nb: \x00", 2, 4, "the character '\\x00' is not allowed"),
        (b"a: \x1b[2J", 1, 4, "the character '\\x1b' is not allowed"),
        ("a: 1\nb\u00e4: \u00e9".encode("latin-1"), 2, 2, "not UTF-8 text; save"),
        ("\u00e4: 1\nb: x".encode() + b"\xff", 2, 5, "not UTF-8 text; save"),
        ("a: 1".encode("utf-16"), 1, 1, "not UTF-8 text but UTF-16; save"),
        ("a: 1".encode("utf-16-le"), 1, 2, "save the file as UTF-8 text"),
        (b"a:\n\tb: 1", 2, 1, "a tab; indent with spaces"),
        (b"a: [1\nb: 2", 1, 4, "this '[' must be closed, or a ',' is missing"),
        (b"a: *x", 1, 4, "there is no anchor &x"),
        (b'a: "\\UFFFFFFFF"', 1, 1, "an escape or a version number that cannot be read"),
        (b'a: "\\ud800"', 1, 4, "has a NUL or half a character"),
        (b'a: "\\0"', 1, 4, "has a NUL or half a character"),
        (b'"\\0": a', 1, 1, "has a NUL or half a character"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_place(raw, line, column, message):
    problem = problem_of(raw)
    assert message in problem.message
    if "\\U" not in repr(raw):
        assert (problem.position.line, problem.position.column) == (line, column)


def test_a_byte_order_mark_does_not_move_columns():
    assert parse("\ufeffa: 1").position(("a",)).column == 4


def test_an_oversized_file_is_refused(tmp_path):
    (tmp_path / "big.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than 1048576 bytes"):
        read_document(tmp_path / "big.yaml")


def test_control_characters_of_a_file_reach_no_terminal():
    text = str(ConfigError(problems_of("a: 1\n\"\\e[2J\": !x 1\n'\u202e': !y 2")))
    assert all(c.isprintable() or c == "\n" for c in text)


@settings(max_examples=200)
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=200), st.text("ab:{}[],&*!|>'\"-?#%\\ \n\t01<", max_size=60))
)
def test_any_text_is_a_mapping_or_a_config_error(text):
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    error = None
    try:
        assert isinstance(parse(raw).values, dict)
    except ConfigError as caught:
        error = caught
    if error is not None:
        assert all(p.position is not None for p in error.problems)
        assert "c.yaml:" in str(error)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_json_is_read_as_json(value):
    import json

    found = parse(json.dumps({"a": value})).values["a"]
    assert json.dumps(found) == json.dumps(value)


def test_positions_point_at_keys_and_values():
    document = parse("model:\n  layers:\n  - units: 3\n    bias: no\n")
    assert str(document.position(("model", "layers", 0, "bias"))) == "c.yaml:4:11"
    assert str(document.position(("model", "layers", 0, "bias"), of_key=True)) == "c.yaml:4:5"
    assert str(document.position(("model", "layers", 0))) == "c.yaml:3:5"


def test_an_unknown_place_is_that_of_what_encloses_it():
    document = parse("model:\n  layers: [1]\n")
    assert str(document.position(("model", "layers", 7, "x"), of_key=True)) == "c.yaml:2:11"
    assert Document({}).position(("model",)) is None


def test_problems_are_located_at_their_key_or_value():
    document = parse("optimizer: {lr: 3}")
    known = Position("other", 9, 9)
    located = locate(
        [Problem(("optimizer", "lr"), "a"), Problem(("optimizer", "lr"), "b", at_key=True), Problem((), "c", known)],
        document,
    )
    assert [str(p.position) for p in located] == ["c.yaml:1:17", "c.yaml:1:13", "other:9:9"]


def test_a_file_knows_its_directory(tmp_path, monkeypatch):
    (tmp_path / "x.yaml").write_text("a: 1")
    monkeypatch.chdir(tmp_path)
    document = read_document(tmp_path.__class__("x.yaml"))
    assert document.directory == tmp_path
    assert str(document.position(("a",))) == "x.yaml:1:4"


def test_a_missing_config_is_missing_input(tmp_path):
    with pytest.raises(MissingInput, match="there is no config file") as caught:
        read_document(tmp_path / "no.yaml")
    assert caught.value.code == 66
    assert caught.value.where == str(tmp_path / "no.yaml")
    with pytest.raises(MissingInput, match="is a directory"):
        read_document(tmp_path)
    with pytest.raises(MissingInput, match="cannot read"):
        read_document(tmp_path / ("x" * 300))


def test_finite_numbers_of_any_size_survive():
    assert math.isclose(parse("a: 1.7976931348623157e308").values["a"], 1.7976931348623157e308)
