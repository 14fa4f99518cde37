"""What the runs of a video stream come to, counted from their rows or over many runs.

Each function that takes `*values` returns (value, mean, standard error) for each of them.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from dsys_lab import laws
from dsys_lab.brokers.video_stream import DeviceBuffer, Fragment, VideoStream
from dsys_lab.scenarios.video_stream.machines import LOOKS_EVERY_S
from dsys_lab.scenarios.video_stream.nights import live, outage, shaky
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import Row, Trace

LINK_X: Final = 4.0
JOINS: Final = 8
MTBF_S, MTTR_S = 300.0, 30.0
OUTAGES: Final = 400
FRAGMENT_S: Final = 1.0
"""Of those that are counted by the outage; the law knows it."""
SHAKY_S: Final = float(shaky.defaults["fragment_s"])
TWO_MINUTES_S: Final = float(shaky.defaults["seconds"])


# ------------------------------------------------------------------------------------------ from one trace
def delay_s(trace: Trace) -> float:
    """Return how old the first picture is that the viewer sees."""
    return _started(trace)[0].fields["delay_us"] / 1e6  # type: ignore[operator]


def last_delay_s(trace: Trace) -> float:
    """Return how old the last one is."""
    return _started(trace)[-1].fields["delay_us"] / 1e6  # type: ignore[operator]


def _started(trace: Trace) -> list[Row]:
    return [row for row in trace.of("start") if row.place == "viewer"]


def stalls(trace: Trace) -> int:
    """Return how often the viewer's picture stood still and went on."""
    return len(trace.of("unblock"))


def stalled_s(trace: Trace) -> float:
    """Return for how long it stood still in all."""
    waited = [row.fields["waited_us"] for row in trace.of("unblock")]
    return waited[-1] / 1e6 if waited else 0.0  # type: ignore[operator]


def lost_s(trace: Trace) -> float:
    """Return how many seconds of film the camera could not keep."""
    lasts_us = {row.message: row.fields["duration_us"] for row in trace.of("filming")}
    gone = [row for row in trace.of("drop", "gone") if row.place != "viewer"]
    return sum(int(lasts_us[row.message] or 0) for row in gone) / 1e6


def caught_up_s(trace: Trace) -> float:
    """Return how long after the link was back nothing waited on the device any more."""
    [healed_us] = [row.time_us for row in trace.of("heal")]
    waiting = 0
    for row in trace.of("enqueue", "start", "drop"):
        if row.place.startswith("camera"):
            waiting += 1 if row.kind == "enqueue" else -1
        if row.time_us > healed_us and not waiting:
            return (row.time_us - healed_us) / 1e6
    return float("inf")


def behind_after_s(trace: Trace, after_s: float) -> float:
    """Return how old the picture is so long after the link was back, as it was last read off."""
    [healed_us] = [row.time_us for row in trace.of("heal")]
    told = [row for row in trace.of("gauge") if row.place == "viewer" and row.time_us <= healed_us + after_s * 1e6]
    return float(told[-1].fields["value"] or 0)


def fragments_seen(trace: Trace) -> int:
    """Return how many fragments the viewer saw."""
    return len({row.message for row in _started(trace)})


# ------------------------------------------------------------------------------------------ how old is live?
def way_s(fragment_s: float, link_x: float = LINK_X) -> float:
    """Return how long a complete fragment takes to the viewer: the upload, half a look at the playlist, the fetch."""
    return fragment_s / link_x + LOOKS_EVERY_S / 2 + DELAY_S


def delays_s(*fragment_s: float, buffered: int = 3) -> list[Measured]:
    """Return how old the picture is for who joins at any moment, at each length of a fragment."""

    def counted(*, fragment_s: float, seed: int) -> float:
        joins_s = _joins_s(seed, fragment_s, buffered)
        seconds = (buffered + 5) * fragment_s
        return delay_s(live(fragment_s=fragment_s, buffered=buffered, joins_s=joins_s, seconds=seconds, link_x=LINK_X))

    return over_seeds(counted, seeds=JOINS, fragment_s=[float(one) for one in fragment_s])


def _joins_s(seed: int, fragment_s: float, buffered: int) -> float:
    """Return when somebody joins: in each eighth of a fragment one does."""
    share = (seed - stream(seed, "joins")()) / JOINS
    return (buffered + 2 + share) * fragment_s


def delay_by_law_s(fragment_s: float, *, buffered: int = 3) -> float:
    """Return the law for `delays_s`."""
    return laws.live_delay_s(fragment_s, buffered, way_s(fragment_s))


# ------------------------------------------------------------------------------------------ a device's buffer
def share_lost(buffer_s: float, seed: int = 1, *, outages: int = OUTAGES) -> float:
    """Film fragments of a second while a fast link fails again and again; return the share that is lost."""
    luck = stream(seed, "outages")
    up, down = exponential(MTBF_S), exponential(MTTR_S)
    device = DeviceBuffer("camera", capacity_us=round(buffer_s * 1e6))
    number = lost = 0
    now_s = fails_s = back_s = 0.0
    for _ in range(outages):
        fails_s = back_s + up(luck)
        back_s = fails_s + down(luck)
        number += max(0, int(fails_s) - int(now_s))  # while the link is up, each goes at once
        for second in range(int(max(now_s, fails_s)) + 1, int(back_s) + 1):
            number += 1
            lost += len(device.film(second, Fragment(f"f{number}", second, 1_000_000, b"x")))
        now_s = back_s
        while device.next(round(now_s)) is not None:
            device.sent(round(now_s))
    return lost / number


def shares_lost(*buffers_s: float) -> list[Measured]:
    """Return the share of a film that is lost, for each buffer in seconds: mean up 300 s, mean down 30 s."""
    return over_seeds(share_lost, seeds=4, buffer_s=buffers_s)


def share_by_law(buffer_s: float) -> float:
    """Return the law for `shares_lost`: the fragment that goes next needs no room."""
    return laws.film_lost_share(MTBF_S, MTTR_S, buffer_s + FRAGMENT_S)


# ------------------------------------------------------------------------------------------ after an outage
def catch_ups_s(*link_x: float, down_s: float = 20.0) -> list[Measured]:
    """Return how long a device needs to send what waited, at each speed of the link."""

    def took(speed: float) -> float:
        return caught_up_s(outage(down_s=down_s, link_x=speed, device_s=60.0, fragment_s=FRAGMENT_S, seconds=150.0))

    return [(speed, took(speed), 0.0) for speed in map(float, link_x)]


def catch_up_by_law_s(link_x: float, *, down_s: float = 20.0) -> float:
    """Return the law for `catch_ups_s`: each fragment waits for the answer about the one before."""
    return laws.catch_up_s(down_s, FRAGMENT_S / (FRAGMENT_S / link_x + DELAY_S))


# ------------------------------------------------------------------------------------------ a player's buffer
@cache
def watched_shaky(buffered: int, seed: int) -> tuple[float, float, float]:
    """Return of two minutes on a shaky link: the first delay and the last, and how long the picture stood still."""
    run = shaky(seed=seed, buffered=buffered, joins_s=_joins_s(seed, SHAKY_S, buffered))
    return delay_s(run), last_delay_s(run), stalled_s(run)


def first_delays_s(*buffered: int) -> list[Measured]:
    """Return how old the first picture is, at each buffer in fragments."""
    return over_seeds(lambda buffered, seed: watched_shaky(buffered, seed)[0], seeds=JOINS, buffered=buffered)


def end_delays_s(*buffered: int) -> list[Measured]:
    """Return how old the last picture is after two minutes, at each buffer in fragments."""
    return over_seeds(lambda buffered, seed: watched_shaky(buffered, seed)[1], seeds=JOINS, buffered=buffered)


def still_shares(*buffered: int) -> list[Measured]:
    """Return the share of two minutes in which a viewer's picture stands still, at each buffer in fragments."""
    return over_seeds(lambda buffered, seed: watched_shaky(buffered, seed)[2] / TWO_MINUTES_S, seeds=JOINS,
                      buffered=buffered)  # fmt: skip


def first_by_law_s(buffered: float) -> float:
    """Return the law for `first_delays_s`: an upload may also have to wait for the one before it."""
    upload_s = SHAKY_S / float(shaky.defaults["link_x"])
    waits_s = laws.dm1_sojourn_s(SHAKY_S, upload_s) - upload_s
    return laws.live_delay_s(SHAKY_S, buffered, way_s(SHAKY_S, SHAKY_S / upload_s) + waits_s)


# ------------------------------------------------------------------------------------------ what is kept
def seen_by_who_comes_late_min(retention_h: float, *, filmed_min: float = 60.0) -> float:
    """Film for some minutes; return how many of them somebody sees who comes then."""
    kept = VideoStream("archive", VolatileDisk(), retention_s=3_600 * retention_h)
    step_us = 5_000_000
    count = round(60 * filmed_min * 1e6 / step_us)
    for number in range(count):
        kept.put((number + 1) * step_us, Fragment(f"f{number}", number * step_us, step_us, b"x"))
    status = kept.status()
    return 0.0 if status.oldest_us is None or status.newest_us is None else (status.newest_us - status.oldest_us) / 60e6
