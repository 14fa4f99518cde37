"""One order is true at one place, and known at eleven more, each a room of this package that is asked by its verbs."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.patterns import AT_THE_SEAM, ages, followed, in_each_place, struck_everywhere
from dsys_lab.scenarios.patterns.one_order.followed import check, run
from dsys_lab.scenarios.patterns.one_order.order import orders_of, shelves_of
from dsys_lab.scenarios.patterns.one_order.path import PLACES
from dsys_lab.scenarios.patterns.one_order.struck import STRUCK
from dsys_lab.simulation import Simulation
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


def red(trace) -> list[str]:
    return [lamp.name for lamp in lamps(trace) if not lamp.held]


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
    assert missing >= DERIVED - {"window"}


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


def test_who_stays_down_stays_behind_and_is_named():
    trace = followed(orders=2, faults=[{"do": "crash", "target": "graph", "at_s": 1.0}])
    assert {row.place for row in trace.of("check") if not row.fields["ok"]} == {"graph"}


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
