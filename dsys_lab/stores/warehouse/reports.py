"""What does the leader say of a change, and of what is there?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dsys_lab.stores.warehouse.running import Stored
from dsys_lab.structures.schema import Value


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load took.

    Attributes
    ----------
    rows, blocks_written : int
    files_by_slice : tuple of int
        A file is read by one slice: where there are fewer files than slices, some have nothing to do.
    """

    rows: int
    blocks_written: int
    files_by_slice: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: rows that took the place of others, and rows whose key was not there before."""

    updated: int
    inserted: int


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum took: blocks read and written, and rows that went for good, copies counted."""

    blocks_read: int
    blocks_written: int
    rows_gone: int


@dataclass(frozen=True, slots=True)
class BlockStatus:
    """One block, as Redshift's STV_BLOCKLIST has it.

    Attributes
    ----------
    slice : int
    column, region : str
    block, rows : int
        Its number in its column and region, and how many rows it holds.
    low, high : value or None
        Its zone map.
    codec : str
    size_bytes : int
        As it is encoded.
    is_here : bool
        Whether its bytes are on the slice; if not, they are fetched when they are asked for.
    """

    slice: int
    column: str
    region: str
    block: int
    rows: int
    low: Value
    high: Value
    codec: str
    size_bytes: int
    is_here: bool

    @classmethod
    def of(cls, table: Stored) -> Iterator[BlockStatus]:
        """Yield every block of a table, slice by slice."""
        for at, part in enumerate(table.slices):
            for region in part.regions:
                for block in (block for blocks in region.blocks.values() for block in blocks):
                    chunk = block.chunk
                    yield cls(
                        at, chunk.column, region.name, chunk.block, chunk.rows, chunk.low, chunk.high, chunk.codec,
                        chunk.size_bytes, is_here=block.data is not None,
                    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table.

    Attributes
    ----------
    distribution : str
    rows : int
        To be seen, each once.
    analyzed_rows : int
        As many as the planner believes there are: those of the last ANALYZE.
    rows_by_slice : tuple of int
        That lie there, those that are not to be seen included.
    unsorted_rows : int
        Of those, in unsorted regions.
    blocks, encoded_bytes, size_bytes : int
        Blocks, the bytes in them, and what they take on disk: each its full size.
    """

    distribution: str
    rows: int
    analyzed_rows: int
    rows_by_slice: tuple[int, ...]
    unsorted_rows: int
    blocks: int
    encoded_bytes: int
    size_bytes: int

    @classmethod
    def of(cls, table: Stored) -> TableStatus:
        """Return what is known of a table."""
        regions = [region for part in table.slices for region in part.regions]
        blocks = sum(region.block_count() for region in regions)
        return cls(
            distribution=str(table.style),
            rows=table.rows,
            analyzed_rows=table.analyzed_rows,
            rows_by_slice=tuple(sum(region.rows for region in part.regions) for part in table.slices),
            unsorted_rows=sum(part.unsorted.rows for part in table.slices),
            blocks=blocks,
            encoded_bytes=sum(region.encoded_bytes() for region in regions),
            size_bytes=blocks * table.layout.block_bytes,
        )


@dataclass(frozen=True, slots=True)
class WarehouseStatus:
    """All tables by name, the next transaction id, those that came to nothing, and slices that were lost so far."""

    tables: dict[str, TableStatus]
    next_xid: int
    aborted: tuple[int, ...]
    lost: tuple[int, ...] = ()
