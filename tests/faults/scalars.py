"""Forty scalars in options of every type: what YAML 1.2 and the grammar make of each, as scalars.txt has it.

`python -m tests.faults.scalars` writes the table anew.
"""

from pathlib import Path

from dltk.config import differing
from dltk.config.document import parse_document

TABLE = Path(__file__).parent / "scalars.txt"
OPTIONS = {
    "whole": "train.steps",
    "number": "optimizer.lr",
    "bool": "train.test",
    "text": "name",
    "choice": "train.device",
    "either": "train.threads",
    "list": "model.hidden",
    "section": "checkpoint",
}
SCALARS = (
    "1", "+1", "-1", "0", "-0", "010", "0o10", "0x1F", "0b1", "1_000", "1.0", "1.", ".5", "1e-3", "1e3",
    "1E+3", "1e400", ".inf", "-.inf", ".nan", "inf", "nan", "1.5.2", "true", "True", "TRUE", "tRUE", "false",
    "yes", "no", "NO", "on", "off", "y", "null", "~", "", "None", "1:30", "12:30:45", "2001-01-01",
    "2001-12-14t21:59:43.10-05:00", "'1'", '"true"', "auto", "=", "${HOME}", "100000000000000000000", "1,5",
    "5%",
)  # fmt: skip


def outcome(scalar: str, option: str) -> str:
    """Return the value that an option gets, or the kind of problem."""
    section, _, key = option.partition(".")
    name = {"optimizer": "  name: adam\n", "model": "  name: mlp\n"}.get(section, "")
    text = f"{section}:\n{name}  {key}: {scalar}\n" if key else f"{section}: {scalar}\n"
    document = parse_document(text.encode(), "c.yaml")
    problems = [*document.problems]
    if not problems:
        values = {"data": {"name": "iris"}, "model": {"name": "mlp"}, **document.values}
        problems = differing.check(values)
    if problems:
        return problems[0].id.removeprefix("DLTK-CONFIG-")
    value = document.values[section]
    return repr(value[key] if key else value)


def table() -> str:
    """Return the whole table, one scalar per line."""
    head = ["scalar", *OPTIONS]
    rows = [[scalar, *(outcome(scalar, option) for option in OPTIONS.values())] for scalar in SCALARS]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in [head, *rows]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
