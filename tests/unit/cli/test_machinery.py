"""What commands with data and models import is not looked through for garbage."""

import gc
import subprocess
import sys

import torch  # noqa: F401 - is there already when it is asked for below

from dltk.cli.machinery import load_machinery

PROGRAM = """
import gc, sys
from dltk.cli.machinery import load_machinery

collections = []
gc.callbacks.append(lambda phase, facts: collections.append(phase))
load_machinery()
print("torch" in sys.modules, len(collections), gc.isenabled(), gc.get_freeze_count() > 100_000)
"""


def test_nothing_is_collected_meanwhile_and_garbage_is_looked_for_afterwards_but_not_in_what_was_imported():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0", "True", "True"]


def test_what_is_there_already_is_left_as_it_is():
    before = gc.get_freeze_count()
    load_machinery()
    assert gc.get_freeze_count() == before
