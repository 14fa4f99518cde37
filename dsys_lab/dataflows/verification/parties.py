"""Who decides? One party for each thing that must never be wrong.

`payments` has the money, `stock` the pillows, `post` what was told to whom. Each is the only one to write its book, so
each can keep its own promise without asking the others; the desk goes from one to the next. Only `stock` may say no.

How many pillows are left is not a number that somebody changes. It is counted from the book, so it cannot disagree.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.dataflows.verification.books import Book, Entry
from dsys_lab.dataflows.verification.way import PARTY_OF, Call
from dsys_lab.errors import BadParameter
from dsys_lab.structures import Disk
from dsys_lab.structures.part_of_disk import PartOfDisk
from dsys_lab.trace import NO_TRACE, Recorder

PARTIES: Final = tuple(dict.fromkeys(PARTY_OF.values()))


def require_own(place: str, call: Call) -> None:
    """Refuse a call that is another party's to do."""
    if PARTY_OF.get(call.verb) != place.rpartition("/")[2]:
        raise BadParameter(f"{place} cannot {call.verb}: ask {PARTY_OF.get(call.verb, 'nobody')}")


class Party:
    """Does what it is asked, once under a key, and says yes.

    Attributes
    ----------
    book : Book
    """

    def __init__(self, book: Book) -> None:
        self.book = book

    def do(self, now_us: int, call: Call) -> bool:
        """Do a call, unless it was done before; return its answer.

        Raises
        ------
        BadParameter
            If it is somebody else's to do.
        """
        require_own(self.book.place, call)
        return self.book.write(Entry(call.verb, call.order, now_us, self._decide())).yes

    def again(self, now_us: int, call: Call, yes: bool) -> None:
        """Do a call although it was done, as a bug would."""
        self.book.add(Entry(call.verb, call.order, now_us, yes))

    def _decide(self) -> bool:
        return True


class Stock(Party):
    """Gives pillows out until there are none.

    Parameters
    ----------
    pillows : int
        How many there were at first.
    """

    def __init__(self, book: Book, pillows: int) -> None:
        super().__init__(book)
        if not isinstance(pillows, int) or isinstance(pillows, bool) or pillows < 0:
            raise BadParameter(f"pillows = {pillows!r}: give a whole number, 0 or more")
        self.pillows = pillows
        self._taken, self._counted = 0, 0

    @property
    def left(self) -> int:
        """How many are left, by the book."""
        fresh = self.book.entries[self._counted :]
        self._taken += sum(entry.yes for entry in fresh)
        self._counted += len(fresh)
        return self.pillows - self._taken

    def _decide(self) -> bool:
        return self.left > 0


def parties_on(
    disk: Disk, *, pillows: int, keyed: bool = True, recorder: Recorder = NO_TRACE, now_us: int = 0
) -> dict[str, Party]:
    """Return the three parties by name, each with its book on a part of this disk; what stands there is read."""
    books = {
        name: Book(name, PartOfDisk(disk, f"{name}."), keyed=keyed, recorder=recorder, now_us=now_us)
        for name in PARTIES
    }
    return {name: Stock(book, pillows) if name == "stock" else Party(book) for name, book in books.items()}
