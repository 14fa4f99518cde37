"""What the records of a log should keep: the order of a key, and one owner of a shard. Each function returns the rows
that break it, as in `dsys_lab.trace.invariants`.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsys_lab.trace.recorder import Row


def in_order_by_key(rows: Iterable[Row]) -> list[Row]:
    """No record is worked on, for the first time, after one of its key that was stored later; repeats do not count."""
    place: dict[object, int] = {}
    furthest: dict[object, int] = {}
    seen: set[object] = set()
    broken = []
    for row in rows:
        record = row.message, row.fields.get("copy")
        if row.kind == "append":
            place[record] = row.seq
        elif row.kind == "effect" and record in place and record not in seen:
            key = row.fields["key"]
            if place[record] < furthest.get(key, -1):
                broken.append(row)
            furthest[key] = max(furthest.get(key, -1), place[record])
            seen.add(record)
    return broken


def in_order_of_arrival(rows: Iterable[Row]) -> list[Row]:
    """Nothing is worked on, for the first time, after something of its key that was published later."""
    return _overtaken(rows, "effect")


def stored_in_order(rows: Iterable[Row]) -> list[Row]:
    """No record is stored behind one of its key that was published later."""
    return _overtaken(rows, "append")


def _overtaken(rows: Iterable[Row], kind: str) -> list[Row]:
    """Return the first row of this kind about each message that comes after one about a later message of its key."""
    published: dict[str | None, int] = {}
    furthest: dict[object, int] = {}
    broken = []
    for row in rows:
        if row.kind == "publish":
            published.setdefault(row.message, row.seq)
        elif row.kind == kind and row.message in published:
            key, place = row.fields["key"], published.pop(row.message)
            if place < furthest.get(key, -1):
                broken.append(row)
            furthest[key] = max(furthest.get(key, -1), place)
    return broken


def one_owner(rows: Iterable[Row]) -> list[Row]:
    """Once a shard has a new owner who has acted, no earlier owner acts on it."""
    newest: dict[object, int] = {}
    broken = []
    for row in rows:
        if row.kind == "effect" and "epoch" in row.fields:
            shard, epoch = row.fields["shard"], int(str(row.fields["epoch"]))
            if epoch < newest.get(shard, 0):
                broken.append(row)
            newest[shard] = max(epoch, newest.get(shard, 0))
    return broken
