"""The model, PostgreSQL's JSONB and (where `DSYS_LAB_MONGODB` names one) MongoDB give the same documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from test_document_store import BODIES, FILTERS, PATHS, SMALL

from dsys_lab.engines.postgres.documents import DOCUMENT_DIFFERENCES, PostgresDocuments
from dsys_lab.errors import BadParameter, EngineMissing, Refused
from dsys_lab.stores.document_store import Collection, read_filter
from dsys_lab.structures.disk import VolatileDisk

SKIPS = {"postgres": {case for difference in DOCUMENT_DIFFERENCES for case in difference.skips}, "model": set()}


@pytest.fixture(params=["model", "postgres", "mongodb"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    engine = request.param
    case = request.node.originalname.removeprefix("test_")
    if engine == "model":
        yield Collection(VolatileDisk())
        return
    try:
        if engine == "postgres":
            made: Any = PostgresDocuments(request.getfixturevalue("postgres"))
        else:
            from dsys_lab.engines.mongodb import MONGODB_DIFFERENCES, MongoDocuments

            SKIPS["mongodb"] = {skip for difference in MONGODB_DIFFERENCES for skip in difference.skips}
            made = MongoDocuments()
    except EngineMissing as missing:
        pytest.skip(f"{engine}: {missing}")
    if case in SKIPS[engine]:
        made.close()
        pytest.skip(f"{engine}: a difference that it names")
    yield made
    made.close()


def ids(documents: list[dict[str, Any]]) -> list[Any]:
    return sorted((one["_id"] for one in documents), key=str)


NIGHTS = [
    {"_id": 1, "city": "Oslo", "hours": 7.5, "devices": [{"kind": "ring", "fw": 1}, {"kind": "watch", "fw": 3}]},
    {"_id": 2, "city": "Rome", "hours": "7.5", "devices": [{"kind": "ring", "fw": 3}]},
    {"_id": 3, "city": None, "hours": 8, "devices": [], "sleep": {"goal": 480}},
    {"_id": "four", "hours": 6, "tags": ["a", "b"], "plan": 'say "hi" %s'},
]
ASKED = [
    ({}, [1, 2, 3, "four"]),
    ({"_id": "four"}, ["four"]),
    ({"city": "Oslo"}, [1]),
    ({"city": None}, [3, "four"]),
    ({"city": {"$exists": True}}, [1, 2, 3]),
    ({"city": {"$exists": False}}, ["four"]),
    ({"city": {"$ne": "Oslo"}}, [2, 3, "four"]),
    ({"hours": {"$gt": 7}}, [1, 3]),
    ({"hours": {"$gte": 6, "$lt": 8}}, [1, "four"]),
    ({"hours": {"$type": "string"}}, [2]),
    ({"hours": {"$in": ["7.5", 8]}}, [2, 3]),
    ({"devices.kind": "ring", "devices.fw": 3}, [1, 2]),
    ({"devices": {"$elemMatch": {"kind": "ring", "fw": 3}}}, [2]),
    ({"devices": {"$elemMatch": {"kind": {"$ne": "ring"}}}}, [1]),
    ({"devices": {"$elemMatch": {"fw": {"$gt": 1}, "battery": None}}}, [1, 2]),
    ({"devices": {"$exists": True}}, [1, 2, 3]),
    ({"devices.fw": {"$exists": True}}, [1, 2]),
    ({"tags": "b"}, ["four"]),
    ({"sleep.goal": {"$lte": 480}}, [3]),
    ({"plan": 'say "hi" %s'}, ["four"]),
    ({"$or": [{"city": "Rome"}, {"tags": "a"}]}, [2, "four"]),
    ({"$and": [{"city": "Rome"}, {"tags": "a"}]}, []),
]


@pytest.mark.parametrize(("asked", "found"), ASKED, ids=[str(asked) for asked, _ in ASKED])
def test_a_question_finds_these(store: Any, asked: dict[str, Any], found: list[Any]) -> None:
    for night in NIGHTS:
        store.insert(night)
    assert ids(store.find(asked)) == ids([{"_id": one} for one in found])
    assert [one for one in store.find(asked) if one not in NIGHTS] == []


def test_sorted_and_cut(store: Any) -> None:
    for number, minutes in enumerate([433, None, 390, 512, 401]):
        store.insert({"_id": number, **({} if minutes is None else {"sleep": {"minutes": minutes}})})
    assert [one["_id"] for one in store.find({}, sort=("sleep.minutes",))] == [1, 2, 4, 0, 3]
    assert [one["_id"] for one in store.find({}, sort=("-sleep.minutes",), limit=2)] == [3, 0]


UPDATES = [
    ({"$set": {"city": "Oslo", "sleep.goal": 500}}, {"city": "Oslo", "sleep": {"goal": 500}}),
    ({"$set": {"new.path.deep": None}}, {"new": {"path": {"deep": None}}}),
    ({"$set": {"devices": [{"kind": "mat"}]}}, {"devices": [{"kind": "mat"}]}),
    ({"$inc": {"nights": 2, "new": 1, "sleep.goal": -0.5}}, {"nights": 5, "new": 1, "sleep": {"goal": 479.5}}),
    ({"$push": {"devices": {"kind": "cap"}, "tags": "x"}},
     {"devices": [{"kind": "ring"}, {"kind": "cap"}], "tags": ["x"]}),
    ({"$push": {"devices": [1, 2]}}, {"devices": [{"kind": "ring"}, [1, 2]]}),
    ({"$set": {"a'b": "c'd"}}, {"a'b": "c'd"}),
]
BEFORE = {"_id": 1, "nights": 3, "sleep": {"goal": 480}, "devices": [{"kind": "ring"}]}


@pytest.mark.parametrize(("update", "after"), UPDATES, ids=[str(update) for update, _ in UPDATES])
def test_an_update_comes_to_this(store: Any, update: dict[str, Any], after: dict[str, Any]) -> None:
    store.insert(BEFORE)
    assert store.update_one({"_id": 1}, update).matched == 1
    assert store.find() == [{**BEFORE, **after}]


def test_unset_takes_away_and_is_no_null(store: Any) -> None:
    store.insert(BEFORE)
    store.update_one({"_id": 1}, {"$unset": {"nights": "", "sleep.goal": "", "not.there": ""}})
    assert store.find() == [{"_id": 1, "sleep": {}, "devices": [{"kind": "ring"}]}]


@pytest.mark.parametrize(
    "update",
    [{"$inc": {"devices": 1}}, {"$push": {"nights": 1}}, {"$set": {"nights.a": 1}}, {"$set": {"devices.kind": 1}},
     {"$set": {"city": "Oslo"}, "$inc": {"sleep": 1}}],
    ids=str,
)  # fmt: skip
def test_an_update_that_does_not_fit_is_refused_whole(store: Any, update: dict[str, Any]) -> None:
    store.insert(BEFORE)
    with pytest.raises(Refused):
        store.update_one({"_id": 1}, update)
    assert store.find() == [BEFORE]


def test_a_version_in_the_filter_is_a_lock_that_nobody_holds(store: Any) -> None:
    store.insert({"_id": 1, "version": 3})
    update = {"$inc": {"version": 1}}
    assert [store.update_one({"_id": 1, "version": 3}, update).matched for _ in range(2)] == [1, 0]
    assert store.find() == [{"_id": 1, "version": 4}]


def test_replaced_and_deleted(store: Any) -> None:
    store.insert(BEFORE)
    assert store.replace_one({"nights": 3}, {"_id": 1, "city": "Rome"}).matched == 1
    assert store.replace_one({"nights": 3}, {"_id": 1}).matched == 0
    with pytest.raises(Refused):
        store.replace_one({"_id": 1}, {"_id": 2})
    assert store.find() == [{"_id": 1, "city": "Rome"}]
    assert [store.delete_one({"_id": 1}).matched for _ in range(2)] == [1, 0]


def test_what_is_unique_is_taken_once(store: Any) -> None:
    store.insert({"_id": 1, "email": "ada", "a'b": 1})
    store.create_index("email", unique=True)
    store.create_index("a'b", "phone", unique=True, sparse=True)
    for wrong in ({"_id": 1}, {"_id": 2, "email": "ada"}):
        with pytest.raises(Refused):
            store.insert(wrong)
    store.insert({"_id": 3})
    with pytest.raises(Refused):
        store.insert({"_id": 4})
    with pytest.raises(Refused):
        store.update_one({"_id": 3}, {"$set": {"email": "ada"}})
    store.drop_index("email")
    store.insert({"_id": 4, "email": "ada"})
    with pytest.raises(Refused):
        store.create_index("email", unique=True)
    assert ids(store.find()) == [1, 3, 4]


def test_a_unique_card_of_an_array_is_taken_by_each_element(store: Any) -> None:
    store.create_index("tags", unique=True)
    store.insert({"_id": 1, "tags": ["a", "b"]})
    with pytest.raises(Refused):
        store.insert({"_id": 2, "tags": ["b", "c"]})


def test_kinds_are_sorted_by_their_brackets(store: Any) -> None:
    for number, value in enumerate([True, "7", 7, None]):
        store.insert({"_id": number, "a": value})
    assert [one["_id"] for one in store.find({}, sort=("a",))] == [3, 2, 1, 0]


def test_an_inc_beyond_64_bits_is_refused(store: Any) -> None:
    store.insert({"_id": 1, "n": 2**63 - 1})
    with pytest.raises(Refused):
        store.update_one({}, {"$inc": {"n": 1}})


def test_elem_match_wants_an_array(store: Any) -> None:
    store.insert({"_id": 1, "a": {"b": 1}})
    assert store.find({"a": {"$elemMatch": {"b": 1}}}) == []


@pytest.mark.parametrize("wrong", [{"a": 1}, {"_id": None}, {"_id": 1, "a.b": 1}, {"_id": 1, "a": {1}}], ids=str)
def test_what_is_no_document_is_misuse(store: Any, wrong: Any) -> None:
    with pytest.raises(BadParameter):
        store.insert(wrong)
    assert store.find() == []


def test_postgres_answers_any_question_as_the_model_does(request: pytest.FixtureRequest) -> None:
    """Random documents and filters, but for what `DOCUMENT_DIFFERENCES` says of $elemMatch."""
    try:
        engine = PostgresDocuments(request.getfixturevalue("postgres"))
    except EngineMissing as missing:
        pytest.skip(str(missing))

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(BODIES, FILTERS, PATHS, SMALL)
    def agree(body: dict[str, Any], asked: dict[str, Any], path: str, value: Any) -> None:
        engine.database.run("TRUNCATE profile")
        model = Collection(VolatileDisk())
        for one in (engine, model):
            one.insert({"_id": 1, **body})
        told = []
        for one in (engine, model):
            try:
                one.update_one({}, {"$set": {path: value}})
            except Refused:
                told.append(one)
        assert told in ([], [engine, model])
        assert engine.find() == model.find()
        if "elemMatch" not in str(asked):
            assert ids(engine.find(asked)) == ids(model.find(asked))
        assert read_filter(asked).matches(model.find()[0]) == bool(model.find(asked))

    with engine:
        agree()
