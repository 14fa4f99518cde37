"""What delta-rs does otherwise than `stores.lake`, as a table."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

DIFFERENCES: Final = (
    Difference(
        "a file that is removed is told apart by its path",
        "by its path and its deletion vector, where a table has one",
        "A table that asks for deletion vectors is refused by the model, by its protocol version.",
    ),
    Difference(
        "a checkpoint every 10 commits",
        "every 100, unless the table's configuration says otherwise",
        "The hint `_last_checkpoint` says where the last one is; each reads the other's.",
    ),
    Difference(
        "columns are added by a commit of its own, `add_columns`",
        "or by any append with `schema_mode='merge'`",
        "Then a drift of the data changes the table, and nobody is told.",
    ),
    Difference(
        "`vacuum` takes files that no commit names only when asked",
        "takes them too in its full mode, if they are old enough",
        "The model's stores have no time of writing.",
        ("orphans",),
    ),
)
