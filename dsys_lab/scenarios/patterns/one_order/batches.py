"""From the log by crate into a bucket, from there by commit, by COPY and by cell: what is made in batches.

Each of them works every `batch_s`, so an order waits up to so long before each. The delivery stream and the lake are on
disk; the warehouse's leader and the cube are not, and are made again from what stands before them.
"""

from __future__ import annotations

import json
from typing import Any, Final

from dsys_lab.brokers.delivery_stream import Accepted, Attempt, DeliveryStream, Entry, Lines, Settings
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.scenarios.patterns.one_order.order import Fact, Shelves, as_json
from dsys_lab.scenarios.patterns.one_order.path import Letter, Path, Station, part, plural, size_of
from dsys_lab.scenarios.patterns.one_order.streams import LogHost, LogReader
from dsys_lab.simulation import Body
from dsys_lab.stores.lake import Fields, JsonLines, LakeTable, TableLog
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.stores.star_schema import Cube, Cuboid, Dimension, FactTable, Link, Measured, Stored
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse import Cluster, Warehouse
from dsys_lab.structures import VolatileDisk
from dsys_lab.structures.schema import Schema

PREFIX: Final = "crates/"
LAKE_COLUMNS: Final = Fields.of("number long, person long, product long, quantity long, cents long, clicked_ms long")
WAREHOUSE_COLUMNS: Final = Schema.of("number u32, person u32, product u32, quantity u8, cents u32, clicked_ms u32")
NAMES: Final = ("number", "person", "product", "quantity", "cents", "clicked_ms")
BY: Final = ("person.city", "product.category")
MEASURES: Final = (Measured("sum", "cents"), Measured("count", "cents"))


def number_of(message: str) -> int:
    """Return the number in an order's id.

    >>> number_of("o4")
    4
    """
    return int(message[1:])


class Bucket(Station):
    """The object store: what crates land in, and where the files of the lake's table lie."""

    keeps = ("id", *NAMES[1:])

    def __init__(self, path: Path) -> None:
        super().__init__(path, "bucket")
        self.files = VolatileDisk()
        self.store = JournaledStore(self.files)

    def on_crash(self) -> None:
        """Open what the disk kept."""
        self.files.crash(self.simulation.stream("bucket/power"))
        self.store = JournaledStore(self.files)

    def crates(self) -> dict[str, list[Fact]]:
        """Return what lies in each crate."""
        told = {}
        for facts in every(self.store, PREFIX):
            found = self.store.get(facts.key)
            assert found is not None, facts.key
            told[facts.key] = [json.loads(line) for line in found.data.splitlines()]
        return told

    def says(self, message: str) -> object:
        """Return the order as it lies in a crate."""
        found = [fact for crate in self.crates().values() for fact in crate if fact["id"] == message]
        return part(found[0], self.keeps) if found else None


class Crates(LogReader):
    """The delivery stream: packs what it reads from the log, and puts a crate into the bucket when it is time."""

    def __init__(self, path: Path, log: LogHost, bucket: Bucket) -> None:
        super().__init__(path, "crates", log)
        self.bucket, self.files = bucket, VolatileDisk()
        self.settings = Settings(
            interval_s=path.batch_s, pause_s=2 * path.hop_s, limits=None, names="crate", prefix=PREFIX
        )
        self._open()
        self._deadlines = Deadlines(path.simulation, self.deliver)

    def _open(self) -> None:
        now_us = self.simulation.now_us
        self.stream = DeliveryStream(self.name, self.files, self.settings, form=Lines(), now_us=now_us)

    def on_crash(self) -> None:
        """Open what the disk kept."""
        self.files.crash(self.simulation.stream("crates/power"))
        self._open()

    def boot(self) -> None:
        """Read on, and deliver what is due."""
        super().boot()
        self.deliver()

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Put a record into the buffer, once for an order."""
        known = self.disk.setdefault("known", [])
        if letter.message in known:
            self.knows(letter)
            return True
        known.append(letter.message)
        data = as_json(fact).encode()
        taken = self.stream.put(self.simulation.now_us, Entry(letter.message, data, letter.copy))
        assert isinstance(taken, Accepted), taken
        self.simulation.emit("written", self.name, letter.message, key=letter.message, copy=letter.copy)
        self.path.holds(self.name, letter)
        filled = sum(self.stream.status().filling.values())
        self.path.say(self.name, letter.message, f"{size_of(data)} more in the buffer, {filled:,} in all; "
                      f"it is sealed {self.settings.interval_s:g} s after its oldest came")  # fmt: skip
        self._deadlines.wait_for(self.stream.deadline_us())
        return True

    def deliver(self) -> None:
        """Carry out what is due."""
        if not self.up:
            return
        for attempt in self.stream.attempts(self.simulation.now_us):
            self.spawn(self._deliver(attempt))
        self._deadlines.wait_for(self.stream.deadline_us())

    def _deliver(self, attempt: Attempt) -> Body:
        simulation, bucket = self.simulation, self.bucket
        letters = [self.path.letter(bucket.name, message) for message in attempt.messages]
        there = yield from self.carry(letters, bucket, attempt=attempt.attempt)
        if there:
            bucket.store.put(attempt.key, attempt.data, now_us=simulation.now_us)
            for letter in letters:
                count = plural(len(letters), "order")
                bucket.keep(letter, f"one crate of {count}, {size_of(attempt.data)}; no table knows of it yet")
        yield simulation.sleep(self.path.hop_s)
        if there:
            self.stream.delivered(simulation.now_us, attempt.number)
        else:
            self.stream.failed(simulation.now_us, attempt.number, "the bucket cannot be reached")
        self.deliver()


class BatchJob(Station):
    """Does every `batch_s` what there is to do."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)

    def boot(self) -> None:
        """Begin, or begin again."""
        self.spawn(self._work_now_and_then())

    def _work_now_and_then(self) -> Body:
        while True:
            yield self.simulation.sleep(self.path.batch_s)
            yield from self.work_off()

    def work_off(self) -> Body:
        """Take in what is new."""
        raise NotImplementedError


class Lake(BatchJob):
    """The table on the bucket: a job reads new crates, and commits their orders, each once."""

    keeps = NAMES

    def __init__(self, path: Path, bucket: Bucket) -> None:
        super().__init__(path, "lake")
        self.bucket = bucket
        LakeTable.create(self._log(), LAKE_COLUMNS)

    def _log(self) -> TableLog:
        return TableLog(self.bucket.store, "orders", JsonLines())

    @property
    def table(self) -> LakeTable:
        """The table, as whoever comes to it now opens it."""
        return LakeTable(self._log(), writer="loader")

    def work_off(self) -> Body:
        """Commit the orders of crates that were not read before."""
        if not self.bucket.is_reached_by(self.name):
            return
        loaded = self.disk.setdefault("crates", [])
        new = {key: crate for key, crate in self.bucket.crates().items() if key not in loaded}
        there = {number for (number,) in self.table.read("number").rows}
        told = {number_of(fact["id"]): fact for crate in new.values() for fact in crate}
        facts = [fact for number, fact in told.items() if number not in there]
        letters = [self.path.letter(self.name, fact["id"]) for fact in facts]
        if facts:
            if not (yield from self.carry(letters, self, start=self.bucket.name)):
                return
            rows = [{"number": number_of(fact["id"]), **fact} for fact in facts]
            done = self.table.append({name: [row[name] for row in rows] for name in NAMES}, batch=len(loaded) + 1)
            for letter in letters:
                self.keep(letter, f"version {done.version} of the table: {plural(len(rows), 'row')} from "
                                  f"{plural(len(new), 'crate')}, by one commit")  # fmt: skip
        loaded.extend(new)

    @property
    def why_silent(self) -> str:
        """Its files lie in the bucket: who cannot read those cannot answer."""
        return super().why_silent or ("" if self.bucket.is_reached_by(self.name) else "without its bucket")

    def says(self, message: str) -> object:
        """Return the row of the table."""
        number = number_of(message)
        rows = self.table.read(*NAMES, where=Between("number", number, number)).rows
        return dict(zip(NAMES, rows[0], strict=True)) if rows else None

    def should_say(self, message: str, source: dict[str, Fact]) -> object:
        """Return the row that it should have."""
        return numbered(source[message])


class WarehouseHost(BatchJob):
    """Copies what the lake has and it has not, into sorted columns."""

    keeps = NAMES

    def __init__(self, path: Path, lake: Lake) -> None:
        super().__init__(path, "warehouse")
        self.lake = lake
        self._begin()

    def _begin(self) -> None:
        self.warehouse = Warehouse(Cluster(2, 1))
        self.warehouse.create_table("orders", WAREHOUSE_COLUMNS, sort_key=["number"])

    def on_crash(self) -> None:
        """Lose all: the leader keeps nothing on a disk."""
        self._begin()
        self.forget()

    def rows(self, where: str = "") -> list[tuple[Any, ...]]:
        """Return rows of the table."""
        return list(self.warehouse.query(f"SELECT {', '.join(NAMES)} FROM orders{where}").rows)  # noqa: S608  # our own

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.warehouse.status().tables["orders"].rows

    def work_off(self) -> Body:
        """COPY what is new in the lake."""
        if not self.lake.is_reached_by(self.name) or self.lake.why_silent:
            return
        seen = self.lake.table.read(*NAMES)
        if len(seen.rows) == self.count:
            return
        there = {row[0] for row in self.rows()}
        rows = [row for row in seen.rows if row[0] not in there]
        letters = [self.path.letter(self.name, f"o{row[0]}") for row in rows]
        if rows and (yield from self.carry(letters, self, start=self.lake.name)):
            columns = dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True))
            loaded = self.warehouse.copy("orders", [columns], now_us=self.simulation.now_us)
            for letter in letters:
                self.keep(letter, f"COPY of version {seen.version}: {plural(loaded.rows, 'row')} in "
                                  f"{loaded.blocks_written} blocks of columns")  # fmt: skip

    def says(self, message: str) -> object:
        """Return the row."""
        rows = self.rows(f" WHERE number = {number_of(message)}")
        return dict(zip(NAMES, rows[0], strict=True)) if rows else None

    def should_say(self, message: str, source: dict[str, Fact]) -> object:
        """Return the row that it should have."""
        return numbered(source[message])


class CubeHost(BatchJob):
    """The star: facts, linked to people and products, poured into cells by city and category. In memory only."""

    def __init__(self, path: Path, warehouse: WarehouseHost, shelves: Shelves) -> None:
        super().__init__(path, "cube")
        self.warehouse, self.shelves = warehouse, shelves
        self._begin()

    def _begin(self) -> None:
        person, product = Dimension("person", historic=["city"]), Dimension("product", overwritten=["category"])
        for key, city in self.shelves.city_of.items():
            person.put(key, {"city": city}, at=0)
        for key, category in self.shelves.category_of.items():
            product.put(key, {"category": category}, at=0)
        self.facts = FactTable(
            "orders", ("number",), links={"person": Link(person), "product": Link(product)},
            measures={"quantity": Stored(0), "cents": Stored(0)}, plain=("number", "day"), when="day",
        )  # fmt: skip
        self.known: set[int] = set()

    def on_crash(self) -> None:
        """Lose all cells."""
        self._begin()
        self.forget()

    @property
    def cube(self) -> Cube:
        """The cells of all facts that are here."""
        return Cube(Cuboid.of(self.facts.read(*BY, "cents"), BY, MEASURES))

    def work_off(self) -> Body:
        """Load the facts that are new in the warehouse."""
        if not self.warehouse.is_reached_by(self.name) or self.warehouse.count == len(self.known):
            return
        rows = [dict(zip(NAMES, row, strict=True)) for row in self.warehouse.rows() if row[0] not in self.known]
        letters = [self.path.letter(self.name, f"o{row['number']}") for row in rows]
        if not rows or not (yield from self.carry(letters, self, start=self.warehouse.name)):
            return
        self.facts.load([{**part(row, ("number", "person", "product", "quantity", "cents")), "day": 0} for row in rows])  # type: ignore[dict-item]
        self.known |= {row["number"] for row in rows}
        for letter, row in zip(letters, rows, strict=True):
            city, category = self.cell_of(row)
            cents, orders = self._cell(city, category)
            words = f"the cell {city}, {category} has {plural(orders, 'order')} now, {cents / 100:,.2f} in all"
            self.keep(letter, f"{words}: here it is no row any more")

    def cell_of(self, fact: Fact) -> tuple[str, str]:
        """Return the city and the category of an order."""
        return self.shelves.city_of[fact["person"]], self.shelves.category_of[fact["product"]]

    def _cell(self, city: str, category: str) -> tuple[int, int]:
        for at_city, at_category, cents, orders in self.cube.answer(BY).answers():
            if (at_city, at_category) == (city, category):
                return cents, orders
        return 0, 0

    def says(self, message: str) -> object:
        """Return the sum and the count of the cell into which the order falls, if it is there."""
        rows = self.facts.read("number", *BY)
        for number, city, category in zip(*rows.values(), strict=True):
            if number == number_of(message):
                return list(self._cell(city, category))
        return None

    def should_say(self, message: str, source: dict[str, Fact]) -> object:
        """Return the sum and the count of the source's orders that fall into the same cell."""
        cell = self.cell_of(source[message])
        cents = [fact["cents"] for fact in source.values() if self.cell_of(fact) == cell]
        return [sum(cents), len(cents)]


def numbered(fact: Fact) -> Fact:
    """Return an order as the tables have it, with a number for an id."""
    return {"number": number_of(fact["id"]), **{name: fact[name] for name in NAMES[1:]}}
