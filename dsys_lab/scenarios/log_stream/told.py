"""What a stream says, as tables: what lies on which shard, and what a call of read gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from dsys_lab.brokers.log_stream import LogStream, Page, ShardIterator, Throttled

ALL_BYTES: Final = 1 << 30


def laid_out(stream: LogStream, now_us: int) -> pd.DataFrame:
    """Return a row for each shard: its state, its parents, and its records with their numbers and keys."""
    rows = {}
    for shard in stream.shards():
        page, _ = stream.push(now_us, ShardIterator(shard.name, shard.first, now_us), bytes_max=ALL_BYTES)
        rows[shard.name] = {
            "is": "open" if shard.is_open else "closed",
            "made from": ", ".join(shard.parents),
            "on it": ", ".join(f"{one.sequence}: {one.message} of {one.key}" for one in page.records),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def in_words(pages: Mapping[str, Page | Throttled]) -> pd.DataFrame:
    """Return a row for each call of read: what it gave, and where it says to go on."""
    rows = {}
    for name, page in pages.items():
        if isinstance(page, Throttled):
            rows[name] = {"gave": f"turned away, over its {page.what}", "go on": "the same, later"}
            continue
        gave = ", ".join(one.message for one in page.records) or "nothing yet" if page.next else "nothing more"
        where = f"at number {page.next.sequence}" if page.next else f"on {' and '.join(page.children)}"
        rows[name] = {"gave": gave, "go on": where}
    return pd.DataFrame.from_dict(rows, orient="index")
