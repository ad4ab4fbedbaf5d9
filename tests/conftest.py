"""No test opens a socket to the world: downloads are tried on a server in the test's own process."""

import os

os.environ["DLTK_OFFLINE"] = "1"
