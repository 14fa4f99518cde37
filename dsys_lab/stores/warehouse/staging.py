"""What does a staging table bring to a merge?

New rows are loaded into a table of their own first, and merged from there: so a load that comes twice counts once. What
the rows must be is asked before anything changes: the same columns as the table's, and no key twice, for which of two
rows should be believed?

Source: Amazon Redshift Database Developer Guide, "MERGE", "Updating and inserting new data".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dsys_lab.errors import BadParameter
from dsys_lab.stores.column_store.chunk import Filled, gathered
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse.distribution import All
from dsys_lab.stores.warehouse.running import Stored
from dsys_lab.stores.warehouse.scanning import Scan
from dsys_lab.stores.warehouse.slices import Snapshot
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Column


@dataclass(frozen=True, slots=True)
class Staged:
    """The rows of a staging table.

    Attributes
    ----------
    key : Column
    rows : int
    columns : dict
    keys : array
        Those that rows have, in order, without NULL.
    """

    key: Column
    rows: int
    columns: dict[str, Filled]
    keys: Array

    @classmethod
    def of(cls, table: Stored, staging: Stored, on: str, snapshot: Snapshot) -> Staged:
        """Read them.

        Raises
        ------
        BadParameter
            If it is the table itself, has other columns, or a key twice.
        """
        key = table.layout.schema.columns[table.layout.schema.position(on)]
        if staging.name == table.name:
            raise BadParameter(f"merge {table.name} with itself: give a staging table")
        if staging.layout.schema.columns != table.layout.schema.columns:
            raise BadParameter(f"staging table {staging.name} has other columns than {table.name}: give it the same")
        slices = staging.slices[:1] if isinstance(staging.style, All) else staging.slices
        names = staging.layout.schema.names
        scanned = [Scan.of(part, names, (), snapshot).run() for part in slices]
        columns = {name: gathered([one.columns[name] for one in scanned]) for name in names}
        return cls(key, sum(one.rows for one in scanned), columns, _once(columns[on], staging.name, on))

    @property
    def span(self) -> Between | None:
        """From the smallest key to the largest: only blocks that meet it are read; None without keys."""
        if not len(self.keys):
            return None
        low, high = (end if isinstance(end, str) else end.item() for end in (self.keys[0], self.keys[-1]))
        return Between(self.key.name, low, high)

    def updating(self, matched: Sequence[Array]) -> tuple[dict[str, Filled], int, int]:
        """Return the columns to add, how many rows they are, and how many of them take the place of others.

        Parameters
        ----------
        matched : sequence of arrays
            The keys of the rows that are taken away. A key that several rows had comes back as often.
        """
        values, nulls = self.columns[self.key.name]
        times = np.zeros(self.rows, np.int64)
        there, counts = np.unique(np.concatenate([self.keys[:0], *matched]), return_counts=True)
        known = np.isin(values, there) if nulls is None else np.isin(values, there) & ~nulls
        times[known] = counts[np.searchsorted(there, values[known])]
        chosen = np.repeat(np.arange(self.rows), np.maximum(times, 1))
        return {name: filled.rows(chosen) for name, filled in self.columns.items()}, len(chosen), int(times.sum())


def _once(keys: Filled, staging: str, on: str) -> Array:
    """Return the keys in order, without NULL; refuse one that stands twice."""
    values = keys.values if keys.nulls is None else keys.values[~keys.nulls]
    found, counts = np.unique(values, return_counts=True) if len(values) else (values, np.zeros(0, int))
    if (counts > 1).any():
        twice = found[counts > 1][0]
        raise BadParameter(f"staging table {staging}: {on} {twice!s} stands {counts.max()} times; keep one row of each")
    return found
