"""What did a party do, and did it do it before?

A *book* is an append-only log of acts. Before an act is done its key is looked up; the record that says it was done
*is* the doing, so there is no moment between the two at which a crash could fall. An act whose key stands there is not
done again: its first answer is given again. That is what makes it safe to ask twice, end to end, whatever the network,
the queue and the caller did in between.

With `keyed=False` a book looks nothing up, as most people's first one: it is here to be broken.

Sources: Saltzer, Reed and Clark, "End-to-end arguments in system design", ACM TOCS 1984; Helland, "Idempotence is not a
medical condition", ACM Queue 2012.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from dsys_lab.errors import Damaged
from dsys_lab.structures import AppendLog, Disk
from dsys_lab.trace import NO_TRACE, Recorder, Scalar

MEANING: Final[dict[str, tuple[str, dict[str, Scalar]]]] = {
    "confirm": ("confirm", {}),
    "refund": ("compensate", {"of": "charge"}),
    "apologise": ("apologise", {"cost": 1}),
}
"""What some acts mean to the buyer: the kind of row that says so, and its fields besides the order."""


class Entry(NamedTuple):
    """An act as it stands in a book: what, for which order, when, and whether it was a yes."""

    verb: str
    order: str
    at_us: int
    yes: bool = True

    @property
    def key(self) -> str:
        """The key of the act."""
        return f"{self.verb}/{self.order}"


class Book:
    """Acts in the order in which they were done, on a log; each key once.

    Parameters
    ----------
    place : str
        The name under which its rows appear: `effect` for an act, `effect_skip` where it had been done before.
    disk : Disk
        Where its log is; what stands there is read.
    keyed : bool
        Whether a key is looked up.

    Attributes
    ----------
    entries : list of Entry

    Examples
    --------
    >>> from dsys_lab.structures import VolatileDisk
    >>> book = Book("payments", VolatileDisk())
    >>> book.write(Entry("charge", "o1", 10)), book.write(Entry("charge", "o1", 20))
    (Entry(verb='charge', order='o1', at_us=10, yes=True), Entry(verb='charge', order='o1', at_us=10, yes=True))
    >>> len(book.entries)
    1
    """

    def __init__(
        self, place: str, disk: Disk, *, keyed: bool = True, recorder: Recorder = NO_TRACE, now_us: int = 0
    ) -> None:
        self.place, self.keyed, self.recorder = place, keyed, recorder
        self.log = AppendLog(disk, place=f"{place}/log", now_us=now_us)
        self.entries = [_entry(self.log.place, lsn, payload) for lsn, payload in self.log.read()]
        self._by_key = {entry.key: entry for entry in reversed(self.entries)}

    def find(self, key: str) -> Entry | None:
        """Return the first act under this key, if a look is worth anything here and there is one."""
        return self._by_key.get(key) if self.keyed else None

    def write(self, entry: Entry) -> Entry:
        """Do an act, or return the one that was done under its key before."""
        before = self.find(entry.key)
        if before is not None:
            self.recorder.emit(entry.at_us, "effect_skip", self.place, entry.order, key=entry.key)
            return before
        self.add(entry)
        return entry

    def add(self, entry: Entry) -> None:
        """Do an act without a look at what was done before."""
        self.log.append(entry.at_us, json.dumps(entry).encode())
        self.entries.append(entry)
        self._by_key.setdefault(entry.key, entry)
        tell(self.recorder, self.place, entry)


def tell(recorder: Recorder, place: str, entry: Entry, *, copy: int = 0) -> None:
    """Write the rows of an act: that it was done, and what it means to the buyer."""
    at_us, order = entry.at_us, entry.order
    recorder.emit(at_us, "effect", place, order, key=entry.key, yes=entry.yes, copy=copy)
    if entry.verb in MEANING:
        kind, fields = MEANING[entry.verb]
        recorder.emit(at_us, kind, place, order, order=order, **fields, copy=copy)


def _entry(place: str, lsn: int, payload: bytes) -> Entry:
    try:
        return Entry(*json.loads(payload))
    except (TypeError, ValueError) as error:
        raise Damaged(f"{place}, record {lsn}: {error}; this is no log of acts, open the right one") from error
