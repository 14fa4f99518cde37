"""Copies: a hit of a cache beside a dictionary and a server, and a view that follows beside one that is made anew.

And what a database keeps: a question to the table, to a materialized view and to what a trigger keeps, and a change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.dataflows.derived_view import Cache, Counts, Entry, Latest
from dsys_lab.engines.postgres import PostgresDatabase
from dsys_lab.engines.postgres.kept_views import make_view
from dsys_lab.errors import require_choice
from dsys_lab.stores.relational import Change

KEYS: Final = 100
CHANGES: Final = 1_000_000
Night = dict[str, Any]
CACHES: Final = ("dict", "cache", "valkey")


def hits_of(kind: str, reads: int = 2_000) -> Callable[[], float]:
    """Return what reads entries that are all there, so many times: of a dictionary, our cache, or Valkey."""
    require_choice("kind", kind, CACHES)
    if kind == "dict":
        there = {key: Entry(key, key, 0) for key in range(KEYS)}
        return lambda: _read(there.__getitem__, reads)
    if kind == "cache":
        cache = Cache(capacity=KEYS, ttl_s=3_600)
        return _filled(cache.fill, lambda key: cache.get(0, key), reads)
    from dsys_lab.engines.valkey import ValkeyCache

    server = ValkeyCache(ttl_s=3_600)
    return _filled(server.fill, lambda key: server.get(0, key), reads)


def _filled(
    fill: Callable[[int, int, int, int], bool], get: Callable[[int], Entry | None], reads: int
) -> Callable[[], float]:
    for key in range(KEYS):
        fill(0, key, key, key)
    return lambda: _read(get, reads)


def _read(get: Callable[[int], Entry | None], reads: int) -> float:
    for number in range(reads):
        get(number % KEYS)
    return reads


def hits() -> None:
    """Read what is there: a dictionary, our cache, a server."""
    from dsys_lab.engines.valkey import connection

    compare("A hit", "reads", [
        Rival("our cache", hits_of("cache", 20_000)),
        Rival("a plain dictionary", hits_of("dict", 200_000)),
        Rival("Valkey, one client, over loopback", hits_of("valkey", 2_000)),
    ])  # fmt: skip
    connection().close()


def _nights(rows: int) -> list[Night]:
    return [{"id": number, "city": number % 50, "minutes": 300 + number % 240} for number in range(rows)]


def maintenance() -> None:
    """Bring a sum by groups of 20,000 rows up to date after a hundred changes: follow them, or make it anew."""
    rows, changed = _nights(20_000), 100
    there = [Change("nights", row, row | {"minutes": row["minutes"] + 1}) for row in rows[:changed]]
    back = [Change("nights", change.after, change.before) for change in there]
    view = Counts("nights", by="city", of="minutes")
    view.rebuild(rows, 0)

    def follow(rounds: int = 20) -> float:
        for _ in range(rounds):
            for position, change in enumerate((*there, *back), 1):
                view.apply(change, position)
        return 2 * rounds * changed

    def anew() -> float:
        Counts("nights", by="city", of="minutes").rebuild(rows, 0)
        return changed

    compare("A sum by groups of 20,000 rows, after a hundred changes", "changes", [
        Rival("following each change", follow), Rival("made anew", anew),
    ])  # fmt: skip


def rebuild() -> None:
    """Take in a million changes: a replica, a sum by groups, and the plain loop that anybody would write."""
    rows = _nights(1_000)
    changes = [Change("nights", None, row) for row in rows]

    def loop() -> float:
        newest: dict[int, Night] = {}
        for _ in range(CHANGES // len(rows)):
            for row in rows:
                newest[row["id"]] = row
        return CHANGES

    def replica() -> float:
        view, position = Latest("nights"), 0
        for _ in range(CHANGES // len(rows)):
            for change in changes:
                position += 1
                view.apply(change, position)
        return CHANGES

    def sums() -> float:
        view = Counts("nights", by="city", of="minutes")
        view.rebuild((row for _ in range(CHANGES // len(rows)) for row in rows), CHANGES)
        return CHANGES

    compare("A million changes into a view", "changes", [
        Rival("a plain loop over rows", loop), Rival("our replica, change by change", replica),
        Rival("our sums, rebuilt", sums),
    ], rounds=3)  # fmt: skip


def asking(database: PostgresDatabase, way: str, *, rows: int = 20_000, questions: int = 20) -> Callable[[], float]:
    """Return what asks for a sum by groups so many times: of the nights, or of what a way of `kept_views` keeps."""
    nights = [{**night, "city": f"city {night['city']}"} for night in _nights(rows)]
    sql = make_view(database, way, nights)

    def ask() -> float:
        for _ in range(questions):
            database.run(sql)
        return questions

    return ask


def changing(database: PostgresDatabase, *, changes: int = 100) -> Callable[[], float]:
    """Return what changes so many nights of a database that `asking` has filled, each in a transaction of its own."""
    def change() -> float:
        for number in range(changes):
            database.run("UPDATE nights SET minutes = minutes + 1 WHERE id = %s", (number,))
        return changes

    return change


def kept() -> None:
    """Ask PostgreSQL for a sum by groups of 20,000 rows, and change rows, with and without something that is kept."""
    with PostgresDatabase() as plain, PostgresDatabase() as view, PostgresDatabase() as trigger:
        compare("A sum by groups of 20,000 rows, in PostgreSQL", "questions", [
            Rival("a plain query", asking(plain, "query")), Rival("a materialized view", asking(view, "refresh")),
            Rival("a table that a trigger keeps", asking(trigger, "trigger")),
        ])  # fmt: skip
        compare("A change of such a row", "changes", [
            Rival("nothing is kept", changing(plain)), Rival("a materialized view, not refreshed", changing(view)),
            Rival("a trigger keeps the sums", changing(trigger)),
        ])  # fmt: skip
