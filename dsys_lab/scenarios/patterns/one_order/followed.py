"""One order, followed through every store and broker: from the click to the cell of a cube.

Where is it true, where is it only known, and how old is it there? The order goes through the rooms of this package, by
their own verbs::

    buyer > shop > database > feed > topic +> queue > charger
                                              +> index
                                              +> cache
                                              +> graph
                                              `> log +> window
                                                     +> bus > partner
                                                     `> crates > bucket > lake > warehouse > cube

At one place it is acknowledged: the database, in whose log it is durable before the buyer hears yes. All else is
derived, told by that log, and late by what lies on its way: some hops, or a batch at each of five places. In the end
each place is asked by its own read verb, and what it says is compared with the source.

`hop_s` and `batch_s` are chosen so that both can be watched in one run: real hops are milliseconds, real batches are
minutes, and the picture would show either nothing or nothing happening. Give `hop_s=0.005, batch_s=60` for those ages.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 11 and 12 ("unbundling databases"); Richardson,
"Pattern: Transactional outbox"; for each place, those of its room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.patterns.one_order.batches import Bucket, Crates, CubeHost, Lake, WarehouseHost
from dsys_lab.scenarios.patterns.one_order.capture import Feed, TopicHost
from dsys_lab.scenarios.patterns.one_order.copies import Charger, Graph, Index, PageCache, QueueHost
from dsys_lab.scenarios.patterns.one_order.order import Order, Silent, digest, orders_of, shelves_of
from dsys_lab.scenarios.patterns.one_order.path import PLACES, Path, Station
from dsys_lab.scenarios.patterns.one_order.shop import Buyer, Database, Shop
from dsys_lab.scenarios.patterns.one_order.streams import BusHost, LogHost, Partner, WindowHost
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Fault, Simulation, to_us
from dsys_lab.simulation.chance import constant, exponential

WAYS: Final = ("outbox", "dual write")
ORDERS_MOST: Final = 12
QUIET_BATCHES: Final = 3
"""After so many batches without trouble, in which nothing came anywhere, nothing will."""
BATCHES_MOST: Final = 16
"""How long a run lasts at most, counted from the end of the last trouble that has one."""
HOLDS_UP: Final = ("crash", "split", "slow", "loss")
"""Trouble for whose length a copy may wait."""
AT_THE_SEAM: Final[dict[str, Any]] = {
    "do": "crash", "target": "shop", "on": {"kind": "answer", "place": "shop", "message": "o3"}, "lasts_s": 3.0,
}  # fmt: skip
"""The shop dies after it has said yes to o3, the one that is followed of five or six: with an outbox that is no matter,
by hand nobody else will ever hear of it."""


@dataclass(frozen=True, slots=True)
class Company:
    """All places of a run, and what they share."""

    path: Path
    buyer: Buyer
    database: Database
    topic: TopicHost
    bus: BusHost
    charger: Charger
    stations: dict[str, Station]

    @property
    def is_settled(self) -> bool:
        """Whether every order was acknowledged, and every place can be asked and says of each what it should."""
        everywhere = len(self.buyer.orders) * len(PLACES)
        seen = sum(place in PLACES for place, _ in self.path.seen_us)
        told = len(self.buyer.acknowledged) == len(self.buyer.orders) and seen == everywhere
        return told and all(says == should for one in self.buyer.orders for says, should in self.found(one.id).values())

    @property
    def trouble(self) -> list[Fault]:
        """What holds something up now."""
        in_force = self.path.simulation.in_force
        return [one for (do, _), faults in in_force.items() if do in HOLDS_UP for one in faults]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has come anywhere for long, though nothing held it up, and nothing is on its way."""
        waits = self.topic.waits or self.bus.waits or len(self.buyer.acknowledged) < len(self.buyer.orders)
        since_us = self.path.simulation.now_us - max(self.path.stirred_us, *self.path.clicked_us.values(), 0)
        return not (self.trouble or waits) and since_us > QUIET_BATCHES * to_us(self.path.batch_s)

    def found(self, message: str) -> dict[str, tuple[object, object]]:
        """Return, for each place, what it says of an order, and what it should by what the database has on its disk."""
        source = self.database.facts()
        told: dict[str, tuple[object, object]] = {}
        for place in PLACES:
            station = self.stations[place]
            should = station.should_say(message, source) if message in source else None
            told[place] = (Silent(station.why_silent) if station.why_silent else station.says(message)), should
        return told


def build(sim: Simulation, *, outbox: bool, orders: int, hop_s: float, batch_s: float) -> Company:
    """Wire all places."""
    sim.network.delay = constant(hop_s)
    told = orders_of(sim.seed, orders)
    path = Path(sim, followed_of(told), hop_s=hop_s, batch_s=batch_s)
    gap, luck = exponential(batch_s / 3), sim.stream("clicks")
    database = Database(path, outbox=outbox)
    shop = Shop(path, database)
    buyer = Buyer(path, shop, told, [hop_s, *(gap(luck) for _ in told[1:])])
    topic, queue = TopicHost(path), QueueHost(path)
    charger = Charger(path, queue)
    index, cache = Index(path), PageCache(path, database)
    graph = Graph(path, sorted({one.person for one in told}), sorted({one.product for one in told}))
    log, partner, bucket = LogHost(path), Partner(path), Bucket(path)
    topic.subscribe(queue, index, cache, graph, log)
    bus, lake = BusHost(path, log, partner), Lake(path, bucket)
    warehouse = WarehouseHost(path, lake)
    cube = CubeHost(path, warehouse, shelves_of(sim.seed, told))
    stations: list[Station] = [
        buyer, shop, database, topic, queue, charger, index, cache, graph, log, WindowHost(path, log), bus, partner,
        Crates(path, log, bucket), bucket, lake, warehouse, cube,
    ]  # fmt: skip
    if outbox:
        stations.append(Feed(path, database, topic))
    else:
        shop.topic = topic
    return Company(path, buyer, database, topic, bus, charger, {one.name: one for one in stations})


def followed_of(orders: list[Order]) -> str:
    """Return which order is followed: one with others before and behind it.

    >>> followed_of(orders_of(7, 6))
    'o3'
    """
    return orders[(len(orders) - 1) // 2].id


def run(
    sim: Simulation, *, way: str = "outbox", orders: int = 6, hop_s: float = 0.4, batch_s: float = 5.0
) -> Company:
    """Run until all that will come has come; trouble that has an end is waited for, and what comes behind it."""
    require_choice("way", way, WAYS)
    require_positive(orders=orders, hop_s=hop_s, batch_s=batch_s)
    if orders > ORDERS_MOST:
        raise BadParameter(f"orders = {orders}: give at most {ORDERS_MOST}, so that each is a disc that can be seen")
    if batch_s < 4 * hop_s:
        raise BadParameter(f"batch_s = {batch_s}, hop_s = {hop_s}: give batches of four hops at least, {4 * hop_s:g} s")
    company = build(sim, outbox=way == "outbox", orders=orders, hop_s=hop_s, batch_s=batch_s)
    until_s, end_s = 0.0, BATCHES_MOST * batch_s
    while until_s < end_s and not (company.is_settled or company.is_quiet):
        until_s += batch_s / 5
        sim.run(until_s)
        if any(one.lasts_s is not None for one in company.trouble):
            company.path.stir()
            end_s = until_s + BATCHES_MOST * batch_s
    return company


def check(company: Company) -> None:
    """Say for each place whether it says what the source says, of every order that was clicked."""
    emit, path = company.path.simulation.emit, company.path
    source, silent = company.database.facts(), company.database.why_silent
    acknowledged = list(company.buyer.acknowledged)
    there = sum(message in source for message in acknowledged)
    emit("check", company.database.name, name="acknowledged and there", expected=len(acknowledged),
         ok=not silent and there == len(acknowledged), got=silent or there)  # fmt: skip
    found = {message: company.found(message) for message in path.clicked_us}
    for place in PLACES[1:]:
        wrong = [message for message in found if found[message][place][0] != found[message][place][1]]
        says, should = found.get(path.followed, {}).get(place, (None, None))
        got = digest(says) if says != should or not wrong else f"something else of {', '.join(wrong)}"
        emit("check", place, path.followed, name=f"{place} says of all orders what the database says", ok=not wrong,
             expected=digest(should), got=got)  # fmt: skip
    emit("check", "charger", name="charges", ok=company.charger.charged == len(source), expected=len(source),
         got=company.charger.charged)  # fmt: skip


@scenario("one order, {way}")
def followed(
    sim: Simulation, *, way: str = "outbox", orders: int = 6, hop_s: float = 0.4, batch_s: float = 5.0
) -> Claims:
    """Follow one order of some from the click through every store and broker to the cell of a cube.

    Each disc is a copy of an order, and each place has a copy of its own. By `dual write` the shop tells the topic
    by hand, after it has said yes. Crash any place to see what is late there, and what is lost.
    """
    company = run(sim, way=way, orders=orders, hop_s=hop_s, batch_s=batch_s)
    check(company)
    clicked_us = company.path.clicked_us.get(company.path.followed, 0)
    landed_us = company.path.seen_us.get(("bucket", company.path.followed))
    poster_us = landed_us - to_us(hop_s / 2) if landed_us else clicked_us + to_us(12 * hop_s)
    return Claims(
        {"promised and kept": {}, "exactly-once effect": {}, "checks hold": {}}, poster_us=poster_us,
        follow=company.path.followed,
    )
