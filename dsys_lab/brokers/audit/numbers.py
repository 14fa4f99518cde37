"""Numbers in a row: which ones are missing?

The sender numbers the messages of each key 1, 2, 3 and so on. The receiver keeps, for each key, the lowest number of
which it does not yet know what became of it (`floor`), the highest that has come, and what came in between::

    seen      1 2 3 . 5 6 . 8       reorder = 2
    floor           4       |       4 is missing: a number more than 2 above it has come
    highest                 8       7 may still come: 8 is only 1 above it

A network may deliver out of order. `reorder` is how far: message n comes before any message above n + `reorder`. Then
nothing is ever called missing that comes later, and all that is lost is seen as soon as a number above n + `reorder`
comes. What comes last of all has no number above it. *The tail is not seen.*
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dsys_lab.errors import BadParameter


@dataclass(frozen=True, slots=True)
class Missing:
    """The numbers of `key` from `first` to `last`, both included."""

    key: str
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class GapStatus:
    """What a `SequenceGap` knows.

    Attributes
    ----------
    keys : int
    seen : int
        Different messages that came.
    repeated : int
        How often one came that had come before.
    missing : int
        Called missing, and not come since.
    late : int
        Called missing, and come after all: the network broke its bound.
    """

    keys: int
    seen: int
    repeated: int
    missing: int
    late: int


@dataclass(slots=True)
class _Line:
    """What is known of one key."""

    floor: int = 1
    highest: int = 0
    above: set[int] = field(default_factory=set)
    missing: dict[int, None] = field(default_factory=dict)


class SequenceGap:
    """Sees gaps in the numbers of each key.

    Parameters
    ----------
    reorder : int
        How far the network may deliver out of order.

    Examples
    --------
    >>> gaps = SequenceGap()
    >>> [gaps.observe("anna", number) for number in (1, 2, 5)]
    [(), (), (Missing(key='anna', first=3, last=4),)]
    """

    def __init__(self, *, reorder: int = 0) -> None:
        if not isinstance(reorder, int) or isinstance(reorder, bool) or reorder < 0:
            raise BadParameter(f"reorder = {reorder!r}: give a whole number, 0 for a network that keeps order")
        self.reorder = reorder
        self._lines: dict[str, _Line] = {}
        self._seen = self._repeated = self._late = 0

    def observe(self, key: str, number: int) -> tuple[Missing, ...]:
        """Take in that a message has come; return what it shows to be missing.

        Raises
        ------
        BadParameter
            If the number is not a whole one from 1 on.
        """
        line = self._line(key, number)
        if self._came_before(line, number):
            self._repeated += 1
            return ()
        self._seen += 1
        if number in line.missing:
            del line.missing[number]
            self._late += 1
            return ()
        line.above.add(number)
        line.highest = max(line.highest, number)
        return self._settle(key, line, line.highest - self.reorder)

    def all_sent(self, key: str, last: int) -> tuple[Missing, ...]:
        """Take in that all of a key up to `last` has been sent and nothing of it is under way; return what is missing.

        This is how a heartbeat or a comparison tells of the tail.
        """
        if last == 0:
            return ()
        return self._settle(key, self._line(key, last), last + 1)

    def missing(self, key: str | None = None) -> tuple[Missing, ...]:
        """Return all that was called missing and has not come since, of one key or of all."""
        keys = self._lines if key is None else [key] if key in self._lines else []
        return tuple(gap for name in keys for gap in _ranges(name, sorted(self._lines[name].missing)))

    def highest(self, key: str) -> int:
        """Return the highest number of a key that has come; 0 if none has."""
        return self._lines[key].highest if key in self._lines else 0

    def status(self) -> GapStatus:
        """Return what is known."""
        missing = sum(len(line.missing) for line in self._lines.values())
        return GapStatus(len(self._lines), self._seen, self._repeated, missing, self._late)

    def _line(self, key: str, number: int) -> _Line:
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise BadParameter(f"number = {number!r} of {key!r}: numbers are whole and begin with 1")
        return self._lines.setdefault(key, _Line())

    @staticmethod
    def _came_before(line: _Line, number: int) -> bool:
        return number in line.above or (number < line.floor and number not in line.missing)

    @staticmethod
    def _settle(key: str, line: _Line, up_to: int) -> tuple[Missing, ...]:
        """Decide on every number below `up_to`: it has come, or it is missing."""
        gone = [number for number in range(line.floor, up_to) if number not in line.above]
        line.missing.update(dict.fromkeys(gone))
        line.above.difference_update(range(line.floor, up_to))
        line.floor = max(line.floor, up_to)
        while line.floor in line.above:
            line.above.remove(line.floor)
            line.floor += 1
        return _ranges(key, gone)


def _ranges(key: str, numbers: list[int]) -> tuple[Missing, ...]:
    """Join numbers that follow each other."""
    found: list[Missing] = []
    for number in numbers:
        if found and found[-1].last == number - 1:
            found[-1] = replace(found[-1], last=number)
        else:
            found.append(Missing(key, number, number))
    return tuple(found)
