"""What a run of `nights` or `readers` came to, counted from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Row, Trace
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


def read_so_far(trace: Trace) -> dict[str, list[tuple[float, float]]]:
    """Return over the seconds how many records each reader had read."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in trace.of("read"):
        curve = found.setdefault(row.place, [(0.0, 0.0)])
        curve.append((row.time_us / 1e6, curve[-1][1] + int(str(row.fields["count"]))))
    return {reader: [*curve, (trace.end_us / 1e6, curve[-1][1])] for reader, curve in sorted(found.items())}


def pages_of(trace: Iterable[Row], reader: str) -> pd.DataFrame:
    """Return a row for each page that a reader read: when, from which number on, how many, how far behind it was."""
    pages = [
        {
            "at, s": f"{row.time_us / 1e6:.1f}",
            "from number": int(str(row.fields["first"])),
            "records": int(str(row.fields["count"])),
            "behind, s": f"{int(str(row.fields['behind_us'])) / 1e6:.1f}",
        }
        for row in trace
        if row.kind == "read" and row.place == reader
    ]
    return pd.DataFrame(pages).set_index("at, s")


def parents_worked_up(rows: Iterable[Row]) -> int:
    """Return how many parents of a merge were worked up when the first record of its child was."""
    rows = list(rows)
    [merge] = [row for row in rows if row.kind == "shard" and row.fields["op"] == "merge"]
    left = {name: set[object]() for name in str(merge.fields["parents"]).split(", ")}
    child = str(merge.fields["children"])
    for row in rows:
        if row.kind == "append" and row.fields["shard"] in left:
            left[str(row.fields["shard"])].add(row.message)
        elif row.kind == "effect" and row.fields["shard"] == child:
            return sum(not waiting for waiting in left.values())
        elif row.kind == "effect" and row.fields["shard"] in left:
            left[str(row.fields["shard"])].discard(row.message)
    raise BadParameter(f"no record of {child} was worked on: give a run that puts some after its merge")


def held_up(rows: Iterable[Row], bad: str, until_s: float) -> dict[str, int]:
    """Return how many records were stored and not worked on by then, and what of the bad one's they share.

    What is younger than two seconds may be under way, and is left out.
    """
    stored: dict[str, tuple[object, object]] = {}
    done = set()
    for row in rows:
        if row.kind == "append" and row.time_us < (until_s - 2) * 1e6:
            stored[str(row.message)] = row.fields["key"], row.fields["shard"]
        elif row.kind in ("effect", "dead") and row.time_us < until_s * 1e6:
            done.add(row.message)
    key, shard = stored[bad]
    found = {"it alone": 0, "its sleeper": 0, "its shard": 0, "other shards": 0}
    for message, (its_key, its_shard) in stored.items():
        if message not in done:
            of = "it alone" if message == bad else "its sleeper" if its_key == key else "its shard"
            found[of if its_shard == shard else "other shards"] += 1
    return found


def widest(waiting: Mapping[str, int]) -> str:
    """Return the last of these who has anything waiting."""
    return [name for name, count in waiting.items() if count][-1]


def compared(traces: Mapping[object, Iterable[Row]], **tell: Callable[[Iterable[Row]], int]) -> pd.DataFrame:
    """Return a row for each run and a column for each count."""
    words = {name.replace("_", " "): count for name, count in tell.items()}
    said = {name: {word: count(rows) for word, count in words.items()} for name, rows in traces.items()}
    return pd.DataFrame.from_dict(said, orient="index")
