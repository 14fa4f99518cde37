"""Invariants: what must be true of a run, as functions of its trace.

Each takes the rows (and its parameters) and returns the rows that break it: none, if it held. Tests, exercises and
lamps call the same functions; a run's header names the invariants that it should keep, each with its parameters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace.invariants_of_calls import (
    comes_back,
    hit_at_most,
    kept_waiting_at_most,
    keys_lead_somewhere,
    none_refused,
    one_end_each,
    opens_for_the_owner_alone,
)
from dsys_lab.trace.invariants_of_films import every_moment_kept
from dsys_lab.trace.invariants_of_logs import in_order_by_key, in_order_of_arrival, one_owner, stored_in_order
from dsys_lab.trace.invariants_of_promises import (
    promises_settled_once,
    settled_or_owned_in_time,
    stock_never_below_nothing,
)
from dsys_lab.trace.invariants_of_windows import on_time_when_complete, watermark_never_runs_back
from dsys_lab.trace.ledger import ACCOUNT_OF, FINAL, OFFERS, Copy, account_after, copy_of

if TYPE_CHECKING:
    from dsys_lab.trace.recorder import Row, Trace

Invariant = Callable[..., list["Row"]]


def conservation(rows: Iterable[Row]) -> list[Row]:
    """Every copy is offered once, stands in one account, and never leaves a final one (the dead may be redriven)."""
    accounts: dict[Copy, str] = {}
    broken = []
    for row in rows:
        if row.kind not in ACCOUNT_OF or row.message is None:
            continue
        copy = copy_of(row)
        before = accounts.get(copy)
        account = account_after(row, before)
        if not account:
            continue
        came_back = before in FINAL and not (before == "dead" and row.kind in ("redrive", "expire"))
        if (row.kind in OFFERS) != (before is None) or came_back:
            broken.append(row)
        accounts[copy] = account
    return broken


def depth_adds_up(rows: Iterable[Row]) -> list[Row]:
    """The depth that a buffer reports is the number of copies that its own rows leave in it."""
    where: dict[Copy, str] = {}
    depth: dict[str, int] = {}
    broken = []
    for row in rows:
        if row.kind not in ACCOUNT_OF or row.message is None:
            continue
        copy = copy_of(row)
        left = where.pop(copy, None)
        if left is not None:
            depth[left] -= 1
        if ACCOUNT_OF[row.kind] == "stored":
            where[copy] = row.place
            depth[row.place] = depth.get(row.place, 0) + 1
            if row.fields.get("depth", depth[row.place]) != depth[row.place]:
                broken.append(row)
    return broken


def bounded_depth(rows: Iterable[Row], *, depth_max: int) -> list[Row]:
    """No buffer ever holds more than `depth_max` messages."""
    return [row for row in rows if row.kind == "enqueue" and int(row.fields["depth"] or 0) > depth_max]


def nothing_lost(rows: Iterable[Row]) -> list[Row]:
    """No message is dropped or expired; one that is told no is not lost, for its sender knows."""
    return [row for row in rows if ACCOUNT_OF.get(row.kind) in ("dropped", "expired")]


def important_kept(rows: Iterable[Row], *, priority: str) -> list[Row]:
    """No message of priority `priority` is dropped, expired or rejected."""
    rows = list(rows)
    chosen = {row.message for row in rows if row.fields.get("priority") == priority}
    turned_away = ("dropped", "expired", "rejected")
    return [row for row in rows if row.message in chosen and ACCOUNT_OF.get(row.kind) in turned_away]


def answered_in_time(rows: Iterable[Row]) -> list[Row]:
    """No caller gives a call up: each has its answer in time."""
    return [row for row in rows if row.kind == "abandon"]


def credit_respected(rows: Iterable[Row]) -> list[Row]:
    """A sender never has more outstanding than its credit window."""
    return [row for row in rows if row.kind == "credit" and row.fields["outstanding"] > row.fields["window"]]  # type: ignore[operator]


def sends_settle(rows: Iterable[Row]) -> list[Row]:
    """Every copy sent is received or lost exactly once, unless it is still on its way when the run ends."""
    rows = list(rows)
    on_the_way: dict[tuple[str | None, object, object, object], list[Row]] = {}
    broken = []
    for row in rows:
        if row.kind == "send":
            on_the_way.setdefault((row.message, row.place, row.fields["to"], row.fields["copy"]), []).append(row)
        elif row.kind in ("receive", "lost"):
            sent = on_the_way.get((row.message, row.fields["source"], row.place, row.fields["copy"]))
            if sent:
                sent.pop(0)
            else:
                broken.append(row)
    end_us = rows[-1].time_us if rows else 0
    overdue = [row for left in on_the_way.values() for row in left if int(row.fields["arrive_us"] or 0) < end_us]
    return sorted(broken + overdue, key=lambda row: row.seq)


# ------------------------------------------------------------------------------------------ of messages on loan
DONE_BY: Final = ("effect", "finish", "filed")
"""Rows that say that the work of a message was carried out."""
WAITS: Final = ("stored", "in flight")
NAMED_ENDS: Final = ("dead", "dropped", "expired")


def no_acknowledged_loss(rows: Iterable[Row]) -> list[Row]:
    """A message that its producer was told is safe is carried out, still there, or its loss is named in a row."""
    return _never_carried_out(rows, excused=(*WAITS, *NAMED_ENDS))


def promised_and_kept(rows: Iterable[Row]) -> list[Row]:
    """What its producer was told is safe is carried out, still there, or set aside: never dropped, never expired."""
    return _never_carried_out(rows, excused=(*WAITS, "dead"))


def at_least_once(rows: Iterable[Row]) -> list[Row]:
    """When all is quiet, each message that was acknowledged to its producer was carried out, or its end is named."""
    return _never_carried_out(rows, excused=NAMED_ENDS)


def _never_carried_out(rows: Iterable[Row], *, excused: tuple[str, ...]) -> list[Row]:
    """Return the last row about each message that was promised, never carried out, and stands nowhere excused."""
    promised: dict[str, Row] = {}
    carried_out: set[str] = set()
    moved: dict[str, dict[Copy, Row]] = {}
    for row in rows:
        if row.message is None:
            continue
        if row.kind == "publish_ok":
            promised.setdefault(row.message, row)
        elif row.kind in DONE_BY:
            carried_out.add(row.message)
        if row.kind in ACCOUNT_OF:
            moved.setdefault(row.message, {})[copy_of(row)] = row
    broken = []
    for message, promise in promised.items():
        last = list(moved.get(message, {}).values())
        accounts = {ACCOUNT_OF[row.kind] for row in last if row.kind not in OFFERS}
        if message not in carried_out and accounts.isdisjoint(excused):
            broken.append(max(last, default=promise, key=lambda row: row.seq))
    return sorted(broken, key=lambda row: row.seq)


def at_most_once(rows: Iterable[Row]) -> list[Row]:
    """No message is carried out twice."""
    seen: Counter[str | None] = Counter()
    return [row for row in rows if row.kind == "effect" and _nth(seen, row.message) > 1]


def exactly_once_effect(rows: Iterable[Row]) -> list[Row]:
    """Each idempotency key takes effect exactly once: never again, and it is never skipped before it has."""
    seen: Counter[object] = Counter()
    return [
        row
        for row in rows
        if (row.kind == "effect" and _nth(seen, row.fields["key"]) > 1)
        or (row.kind == "effect_skip" and not seen[row.fields["key"]])
    ]


def _nth(seen: Counter[Any], key: object) -> int:
    seen[key] += 1
    return seen[key]


def order_per_group(rows: Iterable[Row]) -> list[Row]:
    """The messages of a group, or the records of a key, are carried out in the order in which they were stored."""
    place: dict[str | None, tuple[object, int]] = {}
    furthest: dict[object, int] = {}
    broken = []
    for row in rows:
        of = row.fields.get("group") if row.kind == "enqueue" else row.fields.get("key")
        if row.kind in ("enqueue", "append") and of is not None:
            place.setdefault(row.message, (of, row.seq))
        elif row.kind == "effect" and row.message in place:
            group, stored = place[row.message]
            if stored < furthest.get(group, -1):
                broken.append(row)
            furthest[group] = max(stored, furthest.get(group, -1))
    return broken


LOAN_ENDS: Final = ("visible", "nack", "ack", "dead", "expire", "drop")


def one_at_a_time(rows: Iterable[Row]) -> list[Row]:
    """Of a group, one message at most is on loan."""
    group_of: dict[Copy, object] = {}
    holder: dict[object, Copy] = {}
    broken = []
    for row in rows:
        if row.kind == "enqueue" and row.fields.get("group") is not None:
            group_of[copy_of(row)] = row.fields["group"]
        group = group_of.get(copy_of(row))
        if group is None:
            continue
        if row.kind == "deliver":
            if group in holder:
                broken.append(row)
            holder[group] = copy_of(row)
        elif row.kind in LOAN_ENDS and holder.get(group) == copy_of(row) and not row.fields.get("delay_us"):
            del holder[group]
    return broken


def invisible_while_lent(rows: Iterable[Row]) -> list[Row]:
    """While a message is on loan nobody else gets it, unless it was handed back."""
    until_us: dict[Copy, int] = {}
    broken = []
    for row in rows:
        if row.kind == "deliver":
            if row.time_us < until_us.get(copy_of(row), 0):
                broken.append(row)
            until_us[copy_of(row)] = int(row.fields["visible_until_us"] or 0)
        elif row.kind == "extend":
            until_us[copy_of(row)] = int(row.fields["until_us"] or 0)
        elif row.kind in LOAN_ENDS:
            until_us.pop(copy_of(row), None)
    return broken


# ------------------------------------------------------------------------------------------ of a log and its commits
def no_acknowledged_commit_lost(rows: Iterable[Row]) -> list[Row]:
    """No recovery ends its log below a commit that was acknowledged before, or by a writer of an earlier epoch."""
    rows = list(rows)
    commits = [row for row in rows if row.kind == "publish_ok" and "lsn" in row.fields]
    broken = [
        max(commit, recovery, key=lambda row: row.seq)
        for recovery in rows
        if recovery.kind == "recover"
        for commit in commits
        if _is_before(commit, recovery) and int(commit.fields["lsn"] or 0) > int(recovery.fields["redo_to"] or 0)
    ]
    return [row for _, row in sorted({row.seq: row for row in broken}.items())]


def _is_before(commit: Row, recovery: Row) -> bool:
    if "epoch" in commit.fields and "epoch" in recovery.fields:
        return int(commit.fields["epoch"] or 0) < int(recovery.fields["epoch"] or 0)
    return commit.seq < recovery.seq


def acknowledged_is_read(rows: Iterable[Row]) -> list[Row]:
    """Whoever looks at a key sees the last change of it that was acknowledged by then, or a later one."""
    acknowledged: dict[object, int] = {}
    broken = []
    for row in rows:
        if row.kind == "publish_ok" and "lsn" in row.fields:
            key, lsn = row.fields.get("key"), int(row.fields["lsn"] or 0)
            acknowledged[key] = max(lsn, acknowledged.get(key, 0))
        elif row.kind == "look" and int(row.fields["position"] or 0) < acknowledged.get(row.fields["key"], 0):
            broken.append(row)
    return broken


def epochs_never_run_back(rows: Iterable[Row]) -> list[Row]:
    """What has kept a record of one epoch keeps none that an earlier epoch sends."""
    epochs: dict[str, int] = {}
    broken = []
    for row in rows:
        if row.kind in ("log_append", "recover") and "epoch" in row.fields:
            epoch = int(row.fields["epoch"] or 0)
            if epoch < epochs.get(row.place, 0):
                broken.append(row)
            epochs[row.place] = max(epoch, epochs.get(row.place, 0))
    return broken


# ------------------------------------------------------------------------------------------ of windows
def checks_hold(rows: Iterable[Row]) -> list[Row]:
    """Every check that was made of what is left came out as it must."""
    return [row for row in rows if row.kind == "check" and not row.fields["ok"]]


INVARIANTS: Final[dict[str, Invariant]] = {
    "conservation": conservation,
    "depth adds up": depth_adds_up,
    "bounded depth": bounded_depth,
    "nothing lost": nothing_lost,
    "important kept": important_kept,
    "answered in time": answered_in_time,
    "credit respected": credit_respected,
    "sends settle": sends_settle,
    "no acknowledged loss": no_acknowledged_loss,
    "promised and kept": promised_and_kept,
    "at least once": at_least_once,
    "at most once": at_most_once,
    "exactly-once effect": exactly_once_effect,
    "order per group": order_per_group,
    "in order by key": in_order_by_key,
    "in order of arrival": in_order_of_arrival,
    "stored in order": stored_in_order,
    "one owner": one_owner,
    "one at a time per group": one_at_a_time,
    "invisible while lent": invisible_while_lent,
    "no acknowledged commit lost": no_acknowledged_commit_lost,
    "acknowledged is read": acknowledged_is_read,
    "epochs never run back": epochs_never_run_back,
    "watermark never runs back": watermark_never_runs_back,
    "on time when complete": on_time_when_complete,
    "every moment kept": every_moment_kept,
    "comes back": comes_back,
    "kept waiting at most": kept_waiting_at_most,
    "keys lead somewhere": keys_lead_somewhere,
    "none refused": none_refused,
    "one end each": one_end_each,
    "hit at most": hit_at_most,
    "opens for the owner alone": opens_for_the_owner_alone,
    "checks hold": checks_hold,
    "promises settled once": promises_settled_once,
    "settled or somebody's in time": settled_or_owned_in_time,
    "stock never below nothing": stock_never_below_nothing,
}
"""Every invariant by the name that a header and a lamp use."""


@dataclass(frozen=True, slots=True)
class Lamp:
    """An invariant held against one run: green while `rows` is empty."""

    name: str
    meaning: str
    rows: tuple[int, ...]

    @property
    def held(self) -> bool:
        """Whether no row broke it."""
        return not self.rows


def lamps(trace: Trace) -> list[Lamp]:
    """Hold the invariants that the trace's header names against its rows.

    Raises
    ------
    BadParameter
        If the header names an invariant that does not exist.
    """
    rows = list(trace)  # made once: every invariant reads all of them
    return [lamp(rows, name, **parameters) for name, parameters in trace.header.invariants.items()]


def lamp(rows: Iterable[Row], name: str, **parameters: object) -> Lamp:
    """Hold one invariant against the rows of a trace."""
    if name not in INVARIANTS:
        raise BadParameter(f"invariant {name!r}: give one of {', '.join(INVARIANTS)}")
    invariant = INVARIANTS[name]
    meaning = (invariant.__doc__ or "").strip().splitlines()[0]
    for parameter, value in parameters.items():
        meaning = meaning.replace(f"`{parameter}`", str(value))
    return Lamp(name, meaning, tuple(row.seq for row in invariant(rows, **parameters)))
