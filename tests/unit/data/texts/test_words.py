from unicodedata import unidata_version

import pytest

from dltk.config.errors import Unavailable
from dltk.data.texts.words import Cutting, _kiwi


def cut(text: str, *settings: object, **options: object) -> list[str]:
    (grams,) = Cutting(*settings, **options)([text])  # type: ignore[arg-type]
    return list(grams)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I DON'T like it!", ["i", "don't", "like", "it"]),
        ("a<br /><br />b<BR>c<br/>d < e", ["a", "b", "c", "d", "e"]),
        ("'quoted' _stressed_ rock'n'roll dogs'", ["quoted", "stressed", "rock'n'roll", "dogs"]),
        ("이 영화 정말 재밌다ㅋㅋ 10점!!", ["이", "영화", "정말", "재밌다ㅋㅋ", "10점"]),
        ("ÄRGER élan 😀 Ἑλλάς", ["ärger", "élan", "ἑλλάς"]),
        ("cafe\u0301 \u1112\u1161\u11ab", ["café", "한"]),
        ("nul\0nul\u202eright", ["nul", "nul", "right"]),
        (" \t. ", []),
        ("", []),
    ],
)
def test_words_are_lower_case_runs_of_letters_and_digits(text, words):
    assert cut(text) == words


def test_capitals_can_be_kept():
    assert cut("The US<BR>us", lowercase=False) == ["The", "US", "us"]


def test_ngrams_are_runs_of_neighbours():
    assert cut("not so good", longest=3) == ["not", "so", "good", "not so", "so good", "not so good"]
    assert cut("not so good", shortest=2, longest=2) == ["not so", "so good"]
    assert cut("good", longest=3) == ["good"]
    assert cut("good", shortest=2, longest=3) == []


def test_characters_are_everything_with_any_white_space_one_space():
    assert cut(" A\t b!\n", "char") == list("a b!")
    assert cut("abc d", "char", shortest=2, longest=3) == ["ab", "bc", "c ", " d", "abc", "bc ", "c d"]
    assert cut("", "char", longest=3) == []


def test_stop_words_are_gone_before_neighbours_are_joined():
    assert cut("the plot of the film", stop_words=("of", "the"), longest=2) == ["plot", "film", "plot film"]
    assert cut("It was the best of films", stop_words="english") == ["best", "films"]


def test_texts_come_one_by_one_in_order():
    assert [list(grams) for grams in Cutting()(["b a", "", "c"])] == [["b", "a"], [], ["c"]]


def test_morphemes_come_with_their_part_of_speech():
    pytest.importorskip("kiwipiepy")
    sentence = "승객/NNG 이/JKS 버스/NNG 에/JKB 타/VV 었/EP 다/EF"
    assert cut("승객이 버스에 탔다", "morphemes") == sentence.split()
    assert cut("승객이 버스에 탔다", "morphemes", shortest=7, longest=7) == [sentence]
    assert [list(grams) for grams in Cutting("morphemes")(["", "버스"])] == [[], ["버스/NNG"]]


def test_versions_are_those_of_what_cuts():
    assert Cutting().versions == {"unicode": unidata_version}
    assert Cutting(stop_words="english").versions.keys() == {"unicode", "sklearn"}
    kiwi = pytest.importorskip("kiwipiepy")
    assert Cutting("morphemes").versions["kiwipiepy"] == kiwi.__version__


def test_an_absent_package_is_named_with_what_to_install(monkeypatch):
    _kiwi.cache_clear()
    monkeypatch.setattr("dltk.config.extras.find_spec", lambda name: None)
    Cutting("word").require()
    with pytest.raises(Unavailable, match="kiwipiepy"):
        cut("영화", "morphemes")
    with pytest.raises(Unavailable, match="kiwipiepy") as caught:
        Cutting("morphemes").require()
    assert caught.value.do == "pip install 'dltk[korean]'"
