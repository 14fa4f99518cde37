"""What delta-rs does otherwise than `stores.lake`, as a table."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

DIFFERENCES: Final = (
    Difference(
        "a file that is removed is told apart by its path",
        "delta-rs: by its path and its deletion vector, where a table has one",
        "A table that asks for deletion vectors is refused by the model, by its protocol version.",
    ),
    Difference(
        "a checkpoint every 10 commits",
        "delta-rs: every 100, unless the table's configuration says otherwise",
        "The hint `_last_checkpoint` says where the last one is; each reads the other's.",
    ),
    Difference(
        "columns are added by a commit of its own, `add_columns`",
        "delta-rs: or by any append with `schema_mode='merge'`",
        "Then a drift of the data changes the table, and nobody is told.",
    ),
    Difference(
        "`vacuum` takes files that no commit names if it is told when they were put (`written_ms`)",
        "delta-rs: in its full mode, by the store's own times",
        "Not every store of the model's has a clock.",
        ("orphans",),
    ),
)
