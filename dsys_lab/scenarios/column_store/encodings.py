"""In how few bytes does each column of a night fit, with which encoding, and what says the law?

1. `table`: bytes of each column with each encoding, as the warehouse's blocks hold them.
2. `winners`: the smallest, beside what the policy chooses by itself.
3. `by_law`: runs and bits.

The names are this suite's; Redshift's RAW is `plain`, RUNLENGTH `run_length`, BYTEDICT `dictionary`, DELTA `delta`;
MOSTLY8, 16 and 32 are `mostly8`, `mostly16` and `mostly32`; `frame` packs bits as AZ64 may do, whose form is not
published. Redshift compresses texts by LZO or ZSTD, which the standard library lacks: `zlib` stands for them here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np

from dsys_lab import laws
from dsys_lab.scenarios.column_store.nights import NIGHT, in_order
from dsys_lab.stores.warehouse import Cluster, Warehouse
from dsys_lab.structures.encoding import CHOSEN, CODECS
from dsys_lab.structures.schema import WIDTHS, Schema

NIGHTS: Final = 20_000
COLUMNS: Final = ("night_id", "person_id", "date_key", "city_id", "minutes_sleep", "fw", "sync_lag_s")
BLOCK_BYTES: Final = 1 << 14


@lru_cache(maxsize=4)
def table(order: str = "by date", nights: int = NIGHTS) -> dict[str, dict[str, int]]:
    """Return by column the bytes that each encoding takes."""
    return {name: {codec: bytes_of(name, codec, order, nights) for codec in codecs_of(name)} for name in COLUMNS}


def codecs_of(column: str) -> tuple[str, ...]:
    """Return the encodings that a column may have."""
    type_ = NIGHT.columns[NIGHT.position(column)].type
    return tuple(name for name, codec in CODECS.items() if type_ in codec.types)


@lru_cache(maxsize=128)
def bytes_of(column: str, codec: str | None, order: str = "by date", nights: int = NIGHTS) -> int:
    """Return the bytes in the blocks of one column; with None each block has the encoding that is chosen for it."""
    schema = Schema((NIGHT.columns[NIGHT.position(column)],))
    lab = Warehouse(Cluster(1, 1), block_bytes=BLOCK_BYTES)
    lab.create_table("t", schema, encodings={} if codec is None else {column: codec})
    lab.copy("t", [in_order(order, schema, nights)])
    return sum(block.size_bytes for block in lab.blocks("t") if block.column == column)


def winners(order: str = "by date", nights: int = NIGHTS) -> dict[str, dict[str, Any]]:
    """Return by column the smallest encoding of those that are chosen unasked, and what is chosen block by block."""
    told = {}
    for name, every in table(order, nights).items():
        sizes = {codec.name: every[codec.name] for codec in CHOSEN if codec.name in every}
        best = min(sizes, key=lambda codec: (sizes[codec], codec))
        told[name] = {
            "smallest": best, "times smaller": f"{sizes['plain'] / sizes[best]:,.1f}".removesuffix(".0"),
            "chosen by block": bytes_of(name, None, order, nights), "bytes": sizes[best],
        }  # fmt: skip
    return told


def by_law(column: str, order: str = "by date", nights: int = NIGHTS) -> dict[str, float]:
    """Return what runs and bits make of a column by law, over the whole column."""
    values = np.ma.getdata(in_order(order, NIGHT, nights)[column])
    runs = 1 + int(np.count_nonzero(values[1:] != values[:-1]))
    width = int(WIDTHS[NIGHT.columns[NIGHT.position(column)].type])
    return {
        "run_length": laws.run_length_bytes(runs, width),
        "frame": laws.packed_bytes(nights, int(values.max()) - int(values.min())),
    }
