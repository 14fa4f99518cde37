"""Exercises of lab 08: how many copies, which accident at which level, and where the log ends after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.relational.interleaving import Outcome, grid
from dsys_lab.scenarios.relational.people import accident, database
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational import LEVELS
from dsys_lab.trace import Trace
from dsys_lab.workloads import anomalies

LAB: Final = 8
COPIES_MOST: Final = 24


# ------------------------------------------------------------------------------------------ (a) copies and quorums
def least_copies(zones: int, more: int) -> tuple[int, int, int] | None:
    """Return the fewest copies, with quorums, that go through the loss of a zone, and of `more` machines on top."""
    for copies in range(1, 25):
        largest_zone = -(-copies // zones)
        left = copies - largest_zone
        for write in range(1, copies + 1):
            for read in range(1, copies + 1):
                overlap = read + write > copies and 2 * write > copies
                if overlap and write <= left and read <= left - more:
                    return copies, write, read
    return None


def _spread(copies: int, zones: int) -> list[int]:
    return [copies // zones + (zone < copies % zones) for zone in range(zones)]


def _fault(copies: int, write: int, read: int, *, zones: int, more: int) -> str:
    """Say what is wrong with a choice, by losing each zone in turn; "" if nothing is."""
    if read + write <= copies:
        return f"{read} + {write} is not above {copies}: a read can miss the latest write."
    if 2 * write <= copies:
        return f"twice {write} is not above {copies}: two writes can miss each other."
    for zone, lost in enumerate(_spread(copies, zones)):
        if copies - lost < write:
            return f"without zone {zone + 1} there are {copies - lost} copies left, and a write needs {write}."
        if copies - lost - more < read:
            left = max(0, copies - lost - more)
            return f"without zone {zone + 1} and {more} more there are {left} left, and a read needs {read}."
    return ""


def check_least_copies(function: Callable[..., Any]) -> Verdict:
    """Lose every zone of every choice; and see that no smaller number of copies would have done."""
    for zones, more in product(range(1, 8), range(4)):
        said, truth = function(zones, more), least_copies(zones, more)
        choice = None if said is None else _three(said)
        if choice is None or truth is None:
            if choice != truth:
                return Verdict(passed=False, saw=f"{_case(zones, more)}: you said {said}. {_truth(zones, truth)}")
            continue
        copies, write, read = choice
        if wrong := _fault(copies, write, read, zones=zones, more=more):
            return Verdict(passed=False, saw=f"{_case(zones, more)}: you said {said}; {wrong}")
        if copies > truth[0]:
            return Verdict(passed=False, saw=f"{_case(zones, more)}: {said} holds, but {truth[0]} copies are enough.")
    return Verdict(passed=True, saw="Every zone was lost, and so many machines more, in 28 clusters: all held.")


def _case(zones: int, more: int) -> str:
    return f"{zones} zone{'s' * (zones > 1)}, {more} machine{'s' * (more != 1)} more"


def _truth(zones: int, truth: tuple[int, int, int] | None) -> str:
    if truth is not None:
        return f"{truth} does it."
    if zones == 1:
        return "There is no such number: without its one zone nothing is left."
    return "There is no such number: without a zone half of the copies may be left, and a write needs more than half."


def _three(said: Any) -> tuple[int, int, int]:
    if not isinstance(said, tuple | list) or len(said) != 3:
        raise Misuse(f"it returned {brief(said)}; give three numbers, (copies, write quorum, read quorum), or None")
    if any(isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in said):
        raise Misuse(f"it returned {brief(said)}; give three whole numbers, 1 or more")
    if said[0] > COPIES_MOST or max(said[1:]) > said[0]:
        raise Misuse(f"it returned {brief(said)}; at most {COPIES_MOST} copies, and no quorum above their number")
    return said[0], said[1], said[2]


def play_least_copies(function: Callable[..., Any]) -> list[Trace]:
    """Show the reader's copies in three zones while a zone goes, and then one machine more."""
    said = function(3, 1)
    copies, write, read = _three(said) if said is not None else (3, 2, 2)
    trace = Trace()
    places = [
        f"zone-{zone}/copy-{copy}"
        for zone, many in enumerate(_spread(copies, 3), 1)
        for copy in range(1, many + 1)
    ]
    left = list(places)
    for record in range(1, 7):
        for place in left:
            trace.emit(record * 1_000, "archive", place, f"r{record}")
        if record == 2:
            for place in [one for one in left if one.startswith("zone-1")]:
                trace.emit(record * 1_000 + 500, "crash", place)
                left.remove(place)
        if record == 4 and left:
            trace.emit(record * 1_000 + 500, "crash", left.pop(0))
        for name, quorum in (("writes", write), ("reads", read)):
            can, told = len(left) >= quorum, f"{len(left)} of {copies} left"
            trace.emit(
                record * 1_000 + 600, "check", "cluster", name=name, ok=can, expected=f"{quorum} or more", got=told
            )
    return [trace]


LEAST_COPIES: Final = Exercise(
    lab=LAB,
    name="least_copies",
    title="How many copies?",
    statement="""
Copies of a volume stand in `zones` zones, spread as evenly as can be. A write is done when `write` copies have it; a
read asks `read` copies. You want

- every read to meet the latest write, and no two writes to miss each other;
- writes to go on when any one zone is lost;
- reads (and so repairs) to go on when any one zone is lost **and `more` machines on top of it**.

Return `(copies, write, read)` with the fewest copies, or `None` if no number of them does it.""",
    skeleton="def least_copies(zones, more):\n    ...",
    example="`least_copies(4, 1)` is `(4, 3, 2)`: lose a zone and 3 are left, one more and 2 are left.",
    hints=(
        "Two sets of copies meet for certain when their sizes add up to more than there are. Which pairs must meet?",
        "The largest zone is the one to fear: it has `-(-copies // zones)` copies.",
        "Try copies = 1, 2, … and all quorums up to it; the first that meets all conditions. And when is there none?",
    ),
    check=check_least_copies,
    play=play_least_copies,
    answer=least_copies,
)


# ------------------------------------------------------------------------------------------ (b) the grid
def happens(accident: str, level: str) -> bool:
    """Return whether an accident happens at a level."""
    safe_from = {
        "dirty_read": "read uncommitted", "read_skew": "repeatable read", "phantom": "repeatable read",
        "lost_update": "repeatable read", "write_skew": "serializable",
    }  # fmt: skip
    return LEVELS.index(level) < LEVELS.index(safe_from[accident])


@lru_cache(maxsize=1)
def played_grid() -> dict[tuple[str, str], Outcome]:
    """Return how each accident went at each level in the model."""
    return grid([anomalies.load(name) for name in anomalies.names()], database)


def check_happens(function: Callable[..., Any]) -> Verdict:
    """Hold the reader's grid against twenty runs."""
    wrong = []
    for (name, level), outcome in played_grid().items():
        said = function(name, level)
        if not isinstance(said, bool):
            raise Misuse(f"it returned {brief(said)} for {name!r} at {level!r}; give True or False")
        if said != outcome.anomaly:
            wrong.append((name, level, outcome))
    if not wrong:
        return Verdict(passed=True, saw="Right in all twenty cells, each of which was just played.")
    name, level, outcome = wrong[0]
    seen = ", ".join(f"{key} = {value}" for key, value in outcome.seen.items())
    let_down = "".join(f" {who} was let down: {failure.why}." for who, failure in outcome.failed.items())
    told = "happens" if outcome.anomaly else "does not happen"
    more = f" Cells that you have wrong besides: {len(wrong) - 1}." if len(wrong) > 1 else ""
    return Verdict(passed=False, saw=f"{name} at {level}: it {told} ({seen}).{let_down}{more}")


HAPPENS: Final = Exercise(
    lab=LAB,
    name="happens",
    title="Which accident at which level?",
    statement="""
Five accidents: `dirty_read`, `read_skew`, `phantom`, `lost_update`, `write_skew`. Four levels: `read uncommitted`,
`read committed`, `repeatable read`, `serializable`, as PostgreSQL keeps them.

Return `True` where the accident happens. Where somebody is let down so that it does not, return `False`.""",
    skeleton="def happens(accident, level):\n    ...",
    example='`happens("read_skew", "read committed")` is `True`: two statements of one transaction saw two moments.',
    hints=(
        "What does a reader see: the latest, the latest committed at each statement, or one moment?",
        "From repeatable read on a transaction sees one moment, and may not change a row that was changed since.",
        "Write skew changes different rows, so the rule about changed rows does not find it.",
    ),
    check=check_happens,
    play=lambda function: [accident(script="write_skew", level=level) for level in LEVELS[1:]],
    answer=happens,
)


# ------------------------------------------------------------------------------------------ (c) where the log ends
Held = tuple[int, int, bool]
"""A record as a segment holds it: its number, the number of the one before it in its group, whether it ends a group of
changes that belong together."""
Segment = list[Held] | None
READ_QUORUM: Final = 3


def recovery_point(groups: dict[str, list[Segment]]) -> int | None:
    """Return up to which record the volume is whole, or None where too few segments answer."""
    known: dict[int, bool] = {}
    for segments in groups.values():
        answering = [segment for segment in segments if segment is not None]
        if len(answering) < 3:
            return None
        for segment in answering:
            by_previous = {previous: (number, ends) for number, previous, ends in segment}
            at = 0
            while at in by_previous:
                at, ends = by_previous[at]
                known[at] = ends
    whole, point = 0, 0
    while whole + 1 in known:
        whole += 1
        if known[whole]:
            point = whole
    return point


class _Volume:
    """A volume of some groups of six segments, to which a writer sends records of which some never arrive."""

    def __init__(self, number: int) -> None:
        chance = stream(1008, f"volume/{number}")
        names = [f"group-{one}" for one in range(1, 2 + int(chance() * 3))]
        self.groups: dict[str, list[Segment]] = {name: [[] for _ in range(6)] for name in names}
        self.acknowledged = 0
        whole_to = {name: [0] * 6 for name in names}
        last, arrives, all_have_four = dict.fromkeys(names, 0), 0.7 + 0.3 * chance(), True
        for record in range(1, 4 + int(chance() * 30)):
            name, ends = names[int(chance() * len(names))], chance() < 0.4
            for place, segment in enumerate(self.groups[name]):
                if chance() < arrives and segment is not None:
                    segment.append((record, last[name], ends))
                    if whole_to[name][place] == last[name]:
                        whole_to[name][place] = record
            last[name] = record
            all_have_four = all_have_four and whole_to[name].count(record) >= 4
            if ends and all_have_four:
                self.acknowledged = record
        dark = int(chance() * 3) + (chance() < 0.15) * 2
        for segments in self.groups.values():
            for place in sorted(range(6), key=lambda _: chance())[:dark]:
                segments[place] = None


def check_recovery_point(function: Callable[..., Any]) -> Verdict:
    """Hold the function against volumes with holes and with segments that do not answer."""
    refused = held = 0
    for number in range(120):
        volume = _Volume(number)
        said, truth = function(_copied(volume.groups)), recovery_point(volume.groups)
        if said is not None and (isinstance(said, bool) or not isinstance(said, int)):
            raise Misuse(f"it returned {brief(said)}; give the number of a record, 0 for none, or None to refuse")
        if said != truth:
            return Verdict(passed=False, saw=_slip(volume, said, truth))
        assert truth is None or truth >= volume.acknowledged, "what four have is among any three"
        refused += truth is None
        held += truth is not None
    told = f"In {held} volumes nothing acknowledged was lost; in {refused} too few segments answered, and you refused."
    return Verdict(passed=True, saw=told)


def _copied(groups: dict[str, list[Segment]]) -> dict[str, list[Segment]]:
    return {
        name: [None if segment is None else list(segment) for segment in segments] for name, segments in groups.items()
    }


def _slip(volume: _Volume, said: int | None, truth: int | None) -> str:
    groups = volume.groups
    counts = [sum(segment is not None for segment in segments) for segments in groups.values()]
    shape = f"{len(groups)} groups, in which {', '.join(map(str, counts))} of six segments answer"
    told = f"In a volume of {shape} you said {said}; it is {truth}."
    if truth is None:
        return f"{told} With fewer than {READ_QUORUM} answers a record that four had may be among those you do not see."
    if said is None:
        return f"{told} {READ_QUORUM} answers of a group are enough: any four and any three of six meet."
    if said > truth and said in _seen(groups):
        return f"{told} Record {said} is there, but one before it is not, or it stands behind a hole in its segment."
    if said > truth:
        return f"{told} No segment holds record {said} behind all that came before it."
    if said < truth and said < volume.acknowledged:
        return f"{told} Record {volume.acknowledged} was acknowledged: it must not be lost."
    return f"{told} A hole in one segment does no harm if another of its group is whole further on."


def _seen(groups: dict[str, list[Segment]]) -> set[int]:
    return {record for segments in groups.values() for segment in segments or () for record, _, _ in segment or ()}


def play_recovery_point(function: Callable[..., Any]) -> list[Trace]:
    """Show the segments of one volume, and what is cut off behind the reader's point."""
    volume = _Volume(3)
    said = function(_copied(volume.groups))
    trace, point = Trace(), said if isinstance(said, int) else 0
    for name, segments in volume.groups.items():
        for place, segment in _placed(name, segments):
            if segment is None:
                trace.emit(0, "crash", place)
            for record, _, _ in segment or ():
                trace.emit(0, "archive", place, f"r{record}")
    for name, segments in volume.groups.items():
        for place, segment in _placed(name, segments):
            for record in sorted(record for record, _, _ in segment or () if record > point):
                trace.emit(1_000, "drop", place, f"r{record}", why=f"it stands behind record {point}")
    return [trace]


def _placed(name: str, segments: Sequence[Segment]) -> Iterable[tuple[str, Segment]]:
    return ((f"{name}/segment-{number}", segment) for number, segment in enumerate(segments, 1))


RECOVERY_POINT: Final = Exercise(
    lab=LAB,
    name="recovery_point",
    title="Where does the log end?",
    statement="""
The log of a volume is spread over groups of pages; each group's records are sent to six *segments*, and a record is
durable when four of them have it and all of the group that came before it. Now the writer has crashed. `groups` gives
for each group its six segments: a segment is `None` if it does not answer, else a list of `(number, previous, ends)`:
the record's number (1, 2, 3, … over the whole volume), the number of the record before it **in the same group** (0 for
the first), and whether it ends a set of changes that belong together. Some segments have holes.

- A segment is whole up to the last record that can be reached from 0 without a hole. Of a group the best segment
  counts.
- The volume is whole up to the last record before the first that is missing in its group.
- It is opened at the last record up to there that *ends* something; 0 if there is none.
- If fewer than three segments of some group answer, return `None`: nobody may open it.""",
    skeleton="def recovery_point(groups):\n    ...",
    example='`recovery_point({"a": [[(1, 0, True), (2, 1, False)]] * 3 + [None] * 3})` is `1`: record 2 ends nothing.',
    hints=(
        "First one segment: make a dict from `previous` to the record, and follow it from 0.",
        "Put all records that were reached, of all groups, into one set; then count 1, 2, 3, … while they are in it.",
        "On the way remember the last one with `ends`. And look first whether every group has three that answer.",
    ),
    check=check_recovery_point,
    play=play_recovery_point,
    answer=recovery_point,
)

# ------------------------------------------------------------------------------------------ to think about
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Five hundred buyers, twenty pillows",
    statement="""
The pillow launch: twenty pillows, five hundred buyers at the same moment. Stock must never fall below zero, and nobody
may pay for a pillow that is not there.

Serializable and try again, `SELECT … FOR UPDATE`, one `UPDATE … SET stock = stock - 1 WHERE stock > 0`, a reservation
that expires, or one row for each pillow? For your choice: how many attempts does it take, who waits for whom, and what
happens to a buyer whose browser dies?""",
    model_answer="""
**The invariant fits one row**, so one statement keeps it at every level: `UPDATE … SET stock = stock - 1 WHERE stock >
0`. It reads and writes at once, who must wait looks again, and "0 rows" means sold out. Five hundred attempts, no
retries.

**But they stand in one line**: each holds the row until its commit. If payment happens inside the transaction, the line
moves at the pace of the payment provider. So never hold a row while talking to somebody else.

**Serializable, or repeatable read, and try again** is right and dear here: of k who see the same stock one gets
through, so with all of them at once it takes about k²/2 attempts. It is for invariants over several rows that nobody
can name beforehand.

**FOR UPDATE** is the line with a longer hold, and needs an order of rows if there are several, or it deadlocks.

**A reservation** is how shops do it: a short transaction takes a pillow for ten minutes (a row with an expiry), payment
happens outside, a second short one confirms. Who dies lets it expire. The price: pillows that look sold and are not;
and a payment that comes too late, which needs an apology (lab 25).

**One row a pillow, `FOR UPDATE SKIP LOCKED LIMIT 1`**: twenty lines instead of one; good when the holds are long.""",
)

TASKS: Final = (LEAST_COPIES, HAPPENS, RECOVERY_POINT, DESIGN)
