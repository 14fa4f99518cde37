"""Pings of wearables: when they happen, when they come, whose they are.

A sleeper's wearable pings at random; a ping comes when the phone has a network, an exponential delay later. Nights of
some sleepers are read in sessions: pings close together, a silence, pings again.
"""

from __future__ import annotations

from dsys_lab.dataflows.batch import Record
from dsys_lab.errors import require_not_negative, require_positive
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.workloads.keys import zipf


def sent(
    seed: int = 7, *, seconds: float = 600, rate: float = 5.0, delay_mean_s: float = 2.0, people: int = 200
) -> list[Record]:
    """Return pings in the order in which they come.

    Whose a ping is follows Zipf's law; the value is the sleeper's number, the key is "all".
    """
    require_positive(seconds=seconds, rate=rate, people=people)
    require_not_negative(delay_mean_s=delay_mean_s)
    gaps, delays = stream(seed, "pings/gaps"), stream(seed, "pings/delays")
    at_s, times = 0.0, []
    while (at_s := at_s + exponential(1 / rate)(gaps)) < seconds:
        times.append((at_s, at_s + (exponential(delay_mean_s)(delays) if delay_mean_s else 0)))
    who = zipf(people).draw(seed, "pings/people", 0, len(times)).tolist()
    records = [
        Record(round(at_s * 1e6), round(came_s * 1e6), "all", person, f"p{number}")
        for number, ((at_s, came_s), person) in enumerate(zip(times, who, strict=True))
    ]
    return sorted(records, key=lambda record: record.arrived_us)


def visits(
    seed: int = 7, *, count: int = 400, mean_s: float = 30.0, every_s: float = 200.0, ping_s: float = 4.0
) -> list[Record]:
    """Return the pings of `count` visits to the app, each a key, in the order in which they come, at once.

    A visit lasts an exponential time of mean `mean_s` and pings at least every `ping_s`; one begins every `every_s`,
    at random.
    """
    require_positive(count=count, mean_s=mean_s, every_s=every_s, ping_s=ping_s)
    gaps, lengths = stream(seed, "visits/gaps"), stream(seed, "visits/lengths")
    begins_s, records = 0.0, []
    for number in range(count):
        begins_s += exponential(every_s)(gaps)
        length_s = exponential(mean_s)(lengths)
        steps = int(length_s / ping_s) + 1
        times = [round((begins_s + length_s * step / steps) * 1e6) for step in range(steps + 1)]
        records += [Record(at_us, at_us, f"visit-{number}") for at_us in times]
    return sorted(records, key=lambda record: record.arrived_us)
