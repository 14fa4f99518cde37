"""Loads, failed loads, deletes, merges, vacuums and losses in any order: the answers are those of a list of rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dsys_lab.errors import BadParameter
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse import All, Cluster, Even, Key, ManagedStorage, Warehouse, digest
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.schema import Schema

SCHEMA = Schema.of("k u8?, v i32")
KEYS = st.one_of(st.none(), st.integers(0, 20))
ROWS = st.lists(st.tuples(KEYS, st.integers(-3, 3)), max_size=9)


def columns(rows: Any) -> dict[str, Any]:
    return {"k": [k for k, _ in rows], "v": [v for _, v in rows]}


class AnyOrder(RuleBasedStateMachine):
    @initialize(style=st.sampled_from([Even(), Key("k"), All()]), sort=st.sampled_from([(), ("k",), ("v", "k")]))
    def begin(self, style: Any, sort: Any) -> None:
        self.storage = ManagedStorage(JournaledStore(VolatileDisk()))
        self.lab = Warehouse(Cluster(2, 2), block_bytes=64, storage=self.storage)
        self.lab.create_table("t", SCHEMA, distribution=style, sort_key=sort)
        self.rows: list[tuple[Any, int]] = []

    @rule(first=ROWS, second=ROWS)
    def load(self, first: Any, second: Any) -> None:
        self.lab.copy("t", [columns(first), columns(second)])
        self.rows += [*first, *second]

    @rule(rows=ROWS)
    def fail_to_load(self, rows: Any) -> None:
        with pytest.raises(BadParameter):
            self.lab.copy("t", [columns(rows), {"k": [300], "v": [0]}])

    @rule(low=st.integers(0, 20), width=st.integers(0, 6))
    def delete(self, low: int, width: int) -> None:
        left = [row for row in self.rows if row[0] is None or not low <= row[0] <= low + width]
        assert self.lab.delete("t", Between("k", low, low + width)) == len(self.rows) - len(left)
        self.rows = left

    @rule(new=st.dictionaries(st.integers(0, 20), st.integers(4, 9), max_size=6), nulls=st.integers(0, 2))
    def merge(self, new: dict[int, int], nulls: int) -> None:
        coming = [*new.items(), *[(None, 0)] * nulls]
        self.lab.create_table("staging", SCHEMA)
        self.lab.copy("staging", [columns(coming)])
        told = self.lab.merge("t", "staging", on="k")
        self.lab.drop_table("staging")
        known = {k for k, _ in self.rows}
        added = [(k, v) for k, v in coming if k is None or k not in known]
        assert told.inserted == len(added)
        assert told.updated == sum(k in new for k, _ in self.rows)
        self.rows = [(k, new.get(k, v)) for k, v in self.rows] + added

    @rule()
    def vacuum(self) -> None:
        self.lab.vacuum("t")
        assert {block.rows > 0 for block in self.lab.blocks("t")} <= {True}

    @rule(at=st.integers(0, 3))
    def lose(self, at: int) -> None:
        self.lab.lose_slice(at)

    @rule(low=st.integers(0, 20))
    def ask(self, low: int) -> None:
        wanted = [row for row in self.rows if row[0] is not None and low <= row[0] <= low + 2]
        assert digest(self.lab.query(f"SELECT k, v FROM t WHERE k BETWEEN {low} AND {low + 2}").rows) == digest(wanted)

    @invariant()
    def every_row_is_counted_and_every_block_kept(self) -> None:
        assert self.lab.status().tables["t"].rows == len(self.rows)
        assert len(list(every(self.storage.store))) == len(self.lab.blocks("t"))

    def teardown(self) -> None:
        if hasattr(self, "rows"):
            assert digest(self.lab.query("SELECT k, v FROM t").rows) == digest(self.rows)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=15, stateful_step_count=14, deadline=None)
