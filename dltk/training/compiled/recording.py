"""A step as the record of all operations it calls: what tells it from every other one, known without torch's tracer.

A function of tensors that does the same operations, in the same order, to the same of its arguments and results, and
with the same numbers, is the same graph. The tracer, which takes more than a second to import, listens at the same
place; so whatever it would put into the graph is in the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from dltk.training.compiled.obstacles import CannotCompile
from dltk.training.listening import Listening


@dataclass(frozen=True)
class Step:
    """What is repeated.

    Attributes:
        function: Takes what is carried and what is given, and returns what is carried.
        carried: An example.
        given: Likewise.
        record: The operations, one a line.
        constants: What the loss or the model holds beside parameters and buffers, in the order of its first use.
    """

    function: Callable[..., Any]
    carried: Sequence[Tensor]
    given: Sequence[Tensor]
    record: str
    constants: Sequence[Tensor]


def recorded(function: Callable[..., Any], carried: Sequence[Tensor], given: Sequence[Tensor]) -> Step:
    """Call a function once, and return it with its record.

    Raises:
        CannotCompile: It fails on its examples.
    """
    try:
        _, record, constants = watched(function, [*carried, *given])
    except RuntimeError as error:
        raise CannotCompile(f"the step cannot be made: {str(error).partition(chr(10))[0]}") from None
    return Step(function, carried, given, record, constants)


def watched(function: Callable[..., Any], arguments: Sequence[Tensor]) -> tuple[Any, str, Sequence[Tensor]]:
    """Call a function, and return its results, the record of that call, and its constants."""
    recorder = _Recorder(arguments)
    with Listening(recorder.hear):
        results = function(*arguments)
    recorder.note("return", results)
    return results, "\n".join(recorder.lines), recorder.constants


class _Recorder:
    """Writes down each operation with the names of its tensors: argument, constant or earlier result."""

    def __init__(self, arguments: Sequence[Tensor]) -> None:
        self.lines: list[str] = []
        self.constants: list[Tensor] = []
        self._names: dict[int, str] = {}
        self._kept: list[Tensor] = []  # or another tensor might be given the same id
        for argument in arguments:
            self.note(f"argument {self._named(argument)}")

    def hear(self, operation: Any, arguments: Sequence[Any], keywords: Mapping[str, Any], results: Any) -> None:
        """Write an operation down."""
        told = self._told((arguments, keywords))
        for each in _tensors(results):
            self._named(each)
        self.note(f"{operation} {told}", results)

    def note(self, line: str, results: Any = None) -> None:
        """Write a line."""
        self.lines.append(f"{line} -> {self._told(results)}")

    def _named(self, tensor: Tensor) -> str:
        """Give a tensor a name, a new one where it had one."""
        name = f"t{len(self._kept)}:{tensor.dtype}:{tuple(tensor.shape)}:{tensor.stride()}:{tensor.device}"
        self._kept.append(tensor)
        self._names[id(tensor)] = name
        return name

    def _told(self, value: Any) -> str:
        if isinstance(value, Tensor):
            return self._names.get(id(value)) or self._constant(value)
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(map(self._told, value))}]"
        if isinstance(value, dict):
            return f"{{{', '.join(f'{key}: {self._told(item)}' for key, item in value.items())}}}"
        return repr(value)

    def _constant(self, tensor: Tensor) -> str:
        self.constants.append(tensor.detach())
        name = self._named(tensor)
        self.lines.append(f"constant {name}")
        return name


def _tensors(results: Any) -> list[Tensor]:
    if isinstance(results, Tensor):
        return [results]
    return [each for part in results for each in _tensors(part)] if isinstance(results, (list, tuple)) else []
