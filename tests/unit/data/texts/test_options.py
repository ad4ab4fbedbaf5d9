import pytest

from dltk.config.settings import SettingsError
from dltk.data.texts.options import TextOptions
from dltk.data.texts.words import Cutting


def test_ngrams_are_up_to_a_number_or_between_two():
    assert TextOptions(ngrams=3).gram_sizes == (1, 3)
    assert TextOptions.parse({"ngrams": [2, 4]}).gram_sizes == (2, 4)


def test_the_options_say_how_to_cut():
    options = {"analyzer": "char", "lowercase": False, "stop_words": ["x"], "ngrams": [2, 3]}
    assert TextOptions.parse(options).cutting == Cutting("char", False, ("x",), 2, 3)


def test_all_options_can_be_written_out_and_read_again():
    options = TextOptions.parse({"ngrams": [1, 2], "stop_words": ["a"], "vocabulary_size": None})
    assert TextOptions.parse(options.plain()) == options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ngrams": [3, 2]}, r"ngrams: out of order; found \[3, 2\]; allowed \[min, max\] with min <= max"),
        ({"ngrams": 0}, "ngrams: must be greater than or equal to 1"),
        ({"idf": "log10"}, "idf: only encode: tf_idf uses this; received encode: multi_hot"),
        ({"encode": "count", "sublinear_tf": True}, "sublinear_tf: only encode: tf_idf"),
        ({"encode": "tf_idf", "idf": "log10", "sublinear_tf": True}, "sublinear_tf: idf: log10 takes"),
        ({"max_length": 9}, "max_length: only encode: tokens"),
        ({"encode": "tokens", "sparse": True}, "sparse: encode: tokens keeps single words"),
        ({"encode": "tokens", "ngrams": 2}, "ngrams: encode: tokens"),
        ({"encode": "tokens", "hashing": 9}, "hashing: encode: tokens"),
        ({"hashing": 9, "min_count": 2}, "min_count: hashing has no vocabulary"),
        ({"hashing": 1 << 25}, "hashing: must be less than or equal to 16777216"),
        ({"max_frequency": 0}, "max_frequency: must be greater than 0"),
    ],
)
def test_options_that_contradict_or_have_no_effect_are_refused(options, message):
    with pytest.raises(SettingsError, match=message):
        TextOptions.parse(options)
