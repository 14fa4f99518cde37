"""Where is a block when its slice is not there any more?

Since RA3 the nodes of Redshift own no data: every block is an object in managed storage, and what lies on a node's own
disk is a cache of it. So a node may be lost, or stopped, or added, and nothing is copied before the next question: the
leader knows all zone maps, and only blocks that may hold an answer are fetched, when they are asked for. In 2015 a
cluster that was restored from S3 answered in the same way, long before all of it had come back.

1. A change is acknowledged when all blocks that it wrote are kept.
2. A block that was fetched is checked like any other before a value of it is used.
3. Objects that no table needs any more are taken away, after the ones that take their place are there.

Left out: the local disk is never full, so nothing is let go of but by a loss.

Sources: Armenatzoglou et al., "Amazon Redshift re-invented", SIGMOD 2022, section 3; Gupta et al., "Amazon Redshift
and the case for simpler data warehouses", SIGMOD 2015 (streaming restore).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from dsys_lab.errors import Damaged
from dsys_lab.stores.object_store import ObjectStore
from dsys_lab.stores.warehouse.blocks import Block
from dsys_lab.stores.warehouse.slices import Slice


class ManagedStorage:
    """Blocks as objects.

    Parameters
    ----------
    store : ObjectStore
    prefix : str
        Of the names of all objects.
    """

    def __init__(self, store: ObjectStore, *, prefix: str = "blocks/") -> None:
        self.store, self.prefix = store, prefix
        self._numbers = count(1)

    def kept(self, table: str, slices: Iterable[Slice]) -> tuple[Slice, ...]:
        """Return slices whose blocks are all kept; those that were not yet are put."""

        def keep(block: Block) -> Block:
            if block.kept or block.data is None:
                return block
            name = f"{self.prefix}{table}/{block.chunk.column}/{next(self._numbers)}"
            self.store.put(name, block.data)
            return replace(block, kept=name)

        return tuple(part.with_blocks(keep) for part in slices)

    def let_go(self, before: Iterable[Slice], after: Iterable[Slice]) -> None:
        """Take objects away that were needed before and are not any more."""
        needed = {block.kept for part in after for block in part.blocks}
        for name in sorted({block.kept for part in before for block in part.blocks} - needed - {""}):
            self.store.delete(name)

    def brought(self, part: Slice, wanted: Sequence[Block]) -> Slice:
        """Return the slice with these blocks back in it.

        Raises
        ------
        Damaged
            If an object is not there.
        """
        data: dict[str, bytes] = {}
        for block in wanted:
            found = self.store.get(block.kept)
            if found is None:
                raise Damaged(f"{block.name} is lost with its slice, and {block.kept!r} is not in storage")
            data[block.kept] = found.data
        return part.with_blocks(lambda block: replace(block, data=data[block.kept]) if block.kept in data else block)
