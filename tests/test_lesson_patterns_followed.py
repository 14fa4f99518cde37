"""One order is true at one place, and known at eleven more, each a room of this package that is asked by its verbs."""

from __future__ import annotations

import hashlib
import json
import signal
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.patterns import AT_THE_SEAM, ages, followed, in_each_place, struck_everywhere
from dsys_lab.scenarios.patterns.cards import PATTERNS
from dsys_lab.scenarios.patterns.one_order.followed import check, run
from dsys_lab.scenarios.patterns.one_order.order import orders_of, shelves_of
from dsys_lab.scenarios.patterns.one_order.path import PLACES
from dsys_lab.scenarios.patterns.one_order.struck import STRUCK
from dsys_lab.simulation import Simulation, fault
from dsys_lab.trace import Trace, lamps

SEEDS = (7, 1, 2)
DERIVED = set(PLACES) - {"database"}


@lru_cache
def calm(seed: int):
    """Return a run without trouble, and its places."""
    trace = Trace()
    company = run(Simulation(seed=seed, recorder=trace))
    check(company)
    return company, trace


def struck(*faults: dict, orders: int = 6, seed: int = 7):
    """Return the places of a run with trouble, and its rows, after they were asked."""
    trace = Trace()
    company = run(Simulation(seed=seed, faults=map(fault, faults), recorder=trace), orders=orders)
    check(company)
    return company, trace


@lru_cache
def by_hand():
    """Return a run by dual write, struck at the seam."""
    return followed(way="dual write", faults=[AT_THE_SEAM])


@pytest.fixture
def in_time():
    """Break off a run that does not end by itself."""

    def stop(*_):
        raise TimeoutError("this run does not come to an end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def red(trace) -> list[str]:
    return [lamp.name for lamp in lamps(trace) if not lamp.held]


def not_so(trace) -> dict[str, object]:
    """Return what was got where a check does not hold."""
    return {row.place: row.fields["got"] for row in trace.of("check") if not row.fields["ok"]}


# ------------------------------------------------------------------------------------------ it is really there
@pytest.fixture
def company():
    return calm(7)[0]


ORDER = orders_of(7, 6)[2]
SAME = {"id": "o3", "person": ORDER.person, "product": ORDER.product, "quantity": ORDER.quantity, "cents": ORDER.cents}


def holds(told: dict) -> dict:
    """Return what an answer says of the order, but for the moment of the click."""
    return {name: told[name] for name in SAME if name in told}


def test_the_database_has_a_row_and_its_slot_holds_nothing_back_any_more(company):
    answer = company.database.database.session("me").execute(
        "SELECT person, product, quantity, cents FROM orders WHERE id = 'o3'"
    )
    assert answer.rows == ((ORDER.person, ORDER.product, ORDER.quantity, ORDER.cents),)
    assert company.database.slot.peek() == []


def test_the_topic_and_the_bus_have_handed_on_a_copy_to_each_seat(company):
    seats = company.topic.topic.status().seats
    assert {name: books.delivered for name, books in seats.items()} == dict.fromkeys(
        ("queue", "index", "cache", "graph", "log"), 6
    )
    assert [books.delivered for books in company.bus.bus.status().targets.values()] == [6]


def test_the_queue_is_empty_and_the_worker_has_charged_under_the_key_of_the_order(company):
    status = company.stations["queue"].queue.status()
    assert (status.kept, status.accepted, status.acknowledged) == (0, 6, 6)
    assert holds(json.loads(company.charger.ledger.get(b"o3"))) == SAME


def test_the_index_finds_it_by_person_and_the_cache_has_it(company):
    found = company.stations["index"].collection.find({"person": ORDER.person})
    assert {"id": "o3", **holds({**found[0], "id": found[0]["_id"]})} == SAME
    assert holds(company.stations["cache"].cache.get(company.path.simulation.now_us, "o3").value) == SAME


def test_the_graph_knows_who_bought_what(company):
    told = company.stations["graph"].graph.run(
        "MATCH (p:Person {id: $person})-[b:BOUGHT]->(x:Product) RETURN x.id, b.cents", person=ORDER.person
    )
    assert told == [(ORDER.product, ORDER.cents)]


def test_the_log_has_each_order_once_and_the_window_counts_by_the_click(company):
    records = company.stations["log"].page(0)
    assert [record.message for record in records] == ["o1", "o2", "o3", "o4", "o5", "o6"]
    clicked = Counter(us // 5_000_000 for us in company.path.clicked_us.values())
    said = {window.start_us // 5_000_000: count for window, count in company.stations["window"].answers.items()}
    assert said == clicked


def test_the_partner_has_seen_its_id_and_has_nothing_waiting(company):
    status = company.stations["partner"].door.status()
    assert (status.done, status.waiting) == (6, 0)
    assert holds(company.stations["partner"].disk["orders"]["o3"]) == SAME


def test_a_crate_lies_in_the_bucket_and_the_lakes_table_lies_beside_it(company):
    store = company.stations["bucket"].store
    lines = [line for key in store.list("crates/").keys for line in store.get(key).data.splitlines()]
    assert [holds(json.loads(line)) for line in lines if b'"o3"' in line] == [SAME]
    assert "orders/_delta_log/00000000000000000000.json" in store.list("orders/").keys
    assert company.stations["lake"].table.status().rows == 6


def test_the_warehouse_and_the_cube_add_up_to_what_was_ordered(company):
    orders = orders_of(7, 6)
    total = sum(order.cents for order in orders)
    answer = company.stations["warehouse"].warehouse.query("SELECT count(number), sum(cents) FROM orders")
    assert answer.rows == [(6, total)]
    shelves, cells = shelves_of(7, orders), Counter()
    for order in orders:
        cells[shelves.city_of[order.person], shelves.category_of[order.product]] += order.cents
    told = company.stations["cube"].cube.answer(("person.city", "product.category")).answers()
    assert {(city, category): cents for city, category, cents, _ in told} == cells


# ------------------------------------------------------------------------------------------ how old it is there
@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_true_at_one_place_and_in_the_end_all_others_say_the_same(seed):
    company, trace = calm(seed)
    checks = trace.of("check")
    assert len(checks) == 13
    assert all(row.fields["ok"] and row.fields["got"] != "nothing" for row in checks)
    age = {place: company.path.seen_us[place, "o3"] - company.path.clicked_us["o3"] for place in PLACES}
    assert min(age, key=age.get) == "database"
    assert age["bucket"] < age["lake"] < age["warehouse"] < age["cube"] == max(age.values())
    yes_us = trace.of("publish_ok", message="o3")[0].time_us
    durable_us = trace.of("written", place="database", message="o3")[0].time_us
    first_us = min(row.time_us for row in trace.of("written", message="o3") if row.place in DERIVED)
    assert durable_us < yes_us < first_us, "the buyer is told yes when one place has it, and no other"


def test_with_real_hops_and_batches_the_first_are_milliseconds_and_the_last_minutes():
    age = ages(hop_s=0.005, batch_s=60.0)
    assert all(age[place] < 0.05 for place in ("database", "index", "cache", "graph", "log", "partner", "charger"))
    assert age["cube"] > 2 * 60 > 60 > age["window"] > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_are_not_of_one(seed):
    company, _ = calm(seed)
    assert max(map(len, company.stations["bucket"].crates().values())) > 1
    assert max(company.stations["window"].answers.values()) > 1


def test_a_table_says_of_each_place_how_old_it_is_there_and_what_it_says():
    told = in_each_place()
    assert [one.place for one in told] == list(PLACES)
    assert [one.place for one in told if one.is_true] == ["database"]
    assert all(one.says == one.should_say != "nothing" for one in told)
    by_hand = hashlib.sha256(json.dumps({"cents": ORDER.cents}).encode()).hexdigest()[:8]
    assert next(one.says for one in told if one.place == "charger") == by_hand


# ------------------------------------------------------------------------------------------ a crash at each place
@pytest.mark.parametrize("seed", SEEDS[1:])
def test_a_crash_at_the_seam_is_no_matter_with_an_outbox_and_without_one_eleven_places_never_hear_of_it(seed):
    assert red(followed(seed=seed, faults=[AT_THE_SEAM])) == []
    by_hand = followed(seed=seed, way="dual write", faults=[AT_THE_SEAM])
    assert by_hand.of("publish_ok", message="o3"), "it was acknowledged"
    assert red(by_hand) == ["checks hold"]
    missing = {row.place for row in by_hand.of("check", message="o3") if row.fields["got"] == "nothing"}
    assert missing == DERIVED


def test_the_card_counts_places_and_not_checks():
    assert PATTERNS["Transactional Outbox"].buys.of(by_hand()) == len(DERIVED) == 11
    assert len([row for row in by_hand().of("check") if not row.fields["ok"]]) == len(DERIVED) + 1, "and the charges"


def test_with_an_outbox_no_crash_of_any_place_loses_an_order_or_charges_it_twice():
    told = {one.place: one for one in struck_everywhere(orders=3)}
    assert list(told) == list(STRUCK)
    for one in told.values():
        assert (one.lost, one.charged_again) == ((), 0)
        assert one.late or one.from_memory, f"{one.place} is down, so something is late, or has to be made again"
    assert {one.place for one in told.values() if one.from_memory} == {"cache", "window", "warehouse", "cube"}
    for leaf in ("index", "cache", "graph", "window", "cube", "charger"):
        assert set(told[leaf].late) <= {leaf}, "nobody is behind it"
    assert told["queue"].late == ("charger",)
    assert told["bus"].late == told["partner"].late == ("partner",)
    assert set(told["feed"].late) == DERIVED
    assert "database" in told["database"].late
    assert set(told["log"].late) == {"log", "window", "partner", "bucket", "lake", "warehouse", "cube"}
    assert told["charger"].done_again == 1, "charged, and down before it could say so: asked again, and skipped"


@pytest.mark.parametrize("target", ["buyer", *STRUCK])
@pytest.mark.parametrize("at_s", [1.0, 2.0, 7.0])
def test_a_place_that_is_cut_off_for_a_while_is_late_and_no_more(target, at_s, in_time):
    split = {"do": "split", "target": target, "at_s": at_s, "lasts_s": 2.0}
    assert red(followed(orders=3, faults=[split])) == []


def test_who_stays_down_stays_behind_and_is_named():
    assert not_so(followed(orders=2, faults=[{"do": "crash", "target": "graph", "at_s": 1.0}])) == {"graph": "down"}
    without = not_so(followed(orders=2, faults=[{"do": "crash", "target": "bucket", "at_s": 1.0}]))
    assert without == {"bucket": "down", "lake": "without its bucket", "warehouse": "nothing", "cube": "nothing"}


def test_a_database_that_stays_down_is_named_and_nobody_is_compared_with_nothing():
    trace = followed(orders=2, faults=[{"do": "crash", "target": "database", "at_s": 15.0}])
    assert not_so(trace) == {"database": "down"}
    assert [row.fields["expected"] for row in trace.of("check") if row.fields["name"] == "charges"] == [2]


LATE = [
    (2, {"do": "crash", "target": "database", "at_s": 19.274, "lasts_s": 15.0}),
    (7, {"do": "crash", "target": "graph", "at_s": 20.0, "lasts_s": 15.0}),
    (21, {"do": "split", "target": "cube", "at_s": 21.529, "lasts_s": 15.0}),
    (7, {"do": "split", "target": "warehouse", "at_s": 10.3, "lasts_s": 41.0}),
    (7, {"do": "slow", "target": "charger", "at_s": 8.0, "lasts_s": 60.0, "value": 0.0}),
    (7, {"do": "loss", "target": "network", "at_s": 18.0, "lasts_s": 30.0, "value": 1.0}),
    (7, {"do": "crash", "target": "crates", "at_s": 10.0, "lasts_s": 90.0}),
]


@pytest.mark.parametrize(("seed", "trouble"), LATE, ids=[f"{one['do']} {one['target']}" for _, one in LATE])
def test_trouble_that_has_an_end_is_waited_for_and_so_is_what_comes_behind_it(seed, trouble):
    company, trace = struck(trouble, seed=seed)
    assert not_so(trace) == {}
    assert company.path.simulation.now_s > trouble["at_s"] + trouble["lasts_s"]


def test_nothing_is_lost_by_a_crash_that_lasts_longer_than_quiet_does():
    for one in struck_everywhere(("feed", "crates", "warehouse", "cube"), orders=3, lasts_s=40.0):
        assert (one.place, one.lost) == (one.place, ())


def test_quiet_begins_anew_when_a_place_comes_back_with_nothing():
    """O3 is lost, so this run ends by being quiet; the warehouse forgets all, shortly, just before it would have."""
    quiet_s = by_hand()[-1].time_us / 1e6
    shortly = {"do": "crash", "target": "warehouse", "at_s": quiet_s - 0.5, "lasts_s": 0.2}
    trace = followed(way="dual write", faults=[AT_THE_SEAM, shortly])
    others = [row for row in trace.of("written", place="warehouse") if row.time_us / 1e6 > quiet_s]
    assert {row.message for row in others} == {"o1", "o2", "o4", "o5", "o6"}


def test_the_dead_do_nothing():
    idle = {"crash", "restart", "gone", "lost", "drop", "refuse", "answer_lost", "check"}
    for target in ("buyer", *STRUCK):
        _, trace = struck({"do": "crash", "target": target, "at_s": 6.0, "lasts_s": 6.0}, orders=3)
        [fell], [rose] = trace.of("crash"), trace.of("restart")
        between = [row for row in trace if row.place == target and fell.time_us <= row.time_us < rose.time_us]
        assert {row.kind for row in between} <= idle, target


def test_what_is_read_from_a_place_that_dies_before_it_has_answered_is_not_there():
    """The log is down before what the bus, the window and the crates read of it can have come to them."""
    asked = {"kind": "push", "place": "log", "message": "o3"}
    _, trace = struck({"do": "crash", "target": "log", "on": asked, "lasts_s": 6.0})
    [back] = trace.of("restart")
    for reader in ("window", "bus", "crates"):
        came = [row for row in trace if (row.place, row.message) == (reader, "o3") and row.kind != "refuse"]
        assert came[0].time_us > back.time_us
    assert not_so(trace) == {}


@pytest.mark.parametrize(
    ("on", "reader"),
    [({"kind": "push", "place": "bucket"}, "lake"), ({"kind": "written", "place": "lake"}, "warehouse")],
)
def test_without_its_bucket_the_lake_takes_nothing_and_tells_nothing(on, reader):
    _, trace = struck({"do": "crash", "target": "bucket", "on": {**on, "message": "o3"}, "lasts_s": 12.0})
    [back] = trace.of("restart")
    assert trace.of("written", place=reader, message="o3")[0].time_us > back.time_us
    assert not_so(trace) == {}


def test_a_buyer_who_was_down_calls_again_for_what_was_not_answered():
    company, trace = struck({"do": "crash", "target": "buyer", "at_s": 5.802, "lasts_s": 0.05}, seed=30)
    assert list(company.buyer.acknowledged) == ["o1", "o2", "o3", "o4", "o5", "o6"]
    assert not_so(trace) == {}


def test_an_order_that_nobody_took_is_known_nowhere():
    """The buyer dies as it clicks; o2 was clicked within the same window, which counts that and not this one."""
    clicked = {"kind": "publish", "place": "buyer", "message": "o3"}
    company, trace = struck({"do": "crash", "target": "buyer", "on": clicked})
    assert list(company.buyer.acknowledged) == ["o1", "o2"]
    assert [us // 5_000_000 for us in company.path.clicked_us.values()] == [0, 1, 1]
    assert not_so(trace) == {}


# ------------------------------------------------------------------------------------------ what comes twice
TWICE = {"do": "crash", "target": "database", "on": {"kind": "push", "place": "feed", "message": "o3"}, "lasts_s": 3.0}
"""The topic takes o3, and the feed cannot confirm it. The slot had not written down what was confirmed before either,
so o1, o2 and o3 are read again, and all are told again."""


def test_what_comes_twice_is_there_twice_in_the_log_and_its_readers_know():
    company, trace = struck(TWICE)
    assert Counter(record.message for record in company.stations["log"].page(0))["o3"] == 2
    for reader in ("bus", "crates", "window", "index", "graph"):
        assert [row.place for row in trace.of("duplicate", message="o3") if row.place == reader] == [reader]
    assert company.bus.bus.status().targets["orders/partner"].delivered == 6
    lines = [fact["id"] for crate in company.stations["bucket"].crates().values() for fact in crate]
    assert sorted(lines) == ["o1", "o2", "o3", "o4", "o5", "o6"]
    assert (company.charger.charged, company.stations["lake"].table.status().rows) == (6, 6)
    assert not_so(trace) == {}


@pytest.mark.parametrize("crates", [1, 2])
def test_the_lake_commits_an_order_once_however_many_crates_it_lies_in(crates):
    """Crates that were not packed by ours: o1 lies in the table by then, o9 in none of them."""
    company, _ = struck(orders=1)
    bucket, lake, simulation = company.stations["bucket"], company.stations["lake"], company.path.simulation
    [[o1]] = bucket.crates().values()
    company.path.clicked_us["o9"] = simulation.now_us
    for number in range(crates):
        data = "\n".join(json.dumps(fact) for fact in (o1, {**o1, "id": "o9"})).encode()
        bucket.store.put(f"crates/again-{number}", data, now_us=simulation.now_us)
    simulation.run(simulation.now_s + 6.0)
    assert sorted(lake.table.read("number").rows) == [(1,), (9,)]


def test_charges_are_counted_so_one_that_is_made_twice_is_told(monkeypatch):
    """A worker who does not look into its ledger, and three orders that come twice."""
    monkeypatch.setattr("dsys_lab.scenarios.patterns.one_order.copies.HashStore.get", lambda self, key: None)
    _, trace = struck(TWICE)
    [row] = [row for row in trace.of("check") if row.fields["name"] == "charges"]
    assert (row.fields["ok"], row.fields["expected"], row.fields["got"]) == (False, 6, 6 + 3)


def test_what_is_lost_on_the_way_is_sent_again_and_a_split_heals():
    assert red(followed(orders=2, faults=[{"do": "loss", "target": "network", "at_s": 0.0, "value": 0.2}])) == []
    split = {"do": "split", "target": "warehouse, cube", "at_s": 3.0, "lasts_s": 12.0}
    assert red(followed(orders=2, faults=[split])) == []


# ------------------------------------------------------------------------------------------ the run itself
def test_the_same_seed_makes_the_same_rows_and_another_does_not():
    one, same, other = (followed(orders=1, seed=seed) for seed in (7, 7, 1))
    assert one.digest() == same.digest() != other.digest()
    assert red(followed(orders=1, way="dual write")) == [], "without a crash nobody would notice"


def test_the_picture_opens_while_the_order_is_half_way_and_follows_it():
    trace = followed()
    assert trace.header.follow == "o3"
    until = [row for row in trace if row.time_us <= trace.header.poster_us and row.message == "o3"]
    seen = {row.place for row in until if row.kind == "written"}
    assert {"database", "cache", "log", "partner"} <= seen
    assert seen.isdisjoint({"bucket", "lake", "warehouse", "cube"})
    assert len({row.place for row in trace if row.message} - {"Slumber"}) <= 19


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"way": "by hand"}, "dual write"), ({"orders": 13}, "at most 12"), ({"batch_s": 1.0}, "four hops"),
     ({"hop_s": 0.0}, "hop_s")],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_by_its_name(wrong, says):
    with pytest.raises(BadParameter, match=says):
        followed(**wrong)


def test_a_golden_trace_tells_where_it_is_and_how_old():
    _, trace = calm(7)
    told = [str(row.fields["text"]) for row in trace.of("note", message="o3")]
    told += [f"in the end, {row.fields['name']}: {row.fields['got']}" for row in trace.of("check", message="o3")]
    told = "\n".join(told) + "\n"
    golden = Path(__file__).parent / "golden" / "followed_one_order_through_every_store_and_broker.txt"
    if not golden.exists():
        golden.write_text(told, encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert told == golden.read_text(encoding="utf-8")
