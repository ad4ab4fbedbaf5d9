"""Start of the program: runs a command and turns every foreseen failure into one message and an exit code."""

from __future__ import annotations

import sys

from dltk.cli.app import run


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
