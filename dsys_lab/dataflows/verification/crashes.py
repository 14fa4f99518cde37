"""One story, told again and again with the power cut before each step of the disk: is every promise settled, once?

All that there is lies on one disk, so one cut strikes gate, desk and parties alike: the log of promises, the desk's
journal, the three books. A step is a write, a sync or a new name. After each cut all is opened again and goes on to the
end, and an auditor reads the books. In the story there are fewer pillows than promises, and each refund fails half-way:
once before it is done, and once after, when its answer is lost.

What the desk remembers (`MEMORIES`) is a pair of decisions: whether a book looks a key up, and whether the desk keeps a
journal.

Sources: as in `dsys_lab.structures.disk`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from dsys_lab.dataflows.verification.auditor import Books, Finding, audit
from dsys_lab.dataflows.verification.books import Book, Entry
from dsys_lab.dataflows.verification.desk import Desk, Forgetful, LogJournal, by_hand, work
from dsys_lab.dataflows.verification.parties import Party, parties_on
from dsys_lab.dataflows.verification.troubles import Line, Plan
from dsys_lab.dataflows.verification.way import Call
from dsys_lab.errors import require_choice
from dsys_lab.structures import Disk, PowerCut, VolatileDisk
from dsys_lab.structures.part_of_disk import PartOfDisk

MEMORIES: Final[dict[str, tuple[bool, bool]]] = {
    "neither": (False, False),
    "journal only": (False, True),
    "keys only": (True, False),
    "keys and journal": (True, True),
}
"""Whether keys are looked up and whether there is a journal, by name."""
HOUR_US: Final = 3_600_000_000
Chance = Callable[[], float]


class Outcome(NamedTuple):
    """What a cut before one step came to.

    Attributes
    ----------
    step : int
        Before which the power went.
    promised, kept, apologised : int
        Counts of orders at the end; one that was told twice is one.
    twice, open : int
        Acts that were done more than once; promises that are not settled.
    found : int
        What an auditor finds, when all time is over.
    calls_after : int
        Calls that were made after the cut.
    """

    step: int
    promised: int
    kept: int
    apologised: int
    twice: int
    open: int
    found: int
    calls_after: int


@dataclass(frozen=True, slots=True)
class World:
    """A gate's log of promises, a desk and three parties, on one disk."""

    promises: Book
    desk: Desk
    parties: dict[str, Party]

    def promise(self, now_us: int, order: str) -> None:
        """Write down that an order is promised; only then may the buyer hear it."""
        self.promises.write(Entry("promise", order, now_us))

    def take_in(self, now_us: int) -> None:
        """Let the desk read on in the log of promises."""
        for number in range(self.desk.position, len(self.promises.entries)):
            entry = self.promises.entries[number]
            self.desk.take_in(now_us, number, entry.order, entry.at_us)

    def books(self) -> Books:
        """Return what an auditor reads."""
        entries = [entry for party in self.parties.values() for entry in party.book.entries]
        pillows = self.parties["stock"].pillows  # type: ignore[attr-defined]  # it is the one that has some
        return Books([(entry.order, entry.at_us) for entry in self.promises.entries], entries, pillows)


def world(disk: Disk, *, pillows: int, memory: str = "keys and journal") -> World:
    """Open all that there is on a disk, or make it there."""
    require_choice("memory", memory, tuple(MEMORIES))
    keyed, journaled = MEMORIES[memory]
    return World(
        Book("promises", PartOfDisk(disk, "promises.")),
        Desk("desk", LogJournal(PartOfDisk(disk, "desk.")) if journaled else Forgetful()),
        parties_on(disk, pillows=pillows, keyed=keyed),
    )


def refund_fails_half_way(call: Call, attempt: int) -> str:
    """Let each refund fail twice: once before it is done, once after, when its answer is lost."""
    return {1: "down", 2: "no answer"}.get(attempt, "") if call.verb == "refund" else ""


def tell(disk: Disk, orders: int, pillows: int, memory: str, plan: Plan) -> tuple[World, int]:
    """Open the world, promise what is not promised yet, and work until all is settled; return it, and the calls made.

    An hour passes at each turn, so that whatever must be tried again is due. What a person has in hand is done by hand.
    """
    here = world(disk, pillows=pillows, memory=memory)
    lines = {name: Line(party, plan) for name, party in here.parties.items()}
    made = now_us = 0
    for number in range(1, orders + 1):
        here.promise(now_us, f"o{number}")
        here.take_in(now_us)
        made += work(here.desk, lines, now_us)
    while here.desk.status().open:
        now_us += HOUR_US
        made += work(here.desk, lines, now_us)
        for saga in here.desk.owned():
            by_hand(here.desk, here.parties, now_us, saga.order)
    return here, made


def crashed_everywhere(
    memory: str = "keys and journal",
    *,
    orders: int = 3,
    pillows: int = 2,
    plan: Plan = refund_fails_half_way,
    chance: Callable[[int], Chance] = lambda step: lambda: (step * 0.37) % 1.0,
) -> list[Outcome]:
    """Tell the story with the power cut before each step of the disk and after the last; say what came of each.

    Parameters
    ----------
    memory : str
        One of `MEMORIES`.
    plan : callable
        What happens to each call.
    chance : callable
        `(step)` -> a stream of numbers in [0, 1), by which the disk forgets.
    """
    whole = VolatileDisk()
    tell(whole, orders, pillows, memory, plan)
    outcomes = []
    for step in range(whole.steps + 1):
        disk = VolatileDisk(power_cut_before=step)
        with suppress(PowerCut):
            tell(disk, orders, pillows, memory, plan)
        disk.crash(chance(step))
        outcomes.append(_came_to(step, *tell(disk, orders, pillows, memory, plan)))
    return outcomes


def _came_to(step: int, here: World, made: int) -> Outcome:
    books, found = here.books(), findings(here)
    acts = Counter(entry.key for entry in books.entries)
    told = Counter(key.partition("/")[0] for key in acts)
    return Outcome(
        step, len(books.promises), told["confirm"], told["apologise"],
        twice=sum(times > 1 for times in acts.values()),
        open=sum(finding.what == "never settled" for finding in found),
        found=len(found),
        calls_after=made,
    )  # fmt: skip


def findings(here: World) -> list[Finding]:
    """Return what an auditor finds when all time is over."""
    return audit(here.books(), 1_000 * HOUR_US, within_s=1.0)
