"""What callers, tenants and orders should be able to rely on. Each function returns the rows that break it, as in
`dsys_lab.trace.invariants`.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsys_lab.trace.recorder import Row


def comes_back(rows: Iterable[Row], *, from_s: float, share: float) -> list[Row]:
    """Of the calls that begin after `from_s` s and are over, at least a share of `share` have their answer in time."""
    begun: set[str | None] = set()
    given_up: list[Row] = []
    answered = 0
    for row in rows:
        if row.kind == "publish" and row.fields["attempt"] == 1 and row.time_us >= from_s * 1e6:
            begun.add(row.message)
        elif row.kind == "publish_ok":
            answered += row.message in begun
        elif row.kind == "abandon" and row.message in begun:
            given_up.append(row)
    return given_up if answered < share * (answered + len(given_up)) else []


def kept_waiting_at_most(rows: Iterable[Row], *, tenant: str, p99_s: float) -> list[Row]:
    """Of 100 jobs of `tenant`, 99 are done within `p99_s` s of their arrival."""
    done = [row for row in rows if row.kind in ("finish", "effect") and row.fields.get("tenant") == tenant]
    late = [row for row in done if int(row.fields["sojourn_us"] or 0) > p99_s * 1e6]
    return late if len(late) * 100 > len(done) else []


def none_refused(rows: Iterable[Row]) -> list[Row]:
    """No message is told no."""
    return [row for row in rows if row.kind == "reject"]


def keys_lead_somewhere(rows: Iterable[Row]) -> list[Row]:
    """Whoever is sent the key of an object finds the object."""
    return [row for row in rows if row.kind == "miss"]


def one_end_each(rows: Iterable[Row]) -> list[Row]:
    """Every order that was accepted ends once: confirmed, or given back with an apology."""
    open_orders: dict[object, Row] = {}
    broken = []
    for row in rows:
        if row.kind == "accept":
            open_orders[row.fields["order"]] = row
        elif row.kind in ("confirm", "apologise") and open_orders.pop(row.fields["order"], None) is None:
            broken.append(row)
    return sorted([*broken, *open_orders.values()], key=lambda row: row.seq)


def opens_for_the_owner_alone(rows: Iterable[Row]) -> list[Row]:
    """A door that looks at grants lets in nobody but those whom they were given."""
    return [row for row in rows if row.kind == "verify" and row.fields["ok"] and row.fields.get("by") == "thief"]


def hit_at_most(rows: Iterable[Row], *, share: float) -> list[Row]:
    """At most a share of `share` of the users are told no."""
    seen: set[object] = set()
    told_no: dict[object, Row] = {}
    for row in rows:
        if "user" in row.fields:
            seen.add(row.fields["user"])
            if row.kind == "reject":
                told_no.setdefault(row.fields["user"], row)
    return list(told_no.values()) if len(told_no) > share * len(seen) else []
