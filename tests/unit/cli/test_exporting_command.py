"""`dltk export`: what it cannot do is said before anything is exported."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere",), 66, "there is no run 'nowhere'"),
        (("{run}", "--output", "."), 73, "exists already"),
        (("{run}", "--to", "pickle"), 2, "--to"),
        (("{run}", "nothing.csv"), 66, "nothing.csv"),
    ],
)
def test_misuse_is_explained(dltk, iris_run, arguments, code, said):
    answer = dltk("export", *(word.format(run=iris_run) for word in arguments))
    assert answer.code == code
    assert said in answer.err
    assert not (iris_run / "export").exists()
