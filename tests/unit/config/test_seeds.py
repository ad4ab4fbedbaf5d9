"""Seeds derived by purpose."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from dltk.config.seeds import derive

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=5)
PURPOSE = st.lists(WORD | st.integers(), max_size=4)


def test_a_seed_never_changes_because_runs_are_resumed_with_it():
    assert derive(0, "order", 3) == 1855528780364446383


@given(st.integers(0, 2**32), st.integers(0, 2**32), PURPOSE, PURPOSE)
def test_equal_purposes_give_equal_seeds_and_others_do_not(a, b, left, right):
    assert (derive(a, *left) == derive(b, *right)) == ((a, left) == (b, right))
    assert 0 <= derive(a, *left) < 2**63


def test_a_number_is_not_its_text_and_parts_do_not_run_together():
    seeds = {derive(0, 1), derive(0, "1"), derive(0, "a", "b"), derive(0, "ab"), derive(0, "b", "a"), derive(0)}
    assert len(seeds) == 6


def test_a_seed_does_not_depend_on_the_process():
    code = "from dltk.config.seeds import derive; print(derive(7, 'split', 'val'))"
    environment = {"PYTHONHASHSEED": "123", "PYTHONPATH": ":".join(sys.path)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(result.stdout) == derive(7, "split", "val")
