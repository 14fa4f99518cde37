"""Where do the rows of two tables lie, and what must travel before they can be joined?

1. `joins`: the same question with five distributions, the bytes between nodes counted and by law, and what is stored.
2. `drawn`: one of them as slices and arcs, for `charts.slice_lanes`.
3. `skew`: how much longer the fullest slice takes, by the column that is the key.
4. `stale`: what a planner does that believes in old counts.

`shuffle` is a join to be played: parcels of rows, and the slice that all wait for.

Sources: the laws and their sources in `dsys_lab.laws.warehouse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from dsys_lab import laws
from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.scenarios.column_store.nights import NARROW, in_order, night_columns, small_tables
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Machine, Simulation
from dsys_lab.simulation.chance import uniform
from dsys_lab.stores.warehouse import All, Answer, Cluster, Distribution, Even, Key, Warehouse
from dsys_lab.structures.schema import Schema

NIGHTS: Final = 40_000
SYNC: Final = Schema.of("night_id u32, sync_lag_s u32")
BY_PLAN: Final = (
    "SELECT plan, count(*), avg(minutes_sleep) FROM night n JOIN person p ON n.person_id = p.person_id GROUP BY plan"
)
BY_CITY: Final = "SELECT city_id, avg(sync_lag_s) FROM night n JOIN sync s ON n.night_id = s.night_id GROUP BY city_id"
PERSON_BYTES: Final = 5
"""Of a person on the way: person_id (u32) and plan (u8)."""
BOTH_BYTES: Final = 4 + 1 + 4 + 4
"""Of a night (night_id, city_id) and of its sync (night_id, sync_lag_s) on the way."""


class Way(NamedTuple):
    """Which tables lie how, and what is asked of them."""

    styles: Mapping[str, Distribution]
    sql: str


WAYS: Final = {
    "both by person": Way({"night": Key("person_id"), "person": Key("person_id")}, BY_PLAN),
    "people on every node": Way({"night": Even(), "person": All()}, BY_PLAN),
    "nights by person, people in turn": Way({"night": Key("person_id"), "person": Even()}, BY_PLAN),
    "both in turn": Way({"night": Even(), "person": Even()}, BY_PLAN),
    "two large ones, in turn": Way({"night": Even(), "sync": Even()}, BY_CITY),
    "nights by city": Way({"night": Key("city_id"), "person": All()}, BY_PLAN),
}
"""Distributions, with the question that they are for."""


def made(way: str, cluster: Cluster, nights: int = NIGHTS) -> Warehouse:
    """Return a warehouse whose tables lie in a way of `WAYS`."""
    require_choice("way", way, tuple(WAYS))
    lab = Warehouse(cluster)
    tables: dict[str, tuple[Schema, dict[str, Any]]] = {
        "night": (NARROW, in_order("by date", nights=nights)), **small_tables(nights),
        "sync": (SYNC, {name: night_columns(nights)[name] for name in SYNC.names}),
    }  # fmt: skip
    for name, style in WAYS[way].styles.items():
        schema, columns = tables[name]
        lab.create_table(name, schema, distribution=style)
        lab.copy(name, [columns])
    return lab


def asked(way: str, nodes: int = 4, slices_a_node: int = 2, nights: int = NIGHTS) -> tuple[Warehouse, Answer]:
    """Return a warehouse and the answer to the question of its way."""
    lab = made(way, Cluster(nodes, slices_a_node), nights)
    return lab, lab.query(WAYS[way].sql)


# ------------------------------------------------------------------------------------------ 1. five joins
def joins(nodes: int = 4, nights: int = NIGHTS) -> dict[str, dict[str, Any]]:
    """Count what travels in each way, what it is by law, and how many rows are stored."""
    told = {}
    for way in list(WAYS)[:5]:
        lab, answer = asked(way, nodes, nights=nights)
        stored = sum(sum(table.rows_by_slice) for table in lab.status().tables.values())
        told[way] = {
            "label": answer.label, "bytes": answer.shuffled_bytes, "by law": round(by_law(way, nodes, nights)),
            "rows stored": stored,
        }  # fmt: skip
    return told


def by_law(way: str, nodes: int, nights: int = NIGHTS) -> float:
    """Return the bytes between nodes by law."""
    people = PERSON_BYTES * len(small_tables(nights)["person"][1]["person_id"])
    if way == "nights by person, people in turn":
        return laws.redistributed_bytes(people, nodes)
    if way == "both in turn":
        return laws.broadcast_bytes(people, nodes)
    if way == "two large ones, in turn":
        return laws.redistributed_bytes(BOTH_BYTES * nights, nodes)
    return 0.0


def as_the_cluster_grows(*, nights: int = 10_000) -> dict[str, list[tuple[int, int]]]:
    """Return the bytes between nodes by the number of nodes, for each way in which something travels."""
    ways = ("nights by person, people in turn", "both in turn")
    sizes = (1, 2, 4, 8, 16)
    return {way: [(nodes, asked(way, nodes, 1, nights)[1].shuffled_bytes) for nodes in sizes] for way in ways}


# ------------------------------------------------------------------------------------------ 2. the picture
def drawn(way: str = "both in turn", nodes: int = 3, slices_a_node: int = 2, *, nights: int = 10_000) -> dict[str, Any]:
    """Return what `charts.slice_lanes` needs of a way."""
    _, answer = asked(way, nodes, slices_a_node, nights)
    return {"rows": answer.worked_rows, "arcs": answer.shuffled, "slices_a_node": slices_a_node, "title": way}


# ------------------------------------------------------------------------------------------ 3. skew
KEYS: Final = ("night_id", "person_id", "city_id", "date_key")


def skew(key: str, slices: int, *, nights: int = NIGHTS) -> float:
    """Return how many times the mean the fullest slice works on, where a column is the key."""
    require_choice("key", key, KEYS)
    lab = Warehouse(Cluster(slices, 1))
    schema = Schema.of("night_id u32, person_id u32, date_key u16, city_id u8")
    lab.create_table("night", schema, distribution=Key(key))
    columns = night_columns(nights)
    lab.copy("night", [{name: columns[name] for name in schema.names}])
    answer = lab.query("SELECT count(night_id) FROM night")
    return laws.straggler_ratio(answer.worked_rows)


def largest_share(key: str, *, nights: int = NIGHTS) -> float:
    """Return the share of the nights that have the most frequent value of a column."""
    require_choice("key", key, KEYS)
    return float(np.unique(night_columns(nights)[key], return_counts=True)[1].max() / nights)


# ------------------------------------------------------------------------------------------ 4. old counts
def stale(nodes: int = 4, rows: int = 30_000) -> dict[str, dict[str, Any]]:
    """Join a table that grew after it was analyzed, before and after ANALYZE; the answers are the same."""
    lab = Warehouse(Cluster(nodes, 1))
    lab.create_table("fact", Schema.of("k u32, x u32"))
    lab.create_table("dim", Schema.of("k u32, plan u8"))
    lab.copy("fact", [{"k": np.arange(rows) % 9_000, "x": np.arange(rows)}])
    lab.copy("dim", [{"k": [0], "plan": [1]}])
    lab.copy("dim", [{"k": np.arange(1, rows), "plan": np.arange(1, rows) % 3}])
    sql = "SELECT plan, count(*), sum(x) FROM fact f JOIN dim d ON f.k = d.k GROUP BY plan"
    told = {}
    for when in ("old counts", "after ANALYZE"):
        answer, believed = lab.query(sql), lab.status().tables["dim"].analyzed_rows
        told[when] = {
            "rows believed": believed, "label": answer.label, "bytes": answer.shuffled_bytes,
            "answer": answer.digest(),
        }  # fmt: skip
        lab.analyze("dim")
    return told


def stale_by_law(nodes: int = 4, rows: int = 30_000) -> float:
    """Return by law how many times the bytes of the right plan a broadcast takes: rows of 5 bytes against 8 and 5."""
    return laws.broadcast_bytes(5 * rows, nodes) / laws.redistributed_bytes((8 + 5) * rows, nodes)


# ------------------------------------------------------------------------------------------ to be played
LEADER, BETWEEN = "leader", "between nodes"
ROWS_A_S: Final = 1_500.0
LATE_IN_THE_RUN: Final = 0.85
"""Where a picture opens, as a share of the run: the fullest slice works, the others have done."""


@scenario("{way}: {nodes} nodes join")
def shuffle(
    sim: Simulation, *, way: str = "both in turn", nodes: int = 3, slices_a_node: int = 2, nights: int = 10_000
) -> Claims:
    """A join: the leader asks all slices, rows travel between nodes if they must, then every slice works on its own.

    A slice does `ROWS_A_S` rows a second, so the fullest one decides when the leader can answer. What travels is what
    the warehouse sent, a message for each pair of nodes.
    """
    if not 1 <= nodes <= 4 or not 1 <= slices_a_node <= 3:
        raise BadParameter(f"nodes = {nodes!r}, slices_a_node = {slices_a_node!r}: give 1 to 4, and 1 to 3")
    cluster = Cluster(nodes, slices_a_node)
    _, answer = asked(way, nodes, slices_a_node, nights)
    sim.network.delay = uniform(0.2, 0.3)
    site = _Site(sim, cluster, answer)
    sim.run()
    done = len(site.leader.heard) == cluster.slices
    sim.emit("check", LEADER, name="slices that answered", ok=done, expected=cluster.slices, got=len(site.leader.heard))
    return Claims({"checks hold": {}}, poster_us=int(LATE_IN_THE_RUN * sim.now_us))


class _Site:
    """The leader, the slices, and what each node waits for."""

    def __init__(self, sim: Simulation, cluster: Cluster, answer: Answer) -> None:
        self.sim, self.cluster, self.answer = sim, cluster, answer
        self.wanted = {
            node: {pair for pair in answer.shuffled if pair[1] == node and answer.shuffled[pair]}
            for node in range(cluster.nodes)
        }
        self.slices = [SliceHost(sim, self, at) for at in range(cluster.slices)]
        self.leader = LeaderHost(sim, self)
        self.between = BetweenHost(sim, BETWEEN)

    def ready(self, node: int) -> None:
        """Let the slices of a node begin, for all rows that they need are there."""
        first = node * self.cluster.slices_a_node
        for host in self.slices[first : first + self.cluster.slices_a_node]:
            host.may_begin()


class LeaderHost(Machine):
    """Asks, and adds up what slices found."""

    def __init__(self, sim: Simulation, site: _Site) -> None:
        self.site, self.heard = site, dict[str, None]()
        super().__init__(sim, LEADER)

    def boot(self) -> None:
        """Ask every slice."""
        for host in self.site.slices:
            message = f"ask {host.short}"
            self.simulation.emit("publish", LEADER, message, attempt=1)
            self.simulation.network.send(LEADER, host.name, message, {"type": "question"})

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Add a slice's measures up."""
        self.heard[source] = None
        self.simulation.emit("finish", LEADER, message, attempt=1, copy=copy)
        self.simulation.emit("gauge", LEADER, name="slices heard", value=len(self.heard), unit="")


class BetweenHost(Machine):
    """What lies between nodes: rows pass it on their way to where they are wanted."""

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Pass rows on."""
        self.simulation.network.send(self.name, body["to"], message, body, copy=copy)


class SliceHost(Machine):
    """Sends what is wanted elsewhere, waits for what it needs, works, and tells the leader."""

    def __init__(self, sim: Simulation, site: _Site, at: int) -> None:
        self.site, self.at, self.asked, self.begun = site, at, False, False
        self.node, self.is_first = site.cluster.node(at), site.cluster.first(at) == at
        self.short = site.cluster.name(at).removeprefix("node-")
        super().__init__(sim, f"slices/{self.short}")

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take a question, or rows."""
        self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)
        if source == LEADER:
            self.asked = True
            if self.is_first:
                self._send()
        else:
            self.site.wanted[self.node].discard((body["from"], self.node))
        if not self.site.wanted[self.node]:
            self.site.ready(self.node)

    def _send(self) -> None:
        for (source, target), size_bytes in self.site.answer.shuffled.items():
            if source == self.node and size_bytes:
                message, to = f"rows {source}>{target}", self.site.slices[target * self.site.cluster.slices_a_node]
                self.simulation.emit("publish", self.name, message, attempt=1)
                body = {"type": f"{size_bytes:,} bytes", "from": source, "to": to.name}
                self.simulation.network.send(self.name, BETWEEN, message, body)

    def may_begin(self) -> None:
        """Begin, once it was asked."""
        if self.asked and not self.begun:
            self.begun = True
            rows = self.site.answer.worked_rows[self.at]
            self.simulation.emit("publish", self.name, f"part {self.short}", attempt=1)
            self.simulation.emit("start", self.name, f"part {self.short}", attempt=1, rows=rows)
            self.simulation.after(rows / ROWS_A_S, partial(self._done, f"part {self.short}"))

    def _done(self, message: str) -> None:
        self.simulation.network.send(self.name, LEADER, message, {"type": "measures"})
