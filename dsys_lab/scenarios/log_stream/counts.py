"""What a run of `nights` or `readers` came to, counted from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from dsys_lab.trace import Row
from dsys_lab.trace.invariants_of_logs import in_order_by_key, in_order_of_arrival, one_owner, stored_in_order


def by_shard(rows: Iterable[Row]) -> dict[str, float]:
    """Return which share of the records that were stored lies on each shard."""
    counts = Counter(str(row.fields["shard"]) for row in rows if row.kind == "append")
    return {shard: count / counts.total() for shard, count in sorted(counts.items())}


def throttled(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many records each shard turned away."""
    places = (row.place.rpartition("/")[2] for row in rows if row.kind == "reject")
    return dict(sorted(Counter(places).items()))


def repeated(rows: Iterable[Row]) -> int:
    """Return how many effects were carried out that had been carried out before."""
    counts = Counter((row.message, row.fields["copy"]) for row in rows if row.kind == "effect")
    return counts.total() - len(counts)


def never_done(rows: Iterable[Row]) -> int:
    """Return how many records that were stored were never worked on."""
    stored, done = set(), set()
    for row in rows:
        if row.kind == "append":
            stored.add((row.message, row.fields["copy"]))
        elif row.kind == "effect":
            done.add((row.message, row.fields["copy"]))
    return len(stored - done)


def inversions(rows: Iterable[Row]) -> int:
    """Return how many records were worked on, for the first time, after a record of their key that was stored later."""
    return len(in_order_by_key(rows))


def overtaken(rows: Iterable[Row], kind: str) -> int:
    """Return how many messages were stored ("append") or worked on ("effect") after a later one of their key."""
    return len((stored_in_order if kind == "append" else in_order_of_arrival)(rows))


def by_former_owners(rows: Iterable[Row]) -> int:
    """Return how many effects were carried out under an epoch of a shard after one under a higher epoch."""
    return len(one_owner(rows))


def polls_refused(rows: Iterable[Row]) -> float:
    """Return which share of the polls was over the shard's limit."""
    calls = Counter(row.kind for row in rows if row.kind in ("read", "empty", "throttle") and row.message is None)
    return calls["throttle"] / calls.total()


def read_delays_s(rows: Iterable[Row], reader: str | None = None) -> list[float]:
    """Return how long each record lay there before it was read for the first time, by anybody or by one reader."""
    stored_us: dict[tuple[str, int], int] = {}
    found: dict[tuple[str, int], float] = {}
    for row in rows:
        if row.kind == "append":
            stored_us[row.place, int(str(row.fields["offset"]))] = row.time_us
        elif row.kind == "read" and reader in (None, row.place):
            first, count = int(str(row.fields["first"])), int(str(row.fields["count"]))
            for offset in range(first, first + count):
                record = str(row.fields["shard"]), offset
                found.setdefault(record, (row.time_us - stored_us[record]) / 1e6)
    return list(found.values())


def takeovers(rows: Iterable[Row]) -> list[tuple[float, str, str, int]]:
    """Return each time a shard changed hands: seconds, shard, its new owner, the epoch."""
    return [
        (row.time_us / 1e6, str(row.fields["shard"]), str(row.fields["owner"]), int(str(row.fields["epoch"])))
        for row in rows
        if row.kind == "lease"
    ]


def missed(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many records were too old before each reader came to read them; a reader who missed none is absent."""
    found: Counter[str] = Counter()
    for row in rows:
        if row.kind == "let_down":
            found[row.place] += int(str(row.fields["count"]))
    return dict(sorted(found.items()))


def read_by(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many records each reader read."""
    found: Counter[str] = Counter()
    for row in rows:
        if row.kind == "read":
            found[row.place] += int(str(row.fields["count"]))
    return dict(sorted(found.items()))


def compared(traces: Mapping[object, Iterable[Row]], **tell: Callable[[Iterable[Row]], int]) -> pd.DataFrame:
    """Return a row for each run and a column for each count."""
    words = {name.replace("_", " "): count for name, count in tell.items()}
    said = {name: {word: count(rows) for word, count in words.items()} for name, rows in traces.items()}
    return pd.DataFrame.from_dict(said, orient="index")
