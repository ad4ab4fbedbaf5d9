"""Tables that come inside scikit-learn: their four functions, made of names and a loader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dltk.data.samples import Columns, Source, State
from dltk.data.scikit_files import Rows
from dltk.data.specs import Classes, Column, Numbers, Spec, Table
from dltk.data.tables.options import TableOptions
from dltk.data.tables.preparation import TABLE, TablePreparation, text_table
from dltk.data.tables.targets import ClassTarget, fit_target


@dataclass(frozen=True)
class BundledTable:
    """A table of numbers without official parts.

    Attributes:
        columns: Their names, in the loader's order.
        target: The name of what is predicted.
        load: Returns the rows in their own units, what is predicted last.
        classes: Their names, in the order of the class numbers; none where numbers are predicted.
    """

    columns: Sequence[str]
    target: str
    load: Callable[[], Rows]
    classes: tuple[str, ...] = ()

    def describe(self, config: TableOptions) -> Spec:
        """Return the columns that are not dropped, and classes or one number.

        Raises:
            OptionError: An option names a column that is not there.
        """
        config.check(self.columns, {})
        columns = tuple(Column(name) for name in self._inputs(config))
        target = Classes(self.classes) if self.classes else Numbers((self.target,))
        return Spec({TABLE: Table(columns)}, {self.target: target})

    def read(self, config: TableOptions) -> Source:
        """Return all rows; there is no official split."""
        *columns, target = self.load().T.tolist()
        values = dict(zip(self.columns, columns, strict=True))
        target = [self.classes[int(code)] for code in target] if self.classes else target
        inputs = {name: values[name] for name in self._inputs(config)}
        return Source({"train": text_table(inputs, {self.target: target}, self.target if self.classes else None)})

    def prepare(self, config: TableOptions, train: Columns) -> TablePreparation:
        """Fit the columns, and a number to predict, on the training rows."""
        target = ClassTarget(self.target, self.classes) if self.classes else fit_target("numbers", train.targets, train)
        return TablePreparation.fit(train, target, config)

    def restore(self, config: TableOptions, state: State) -> TablePreparation:  # noqa: ARG002
        """Rebuild a preparation."""
        return TablePreparation.restore(state)

    def _inputs(self, config: TableOptions) -> list[str]:
        return [name for name in self.columns if name not in config.drop]
