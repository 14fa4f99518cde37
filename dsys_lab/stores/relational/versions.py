"""Where do the versions of a row lie?

In a heap of slotted pages, each version stamped, old ones beside new ones. ::

    +--------+--------+--------------------+--------+------------ - -
    | xmin   | xmax   | ctid               | flags  | the row (see row_store.row_format)
    +--------+--------+--------------------+--------+------------ - -
     u32 "I"  u32 "I"  u32 "I", u16 "H"     u16 "H"   1: xmax only locks

To replace a row is to add a version and to write over 16 bytes of the old one. A new version goes where a swept page
has room, else to the last page, else to a new one.

Left out: PostgreSQL's chains within one page that need no new entry in the indexes (HOT); rows longer than a page; the
map of free space is only in memory, so what was swept before a restart is found again by the next sweep.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from dsys_lab.stores.relational.visibility import NOBODY, Stamp
from dsys_lab.structures.b_tree import Rid
from dsys_lab.structures.page import HEAP, PAGE_BYTES, RECORD_BYTES_MAX, Page, Pages

STAMP: Final = struct.Struct(">IIIHH")
ROW_BYTES_MAX: Final = RECORD_BYTES_MAX - STAMP.size
"""How long a row may be, beside its stamp."""
_LOCKS: Final = 1


@dataclass(frozen=True, slots=True)
class Version:
    """One version as it lies: its place, its stamp, its row's bytes, and whether they begin with a bitmap of NULLs."""

    rid: Rid
    stamp: Stamp
    data: bytes
    has_nulls: bool


class VersionHeap:
    """Versions in slotted pages."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._swept: dict[int, list[int]] = {}

    # ------------------------------------------------------------ write path
    def insert(self, xmin: int, row: tuple[bytes, bool]) -> Rid:
        """Add a version that is its own latest, and return where it is."""
        data, has_nulls = row
        number, slot = self._room_for(STAMP.size + len(data))
        page = self.pages.change(number) if number < len(self.pages) else self.pages.new(HEAP)[1]
        rid = Rid(number, page.count if slot is None else slot)
        record = _packed(Stamp(xmin, NOBODY, rid)) + data
        if slot is None:
            page.insert(record, mark=has_nulls)
        else:
            page.fill(slot, record, mark=has_nulls)
        return rid

    def stamp(self, rid: Rid, stamp: Stamp) -> None:
        """Write another stamp over the one of a version."""
        self.pages.change(rid.page).overwrite(rid.slot, _packed(stamp))

    def remove(self, rid: Rid) -> None:
        """Take a version away; its room may be used again."""
        self.pages.change(rid.page).remove(rid.slot)
        self._swept.setdefault(rid.page, []).append(rid.slot)

    def _room_for(self, record_bytes: int) -> tuple[int, int | None]:
        """Return a page with room and an empty slot of it, or None for a slot of its own."""
        while self._swept:
            number, slots = next(iter(self._swept.items()))
            page = self.pages.read(number, 0)
            while slots and page.has_room(record_bytes):
                slot = slots.pop()
                if page.record(slot) is None:  # else the sweep was taken back
                    return number, slot
            del self._swept[number]
        last = len(self.pages) - 1
        if last >= 0 and self.pages.read(last, 0).has_room(record_bytes):
            return last, None
        return last + 1, None

    # ------------------------------------------------------------ read path
    def read(self, rid: Rid) -> Version | None:
        """Return the version at a place, or None if there is none any more."""
        if rid.page >= len(self.pages):
            return None
        page = self.pages.read(rid.page, lambda page: len((page.record(rid.slot) or (b"",))[0]))
        record = page.record(rid.slot)
        return _unpacked(rid, *record) if record else None

    def read_page(self, number: int) -> list[Version]:
        """Return the versions of a page."""
        return list(versions_on(number, self.pages.read(number, PAGE_BYTES)))


def versions_on(number: int, page: Page) -> Iterator[Version]:
    """Give the versions on a page that is at hand."""
    return (_unpacked(Rid(number, slot), data, mark) for slot, data, mark in page.records())


def removed_by(stamp: Stamp, xmax: int, ctid: Rid) -> Stamp:
    """Return the stamp of a version that `xmax` replaces by the one at `ctid`, or deletes if that is its own place."""
    return replace(stamp, xmax=xmax, ctid=ctid, is_lock=False)


def locked_by(stamp: Stamp, xmax: int) -> Stamp:
    """Return the stamp of a version that `xmax` holds for itself."""
    return replace(stamp, xmax=xmax, is_lock=True)


def _packed(stamp: Stamp) -> bytes:
    return STAMP.pack(stamp.xmin, stamp.xmax, *stamp.ctid, _LOCKS * stamp.is_lock)


def _unpacked(rid: Rid, record: bytes, has_nulls: bool) -> Version:
    xmin, xmax, page, slot, flags = STAMP.unpack_from(record)
    return Version(rid, Stamp(xmin, xmax, Rid(page, slot), bool(flags & _LOCKS)), record[STAMP.size :], has_nulls)
