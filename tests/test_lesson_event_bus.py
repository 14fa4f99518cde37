"""What lab 21 claims of rules, outages, replays, loops and names, over several seeds, and its laws against its runs."""
from __future__ import annotations

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.event_bus import counts, loop, outage, renamed, replayed, routing, sieves
from dsys_lab.scenarios.event_bus.nights import REPLAYED_TO, RETRIES
from dsys_lab.trace import lamps

SEEDS = range(1, 4)
EVERY = [routing(), routing(logged="nothing"), outage(), outage(retry="newer", dead_letters=True), replayed(),
         replayed(keys="keys"), loop(), loop(guard="hop count"), loop(guard="source"), renamed(),
         renamed(watch="an alarm"), renamed(watch="a rule")]  # fmt: skip


@pytest.mark.parametrize("run", EVERY, ids=lambda run: f"{run.header.scenario}: {run.header.title}")
def test_the_books_hold_in_every_run(run):
    assert [lamp.rows for lamp in lamps(run) if lamp.name == "conservation"] == [()]


def test_each_service_gets_what_its_rule_picks_and_the_log_gets_all():
    with_log, without = routing(), routing(logged="nothing")
    done = counts.effects(with_log)
    assert done["log"] == counts.taken(with_log)
    assert 0 < done["coach"] < done["log"]
    assert 0 < done["packing"] < done["log"]
    assert {**counts.effects(without), "log": done["log"]} == done
    assert len(without.of("unmatched")) == counts.taken(without) - done["coach"] - done["packing"] > 0
    assert not with_log.of("unmatched")
    assert not without.of("drop")


def test_ten_minutes_are_lost_by_the_newer_bus_alone_unless_it_is_told_otherwise():
    runs = {retry: outage(retry=retry) for retry in RETRIES}
    assert counts.who_loses(runs) == "newer"
    table = counts.fates_of(runs)
    assert list(table.sum(axis=1)) == [20, 20, 20]
    assert table.loc["classic", "late"] > 0
    kept = counts.fates(outage(retry="newer", dead_letters=True))
    assert kept["dead letters"] == table.loc["newer", "lost"]
    assert kept["lost"] == 0


def test_what_an_outage_costs_is_the_law():
    lasts_s = RETRIES["newer"].lasts_s
    for down_s, share, error in counts.lost_shares(200.0, 400.0, 600.0, 1_200.0):
        assert abs(share - laws.given_up_share(down_s, lasts_s)) <= 3 * error + 1e-9
    assert counts.lost_share("classic", 600.0)[1] == laws.given_up_share(600.0, RETRIES["classic"].lasts_s) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_replay_does_all_again_where_nobody_keeps_a_key(seed):
    runs = {keys: replayed(keys=keys, seed=seed) for keys in ("no keys", "keys")}
    events = counts.taken(runs["keys"])
    assert counts.done_again(runs["no keys"]) == 2 * events
    assert counts.done_again(runs["keys"]) == 0
    for run in runs.values():
        assert counts.effects(run)["search"] == events
    assert [bool(lamp.rows) for lamp in lamps(runs["no keys"]) if lamp.name == "exactly-once effect"] == [True]
    assert [bool(lamp.rows) for lamp in lamps(runs["keys"]) if lamp.name == "exactly-once effect"] == [False]


def test_a_late_rule_has_nothing_without_a_replay_and_a_replay_to_it_alone_does_nothing_again():
    table = counts.effects_of({to: replayed(to=to) for to in REPLAYED_TO}, "mail", "billing", "search")
    events = counts.taken(replayed())
    assert list(table["search"]) == [0, events, events]
    assert list(table["done again"]) == [0, 0, 2 * events]
    came = counts.came_as(replayed(to="search alone"))
    assert sorted(came) == list(range(1, events + 1)) != came


def test_a_replay_is_in_order_of_minutes_and_not_within_one():
    came = [int(row.message[1:]) for row in replayed().of("replay") if row.fields["to"].endswith("search")]
    minutes = [int((1 + 20 * (number - 1)) // 60) for number in came]
    assert minutes == sorted(minutes)
    assert came != sorted(came)


def test_a_loop_grows_as_the_law_says():
    for writes, mean, error in counts.looped(0.5, 1.0, 1.5):
        assert abs(mean - laws.events_in_loop(writes, 5, first=3)) <= 3 * error + 1e-9
    for rounds, mean, _ in counts.rounds_of(0, 1, 3, 5):
        assert mean == laws.events_in_loop(2.0, int(rounds), first=3)


@pytest.mark.parametrize(("guard", "events"), [("none", 96), ("hop count", 12), ("source", 6)])
def test_a_guard_stops_a_loop(guard, events):
    assert counts.taken(loop(guard=guard, until_s=counts.after_rounds(31))) == events


@pytest.mark.parametrize("seed", SEEDS)
def test_a_field_with_another_name_is_silence_unless_somebody_watches(seed):
    runs = {watch: renamed(watch=watch, seed=seed) for watch in ("nobody", "an alarm", "a rule")}
    assert [counts.told_of_it(run) for run in runs.values()] == ["nobody", "on-call", "on-call"]
    assert counts.told_after_s(runs["nobody"]) is None
    assert 0 < counts.told_after_s(runs["a rule"]) < counts.told_after_s(runs["an alarm"]) <= 20
    before = [row for row in runs["nobody"].of("effect", place="coach") if row.time_us <= 41e6]
    assert len(before) == counts.effects(runs["nobody"])["coach"] > 0


@pytest.mark.parametrize(("watch", "looks_s"), [("an alarm", 10), ("a rule", 0)])
def test_somebody_is_told_after_half_a_gap_and_half_of_what_lies_between_two_looks(watch, looks_s):
    for every_s, after_s, error in counts.told_after(watch, 3, 7):
        assert after_s == pytest.approx((every_s + looks_s) / 2, abs=3 * error + 0.3), "and the way to on-call"


def test_an_index_asks_as_few_as_the_law_says_and_a_loop_asks_all():
    for rules, mean, _ in counts.asked_by(100, 1_000):
        assert mean == laws.patterns_asked(int(rules), counts.DEVICES)
    assert counts.asked_by(200, how="loop") == [(200, 200.0, 0.0)]


def test_each_check_at_the_door_has_a_sort_of_its_own():
    assert counts.kept_out_by("forged") == "signature"
    assert counts.kept_out_by("copied soon") == "id"
    assert counts.kept_out_by("held back") == "age"


def test_the_patterns_pick_what_their_names_say_or_what_the_lab_says_of_them():
    has, lacks = sieves.picks("has hours"), sieves.picks("has no hours")
    assert len(has) + len(lacks) == sieves.EVENTS
    assert set(sieves.picks("hours is null")) < set(has)
    assert sieves.which_tags_count() == "those that have either tag"
    assert set(sieves.picks("snore")) & set(sieves.picks("a tag that is not snore"))
    orders = {n for n in range(sieves.EVENTS) if sieves.events()[n].detail_type == "Order"}
    assert orders < set(lacks)
    assert {len(row) for row in sieves.match_matrix().values()} == {200}
    assert all(0 < len(sieves.picks(name)) < sieves.EVENTS for name in sieves.PATTERNS)


@pytest.mark.parametrize(("call", "says"), [
    (lambda: outage(retry="for ever"), "classic, newer, tuned"),
    (lambda: outage(down_s=0.0), "above 0"),
    (lambda: replayed(keys="some"), "no keys, keys"),
    (lambda: replayed(to="some"), "nobody, search alone, all rules"),
    (lambda: loop(guard="dog"), "none, hop count, source"),
    (lambda: loop(writes=-1.0), "0 or more"),
    (lambda: renamed(watch="all"), "nobody, an alarm, a rule"),
    (lambda: renamed(renamed_s=200.0), "renamed_s < until_s"),
    (lambda: routing(events=0), "above 0"),
    (lambda: routing(logged="some"), "everything, nothing"),
    (lambda: laws.given_up_share(0, 5), "above 0"),
    (lambda: laws.events_in_loop(1, -1), "rounds = -1"),
    (lambda: laws.patterns_asked(5, 0), "above 0"),
])  # fmt: skip
def test_misuse_is_refused(call, says):
    with pytest.raises(BadParameter, match=says):
        call()
