"""What PostgreSQL does for a question about JSON depends on how it is written; what GIN hands over is what it knows."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from copy import copy
from typing import Any

import pytest

from dsys_lab.engines.postgres.connection import ask
from dsys_lab.engines.postgres.document_plans import CITY, RANGES, array_pitfall, asked, one_field_changed, spellings
from dsys_lab.engines.postgres.documents import PostgresDocuments
from dsys_lab.errors import BadParameter, Misuse, Refused
from dsys_lab.scenarios.document.counts import one_field
from dsys_lab.scenarios.document.profiles import ANY_TWO, SAME, collection_of, profiles_of

pytestmark = pytest.mark.usefixtures("postgres")
PEOPLE = 6_000


def test_the_spelling_chooses_the_index() -> None:
    told = spellings(profiles_of(PEOPLE))
    by_value, contains, path = (told[name] for name in CITY)
    expression, path_range = (told[name] for name in RANGES)
    assert (by_value.way, contains.way, path.way) == ("whole table", "GIN", "GIN")
    assert (expression.way, path_range.way) == ("B-tree of an expression", "whole table")
    assert by_value.rows == contains.rows == path.rows > 0
    assert expression.rows == path_range.rows > 0
    assert by_value.candidates == PEOPLE
    assert contains.candidates == contains.rows
    assert by_value.pages > 3 * contains.pages


def test_gin_hands_over_what_any_two_devices_meet() -> None:
    people = profiles_of(PEOPLE)
    same, any_two = array_pitfall(people).values()
    model = collection_of(PEOPLE)
    assert same.rows == len(model.find(SAME))
    assert same.candidates == any_two.candidates == any_two.rows == len(model.find(ANY_TWO)) > same.rows


def test_one_number_in_a_large_body_is_a_new_body_in_the_log() -> None:
    _, again = one_field_changed()
    delta = one_field(20)["$set, logged as a delta"]["in the log"]
    assert again.images == 0
    assert 100 < again.size_bytes / delta < 400


BAD_CALLS = [
    (lambda one: one.insert({"a": 1}), BadParameter),
    (lambda one: one.insert({"_id": 2, "a": math.nan}), BadParameter),
    (lambda one: one.insert({"_id": 1}), Refused),
    (lambda one: one.insert_many([{"_id": 3}, {"_id": 1}]), Refused),
    (lambda one: one.insert_many([{"_id": 3}, {"a": 1}]), BadParameter),
    (lambda one: one.update_one({"$where": 1}, {"$set": {"a": 1}}), BadParameter),
    (lambda one: one.update_one({}, {"$set": {"_id": 2}}), BadParameter),
    (lambda one: one.update_one({}, {"$inc": {"city": 1}}), Refused),
    (lambda one: one.update_one({}, {"$push": {"city.part": 1}}), Refused),
    (lambda one: one.replace_one({}, {"_id": 7}), Refused),
    (lambda one: one.find({}, limit=0), BadParameter),
    (lambda one: one.create_index(), BadParameter),
    (lambda one: one.create_index("_id"), Refused),
    (lambda one: one.drop_index("nowhere"), BadParameter),
    (lambda one: asked(one, "body ->"), BadParameter),
    (lambda one: one_field_changed(note_bytes=0), BadParameter),
]


@pytest.mark.parametrize(("call", "error"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_a_wrong_call_leaves_the_table_as_it_was(call: Any, error: type[Exception], store: PostgresDocuments) -> None:
    before = store.find()
    with pytest.raises(error):
        call(store)
    assert store.find() == before == [{"_id": 1, "city": "it's \"Oslo\" %s", "a": 1}]


@pytest.fixture(scope="module")
def store(postgres: Any) -> Any:
    with PostgresDocuments(postgres) as made:
        made.insert({"_id": 1, "city": "it's \"Oslo\" %s", "a": 1})
        yield made


def test_clients_at_once_undo_nothing_and_a_version_is_won_by_one(postgres: Any) -> None:
    with PostgresDocuments(postgres) as store, ExitStack() as clients:
        store.insert({"_id": 1, "nights": 0, "version": 0})

        def client() -> PostgresDocuments:
            other = copy(store)
            other.database = copy(store.database)
            connected = clients.enter_context(postgres.open_client())
            ask(connected, f"SET search_path TO {store.database.schema}, public")
            vars(other.database)["_client"] = connected
            return other

        def edits(mine: PostgresDocuments) -> int:
            won = 0
            for _ in range(20):
                mine.update_one({"_id": 1}, {"$inc": {"nights": 1}})
                version = mine.find({"_id": 1})[0]["version"]
                won += mine.update_one({"_id": 1, "version": version}, {"$set": {"version": version + 1}}).matched
            return won

        with ThreadPoolExecutor(3) as threads:
            won = list(threads.map(edits, [client() for _ in range(3)]))
        assert store.find() == [{"_id": 1, "nights": 60, "version": sum(won)}]


def test_a_closed_table_says_so(postgres: Any) -> None:
    store = PostgresDocuments(postgres)
    store.close()
    with pytest.raises(Misuse, match="closed"):
        store.find()
