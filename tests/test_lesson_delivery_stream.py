"""What the runs of the delivery stream teach holds for every luck."""

from __future__ import annotations

import pytest

from dsys_lab import laws
from dsys_lab.brokers.delivery_stream import DeliveryStream, Entry, Limits, Settings
from dsys_lab.engines.delivery_stream import warehouse
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.delivery_stream import answers_lost, counts, folders, glass, offline, outage, reading, spoiled
from dsys_lab.scenarios.delivery_stream import departures as week
from dsys_lab.simulation import Simulation, fault
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import lamps
from dsys_lab.views import charts
from dsys_lab.views.player.fold import folded

SEEDS = (1, 2, 3)
POWER = {"do": "crash", "target": "pings", "on": {"kind": "handed", "place": "pings"}, "nth": 3, "lasts_s": 5}


def red(trace):
    return [lamp.name for lamp in lamps(trace) if not lamp.held]


def ids(objects):
    return [line for data in objects.values() for line in data.splitlines()]


def test_fast_pings_are_sealed_by_size_and_slow_ones_by_time():
    for seed in SEEDS:
        fast, slow = glass(seed=seed, every_s=0.8), glass(seed=seed, every_s=4.0)
        assert (counts.sealed_by(fast), counts.sealed_by(slow)) == ("size", "time")
        assert max(one.size_bytes for one in counts.sealed(fast)) == 1_000
        assert max(one.until_s - one.from_s for one in counts.sealed(slow)) == pytest.approx(20)
        assert red(fast) == red(slow) == []


def test_a_watch_that_loses_power_goes_on_with_new_names_and_waits_for_no_old_answer():
    crash = {"do": "crash", "target": "watch-1", "on": {"kind": "publish", "place": "watch-1"}, "nth": 5, "lasts_s": 10}
    trace = glass(seed=1, faults=[crash])
    put = [row.message for row in trace.of("publish") if row.fields["attempt"] == 1]
    assert len(put) == len(set(put)), "no ping is called like an older one"
    assert red(trace) == []
    simulation = Simulation(seed=1, faults=(fault(crash),))
    glass.__wrapped__(simulation, **glass.defaults)
    assert simulation.machines["watch-1"].is_done
    assert simulation.now_s < 1_000, "nobody waits for what a crash made it forget"


def test_on_the_strip_a_crate_is_as_wide_as_it_filled_and_as_high_as_it_has_bytes():
    told = counts.strip(every_s=1.5)
    chart = charts.crate_strip(**told, title="Crates")
    assert {by for *_, by in told["crates"]} == {"size", "time"}, "both hints have their turn"
    strip, counted = chart.figure.axes
    drawn = sorted((round(bar.get_x(), 3), round(bar.get_width(), 3), bar.get_height()) for bar in strip.patches)
    assert drawn == [(round(a, 3), round(b - a, 3), size) for a, b, size, _ in told["crates"]]
    assert sum(bar.get_width() for bar in counted.patches) == len(told["crates"])
    assert "sealed by size" in chart.alt


@pytest.mark.parametrize(("boxes", "size", "says"), [
    ([], 10, "no crate"), ([(0, 1, 5, "luck")], 10, "luck"), ([(0, 1, 5, "size")], 0, "size_bytes"),
])  # fmt: skip
def test_a_strip_of_nothing_is_refused(boxes, size, says):
    with pytest.raises(BadParameter, match=says):
        charts.crate_strip(boxes, size_bytes=size)


def test_what_is_held_set_aside_and_answered_is_shown_in_words():
    stream = DeliveryStream("s", VolatileDisk(), Settings(size_bytes=2, limits=Limits(records=2, bytes=100)))
    said = stream.put_many(0, [Entry(f"p{n}", b"a") for n in range(3)])
    assert list(reading.answers(said)["answer"]) == ["accepted"] * 2 + ["throttled: too many records a second"]
    [crate] = stream.attempts(0)
    stream.failed(1, crate.number, "down")
    assert dict(reading.books(stream.status()).iloc[0])["held, records"] == 2
    aside = reading.reasons(reading.landed(spoiled, to="backup"))
    assert set(aside["its pulse"]) == {"?"}
    assert set(aside["prefix"]) == {"processing-failed"}


def test_the_crate_that_landed_twice_counts_twice_by_copy_in_both_warehouses():
    for seed in SEEDS[:2]:
        twice = reading.landed(glass, seed=seed, names="attempt", faults=[POWER])
        pings = len(set(ids(twice)))
        told = warehouse.loaded(twice)
        assert warehouse.counts_twice(told, pings) == "copy"
        assert set(told.loc["merge"]["rows"]) == {pings}
        assert told["mean pulse"].groupby("loaded by").nunique().max() == 1


def test_what_landed_is_what_was_put():
    for seed in SEEDS:
        trace, objects = glass(seed=seed), reading.landed(glass, seed=seed)
        assert len(ids(objects)) == len(set(ids(objects))) == len({row.message for row in trace.of("publish")})
        assert len(objects) == counts.objects_of(trace) == len(trace.of("sealed"))


def test_what_is_held_comes_back_and_lands_or_expires_or_goes_to_the_backup():
    for seed in SEEDS:
        short, long = outage(seed=seed, down_h=1.0, hold_h=4), outage(seed=seed, down_h=3.0, hold_h=1)
        assert red(short) == []
        assert len(short.of("held")) == len(short.of("fail")) > 0
        assert counts.expired(long) > 0
        assert red(long) == ["promised and kept"]
        saved = outage(seed=seed, down_h=3.0, hold_h=1, backup="after half an hour")
        assert red(saved) == []
        assert (counts.expired(saved), counts.set_aside(saved) > 0) == (0, True)


@pytest.mark.parametrize(("down_h", "hold_h", "gone"), [
    (23, 24, "nothing"), (25, 24, "the first hour or two"), (8, 4, "more"), (4, 0.25, "all of it"),
])  # fmt: skip
def test_what_is_older_than_the_hold_is_gone_and_that_came_first(down_h, hold_h, gone):
    assert counts.what_is_lost(down_h, hold_h) == gone


def test_a_lost_answer_makes_a_second_row_and_never_a_missing_one():
    for seed in SEEDS:
        trace, objects = answers_lost(seed=seed), reading.landed(answers_lost, seed=seed)
        assert red(trace) == []
        assert len(ids(objects)) - len({line.split(b'"at_us"')[0] for line in ids(objects)}) == counts.twice(trace) > 0
        assert counts.twice(answers_lost(seed=seed, share=0.0)) == 0


def test_a_bad_ping_goes_alone_or_with_its_crate_and_none_is_lost():
    for seed in SEEDS:
        alone, whole = spoiled(seed=seed), spoiled(seed=seed, judged="a whole crate")
        assert 0 < counts.set_aside(alone) < counts.set_aside(whole)
        assert red(alone) == red(whole) == []
        assert all(len(run.of("filed")) + counts.set_aside(run) == 60 for run in (alone, whole))


def test_as_much_is_set_aside_as_the_law_says():
    for bad, share, error in counts.aside(0.02, 0.1, judged="a whole crate"):
        assert share == pytest.approx(laws.set_aside_share(bad, 10), abs=3 * error)


def test_folders_make_more_and_smaller_crates():
    for seed in SEEDS:
        one, eight = (len(folders(seed=seed, customers=n).of("sealed")) for n in (1, 8))
        assert eight > 1.5 * one
        there = {key.partition("/")[0] for key in reading.landed(folders, seed=seed)}
        assert there == {f"customer=c{n}" for n in range(3)}


def test_without_a_delimiter_no_line_is_a_ping():
    for seed in SEEDS:
        glued = reading.by_line(reading.landed(glass, seed=seed, form="as they are"))
        apart = reading.by_line(reading.landed(glass, seed=seed))
        assert (glued["pings"], apart["lines that cannot be read"]) == (0, 0)
        assert apart["pings"] == 120


def test_a_loss_of_power_repeats_a_crate_under_a_name_of_its_attempt_and_replaces_it_under_one_of_its_own():
    for seed in SEEDS:
        stand = {names: reading.landed(glass, seed=seed, names=names, faults=[POWER]) for names in ("attempt", "crate")}
        assert reading.who_has_twice(stand) == "attempt"
        assert set(ids(stand["attempt"])) == set(ids(stand["crate"]))
        assert red(glass(seed=seed, faults=[POWER])) == []
        for names, objects in stand.items():  # and the picture shows as many crates as the bucket has
            there = folded(glass(seed=seed, names=names, faults=[POWER])).where.values()
            assert sum(place == "destination" for place, _ in there) == len(objects)


def test_by_arrival_late_pings_lie_in_a_later_hour_and_by_event_none_does():
    for seed in SEEDS[:2]:
        by = {by: reading.in_another_hour(reading.landed(offline, seed=seed, by=by)) for by in ("arrival", "event")}
        assert abs(by["arrival"] - 0.43) < 0.12
        assert by["event"] == 0


def test_two_days_of_departures_are_asked_alike_where_they_landed():
    late, same = week.late_by_airport(week.delivered())
    assert (list(late), same) == (["EWR", "JFK", "LGA"], True), "the page says that they are alike"
    objects = week.delivered(days=2)
    assert not week.late_by_airport(objects)[1]
    told = reading.asked(objects, week.LATEST.format("landed"))
    assert int(told["departures"].sum()) == sum(one["day"] <= 2 for one in week.departures())
    assert len(objects) < 2 * 96


@pytest.mark.parametrize(("run", "given", "says"), [
    (glass, {"form": "csv"}, "as they are"), (glass, {"every_s": 0}, "every_s"),
    (glass, {"size_bytes": 0}, "size_bytes"),
    (glass, {"seconds": -1.0}, "seconds"), (outage, {"backup": "soon"}, "after half an hour"),
    (outage, {"down_h": -1.0}, "down_h"), (outage, {"hold_h": 0.1}, "interval_s"),
    (answers_lost, {"share": 2.0}, "share"), (spoiled, {"judged": "nobody"}, "each ping"),
    (folders, {"customers": 0}, "customers"), (offline, {"by": "luck"}, "event"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(run, given, says):
    with pytest.raises(BadParameter, match=says):
        run(**given)
