"""Promises in a trace: each accepted order ends once, in a yes or in a sorry that was paid back first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsys_lab.trace.recorder import Row

TOLD = ("confirm", "apologise")


def promises_settled_once(rows: Iterable[Row]) -> list[Row]:
    """Every promise ends in exactly one yes or apology, and no apology comes before its money is back."""
    accepted: dict[object, Row] = {}
    told: dict[object, Row] = {}
    paid_back: set[object] = set()
    broken = []
    for row in rows:
        order = row.fields.get("order")
        if row.kind == "accept":
            accepted.setdefault(order, row)
        elif row.kind == "compensate":
            paid_back.add(order)
        elif row.kind in TOLD:
            if order in told or (row.kind == "apologise" and order not in paid_back):
                broken.append(row)
            told.setdefault(order, row)
    never = [row for order, row in accepted.items() if order not in told]
    return sorted(broken + never, key=lambda row: row.seq)


def settled_or_owned_in_time(rows: Iterable[Row], *, within_s: float) -> list[Row]:
    """So long after it was accepted every promise is settled, or in the hands of a person."""
    accepted: dict[object, Row] = {}
    in_time: set[object] = set()
    for row in rows:
        order = row.fields.get("order")
        if row.kind == "accept":
            accepted.setdefault(order, row)
        elif (
            row.kind in (*TOLD, "escalate")
            and order in accepted
            and row.time_us <= accepted[order].time_us + within_s * 1e6
        ):
            in_time.add(order)
    return [row for order, row in accepted.items() if order not in in_time]


def stock_never_below_nothing(rows: Iterable[Row]) -> list[Row]:
    """Whatever was promised: nobody gives out more than there is."""
    return [row for row in rows if row.kind == "gauge" and row.fields["name"] == "left" and row.fields["value"] < 0]  # type: ignore[operator]  # a count
