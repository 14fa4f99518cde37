"""What lab 07 claims holds under many seeds, and each of its laws holds for what was counted."""

from __future__ import annotations

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.object_store import counter, counts, hot_prefix, lost_drives, tables, too_early, upload
from dsys_lab.trace import lamps
from dsys_lab.trace.ledger import balance

SEEDS = range(1, 9)


def share(run):
    return len(run.of("finish")) / len(run.of("publish"))


def check(run):
    return run.of("check")[-1].fields


def assert_near(measured, law, slack=0.002):
    for value, counted, error in measured:
        assert abs(counted - law(value)) <= 3 * error + slack, (value, counted, law(value), error)


# ------------------------------------------------------------------------------------------ 1: parts
def test_in_parts_less_is_sent_and_both_are_whole_or_not_at_all():
    for seed in SEEDS:
        parts, put = upload(seed=seed), upload(seed=seed, way="one put", seconds=400)
        assert len(parts.of("send")) <= len(put.of("send"))
        assert check(parts)["ok"]
        assert check(parts)["got"] == 800
        assert check(put)["ok"]


def test_nobody_sees_a_part_before_the_object_is_complete():
    for seed in SEEDS:
        seen = {row.fields["position"] for row in upload(seed=seed).of("look")}
        assert seen == {0, 800}


def test_parts_of_who_gave_up_are_kept_until_a_rule_takes_them_away():
    for seed in SEEDS:
        left, swept = upload(seed=seed, gives_up_after=5), upload(seed=seed, gives_up_after=5, rule_after_s=8.0)
        assert left.of("gauge")[-1].fields["value"] == 500
        assert swept.of("gauge")[-1].fields["value"] == 0
        assert {check(run)["got"] for run in (left, swept)} == {0}


def test_pieces_that_came_are_stored_in_the_books_and_what_was_aborted_is_dropped():
    whole, put = balance(upload()), balance(upload(way="one put"))
    assert (whole.stored, put.stored, whole.in_flight, put.in_flight) == (8, 8, 0, 0)
    left, swept = balance(upload(gives_up_after=5)), balance(upload(gives_up_after=5, rule_after_s=8.0))
    assert (left.stored, swept.stored, left.in_flight, swept.in_flight) == (5, 0, 0, 0)
    assert swept.dropped == left.dropped + 5


@pytest.mark.parametrize("way", ["parts", "one put"])
def test_what_is_sent_follows_the_law(way):
    assert_near(counts.sent(way, 0.0, 0.05, 0.2), lambda failure: counts.sent_by_law(way, failure))


def test_the_least_part_is_told_by_the_most_parts():
    assert laws.least_part_bytes(1 << 40) * 10_000 >= 1 << 40
    assert (laws.least_part_bytes(1 << 40) - 1) * 10_000 < 1 << 40
    assert laws.least_part_bytes(100) == 5_242_880
    for bad in ({"size_bytes": 0},):
        with pytest.raises(BadParameter):
            laws.least_part_bytes(**bad)
    with pytest.raises(BadParameter, match="less than 1"):
        laws.pieces_sent_at_once(3, 1)


# ------------------------------------------------------------------------------------------ 2: hot prefixes
def test_keys_that_begin_with_the_time_stay_in_one_range_and_cuts_do_not_help_them():
    for seed in SEEDS:
        by_time, by_hash = hot_prefix(seed=seed), hot_prefix(seed=seed, scheme="hash first")
        assert share(by_time) < 0.65
        assert share(by_hash) > 0.97
        assert len([row for row in by_time.of("range") if row.fields["op"] == "drop"]) >= 2, "it was cut, in vain"
        assert not any(lamp.rows for lamp in lamps(by_time) if hasattr(lamp, "rows"))


def test_one_range_that_is_cut_does_help_what_is_spread():
    for seed in SEEDS:
        run = hot_prefix(seed=seed, scheme="hash first", ranges=1, seconds=16)
        late = [row for row in run.of("reject") if row.time_us > 10_000_000]
        early = [row for row in run.of("reject") if row.time_us < 6_000_000]
        assert len(late) < len(early) / 2


@pytest.mark.parametrize("scheme", ["time first", "hash first"])
def test_what_passes_is_the_sum_of_the_smaller_of_load_and_limit(scheme):
    assert_near(
        counts.passed(scheme, 1, 4), lambda ranges: counts.passed_by_law(scheme, ranges), slack=0.01
    )


# ------------------------------------------------------------------------------------------ 3: lost updates
def test_blind_puts_lose_and_puts_on_a_condition_do_not():
    for seed in SEEDS:
        blind, exact = check(counter(seed=seed)), check(counter(seed=seed, way="if match"))
        assert blind["got"] < blind["expected"] == 12
        assert exact["got"] == exact["expected"] == 12


def broken(run):
    return [lamp.name for lamp in lamps(run) if not lamp.held]


def test_a_lamp_says_that_an_addition_or_an_object_is_lost():
    assert broken(counter()) == broken(lost_drives(dead=5)) == ["checks hold"]
    assert broken(counter(way="if match")) == broken(lost_drives(dead=2)) == broken(upload()) == []


def test_one_writer_loses_nothing_and_more_writers_try_more_often():
    assert counts.counted("blind", 1)[0][1] == 1
    means = [mean for _, mean, _ in counts.tries(1, 2, 4)]
    assert means[0] == 1
    assert means[0] < means[1] < means[2]


# ------------------------------------------------------------------------------------------ 4: drives
@pytest.mark.parametrize(("data", "parity"), [(5, 4), (1, 2), (6, 3)])
def test_as_many_drives_as_there_is_parity_may_die_before_the_repair_and_not_one_more(data, parity):
    for seed in range(1, 5):
        given = {"seed": seed, "data": data, "parity": parity, "apart_s": 0.5, "repair_after_s": 20.0}
        assert check(lost_drives(dead=parity, **given))["ok"]
        if data + parity == 9:
            assert check(lost_drives(dead=parity + 1, **given))["got"] == 0


def test_a_repair_in_time_outlives_more_deaths_than_there_is_parity():
    for seed in SEEDS:
        assert check(lost_drives(seed=seed, dead=8, apart_s=2.0, repair_after_s=1.0))["ok"]


def test_a_shard_is_stored_once_and_lost_once_in_the_books():
    for dead, stored, dropped in ((0, 27, 0), (2, 27, 6), (5, 12, 15)):
        books = balance(lost_drives(dead=dead))
        assert (books.stored, books.dropped, books.in_flight) == (stored, dropped, 0)


def test_a_whole_zone_may_die():
    assert all(check(lost_drives(seed=seed, dead=3, whole_zone=True))["ok"] for seed in SEEDS)


@pytest.mark.parametrize("code", ["3 copies", "5 + 4", "8 + 3"])
def test_what_cannot_be_decoded_follows_the_law(code):
    data, parity = counts.CODES[code]
    assert_near(counts.lost_objects(code, 0.1, 0.3, objects=400), lambda p: laws.object_lost(data, parity, p))


def test_a_code_may_keep_less_and_lose_less_than_copies():
    told = counts.codes()
    copies, code = told["3 copies"], told["5 + 4"]
    assert code["bytes kept for a byte"] < copies["bytes kept for a byte"]
    assert code["an object is lost"] < copies["an object is lost"] / 50
    assert code["drives a repair reads"] > copies["drives a repair reads"]


def test_three_copies_and_five_and_four_cross_at_about_a_tenth():
    def copies_lose_less(share):
        return laws.object_lost(*counts.CODES["3 copies"], share) < laws.object_lost(*counts.CODES["5 + 4"], share)

    assert (copies_lose_less(0.09), copies_lose_less(0.12)) == (False, True)
    lost = {code: [mean for _, mean, _ in counts.lost_objects(code, 0.1, 0.2)] for code in ("3 copies", "5 + 4")}
    assert lost["5 + 4"][0] < lost["3 copies"][0]
    assert lost["3 copies"][1] < lost["5 + 4"][1]


# ------------------------------------------------------------------------------------------ 5 to 7
def test_who_asked_too_early_was_told_so_for_a_while_and_is_not_today():
    for put_at_s in (1.2, 2.2, 2.6):
        old, new = too_early(put_at_s=put_at_s), too_early(put_at_s=put_at_s, stale_s=0.0)
        assert any(not row.fields["ok"] for row in old.of("check"))
        assert check(old)["ok"], "in the end it is seen"
        assert all(row.fields["ok"] for row in new.of("check"))


def test_a_read_over_many_connections_follows_the_law_up_to_the_link():
    for connections, seconds in counts.read_s(1, 4, 13, 32):
        assert seconds == pytest.approx(counts.read_s_by_law(connections), rel=0.03)


@pytest.mark.parametrize("objects", [1, 40, 1_001])
def test_a_rename_is_two_requests_an_object_and_its_lists(objects):
    told = tables.renamed(objects, size_bytes=10)
    assert told["requests"] == laws.rename_requests(objects)
    assert (told["under old/"], told["under new/"], told["bytes copied"]) == (0, objects, 10 * objects)


def test_a_rename_that_breaks_off_leaves_both():
    told = tables.renamed(40, stops_after=17)
    assert (told["under old/"], told["under new/"]) == (40, 17)


def test_a_power_cut_loses_nothing_that_was_acknowledged_and_leaves_nothing_half_there():
    told = counts.power_cuts()
    assert told["moments"] > 25
    assert told["acknowledged and lost"] == told["half there"] == 0
    assert told["blobs without a record, removed"] > 5


def test_a_record_that_does_not_wait_for_its_blob_leaves_what_is_half_there():
    careless = counts.power_cuts(waits=False)
    assert careless["half there"] > careless["moments"] / 3
    assert careless["acknowledged and lost"] > 5


def test_many_small_objects_cost_requests_and_one_large_one_bytes():
    flight, day, week = map(tables.flight_objects, tables.LAYOUTS)
    assert flight["objects"] > 6_000
    assert day["objects"] == 7
    assert flight["USD for a day, a thousand times"] > 50 * day["USD for a day, a thousand times"]
    assert flight["bytes read for a day"] == day["bytes read for a day"] < week["bytes read for a day"] / 5


@pytest.mark.parametrize(
    "call",
    [
        lambda: upload(way="by post"), lambda: upload(failure=1.0), lambda: upload(pieces=0),
        lambda: hot_prefix(scheme="none"), lambda: hot_prefix(ranges=0), lambda: counter(way="hope"),
        lambda: counter(writers=0), lambda: lost_drives(data=9, parity=1), lambda: lost_drives(dead=10),
        lambda: too_early(stale_s=-1.0), lambda: counts.sent("by post", 0.1), lambda: counts.lost_objects("none", 0.1),
        lambda: tables.renamed(0), lambda: tables.flight_objects("none"), lambda: laws.object_lost(5, 4, 2),
        lambda: counts.passed("by post", 1), lambda: counts.passed("time first", 0), lambda: counts.read_s(0),
        lambda: counts.read_s(4, link_mb=0), lambda: laws.rename_requests(0), lambda: laws.expected_losses(0, 11),
    ],
)  # fmt: skip
def test_misuse_is_told(call):
    with pytest.raises(BadParameter):
        call()
