"""Which events a pattern picks, operator by operator as documented, and what it says of a pattern that is wrong."""
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.brokers.event_patterns import Judged, Pattern
from dsys_lab.errors import BadParameter

EVENT = {
    "source": "shop.video", "time": "2026-11-22T08:00:00Z", "id": None, "name": "",
    "detail": {
        "price": 120, "ratio": 3.018e2, "live": True, "address": "10.0.0.33", "six": "2001:db8::7", "path": r"a\b*c",
        "tags": ["new", "Video"], "empty": [], "inner": {"deep": 1},
        "people": [{"first": "John", "last": "Doe"}, {"first": "Anna", "last": "Smith"}, [{"first": "Peter"}]],
    },
}  # fmt: skip


def in_detail(name: str, *wishes: Any) -> dict[str, Any]:
    return {"detail": {name: list(wishes)}}


PICKED = {
    "a value": {"source": ["shop.video"]},
    "one of two values": {"source": ["other", "shop.video"]},
    "every field": {"source": ["shop.video"], "detail": {"price": [120]}},
    "null": {"id": [None]},
    "the empty text": {"name": [""]},
    "true": in_detail("live", True),
    "a number however it is written": in_detail("ratio", 301.8),
    "a whole number with a point": in_detail("price", 120.0),
    "prefix": {"time": [{"prefix": "2026-11-22"}]},
    "prefix whatever the case": {"source": [{"prefix": {"equals-ignore-case": "SHOP."}}]},
    "suffix": {"source": [{"suffix": ".video"}]},
    "suffix whatever the case": {"source": [{"suffix": {"equals-ignore-case": ".VIDEO"}}]},
    "equals-ignore-case": {"source": [{"equals-ignore-case": "Shop.Video"}]},
    "wildcard in the middle": {"source": [{"wildcard": "sh*eo"}]},
    "wildcard for nothing": {"source": [{"wildcard": "shop*.video"}]},
    "wildcard without a star": {"source": [{"wildcard": "shop.video"}]},
    "wildcard with an escaped star and backslash": in_detail("path", {"wildcard": r"a\\b\*c"}),
    "numeric equal": in_detail("price", {"numeric": ["=", 1.2e2]}),
    "numeric between": in_detail("price", {"numeric": [">", 0, "<=", 120]}),
    "numeric below": in_detail("price", {"numeric": ["<", 121]}),
    "cidr": in_detail("address", {"cidr": "10.0.0.0/24"}),
    "cidr of IPv6": in_detail("six", {"cidr": "2001:db8::/32"}),
    "anything-but a text": {"source": [{"anything-but": "other"}]},
    "anything-but a list": {"source": [{"anything-but": ["other", "more"]}]},
    "anything-but a number": in_detail("price", {"anything-but": 119}),
    "anything-but numbers, of a text": {"source": [{"anything-but": [1, 2]}]},
    "anything-but a prefix": {"source": [{"anything-but": {"prefix": "other"}}]},
    "anything-but a suffix in a list": {"source": [{"anything-but": {"suffix": [".film", ".music"]}}]},
    "anything-but whatever the case": {"source": [{"anything-but": {"equals-ignore-case": "OTHER"}}]},
    "anything-but a wildcard": {"source": [{"anything-but": {"wildcard": "*film*"}}]},
    "anything-but, for another value of the list": in_detail("tags", {"anything-but": "new"}),
    "exists": in_detail("price", {"exists": True}),
    "exists, though null": {"id": [{"exists": True}]},
    "does not exist": in_detail("cost", {"exists": False}),
    "does not exist in an object that does not": {"nowhere": {"cost": [{"exists": False}]}},
    "an object is no value": in_detail("inner", {"exists": False}),
    "an empty list has no value": in_detail("empty", {"exists": False}),
    "a value, or none": in_detail("cost", 5, {"exists": False}),
    "any value of a list": in_detail("tags", "old", "new"),
    "in a list of objects": {"detail": {"people": {"first": ["Anna"]}}},
    "in a list in a list": {"detail": {"people": {"first": ["Peter"]}}},
    "two fields of one object in a list": {"detail": {"people": {"first": ["Anna"], "last": ["Smith"]}}},
    "$or": {"$or": [{"source": ["other"]}, {"detail": {"price": [120]}}]},
    "$or beside a field": {"source": ["shop.video"], "$or": [{"name": [""]}, {"id": [5]}]},
    "$or deeper": {"detail": {"$or": [{"price": [1]}, {"live": [True]}]}},
    "$or in $or": {"$or": [{"id": [5]}, {"source": ["shop.video"], "$or": [{"name": ["x"]}, {"name": [""]}]}]},
}
PASSED_BY = {
    "another value": {"source": ["shop"]},
    "one of two fields": {"source": ["shop.video"], "detail": {"price": [1]}},
    "a number for its text": in_detail("price", "120"),
    "1 for true": in_detail("live", 1),
    "the text null": {"id": ["null"]},
    "another case": {"source": ["Shop.Video"]},
    "prefix of a number": in_detail("price", {"prefix": "1"}),
    "prefix in another case": {"source": [{"prefix": "SHOP"}]},
    "wildcard from the beginning": {"source": [{"wildcard": "video*"}]},
    "wildcard is no expression": {"source": [{"wildcard": "shop.v.deo"}]},
    "numeric above": in_detail("price", {"numeric": [">", 120]}),
    "numeric outside": in_detail("price", {"numeric": [">=", 121, "<", 500]}),
    "numeric of a text": {"source": [{"numeric": [">", 0]}]},
    "numeric of true": in_detail("live", {"numeric": ["=", 1]}),
    "cidr elsewhere": in_detail("address", {"cidr": "10.0.1.0/24"}),
    "cidr of the other family": in_detail("address", {"cidr": "2001:db8::/32"}),
    "cidr of no address": {"source": [{"cidr": "10.0.0.0/8"}]},
    "anything-but this": {"source": [{"anything-but": ["other", "shop.video"]}]},
    "anything-but its prefix": {"source": [{"anything-but": {"prefix": ["x", "shop"]}}]},
    "anything-but its suffix": {"source": [{"anything-but": {"suffix": "video"}}]},
    "anything-but whatever its case": {"source": [{"anything-but": {"equals-ignore-case": "SHOP.VIDEO"}}]},
    "anything-but its wildcard": {"source": [{"anything-but": {"wildcard": "*hop*"}}]},
    "anything-but where nothing is": in_detail("cost", {"anything-but": 5}),
    "exists where nothing is": in_detail("cost", {"exists": True}),
    "exists where an object is": in_detail("inner", {"exists": True}),
    "does not exist, but does": in_detail("price", {"exists": False}),
    "does not exist in one object of a list, but in another": {"detail": {"people": {"last": [{"exists": False}]}}},
    "an empty list": in_detail("empty", {"exists": True}),
    "two fields of two objects in a list": {"detail": {"people": {"first": ["Anna"], "last": ["Doe"]}}},
    "a deeper field of a value": {"source": {"deep": [1]}},
    "$or of none": {"$or": [{"source": ["other"]}, {"detail": {"price": [1]}}]},
    "$or without its field": {"source": ["other"], "$or": [{"name": [""]}, {"id": [5]}]},
}


@pytest.mark.parametrize("pattern", PICKED.values(), ids=PICKED)
def test_it_picks_by(pattern: dict[str, Any]) -> None:
    assert Pattern(pattern).matches(EVENT)
    assert Pattern(json.dumps(pattern)).matches(json.loads(json.dumps(EVENT)))


@pytest.mark.parametrize("pattern", PASSED_BY.values(), ids=PASSED_BY)
def test_it_passes_by(pattern: dict[str, Any]) -> None:
    assert not Pattern(pattern).matches(EVENT)


@pytest.mark.parametrize(("written", "says"), [
    ("{", "no JSON"),
    ([], "at the top: give an object"),
    ({}, "at the top: give an object"),
    ({"a": {}}, "at a: give an object"),
    ({"a": "b"}, r'at a: give a list of wishes, \["b"\]'),
    ({"a": {"b": []}}, r"at a\.b: an empty list"),
    ({"a": [["b"]]}, r"at a\[0\]: a list in a list"),
    ({"a": ["x", {"numerc": [">", 1]}]}, r"at a\[1\]: unknown operator 'numerc'"),
    ({"a": [{"prefix": "x", "suffix": "y"}]}, "one key, here are 2: prefix, suffix"),
    ({"a": [{}]}, "here are 0: none"),
    ({"a": [{"prefix": 5}]}, "prefix takes a text, not 5"),
    ({"a": [{"suffix": {"wildcard": "x"}}]}, "suffix takes a text or equals-ignore-case"),
    ({"a": [{"equals-ignore-case": None}]}, "takes a text, not None"),
    ({"a": [{"wildcard": "a**b"}]}, "two stars in a row"),
    ({"a": [{"wildcard": r"a\b"}]}, "is no escape"),
    ({"a": [{"wildcard": "a\\"}]}, "is no escape"),
    ({"a": [{"numeric": [">"]}]}, "numeric takes a list"),
    ({"a": [{"numeric": 5}]}, "numeric takes a list"),
    ({"a": [{"numeric": ["!=", 5]}]}, "numeric knows =, <, <=, >, >="),
    ({"a": [{"numeric": [">", "5"]}]}, "compares with a number"),
    ({"a": [{"numeric": ["=", True]}]}, "compares with a number"),
    ({"a": [{"numeric": ["<", 6e9]}]}, "compares with a number from -5e"),
    ({"a": [{"numeric": ["<", 5, ">", 0]}]}, "of two comparisons the first"),
    ({"a": [{"numeric": [">", 5, "<", 5]}]}, "of two comparisons the first"),
    ({"a": [{"cidr": "10.0.0.0/40"}]}, "give a block such as"),
    ({"a": [{"cidr": 7}]}, "cidr 7: give a block"),
    ({"a": [{"exists": "yes"}]}, "exists takes true or false"),
    ({"a": [{"anything-but": []}]}, "use exists"),
    ({"a": [{"anything-but": ["a", 1]}]}, "of one kind"),
    ({"a": [{"anything-but": True}]}, "of one kind"),
    ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "anything-but takes prefix, suffix"),
    ({"a": [{"anything-but": {"prefix": [1]}}]}, "prefix takes a text, not 1"),
    ({"$or": [{"a": [1]}]}, r"at \$or: give a list of two"),
    ({"$or": {"a": [1]}}, r"at \$or: give a list of two"),
    ({"$or": [{"a": [1]}, 5]}, "at the top: give an object"),
    ({"b": {"$or": [{"prefix": ["x"]}, {"a": [1]}]}}, r"at b\.prefix: prefix is an operator"),
])  # fmt: skip
def test_what_is_wrong_with_a_pattern_is_said_with_its_path(written: Any, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        Pattern(written)


@pytest.mark.parametrize("event", [None, [], "text"])
def test_an_event_is_an_object(event: Any) -> None:
    with pytest.raises(BadParameter, match="give an object of fields"):
        Pattern({"a": [1]}).matches(event)


def test_each_field_is_judged_so_that_a_picture_can_show_which_one_failed() -> None:
    pattern = Pattern({"source": [{"prefix": "shop"}], "detail": {"price": [{"numeric": ["<", 100]}], "gone": ["x"]}})
    assert pattern.judge(EVENT) == [
        Judged("source", '[{"prefix": "shop"}]', ("shop.video",), holds=True),
        Judged("detail.price", '[{"numeric": ["<", 100]}]', (120,), holds=False),
        Judged("detail.gone", '["x"]', (), holds=False),
    ]


def test_rules_can_be_looked_up_by_the_plain_values_that_an_event_must_have() -> None:
    pattern = Pattern({
        "source": ["shop", "film"], "detail": {"price": [5, {"exists": True}], "kind": ["a"]},
        "$or": [{"x": [1]}, {"y": [2]}],
    })  # fmt: skip
    assert pattern.exact() == {("source",): ("shop", "film"), ("detail", "kind"): ("a",)}


def test_sns_counts_combinations_with_the_depth_of_a_field() -> None:
    values = ["one", "two", "three"]
    pattern = Pattern({"a": {"b": {"c": [*values, "four"]}}, "d": {"e": values}, "f": values})
    assert (pattern.combinations, pattern.keys, pattern.depth) == (216, 3, 3)


NAMES = st.sampled_from("abc")
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "x", "xy", "Y"]))


@given(st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=3), min_size=1),
       st.dictionaries(NAMES, st.lists(VALUES, max_size=3)))  # fmt: skip
def test_of_plain_values_an_event_is_picked_if_every_list_shares_one(
    pattern: dict[str, list[Any]], event: dict[str, list[Any]]
) -> None:
    shares = all({json.dumps(v) for v in wanted} & {json.dumps(v) for v in event.get(name, [])}
                 for name, wanted in pattern.items())  # fmt: skip
    assert Pattern(pattern).matches(event) is shares


@given(st.dictionaries(NAMES, VALUES), NAMES, st.lists(st.sampled_from(["", "x", "xy"]), min_size=1))
def test_anything_but_is_the_opposite_where_there_is_a_value(
    event: dict[str, Any], name: str, texts: list[str]
) -> None:
    one_of, none_of = Pattern({name: texts}), Pattern({name: [{"anything-but": texts}]})
    assert none_of.matches(event) is (name in event and not one_of.matches(event))
