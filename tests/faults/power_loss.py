"""A disk that loses power: of what was not synced, each change of a name and each byte may be there or not."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.system import Event

Torn = Callable[[bytes, bytes], bytes]
"""(what was synced, what was written) -> what is there."""
TORN: Sequence[Torn] = (
    lambda synced, _: synced,
    lambda _, written: written,
    lambda synced, written: written[: (len(synced) + len(written)) // 2],
    lambda synced, written: synced + bytes(len(written) - len(synced)),
)
SUBSETS = 40


@dataclass(eq=False)
class File:
    """A file: what is certainly on the disk, and what was written."""

    synced: bytes = b""
    written: bytes = b""


@dataclass(eq=False)
class Directory:
    """A directory: what was in it at the beginning, and what is."""

    before: dict[str, Node] = field(default_factory=dict)
    names: dict[str, Node] = field(default_factory=dict)


Node = File | Directory


@dataclass(eq=False)
class Change:
    """A change of a directory's names: `gone` is no more, `name` stands for something.

    Attributes:
        is_synced: Whether the directory was synced since.
    """

    where: Directory
    gone: str = ""
    name: str = ""
    node: Node | None = None
    is_synced: bool = False

    def on(self, names: dict[str, Node]) -> None:
        """Make it."""
        names.pop(self.gone, None)
        if self.node is not None:
            names[self.name] = self.node


class Disk:
    """What was done to a folder, and what a disk may hold of it; all that was in it before is synced."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._root = folder, read(folder)
        self._changes: list[Change] = []

    def happens(self, event: Event) -> None:
        """Take a call of the system; opening and closing change nothing."""
        path = Path(event.path)
        node = self._node(path)
        if event.name == "fsync":
            self._sync(node)
        elif event.name == "write":
            node = node or self._change(path, Change(self._in(path), name=path.name, node=File()))
            assert isinstance(node, File)
            node.written += event.content
        elif event.name == "mkdir":
            self._change(path, Change(self._in(path), name=path.name, node=Directory()))
        elif event.name in ("unlink", "rmdir") and node is not None:
            self._change(path, Change(self._in(path), gone=path.name))
        elif event.name == "rename":
            assert Path(event.to).parent == path.parent
            self._change(path, Change(self._in(path), path.name, Path(event.to).name, node))

    def states(self, *, in_order: bool) -> Iterator[tuple[Collection[Change], Torn]]:
        """Yield what may be there: which changes of names, and how files are torn.

        Args:
            in_order: Whether names change on the disk in the order in which they were changed, as with a journal.
        """
        places = [place for place, change in enumerate(self._changes, 1) if change.is_synced]
        last = max(places, default=0)
        kept: list[Collection[Change]] = [self._changes[:length] for length in range(last, len(self._changes) + 1)]
        if not in_order:
            chance = Random(len(self._changes))
            draws = [0.0, 1.0, *(chance.random() for _ in range(SUBSETS))]
            kept = [[change for change in self._changes if change.is_synced or chance.random() < p] for p in draws]
        yield from itertools.product(kept, TORN)

    def write(self, kept: Collection[Change], torn: Torn, to: Path) -> None:
        """Write what is there once the power is back."""
        shutil.rmtree(to, ignore_errors=True)
        self._write(self._root, [change for change in self._changes if change in kept], torn, to)

    def _write(self, directory: Directory, changes: list[Change], torn: Torn, to: Path) -> None:
        to.mkdir()
        names = dict(directory.before)
        for change in changes:
            if change.where is directory:
                change.on(names)
        for name, node in names.items():
            if isinstance(node, File):
                (to / name).write_bytes(torn(node.synced, node.written))
            else:
                self._write(node, changes, torn, to / name)

    def _sync(self, node: Node | None) -> None:
        if isinstance(node, File):
            node.synced = node.written
        for change in self._changes:
            change.is_synced = change.is_synced or change.where is node

    def _change(self, path: Path, change: Change) -> Node | None:
        change.on(self._in(path).names)
        self._changes.append(change)
        return change.node

    def _in(self, path: Path) -> Directory:
        found = self._node(path.parent)
        assert isinstance(found, Directory), path
        return found

    def _node(self, path: Path) -> Node | None:
        node: Node | None = self._root
        for name in path.relative_to(self._folder).parts:
            node = node.names.get(name) if isinstance(node, Directory) else None
        return node


def read(path: Path) -> Directory:
    """Return what is in a folder, all of it synced."""
    names: dict[str, Node] = {}
    for entry in path.iterdir():
        content = b"" if entry.is_dir() else entry.read_bytes()
        names[entry.name] = read(entry) if entry.is_dir() else File(content, content)
    return Directory(dict(names), names)
