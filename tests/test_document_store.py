"""The document store: bytes and back, one order for all kinds, the same answer over every index, rules before acts."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Refused
from dsys_lab.stores.document_store import (
    COLLSCAN,
    DOCUMENT_BYTES_MAX,
    Collection,
    PathIndex,
    decode,
    emitted,
    encode,
    read_filter,
)
from dsys_lab.stores.document_store.execution import sort_key
from dsys_lab.stores.document_store.index_keys import key_of
from dsys_lab.stores.document_store.planner import Query
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import Trace

PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
)  # fmt: skip
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    PLAIN, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3), max_leaves=8
)
SMALL = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from(["x", "y", "1"]))
SMALL_TREES = st.recursive(
    SMALL, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3), max_leaves=7
)
BODIES = st.dictionaries(NAMES, SMALL_TREES, max_size=3)
PATHS = st.sampled_from(["a", "b", "c", "a.b", "a.c", "b.c"])
CONDITIONS = st.one_of(
    SMALL,
    st.fixed_dictionaries({"$gt": st.integers(0, 3)}),
    st.fixed_dictionaries({"$gte": st.integers(0, 3), "$lt": st.integers(0, 4)}),
    st.fixed_dictionaries({"$lte": st.sampled_from(["x", "y"])}),
    st.fixed_dictionaries({"$in": st.lists(SMALL, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"$ne": SMALL}),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$elemMatch": st.fixed_dictionaries({"b": SMALL, "c": SMALL})}),
)
FILTERS = st.dictionaries(PATHS, CONDITIONS, max_size=3)
INDEXES = [("a",), ("a.b",), ("a.b", "a.c"), ("b", "a"), ("c", "b", "a.c")]


# ------------------------------------------------------------------------------------------ bytes and order
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), VALUES, max_size=4))
def test_a_document_comes_back_from_its_bytes(document: dict[str, Any]) -> None:
    again = decode(encode(document))
    assert again == document
    assert repr(again) == repr(document), "kinds and the order of names, too"


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), st.data())
def test_bytes_that_nobody_wrote_are_damaged_or_another_document(document: dict[str, Any], data: st.DataObject) -> None:
    encoded = encode(document)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(Damaged, match="not what was written"):
        decode(encoded[:cut])
    with pytest.raises(Damaged, match="left over"):
        decode(encoded + b"\0")


def brackets(value: Any) -> int:
    return {type(None): 0, int: 1, float: 1, str: 2, bool: 3}[type(value)]


@given(PLAIN, PLAIN)
def test_keys_sort_as_values_do(one: Any, other: Any) -> None:
    first, second = (brackets(one), one), (brackets(other), other)
    if first[0] == second[0] and one is not None:
        assert (key_of(one) < key_of(other)) == (one.encode() < other.encode() if isinstance(one, str) else one < other)
        assert (key_of(one) == key_of(other)) == (one == other)
    else:
        assert (key_of(one) < key_of(other)) == (first[0] < second[0])


def test_a_number_and_its_spelling_are_far_apart() -> None:
    ordered = [None, -math.pi, 7, 7.5, 2**53, 2**53 + 1, "", "7", "7.5", {}, [], False, True]
    assert sorted(sorted(ordered, key=repr), key=key_of) == ordered


# ------------------------------------------------------------------------------------------ one answer, many ways
@settings(max_examples=100, deadline=None)
@given(st.lists(BODIES, max_size=8), FILTERS, st.sampled_from([(), ("a",), ("-b",), ("c", "b")]))
def test_every_index_gives_the_answer_of_a_look_at_all(
    bodies: list[dict[str, Any]], asked: dict[str, Any], sort: tuple[str, ...]
) -> None:
    collection = Collection(VolatileDisk())
    for number, body in enumerate(bodies):
        collection.insert({"_id": number, **body})
    truth = collection.answer(asked, sort=sort, hint=COLLSCAN)
    query = Query(read_filter(asked), sort)
    for paths in INDEXES:
        for sparse in (False, True):
            with suppress(Refused):  # two arrays side by side
                collection.create_index(*paths, sparse=sparse)
            for way in ("_id", ", ".join(paths)):
                try:
                    told = collection.answer(asked, sort=sort, hint=way)
                except BadParameter:  # there is none, or it is sparse and does not know of all
                    continue
                assert sorted(told.slots) == sorted(truth.slots), way
                order = [sort_key(one, query) for one in told.documents]
                assert order == [sort_key(one, query) for one in truth.documents], way
            with suppress(BadParameter):
                collection.drop_index(", ".join(paths))


@given(BODIES)
def test_a_card_stands_for_each_value_at_a_path(body: dict[str, Any]) -> None:
    from dsys_lab.stores.document_store import values_at
    from dsys_lab.stores.document_store.index_keys import ABSENT

    for path in (("a",), ("a", "b"), ("b",)):
        shown = [values[0] for values in emitted(body, [path]) if values[0] is not ABSENT]
        assert sorted(map(key_of, shown)) == sorted(map(key_of, values_at(body, path)))


def profiles() -> Collection:
    collection = Collection(VolatileDisk())
    for number in range(60):
        devices = [{"kind": ("ring", "watch")[number % 2], "fw": number % 3}, {"kind": "mat", "fw": 3}]
        collection.insert({"_id": number, "city": f"c{number % 5}", "minutes": number, "devices": devices})
    return collection


def test_the_plan_is_told_and_counted() -> None:
    collection = profiles()
    collection.create_index("city", "minutes")
    told = collection.explain({"city": "c1", "minutes": {"$gte": 30}}, sort=("minutes",))
    assert [stage.name for stage in told.stages] == ["IXSCAN", "FETCH"]
    assert (told.keys_examined, told.docs_examined, told.returned) == (6, 6, 6)
    assert dict(told.considered) == {"_id": 180, "city, minutes": 12, "COLLSCAN": 120}
    assert str(told).splitlines()[0] == "FETCH: 6"
    told = collection.explain({"minutes": {"$gte": 30}}, sort=("city",), hint=COLLSCAN, limit=2)
    assert [stage.name for stage in told.stages] == ["COLLSCAN", "SORT", "LIMIT"]
    assert (told.keys_examined, told.docs_examined, told.returned) == (0, 60, 2)


def test_a_limit_stops_early_where_the_order_is_there() -> None:
    collection = profiles()
    collection.create_index("minutes")
    assert [one["_id"] for one in collection.find(sort=("-minutes",), limit=3, hint="minutes")] == [59, 58, 57]
    assert collection.explain(sort=("-minutes",), limit=3, hint="minutes").docs_examined == 3


def test_only_elem_match_lets_two_paths_of_one_array_narrow_the_shelf() -> None:
    collection = profiles()
    name = collection.create_index("devices.kind", "devices.fw")
    apart = {"devices.kind": "ring", "devices.fw": 3}
    same = {"devices": {"$elemMatch": {"kind": "ring", "fw": 0}}}
    assert len(collection.find(apart)) == 30, "the mat's firmware is 3"
    assert collection.explain(apart, hint=name).keys_examined == 30
    assert collection.find({"devices": {"$elemMatch": {"kind": "ring", "fw": 3}}}) == []
    told = collection.explain(same, hint=name)
    assert told.keys_examined == told.docs_examined == told.returned == 10


@pytest.mark.parametrize("operator", ["$eq", "$gt", "$gte", "$lt", "$lte"])
@pytest.mark.parametrize("wanted", [2, "m"])
def test_a_stretch_begins_and_ends_where_its_kind_and_its_value_do(operator: str, wanted: Any) -> None:
    collection = Collection(VolatileDisk())
    values = [None, False, True, 0, 1, 2, 2.0, 3, "", "l", "m", "m!", "n", {"b": 1}]
    for number, value in enumerate(values):
        collection.insert({"_id": number, "a": value})
    told = collection.explain({"a": {operator: wanted}}, hint=collection.create_index("a"))
    assert told.keys_examined == told.docs_examined == told.returned > 0


def test_no_shelf_sorts_what_stands_on_it_twice_or_lies_in_two_stretches() -> None:
    collection = Collection(VolatileDisk())
    for number, (city, tags) in enumerate([("b", [1, 9]), ("a", [5]), ("b", [6])]):
        collection.insert({"_id": number, "city": city, "tags": tags, "minutes": -number})
    tags, both = collection.create_index("tags"), collection.create_index("city", "minutes")
    told = collection.answer({"tags": {"$gte": 4}}, sort=("tags",), hint=tags)
    assert told.slots == (0, 1, 2), "by the smallest of all its values"
    two = {"city": {"$in": ["a", "b"]}}
    assert collection.answer(two, sort=("minutes",), hint=both).slots == (2, 1, 0)
    assert "SORT" in str(collection.explain(two, sort=("minutes",), hint=both))
    assert "SORT" not in str(collection.explain({"city": "b"}, sort=("minutes",), hint=both))


class FailingDisk(VolatileDisk):
    """A disk that says at one moment that it failed."""

    fails = False

    def sync(self, name: str) -> None:
        if self.fails:
            raise OSError("the disk failed")
        super().sync(name)


def test_a_disk_that_fails_changes_no_memory_and_is_written_no_more() -> None:
    disk = FailingDisk()
    collection = Collection(disk)
    collection.insert({"_id": 1, "nights": 1})
    disk.fails = True
    with pytest.raises(MayHaveHappened):
        collection.update_one({"_id": 1}, {"$inc": {"nights": 1}})
    assert collection.find() == [{"_id": 1, "nights": 1}]
    disk.fails = False
    with pytest.raises(Refused):
        collection.insert({"_id": 2})
    assert Collection(disk).find({}) in ([{"_id": 1, "nights": 1}], [{"_id": 1, "nights": 2}])


def test_a_pipeline_adds_up() -> None:
    collection = profiles()
    collection.create_index("city")
    pipeline = [{"$match": {"city": "c1"}}, {"$unwind": "devices"}, {"$group": {
        "_id": "devices.kind", "n": {"$count": "devices.fw"}, "most": {"$max": "minutes"},
        "mean": {"$avg": "minutes"}}}, {"$sort": ["-n"]}, {"$limit": 1}]  # fmt: skip
    documents, told = collection.aggregate(pipeline)
    assert documents == [{"_id": "mat", "n": 12, "most": 56, "mean": 28.5}]
    assert told.docs_examined == 12


# ------------------------------------------------------------------------------------------ changing
def test_updates_do_what_they_say() -> None:
    collection = Collection(VolatileDisk())
    collection.insert({"_id": 1, "nights": 3, "tags": ["a"], "old": True})
    update = {"$inc": {"nights": 2, "new": 1}, "$push": {"tags": "b", "fresh": 1}, "$set": {"deep.er": None},
              "$unset": {"old": "", "not.there": ""}}  # fmt: skip
    assert collection.update_one({"_id": 1}, update).matched == 1
    assert collection.find() == [
        {"_id": 1, "nights": 5, "tags": ["a", "b"], "new": 1, "fresh": [1], "deep": {"er": None}}
    ]
    assert collection.update_one({"_id": 2}, update).matched == 0
    assert collection.replace_one({"_id": 1}, {"_id": 1}).matched == 1
    assert collection.find() == [{"_id": 1}]
    assert collection.delete_one({"_id": 1}).matched == 1
    assert collection.delete_one({"_id": 1}).matched == 0
    assert collection.violations() == []


def test_a_delta_is_small_whatever_the_document_and_comes_to_the_same() -> None:
    disks = {log: VolatileDisk() for log in ("delta", "whole")}
    sizes = {}
    for log, disk in disks.items():
        collection = Collection(disk, log=log)
        collection.insert({"_id": 1, "note": "x" * 20_000, "fw": 1})
        sizes[log] = collection.update_one({"_id": 1}, {"$set": {"fw": 2}}).log_bytes
    assert sizes["delta"] < 200
    assert sizes["whole"] > 20_000
    assert Collection(disks["delta"]).documents() == Collection(disks["whole"]).documents()


def test_a_validator_is_for_what_comes_after_it() -> None:
    disk = VolatileDisk()
    collection = Collection(disk)
    for number, hours in enumerate([7.5, "7.5", None]):
        collection.insert({"_id": number, "hours": hours})
    assert collection.set_validator({"hours": {"$type": "number"}}) == 2
    with pytest.raises(Refused, match="validator"):
        collection.insert({"_id": 9, "hours": "8"})
    with pytest.raises(Refused, match="validator"):
        collection.update_one({"_id": 0}, {"$set": {"hours": "8"}})
    with pytest.raises(Refused, match="validator"):
        collection.update_one({"_id": 1}, {"$set": {"city": "Oslo"}})
    assert [one["hours"] for one in Collection(disk).documents()] == [7.5, "7.5", None]
    with pytest.raises(Refused, match="validator"):
        Collection(disk).insert({"_id": 9, "hours": "8"})


def test_a_unique_card_is_taken_once() -> None:
    collection = Collection(VolatileDisk())
    collection.create_index("email", unique=True)
    collection.insert({"_id": 1, "email": "ada"})
    for wrong in ({"_id": 1}, {"_id": 2, "email": "ada"}):
        with pytest.raises(Refused, match="taken"):
            collection.insert(wrong)
    collection.insert({"_id": 3})
    with pytest.raises(Refused, match="taken"):
        collection.insert({"_id": 4})
    collection.create_index("phone", unique=True, sparse=True)
    collection.delete_one({"_id": 3})
    for number in (5, 6):
        collection.insert({"_id": number, "email": str(number)})
    with pytest.raises(Refused, match="taken"):
        collection.create_index("city", unique=True)
    assert collection.violations() == []
    assert [one["_id"] for one in collection.find()] == [1, 5, 6]


def test_a_filter_of_a_path_longer_than_any_name_is_a_validator_too() -> None:
    disk, path = VolatileDisk(), ".".join(["n" * 200] * 2)
    Collection(disk).set_validator({path: {"$exists": True}})
    with pytest.raises(Refused, match="validator"):
        Collection(disk).insert({"_id": 1})
    Collection(disk).insert({"_id": 1, "n" * 200: {"n" * 200: None}})


@pytest.mark.parametrize("levels", [97, 98, 99])
@pytest.mark.parametrize("change", ["$set", "$push"])
def test_an_update_makes_no_document_that_could_not_be_inserted(levels: int, change: str) -> None:
    deep: Any = 1
    for _ in range(levels):
        deep = {"a": deep}
    collection = Collection(VolatileDisk())
    collection.insert({"_id": 1})
    with suppress(BadParameter):
        collection.update_one({"_id": 1}, {change: {"deep": deep}})
    (after,) = collection.find()
    assert collection.replace_one({"_id": 1}, after).matched == 1
    assert ("deep" in after) == (levels < (99 if change == "$set" else 98)), "up to the limit, as by an insert"


def test_what_is_not_there_is_found_among_the_cards_of_null() -> None:
    collection = profiles()
    collection.update_one({"_id": 7}, {"$unset": {"city": ""}})
    collection.update_one({"_id": 8}, {"$set": {"city": None}})
    collection.update_one({"_id": 9}, {"$set": {"city": []}})
    told = collection.explain({"city": {"$exists": False}}, hint=collection.create_index("city"))
    assert (told.keys_examined, told.docs_examined, told.returned) == (3, 3, 1)


# ------------------------------------------------------------------------------------------ bad inputs
DEEP: Any = 1
NESTED: Any = {"a": 1}
for _ in range(101):
    DEEP = {"a": DEEP}
for _ in range(2_000):
    NESTED = {"$and": [NESTED]}
BAD_CALLS = [
    (lambda c: c.insert([1]), BadParameter, "no document"),
    (lambda c: c.insert({}), BadParameter, "without _id"),
    (lambda c: c.insert({"_id": True}), BadParameter, "whole number or a string"),
    (lambda c: c.insert({"_id": None}), BadParameter, "whole number or a string"),
    (lambda c: c.insert({"_id": 2**63}), BadParameter, "64 bits"),
    (lambda c: c.insert({"_id": 2, "a": 2**64}), BadParameter, "64 bits"),
    (lambda c: c.insert({"_id": 2, "a": math.nan}), BadParameter, "finite"),
    (lambda c: c.insert({"_id": 2, "a": {"b": [math.inf]}}), BadParameter, r"a\.b\[\]"),
    (lambda c: c.insert({"_id": 2, "a": {1, 2}}), BadParameter, "of type set"),
    (lambda c: c.insert({"_id": 2, "a": b"x"}), BadParameter, "of type bytes"),
    (lambda c: c.insert({"_id": 2, "a.b": 1}), BadParameter, "no dot"),
    (lambda c: c.insert({"_id": 2, "$a": 1}), BadParameter, "no \\$"),
    (lambda c: c.insert({"_id": 2, "": 1}), BadParameter, "1 to 255"),
    (lambda c: c.insert({"_id": 2, "n" * 256: 1}), BadParameter, "1 to 255"),
    (lambda c: c.insert({"_id": 2, 3: 1}), BadParameter, "no string"),
    (lambda c: c.insert({"_id": 2, "a": "\ud800"}), BadParameter, "surrogate"),
    (lambda c: c.insert({"_id": 2, "a": "x\0"}), BadParameter, "zero byte"),
    (lambda c: c.insert({"_id": 2, "a": DEEP}), BadParameter, "deeper than 100"),
    (lambda c: c.insert({"_id": 2, "a": "x" * DOCUMENT_BYTES_MAX}), Refused, "16,777,216 are allowed"),
    (lambda c: c.insert({"_id": 1}), Refused, "taken, by _id 1"),
    (lambda c: c.insert({"_id": 2, "tags": [1, 2], "more": [1, 2]}), Refused, "both arrays"),
    (lambda c: c.find("city"), BadParameter, "give a dict"),
    (lambda c: c.find({"$where": "1"}), BadParameter, r"\$and, \$or or a path"),
    (lambda c: c.find({"a": {"$regex": "x"}}), BadParameter, "an operator of"),
    (lambda c: c.find({"a": {"$gt": None}}), BadParameter, "number or a string"),
    (lambda c: c.find({"a": {"$gt": True}}), BadParameter, "number or a string"),
    (lambda c: c.find({"a": {"$in": 3}}), BadParameter, "a list"),
    (lambda c: c.find({"a": {"$exists": 1}}), BadParameter, "True or False"),
    (lambda c: c.find({"a": {"$type": "array"}}), BadParameter, "one of null"),
    (lambda c: c.find({"a": {"$elemMatch": 3}}), BadParameter, "filter for one element"),
    (lambda c: c.find({"a": {"b": 1}}), BadParameter, "paths inside it"),
    (lambda c: c.find({"a": [1]}), BadParameter, "elemMatch"),
    (lambda c: c.find({"a..b": 1}), BadParameter, "names with dots"),
    (lambda c: c.find({"a.0": 1}), BadParameter, "no positions"),
    (lambda c: c.find({"$or": []}), BadParameter, "at least one"),
    (lambda c: c.find(NESTED), BadParameter, "deeper than 100"),
    (lambda c: c.find({}, sort="city"), BadParameter, "give paths"),
    (lambda c: c.find({}, sort={"city": -1}), BadParameter, "give paths"),
    (lambda c: c.find({}, sort=None), BadParameter, "give paths"),
    (lambda c: c.find({}, sort=("a", "-b")), BadParameter, "all fall"),
    (lambda c: c.find({}, limit=0), BadParameter, "1 or more"),
    (lambda c: c.find({}, hint="nowhere"), BadParameter, "give one of"),
    (lambda c: c.find({"few": None}, hint="few"), BadParameter, "sparse"),
    (lambda c: c.update_one({}, {"city": "Oslo"}), BadParameter, "operators with paths"),
    (lambda c: c.update_one({}, {}), BadParameter, "operators with paths"),
    (lambda c: c.update_one({}, {"$mul": {"a": 1}}), BadParameter, "some of"),
    (lambda c: c.update_one({}, {"$inc": {"a": "1"}}), BadParameter, "give a number"),
    (lambda c: c.update_one({}, {"$inc": {"a": True}}), BadParameter, "give a number"),
    (lambda c: c.update_one({}, {"$set": {"_id": 2}}), BadParameter, "never changed"),
    (lambda c: c.update_one({}, {"$set": {"a": 1, "a.b": 2}}), BadParameter, "change a path once"),
    (lambda c: c.update_one({}, {"$set": {"a": math.nan}}), BadParameter, "finite"),
    (lambda c: c.update_one({}, {"$inc": {"city": 1}}), Refused, "no number"),
    (lambda c: c.update_one({}, {"$push": {"city": 1}}), Refused, "no array"),
    (lambda c: c.update_one({}, {"$set": {"city.part": 1}}), Refused, "set that instead"),
    (lambda c: c.update_one({}, {"$set": {"tags.x": 1}}), Refused, "set the whole array"),
    (lambda c: c.update_one({}, {"$inc": {"big": 1}}), Refused, "beyond 64 bits"),
    (lambda c: c.update_one({}, {"$inc": {"vast": 1.7e308}}), Refused, "no finite number"),
    (lambda c: c.update_one({}, {"$set": {"a": "x" * DOCUMENT_BYTES_MAX}}), Refused, "are allowed"),
    (lambda c: c.replace_one({"_id": 1}, {"_id": 2}), Refused, "never changed"),
    (lambda c: c.create_index(), BadParameter, "give paths"),
    (lambda c: c.create_index("a", "a"), BadParameter, "once"),
    (lambda c: c.create_index("a", unique="no"), BadParameter, "True or False"),
    (lambda c: c.create_index("a", sparse=1), BadParameter, "True or False"),
    (lambda c: c.create_index("_id"), Refused, "there is an index"),
    (lambda c: c.drop_index("_id"), Refused, "stays"),
    (lambda c: c.drop_index("nowhere"), BadParameter, "give one of"),
    (lambda c: c.set_validator({"a": {"$what": 1}}), BadParameter, "an operator of"),
    (lambda c: c.aggregate({}), BadParameter, "list of stages"),
    (lambda c: c.aggregate([{"$lookup": {}}]), BadParameter, "give one of"),
    (lambda c: c.aggregate([{"$group": {"n": {"$sum": "a"}}}]), BadParameter, "'_id'"),
    (lambda c: c.aggregate([{"$group": {"_id": None, "n": {"$mode": "a"}}}]), BadParameter, r"\$sum"),
    (lambda c: c.aggregate([{"$unwind": 3}]), BadParameter, "names with dots"),
    (lambda c: c.aggregate([{"$unwind": "tags.x"}]), Refused, "tags is an array in _id 1; unwind it first"),
    (lambda c: c.aggregate([{"$sort": {"city": -1}}]), BadParameter, "give paths"),
    (lambda c: c.aggregate([{"$limit": None}]), BadParameter, "1 or more"),
    (lambda c: Collection(VolatileDisk(), log="none"), BadParameter, "delta, whole"),
]


@pytest.mark.parametrize(("call", "error", "says"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_a_wrong_call_is_told_and_nothing_is_half_done(call: Any, error: type[Exception], says: str) -> None:
    disk = VolatileDisk()
    collection = Collection(disk)
    collection.create_index("tags", "more")
    collection.create_index("few", sparse=True)
    collection.insert({"_id": 1, "city": "Oslo", "tags": ["a"], "big": 2**63 - 1, "vast": 1e308})
    before, steps = (collection.documents(), collection.status()), disk.steps
    with pytest.raises(error, match=says):
        call(collection)
    assert (collection.documents(), collection.status()) == before
    assert disk.steps == steps, "nothing was written"
    assert collection.violations() == []


def test_a_closed_collection_says_so() -> None:
    collection = profiles()
    collection.close()
    collection.close()
    for call in (lambda: collection.insert({"_id": 99}), collection.find, lambda: collection.create_index("a")):
        with pytest.raises(Refused, match="open its disk anew"):
            call()


def test_what_is_handed_out_is_nobodys_but_the_callers() -> None:
    collection, mine = Collection(VolatileDisk()), {"_id": 1, "tags": ["a"]}
    collection.insert(mine)
    mine["tags"].append("b")
    collection.find()[0]["tags"].append("c")
    assert collection.find() == [{"_id": 1, "tags": ["a"]}]


def test_a_foreign_journal_is_damaged() -> None:
    from dsys_lab.structures.append_log import AppendLog

    strange = [{"what": "dance"}, {"what": "delete", "slot": 3}, {"what": "index"}]
    for payload in (b"not a document", *map(encode, strange)):
        disk = VolatileDisk()
        AppendLog(disk).append(0, payload)
        with pytest.raises(Damaged):
            Collection(disk)


# ------------------------------------------------------------------------------------------ against a list of dicts
class AnyOrder(RuleBasedStateMachine):
    """Writes, indexes and crashes in any order: the collection is a list of documents that is looked through."""

    @initialize(log=st.sampled_from(["delta", "whole"]))
    def begin(self, log: str) -> None:
        self.log, self.disk = log, VolatileDisk()
        self.collection, self.known = Collection(self.disk, log=log), dict[int, dict[str, Any]]()

    @rule(number=st.integers(0, 5), body=BODIES)
    def insert(self, number: int, body: dict[str, Any]) -> None:
        try:
            self.collection.insert({"_id": number, **body})
        except Refused:
            return
        assert number not in self.known
        self.known[number] = {"_id": number, **body}

    @rule(number=st.integers(0, 5), path=PATHS, value=SMALL)
    def set(self, number: int, path: str, value: Any) -> None:
        try:
            matched = self.collection.update_one({"_id": number}, {"$set": {path: value}}).matched
        except Refused:
            return
        assert matched == (number in self.known)
        if matched:
            at = self.known[number]
            *way, last = path.split(".")
            for name in way:
                at = at.setdefault(name, {})
            at[last] = value

    @rule(number=st.integers(0, 5))
    def delete(self, number: int) -> None:
        assert self.collection.delete_one({"_id": number}).matched == (self.known.pop(number, None) is not None)

    @rule(paths=st.sampled_from(INDEXES), sparse=st.booleans())
    def index(self, paths: tuple[str, ...], sparse: bool) -> None:
        name = PathIndex(paths).name
        if name in self.collection.status().cards:
            self.collection.drop_index(name)
        else:
            with suppress(Refused):  # two arrays side by side
                self.collection.create_index(*paths, sparse=sparse)

    @rule(chance=st.randoms(use_true_random=False))
    def crash(self, chance: Any) -> None:
        self.disk.crash(chance.random)
        self.collection = Collection(self.disk, log=self.log)

    @rule(asked=FILTERS)
    def find(self, asked: dict[str, Any]) -> None:
        wanted = read_filter(asked)
        expected = sorted(number for number, one in self.known.items() if wanted.matches(one))
        assert sorted(one["_id"] for one in self.collection.find(asked)) == expected

    @invariant()
    def cards_and_documents_agree(self) -> None:
        assert self.collection.violations() == []
        assert {one["_id"]: one for one in self.collection.documents()} == self.known


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


# ------------------------------------------------------------------------------------------ golden traces
def a_card_for_each_element_and_a_tree_opened_in_vain(collection: Collection) -> None:
    """Two elements are two cards; two conditions may be met by two of them, and only one device is asked for."""
    collection.create_index("devices.kind", now_us=10)
    collection.insert({"_id": 1, "devices": [{"kind": "ring", "fw": 1}, {"kind": "watch", "fw": 3}]}, now_us=20)
    collection.insert({"_id": 2, "devices": [{"kind": "ring", "fw": 3}]}, now_us=30)
    same = {"devices": {"$elemMatch": {"kind": "ring", "fw": 3}}}
    assert [one["_id"] for one in collection.find(same, hint="devices.kind", now_us=40)] == [2]
    either = {"devices.kind": "ring", "devices.fw": 3}
    assert [one["_id"] for one in collection.find(either, hint="devices.kind", now_us=50)] == [1, 2]


def a_push_is_one_record_and_moves_one_card(collection: Collection) -> None:
    """The log has what was done, the document is written whole, and the cards that were there stay."""
    collection.create_index("devices.kind", now_us=10)
    collection.insert({"_id": 1, "note": "x" * 300, "devices": [{"kind": "ring"}]}, now_us=20)
    collection.update_one({"_id": 1}, {"$push": {"devices": {"kind": "mat"}}}, now_us=30)


@pytest.mark.parametrize(
    "lesson",
    [a_card_for_each_element_and_a_tree_opened_in_vain, a_push_is_one_record_and_moves_one_card],
    ids=lambda lesson: lesson.__name__,
)
def test_a_golden_trace_tells_its_lesson(lesson: Any) -> None:
    trace = Trace()
    lesson(Collection(VolatileDisk(), recorder=trace))
    golden = Path(__file__).parent / "golden" / f"document_store_{lesson.__name__}.txt"
    if not golden.exists():
        golden.write_text(trace.text() + "\n", encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert trace.text() + "\n" == golden.read_text(encoding="utf-8")
