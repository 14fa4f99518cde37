"""How do rows of different lengths live in blocks of one length?

A *slotted page* is 8,192 bytes. Its header says how far it is filled; slots grow up from the front, records grow down
from the back, and the page is full when they meet. A record is named by its slot, not by where it stands, so records
can be pushed together without anybody noticing. ::

    0          8        12        14        16        18        20         24
    +----------+--------+---------+---------+---------+---------+----------+
    | lsn      | crc32  | count   | low     | high    | kind    | link     |
    | u64 "Q"  | u32 "I"| u16 "H" | u16 "H" | u16 "H" | u16 "H" | u32 "I"  |
    +----------+--------+---------+---------+---------+---------+----------+
    24         28        low                 high                       8192
    +----------+----------+- - - - - - - - - -+-----------+-----------+
    | slot 0   | slot 1   |   free            | record 1  | record 0  |
    +----------+----------+- - - - - - - - - -+-----------+-----------+
      u16 place, u16 length; place 0: nothing is there any more
      top bit of the length: a mark that the owner of the record may set

`crc32` covers the rest of the page and starts from the page's number, so a page that was written to another's place in
its file is found out too. `lsn` says which records of a log are in the page: all below it. `link` is the next page
where pages form a chain. Numbers are big-endian: keys sort like their bytes.

A page is changed by two primitives only, `put` (bytes at a place) and `move` (bytes from one place to another). What
they did is noted in `changes`, so a log can write down a few bytes instead of the page and do it again after a crash.

Promises
--------
1. A torn page, a flipped bit, a page at another's place: `load` raises `Damaged` and names file and page.
2. `insert` never uses a slot for a second record, so an old name never finds a new row.
3. `load` of what `sealed` gave is the same page; so is an older copy on which `apply` did the changes again.

Cost: 24 bytes a page, 4 a record: 120 records of 64 bytes. `insert` is O(1), with a copy of the page where freed bytes
have to be pushed together first.

Left out: records longer than a page; slots given back.

Sources: Gray and Reuter, *Transaction Processing*, 1993, sec. 13.4 and 14.3; PostgreSQL documentation, "Database page
layout".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from dsys_lab.errors import Damaged, Misuse, Refused

PAGE_BYTES: Final = 8_192
HEADER: Final = struct.Struct(">QIHHHHI")
SLOT: Final = struct.Struct(">HH")
RECORD_BYTES_MAX: Final = PAGE_BYTES - HEADER.size - SLOT.size
HEAP, LEAF, BRANCH = 1, 2, 3
"""What a page is for."""

_CHANGE: Final = struct.Struct(">HHH")
_BYTES_FOLLOW: Final = 0xFFFF
_MARK: Final = 0x8000
_LENGTH: Final = 0x7FFF

Change = tuple[int, bytes] | tuple[int, int, int]
"""`(to, bytes)` of a put, or `(to, source, length)` of a move."""


class Page:
    """One page in memory: its header as numbers, its body as bytes.

    Attributes
    ----------
    data : bytearray
        All 8,192 bytes; the first 24 are only right in what `sealed` gives.
    changes : list or None
        What was done since somebody began to listen; None while nobody does.

    Examples
    --------
    >>> page = Page(HEAP)
    >>> page.insert(b"Oslo"), page.insert(b"Lagos")
    (0, 1)
    >>> page.replace(0, b"Tokyo"), page.record(0)
    (True, (b'Tokyo', False))
    >>> Page.load(page.sealed(7), "city.heap", 7).record(1)
    (b'Lagos', False)
    """

    __slots__ = ("changes", "count", "data", "high", "kind", "link", "low", "lsn")

    def __init__(self, kind: int) -> None:
        self.data = bytearray(PAGE_BYTES)
        self.changes: list[Change] | None = None
        self.lsn, self.count, self.low, self.high, self.kind, self.link = 0, 0, HEADER.size, PAGE_BYTES, kind, 0

    # ------------------------------------------------------------ to and from bytes
    @classmethod
    def load(cls, data: bytes, file: str, number: int) -> Page:
        """Return the page that was stored as `data`.

        Raises
        ------
        Damaged
            If these are not the bytes that were written as page `number`.
        """
        if len(data) != PAGE_BYTES:
            raise Damaged(
                f"{file}, page {number}: {len(data):,} of {PAGE_BYTES:,} bytes are there; the file is cut short"
            )
        if _crc(data, number) != HEADER.unpack_from(data)[1]:
            raise Damaged(f"{file}, page {number}: its checksum does not match its bytes; restore the page from a copy")
        page = cls.__new__(cls)
        page.data, page.changes = bytearray(data), None
        page.take_header(data)
        return page

    def sealed(self, number: int) -> bytes:
        """Return the bytes to store as page `number`."""
        self.data[: HEADER.size] = self._header(0)
        self.data[: HEADER.size] = self._header(_crc(self.data, number))
        return bytes(self.data)

    def image(self) -> bytes:
        """Return the page without its free middle, for a log."""
        return self._header(0) + self.data[HEADER.size : self.low] + self.data[self.high :]

    @classmethod
    def of_image(cls, image: bytes) -> Page:
        """Return the page whose `image` this is."""
        page = cls(HEAP)
        page.take_header(image)
        page.data[HEADER.size : page.low] = image[HEADER.size : page.low]
        page.data[page.high :] = image[page.low :]
        return page

    def copy(self) -> Page:
        """Return an equal page that nobody listens to."""
        page = self.__class__.__new__(self.__class__)
        page.take_back(self)
        page.changes = None
        return page

    def take_back(self, earlier: Page) -> None:
        """Become what `earlier` is."""
        self.data, self.changes = bytearray(earlier.data), earlier.changes
        self.lsn, self.count, self.low = earlier.lsn, earlier.count, earlier.low
        self.high, self.kind, self.link = earlier.high, earlier.kind, earlier.link

    def _header(self, crc: int) -> bytes:
        return HEADER.pack(self.lsn, crc, self.count, self.low, self.high, self.kind, self.link)

    def take_header(self, data: bytes) -> None:
        """Become what the 24 bytes of a header say."""
        self.lsn, _, self.count, self.low, self.high, self.kind, self.link = HEADER.unpack_from(data)

    # ------------------------------------------------------------ the two primitives
    def put(self, to: int, data: bytes) -> None:
        """Put bytes at a place."""
        self.data[to : to + len(data)] = data
        if self.changes is not None:
            self.changes.append((to, data))

    def move(self, to: int, source: int, length: int) -> None:
        """Copy bytes from one place to another; the two may overlap."""
        self.data[to : to + length] = self.data[source : source + length]
        if self.changes is not None:
            self.changes.append((to, source, length))

    def noted(self) -> bytes:
        """Return the changes as bytes: the new header, then each change; a put's bytes follow it."""
        parts = [self._header(0)]
        for change in self.changes or ():
            if len(change) == 2:
                parts += [_CHANGE.pack(change[0], len(change[1]), _BYTES_FOLLOW), change[1]]
            else:
                parts.append(_CHANGE.pack(change[0], change[2], change[1]))
        return b"".join(parts)

    def apply(self, noted: bytes) -> None:
        """Do again what was `noted` of an equal page."""
        self.take_header(noted)
        place = HEADER.size
        while place < len(noted):
            to, length, source = _CHANGE.unpack_from(noted, place)
            place += _CHANGE.size
            if source == _BYTES_FOLLOW:
                self.put(to, noted[place : place + length])
                place += length
            else:
                self.move(to, source, length)

    # ------------------------------------------------------------ slots: write path
    def has_room(self, record_bytes: int) -> bool:
        """Whether `insert` would take a record of this length."""
        needed = SLOT.size + record_bytes
        return self.high - self.low >= needed or self._room() >= needed

    def insert(self, record: bytes, *, mark: bool = False) -> int:
        """Add a record and return its slot.

        Raises
        ------
        Refused
            If there is no room for it.
        """
        if not self.has_room(len(record)):
            raise Refused(f"{len(record):,} bytes do not fit this page any more; ask `has_room`, and take a new page")
        self._push_together(SLOT.size + len(record))
        slot, place = self.count, self.low
        self.count, self.low = slot + 1, place + SLOT.size
        self._store(place, record, mark)
        return slot

    def replace(self, slot: int, record: bytes, *, mark: bool = False) -> bool:
        """Put another record in the place of one; return False, with nothing changed, when it does not fit.

        Raises
        ------
        Misuse
            If the slot holds no record.
        """
        entry, place, length = self._taken(slot)
        if len(record) <= length & _LENGTH:
            self.put(entry, SLOT.pack(place, len(record) | _MARK * mark))
            self.put(place, record)
            return True
        if len(record) > self._room() + (length & _LENGTH):
            return False
        self.remove(slot)
        self._push_together(len(record))
        self._store(entry, record, mark)
        return True

    def overwrite(self, slot: int, data: bytes) -> None:
        """Put bytes over the beginning of a record, which stays as long as it is."""
        self.put(SLOT.unpack_from(self.data, HEADER.size + SLOT.size * slot)[0], data)

    def fill(self, slot: int, record: bytes, *, mark: bool = False) -> None:
        """Put a record into an empty slot, if the owner knows that no old name leads there; ask `has_room` before."""
        self._push_together(len(record))
        self._store(HEADER.size + SLOT.size * slot, record, mark)

    def remove(self, slot: int) -> None:
        """Take a record away; its slot stays empty, unless the owner fills it.

        Raises
        ------
        Misuse
            If the slot holds no record.
        """
        self.put(self._taken(slot)[0], SLOT.pack(0, 0))

    def _taken(self, slot: int) -> tuple[int, int, int]:
        """Return where the entry of a slot with a record is, and the place and length that it names."""
        entry = HEADER.size + SLOT.size * slot
        place, length = SLOT.unpack_from(self.data, entry) if 0 <= slot < self.count else (0, 0)
        if not place:
            raise Misuse(f"slot {slot} of {self.count} holds no record: give a slot for which `record` finds one")
        return entry, place, length

    def _store(self, entry: int, record: bytes, mark: bool) -> None:
        self.high -= len(record)
        self.put(self.high, record)
        self.put(entry, SLOT.pack(self.high, len(record) | _MARK * mark))

    def _room(self) -> int:
        """Bytes that are free once the records are pushed together."""
        return PAGE_BYTES - self.low - sum(length & _LENGTH for _, length in self._slots())

    def _push_together(self, needed: int) -> None:
        """Push the records together, if it takes that to have `needed` bytes free in the middle."""
        if self.high - self.low >= needed:
            return
        records = [self.data[place : place + (length & _LENGTH)] for place, length in self._slots()]
        high = PAGE_BYTES
        slots = []
        for (place, length), record in zip(self._slots(), records, strict=True):
            high -= len(record)
            slots.append(SLOT.pack(high if place else 0, length))
        self.put(high, b"".join(reversed(records)))
        self.put(HEADER.size, b"".join(slots))
        self.high = high

    # ------------------------------------------------------------ slots: read path
    def record(self, slot: int) -> tuple[bytes, bool] | None:
        """Return the record in a slot and its mark, or None if nothing is there."""
        if slot >= self.count:
            return None
        place, length = SLOT.unpack_from(self.data, HEADER.size + SLOT.size * slot)
        if not place:
            return None
        return bytes(self.data[place : place + (length & _LENGTH)]), length >= _MARK

    def records(self) -> Iterator[tuple[int, bytes, bool]]:
        """Give every slot that holds a record, with the record and its mark."""
        data = bytes(self.data)
        for slot, (place, length) in enumerate(self._slots()):
            if place:
                yield slot, data[place : place + (length & _LENGTH)], length >= _MARK

    def _slots(self) -> Iterator[tuple[int, int]]:
        return SLOT.iter_unpack(self.data[HEADER.size : HEADER.size + SLOT.size * self.count])


def _crc(data: bytes | bytearray, number: int) -> int:
    """Return the checksum of a page: all but the checksum itself, begun from the page's number."""
    view = memoryview(data)
    return zlib.crc32(view[12:], zlib.crc32(view[:8], number))


Used = int | Callable[[Page], int]
"""How many bytes of a page its reader is after: a number, or how to find it out once the page is there."""


class Pages(Protocol):
    """Numbered pages of one file: what a tree or a heap stands on."""

    def __len__(self) -> int:
        """Return how many pages there are; the first is 0."""

    def read(self, number: int, used: Used) -> Page:
        """Return a page to look at; `used` says for how many of its bytes."""

    def change(self, number: int) -> Page:
        """Return a page to change."""

    def new(self, kind: int) -> tuple[int, Page]:
        """Add an empty page, to be changed; return its number and the page."""


class MemoryPages:
    """Pages that are only in memory."""

    def __init__(self) -> None:
        self._pages: list[Page] = []

    def __len__(self) -> int:
        return len(self._pages)

    def read(self, number: int, used: Used) -> Page:
        """Return a page to look at."""
        return self._pages[number]

    def change(self, number: int) -> Page:
        """Return a page to change."""
        return self._pages[number]

    def new(self, kind: int) -> tuple[int, Page]:
        """Add an empty page; return its number and the page."""
        self._pages.append(Page(kind))
        return len(self._pages) - 1, self._pages[-1]
