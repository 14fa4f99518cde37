"""What the model's cache promises, and what a real cache server does: one suite."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from dsys_lab import laws
from dsys_lab.dataflows.derived_view import Cache, Cached, Entry
from dsys_lab.engines.valkey import CACHE_DIFFERENCES, ValkeyCache, connection, read_through
from dsys_lab.errors import BadParameter, EngineMissing, Misuse
from dsys_lab.workloads.keys import zipf

SKIPPED = {case for difference in CACHE_DIFFERENCES for case in difference.skips}
TTL_S = 0.5


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    connection().close()


class Asked:
    """A cache, and a clock that its calls are told; for an engine a wait is a wait."""

    def __init__(self, kind):
        self.kind, self.now_us, self.open = kind, 0, []

    def make(self, **given):
        if self.kind == "model":
            return Cache(**given)
        self.open.append(ValkeyCache(**given))
        return self.open[-1]

    def wait(self, seconds):
        self.now_us += round(seconds * 1e6)
        if self.kind == "valkey":
            time.sleep(seconds)


@pytest.fixture(params=["model", "valkey"])
def asked(request):
    if request.param == "valkey" and request.node.originalname.removeprefix("test_") in SKIPPED:
        pytest.skip("a difference of Valkey's, and named as one")
    found = Asked(request.param)
    yield found
    for cache in found.open:
        cache.close()


def test_what_was_filled_is_there_with_its_position(asked):
    cache = asked.make()
    for key in (1, "1", "a b:c*", "Ö"):
        assert cache.get(5, key) is None
        assert cache.fill(5, key, {"hours": 7.5, "note": None, "who": repr(key)}, 3)
    for key in (1, "1", "a b:c*", "Ö"):
        assert cache.get(6, key) == Entry({"hours": 7.5, "note": None, "who": repr(key)}, 3, 5)
    status = cache.status()
    assert (status.entries, status.hits, status.misses, status.fills) == (4, 4, 4, 4)


def test_a_tuple_comes_back_as_a_tuple_or_as_the_list_that_json_has_for_it(asked):
    cache = asked.make()
    cache.fill(0, "anna", (1, 2), 1)
    assert cache.get(0, "anna").value == ((1, 2) if asked.kind == "model" else [1, 2])


def test_a_fill_never_goes_back_while_the_newer_one_is_there(asked):
    cache = asked.make()
    assert cache.fill(0, "anna", "new", 10)
    assert not cache.fill(0, "anna", "old", 9)
    assert cache.fill(0, "anna", "same", 10)
    assert cache.get(0, "anna").value == "same"
    assert (cache.status().passed_over, cache.status().fills) == (1, 2)
    assert cache.invalidate(0, "anna")
    assert cache.fill(0, "anna", "old", 9), "it has forgotten, and cannot compare"


def test_what_is_thrown_out_is_gone(asked):
    cache = asked.make()
    assert not cache.invalidate(0, "anna")
    cache.fill(0, "anna", 1, 1)
    assert cache.invalidate(0, "anna")
    assert cache.get(0, "anna") is None
    assert (cache.status().entries, cache.status().invalidated) == (0, 1)


def test_what_is_too_old_is_gone_and_a_fill_begins_anew(asked):
    cache, forever = asked.make(ttl_s=TTL_S), asked.make()
    for one in (cache, forever):
        one.fill(asked.now_us, "anna", 1, 1)
    cache.fill(asked.now_us, "ben", 1, 1)
    asked.wait(0.6 * TTL_S)
    cache.fill(asked.now_us, "ben", 2, 2)
    asked.wait(0.6 * TTL_S)
    assert cache.get(asked.now_us, "anna") is None
    assert cache.get(asked.now_us, "ben").value == 2
    assert forever.get(asked.now_us, "anna").value == 1
    assert cache.status().expired == 1


def test_two_caches_know_nothing_of_each_other(asked):
    one, other = asked.make(), asked.make()
    one.fill(0, "anna", 1, 1)
    assert other.get(0, "anna") is None
    assert not other.invalidate(0, "anna")
    assert (one.status().entries, other.status().entries) == (1, 0)


@pytest.mark.parametrize(("on_write", "second"), [("nothing", 1), ("invalidate", 2), ("fill", 2)])
def test_a_table_behind_it_is_read_as_its_writers_chose(asked, on_write, second):
    rows = {}
    def write(key, value):
        rows[key] = value, len(rows) + rows.get(key, (0, 0))[1] + 1
        return rows[key][1]
    table = Cached(asked.make(), read=rows.__getitem__, write=write, on_write=on_write)
    table.write(0, "anna", 1)
    assert table.read(0, "anna").value == 1
    table.write(0, "anna", 2)
    entry = table.read(0, "anna")
    assert (entry.value, entry.position < rows["anna"][1]) == (second, on_write == "nothing")


def test_time_that_runs_back(asked):
    cache = asked.make()
    cache.get(5, "anna")
    with pytest.raises(Misuse):
        cache.get(4, "anna")


def test_the_one_read_longest_ago_goes_first(asked):
    cache = asked.make(capacity=2)
    for key in "abc":
        cache.fill(0, key, 1, 1)
        cache.get(0, "a")
    assert [cache.get(0, key) is not None for key in "abc"] == [True, False, True]


def test_what_cannot_be_meant_is_refused(asked):
    cache = asked.make()
    for position in (-1, 1.5, True):
        with pytest.raises(BadParameter, match="position"):
            cache.fill(0, "anna", 1, position)
    with pytest.raises(BadParameter, match="ttl_s"):
        asked.make(ttl_s=0)
    assert cache.status().fills == 0


# ---------------------------------------------------------------- the server alone
@pytest.mark.parametrize("samples", [5, 64])
def test_reads_within_a_second_have_one_age_so_that_any_one_is_thrown_out(samples):
    popular = zipf(400, 0.9)
    keys = popular.draw(7, "reads", 0, 4_000).tolist()
    found = read_through(keys, room_bytes=400_000, warm=1_000, samples=samples)
    shares = popular.shares.tolist()
    assert 20 < found.entries < 120
    assert found.evicted > 500
    share, law = found.hits / found.reads, laws.random_hit_share(shares, found.entries)
    assert share == pytest.approx(law, abs=0.05)
    assert share < laws.lru_hit_share(shares, found.entries)


def test_nothing_is_left_at_the_server_and_a_closed_cache_says_so():
    with ValkeyCache() as cache:
        cache.fill(0, "anna", 1, 1)
    assert connection().client.dbsize() == 0
    lost = ValkeyCache()
    connection().close()
    with pytest.raises(EngineMissing, match="closed"):
        lost.get(0, "anna")
    with ValkeyCache() as cache:
        assert cache.fill(0, "anna", 1, 1), "the next one has a new server"


def test_a_value_that_json_cannot_say_is_refused():
    with ValkeyCache() as cache, pytest.raises(BadParameter, match="give what JSON can say"):
        cache.fill(0, "anna", {1, 2}, 1)


def test_a_server_that_is_not_there_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("DSYS_LAB_VALKEY", "valkey://me:secret@127.0.0.1:1/0")
    with pytest.raises(EngineMissing, match=r"DSYS_LAB_VALKEY=valkey://127\.0\.0\.1:1/0 does not answer") as told:
        connection()
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("wrong", [
    {"room_bytes": 0, "warm": 0}, {"room_bytes": 1, "warm": -1}, {"room_bytes": 1, "warm": 1},
    {"room_bytes": 1, "warm": 0, "samples": 0},
])  # fmt: skip
def test_a_server_without_sense_is_not_started(wrong):
    with pytest.raises(BadParameter):
        read_through([1], **wrong)
