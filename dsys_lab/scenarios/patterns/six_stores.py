"""The same three questions to six stores: how much does each look at, and how often must it be asked?

The data lie in each as one would put them there: an object or a document a sleeper; rows with indexes; items under the
sleeper's key; columns in blocks; a graph. Shares are of items, of documents and of edges, as each store counts them; of
the column store's and the objects' of bytes; of SQLite's of steps of its machine, against those of a scan of all rows.

Source: Kleppmann, *Designing Data-Intensive Applications*, ch. 2 and 3.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from dsys_lab.errors import require_choice
from dsys_lab.scenarios.patterns.three_questions import PRODUCT, QUESTIONS, WHO, Cost, Night, mean_by_city, pairs, world
from dsys_lab.stores.document_store import Collection
from dsys_lab.stores.graph_store import GraphSchema, PropertyGraph
from dsys_lab.stores.key_value.partitioned import KeySchema, PartitionedTable, Range, Settings
from dsys_lab.stores.key_value.partitioned.verbs import pages
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.stores.warehouse import Warehouse
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.schema import Schema


# ------------------------------------------------------------------------------------------ an object a sleeper
@lru_cache(maxsize=1)
def _bucket() -> JournaledStore:
    store = JournaledStore(VolatileDisk())
    for one in world().sleepers():
        store.put(f"sleeper/{one['_id']:06d}", json.dumps(one).encode())
    return store


def objects(question: str) -> Cost:
    """Ask a store of objects, one JSON object a sleeper; what it cannot do, its client does."""
    store, read = _bucket(), list[int]()

    def get(who: int) -> dict[str, Any]:
        found = store.get(f"sleeper/{who:06d}")
        assert found is not None, f"sleeper {who} has an object"
        read.append(len(found.data))
        return dict(json.loads(found.data))

    if question == "Q1":
        answer: Any = _last(get(WHO)["nights"])
    elif question == "Q2":
        everybody = [get(int(facts.key[-6:])) for facts in every(store, "sleeper/")]
        answer = mean_by_city((n["city"], n["weekend"], n["minutes"]) for one in everybody for n in one["nights"])
    else:
        answer = _walked(get)
    stored = sum(facts.size_bytes for facts in every(store, "sleeper/"))
    return Cost(answer, len(read), sum(read) / stored)


def _last(nights: Iterable[dict[str, Any]]) -> int:
    return max((night["day"], night["minutes"]) for night in nights)[1]


def _walked(get: Callable[[int], dict[str, Any]]) -> list[int]:
    """Follow friends of friends, a sleeper at a time."""
    near = get(WHO)["friends"]
    beyond = {far for one in near for far in get(one)["friends"]} - {WHO}
    return [far for far in sorted(beyond) if PRODUCT in get(far)["bought"]]


# ------------------------------------------------------------------------------------------ rows and indexes
SQL: Final = {
    "Q1": "SELECT minutes FROM night WHERE person = :who ORDER BY day DESC, minutes DESC LIMIT 1",
    "Q2": "SELECT city, weekend, round(avg(minutes), 6) FROM night GROUP BY city, weekend ORDER BY city, weekend",
    "Q3": """SELECT DISTINCT g.b FROM friend f JOIN friend g ON g.a = f.b JOIN bought s ON s.person = g.b
             WHERE f.a = :who AND s.product = :product AND g.b <> :who ORDER BY g.b""",
}
SCANS: Final = {
    "Q1": "SELECT sum(minutes) FROM night NOT INDEXED",
    "Q2": "SELECT sum(minutes) FROM night NOT INDEXED",
    "Q3": "SELECT (SELECT sum(b) FROM friend NOT INDEXED), (SELECT sum(product) FROM bought NOT INDEXED)",
}


@lru_cache(maxsize=1)
def _rows() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript("""
        CREATE TABLE night (person INT, day INT, city INT, weekend INT, minutes INT, bed INT, woke INT, pulse INT);
        CREATE TABLE friend (a INT, b INT);
        CREATE TABLE bought (person INT, product INT);""")
    given = world()
    connection.executemany("INSERT INTO night VALUES (?, ?, ?, ?, ?, ?, ?, ?)", given.nights)
    for table, of in (("friend", given.friends), ("bought", given.bought)):
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", pairs(of))  # noqa: S608  # names of our own
    connection.executescript("""
        CREATE INDEX by_person ON night (person, day);
        CREATE INDEX by_friend ON friend (a, b);
        CREATE INDEX by_buyer ON bought (person, product);
        ANALYZE;""")
    return connection


def _steps(sql: str) -> tuple[list[Any], int]:
    """Run a query; return its rows and the steps of SQLite's machine."""
    connection, steps = _rows(), 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(count, 1)
    try:
        return connection.execute(sql, {"who": WHO, "product": PRODUCT}).fetchall(), steps
    finally:
        connection.set_progress_handler(None, 0)


def rows(question: str) -> Cost:
    """Ask SQLite; its steps are held against those of a scan of the tables that are concerned."""
    found, steps = _steps(SQL[question])
    _, whole = _steps(SCANS[question])
    answer = {"Q1": lambda: found[0][0], "Q2": lambda: found, "Q3": lambda: [one for (one,) in found]}[question]()
    return Cost(answer, 1, min(1.0, steps / whole))


# ------------------------------------------------------------------------------------------ items by key
@lru_cache(maxsize=1)
def _items() -> PartitionedTable:
    much: dict[str, Any] = {"write_rate": 1e9, "write_limit": 1e9, "read_rate": 1e9, "read_limit": 1e9}
    table = PartitionedTable("sleepers", KeySchema("who", "what"), Settings(partitions=4, split=None, **much))
    given = world()
    for number, night in enumerate(given.nights):
        key = {"who": str(night.person), "what": f"night {night.day:05d} {number:06d}"}
        table.put(0, {**night._asdict(), **key})
    for what, of in (("friend", given.friends), ("product", given.bought)):
        for who, other in pairs(of):
            table.put(0, {"who": str(who), "what": f"{what} {other:06d}"})
    return table


def items(question: str) -> Cost:
    """Ask a key-value table: a sleeper's items lie together under their key, in order."""
    table, told = _items(), list[Any]()

    def under(who: int, what: str) -> list[Mapping[str, Any]]:
        told.extend(found := pages(table.query, 1, str(who), Range(prefix=what)))
        return [item for page in found for item in page.items]

    if question == "Q1":
        page = table.query(1, str(WHO), Range(prefix="night"), descending=True, limit=1)
        told.append(page)
        answer: Any = page.items[0]["minutes"]
    elif question == "Q2":
        told.extend(pages(table.scan, 1))
        kept = [item for page in told for item in page.items if item["what"].startswith("night")]
        answer = mean_by_city((item["city"], item["weekend"], item["minutes"]) for item in kept)
    else:
        near = [int(item["what"][-6:]) for item in under(WHO, "friend")]
        beyond = {int(item["what"][-6:]) for one in near for item in under(one, "friend")} - {WHO}
        answer = [far for far in sorted(beyond) if under(far, f"product {PRODUCT:06d}")]
    given = world()
    concerned = len(pairs(given.friends)) + len(pairs(given.bought)) if question == "Q3" else len(given.nights)
    return Cost(answer, len(told), min(1.0, sum(page.examined for page in told) / concerned))


# ------------------------------------------------------------------------------------------ a document a sleeper
@lru_cache(maxsize=1)
def _documents() -> Collection:
    collection = Collection(VolatileDisk(), fsync=NEVER, place="sleepers")
    for one in world().sleepers():
        collection.insert(one)
    return collection


def documents(question: str) -> Cost:
    """Ask a document store: a sleeper's nights lie inside of the sleeper, and `$in` asks for many at once."""
    collection, opened = _documents(), list[int]()

    def find(filter_: dict[str, Any]) -> list[dict[str, Any]]:
        told = collection.answer(filter_)
        opened.append(told.explained.docs_examined)
        return list(told.documents)

    if question == "Q1":
        [one] = find({"_id": WHO})
        answer: Any = _last(one["nights"])
    elif question == "Q2":
        answer = mean_by_city((n["city"], n["weekend"], n["minutes"]) for one in find({}) for n in one["nights"])
    else:
        [one] = find({"_id": WHO})
        beyond = {far for near in find({"_id": {"$in": one["friends"]}}) for far in near["friends"]} - {WHO}
        bought = find({"_id": {"$in": sorted(beyond)}, "bought": PRODUCT})
        answer = sorted(one["_id"] for one in bought)
    return Cost(answer, len(opened), sum(opened) / len(world().friends))


# ------------------------------------------------------------------------------------------ columns in blocks
@lru_cache(maxsize=1)
def _columns() -> Warehouse:
    store, given = Warehouse(block_bytes=1 << 10), world()
    schemas = {
        "night": Schema.of("person u32, day u16, city u8, weekend u8, minutes u16, bed u16, woke u8, pulse u8"),
        "friend": Schema.of("a u32, b u32"),
        "bought": Schema.of("person u32, product u16"),
    }
    nights = dict(zip(Night._fields, map(list, zip(*given.nights, strict=True)), strict=True))
    store.create_table("night", schemas["night"], sort_key=("day",))
    store.copy("night", [nights])
    for table, of in (("friend", given.friends), ("bought", given.bought)):
        store.create_table(table, schemas[table])
        store.copy(table, [dict(zip(schemas[table].names, map(list, zip(*pairs(of), strict=True)), strict=True))])
    return store


def columns(question: str) -> Cost:
    """Ask a warehouse, sorted by day; of a column it reads the blocks whose zone map does not rule them out."""
    store, read, calls = _columns(), 0, 0

    def query(sql: str, *values: int) -> list[tuple[Any, ...]]:
        nonlocal read, calls
        told = store.query(sql.format(*values))
        read, calls = read + told.read_bytes, calls + 1
        return told.rows

    tables = ("night",) if question != "Q3" else ("friend", "bought")
    if question == "Q1":
        answer: Any = query("SELECT day, minutes FROM night WHERE person = {}", WHO)[-1][1]
    elif question == "Q2":
        found = query("SELECT city, weekend, avg(minutes) AS mean FROM night GROUP BY city, weekend")
        answer = [(city, weekend, round(mean, 6)) for city, weekend, mean in found]
    else:
        found = query("SELECT g.b FROM friend f JOIN friend g ON f.b = g.a WHERE f.a = {}", WHO)
        buyers = query("SELECT person FROM bought WHERE product = {}", PRODUCT)
        answer = sorted({who for (who,) in buyers} & {far for (far,) in found} - {WHO})
    stored = sum(block.size_bytes for table in tables for block in store.blocks(table))
    return Cost(answer, calls, min(1.0, read / stored))


# ------------------------------------------------------------------------------------------ a graph
CYPHER: Final = {
    "Q1": "MATCH (a:Sleeper {id: $who})-[:SLEPT]->(n:Night) RETURN n.day, n.minutes",
    "Q2": "MATCH (a:Sleeper)-[:SLEPT]->(n:Night) RETURN n.city, n.weekend, n.minutes",
    "Q3": "MATCH (a:Sleeper {id: $who})-[:KNOWS]-(b)-[:KNOWS]-(c:Sleeper)-[:BOUGHT]->(p:Product {id: $product}) "
          "WHERE c.id <> $who RETURN DISTINCT c.id ORDER BY c.id",
}  # fmt: skip


@lru_cache(maxsize=1)
def _graph() -> PropertyGraph:
    graph = PropertyGraph(
        GraphSchema.of(
            "Sleeper(id: int)", "Product(id: int)",
            "Night(id: int, day: int, city: int, weekend: int, minutes: int, bed: int, woke: int, pulse: int)",
            "Sleeper-KNOWS->Sleeper", "Sleeper-SLEPT->Night", "Sleeper-BOUGHT->Product",
        ),
        VolatileDisk(),
    )  # fmt: skip
    given = world()
    nights = dict(zip(Night._fields, map(list, zip(*given.nights, strict=True)), strict=True))
    slept = nights.pop("person")
    knows = [(one, other) for one, other in pairs(given.friends) if one < other]
    bought = pairs(given.bought)
    ids = list(range(len(given.nights)))
    graph.load(
        {"Sleeper": {"id": list(given.friends)}, "Night": {"id": ids, **nights},
         "Product": {"id": sorted({what for _, what in bought})}},
        {"KNOWS": {"from": [one for one, _ in knows], "to": [other for _, other in knows]},
         "SLEPT": {"from": slept, "to": ids},
         "BOUGHT": {"from": [who for who, _ in bought], "to": [what for _, what in bought]}},
    )  # fmt: skip
    return graph


def edges(question: str) -> Cost:
    """Ask a graph in Cypher; of the edges that are concerned it looks at those along the path."""
    graph = _graph()
    told = graph.explain(CYPHER[question], start="a", who=WHO, product=PRODUCT)
    answer = {
        "Q1": lambda: max(told.rows)[1],
        "Q2": lambda: mean_by_city(told.rows),
        "Q3": lambda: [one for (one,) in told.rows],
    }[question]()
    types = ("SLEPT",) if question != "Q3" else ("KNOWS", "BOUGHT")
    return Cost(answer, 1, min(1.0, told.edges / sum(graph.status().edges[one] for one in types)))


STORES: Final = {
    "object store": objects,
    "relational": rows,
    "key-value": items,
    "document": documents,
    "column store": columns,
    "graph": edges,
}


def asked(store: str, question: str) -> Cost:
    """Ask one of `STORES` one of `QUESTIONS`; return the answer and what it took."""
    require_choice("store", store, tuple(STORES))
    require_choice("question", question, tuple(QUESTIONS))
    return STORES[store](question)


def all_asked() -> dict[str, dict[str, Cost]]:
    """Ask all of them everything: question -> store -> cost."""
    return {question: {store: asked(store, question) for store in STORES} for question in QUESTIONS}
