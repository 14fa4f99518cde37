"""What stands in an archive at the end of a run, and who can find what in it."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from dsys_lab.brokers.video_stream import Fragment, Gap, VideoStream
from dsys_lab.scenarios.scenario import DEFAULT_SEED, Faults, Scenario
from dsys_lab.scenarios.video_stream.machines import Archive
from dsys_lab.simulation import Simulation, fault

CLOCKS: Final = {"the camera's clock": "camera", "the archive's clock": "stream"}


def archived(run: Scenario, *, seed: int = DEFAULT_SEED, faults: Faults = (), **params: Any) -> VideoStream:
    """Make a run again without its rows, and return its archive at the end."""
    simulation = Simulation(seed=seed, faults=tuple(fault(one) for one in faults))
    run.__wrapped__(simulation, **{**run.defaults, **params})
    archive = simulation.machines["archive"]
    assert isinstance(archive, Archive)
    archive.stream.tick(simulation.now_us)
    return archive.stream


def fragments(stream: VideoStream, start_s: float = 0.0, end_s: float = 86_400.0) -> list[Fragment]:
    """Return the fragments that begin in an interval of the camera's time, with their pictures."""
    now_us = stream.now_us
    listed = stream.fragments(now_us, round(start_s * 1e6), round(end_s * 1e6))
    return [stream.read(now_us, one.number) for one in listed]


def gaps(stream: VideoStream, start_s: float, end_s: float) -> tuple[Gap, ...]:
    """Return what of an interval of the camera's time cannot be played."""
    return stream.gaps(stream.now_us, round(start_s * 1e6), round(end_s * 1e6))


def gaps_s(stream: VideoStream, start_s: float, end_s: float) -> pd.DataFrame:
    """Return the same as a table, in seconds."""
    told = {
        f"gap {number}": {"from, s": gap.start_us / 1e6, "to, s": gap.end_us / 1e6, "lasts, s": gap.lasts_us / 1e6}
        for number, gap in enumerate(gaps(stream, start_s, end_s), 1)
    }
    return pd.DataFrame.from_dict(told, orient="index").map("{:g}".format)


def found(stream: VideoStream, at_s: float) -> dict[str, str]:
    """Return which fragment each clock finds for a moment, or "nothing"."""
    told = {name: stream.moment(stream.now_us, round(at_s * 1e6), by=by) for name, by in CLOCKS.items()}
    return {name: one.message if one else "nothing" for name, one in told.items()}


def gap_s(stream: VideoStream, start_s: float, end_s: float) -> float:
    """Return how many seconds of an interval of the camera's time cannot be played."""
    return sum(gap.lasts_us for gap in gaps(stream, start_s, end_s)) / 1e6


def what_is_left(stream: VideoStream, start_s: float, lasts_s: float) -> str:
    """Say what is there of an interval in which the link was down: all, nothing, its first or its last part."""
    missing = gaps(stream, start_s, start_s + lasts_s)
    lost_s = gap_s(stream, start_s, start_s + lasts_s)
    if not missing:
        return "all of it, later"
    if lost_s >= lasts_s:
        return "nothing"
    return "its last part" if missing[0].start_us <= start_s * 1e6 else "its first part"


def compared_with(stream: VideoStream, start_s: float, end_s: float, lasts_s: float) -> str:
    """Say how long the gaps of an interval are, held against an outage."""
    missing_s = gap_s(stream, start_s, end_s)
    if abs(missing_s - lasts_s) < 1e-6:
        return "just as long"
    return "longer" if missing_s > lasts_s else "shorter"
