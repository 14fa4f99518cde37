"""When can it be seen where, and what does a crash of each place make of that?

A place is struck at the moment at which the order that is followed has just come there, for `lasts_s`. Then every place
is asked. *Late* is what came later than in the run without trouble, under the same luck; *lost* is what an acknowledged
order should be and is not when all is quiet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.patterns.one_order.followed import Company, run
from dsys_lab.scenarios.patterns.one_order.order import digest
from dsys_lab.scenarios.patterns.one_order.path import PLACES, SOURCE
from dsys_lab.simulation import Simulation, fault
from dsys_lab.trace import Counters

STRUCK: Final = (
    "shop", "database", "feed", "topic", "queue", "charger", "index", "cache", "graph", "log", "window", "bus",
    "partner", "crates", "bucket", "lake", "warehouse", "cube",
)  # fmt: skip
"""Every place that can be struck when the order has come there; by hand there is no feed."""


@dataclass(frozen=True, slots=True)
class InPlace:
    """The order at one place, in the end.

    Attributes
    ----------
    place : str
    age_s : float or None
        How long after the click it could be seen there first; None: never.
    is_true : bool
        Whether this is where it was acknowledged; everywhere else it is derived.
    says, should_say : str
        The digests of what the place says of it, and of what it should say by what the source says.
    """

    place: str
    age_s: float | None
    is_true: bool
    says: str
    should_say: str


@dataclass(frozen=True, slots=True)
class Struck:
    """What the crash of one place did.

    Attributes
    ----------
    place : str
    late : tuple of str
        Where orders came later than without the crash.
    latest_s : float
        By how much, at most.
    from_memory : int
        Copies that were in memory only, and had to be made again.
    lost : tuple of str
        Which places miss an acknowledged order, or say something else of it, when all is quiet.
    done_again : int
        Copies that came where the same had been done or was there, so that nothing was done.
    charged_again : int
        Charges more than there are orders.
    """

    place: str
    late: tuple[str, ...]
    latest_s: float
    from_memory: int
    lost: tuple[str, ...]
    done_again: int
    charged_again: int


def in_each_place(
    *, way: str = "outbox", orders: int = 6, hop_s: float = 0.4, batch_s: float = 5.0, seed: int = 7,
    faults: Iterable[Any] = (),
) -> tuple[InPlace, ...]:  # fmt: skip
    """Return the order that is followed at each place, in the order of the path."""
    company, _ = _ran(seed, faults, way=way, orders=orders, hop_s=hop_s, batch_s=batch_s)
    path, message = company.path, company.path.followed
    found = company.found(message)
    return tuple(
        InPlace(place, _age_s(company, place, message), place == SOURCE, digest(says), digest(should))
        for place, (says, should) in ((place, found[place]) for place in PLACES)
        if path.clicked_us
    )


def ages(*, way: str = "outbox", hop_s: float = 0.4, batch_s: float = 5.0, seed: int = 7) -> dict[str, float | None]:
    """Return how long after the click the order can be seen at each place, in seconds."""
    return {one.place: one.age_s for one in in_each_place(way=way, hop_s=hop_s, batch_s=batch_s, seed=seed)}


def struck_everywhere(
    places: Iterable[str] = STRUCK, *, way: str = "outbox", lasts_s: float = 6.0, orders: int = 6, hop_s: float = 0.4,
    batch_s: float = 5.0, seed: int = 7,
) -> tuple[Struck, ...]:  # fmt: skip
    """Strike one place after the other, each in a run of its own, and return what came of it."""
    require_positive(lasts_s=lasts_s)
    given: dict[str, Any] = {"way": way, "orders": orders, "hop_s": hop_s, "batch_s": batch_s}
    calm, _ = _ran(seed, (), **given)
    told = []
    for place in places:
        require_choice("place", place, tuple(one for one in STRUCK if one in calm.stations))
        on = {"kind": "note", "place": place, "message": calm.path.followed}
        crash = {"do": "crash", "target": place, "on": on, "lasts_s": lasts_s}
        told.append(_compared(place, calm, *_ran(seed, [crash], **given)))
    return tuple(told)


def _ran(seed: int, faults: Iterable[Any], **given: Any) -> tuple[Company, Counters]:
    counters = Counters()
    simulation = Simulation(seed=seed, faults=[fault(one) for one in faults], recorder=counters)
    company = run(simulation, **given)
    simulation.require_struck()
    return company, counters


def _age_s(company: Company, place: str, message: str) -> float | None:
    seen_us = company.path.seen_us.get((place, message))
    return None if seen_us is None else (seen_us - company.path.clicked_us[message]) / 1e6


def _compared(place: str, calm: Company, struck: Company, counters: Counters) -> Struck:
    hop_us = calm.path.hop_s * 1e6
    seen_us = struck.path.seen_us
    late = {key: seen_us[key] - before_us for key, before_us in calm.path.seen_us.items() if key in seen_us}
    by_place = {one: max((us for (at, _), us in late.items() if at == one), default=0) for one in PLACES}
    found = [struck.found(message) for message in struck.buyer.acknowledged]
    wrong = {one for told in found for one, (says, should) in told.items() if says is None or says != should}
    lost = tuple(one for one in PLACES if one in wrong)
    return Struck(
        place, tuple(one for one, us in by_place.items() if us > hop_us), max(0, *by_place.values()) / 1e6,
        counters.count("gone"), lost, counters.count("duplicate") + counters.count("effect_skip"),
        max(0, struck.charger.charged - len(struck.buyer.orders)),
    )  # fmt: skip
