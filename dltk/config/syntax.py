"""What is wrong with a text that is no YAML, in words that need no knowledge of parsers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from dltk.config.terminal import escaped

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""How PyYAML counts lines."""
_FOUND = re.compile(r"(?:but found|but got|found character|found undefined alias|escape character) '(.+)'", re.DOTALL)
_COLON_WITHOUT_SPACE = re.compile(r"\s*(?:- )?([\w.]+):(?=[^\s:/])(.*)")
_DASH_WITHOUT_SPACE = re.compile(r"\s*-[^\s-]")
_BRACKETS = {"while parsing a flow mapping": ("{", "}"), "while parsing a flow sequence": ("[", "]")}
_QUOTE_IT = 'put text that begins with {} in "..."'
_WRITE_OPTION = "this is no option; write key: value"


def explained(error: yaml.MarkedYAMLError, text: str) -> tuple[str, yaml.Mark]:
    """Return one sentence about the first thing that is no YAML in a text, and where it stands."""
    return _Fault(error, LINE_BREAK.split(text)).told()


def mark(text: str, offset: int) -> yaml.Mark:
    """Return a place in a text as PyYAML would."""
    before = LINE_BREAK.split(text[:offset])
    return yaml.Mark("", offset, len(before) - 1, len(before[-1]), None, 0)


@dataclass(frozen=True)
class _Fault:
    """One error of PyYAML's, and the lines of the text."""

    error: yaml.MarkedYAMLError
    lines: Sequence[str]

    @property
    def problem(self) -> str:
        """What PyYAML says."""
        return self.error.problem or self.error.context or ""

    @property
    def context(self) -> str:
        """What PyYAML was at."""
        return self.error.context or ""

    @property
    def here(self) -> yaml.Mark:
        """Where it noticed."""
        found: yaml.Mark = self.error.problem_mark or self.error.context_mark or mark("", 0)
        return found

    @property
    def begun(self) -> yaml.Mark:
        """Where that began which it was at."""
        return self.error.context_mark or self.here

    @property
    def found(self) -> str:
        """The character or the token that it met, or ""."""
        match = _FOUND.search(self.problem)
        return match.group(1).encode().decode("unicode_escape") if match and match.group(1).isascii() else ""

    def told(self) -> tuple[str, yaml.Mark]:
        """Return the sentence and its place."""
        for begins, tell in _TOLD.items():
            if begins in self.problem or begins in self.context:
                return tell(self)
        parts = [part for part in (self.error.context, self.error.problem) if part]
        return f"not valid YAML: {escaped(', '.join(parts))[:300]}", self.here

    def character(self) -> tuple[str, yaml.Mark]:
        """Something that no value begins with."""
        if self.line(self.here.line).startswith("```"):
            return "this line is a mark of Markdown, and no YAML; delete it", self.here
        if self.found != "\t":
            return _QUOTE_IT.format(self.found), self.here
        is_indent = not self.line(self.here.line)[: self.here.column].strip()
        return "a tab; " + ("indent with spaces" if is_indent else "put spaces here"), self.here

    def quote(self) -> tuple[str, yaml.Mark]:
        """A quoted text that does not end."""
        return "this quote is never closed", self.begun

    def bracket(self) -> tuple[str, yaml.Mark]:
        """Something inside brackets that is neither a comma nor the end."""
        opening, closing = _BRACKETS[self.context]
        if self.found in {"}", "]"}:
            column = self.begun.column + 1
            return f"the '{opening}' of line {self.begun.line + 1}, column {column}, must be closed first", self.here
        if self.found == "<stream end>":
            return f"this '{opening}' is never closed", self.begun
        if self.begun.line == self.here.line:
            return f"a ',' or a '{closing}' is missing before this", self._word_before()
        if not self.line(self.begun.line)[self.begun.column + 1 :].strip():  # an option per line
            above = next(i for i in range(self.here.line - 1, -1, -1) if self._has_text(i))
            return f"a ',' or a '{closing}' is missing behind this line", self._at(
                above, len(self.line(above).rstrip())
            )
        return f"before line {self.here.line + 1} this '{opening}' must be closed, or a ',' is missing", self.begun

    def block_end(self) -> tuple[str, yaml.Mark]:
        """Something that does not go on with what stands above."""
        before = self.line(self.here.line)[: self.here.column].rstrip()
        if self.found in {"}", "]"}:
            return f"there is nothing that this '{self.found}' could close", self.here
        if self.found == "<scalar>" and before.endswith(("'", '"')):
            return "the quoted text ended before this; put all of it in quotes, and double the quotes inside", self.here
        told = {
            "-": "a list stands here where key: value is expected; indent it below its key",
            ":": "a key is missing before this ':'",
        }
        return told.get(self.found, "the indentation of this line fits none of the lines above"), self.here

    def second_colon(self) -> tuple[str, yaml.Mark]:
        """A key where none may be: in a value, or because the line before is none or ends too early."""
        row = self.here.line
        line, above = self.line(row), next((i for i in range(row - 1, -1, -1) if self._has_text(i)), None)
        if ": " in line[: self.here.column]:
            return "a second ':' in one line; put the value in quotes, or its options in {...}", self.here
        if above is None:
            return _WRITE_OPTION, self.here
        if re.search(r"(^|[^\\]): |:$", self.line(above).rstrip()):
            indent = len(line) - len(line.lstrip())
            return "this line is indented further than the option above it, which has a value", self._at(row, indent)
        return self._no_option(above)

    def no_colon(self) -> tuple[str, yaml.Mark]:
        """A line that is neither an option nor a value."""
        return self._no_option(self.begun.line)

    def document_start(self) -> tuple[str, yaml.Mark]:
        """Something behind the end of everything."""
        first = self.line(0)
        if first.startswith("%"):
            return _QUOTE_IT.format("%"), self._at(0, 0)
        return "this line is indented less than the first one", self.here

    def alias(self) -> tuple[str, yaml.Mark]:
        """A star or an ampersand without a proper name behind it."""
        return _QUOTE_IT.format(self.line(self.begun.line)[self.begun.column :][:1]), self.begun

    def no_anchor(self) -> tuple[str, yaml.Mark]:
        """An alias of nothing."""
        return f"there is no anchor &{escaped(self.found)}; {_QUOTE_IT.format('*')}", self.here

    def second_anchor(self) -> tuple[str, yaml.Mark]:
        """An anchor of a name that is taken."""
        return f"this anchor stands twice; first on line {self.begun.line + 1}", self.here

    def escape(self) -> tuple[str, yaml.Mark]:
        """A backslash that means nothing."""
        return r"""in "..." a backslash begins an escape; write \\, or use '...'""", self.here

    def no_value(self) -> tuple[str, yaml.Mark]:
        """A comma or the like where a value is due."""
        return "a value is missing before this", self.here

    def second_document(self) -> tuple[str, yaml.Mark]:
        """Another document."""
        return "a second document begins here; a config is a single one", self.here

    def block_text(self) -> tuple[str, yaml.Mark]:
        """A bar or an angle bracket that begins no block of text."""
        return _QUOTE_IT.format("| or >"), self.begun

    def line(self, row: int) -> str:
        """Return a line, "" behind the last."""
        return self.lines[row] if row < len(self.lines) else ""

    def _no_option(self, row: int) -> tuple[str, yaml.Mark]:
        line = self.line(row)
        start = len(line) - len(line.lstrip())
        colon = _COLON_WITHOUT_SPACE.fullmatch(line)
        if colon:
            return "put a space after the colon", self._at(row, colon.end(1))
        if _DASH_WITHOUT_SPACE.match(line):
            return "put a space after the dash", self._at(row, start)
        equals = ", with ':' instead of '='" if "=" in line else ""
        return f"{_WRITE_OPTION}{equals}", self._at(row, start)

    def _word_before(self) -> yaml.Mark:
        """Return where the key begins whose colon was met; the place itself where it was something else."""
        before = self.line(self.here.line)[: self.here.column]
        key = re.search(r"[\w.'\"-]+\s*$", before) if self.found == ":" else None
        return self.here if key is None else self._at(self.here.line, key.start())

    def _has_text(self, row: int) -> bool:
        return bool(self.line(row).split("#")[0].strip())

    def _at(self, row: int, column: int) -> yaml.Mark:
        index = self.here.index  # only an override's place is counted by it, and that has one line
        return yaml.Mark("", index if row == self.here.line else column, row, column, None, 0)


_TOLD = {
    "that cannot start any token": _Fault.character,
    "while scanning a quoted scalar": _Fault.quote,
    "expected ',' or": _Fault.bracket,
    "expected <block end>": _Fault.block_end,
    "mapping values are not allowed here": _Fault.second_colon,
    "could not find expected ':'": _Fault.no_colon,
    "expected '<document start>'": _Fault.document_start,
    "while scanning an alias": _Fault.alias,
    "while scanning an anchor": _Fault.alias,
    "found undefined alias": _Fault.no_anchor,
    "found duplicate anchor": _Fault.second_anchor,
    "unknown escape character": _Fault.escape,
    "expected the node content": _Fault.no_value,
    "expected a single document": _Fault.second_document,
    "while scanning a block scalar": _Fault.block_text,
}
