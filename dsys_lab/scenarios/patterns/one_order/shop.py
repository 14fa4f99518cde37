"""Click, shop, database: where the order is judged, made durable, and acknowledged. All else is derived from here.

The shop is a service with a contract (`dataflows.service`); what it has done it keeps in the database, the key of the
call beside the row, so that a call that comes again is answered and not done again. With an outbox the message to
everybody else is a row of the same transaction. Without one the shop tells the topic itself, after it has said yes.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from dsys_lab.dataflows.change_capture import create_outbox, put_in
from dsys_lab.dataflows.change_capture.outbox import Entry as Message
from dsys_lab.dataflows.service import Effect, Reply, Request, Service, decode
from dsys_lab.scenarios.patterns.one_order.order import CONTRACT, ORDER_V1, Fact, Order, as_json
from dsys_lab.scenarios.patterns.one_order.path import PLACES, Letter, Path, Station, size_of
from dsys_lab.simulation import Body, Event
from dsys_lab.stores.relational import Done, RelationalDatabase, Rows, Slot
from dsys_lab.structures import VolatileDisk

COLUMNS: Final = ("id", "person", "product", "quantity", "cents", "clicked_ms")
SLOT: Final = "feed"
PATIENCE_HOPS: Final = 8
"""For how many hops the buyer waits for an answer."""


class Database(Station):
    """The system of record: the table of orders, and the outbox if there is one. Its log is what the feed follows."""

    keeps = COLUMNS

    def __init__(self, path: Path, *, outbox: bool) -> None:
        super().__init__(path, "database")
        self.files, self.outbox = VolatileDisk(), outbox
        self._open()
        self._run("CREATE TABLE orders (id text PRIMARY KEY, person integer, product integer, quantity integer, "
                  "cents integer, clicked_ms integer, body text)")  # fmt: skip
        if outbox:
            create_outbox(self._session)
            self.slot: Slot = self.database.make_slot(SLOT)

    def _open(self) -> None:
        self.database = RelationalDatabase(self.files)
        self._session = self.database.session("shop")

    def on_crash(self) -> None:
        """Lose what was in memory, and open what the disk kept: it replays its log."""
        self.files.crash(self.simulation.stream("database/power"))
        self._open()
        if self.outbox:
            self.slot = self.database.slots.open(SLOT)

    def _run(self, sql: str) -> None:
        answer = self._session.execute(sql, now_us=self.simulation.now_us)
        assert isinstance(answer, Done), answer

    def rows(self, where: str = "") -> list[tuple[Any, ...]]:
        """Return rows of the table of orders."""
        answer = self._session.execute(f"SELECT {', '.join(COLUMNS)}, body FROM orders{where}")  # noqa: S608  # our own
        assert isinstance(answer, Rows), answer
        return list(answer.rows)

    # ------------------------------------------------------------ the ledger of the service
    def find(self, key: str) -> Effect | None:
        """Return what was done under a key: the row of that order."""
        for row in self.rows(f" WHERE id = '{key}'"):
            body = bytes.fromhex(row[-1])
            return Effect(key, hashlib.sha256(b"v1\0" + body).hexdigest(), body, f"{key} is kept")
        return None

    def write(self, effect: Effect) -> None:
        """Commit the order, with its message in the outbox: both or neither."""
        fact = {"id": effect.key, **decode(ORDER_V1, effect.record)}
        values = ", ".join(str(fact[name]) for name in COLUMNS[1:])
        self._run("BEGIN")
        self._run(f"INSERT INTO orders VALUES ('{effect.key}', {values}, '{effect.record.hex()}')")  # noqa: S608
        if self.outbox:
            put_in(self._session, Message(int(effect.key[1:]), as_json(fact)))
        self._run("COMMIT")
        self.path.tell(self.name)

    def __len__(self) -> int:
        return len(self.rows())

    # ------------------------------------------------------------ what is asked
    def facts(self) -> dict[str, Fact]:
        """Return all orders by their ids."""
        return {row[0]: dict(zip(COLUMNS, row[:-1], strict=True)) for row in self.rows()}

    def says(self, message: str) -> object:
        """Return the row."""
        return self.facts().get(message)


class Shop(Station):
    """The service: it takes a call, has it committed, and says yes."""

    def __init__(self, path: Path, database: Database) -> None:
        super().__init__(path, "shop")
        self.database = database
        self.topic: Station | None = None
        self._in_hand: dict[str, Letter] = {}
        self.boot()

    def boot(self) -> None:
        """Begin with nobody waiting."""
        self.service = Service(self.name, self.database, CONTRACT, workers=100, work_s=self.path.hop_s)

    def on_crash(self) -> None:
        """Lose the calls that were in hand; their callers will hear nothing, and call again."""
        self.service.crash(self.simulation.now_us)
        for letter in self._in_hand.values():
            self.simulation.emit("drop", self.name, letter.message, why="the shop crashed", copy=letter.copy)
        self._in_hand.clear()

    def call(self, order: Order, body: bytes, letter: Letter) -> None:
        """Judge a call, and have it carried out."""
        if not self.database.is_reached_by(self.name):
            return self.refuse(letter, "the database cannot be reached")
        reply = self.service.receive(self.simulation.now_us, Request(order.id, "v1", body, letter.copy))
        if reply is not None:
            self.knows(letter)
            return self._answer(letter, reply)
        request = self.service.begin(self.simulation.now_us)
        assert request is not None, "a hundred workers are enough for everybody"
        self._in_hand[order.id] = letter
        self.pass_through(letter, f"a call in version v1 of the contract, {size_of(body)}; nothing is safe yet")
        self.spawn(self._carry_out(request, letter))
        return None

    def _carry_out(self, request: Request, letter: Letter) -> Body:
        attempt = 1
        self._in_hand.pop(request.key)
        while not (yield from self.carry([letter], self.database, attempt=attempt)):
            attempt += 1
            yield self.simulation.sleep(2 * self.path.hop_s)
        before = self.database.database.status().log_bytes
        reply = self.service.finish(self.simulation.now_us, request)
        written = self.database.database.status().log_bytes - before
        beside = ", its message in the outbox beside it" if self.database.outbox else ""
        self.database.keep(letter, f"committed, {written:,} bytes of log are durable{beside}: from here on it is true")
        yield self.simulation.sleep(self.path.hop_s)
        self._answer(letter, reply)
        yield self.simulation.sleep(0)  # here is the seam: the buyer has his yes
        if self.topic is not None:
            yield from self._tell(self.topic, request.key, {"id": request.key, **decode(ORDER_V1, request.body)})

    def _tell(self, topic: Station, message: str, fact: Fact) -> Body:
        """Publish by hand what was committed: the second of two writes."""
        attempt = 1
        while True:
            letter = self.path.letter("topic", message)
            if (yield from self.carry([letter], topic, attempt=attempt)) and topic.take(fact, letter):
                return
            attempt += 1
            yield self.simulation.sleep(2 * self.path.hop_s)

    def _answer(self, letter: Letter, reply: Reply) -> None:
        body = {"type": str(reply.status), "ok": reply.is_done}
        self.simulation.network.answer(self.name, "buyer", letter.message, body, copy=letter.copy)


class Buyer(Station):
    """Clicks, and calls again until it hears yes, after a crash of its own too."""

    def __init__(self, path: Path, shop: Shop, orders: list[Order], gaps_s: list[float]) -> None:
        super().__init__(path, "buyer")
        self.shop, self.orders, self.gaps_s = shop, orders, gaps_s
        self.acknowledged: dict[str, int] = {}
        self._waits: dict[str, Event] = {}

    def boot(self) -> None:
        """Call again for what was clicked and not answered, and click on."""
        for order in self.orders[: len(self.path.clicked_us)]:
            if order.id not in self.acknowledged:
                self.spawn(self._call(order))
        self.spawn(self._click())

    def _click(self) -> Body:
        for order, gap_s in list(zip(self.orders, self.gaps_s, strict=True))[len(self.path.clicked_us) :]:
            yield self.simulation.sleep(gap_s)
            self.path.clicked_us[order.id] = self.simulation.now_us
            self.spawn(self._call(order))

    def _call(self, order: Order) -> Body:
        simulation, hop_s, attempt = self.simulation, self.path.hop_s, 0
        body = order.body(self.path.clicked_us[order.id] // 1000)
        while order.id not in self.acknowledged:
            attempt += 1
            letter = self.path.letter("shop", order.id)
            simulation.emit("publish", self.name, order.id, attempt=attempt, copy=letter.copy)
            answer = self._waits[order.id] = simulation.event()
            if (yield from self.carry([letter], self.shop, attempt=attempt)):
                self.shop.call(order, body, letter)
            yield answer | simulation.sleep(PATIENCE_HOPS * hop_s)
            if not answer.triggered:
                simulation.emit("publish_fail", self.name, order.id, attempt=attempt, why="no answer")
        simulation.emit("publish_ok", self.name, order.id, attempt=attempt)
        seen = self.path.seen_at(order.id)
        self.path.say(self.name, order.id, f"the shop has said yes, so it is acknowledged; it is seen at {seen} of "
                      f"{len(PLACES)} places")  # fmt: skip

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear an answer."""
        if body["ok"]:
            self.acknowledged.setdefault(message, self.simulation.now_us)
            if message in self._waits and not self._waits[message].triggered:
                self._waits[message].succeed()

