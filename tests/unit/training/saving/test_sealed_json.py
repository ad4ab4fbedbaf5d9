"""JSON files that hold a digest of themselves."""

import json
import math

import pytest

from dltk.config.errors import IntegrityError
from dltk.training.saving.sealed_json import read_sealed, write_sealed


def test_what_is_written_comes_back_without_its_digest(tmp_path):
    value = {"state": "running", "score": 0.1, "name": "ä \udc80", "rows": [1, None, {"a": True}]}
    write_sealed(tmp_path / "a.json", value)
    assert read_sealed(tmp_path / "a.json") == value
    write_sealed(tmp_path / "a.json", {"score": math.nan})
    assert read_sealed(tmp_path / "a.json") == {"score": None}


def test_a_changed_value_is_noticed(tmp_path):
    write_sealed(tmp_path / "a.json", {"step": 14, "scores": {"accuracy": 0.75}})
    text = (tmp_path / "a.json").read_text()
    for old, new in (("14", "15"), ("0.75", "0.85"), ("accuracy", "accurbcy")):
        (tmp_path / "a.json").write_text(text.replace(old, new))
        with pytest.raises(IntegrityError, match=r"a\.json is not what was written"):
            read_sealed(tmp_path / "a.json")


def test_every_flipped_bit_is_noticed_or_changes_no_value(tmp_path):
    write_sealed(tmp_path / "a.json", {"step": 14, "scores": {"accuracy": 0.75}})
    whole, noticed = (tmp_path / "a.json").read_bytes(), 0
    for position in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            (tmp_path / "a.json").write_bytes(flipped)
            try:
                found = read_sealed(tmp_path / "a.json")
            except IntegrityError:
                noticed += 1
            else:
                assert (found["step"], found["scores"]) == (14, {"accuracy": 0.75})
    assert noticed > 4 * len(whole)


def test_one_without_a_digest_is_of_an_earlier_release(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"threads": 2}))
    assert read_sealed(tmp_path / "a.json") == {"threads": 2}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"a\.json"):
        read_sealed(tmp_path / "a.json")
