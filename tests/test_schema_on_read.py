"""What each way of loading keeps and loses, what each reader sees, and that no line is ever nowhere."""
from __future__ import annotations

import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab import laws
from dsys_lab.errors import Misuse
from dsys_lab.stores.lake.schema_on_read import MODES, ON_MISMATCH, RESCUED, Wanted, leaves, load, parsed, read, wanted
from dsys_lab.workloads.slumber import Faults, Slumber, minutes
from dsys_lab.workloads.slumber.documents import raw_documents

NAIVE = wanted("id! whole", "hours number hours_sleep")
UNIFIED = wanted("id! whole", "day text d", "person whole p person",
                 "minutes whole hours_sleep*60 sleep_minutes sleep.minutes")  # fmt: skip
NIGHTS, STEP = 52_000, 12


@cache
def lines(seed=7):
    return tuple(raw_documents(seed, 0, NIGHTS, Faults(drift=True)))[::STEP]


# ------------------------------------------------------------------------------------------ on drift
@pytest.mark.parametrize("seed", [3, 7])
def test_the_reader_who_knows_all_shapes_has_every_minute_back(seed):
    told = read(lines(seed), UNIFIED)
    truth = minutes(Slumber(seed=seed, nights=NIGHTS).read("night"))[::STEP]
    assert told.column("minutes") == [None if one is None else int(one) for one in truth.tolist()]
    assert not told.quarantine
    assert not any(told.mismatched.values())


def test_a_reader_who_knows_the_first_shape_sees_its_nights_vanish_and_no_error():
    told = read(lines(), NAIVE)
    first = sum('"hours_sleep"' in line for line in lines())
    assert told.absent["hours"] == len(lines()) - first > 0
    assert (told.mismatched["hours"], told.quarantine) == (0, [])


def test_without_a_unit_hours_and_minutes_are_one_column():
    told = read(lines(), wanted("id! whole", "sleep number hours_sleep sleep_minutes sleep.minutes"))
    values = [one for one in told.column("sleep") if one is not None]
    assert min(values) < 13
    assert max(values) > 60 * 8


@pytest.mark.parametrize("mode", MODES)
def test_what_a_new_field_comes_to_in_each_mode(mode):
    documents = lines()
    with_it = sum('"spo2"' in line for line in documents)
    assert with_it > 500
    told = load(documents, UNIFIED, mode=mode)
    assert len(told.rows) + len(told.quarantine) == len(documents)
    if mode == "strict":
        assert told.quarantine == [line for line in documents if '"city"' in line or '"awake"' in line]
    elif mode == "lossy":
        assert told.lost["spo2"] == with_it == told.lost["sleep.awake"]
    else:
        rescued = [json.loads(text).get("spo2") for text in told.column(RESCUED) if text]
        assert [one for one in rescued if one] == [json.loads(line)["spo2"] for line in documents if '"spo2"' in line]
        assert not told.lost


def test_the_law_of_lost_values_is_what_a_lossy_loader_loses():
    documents = ['{"id":1}'] * 30 + ['{"id":1,"spo2":97}'] * 70
    before, after = wanted("id! whole"), wanted("id! whole", "spo2 whole")
    for changed in (20, 30, 55, 100):
        halves = load(documents[:changed], before, mode="lossy"), load(documents[changed:], after, mode="lossy")
        assert sum(one.lost["spo2"] for one in halves) == laws.lost_values(100, 30, changed)


# ------------------------------------------------------------------------------------------ values and lines
@pytest.mark.parametrize(("value", "cast", "null"), [
    ('"7.5"', 450, None), ("7.5", 450, 450), ('"x"', None, None), ("true", None, None), ('"nan"', None, None),
    ("null", None, None), ("[7]", None, None), ('{"a":1}', None, None), ("1e400", None, None), ("9" * 400, None, None),
])  # fmt: skip
def test_a_value_is_converted_or_is_null_and_never_guessed(value, cast, null):
    line, schema = f'{{"hours":{value}}}', wanted("minutes whole hours*60")
    assert read([line], schema).rows == [(cast,)]
    assert read([line], schema, on_mismatch="null").rows == [(null,)]
    strict = read([line], schema, on_mismatch="quarantine")
    assert len(strict.rows) == (value == "null" or null is not None)


def test_a_fraction_is_no_whole_number():
    assert read(['{"n":7.5}', '{"n":7.0}'], wanted("n whole")).rows == [(None,), (7,)]


@pytest.mark.parametrize("line", ["", "{", "[]", "7", "null", '{"id":null}', '{"id":"x"}', "{}", '{"id":1', "\x00"])
def test_what_is_no_row_is_in_the_quarantine_in_every_mode(line):
    for mode in MODES:
        assert load([line], wanted("id! whole"), mode=mode).quarantine == [line]
    for on_mismatch in ON_MISMATCH:
        assert read([line], wanted("id! whole"), on_mismatch=on_mismatch).quarantine == [line]


def test_of_two_values_for_one_column_the_second_is_not_lost_in_silence():
    told = load(['{"id":1,"hours_sleep":"7.25","sleep_minutes":435}'], UNIFIED, mode="lossy")
    assert told.rows == [(1, None, None, 435)]
    assert told.lost == {"sleep_minutes": 1}


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
                    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
                    max_leaves=6)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(["id", "a", "b", "c"]), JSON).map(json.dumps) | st.text(max_size=5)))
@settings(max_examples=80, deadline=None)
def test_no_line_is_nowhere_and_a_rescue_loses_no_value(documents):
    schema = wanted("id! whole", "n number a b.c", "t text c")
    for mode in MODES:
        told = load(documents, schema, mode=mode)
        assert len(told.rows) + len(told.quarantine) == len(documents)
        assert mode == "lossy" or not told.lost
    rescued = load(documents, schema, mode="rescue")
    left = [line for line in documents if line not in rescued.quarantine]
    for line, row in zip(left, rescued.rows, strict=True):
        kept = json.loads(row[-1]) if row[-1] else {}
        values = [value for _, value in leaves(parsed(line)) if value is not None]
        assert len(values) == len(kept) + sum(value is not None for value in row[:-1])


# ------------------------------------------------------------------------------------------ what is refused
@pytest.mark.parametrize("wrong", [
    lambda: Wanted.of("id"), lambda: Wanted.of("id u32"), lambda: Wanted.of("id whole a*b"), lambda: Wanted.of(""),
    wanted, lambda: wanted("a whole", "a text"), lambda: wanted("_rescued text"),
    lambda: read([], NAIVE, on_mismatch="guess"), lambda: load([], NAIVE, mode="loose"),
    lambda: read([], NAIVE).column("minutes"), lambda: Wanted("a", "whole", ()),
])  # fmt: skip
def test_a_wrong_call_is_refused(wrong):
    with pytest.raises(Misuse):
        wrong()


# ------------------------------------------------------------------------------------------ laws
@pytest.mark.parametrize(("files", "connections", "expected"), [(1, 8, 0.03 + 0.9), (8, 8, 0.03 + 0.9 / 8),
                                                               (9, 8, 0.06 + 0.9 / 8), (800, 8, 3 + 0.9 / 8)])
def test_the_law_of_small_files(files, connections, expected):
    told = laws.small_files_s(files, 90e6 * 0.9, connections=connections, first_byte_s=0.03, rate=90e6)
    assert told == pytest.approx(expected)


def test_the_laws_refuse_what_means_nothing():
    assert laws.break_even_queries(10, 1, 1) == float("inf") == laws.break_even_queries(10, 1, 2)
    for wrong in (lambda: laws.break_even_queries(-1, 1, 1), lambda: laws.lost_values(-1, 0, 0),
                  lambda: laws.read_share(2, 1), lambda: laws.race_tries(0), lambda: laws.log_gets(-1, 1),
                  lambda: laws.small_files_s(0, 1, connections=1, first_byte_s=1, rate=1)):  # fmt: skip
        with pytest.raises(Misuse):
            wrong()
