"""Exercises on the shared volume, for lab 08: the fewest copies that are enough, and where a log ends after a crash."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Any, Final, NamedTuple

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.shared_volume import fail_over, zone_loss
from dsys_lab.stores.relational.shared_volume import Change, LogRecord, recovery_point
from dsys_lab.trace import Trace

LAB: Final = 8


# ------------------------------------------------------------------------------------------ X1: the fewest copies
def fewest_copies() -> tuple[int, int, int]:
    """Return copies, write quorum and read quorum: try all, the fewest copies first."""
    for copies in range(3, 10):
        zones = [[copy for copy in range(copies) if copy % 3 == zone] for zone in range(3)]
        left = copies - max(len(zone) for zone in zones)
        for write in range(1, copies + 1):
            for read in range(1, copies + 1):
                safe = read + write > copies and 2 * write > copies
                if safe and left >= write and left - 1 >= read:
                    return copies, write, read
    raise ValueError("none")


def what_stops(copies: int, write: int, read: int) -> str:
    """Say which failure stops what it must not stop, or what may be lost; nothing, if all holds. By brute force."""
    homes = [copy % 3 for copy in range(copies)]
    for one in combinations(range(copies), write):
        for other in combinations(range(copies), read):
            if not set(one) & set(other):
                return (
                    f"copies {_named(one)} have taken a write, copies {_named(other)} are read, and none has seen it."
                )
    for one in combinations(range(copies), write):
        rest = set(range(copies)) - set(one)
        if len(rest) >= write:
            return f"copies {_named(one)} may take the write of one writer and the others that of another."
    for zone, more in product(range(3), range(copies)):
        left = [copy for copy in range(copies) if homes[copy] != zone]
        if len(left) < write:
            return f"without zone {zone + 1} there are {len(left)} copies left, and a write needs {write}."
        if more in left and len(left) - 1 < read:
            return f"without zone {zone + 1} and one more there are {len(left) - 1} left, and a read needs {read}."
    return ""


def _named(copies: Sequence[int]) -> str:
    return ", ".join(str(copy + 1) for copy in copies)


def _said_quorum(said: Any) -> tuple[int, int, int]:
    if not isinstance(said, tuple | list) or len(said) != 3 or not all(type(x) is int for x in said):
        raise Misuse(f"it returned {brief(said)}; give three whole numbers, (copies, write, read)")
    copies, write, read = said
    if not (3 <= copies <= 12 and 1 <= write <= copies and 1 <= read <= copies):
        raise Misuse(f"it returned {brief(said)}; give 3 to 12 copies, and quorums from 1 to the number of copies")
    return copies, write, read


def check_fewest_copies(function: Callable[..., Any]) -> Verdict:
    """Try every failure on the answer, and every smaller number of copies."""
    copies, write, read = _said_quorum(function())
    wrong = what_stops(copies, write, read)
    if wrong:
        return Verdict(passed=False, saw=f"With {copies} copies, write {write}, read {read}: {wrong}")
    for fewer in range(3, copies):
        for pair in product(range(1, fewer + 1), repeat=2):
            if not what_stops(fewer, *pair):
                return Verdict(passed=False, saw=f"It holds, but {fewer} copies are enough for it: find their quorums.")
    return Verdict(passed=True, saw=f"{copies} copies, write {write}, read {read} outlive every failure; fewer do not.")


def play_fewest_copies(function: Callable[..., Any]) -> list[Trace]:
    """Play the reader's quorum without a zone, and without a zone and one more."""
    copies, write, read = _said_quorum(function())
    return [zone_loss(copies=copies, write=write, read=read, more=more) for more in (0, 1)]


FEWEST_COPIES: Final = Exercise(
    lab=LAB,
    name="fewest_copies",
    title="The fewest copies that are enough",
    statement="""
A volume is kept in three zones, its copies spread as evenly as they can be. Whatever zone is lost, **writes** must go
on; whatever zone is lost and whatever single copy besides, **reads** (and repair) must go on. No acknowledged write may
be missed by a read, and two writers must never both be acknowledged.

Return the fewest copies with which that holds, and the quorums: `(copies, write, read)`.""",
    skeleton="def fewest_copies():\n    return (3, 2, 2)",
    example="`(3, 2, 2)` outlives a zone; but without a zone and one more a single copy is left, and a read needs two.",
    hints=(
        "Without its largest zone, how many copies are left of 3, 4, 5, 6? And with one less?",
        "`read + write > copies` and `2 * write > copies`. What is left without a zone must be at least `write`.",
        "With c copies in each zone: `2c >= write`, `2c - 1 >= read`, `write + read > 3c`. Then try 4 and 5 copies.",
    ),
    check=check_fewest_copies,
    play=play_fewest_copies,
    answer=fewest_copies,
    is_pure=True,
)


# ------------------------------------------------------------------------------------------ X3: where the log ends
class Rec(NamedTuple):
    """A record as the reader sees it."""

    lsn: int
    previous: int
    is_point: bool


def recover_vdl(segments: Sequence[Sequence[Rec] | None]) -> int | None:
    """Return where the log ends; None if too few segments can be reached to know."""
    reached = [segment for segment in segments if segment is not None]
    if len(reached) < 3:
        return None

    def complete(segment: Sequence[Rec]) -> int:
        after, scl = {record.previous: record.lsn for record in segment}, 0
        while scl in after:
            scl = after[scl]
        return scl

    end = max(complete(segment) for segment in reached)
    points = [r.lsn for segment in reached for r in segment if r.is_point and r.lsn <= end]
    return max(points, default=0)


def a_case(seed: int) -> list[list[Rec] | None]:
    """Return six logs with holes, of which some cannot be reached."""
    luck = random.Random(f"vdl/{seed}")
    count = luck.randint(0, 14)
    log = [Rec(lsn, lsn - 1, luck.random() < 0.4) for lsn in range(1, count + 1)]
    holes, away = luck.choice((0.0, 0.1, 0.3)), luck.choice((0.0, 0.3, 0.6))
    segments: list[list[Rec] | None] = []
    for _ in range(6):
        kept = [record for record in log if luck.random() >= holes]
        luck.shuffle(kept)
        segments.append(None if luck.random() < away else kept)
    return segments


def the_vdl(segments: Sequence[Sequence[Rec] | None]) -> int | None:
    """Return what the volume itself says."""
    reached = [
        [LogRecord(r.lsn, 0, r.previous, 1, 1, r.is_point, Change(0, "k", "v")) for r in segment]
        for segment in segments
        if segment is not None
    ]
    return None if len(reached) < 3 else recovery_point({0: reached}, 3)


def check_recover_vdl(function: Callable[..., Any]) -> Verdict:
    """Hold it against the volume's own recovery, on hidden logs."""
    cases = 300
    for seed in range(cases):
        segments, right = a_case(seed), the_vdl(a_case(seed))
        said = function(segments)
        if said is not None and type(said) is not int:
            raise Misuse(f"it returned {brief(said)}; give a whole number, or None")
        if said != right:
            told = " ".join("away" if s is None else _short(s) for s in segments)
            return Verdict(
                passed=False, saw=f"Of {told} you said {said}, and it is {right}. {_slip(segments, said)}".strip()
            )
    return Verdict(passed=True, saw=f"On {cases} hidden volumes the log ends where you said.")


def _short(segment: Sequence[Rec]) -> str:
    return "[" + " ".join(f"{r.lsn}{'*' if r.is_point else ''}" for r in sorted(segment)) + "]"


def _slip(segments: Sequence[Sequence[Rec] | None], said: int | None) -> str:
    """Name the usual slip that gives this number, if one does."""
    reached = [segment for segment in segments if segment is not None]
    if len(reached) < 3:
        return "Fewer than three can be reached: an acknowledged record may lie on the others only."
    highest = max((r.lsn for s in reached for r in s), default=0)
    if said == highest:
        return "A record past a hole does not count."
    if said == recovery_end(reached):
        return "The log may end at a consistency point (*) only."
    return "A segment whose chain goes up to x has every record up to x: which segment goes furthest?"


def recovery_end(reached: Sequence[Sequence[Rec]]) -> int:
    """How far the furthest chain goes, whether or not it ends at a point."""
    best = 0
    for segment in reached:
        after, scl = {record.previous: record.lsn for record in segment}, 0
        while scl in after:
            scl = after[scl]
        best = max(best, scl)
    return best


RECOVER_VDL: Final = Exercise(
    lab=LAB,
    name="recover_vdl",
    title="Where the log ends",
    statement="""
The writer is gone. `segments` holds the logs of six segments of one protection group: each is a list of records in any
order, with holes, or `None` where a segment cannot be reached. A record has `.lsn`, `.previous` (the lsn of the one
before it, 0 for the first) and `.is_point` (whether the log may end there). A record was durable when four segments had
it **and all before it**.

Return the lsn at which the log ends, so that nothing acknowledged is lost: 0 if nothing is there, `None` if too few
segments can be reached to know.""",
    skeleton="def recover_vdl(segments):\n    return max((r.lsn for log in segments if log for r in log), default=0)",
    example="With chains up to 4, 6 and 6 (and an 8 past a hole), and points at 2, 5 and 8, the log ends at `5`.",
    hints=(
        "For each segment: how far does its chain go without a hole? `previous` tells.",
        "Any three segments meet any four. So what was durable is in the furthest chain of three that can be reached.",
        "The furthest chain goes to x. The answer is the last point at or below x.",
    ),
    check=check_recover_vdl,
    play=lambda function: [fail_over(old="crashes")],
    answer=recover_vdl,
    is_pure=True,
)

TASKS: Final = (FEWEST_COPIES, RECOVER_VDL)
"""To be listed by lab 08."""
