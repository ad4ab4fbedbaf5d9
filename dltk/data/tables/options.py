"""How the columns of a table become inputs: one grammar for every table, and overrides column by column."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field

from dltk.config.errors import OptionError, did_you_mean, listed, shown
from dltk.config.settings import PositiveFloat, PositiveInt, Settings
from dltk.data.tables.headers import is_number_name

Scaling = Literal["standard", "minmax", "robust", "quantile_normal", "piecewise_linear", "none"]
Transform = Literal["none", "log1p"]
Encode = Literal["one_hot", "ordinal", "hashing"]
NumBins = Annotated[int, Field(ge=2, le=1000)]
NumBuckets = Annotated[int, Field(ge=2, le=100_000)]
_OF_NUMBERS = ("scaling", "num_bins", "transform", "clip")
_NEEDED = {
    "num_bins": ("scaling", ("piecewise_linear",)),
    "num_buckets": ("encode", ("hashing",)),
    "order": ("encode", ("ordinal",)),
    "max_categories": ("encode", ("one_hot", "ordinal")),
    "min_count": ("encode", ("one_hot", "ordinal")),
}
"""What an option of one column needs another one to be."""


class ColumnOptions(Settings):
    """How one column becomes inputs; what is left out is as for the other columns."""

    scaling: Scaling | None = None
    """How its numbers are scaled."""
    num_bins: NumBins | None = None
    """Bins of piecewise_linear."""
    transform: Transform | None = None
    """What its numbers pass through before scaling."""
    clip: PositiveFloat | None = None
    """Limits what comes out of scaling to -clip..clip."""
    encode: Encode | None = None
    """How its categories are encoded; the column then is categories, whatever its cells."""
    order: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    """Its categories from low to high, for ordinal; default as numbers or by the alphabet."""
    max_categories: PositiveInt | None = None
    """Keeps that many of its most frequent categories."""
    min_count: PositiveInt | None = None
    """Keeps categories with at least that many training rows."""
    num_buckets: NumBuckets | None = None
    """Buckets of hashing."""

    @property
    def chosen(self) -> list[str]:
        """The names of the options that are set."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    @property
    def kind(self) -> Literal["numbers", "categories"] | None:
        """What the options that are set say the column is; None where they say nothing.

        Raises:
            OptionError: They say both.
        """
        numbers = [name for name in self.chosen if name in _OF_NUMBERS]
        categories = [name for name in self.chosen if name not in _OF_NUMBERS]
        if numbers and categories:
            raise OptionError(
                "",
                f"a column is numbers or categories; {listed(numbers)} and {listed(categories)} do not go together",
                id="DLTK-CONFIG-CONFLICT",
            )
        return "numbers" if numbers else "categories" if categories else None


class TableOptions(Settings):
    """How columns become inputs; everything is fitted on the training rows."""

    scaling: Scaling = "standard"
    """How numbers are scaled: mean 0 and deviation 1 (standard), 0..1 (minmax), median 0 and quartile distance 1
    (robust), ranks as a normal distribution (quantile_normal), num_bins inputs of 0..1 (piecewise_linear), or none."""
    num_bins: NumBins = 32
    """Bins of piecewise_linear, cut at quantiles: an input is 0 below its bin, 1 above it, a fraction inside. A value
    that fills a bin by itself is an edge, and the other bins are for the other rows."""
    transform: Transform = "none"
    """What numbers pass through before scaling; log1p is log(1 + x), for amounts that span powers of ten."""
    clip: PositiveFloat | None = None
    """Limits what comes out of scaling to -clip..clip; default no limit."""
    categories: tuple[str, ...] = ()
    """Columns that are categories although they hold numbers, such as codes."""
    encode: Encode = "one_hot"
    """How categories are encoded: an input each (one_hot), their place from 0 to 1 (ordinal), or an input per bucket
    of a hash (hashing), which needs no list of categories."""
    max_categories: PositiveInt = 100
    """A column keeps that many of its most frequent categories; the others count as one."""
    min_count: PositiveInt = 1
    """Categories with fewer training rows count as one."""
    num_buckets: NumBuckets = 64
    """Buckets of hashing."""
    drop: tuple[str, ...] = ()
    """Columns to leave out, such as row numbers or what repeats the target."""
    columns: dict[str, ColumnOptions] = {}
    """What differs by column, such as {fare: {transform: log1p}, size: {encode: ordinal, order: [S, M]}}."""

    def of(self, name: str) -> Self:
        """Return these options with the own ones of a column in their place."""
        own = self.columns.get(name, ColumnOptions())
        return self.model_copy(update={key: value for key, value in own if value is not None and key != "order"})

    def order_of(self, name: str) -> tuple[str, ...] | None:
        """Return the categories of an ordinal column from low to high, where they are given."""
        return self.columns[name].order if name in self.columns else None

    def kind_of(self, name: str) -> Literal["numbers", "categories"] | None:
        """Return what the options say a column is; None leaves it to its cells.

        Raises:
            OptionError: They say both.
        """
        try:
            kind = self.columns.get(name, ColumnOptions()).kind
        except OptionError as error:
            raise error.below("columns", name) from None
        if kind == "numbers" and name in self.categories:
            raise OptionError(
                f"columns.{name}",
                "has options of numbers, but categories names it too; keep one of them",
                id="DLTK-CONFIG-CONFLICT",
            )
        return "categories" if name in self.categories else kind

    def check(self, names: Collection[str], aside: Mapping[str, str]) -> None:
        """Refuse options about columns that are not there or no inputs, and options that would change nothing.

        Args:
            names: The columns of the table.
            aside: What other columns are, such as {"price": "the target"}.

        Raises:
            OptionError: With the option's place and the nearest column.
        """
        places = [(f"drop.{i}", name) for i, name in enumerate(self.drop)]
        places += [(f"categories.{i}", name) for i, name in enumerate(self.categories)]
        places += [(f"columns.{name}", name) for name in self.columns]
        for option, name in places:
            if name not in names:
                raise no_such_column(option, name, names)
            if name in aside:
                raise OptionError(
                    option,
                    f"{shown(name)} is {aside[name]}, so it is no input anyway; leave it out here",
                    id="DLTK-CONFIG-CONFLICT",
                )
            if name in self.drop and not option.startswith("drop"):
                raise OptionError(
                    option, f"{shown(name)} is left out by drop; leave it out here, or there", id="DLTK-CONFIG-CONFLICT"
                )
        for name in self.columns:
            self.kind_of(name)
            self._refuse_idle(name)
        if {*names} <= {*self.drop, *aside}:
            raise OptionError("drop", f"leaves no column to learn from; the table has {listed(names)}")

    def _refuse_idle(self, name: str) -> None:
        for option, (chooser, choices) in _NEEDED.items():
            chosen = getattr(self.of(name), chooser)
            if getattr(self.columns[name], option) is not None and chosen not in choices:
                raise OptionError(
                    f"columns.{name}.{option}",
                    f"needs {chooser}: {' or '.join(choices)}; the column has {chosen}",
                    id="DLTK-CONFIG-CONFLICT",
                )


def no_such_column(option: str, name: str, names: Collection[str], table: str = "the table") -> OptionError:
    """Return the error about an option that names a column a table does not have."""
    headless = "; is header: false meant?" if any(map(is_number_name, names)) else ""
    found = f"{table} has {listed(names)}{headless}"
    return OptionError(
        option,
        f"there is no column {shown(name)}{did_you_mean(name, names) or ';'} {found}",
        id="DLTK-CONFIG-UNKNOWN-COLUMN",
    )
