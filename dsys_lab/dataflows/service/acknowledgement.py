"""Where does a consumer say "I have that"? Four lines of its loop, in any order, and the power cut at every step.

The log hands out records by position; the *commit* of a position is the acknowledgement. Whoever commits before the
work loses what a crash takes in between, whoever commits afterwards does it again, and whoever remembers in one step
with the effect whose it was, does it once. ::

    read, commit, process                at most once     a crash loses up to a batch
    read, process, commit                at least once    a crash repeats up to a batch
    read, skip seen, process, commit     once, in effect  what was done is skipped

All that is in memory is gone at a crash; what was committed, and the effects with the ids that were written down in the
same step, are not.

The loop promises
-----------------
1. A *step* is what a crash leaves done or not done: a read, a look at what was seen, one record's effect, a commit.
2. `crashed_everywhere` runs the loop with the crash before each step and after the last, and no moment is left out.

Left out: an effect outside (an e-mail, another company's service), for which no id can be written in the same step.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 11, "Fault tolerance"; Helland, "Life beyond
distributed transactions", CIDR 2007; Kafka documentation, "Message delivery semantics".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from dsys_lab.errors import BadParameter, Misuse, require_choice, require_positive

LINES: Final = ("read", "skip seen", "process", "commit")
"""The lines of a consumer's loop."""
PLACES: Final[dict[str, tuple[str, ...]]] = {
    "commit first": ("read", "commit", "process"),
    "process first": ("read", "process", "commit"),
    "process first, skip seen": ("read", "skip seen", "process", "commit"),
}
"""Three places for the acknowledgement, as orders of the lines."""
TURNS_MOST: Final = 10
"""Times the turns that a loop needs which reads one record in each."""


class Outcome(NamedTuple):
    """What one crash came to.

    Attributes
    ----------
    step : int
        Before which it crashed, from 0.
    before : str
        The line that was not done any more, or "the end".
    lost, repeated : int
        Records without an effect, and effects more than one each.
    """

    step: int
    before: str
    lost: int
    repeated: int


class Crash(Exception):  # it is no error of anybody's
    """The consumer is gone."""


@dataclass(slots=True)
class Kept:
    """What a crash does not take: the committed position, the effects, and the ids written with them."""

    position: int = 0
    effects: Counter[int] = field(default_factory=Counter)
    seen: set[int] = field(default_factory=set)


class Consumer:
    """A consumer's loop over a log, in one life from a start to a crash or to the log's end.

    Parameters
    ----------
    loop : sequence of str, or callable
        Some of `LINES`, in the order of the loop; or a function `(consumer)` that goes round once, by calling `read`,
        `skip_seen`, `process` and `commit`.
    records : int
        How many the log holds, from 0.
    kept : Kept
        What the lives before this one left.
    crash_before : int or None
        The step before which it crashes.
    """

    def __init__(self, loop: Loop, records: int, batch: int, kept: Kept, crash_before: int | None = None) -> None:
        self.loop, self.records, self.batch, self.kept = loop, records, batch, kept
        self.steps: list[str] = []
        self._crash_before = crash_before
        self._in_hand: Sequence[int] = ()
        self._read_to = kept.position

    def run(self) -> None:
        """Go round until the log is at its end, and once more, so that the last lines have had their turn.

        Raises
        ------
        Crash
            Before the step at which it was told to.
        Misuse
            If it goes round and round and never comes to the end.
        """
        for _ in range(TURNS_MOST * (self.records + 2)):
            was_at_end = self._read_to >= self.records
            self._turn()
            if was_at_end:
                return
        raise Misuse(f"the loop never comes to the end of {self.records} records: read in each turn")

    def _turn(self) -> None:
        if callable(self.loop):
            self.loop(self)
            return
        lines = dict(zip(LINES, (self.read, self.skip_seen, self.process, self.commit), strict=True))
        for line in self.loop:
            lines[line]()

    def read(self) -> None:
        """Take the next batch in hand."""
        self._step("read")
        end = min(self._read_to + self.batch, self.records)
        self._in_hand, self._read_to = range(self._read_to, end), end

    def skip_seen(self) -> None:
        """Let go of those in hand whose ids were written down with an effect."""
        self._step("skip seen")
        self._in_hand = [record for record in self._in_hand if record not in self.kept.seen]

    def process(self) -> None:
        """Carry out the effect of each in hand, a step each, and write its id down in the same step."""
        for record in self._in_hand:
            self._step("process")
            self.kept.effects[record] += 1
            self.kept.seen.add(record)
        self._in_hand = ()

    def commit(self) -> None:
        """Write the position down: behind all that was read."""
        self._step("commit")
        self.kept.position = self._read_to

    def _step(self, line: str) -> None:
        if len(self.steps) == self._crash_before:
            raise Crash
        self.steps.append(line)


Loop = Sequence[str] | Callable[[Consumer], object]
"""A loop, as the order of its lines or as a function."""


def crashed_everywhere(loop: Loop, *, records: int = 12, batch: int = 4) -> list[Outcome]:
    """Run the loop with a crash before each of its steps and after the last, go on after each, and say what came of it.

    Parameters
    ----------
    loop : sequence of str, or callable
        An order of `LINES`, some of which may be left out but not `read`; or a function (see `Consumer`).
    records, batch : int
        How many there are, and how many are read at once.
    """
    require_positive(records=records, batch=batch)
    if not callable(loop):
        _require_loop(loop)
    whole = Consumer(loop, records, batch, Kept())
    whole.run()
    befores = [*whole.steps, "the end"]
    return [_crashed(loop, records, batch, step, before) for step, before in enumerate(befores)]


def _crashed(loop: Loop, records: int, batch: int, step: int, before: str) -> Outcome:
    kept = Kept()
    with suppress(Crash):
        Consumer(loop, records, batch, kept, crash_before=step).run()
    Consumer(loop, records, batch, kept).run()
    return Outcome(step, before, records - len(kept.effects), kept.effects.total() - len(kept.effects))


def _require_loop(lines: Sequence[str]) -> None:
    for line in lines:
        require_choice("line", line, LINES)
    if "read" not in lines or len(set(lines)) < len(lines):
        raise BadParameter(f"lines = {', '.join(lines)}: give each of {', '.join(LINES)} once at most, and 'read'")
