"""Which pages stay in memory?

Memory is smaller than the disk, so a *buffer pool* keeps some pages in its frames, and when a page is wanted that is
not there, another must go. `BufferPool` is the mechanism: it finds, reads, writes back and counts. A *policy* only
decides who goes; it knows names of pages and nothing of bytes. ::

    wanted --> in a frame? -- yes: a hit
                    |
                    no: a miss --> all frames full? -- yes --> the policy names a victim --> changed? written back
                                          |                                                        |
                                          `------------------- read from disk <--------------------'

=================  ==================================================  =============================================
policy             who goes                                            a long scan ...
=================  ==================================================  =============================================
`lru`              the one not used for the longest time               ... pushes everything else out
`clock`            the first from the hand on that was not used        ... pushes everything else out, with less
                   since the hand last passed                          bookkeeping a hit (one bit)
`scan_resistant`   the oldest of those that were used only once;       ... takes 3/8 of the frames; what was used
                   those used again are in a part of their own         twice before stays
=================  ==================================================  =============================================

The pool promises
-----------------
1. `fetch` gives the page as it was last changed, whatever was evicted in between.
2. No more than `frames` pages are in memory, and no pinned page leaves.
3. A page that was changed is written back before it leaves, and only then.

Cost: O(1) a hit, a miss and an eviction, plus the pinned pages that are passed over.

Left out: latches between threads; writing back ahead of need; reading ahead; a `scan_resistant` that adapts its shares
(a working set that comes round more slowly than the trial lasts is never noticed; ARC would notice).

Sources: Corbato, "A paging experiment with the Multics system", 1968 (clock); Johnson and Shasha, "2Q", VLDB 1994;
MySQL manual, "Making the buffer pool scan resistant" (midpoint at 3/8); Megiddo and Modha, "ARC", FAST 2003; Effelsberg
and Haerder, "Principles of database buffer management", ACM TODS 1984.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from dsys_lab.errors import BadParameter, Refused, require_choice
from dsys_lab.structures.page import Page


class PageFile(Protocol):
    """Where a page comes from and goes to."""

    name: str

    def load(self, number: int) -> Page:
        """Return a page from the disk."""

    def write_back(self, number: int, page: Page) -> None:
        """Bring a page to the disk."""


PageName = tuple[PageFile, int]
"""File and number. The file is this very object: a store that is opened anew does not meet pages of its past."""


class Policy(Protocol):
    """Who goes when the frames are full."""

    def entered(self, page: PageName) -> None:
        """A page was put into a frame."""

    def touched(self, page: PageName) -> None:
        """A page in a frame was used again."""

    def left(self, page: PageName) -> None:
        """A page is in no frame any more."""

    def victims(self) -> Iterator[PageName]:
        """Give the pages in the order in which they should go, until one of them can."""


class Lru:
    """Least recently used goes first."""

    def __init__(self, frames: int) -> None:
        self._by_use: OrderedDict[PageName, None] = OrderedDict()

    def entered(self, page: PageName) -> None:
        """Stand at the end."""
        self._by_use[page] = None

    def touched(self, page: PageName) -> None:
        """Go to the end."""
        self._by_use.move_to_end(page)

    def left(self, page: PageName) -> None:
        """Be forgotten."""
        del self._by_use[page]

    def victims(self) -> Iterator[PageName]:
        """From the one not used for the longest time on."""
        return iter(self._by_use)


class Clock:
    """A hand goes round; who was used since it last passed is spared once."""

    def __init__(self, frames: int) -> None:
        self._used: OrderedDict[PageName, bool] = OrderedDict()

    def entered(self, page: PageName) -> None:
        """Stand just behind the hand, used."""
        self._used[page] = True

    def touched(self, page: PageName) -> None:
        """Be marked as used: all that a hit costs."""
        self._used[page] = True

    def left(self, page: PageName) -> None:
        """Be forgotten."""
        del self._used[page]

    def victims(self) -> Iterator[PageName]:
        """Those at which the hand arrives and that were not used; it clears the marks on its way."""
        while True:
            page, used = next(iter(self._used.items()))
            self._used.move_to_end(page)
            self._used[page] = False
            if not used:
                yield page


class ScanResistant:
    """Used once: on trial, first in, first out. Used again: kept, least recently used goes back on trial."""

    KEPT_SHARE: Final = 5 / 8

    def __init__(self, frames: int) -> None:
        self._kept_max = int(frames * self.KEPT_SHARE)
        self._on_trial: OrderedDict[PageName, None] = OrderedDict()
        self._kept: OrderedDict[PageName, None] = OrderedDict()

    def entered(self, page: PageName) -> None:
        """Come on trial."""
        self._on_trial[page] = None

    def touched(self, page: PageName) -> None:
        """Be kept, as the latest; if that is one too many the one kept longest without use is on trial again."""
        if page in self._kept:
            self._kept.move_to_end(page)
            return
        del self._on_trial[page]
        self._kept[page] = None
        if len(self._kept) > self._kept_max:
            self._on_trial[self._kept.popitem(last=False)[0]] = None

    def left(self, page: PageName) -> None:
        """Be forgotten."""
        (self._on_trial if page in self._on_trial else self._kept).pop(page)

    def victims(self) -> Iterator[PageName]:
        """Those on trial, oldest first, then the kept."""
        yield from self._on_trial
        yield from self._kept


POLICIES: Final[dict[str, Callable[[int], Policy]]] = {"lru": Lru, "clock": Clock, "scan_resistant": ScanResistant}
"""The policies by name; each is made for a number of frames."""


@dataclass(slots=True, eq=False)
class _Frame:
    file: PageFile
    number: int
    page: Page
    dirty: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """What is in memory, and how often it was of use since the pool was made.

    Attributes
    ----------
    frames, used, dirty : int
        Frames there are, frames with a page, frames with a page that was changed since it was read.
    hits, misses, evictions : int
    """

    frames: int
    used: int
    dirty: int
    hits: int
    misses: int
    evictions: int

    @property
    def hit_fraction(self) -> float:
        """Share of the pages wanted that were in memory."""
        return self.hits / max(1, self.hits + self.misses)


class BufferPool:
    """Pages in memory, as many as there are frames; several files may share them. A crash takes the pool with it.

    Parameters
    ----------
    frames : int
        How many pages of 8,192 bytes fit.
    policy : str
        One of `POLICIES`.

    Examples
    --------
    >>> BufferPool(64, "clock").status()
    PoolStatus(frames=64, used=0, dirty=0, hits=0, misses=0, evictions=0)
    """

    def __init__(self, frames: int = 1024, policy: str = "lru") -> None:
        if frames < 1:
            raise BadParameter(f"frames = {frames!r}: give the number of pages that fit in memory, 1 or more")
        require_choice("policy", policy, tuple(POLICIES))
        self.frames = frames
        self._policy = POLICIES[policy](frames)
        self._frames: dict[PageName, _Frame] = {}
        self._pinned = self._hits = self._misses = self._evictions = 0

    def fetch(self, file: PageFile, number: int) -> tuple[Page, bool]:
        """Return a page, and whether it was in memory."""
        frame = self._frames.get((file, number))
        if frame is not None:
            self._hits += 1
            self._policy.touched((file, number))
            return frame.page, True
        page = file.load(number)
        self._misses += 1
        self._enter(file, number, page)
        return page, False

    def add(self, file: PageFile, number: int, page: Page) -> None:
        """Put a page into memory that did not come from the disk, in place of what was there under its name."""
        frame = self._frames.get((file, number)) or self._enter(file, number, page)
        frame.page, frame.dirty = page, True

    def holds(self, file: PageFile, number: int) -> bool:
        """Whether a page is in memory."""
        return (file, number) in self._frames

    def pages(self) -> list[tuple[str, int]]:
        """Return the pages in memory, each by the name of its file and its number, in the order in which they came."""
        return [(frame.file.name, frame.number) for frame in self._frames.values()]

    def pin(self, file: PageFile, number: int) -> Page:
        """Return a page, which must be in memory, and keep it there until `unpin`. It is not one more hit."""
        frame = self._frames[file, number]
        self._pinned += not frame.pinned
        frame.pinned = True
        return frame.page

    def unpin(self, file: PageFile, number: int, *, changed: bool) -> None:
        """Let a page go again; say whether it must be written back first."""
        frame = self._frames[file, number]
        self._pinned -= frame.pinned
        frame.pinned, frame.dirty = False, frame.dirty or changed

    def flush(self, file: PageFile) -> int:
        """Write back every changed page of a file, in order; they stay in memory. Return how many."""
        changed = sorted((frame for frame in self._frames.values() if frame.file is file and frame.dirty), key=_number)
        for frame in changed:
            file.write_back(frame.number, frame.page)
            frame.dirty = False
        return len(changed)

    def forget(self, file: PageFile, number: int) -> None:
        """Drop a page as it is, written back or not."""
        frame = self._frames.pop((file, number))
        self._pinned -= frame.pinned
        self._policy.left((file, number))

    def status(self) -> PoolStatus:
        """Return what is in memory and how often it was of use."""
        dirty = sum(frame.dirty for frame in self._frames.values())
        return PoolStatus(self.frames, len(self._frames), dirty, self._hits, self._misses, self._evictions)

    def _enter(self, file: PageFile, number: int, page: Page) -> _Frame:
        if len(self._frames) >= self.frames:
            self._evict()
        self._frames[file, number] = frame = _Frame(file, number, page)
        self._policy.entered((file, number))
        return frame

    def _evict(self) -> None:
        if self._pinned == len(self._frames):
            raise Refused(f"all {self.frames} frames hold pages that are being changed; give the pool more frames")
        name = next(name for name in self._policy.victims() if not self._frames[name].pinned)
        victim = self._frames[name]
        if victim.dirty:
            victim.file.write_back(victim.number, victim.page)
        del self._frames[name]
        self._policy.left(name)
        self._evictions += 1


def _number(frame: _Frame) -> int:
    return frame.number
