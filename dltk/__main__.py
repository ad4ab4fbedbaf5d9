"""Start of the program: runs a command and turns every foreseen failure into one message and an exit code."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from dltk.cli.app import run

UTF_8_MODE = "PYTHONUTF8"


def main() -> None:
    """Run the command line and exit with its code."""
    spell_paths_in_utf_8()
    atexit.register(gc.freeze)  # at the end all memory is given back anyway: no garbage has to be looked for in it
    sys.exit(run(sys.argv[1:]))


def spell_paths_in_utf_8() -> None:
    """Begin again in Python's UTF-8 mode where its paths are not UTF-8, as in a C locale with every help turned off.

    There, a path with letters beyond ASCII is no text that a config, JSON or a log could hold.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get(UTF_8_MODE) != "1":
        os.environ[UTF_8_MODE] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    main()
