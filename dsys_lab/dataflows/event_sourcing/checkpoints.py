"""A fold of a long stream takes long. Must it begin with the first event, every time?

No: a fold may be interrupted and gone on with, so what it came to at some version may be saved, a *checkpoint*, and the
next fold begins there. With one every S events a load folds less than S of them. ::

    stream       1 2 3 ... 100 | 101 ... 200 | 201 ... 247
    checkpoints             |             |
    load                                  state of 200, then 47 events

A checkpoint is derived: it may be deleted at any time, and costs only the time to fold again. So it need not be synced.
Three things make it dangerous. Two are kept out by what it says of itself:

- it was made by an older `evolve`, with a mistake that has been mended since: it says the `version` of the fold, and
  one of another version is not used (the mistake would live on in it, and new events would be folded on top);
- it was made of events that are not in the log, which was restored from an older copy, or lost its end, and perhaps has
  grown since with others: it keeps a digest of its last event, and `Handler` looks at that event at each load.

The third only its owner can keep out: it is folded of events that were opened. What `pack` takes from a state lies here
in the clear, and no key that is thrown away reaches it; so a `pack` leaves out what is personal.

Cost: a record for every S events of a stream; memory for the newest of each; one event more read at each load.

Left out: a log that grew again and has the very same event at that version, to the last byte, behind others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from dsys_lab.errors import BadParameter
from dsys_lab.structures.append_log import NEVER, AppendLog
from dsys_lab.structures.disk import Disk


class Saved(NamedTuple):
    """What a fold had come to.

    Attributes
    ----------
    version : int
        Of the stream.
    digest : str
        Of the event of that version.
    packed : object
        What its owner packed, of the kinds that JSON has.
    """

    version: int
    digest: str
    packed: Any


@dataclass(frozen=True, slots=True)
class CheckpointsStatus:
    """What is saved, and how often it helped.

    Attributes
    ----------
    saved : int
        That were ever written.
    size_bytes : int
        Of all of them.
    used, passed_over : int
        Loads that began with one; and those that found only ones of another fold.
    """

    saved: int
    size_bytes: int
    used: int
    passed_over: int


class Checkpoints:
    """Saved folds, on a disk of their own.

    Parameters
    ----------
    disk : Disk
    every : int
        How many events lie between two of a stream.
    """

    def __init__(self, disk: Disk, *, every: int = 100, now_us: int = 0) -> None:
        if type(every) is not int or every < 1:
            raise BadParameter(f"every = {every!r}: give a whole number of events, 1 or more")
        self.every = every
        self._log = AppendLog(disk, fsync=NEVER, now_us=now_us)
        self._newest: dict[tuple[str, str], tuple[int, Saved]] = {}
        self._used = self._passed_over = 0
        for _, payload in self._log.read():
            self._remember(*json.loads(payload))

    def newest(self, fold: str, fold_version: int, stream: str) -> Saved | None:
        """Return the newest of a stream that this very fold made, or None."""
        found = self._newest.get((fold, stream))
        if found is None or found[0] != fold_version:
            self._passed_over += found is not None
            return None
        self._used += 1
        return found[1]

    def offer(self, fold: str, fold_version: int, stream: str, saved: Saved, *, now_us: int = 0) -> bool:
        """Save what a fold has come to, if it is far enough from the last one; return whether it was saved.

        Raises
        ------
        BadParameter
            If what was packed is not of the kinds that JSON has.
        """
        found = self._newest.get((fold, stream))
        begins = found[1].version if found is not None and found[0] == fold_version else 0
        if saved.version - begins < self.every:
            return False
        try:
            record = json.dumps((fold, stream, fold_version, *saved), separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            why = f"the fold {fold!r} packed what JSON does not have ({error})"
            raise BadParameter(f"{why}; give its `Decider` a `pack` that makes lists, texts and numbers") from None
        self._log.append(now_us, record.encode())
        self._remember(*json.loads(record))  # as it will be read, so that a slip in `unpack` shows at once
        return True

    def _remember(self, fold: str, stream: str, fold_version: int, *saved: Any) -> None:
        self._newest[fold, stream] = fold_version, Saved(*saved)

    def status(self) -> CheckpointsStatus:
        """Return what is saved, and how often it helped."""
        return CheckpointsStatus(self._log.next_lsn, self._log.size_bytes(), self._used, self._passed_over)
