"""A cache keeps what was asked for, for a while; a single flight goes once; drift is found where it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab import laws
from dsys_lab.dataflows.derived_view import Cache, Cached, Flights, find_drift
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.trace import Counters, Trace

S = 1_000_000


class Plain:
    """A cache by its definition: a list of what was filled, read or thrown out, looked through from the start."""

    def __init__(self, capacity, ttl_us):
        self.capacity, self.ttl_us, self.entries, self.used = capacity, ttl_us, {}, []

    def get(self, now_us, key):
        if key in self.entries and self.ttl_us is not None and now_us >= self.entries[key][2] + self.ttl_us:
            del self.entries[key]
        if key in self.entries:
            self.used.append(key)
        return self.entries.get(key)

    def fill(self, now_us, key, value, position):
        if key not in self.entries and len(self.entries) == self.capacity:
            del self.entries[min(self.entries, key=lambda one: len(self.used) - self.used[::-1].index(one))]
        self.entries[key] = (value, position, now_us)
        self.used.append(key)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.sampled_from([None, 2, 5]),
       st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcdef"), st.booleans()), max_size=40))  # fmt: skip
def test_it_holds_what_the_definition_holds(capacity, ttl, steps):
    cache = Cache(capacity=capacity, ttl_s=ttl)
    plain, now_us, hits = Plain(capacity, ttl and ttl * S), 0, 0
    for number, (pause, key, throws) in enumerate(steps):
        now_us += pause * S
        if throws:
            assert cache.invalidate(now_us, key) is (plain.entries.pop(key, None) is not None)
            continue
        found, truth = cache.get(now_us, key), plain.get(now_us, key)
        assert (found and (found.value, found.position, found.filled_us)) == truth
        hits += truth is not None
        if truth is None:
            assert cache.fill(now_us, key, number, number)
            plain.fill(now_us, key, number, number)
    status = cache.status()
    assert status.entries == len(plain.entries) <= capacity
    assert (status.hits, status.hits + status.misses) == (hits, sum(not throws for *_, throws in steps))
    assert status.fills == status.entries + status.expired + status.evicted + status.invalidated


def test_a_fill_never_goes_back_while_the_newer_one_is_there():
    cache = Cache(ttl_s=10)
    assert cache.fill(0, "anna", "new", 9)
    assert not cache.fill(0, "anna", "old", 5)
    assert cache.get(0, "anna").value == "new"
    assert cache.status().passed_over == 1
    assert cache.fill(10 * S, "anna", "old", 5), "what is too old is no reason"
    cache.invalidate(10 * S, "anna")
    assert cache.fill(10 * S, "anna", "older", 4), "it has forgotten, and cannot compare"


class Table:
    def __init__(self):
        self.rows, self.reads, self.position = {}, 0, 0

    def read(self, key):
        self.reads += 1
        return self.rows[key]

    def write(self, key, value):
        self.position += 1
        self.rows[key] = value, self.position
        return self.position


@pytest.mark.parametrize(("on_write", "second", "reads"), [("nothing", 1, 1), ("invalidate", 2, 2), ("fill", 2, 0)])
def test_what_a_write_does_to_the_entry_is_the_choice(on_write, second, reads):
    table = Table()
    cached = Cached(Cache(ttl_s=60), read=table.read, write=table.write, on_write=on_write)
    cached.write(0, "anna", 1)
    assert cached.read(1, "anna").value == 1
    cached.write(2, "anna", 2)
    entry = cached.read(3, "anna")
    assert (entry.value, table.reads) == (second, reads)
    assert (entry.position < table.position) is (on_write == "nothing"), "the position tells who is stale"
    assert cached.read(60 * S + 2, "anna").value == 2, "in the end it is too old"


def test_a_single_flight_goes_once_and_a_herd_as_often_as_it_is():
    one, herd = Flights(), Flights(single=False)
    for flights in (one, herd):
        goes = [flights.goes("anna", f"reader {number}") for number in range(5)]
        assert sum(goes) == flights.status().went == (5 if flights is herd else 1)
    assert one.goes("ben", "reader 9"), "another key is another flight"
    assert one.land("anna") == ("reader 1", "reader 2", "reader 3", "reader 4")
    assert one.goes("anna", "reader 6"), "who comes after the landing goes again"
    assert herd.land("anna") == ()
    assert herd.status().under_way == 4


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.integers(0, 99), st.integers(0, 3), max_size=30),
       st.dictionaries(st.integers(-5, 105), st.integers(0, 3), max_size=4), st.sets(st.integers(0, 99), max_size=3),
       st.integers(1, 40), st.integers(2, 5))  # fmt: skip
def test_drift_is_found_where_it_is_and_nowhere_else(table, wrong, missing, ranges, fan_out):
    copy = {key: value for key, value in (table | wrong).items() if key not in missing}
    truth = sorted(key for key in table.keys() | copy.keys() if table.get(key, "-") != copy.get(key, "-"))
    assert list(find_drift(table, copy, ranges=ranges, fan_out=fan_out).keys) == truth


@pytest.mark.parametrize("ranges", [1, 8, 64, 1024])
def test_one_bad_row_is_found_by_the_logarithm(ranges):
    table = {number: number for number in range(2048)}
    for bad in (0, 1000, 2047):
        found = find_drift(table, table | {bad: -1}, ranges=ranges)
        assert found.keys == (bad,)
        assert found.compared == laws.hashes_compared_most(1, ranges)
        assert found.fetched_rows == 2048 // ranges
    assert find_drift(table, dict(reversed(table.items())), ranges=ranges).compared == 1


def test_the_trace_adds_up_and_silence_changes_nothing():
    trace, counters = Trace(), Counters()
    caches = [Cache(capacity=1, ttl_s=5, **given) for given in ({"recorder": trace}, {"recorder": counters}, {})]
    for cache in caches:
        for now_us, key in enumerate("aabab"):
            if cache.get(now_us, key) is None:
                cache.fill(now_us, key, 1, 1)
        cache.invalidate(9, "b")
    assert len({cache.status() for cache in caches}) == 1
    assert trace.counters() == counters
    assert [row.fields["why"] for row in trace.of("evict")] == ["room", "room", "room", "written"]
    assert (counters.count("hit"), counters.count("miss"), counters.count("fill")) == (1, 4, 4)


@pytest.mark.parametrize(("wrong", "error", "says"), [
    (lambda: Cache(capacity=0), BadParameter, "capacity = 0: give a whole number"),
    (lambda: Cache(capacity=2.5), BadParameter, "capacity = 2.5"),
    (lambda: Cache(ttl_s=0), BadParameter, "ttl_s = 0"),
    (lambda: Cache().fill(0, "a", 1, -1), BadParameter, "position = -1"),
    (lambda: [cache.get(now_us, "a") for cache in [Cache()] for now_us in (5, 4)], Misuse, "time cannot run back"),
    (lambda: Cached(Cache(), read=len, write=max, on_write="hope"), BadParameter, "give one of nothing, invalidate"),
    (lambda: Flights().land("a"), Misuse, "nobody is under way"),
    (lambda: find_drift({1: 1}, {}, ranges=0), BadParameter, "ranges = 0"),
    (lambda: find_drift({1: 1, "a": 2}, {}), BadParameter, "all numbers or all texts"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()
