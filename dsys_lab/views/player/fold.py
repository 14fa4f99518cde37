"""A run folded to where everything stands: the player's `reduce` once more, for pictures that do not move.

The rows mean what `dsys_lab.trace.kinds` says of their kinds; no kind is known here by its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from dsys_lab.trace import KINDS, STATES, Kind, Row
from dsys_lab.trace.ledger import Copy, account_after, copy_of

_GONE: Final = {"take", "burst", "bounce"}


class Fold:
    """Where every copy of a message is after some rows.

    Attributes
    ----------
    where : dict
        Copy -> (place, standing), in the order in which they came; standing is "waiting", "here", "moving" or "dead".
    came : dict
        Copy -> the place from which it set out last.
    ghosts : dict
        (place, copy) of those who still work on a copy although their loan of it is over, in the order of that.
    holes : dict
        Copy -> what the outline of a missing message is: (one of `HOLES`, microseconds after which it was known).
    again : set of Copy
        Copies that are a repetition.
    done, skipped, lost, refused, unmatched : Counter
        By place. What is set aside as dead is not lost: it stands where it was set aside. Nor is what is back where it
        was lost.
    states : dict
        Place -> the states that it is in, each in words, the newest last; empty when it is back to normal.
    levels : dict
        Place -> how full it is, from 0 to 1: what its gauge with a `full` field said last.
    tapes : dict
        Place -> offset -> (copy, its key), of the records of a log.
    carets : dict
        Place of a tape -> (who, "read" or "commit") -> the offset that comes next.
    owners : dict
        Place of a tape -> who works there.
    closed : set of str
        The tapes to which nothing is added any more.
    flows : dict
        Pairs of places between which copies went, in the order first seen.
    leaks : dict
        Place -> the place at which was lost what its outlines stand for; "" where something else stands, too.
    """

    def __init__(self) -> None:
        self.where: dict[Copy, tuple[str, str]] = {}
        self.came: dict[Copy, str] = {}
        self.ghosts: dict[tuple[str, Copy], None] = {}
        self.account: dict[Copy, str] = {}
        self.holes: dict[Copy, tuple[str, int]] = {}
        self.again: set[Copy] = set()
        self.done: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.unmatched: Counter[str] = Counter()
        self.states: dict[str, dict[str, str]] = {}
        self.levels: dict[str, float] = {}
        self.tapes: dict[str, dict[int, tuple[Copy, str]]] = {}
        self.carets: dict[str, dict[tuple[str, str], int]] = {}
        self.owners: dict[str, str] = {}
        self.closed: set[str] = set()
        self.flows: dict[tuple[str, str], None] = {}
        self.leaks: dict[str, str] = {}
        self.trays: dict[str, int] = {}
        self.places: dict[str, None] = {}
        self.stored = 0
        self._lent: dict[Copy, str] = {}
        self._passed: dict[Copy, str] = {}
        self._lost_at: dict[Copy, str] = {}

    def apply(self, row: Row) -> None:
        """Take in one row."""
        kind = KINDS[row.kind]
        if kind.state or kind.ends:
            self._change(row, kind)
        full = row.fields.get("full") if kind.verb == "measure" else None
        if isinstance(full, int | float) and full > 0:
            self.levels[row.place] = min(1.0, max(0.0, float(row.fields["value"] or 0) / full))
        if kind.caret:
            self._point(row, kind)
        elif kind.verb == "split":
            self.closed |= {self._tape(row, name) for name in str(row.fields["parents"]).split(", ")}
        if row.message is not None:
            copy = copy_of(row)
            if kind.verb == "put" and "offset" in row.fields and "key" in row.fields:
                record = copy, str(row.fields["key"])
                self.tapes.setdefault(row.place, {})[int(str(row.fields["offset"]))] = record
            before = self.where.get(copy, ("", ""))
            if kind.hole:
                self.holes[copy] = kind.hole, int(row.fields.get("after_us") or 0)
            if kind.passes and before[0] == row.place:
                self.skipped[row.place] += 1
                self._passed[copy] = row.place
            if kind.verb in ("fade", "bounce"):  # also where nothing ever stands: a filter, a fence
                self.places.setdefault(row.place)
            if kind.verb == "bounce" and "source" in row.fields:
                self.flows.setdefault((str(row.fields["source"]), row.place))
            self._move(row, kind, copy)
            self._haunt(row, kind, copy, before)

    @property
    def behind(self) -> int:
        """How many records lie before those who read them, for each position of a tape."""
        ends = {place: max(tape) + 1 for place, tape in self.tapes.items()}
        return sum(ends.get(place, at) - at for place, carets in self.carets.items() for at in carets.values())

    def _tape(self, row: Row, shard: str) -> str:
        """Return the place of a shard that a row names."""
        named = [shard, f"{row.place}/{shard}"]
        return next((place for place in self.tapes if place in named or place.endswith(f"/{shard}")), named[1])

    def _point(self, row: Row, kind: Kind) -> None:
        """Move a position, or say who works at a tape from now on: what earlier owners had read is over."""
        fields, place = row.fields, self._tape(row, str(row.fields["shard"]))
        carets = self.carets.setdefault(place, {})
        if kind.caret == "owner":
            self.owners[place] = str(fields["owner"])
            self.carets[place] = {at: next_ for at, next_ in carets.items() if at[1] == "commit"}
        elif kind.caret == "read":
            carets[row.place, "read"] = int(str(fields["first"])) + int(str(fields["count"]))
            self.places.setdefault(row.place)
            self.flows.setdefault((place, row.place))
        else:
            carets[str(fields.get("group") or row.place), "commit"] = int(str(fields["offset"])) + 1

    def _change(self, row: Row, kind: Kind) -> None:
        """Bring places into the row's state and out of those that it ends."""
        for place in str(row.fields[kind.at]).split(", ") if kind.at else [row.place]:
            before = self.states.get(place, {})
            self.states[place] = {name: words for name, words in before.items() if name not in (*kind.ends, kind.state)}
            if kind.state:
                self.states[place][kind.state] = STATES[kind.state].say(row.fields)
            if kind.strikes:
                self.ghosts = {ghost: None for ghost in self.ghosts if ghost[0] != place}

    def _haunt(self, row: Row, kind: Kind, copy: Copy, before: tuple[str, str]) -> None:
        """Keep the book of loans: who works on when another has the copy is a ghost until its next word of it."""
        if kind.verb != "mark" or kind.lets_go:
            self.ghosts.pop((row.place, copy), None)
        at, borrower = self.where.get(copy, ("", ""))[0], self._lent.get(copy, "")
        if before == (borrower, "here") and at != borrower != row.place and not self.states.get(borrower):
            self.ghosts[borrower, copy] = None
        if kind.verb == "move" and "visible_until_us" in row.fields:
            self._lent[copy] = at
        elif at != borrower or kind.lets_go:
            self._lent.pop(copy, None)

    def _move(self, row: Row, kind: Kind, copy: Copy) -> None:
        if int(row.fields.get("attempt") or 0) > 1 or (kind.strikes and copy not in self.account):
            self.again.add(copy)
        before = self.account.get(copy, "")
        if kind.account and account_after(row, before) is None:
            return
        if kind.account:
            self.stored += (kind.account == "stored") - (before == "stored")
            self.account[copy] = kind.account
        self.refused[row.place] += kind.verb == "bounce"
        place = str(row.fields.get("to") or row.place) if kind.verb in ("put", "move", "burst") else row.place
        at = self.where.get(copy, ("", ""))[0]
        if kind.verb == "move" and not kind.account and (before not in ("", "in flight") or at not in ("", row.place)):
            return
        if kind.hole and place != row.place:
            self.flows.setdefault((row.place, place))
            self.leaks.setdefault(place, row.place)
        if kind.verb == "put":
            self._find(copy, place)
            self._stand(copy, at, place, "here" if kind.account == "in flight" else "waiting")
        elif kind.verb == "move":
            self.came[copy] = row.place
            self._stand(copy, at or row.place, place, "moving")
        elif kind.verb == "arrive" and self.where.get(copy, (row.place, ""))[0] == row.place:
            self._stand(copy, at, row.place, "here")
        elif kind.verb in _GONE and (kind.account or kind.verb == "take"):
            self._leave(copy, at, row.place)
            self.done[row.place] += kind.verb == "take" and self._passed.pop(copy, "") != row.place
            self._lose(copy, row.place, kind)
            if place != row.place:
                self.flows.setdefault((row.place, place))
                self._stand(copy, "", place, "dead")
        elif kind.verb in ("fade", "burst") and (
            kind.account or (before != "stored" and (kind.verb == "burst" or at == row.place))
        ):
            self._leave(copy, at, row.place)
            self.unmatched[row.place] += kind.account == "unmatched"

    def _lose(self, copy: Copy, place: str, kind: Kind) -> None:
        if kind.verb == "burst" and kind.account != "dead":
            self.lost[place] += 1
            self._lost_at[copy] = place

    def _find(self, copy: Copy, place: str) -> None:
        if self._lost_at.get(copy) == place:  # it was lost here, and is here again
            self.lost[self._lost_at.pop(copy)] -= 1

    def _stand(self, copy: Copy, at: str, place: str, standing: str) -> None:
        if at and at != place:
            self.flows.setdefault((at, place))
        self._passed.pop(copy, None)
        if copy not in self.holes:
            self.leaks[place] = ""
        self.where.pop(copy, None)
        self.where[copy] = (place, standing)
        self.places.setdefault(place)
        if standing == "waiting":
            self.trays.setdefault(place, 0)

    def _leave(self, copy: Copy, at: str, place: str) -> None:
        if at and at != place:
            self.flows.setdefault((at, place))
        self.places.setdefault(place)
        self.where.pop(copy, None)


def folded(rows: Iterable[Row]) -> Fold:
    """Return what the rows come to."""
    fold = Fold()
    for row in rows:
        fold.apply(row)
    return fold
