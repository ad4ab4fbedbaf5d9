"""One thread for all trainings of these tests: bits depend on the number of threads."""

from tests.threads import one_thread

__all__ = ["one_thread"]
