"""What is told by the topic: a queue with a worker, an index, a cache, a graph. Each is told at least once.

So each knows what it has: the worker looks into its ledger before it charges, the index and the graph look for the
order, the cache is filled by position. What was on a disk survives a crash; the cache was not, and whoever asks next
fills it again from the database.
"""

from __future__ import annotations

import json
from typing import Final

from dsys_lab.brokers.work_queue import Acknowledged, Delivery, DurableQueue, Settings
from dsys_lab.dataflows.derived_view import Cache
from dsys_lab.scenarios.patterns.one_order.order import Fact, as_json
from dsys_lab.scenarios.patterns.one_order.path import Letter, Path, Station, part, plural, size_of
from dsys_lab.scenarios.patterns.one_order.shop import Database
from dsys_lab.simulation import Body
from dsys_lab.simulation.clock import to_us
from dsys_lab.stores.document_store import Collection
from dsys_lab.stores.graph_store import GraphSchema, PropertyGraph
from dsys_lab.stores.key_value import HashStore
from dsys_lab.structures import VolatileDisk

LOAN_HOPS: Final = 12
WORK_HOPS: Final = 2
BOUGHT: Final = GraphSchema.of(
    "Person(id: int)", "Product(id: int)", "Person-BOUGHT->Product(order_id: text, quantity: int, cents: int)"
)


class QueueHost(Station):
    """The work queue before the charger: it lends, and takes back what is not acknowledged in time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "queue")
        self.files = VolatileDisk()
        self._settings = Settings(visibility_s=LOAN_HOPS * path.hop_s, copy_share=0)
        self._open()

    def _open(self) -> None:
        self.queue = DurableQueue(self.name, self.files, self._settings, now_us=self.simulation.now_us)

    def on_crash(self) -> None:
        """Open what the disk kept."""
        self.files.crash(self.simulation.stream("queue/power"))
        self._open()

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Store a message."""
        self.queue.send(self.simulation.now_us, letter.message, as_json(fact), copy=letter.copy)
        status = self.queue.status()
        self.simulation.emit("enqueue", self.name, letter.message, depth=status.visible, copy=letter.copy)
        self.path.holds(self.name, letter)
        words = f"stored, {plural(status.kept, 'message')} in all, until a worker says that it is done"
        self.path.say(self.name, letter.message, words)
        self.path.tell(self.name)
        return True

    def lend(self, to: str) -> list[Delivery]:
        """Lend a message to a worker, if there is one."""
        now_us = self.simulation.now_us
        there_us = now_us + to_us(self.path.hop_s)
        lent = self.queue.receive(now_us, to=to, arrive_us=there_us)
        for one in lent:
            self.simulation.emit("deliver", self.name, one.message, to=to, attempt=one.attempt, handle=one.handle,
                                 copy=one.copy, visible_until_us=one.visible_until_us, arrive_us=there_us)  # fmt: skip
        return lent

    def settle(self, delivery: Delivery) -> None:
        """Let go of a message that is done."""
        told = self.queue.acknowledge(self.simulation.now_us, delivery.handle)
        kind = "ack" if isinstance(told, Acknowledged) else "ack_stale"
        self.simulation.emit(kind, self.name, delivery.message, handle=delivery.handle, attempt=delivery.attempt,
                             copy=delivery.copy)  # fmt: skip


class Charger(Station):
    """The worker who charges: borrows, looks into its ledger, charges, acknowledges."""

    keeps = ("cents",)

    def __init__(self, path: Path, queue: QueueHost) -> None:
        super().__init__(path, "charger")
        self.host, self.files, self.charged = queue, VolatileDisk(), 0
        self.ledger = HashStore(self.files)

    def boot(self) -> None:
        """Begin to work."""
        self.spawn(self._work_off())

    def on_crash(self) -> None:
        """Open what the disk kept of the ledger."""
        self.files.crash(self.simulation.stream("charger/power"))
        self.ledger = HashStore(self.files)

    def _work_off(self) -> Body:
        simulation, hop_s = self.simulation, self.path.hop_s
        while True:
            lent = self.host.lend(self.name) if self.host.is_reached_by(self.name) else []
            for delivery in lent:
                yield simulation.sleep(hop_s)
                yield from self._charge(delivery)
            if not lent:
                yield self.path.news(self.host.name)

    def _charge(self, delivery: Delivery) -> Body:
        simulation, message = self.simulation, delivery.message
        simulation.emit("start", self.name, message, attempt=delivery.attempt, copy=delivery.copy)
        yield from self.work(WORK_HOPS * self.path.hop_s)
        key = f"charge {message}"
        if self.ledger.get(message.encode()) is not None:
            simulation.emit("effect_skip", self.name, message, key=key, copy=delivery.copy)
        else:
            self.ledger.put(message.encode(), delivery.body.encode())  # the charge and its key: one record
            self.charged += 1
            simulation.emit("effect", self.name, message, key=key, copy=delivery.copy)
            self.path.came(self.name, message)
            left_s = (delivery.visible_until_us - simulation.now_us) / 1e6
            words = f"charged, under the key of the order, so not again; the loan lasts {left_s:.1f} s more"
            self.path.say(self.name, message, words)
        simulation.emit("finish", self.name, message, attempt=delivery.attempt, copy=delivery.copy)
        yield simulation.sleep(self.path.hop_s)  # a crash here: it is done, and the queue does not know
        if self.host.is_reached_by(self.name):
            self.host.settle(delivery)

    def says(self, message: str) -> object:
        """Return what was charged."""
        kept = self.ledger.get(message.encode())
        return None if kept is None else part(json.loads(kept), self.keeps)


class Index(Station):
    """Documents that are found by any field: what a search shows."""

    keeps = ("id", "person", "product", "quantity", "cents", "clicked_ms")

    def __init__(self, path: Path) -> None:
        super().__init__(path, "index")
        self.files = VolatileDisk()
        self.collection = Collection(self.files)
        self.collection.create_index("person")

    def on_crash(self) -> None:
        """Open what the disk kept."""
        self.files.crash(self.simulation.stream("index/power"))
        self.collection = Collection(self.files)

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Insert a document, once for its id."""
        if self.says(letter.message) is not None:
            self.knows(letter)
            return True
        wrote = self.collection.insert({"_id": letter.message, **part(fact, self.keeps[1:])})  # type: ignore[dict-item]
        self.keep(letter, f"a document of {wrote.document_bytes} bytes, found by person on {wrote.cards} cards")
        return True

    def says(self, message: str) -> object:
        """Return the document."""
        for document in self.collection.find({"_id": message}):
            return part({"id": document["_id"], **document}, self.keeps)
        return None


class PageCache(Station):
    """What the buyer's page shows; in memory only. Somebody looks at every page from time to time."""

    keeps = ("id", "person", "product", "quantity", "cents", "clicked_ms")

    def __init__(self, path: Path, database: Database) -> None:
        super().__init__(path, "cache")
        self.database, self.cache = database, Cache(name="cache")

    def boot(self) -> None:
        """Let people look."""
        self.spawn(self._looked_at())

    def on_crash(self) -> None:
        """Forget everything."""
        self.cache = Cache(name="cache")
        self.forget()

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Keep what the page is to show."""
        now_us, position = self.simulation.now_us, int(letter.message[1:])
        if not self.cache.fill(now_us, letter.message, fact, position):
            self.knows(letter)
            return True
        self.keep(letter, f"the page shows it now, {size_of(as_json(fact))} in memory and nowhere else")
        return True

    def _looked_at(self) -> Body:
        while True:
            yield self.simulation.sleep(self.path.batch_s)
            for place, message in list(self.path.seen_us):
                if place == self.name and self.cache.get(self.simulation.now_us, message) is None:
                    yield from self._fill_again(message)

    def _fill_again(self, message: str) -> Body:
        letter = self.path.letter(self.name, message)
        fact = self.database.facts().get(message) if self.database.is_reached_by(self.name) else None
        if fact is None or not (yield from self.carry([letter], self, start=self.database.name)):
            return
        self.cache.fill(self.simulation.now_us, message, fact, int(message[1:]))
        self.keep(letter, "somebody looked and it was gone; it was filled again from the database")

    def says(self, message: str) -> object:
        """Return what the page shows."""
        entry = self.cache.get(self.simulation.now_us, message)
        return None if entry is None else part(entry.value, self.keeps)


class Graph(Station):
    """Who bought what, as edges."""

    keeps = ("person", "product", "quantity", "cents")

    def __init__(self, path: Path, people: list[int], products: list[int]) -> None:
        super().__init__(path, "graph")
        self.files = VolatileDisk()
        self.graph = PropertyGraph(BOUGHT, self.files)
        self.graph.load({"Person": {"id": people}, "Product": {"id": products}}, {})

    def on_crash(self) -> None:
        """Open what the disk kept."""
        self.files.crash(self.simulation.stream("graph/power"))
        self.graph = PropertyGraph(BOUGHT, self.files)

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Draw an edge, once for an order."""
        if self.says(letter.message) is not None:
            self.knows(letter)
            return True
        self.graph.run(
            "MATCH (p:Person {id: $person}), (x:Product {id: $product}) "
            "CREATE (p)-[:BOUGHT {order_id: $id, quantity: $quantity, cents: $cents}]->(x)",
            **part(fact, ("id", *self.keeps)),  # type: ignore[arg-type]
        )
        self.keep(letter, f"an edge from person {fact['person']} to product {fact['product']}, "
                          f"one of {self.graph.status().edges['BOUGHT']}")  # fmt: skip
        return True

    def says(self, message: str) -> object:
        """Return what the edge says."""
        found = self.graph.run(
            "MATCH (p:Person)-[b:BOUGHT {order_id: $id}]->(x:Product) RETURN p.id, x.id, b.quantity, b.cents",
            id=message,
        )
        return dict(zip(self.keeps, found[0], strict=True)) if found else None

