import codecs
import gzip
import io
import sys
from types import SimpleNamespace

import pytest

from dltk.config.errors import DataError, MissingInput, OptionError
from dltk.data.texts.files import lines_of, read_text


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
    assert caught.value.where == f"{path}:1"
    assert caught.value.found == f"byte {byte}"
    assert encoding in caught.value.do


def test_the_line_of_a_wrong_byte_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"fine\nfine\nna\xefve\n")
    with pytest.raises(DataError) as caught:
        read_text(str(tmp_path / "a.txt"))
    assert caught.value.where.endswith("a.txt:3")


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
