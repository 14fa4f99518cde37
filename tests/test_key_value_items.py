"""What an item is, how large it is, and what a call on it costs."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.stores.key_value.partitioned import (
    BeginsWith,
    Compare,
    Exists,
    KeySchema,
    Update,
    query_units,
    read_units,
    size_bytes,
    write_units,
)
from dsys_lab.stores.key_value.partitioned.item_codec import read_item, spell_item
from dsys_lab.stores.key_value.partitioned.items import frozen, significant_digits, value_bytes

NUMBERS = st.integers(-(10**12), 10**12) | st.decimals(-1000, 1000, places=3)
SCALARS = st.text(max_size=6) | NUMBERS | st.binary(max_size=6) | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=6,
) | st.frozensets(st.text(max_size=3), min_size=1, max_size=3)
ITEMS = st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=5)


# ------------------------------------------------------------------------------------------ sizes
@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("Oslo", 4),
        ("Århus", 6),
        ("寝", 3),
        (0, 2),
        (7, 2),
        (17, 2),
        (435, 3),
        (-435, 3),
        (4350000, 3),
        (Decimal("0.0435"), 3),
        (Decimal("7.25"), 3),
        (10**37 + 1, 20),
        (b"\x00\x01", 2),
        (True, 1),
        (None, 1),
        ([], 3),
        ({}, 3),
        (["a", "b"], 7),
        ({"a": "b"}, 6),
        ([[1]], 10),
        (frozenset({"a", "bc"}), 3),
    ],
)
def test_a_value_has_the_bytes_of_the_table(value, size):
    assert value_bytes(value) == size


def test_an_items_size_counts_its_names():
    assert size_bytes({"a": "x"}) == 2
    assert size_bytes({"a_rather_long_name": "x"}) == 19
    assert size_bytes({"größe": 1}) == 7 + 2


@given(ITEMS, ITEMS)
def test_sizes_add_up(one, other):
    joined = {f"1{name}": value for name, value in one.items()} | {f"2{name}": value for name, value in other.items()}
    assert size_bytes(joined) == size_bytes(one) + len(one) + size_bytes(other) + len(other)


@given(ITEMS)
def test_an_item_is_read_back_as_it_was_written(item):
    assert read_item(json.loads(json.dumps(spell_item(frozen(item))))) == frozen(item)


def test_an_item_that_was_accepted_cannot_be_changed_from_outside():
    given_, kept = {"stages": [{"deep": 1}]}, None
    kept = frozen(given_)
    given_["stages"][0]["deep"] = 2
    given_["stages"].append("rem")
    assert kept == {"stages": [{"deep": 1}]}


@pytest.mark.parametrize(
    ("number", "digits"), [(0, 1), (7, 1), (100, 1), (Decimal("1.50"), 2), (Decimal("0.007"), 1), (-12, 2)]
)
def test_zeros_at_both_ends_are_no_significant_digits(number, digits):
    assert significant_digits(number) == digits


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"x": 7.25}, r"Decimal\('7.25'\)"),
        ({"x": object()}, "is a object"),
        ({"": 1}, "attribute name"),
        ({3: 1}, "name 3"),
        ({"x": frozenset()}, "at least one"),
        ({"x": {1, "a"}}, "all strings"),
        ({"x": {True}}, "set element"),
        ({"x": Decimal("NaN")}, "finite"),
        ({"x": 10**38 + 1}, "38"),
        ({"x": (1, 2)}, "is a tuple"),
        ([1], "give a dict"),
        ({"x": "y" * 409_600}, "409,601 bytes"),
        ({"x": {"": 1}}, "attribute name"),
    ],
)
def test_what_is_no_item_is_refused_with_what_is_allowed(item, says):
    with pytest.raises(BadParameter, match=says):
        frozen(item)


def test_the_largest_item_just_fits():
    assert size_bytes(frozen({"x": "y" * 409_599})) == 409_600


# ------------------------------------------------------------------------------------------ units
@pytest.mark.parametrize(("size", "strong"), [(0, 1), (1, 1), (4096, 1), (4097, 2), (20 * 1024, 5), (409_600, 100)])
def test_a_strong_read_is_paid_by_4_kb_begun(size, strong):
    assert read_units(size, consistency="strong") == strong
    assert read_units(size) == strong / 2
    assert read_units(size, consistency="transactional") == strong * 2


@pytest.mark.parametrize(("old", "new", "units"), [(0, 0, 1), (0, 1024, 1), (0, 1025, 2), (0, 3000, 3), (5000, 10, 5)])
def test_a_write_is_paid_by_1_kb_begun_of_the_larger(old, new, units):
    assert write_units(old, new) == units
    assert write_units(old, new, transactional=True) == 2 * units


def test_a_query_rounds_once_and_so_is_cheaper_than_its_items():
    assert (query_units([3045] * 18, consistency="strong"), query_units([3045] * 18)) == (14, 7)
    assert sum(read_units(3045, consistency="strong") for _ in range(18)) == 18
    assert query_units([]) == 0.5


@given(st.lists(st.integers(0, 9000), max_size=20))
def test_a_query_is_never_dearer_than_its_items_one_by_one_and_never_cheaper_than_their_bytes(sizes):
    asked = query_units(sizes, consistency="strong")
    assert sum(sizes) <= asked * 4096
    assert asked <= max(1, sum(read_units(size, consistency="strong") for size in sizes))


def test_an_unknown_consistency_or_a_negative_size_is_refused():
    with pytest.raises(BadParameter, match="eventual, strong, transactional"):
        read_units(1, consistency="linear")
    with pytest.raises(BadParameter, match="0 or more"):
        write_units(-1, -1)


# ------------------------------------------------------------------------------------------ keys
def test_equal_keys_lie_at_one_position_whatever_they_are_written_as():
    keys = KeySchema("n", partition_kind="N")
    assert len({keys.key_of({"n": n}).position for n in (17, Decimal("17.0"), Decimal("1.7E+1"))}) == 1
    assert KeySchema("n").key_of({"n": "17"}).position != keys.key_of({"n": 17}).position


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (lambda: KeySchema("a", "a"), "two different"),
        (lambda: KeySchema(""), "two different"),
        (lambda: KeySchema("a", partition_kind="X"), "S .string."),
        (lambda: KeySchema("a").key_of({"b": "1"}), "'a' is missing"),
        (lambda: KeySchema("a").key_of({"a": 1}), "takes a string"),
        (lambda: KeySchema("a").key_of({"a": True}), "takes a string"),
    ],
)
def test_what_is_no_key_is_refused(schema, says):
    with pytest.raises(BadParameter, match=says):
        schema()


# ------------------------------------------------------------------------------------------ conditions and updates
def test_values_of_other_kinds_are_neither_less_nor_more_nor_equal():
    for relation in ("=", "<", "<=", ">", ">="):
        assert not Compare("x", relation, 1).holds({"x": "1"})
        assert not Compare("x", relation, "1").holds({})
        assert not Compare("x", relation, 1).holds({"x": True})
    assert not BeginsWith("x", "a").holds({"x": b"a"})
    assert (~Exists("x")).holds({})
    assert Compare("x", "=", None).holds({"x": None})


@pytest.mark.parametrize(
    ("one", "other"), [([True], [1]), ({"a": [1, True]}, {"a": [1, 1]}), ([0], [False]), ([1], [1, 1]), ({"a": 1}, {})]
)
def test_kinds_are_told_apart_inside_of_lists_and_maps(one, other):
    assert not Compare("x", "=", one).holds({"x": other})
    assert Compare("x", "=", one).holds({"x": one})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Compare("x", "!=", 1), "give one of ="),
        (lambda: Compare("x", "<", None), "only strings"),
        (Update, "one attribute or more"),
        (lambda: Update(set={"a": 1}, remove=["a"]), "none twice"),
        (lambda: Update(add={"a": 1}).of({"a": "x"}), "a number to a number"),
        (lambda: Update(add={"a": "x"}).of({}), "a number to a number"),
    ],
)
def test_what_is_no_condition_or_update_is_refused(wrong, says):
    with pytest.raises(BadParameter, match=says):
        wrong()


@given(ITEMS, st.sampled_from(["set", "add"]), st.integers(-5, 5))
def test_an_update_leaves_alone_what_it_does_not_name(item, verb, number):
    item = {name: value for name, value in item.items() if name != "x"}
    changed = Update(**{verb: {"x": number}}).of(item)
    assert {name: value for name, value in changed.items() if name != "x"} == item
    assert changed["x"] == number


@pytest.mark.parametrize("exponent", [126, 5_000, -131])
def test_a_number_beyond_the_range_of_dynamodb_is_refused(exponent: int) -> None:
    numbers = [Decimal(sign).scaleb(exponent) for sign in (1, -1)] + [10**exponent] * (exponent > 0)
    for number in numbers:
        with pytest.raises(BadParameter, match="1E-130"):
            frozen({"id": number})


@pytest.mark.parametrize("number", [0, 10**125, -(10**125), Decimal("1e-130"), Decimal("0e-200"), Decimal("-1e125")])
def test_a_number_at_the_ends_of_the_range_is_kept(number: int | Decimal) -> None:
    assert frozen({"id": number})["id"] == number


def test_an_add_keeps_every_one_of_38_digits_or_is_refused() -> None:
    large = Decimal(12345678901234567890123456789012345678)
    assert Update(add={"n": 1}).of({"n": large})["n"] == int(large) + 1
    assert Update(add={"n": Decimal("1e-37")}).of({"n": 1})["n"] == Decimal("1." + "0" * 36 + "1")
    with pytest.raises(BadParameter, match="38"):
        Update(add={"n": Decimal("1e-38")}).of({"n": 1})


def test_what_an_update_removes_is_a_list_of_names_and_may_come_from_a_generator() -> None:
    item = {"city": "Oslo", "c": 1, "i": 2}
    with pytest.raises(BadParameter, match=r"remove = 'city'.*\('city',\)"):
        Update(remove="city")
    assert Update(remove=(name for name in ("c", "i"))).of(item) == {"city": "Oslo"}
