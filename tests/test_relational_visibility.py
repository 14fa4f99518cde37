"""Who sees which version: the rule, against a history that is played and looked at moment by moment."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.stores.relational.deadlock import circle
from dsys_lab.stores.relational.visibility import (
    ABORTED,
    COMMITTED,
    NOBODY,
    RUNNING,
    Snapshot,
    Stamp,
    is_dead,
    is_visible,
)
from dsys_lab.structures.b_tree import Rid

HERE = Rid(0, 0)


@dataclass
class History:
    """Transactions 1, 2, 3, ...: when each began and ended, and how; in moments 0, 1, 2, ..."""

    lives: list[tuple[int, int, bool]]

    def fate(self, xid: int, now: int) -> int:
        began, ended, commits = self.lives[xid - 1]
        assert began <= now
        return RUNNING if ended > now else COMMITTED if commits else ABORTED

    def snapshot(self, at: int) -> Snapshot:
        begun = [xid for xid, (began, _, _) in enumerate(self.lives, 1) if began <= at]
        return Snapshot(len(begun) + 1, frozenset(xid for xid in begun if self.lives[xid - 1][1] > at))

    def had_committed(self, xid: int, at: int) -> bool:
        began, ended, commits = self.lives[xid - 1]
        return commits and began <= at and ended <= at


@st.composite
def histories(draw: st.DrawFn) -> History:
    begins = sorted(draw(st.lists(st.integers(0, 20), min_size=2, max_size=6, unique=True)))
    return History([(began, began + draw(st.integers(1, 12)), draw(st.booleans())) for began in begins])


@settings(max_examples=200, deadline=None)
@given(histories(), st.data())
def test_a_snapshot_sees_for_ever_what_was_committed_when_it_was_taken(history: History, data: st.DataObject) -> None:
    xids = st.integers(1, len(history.lives))
    maker, remover = data.draw(xids), data.draw(st.sampled_from([NOBODY, *range(1, len(history.lives) + 1)]))
    taken, own = data.draw(st.integers(0, 30)), NOBODY
    snapshot = history.snapshot(taken)
    expected = history.had_committed(maker, taken) and not (
        remover != NOBODY and history.had_committed(remover, taken)
    )
    last_beginning = history.lives[-1][0]
    for now in (max(taken, last_beginning), 40):  # however late one looks, by the same snapshot
        seen = is_visible(Stamp(maker, remover, HERE), snapshot, own, lambda xid, now=now: history.fate(xid, now))
        assert seen is expected


@settings(max_examples=200, deadline=None)
@given(histories(), st.data())
def test_what_is_dead_no_open_snapshot_and_no_later_one_sees(history: History, data: st.DataObject) -> None:
    count = len(history.lives)
    maker, remover = data.draw(st.integers(1, count)), data.draw(st.integers(0, count))
    now = history.lives[-1][0] + data.draw(st.integers(0, 15))
    open_since = data.draw(st.lists(st.integers(0, now), max_size=3))
    snapshots = [history.snapshot(at) for at in (*open_since, now)]

    def fates(xid: int) -> int:
        return history.fate(xid, now)

    stamp = Stamp(maker, remover, HERE)
    if is_dead(stamp, min(snapshot.oldest for snapshot in snapshots), fates):
        later = [Snapshot(count + 1, frozenset()), *snapshots]
        assert not any(is_visible(stamp, snapshot, NOBODY, fates) for snapshot in later)


@pytest.mark.parametrize(("stamp", "own", "seen"), [
    (Stamp(5, NOBODY, HERE), 5, True), (Stamp(5, 5, HERE), 5, False), (Stamp(1, 5, HERE), 5, False),
    (Stamp(1, 5, HERE), NOBODY, True), (Stamp(1, 5, HERE, is_lock=True), 5, True),
    (Stamp(1, 1, HERE, is_lock=True), NOBODY, True), (Stamp(5, NOBODY, HERE), NOBODY, False),
])
def test_ones_own_work_is_seen_at_once_and_a_lock_takes_nothing_away(stamp: Stamp, own: int, seen: bool) -> None:
    snapshot, fates = Snapshot(6, frozenset({5})), {1: COMMITTED, 5: RUNNING}.__getitem__
    assert is_visible(stamp, snapshot, own, fates) is seen


@pytest.mark.parametrize(("waits", "start", "found"), [
    ({}, 1, ()), ({1: 2}, 1, ()), ({1: 2, 2: 1}, 1, (1, 2)), ({1: 1}, 1, (1,)),
    ({1: 2, 2: 3, 3: 2}, 1, ()), ({1: 2, 2: 3, 3: 4, 4: 1}, 3, (3, 4, 1, 2)),
])
def test_a_circle_is_found_from_whoever_closes_it(waits: dict[int, int], start: int, found: tuple[int, ...]) -> None:
    assert circle(waits, start) == found
