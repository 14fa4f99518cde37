"""Exercises of lab 20: how far behind life, settings for a doorbell and for evidence, and what is missing of a film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import fmean
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.video_stream import live, outage
from dsys_lab.scenarios.video_stream.counts import delay_s, share_lost
from dsys_lab.simulation.chance import stream
from dsys_lab.trace import Trace
from dsys_lab.workloads.film import modelled

LAB: Final = 20


# ------------------------------------------------------------------------------------------ (a) how far behind life
def behind(fragment_s: float, buffered: int, way_s: float) -> tuple[float, float]:
    """Return the least and the most seconds by which a live picture is behind life."""
    least = buffered * fragment_s + way_s
    return least, least + fragment_s


@lru_cache(maxsize=1)
def _cases() -> tuple[tuple[float, int, float], ...]:
    luck = stream(2001, "cases")
    return tuple((round(0.1 + 9.9 * luck(), 2), 1 + int(9 * luck()), round(2 * luck(), 2)) for _ in range(40))


def check_behind(function: Callable[..., Any]) -> Verdict:
    """Hold the function against forty players."""
    for fragment_s, buffered, way_s in _cases():
        said = function(fragment_s, buffered, way_s)
        if not isinstance(said, tuple) or len(said) != 2 or not all(isinstance(one, int | float) for one in said):
            raise Misuse(f"it returned {brief(said)}; give (least, most), in seconds")
        truth = tuple(laws.live_delay_s(fragment_s, buffered, way_s, joined=joined) for joined in (0, 1))
        if any(abs(one - true) > 1e-6 for one, true in zip(said, truth, strict=True)):
            told = f"fragments of {fragment_s:g} s, {buffered} before it plays, {way_s:g} s on the way"
            saw = f"{told}: {truth[0]:.6g} to {truth[1]:.6g} s, you said {said[0]:.6g} to {said[1]:.6g}."
            return Verdict(passed=False, saw=f"{saw} {_slip(said, truth, fragment_s, way_s)}".strip())
    return Verdict(passed=True, saw=f"Right for {len(_cases())} players, at best and at worst.")


def _slip(said: Sequence[float], truth: Sequence[float], fragment_s: float, way_s: float) -> str:
    if abs(said[0] - truth[0] + fragment_s) < 1e-6:
        return "The first frame of the oldest is as old as all that are buffered, not as one less."
    if way_s and abs(said[0] - truth[0] + way_s) < 1e-6:
        return "The newest must come before it is there: the way counts."
    if abs(said[0] - truth[0]) < 1e-6:
        return "Who joins just before a fragment is complete finds the newest a whole fragment old."
    return ""


BEHIND: Final = Exercise(
    lab=LAB,
    name="behind",
    title="How far behind life?",
    statement="""
A camera cuts its film into fragments of `fragment_s`. Each is uploaded when it is complete and is there `way_s`
later. A player begins when `buffered` fragments are there, with the oldest of them.

Return a tuple: by how many seconds the picture is behind life at least, and at most, over all moments at which somebody
may join. No stall.""",
    skeleton="def behind(fragment_s, buffered, way_s):\n    ...",
    example="`behind(2, 3, 0.5)` is `(6.5, 8.5)`.",
    hints=(
        "How old is the first frame of a fragment of 2 s at the moment at which it is complete?",
        "With three of them the first frame of the oldest is 6 s old; then the newest needs its way.",
        "Who joins a moment before the next is there finds everything older by one fragment.",
    ),
    check=check_behind,
    play=lambda function: [live(fragment_s=1.0), live(fragment_s=4.0)],
    is_pure=True,
    answer=behind,
)

# ------------------------------------------------------------------------------------------ (b) two wishes
BEHIND_MOST_S: Final = 2.0
BYTES_MOST: Final = 2_500
LOST_MOST: Final = 0.001
DEVICE_MOST_S: Final = 240
LINK_X: Final = 4.0
NIGHTS: Final = (1, 2, 3, 4)


def settings() -> dict[str, tuple[float, ...]]:
    """Return what each camera is told."""
    return {"doorbell": (0.75, 1), "evidence": (180,)}


def check_settings(function: Callable[..., Any]) -> Verdict:
    """Let the doorbell ring at six moments, and the evidence's link fail 400 times in each of four runs."""
    said = function()
    if not isinstance(said, dict) or set(said) != {"doorbell", "evidence"}:
        raise Misuse(f"it returned {brief(said)}; give a dict with 'doorbell' and 'evidence'")
    fragment_s, buffered = _numbers(said, "doorbell", 2)
    (device_s,) = _numbers(said, "evidence", 1)
    if not 0.1 <= fragment_s <= 10 or buffered != int(buffered) or not 1 <= buffered <= 10:
        raise Misuse(f"doorbell = {said['doorbell']!r}; give fragments of 0.1 to 10 s, and 1 to 10 of them")
    if not 0 <= device_s <= DEVICE_MOST_S:
        raise Misuse(f"evidence = {said['evidence']!r}; the device has room for 0 to {DEVICE_MOST_S} s")
    late_s = max(delay_s(_rung(fragment_s, int(buffered), part / 6)) for part in range(6))
    if late_s > BEHIND_MOST_S:
        return Verdict(passed=False, saw=f"doorbell: who joined at the worst moment was {late_s:.3g} s behind.")
    rate = modelled(60, fragment_s).bytes_a_second
    if rate > BYTES_MOST:
        saw = f"doorbell: {rate:,.0f} bytes a second; every fragment begins with a key frame, and those cost."
        return Verdict(passed=False, saw=saw)
    lost = fmean(share_lost(device_s, seed) for seed in NIGHTS)
    if lost > LOST_MOST:
        return Verdict(passed=False, saw=f"evidence: {100 * lost:.2f}% of the film was lost.")
    saw = f"The doorbell is {late_s:.3g} s behind at most, at {rate:,.0f} bytes a second"
    return Verdict(passed=True, saw=f"{saw}; of the evidence {100 * lost:.3f}% was lost.")


def _rung(fragment_s: float, buffered: int, part: float) -> Trace:
    joins_s = (buffered + 2 + part) * fragment_s
    return live(fragment_s=fragment_s, buffered=buffered, joins_s=joins_s, seconds=joins_s + 4, link_x=LINK_X)


def _numbers(said: dict[str, Any], name: str, count: int) -> tuple[float, ...]:
    given = said[name]
    if not isinstance(given, tuple) or len(given) != count or not all(isinstance(one, int | float) for one in given):
        shape = "(fragment_s, buffered)" if count == 2 else "(device_s,)"
        raise Misuse(f"{name} = {brief(given)}; give a tuple {shape}")
    return given


SETTINGS: Final = Exercise(
    lab=LAB,
    name="settings",
    title="A doorbell, and evidence",
    statement=f"""
Two cameras, two wishes. The *doorbell*: whoever looks, at whatever moment, is never more than {BEHIND_MOST_S:g} s
behind, and the film has at most {BYTES_MOST:,} bytes a second. Its link carries four seconds of film in a second. The
*evidence*: less than {100 * LOST_MOST:g}% of the film is lost over a link that is up for 300 s and down for 30 s, on
average; fragments of 1 s; the device has room for {DEVICE_MOST_S} s at most.

Return a dict: `"doorbell"` -> `(fragment_s, buffered)`, and `"evidence"` -> `(device_s,)`.""",
    skeleton='def settings():\n    return {"doorbell": (2, 3), "evidence": (30,)}',
    example='`{"doorbell": (2, 3), "evidence": (30,)}` is allowed, and fulfils neither wish.',
    hints=(
        "The law of experiment 1 at its most, (k + 1) f and the way, and the law of experiment 2 for the bytes.",
        "With k = 1 the most is 2 f + f / 4; a key frame costs 1,150 bytes, each other of 12 frames a second 50.",
        "For the evidence: 30 / 330 exp(-b / 30) below 0.001, and some more, for luck is luck.",
    ),
    check=check_settings,
    play=lambda function: [live(fragment_s=float(function()["doorbell"][0]), buffered=int(function()["doorbell"][1]))],
    answer=settings,
)


# ------------------------------------------------------------------------------------------ (c) what is missing
def missing(fragments: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Return the intervals that no fragment covers."""
    gaps, reached = [], start
    for begins, lasts in sorted(fragments):
        if begins > reached and reached < end:
            gaps.append((reached, min(begins, end)))
        reached = max(reached, begins + lasts)
    return [*gaps, (reached, end)] if reached < end else gaps


@lru_cache(maxsize=1)
def _films() -> tuple[tuple[tuple[tuple[int, int], ...], int, int], ...]:
    """Films whose fragments come late, twice, and over each other; nought and nothing included."""
    luck = stream(2003, "films")
    told: list[tuple[tuple[tuple[int, int], ...], int, int]] = [
        ((), 0, 10), (((0, 10),), 0, 10), (((4, 2), (0, 2)), 0, 8), (((0, 9), (2, 2)), 0, 12), (((20, 5),), 0, 10),
        (((0, 5),), 10, 20),
    ]  # fmt: skip
    for _ in range(60):
        count = int(9 * luck())
        told.append((tuple((int(40 * luck()), 1 + int(6 * luck())) for _ in range(count)), int(10 * luck()), 30))
    return tuple(told)


def _by_the_second(fragments: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Return the same, second by second."""
    shown = {second for begins, lasts in fragments for second in range(begins, begins + lasts)}
    dark = [second for second in range(start, end) if second not in shown]
    begins = [second for second in dark if second - 1 not in dark]
    ends = [second + 1 for second in dark if second + 1 not in dark]
    return list(zip(begins, ends, strict=True))


def check_missing(function: Callable[..., Any]) -> Verdict:
    """Ask for the gaps of sixty-six films."""
    for fragments, start, end in _films():
        said, given = function(list(fragments), start, end), list(fragments)
        if not isinstance(said, list) or not all(isinstance(one, tuple) and len(one) == 2 for one in said):
            raise Misuse(f"it returned {brief(said)}; give a list of (from, to)")
        truth = _by_the_second(given, start, end)
        if said != truth:
            saw = f"{given} from {start} to {end}: {truth or 'nothing'} is missing, you said {said or 'nothing'}."
            return Verdict(passed=False, saw=f"{saw} {_oversight(given, said, truth, start, end)}".strip())
    return Verdict(passed=True, saw=f"Right for {len(_films())} films, whatever came late, twice or over another.")


def _oversight(
    given: list[tuple[int, int]], said: list[tuple[int, int]], truth: list[tuple[int, int]], start: int, end: int
) -> str:
    if given != sorted(given):
        return "They are in the order in which they came, and that is not the order in which they were filmed."
    if any(one < start or other > end for one, other in said):
        return "What lies outside the interval was not asked for."
    if said == truth[:-1]:
        return "After the last fragment there may be a gap, too."
    return "A fragment may lie within another one, and end before it."


MISSING: Final = Exercise(
    lab=LAB,
    name="missing",
    title="What is missing?",
    statement="""
`fragments` is a list of `(begins, lasts)` in whole seconds, in the order in which they *came*: late ones stand behind
later ones, some came twice, some overlap.

Return a list of `(from, to)`: the intervals between `start` and `end` of which nothing can be played, in order, none
touching the next.""",
    skeleton="def missing(fragments, start, end):\n    ...",
    example="`missing([(4, 2), (0, 2)], 0, 8)` is `[(2, 4), (6, 8)]`.",
    hints=(
        "Sort them first. Then walk along, and remember how far the film reaches so far.",
        "`reached` begins at `start`. A fragment that begins behind it leaves a gap; then it is the later of the two.",
        "`reached = max(reached, begins + lasts)`; gaps end at `end`, and one may come after the last.",
    ),
    check=check_missing,
    play=lambda function: [outage(down_s=50.0), outage(down_s=20.0, sends="newest")],
    is_pure=True,
    answer=missing,
)

# ------------------------------------------------------------------------------------------ a design of your own
FLEET: Final = OpenQuestion(
    lab=LAB,
    name="fleet",
    title="Six cameras in each bus",
    statement="""
A fleet of 300 buses, six cameras in each, 2 Mbit/s a camera, and a mobile link of 4 Mbit/s where there is one: in
tunnels and at the edge of the town there is none, for up to half an hour. The control room wants to look into a bus
live; the police asks for an hour of a camera, days later. All that is filmed must be kept for three days.

What is uploaded when, what stays in the bus, how long are fragments, and what is promised to whom?""",
    model_answer="""
First the sum: six cameras film 12 Mbit/s and the link carries 4. No order of sending makes up for that; the archive
of everything cannot be in the cloud while the bus drives. So the promise *all is kept for three days* is the bus's: a
disk of 12 Mbit/s times three days, 390 GB, and a second one, for a disk in a bus dies. That is `retention` on the
device, with the same index by time.

Live is by request: while somebody looks, one camera is uploaded, newest first, in fragments of a second or less, or
as frames (WebRTC) if they steer by it. 2 of 4 Mbit/s leave room to catch up. At a lower rate all six as small
pictures, 100 kbit/s each: always there, for an overview, and as evidence that the camera ran.

Evidence is by request, too: the police names bus, camera and hour; the bus uploads it at night over the depot's
network, oldest first, and an answer says which intervals are gaps, and why (camera off, disk dead). Fragments of 2 to
4 s: key frames are cheap there, and nobody is in a hurry. Marked events (a brake, a button) are uploaded at once, a
minute around.

Clocks: the bus takes its time from GPS and each fragment carries both times; what the camera says and what the service
says are kept, for a clock that jumped makes gaps that never were.

What is watched: the age of the newest fragment of each camera (a camera that is off makes no error), seconds of gap a
day and bus, and free room in days. In the end the crossing: wherever `bitrate > link` for longer than `room / bitrate`,
something is let go, and the policy says what: here the oldest, after three days, and never silently.""",
)

TASKS: Final = (BEHIND, SETTINGS, MISSING, FLEET)
