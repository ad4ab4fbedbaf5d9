"""What a file in `datasets/` defines."""

from __future__ import annotations

from typing import Any, Protocol

from dltk.config.settings import Settings
from dltk.data.samples import Preparation, Source, State
from dltk.data.specs import Spec


class Dataset(Protocol):
    """A dataset file: its module is used through these names.

    Files that dltk can download are named in `REMOTES`, a tuple of `download.Remote`, and found by `files.obtain`.
    A file whose headers tell how many samples there are has `count(config) -> Mapping[str, int]`, by official part, for
    plans and checks that come before the data are read; it is as cheap as `describe`.
    An optional path option called `root` says where they lie; left out, it gets the folder that $DLTK_DATA names.
    """

    Config: type[Settings]

    def describe(self, config: Any) -> Spec:
        """Return kinds and, as far as headers tell, sizes; cheap. Raise OptionError or MissingInput."""

    def read(self, config: Any) -> Source:
        """Return the official parts as raw samples: nothing fitted, shuffled or split."""

    def prepare(self, config: Any, train: Any) -> Preparation:
        """Fit scaling, vocabulary, class names and the like on the training samples only."""

    def restore(self, config: Any, state: State) -> Preparation:
        """Rebuild a Preparation from its `state()`; works where the data are gone."""
