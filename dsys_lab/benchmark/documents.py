"""Documents: the model in Python against PostgreSQL's JSONB, which is called from Python as well.

6,320 profiles. Counters first: what one question makes each look at. Then how many questions and updates a second, in
turns; PostgreSQL pays a round trip over a socket for each, and no write waits for the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.engines.postgres.document_plans import asked
from dsys_lab.engines.postgres.documents import PostgresDocuments
from dsys_lab.scenarios.document.profiles import SAME, collection_of, profiles_of

PEOPLE: Final = 6_320
CALLS: Final = 60
CITY: Final = {"city": "Lisbon"}
IN_SQL: Final = {
    "one city": (CITY, 'body @> \'{"city": "Lisbon"}\''),
    "a ring with firmware 3": (SAME, 'body @> \'{"devices": [{"kind": "ring", "fw": 3}]}\''),
}
"""Questions, for the model and in SQL."""


def documents() -> None:
    """Questions over an index and over none, and updates of one field, against PostgreSQL's GIN."""
    model = collection_of(PEOPLE, ("city",), ("devices.kind", "devices.fw"))
    with PostgresDocuments() as engine:
        engine.insert_many(profiles_of(PEOPLE))
        engine.create_gin()
        engine.analyze()
        engine.database.run("SET synchronous_commit = off")
        _counted(model, engine)
        for name, (question, _) in IN_SQL.items():
            compare(f"{name}, {PEOPLE:,} profiles", "questions", _rivals(model, engine, _finds(question)))
        compare("One field changed, found by _id", "updates", _rivals(model, engine, _updates))


def _counted(model: Any, engine: PostgresDocuments) -> None:
    """Print what a question makes each look at."""
    for name, (question, sql) in IN_SQL.items():
        ours, theirs = model.explain(question), asked(engine, sql)
        print(
            f"{name}: model {ours.keys_examined} cards, {ours.docs_examined} documents, {ours.returned} returned; "
            f"PostgreSQL ({theirs.way}) {theirs.candidates} candidates, {theirs.pages} pages, {theirs.rows} rows"
        )


def _rivals(model: Any, engine: Any, work: Callable[[Any], float]) -> list[Rival]:
    return [Rival("model", lambda: work(model)), Rival("PostgreSQL", lambda: work(engine))]


def _finds(question: dict[str, Any]) -> Callable[[Any], float]:
    def run(store: Any) -> float:
        for _ in range(CALLS):
            store.find(question)
        return CALLS

    return run


def _updates(store: Any) -> float:
    for number in range(CALLS):
        store.update_one({"_id": number}, {"$inc": {"sleep.goal": 1}})
    return CALLS
