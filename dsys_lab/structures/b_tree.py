r"""How is one row found among a million with four page reads?

By a tree so wide that it is flat. A *B+tree* keeps all entries sorted in *leaves*; *branches* above say which page
holds which range of keys. Branches and leaves hold the same entries of 14 bytes, 583 on a page of 8,192, so three
levels reach 583**3 = 198 million entries. ::

    entry   +-----------+------------+-----------+       leaf:    key, and the page and slot of the row (its "rid")
            | key       | page       | slot      |       branch:  the smallest key below, and the page to go on at
            | u64 "Q"   | u32 "I"    | u16 "H"   |                (the first key of a branch counts as minus infinity)
            +-----------+------------+-----------+

                              [ - | 700 ]  page 0 is always the root
                             /           \
             [ - | 250 | 480 ]          [ - | 900 ]           branches
             /       |       \            /      \
           [..] ->  [..] ->  [..]  ->   [..] ->  [..]          leaves, chained left to right

A full page splits in two and tells its parent; when the root splits the tree grows by a level, at the top, so all
leaves stay equally deep. When an entry is added beyond the last one, the page is left full and a fresh one begun:
keys that come in order fill their pages, keys that come at random fill them to 69 % (ln 2) on average.

The tree promises
-----------------
1. `get` and `range` say what a sorted list of the entries would say (a unique tree: a dict).
2. After every call `violations` finds nothing: sorted pages, ranges as the branches say, equal depth, a whole chain.
3. A point read touches `height` pages.

Cost: O(height) page reads an operation, and a binary search in each page, which is where the 8 bytes of a key are
compared; a split writes three pages.

Left out: pages are not merged. Deletion empties entries out of leaves and nothing more (PostgreSQL too waits until a
page is wholly empty), so a tree that shrinks keeps its pages. Keys that are not integers; compression of keys.

Sources: Bayer and McCreight, "Organization and maintenance of large ordered indexes", 1972; Comer, "The ubiquitous
B-tree", Computing Surveys 1979; Yao, "On random 2-3 trees", 1978 (ln 2); Graefe, "Modern B-tree techniques", 2011.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.structures.page import BRANCH, HEADER, LEAF, PAGE_BYTES, Page, Pages, Used

ENTRY: Final = struct.Struct(">QIH")
KEY_BYTES: Final = 8
ENTRIES_MAX: Final = (PAGE_BYTES - HEADER.size) // ENTRY.size
KEY_MAX: Final = 2**64 - 1
ROOT: Final = 0


class Rid(NamedTuple):
    """Where a row is: its page and its slot."""

    page: int
    slot: int


class _Step(NamedTuple):
    """One step of a descent: a page, and which of its entries was followed."""

    number: int
    position: int


class _Found(NamedTuple):
    """An entry: the number of its leaf, the leaf, and where it stands there."""

    number: int
    leaf: Page
    position: int


class BTree:
    """Keys in order, each with the place of its row.

    Parameters
    ----------
    pages : Pages
        Where its pages are; no one else's.
    unique : bool
        Whether a key may be there only once.

    Examples
    --------
    >>> from dsys_lab.structures.page import MemoryPages
    >>> tree = BTree(MemoryPages())
    >>> for key in (30, 10, 20):
    ...     tree.insert(key, Rid(page=0, slot=key))
    >>> tree.get(20), tree.get(21)
    (Rid(page=0, slot=20), None)
    >>> [key for key, rid in tree.range(15, None)]
    [20, 30]
    >>> tree.height, tree.violations()
    (1, [])
    """

    def __init__(self, pages: Pages, *, unique: bool = True) -> None:
        self.pages, self.unique = pages, unique

    @property
    def height(self) -> int:
        """Levels from the root to the leaves, both counted; 0 for a tree that never held anything."""
        return len(self._descend(_bytes(0))[0]) + 1 if len(self.pages) else 0

    # ------------------------------------------------------------ read path
    def get(self, key: int) -> Rid | None:
        """Return the place of `key` (in a tree that is not unique, of one of its rows), or None."""
        found = self._find(key)
        return Rid(*_entry(found.leaf, found.position)[1:]) if found else None

    def range(self, low: int | None = None, high: int | None = None) -> Iterator[tuple[int, Rid]]:
        """Give the entries from `low` to `high`, both included, in order; None leaves that side open."""
        lowest, highest = max(low or 0, 0), KEY_MAX if high is None else min(high, KEY_MAX)
        if not len(self.pages) or lowest > highest:
            return
        first, last = _bytes(lowest), _bytes(highest)

        def asked_for(leaf: Page) -> int:
            return ENTRY.size * (_upper(leaf, last) - _lower(leaf, first))

        leaf = self._descend(first, leftmost=not self.unique, used=asked_for)[2]
        while True:
            start, stop = _lower(leaf, first), _upper(leaf, last)
            for key, page, slot in ENTRY.iter_unpack(bytes(leaf.data[_at(start) : _at(stop)])):
                yield key, Rid(page, slot)
            if stop < leaf.count or not leaf.link:
                return
            leaf = self.pages.read(leaf.link, asked_for)

    def last_key(self) -> int:
        """Return a key that none of the tree is above: the last one, -1, or `KEY_MAX` where the last leaf is empty."""
        if not len(self.pages):
            return -1
        leaf = self._descend(_bytes(KEY_MAX))[2]
        return _entry(leaf, leaf.count - 1)[0] if leaf.count else KEY_MAX

    def __len__(self) -> int:
        return sum(1 for _ in self.range())

    # ------------------------------------------------------------ write path
    def insert(self, key: int, rid: Rid) -> None:
        """Add an entry.

        Raises
        ------
        Refused
            If the tree is unique and holds the key already.
        BadParameter
            If the key is no u64.
        """
        if not isinstance(key, int) or not 0 <= key <= KEY_MAX:
            raise BadParameter(f"key {key!r}: give an integer from 0 to 2**64 - 1")
        if not len(self.pages):
            self.pages.new(LEAF)
        wanted = _bytes(key)
        path, number, leaf = self._descend(wanted)
        position = _upper(leaf, wanted)
        if self.unique and position and _entry(leaf, position - 1)[0] == key:
            raise Refused(f"key {key} is in the tree already; give each row a key of its own")
        self._add(path, number, position, ENTRY.pack(key, *rid))

    def delete(self, key: int, rid: Rid | None = None) -> bool:
        """Take one entry of `key` away, that of `rid` if one is given; return whether there was one."""
        found = self._find(key, rid)
        if found is None:
            return False
        leaf, start = self.pages.change(found.number), _at(found.position)
        leaf.move(start, start + ENTRY.size, leaf.low - start - ENTRY.size)
        leaf.count, leaf.low = leaf.count - 1, leaf.low - ENTRY.size
        return True

    def replace(self, key: int, old: Rid, new: Rid) -> bool:
        """Say that the row of `key` at `old` is at `new` now; return whether it was known."""
        found = self._find(key, old)
        if found is None:
            return False
        self.pages.change(found.number).put(_at(found.position), ENTRY.pack(key, *new))
        return True

    def _add(self, path: list[_Step], number: int, position: int, entry: bytes) -> None:
        """Put an entry into a page, which is split if it is full."""
        page = self.pages.change(number)
        if page.count < ENTRIES_MAX:
            _put_in(page, position, entry)
            return
        if number == ROOT:
            number, page = self._grow(page)
            path = [_Step(ROOT, 0)]
        beyond_the_last = position == page.count and not page.link
        cut = page.count if beyond_the_last else page.count // 2
        right_number, right = self.pages.new(page.kind)
        _move_entries(page, right, cut)
        right.link, page.link = page.link, right_number
        if beyond_the_last or position > cut:
            _put_in(right, position - cut, entry)
        else:
            _put_in(page, position, entry)
        parent = path[-1]
        self._add(path[:-1], parent.number, parent.position + 1, ENTRY.pack(_entry(right, 0)[0], right_number, 0))

    def _grow(self, root: Page) -> tuple[int, Page]:
        """Give the tree a level: what was in the root goes to a new page below it."""
        number, page = self.pages.new(root.kind)
        _move_entries(root, page, 0)
        root.kind = BRANCH
        _put_in(root, 0, ENTRY.pack(0, number, 0))
        return number, page

    # ------------------------------------------------------------ the way down
    def _descend(self, key: bytes, *, leftmost: bool = False, used: Used = ENTRY.size) -> tuple[list[_Step], int, Page]:
        """Return the way to the leaf where `key` belongs, and that leaf: of equal keys the last one, or the first."""
        search = bisect_left if leftmost else bisect_right
        path: list[_Step] = []
        number = ROOT
        while (page := self.pages.read(number, lambda page: _used(page, used))).kind == BRANCH:
            position = search(range(page.count), key, 1, key=_key_at(page)) - 1
            path.append(_Step(number, position))
            number = _entry(page, position)[1]
        return path, number, page

    def _find(self, key: int, rid: Rid | None = None) -> _Found | None:
        """Return where an entry of `key` (and `rid`) stands."""
        if not len(self.pages) or not 0 <= key <= KEY_MAX:
            return None
        wanted = _bytes(key)
        _, number, leaf = self._descend(wanted, leftmost=not self.unique)
        while True:
            for position in range(_lower(leaf, wanted), leaf.count):
                found, *place = _entry(leaf, position)
                if found != key:
                    return None
                if rid is None or rid == tuple(place):
                    return _Found(number, leaf, position)
            if self.unique or not leaf.link:
                return None
            number = leaf.link
            leaf = self.pages.read(number, ENTRY.size)

    # ------------------------------------------------------------ upkeep
    def violations(self) -> list[str]:
        """Return what is wrong with the tree, in words; nothing, if all is well."""
        wrong: list[str] = []
        level = [(ROOT, 0, KEY_MAX)] if len(self.pages) else []
        reached: list[int] = []
        while level:
            pages = [self.pages.read(number, 0) for number, _, _ in level]
            reached += [number for number, _, _ in level]
            if len({page.kind for page in pages}) > 1:
                wrong.append(
                    f"pages {[number for number, _, _ in level]} are equally deep, but leaves and branches mixed"
                )
            if [page.link for page in pages] != [number for number, _, _ in level[1:]] + [0]:
                wrong.append(f"the chain of the level that begins at page {level[0][0]} is broken")
            below = []
            for (number, low, high), page in zip(level, pages, strict=True):
                wrong += self._wrong_in(number, page, low, high)
                if page.kind == BRANCH:
                    below += _children(page, low, high)
            level = below
        if sorted(reached) != list(range(len(self.pages))):
            wrong.append(f"{len(self.pages)} pages, but the root leads to {len(set(reached))}, on {len(reached)} ways")
        return wrong

    def _wrong_in(self, number: int, page: Page, low: int, high: int) -> list[str]:
        keys = [_entry(page, position)[0] for position in range(page.count)]
        checked = keys[1:] if page.kind == BRANCH else keys
        wrong = []
        if sorted(checked) != checked or (self.unique and len(set(checked)) != len(checked)):
            wrong.append(f"page {number}: its keys are not in order")
        if checked and not low <= checked[0] <= checked[-1] <= high:
            wrong.append(f"page {number}: holds {checked[0]} to {checked[-1]}, may hold {low} to {high}")
        if page.low != _at(page.count) or page.count > ENTRIES_MAX:
            wrong.append(f"page {number}: says {page.count} entries up to byte {page.low}")
        if page.kind == BRANCH and not page.count:
            wrong.append(f"page {number}: a branch that leads nowhere")
        return wrong


# ------------------------------------------------------------------------------------------ entries on a page
def _bytes(key: int) -> bytes:
    return key.to_bytes(KEY_BYTES, "big")


def _at(position: int) -> int:
    return HEADER.size + ENTRY.size * position


def _entry(page: Page, position: int) -> tuple[int, int, int]:
    return ENTRY.unpack_from(page.data, HEADER.size + ENTRY.size * position)


def _key_at(page: Page) -> Callable[[int], bytes]:
    data: bytes = page.data  # type: ignore[assignment]  # slices of a bytearray compare with bytes

    def key_at(position: int) -> bytes:
        start = HEADER.size + ENTRY.size * position
        return data[start : start + KEY_BYTES]

    return key_at


def _lower(page: Page, key: bytes) -> int:
    """Return the position of the first entry that is not below `key`."""
    return bisect_left(range(page.count), key, key=_key_at(page))


def _upper(page: Page, key: bytes) -> int:
    """Return the position of the first entry above `key`."""
    return bisect_right(range(page.count), key, key=_key_at(page))


def _put_in(page: Page, position: int, entry: bytes) -> None:
    start = _at(position)
    if start < page.low:
        page.move(start + ENTRY.size, start, page.low - start)
    page.put(start, entry)
    page.count, page.low = page.count + 1, page.low + ENTRY.size


def _move_entries(page: Page, to: Page, cut: int) -> None:
    """Move the entries from position `cut` on to an empty page."""
    start = _at(cut)
    to.put(HEADER.size, bytes(page.data[start : page.low]))
    to.count, to.low = page.count - cut, HEADER.size + page.low - start
    page.count, page.low = cut, start


def _children(page: Page, low: int, high: int) -> list[tuple[int, int, int]]:
    """Return the pages below a branch, each with the smallest and the largest key that it may hold."""
    entries = [_entry(page, position) for position in range(page.count)]
    lows = [low] + [key for key, _, _ in entries[1:]]
    return [(child, low, high) for (_, child, _), low, high in zip(entries, lows, [*lows[1:], high], strict=True)]


def _used(page: Page, used: Used) -> int:
    """Return the bytes that a descent is after: one entry of a branch, `used` of a leaf."""
    if page.kind == BRANCH or isinstance(used, int):
        return ENTRY.size
    return used(page)
