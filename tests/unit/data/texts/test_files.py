import codecs
import gzip
import io
import sys
from types import SimpleNamespace

import pytest

from dltk.config.errors import DataError, MissingInput, OptionError
from dltk.data.texts.files import Decoded, decode, for_other_files, guessed_encoding, lines_of, read_text


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(codecs.BOM_UTF8 + "한글".encode())
    assert read_text(str(tmp_path / "a.txt")) == "한글"


def test_a_gzipped_file_and_standard_input_are_read(tmp_path, monkeypatch):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("텍스트".encode()))
    assert read_text(str(tmp_path / "a.txt.gz")) == "텍스트"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("줄\n".encode())))
    assert read_text("-") == "줄\n"


@pytest.mark.parametrize(
    ("encoding", "text", "byte"),
    [("utf-16", "fine", "0xff"), ("cp949", "영화가 좋다", "0xbf"), ("latin-1", "naïve", "0xef")],
)
def test_another_encoding_is_guessed_in_the_message_and_read_when_told(tmp_path, encoding, text, byte):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert read_text(str(path), encoding) == text
    with pytest.raises(DataError) as caught:
        read_text(str(path))
    (problem,) = caught.value.problems
    assert str(problem.position).startswith(f"{path}:1:")
    assert problem.found == f"byte {byte}"
    assert encoding in caught.value.do


def test_the_line_of_a_wrong_byte_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"fine\nfine\nna\xefve\n")
    with pytest.raises(DataError) as caught:
        read_text(str(tmp_path / "a.txt"))
    assert str(caught.value.problems[0].position).endswith("a.txt:3:3")


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "", "a\0b"])
def test_an_encoding_that_is_none_is_an_option_error(tmp_path, encoding):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(OptionError, match="must be a text encoding"):
        read_text(str(tmp_path / "a.txt"), encoding)


def test_no_file_is_missing(tmp_path):
    with pytest.raises(MissingInput, match=r"there is no 'b\.txt'"):
        read_text(str(tmp_path / "b.txt"))
    with pytest.raises(MissingInput, match="is no file"):
        read_text(str(tmp_path))


def test_only_line_feeds_end_lines():
    assert lines_of("a\r\nb\u2028c\x0bd\n\ne") == ["a", "b\u2028c\x0bd", "", "e"]
    assert lines_of("a\n") == ["a"]
    assert lines_of("\n") == [""]
    assert lines_of("") == []


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("도시 서울".encode(), "utf-8"),
        ("naïve".encode(), "utf-8"),
        ("한".encode() * 30_000, "utf-8"),  # the sample ends within a character
        ("도시 서울".encode("cp949"), "cp949"),
        ("naïve".encode("latin-1"), "latin-1"),
        ("도시".encode("utf-16"), "utf-16"),
        ("a,b".encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_an_encoding_is_guessed_from_the_bytes(content, encoding):
    assert guessed_encoding(content) == encoding


@pytest.mark.parametrize("trained", ["cp949", "latin-1", "utf-16", "utf-16-le"])
def test_a_file_used_with_a_model_is_utf_8_or_as_the_training_data(trained):
    text = "도시, 서울" if trained != "latin-1" else "naïve"
    assert decode(text.encode(), for_other_files(trained)) == Decoded(text, "utf-8")
    assert decode(text.encode(trained), for_other_files(trained)) == Decoded(text, trained)
    assert decode(b"plain", for_other_files(trained)) == Decoded("plain")


def test_encodings_that_are_one_are_tried_once():
    assert for_other_files("utf-8") == ("utf-8",)
    assert for_other_files(("cp949", "UTF8")) == ("UTF8", "cp949")


def test_of_several_encodings_none_fits(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"fine\nna\xefve\n")
    with pytest.raises(DataError, match="this is no utf-8 or ascii text") as caught:
        read_text(str(tmp_path / "a.txt"), ("utf-8", "ascii"))
    assert str(caught.value.problems[0].position).endswith("a.txt:2:3")
    assert caught.value.do == "convert the file to utf-8; it may be latin-1"
