"""What the lab says of a table, a service and a log holds for other lucks too, and its laws hold in its runs."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import pytest

from dsys_lab.dataflows.service import CALLER, PLACES, CannotRead, Version, crashed_everywhere, decode, encode
from dsys_lab.dataflows.service.shared_database import SharedTable, TableReader
from dsys_lab.errors import BadParameter
from dsys_lab.laws import (
    calls_failed,
    chain_availability,
    group_throughput,
    hot_key_throughput,
    messages_missing,
    missed_after_crash,
    outage_drain_s,
    readers_broken,
    repeated_after_crash,
    waiting_after_outage,
)
from dsys_lab.scenarios.service_database_broker import (
    chain,
    dual_write,
    group,
    outage,
    outages,
    points,
    renamed,
    replays,
    three_ways,
)
from dsys_lab.scenarios.service_database_broker.real_day import by_hour, due_s, real_outage
from dsys_lab.scenarios.service_database_broker.renaming import CHANGES, STYLES
from dsys_lab.trace import lamps

SEEDS = (1, 2, 3, 4, 5)
GOLDEN_SEED = 18


def require_within(counted: list[float], law: float, *, at_least: float = 0.0) -> None:
    """The mean of what was counted is within three standard errors of the law."""
    error = max(stdev(counted) / len(counted) ** 0.5, at_least)
    assert abs(fmean(counted) - law) <= 3 * error, (counted, law)


# ------------------------------------------------------------ the player's run
@pytest.mark.parametrize("seed", SEEDS[:3])
def test_three_ways_lose_no_night_unseen_and_only_calls_fail(seed: int) -> None:
    trace = three_ways(seed=seed)
    kinds = Counter((row.kind, (row.message or "-")[0]) for row in trace)
    assert all(lamp.held for lamp in lamps(trace))
    assert kinds["abandon", "s"] > 0
    assert {lane for kind, lane in kinds if kind == "abandon"} == {"s"}
    per_night = Counter(row.message for row in trace if row.kind == "effect")
    assert set(per_night.values()) == {1}


def test_the_lanes_have_the_same_nights_at_the_same_moments() -> None:
    trace = three_ways()
    first = [row for row in trace if row.kind == "publish" and row.fields["attempt"] == 1]
    offered = [{(row.time_us, row.message[1:]) for row in first if row.message[0] == lane} for lane in "tsb"]
    assert offered[0] == offered[1] == offered[2]


def test_without_an_outage_no_call_fails() -> None:
    counted = outages(nights_a_second=4.0, works_a_second=8.0, outage_s=0.0, lasts_s=20.0)
    assert [one.failed for one in counted.values()] == [0, 0, 0]


# ------------------------------------------------------------ E1
@pytest.mark.parametrize("seed", SEEDS)
def test_a_renamed_column_breaks_whom_the_law_names(seed: int) -> None:
    counted = {style: renamed(style, seed=seed) for style in STYLES}
    law = readers_broken(counted["shared database"].readers, ["hours_sleep"])
    assert [counted[style].failed for style in STYLES] == [law, 0, law]
    assert 0 < law < 10


def test_without_a_mapper_all_callers_break_and_what_is_added_breaks_nobody() -> None:
    assert renamed("service", mapper=False).failed == 10
    added = [renamed(style, change="additive", mapper=mapper) for style in STYLES for mapper in (True, False)]
    assert [one.failed for one in added] == [0] * 6
    assert set(CHANGES) == {"breaking", "additive"}


def test_old_records_stay_undecodable_until_the_retention_ends() -> None:
    found = replays(retention_s=300.0, until_s=420.0)
    bad = {one.after_s: one.undecodable for one in found}
    assert bad[0.0] == 29
    assert all(bad[after_s] > 0 for after_s in bad if after_s < 300)
    assert all(bad[after_s] == 0 for after_s in bad if after_s >= 300)


# ------------------------------------------------------------ E2
def test_the_curriculums_outage_leaves_3000_and_drains_in_150_s() -> None:
    counted = outage("broker")  # 100 nights a second, 120 worked off, 30 s
    assert (waiting_after_outage(100, 30), outage_drain_s(30, 100, 120)) == (3_000, 150)
    assert counted.failed == 0
    assert abs(counted.stood_most - 3_000) <= 3 * 3_000**0.5
    assert counted.caught_up_s is not None
    spread_s = (3_000 * (100 / 120 / 120**2) / (1 - 100 / 120) ** 3 + 3_000 / 20**2) ** 0.5  # of an M/D/1 busy period
    assert abs(counted.caught_up_s - 150) <= 3 * spread_s


def test_backlog_and_drain_follow_the_law_over_seeds() -> None:
    given = {"nights_a_second": 20, "works_a_second": 40, "outage_s": 10, "lasts_s": 60}
    counted = [outage("broker", **given, seed=seed) for seed in SEEDS]
    require_within([one.stood_most for one in counted], waiting_after_outage(20, 10))
    require_within([one.caught_up_s or 0.0 for one in counted], outage_drain_s(10, 20, 40))


def test_who_cannot_keep_up_never_catches_up() -> None:
    assert outage("broker", nights_a_second=20, works_a_second=20, outage_s=5, lasts_s=40).caught_up_s is None


def test_calls_fail_for_as_long_as_the_outage_outlasts_the_retries() -> None:
    asked_for_s = 3 * CALLER.timeout_s + sum(0.1 * 2**retry / 2 for retry in range(3))  # full jitter: half on average
    failed = [outage("service", nights_a_second=10, outage_s=30, lasts_s=45, seed=seed).failed for seed in SEEDS]
    require_within(failed, calls_failed(10, 30, asked_for_s=asked_for_s))
    assert outage("service", nights_a_second=10, outage_s=2.9, lasts_s=20).failed == 0


# ------------------------------------------------------------ E3
def test_a_chain_is_up_as_the_law_says_and_a_broker_accepts_as_one() -> None:
    assert round(chain_availability(0.999, 5), 5) == 0.99501
    counted = [chain(hops=5, availability=0.95, calls=20_000, seed=seed) for seed in SEEDS]
    require_within([one.answered / one.calls for one in counted], chain_availability(0.95, 5))
    require_within([one.accepted / one.calls for one in counted], 0.95)
    assert all(one.completed / one.accepted > 0.99 for one in counted)


def test_what_is_always_up_always_answers() -> None:
    assert chain(hops=3, availability=1.0, calls=100).answered == 100


# ------------------------------------------------------------ E5
@pytest.mark.parametrize("consumers", [1, 2, 4, 8])
def test_a_group_is_as_fast_as_its_consumers_or_partitions_let_it(consumers: int) -> None:
    counted = [group(consumers=consumers, records_a_second=120, each_a_second=20, seed=seed) for seed in SEEDS[:3]]
    require_within([one.a_second for one in counted], group_throughput(120, 20, consumers, 4), at_least=0.4)
    assert [one.overtaken_by_key for one in counted] == [0, 0, 0]
    assert (consumers == 1) == all(one.overtaken == 0 for one in counted)


def test_a_hot_key_bounds_the_group_by_one_partition() -> None:
    even, hot = (group(consumers=4, records_a_second=70, each_a_second=20, hot_share=share) for share in (0.0, 0.6))
    assert hot.a_second < 0.8 * even.a_second
    assert max(hot.by_partition) > 2 * max(even.by_partition)


# ------------------------------------------------------------ E6
def test_between_commit_and_publish_a_crash_loses_what_an_outbox_only_repeats() -> None:
    plain = [dual_write(nights=150, crash_share=0.1, seed=seed) for seed in SEEDS]
    require_within([one.missing for one in plain], messages_missing(0.1, 150))
    assert all(one.missing == one.crashes and one.repeated == 0 for one in plain)
    boxed = [dual_write("outbox", nights=150, crash_share=0.1, seed=seed) for seed in SEEDS[:2]]
    assert [one.missing for one in boxed] == [0, 0]
    assert all(one.repeated >= one.crashes > 0 for one in boxed)


# ------------------------------------------------------------ the shared table
def test_a_reader_gets_each_row_once_and_keeps_its_place_when_a_column_goes() -> None:
    table = SharedTable(Version.of("v1", "1 person u32, 2 hours_sleep f64, 3 city text"))
    reader, other = TableReader(table, "billing", ["hours_sleep"]), TableReader(table, "coach", ["city"])
    numbers = [table.write({"person": person, "hours_sleep": 7.25, "city": "O'slo"}) for person in (1, 2)]
    assert [row["number"] for row in reader.poll()] == numbers
    assert reader.poll() == []
    table.write({"person": 3, "hours_sleep": 8.0, "city": "Bergen"})
    after = Version.of("v2", "1 person u32, 3 city text")
    table.migrate(after, lambda night: {field.name: night[field.name] for field in after.fields})
    with pytest.raises(CannotRead, match="let the old column stand until its readers have moved") as no:
        reader.poll()
    assert (no.value.field, reader.position) == ("hours_sleep", 2)
    assert [row["city"] for row in other.poll()] == ["O'slo", "O'slo", "Bergen"]
    assert table.status().columns == ("person", "city")


def test_a_migration_that_fails_changes_nothing() -> None:
    table = SharedTable(Version.of("v1", "1 person u32, 2 hours_sleep f64"))
    for person in (1, 2):
        table.write({"person": person, "hours_sleep": 7.25 * person})
    after = Version.of("v2", "1 person u32, 3 hours u8")
    with pytest.raises(BadParameter, match="hours"):
        table.migrate(after, lambda night: {"person": night["person"], "hours": 400 if night["person"] == 2 else 7})
    assert (table.status().columns, table.status().rows) == (("person", "hours_sleep"), 2)
    assert [row["hours_sleep"] for row in TableReader(table, "billing", ["hours_sleep"]).poll()] == [7.25, 14.5]


@pytest.mark.parametrize(("act", "says"), [
    (lambda: outage("pigeon"), "lane = 'pigeon': give one of table, service, broker"),
    (lambda: outage(outage_s=-1), "outage_s = -1: give 0 or more"),
    (lambda: outage(outage_s=30, lasts_s=20), "the outage ends after 32 s; give more"),
    (lambda: three_ways(nights_a_second=0.0), "nights_a_second = 0.0: give a number above 0"),
    (lambda: chain(hops=0), "hops = 0: give 1 or more"),
    (lambda: chain(availability=1.1), "give a share between 0 and 1"),
    (lambda: group(consumers=0), "consumers = 0"),
    (lambda: group(partitions=0), "shards = 0"),
    (lambda: group(hot_share=2.0), "hot_share = 2.0"),
    (lambda: renamed("letter"), "style = 'letter': give one of shared database, service, broker"),
    (lambda: renamed(change="none"), "change = 'none'"),
    (lambda: renamed(readers=0), "readers = 0"),
    (lambda: dual_write("hope"), "way = 'hope': give one of commit, then publish, outbox"),
    (lambda: dual_write(crash_share=2), "crash_share = 2: give a share between 0 and 1"),
    (lambda: dual_write(nights=0), "nights = 0"),
    (lambda: replays(retention_s=0), "retention_s = 0"),
    (lambda: SharedTable(Version.of("v", "1 a u64")), "a table has no u64; give one of"),
    (lambda: TableReader(SharedTable(Version.of("v", "1 a u8")), "coach", []), "coach reads no column"),
    (lambda: chain_availability(0.9, 0), "hops = 0"),
    (lambda: group_throughput(1, 1, 0, 1), "consumers = 0"),
    (lambda: calls_failed(-1, 1), "calls_a_second = -1"),
])  # fmt: skip
def test_bad_input_is_told_what_was_given_and_what_to_do(act, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        act()


# ------------------------------------------------------------ what the lab's charts and sentences say
@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_is_safe_sooner_and_done_no_sooner_than_a_call(seed: int) -> None:
    calm = three_ways(outage_s=0, seed=seed)
    done, safe = points.waits_s(calm), points.waits_s(calm, until="safe")
    assert points.soonest(done) == "service and broker"
    assert safe["broker"] == safe["table"] < safe["service"] == done["service"] < done["table"]
    assert points.soonest({"a": 1.0, "b": 2.0}) == "a"
    assert points.soonest(dict.fromkeys(done, 1.0)) == "all three alike"


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_a_service_that_is_too_slow_works_for_callers_who_have_left(seed: int) -> None:
    before, after, in_vain = points.given_up(
        three_ways(nights_a_second=6, works_a_second=4, outage_s=4, seed=seed), back_s=6
    ).values()
    assert before > 0
    assert 0 < in_vain <= after
    assert points.given_up(three_ways(outage_s=0, seed=seed), back_s=6)["given up, and done all the same"] == 0


def test_the_backlog_of_calls_never_shows_the_outage() -> None:
    lines = points.backlogs(three_ways())
    most = {lane: max(waiting for _, waiting in line) for lane, line in lines.items()}
    assert most["service"] < min(most["table"], most["broker"])


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_a_broker_breaks_whom_a_table_breaks_and_the_words_say_so(seed: int) -> None:
    assert points.who_broke(renamed("broker", seed=seed)) == "those who name it"
    assert points.who_broke(renamed("service", mapper=False, seed=seed)) == "all ten"
    assert points.who_broke(renamed("service", seed=seed)) == "nobody"
    grid = points.rename_grid(seed=seed)
    names = [grid["names hours_sleep", str(reader)][1] == "yes" for reader in range(10)]
    assert [grid["broker", str(reader)][0] == "lost" for reader in range(10)] == names
    assert {grid["service, without", str(reader)][0] for reader in range(10)} == {"lost"}


def test_a_rename_is_free_by_number_and_a_number_given_out_again_is_wrong_without_an_error() -> None:
    by_name, by_number = points.reading_grids(points.HISTORY).values()
    for pair in (("v1", "v3"), ("v3", "v1")):
        assert (by_name[pair][0], by_number[pair][0]) == ("lost", "done")
    for pair in (("v1", "v5"), ("v5", "v1")):
        assert (by_name[pair][0], by_number[pair][0]) == ("lost", "late")
    assert {by_name[one, one][0] for one in ("v1", "v2", "v3", "v4", "v5")} == {"done"}
    v1, *_, v5 = points.HISTORY
    data = encode(v5, {"person": 17, "sleep_minutes": 435.0}, form="number")
    assert decode(v1, data, form="number")["hours_sleep"] == 435.0


def test_the_words_of_a_crash_are_those_of_its_worst_steps() -> None:
    said = {place: points.left_by(crashed_everywhere(lines)) for place, lines in PLACES.items()}
    assert list(said.values()) == ["some are lost", "some are done twice", "neither"]
    for place, law in (("commit first", missed_after_crash), ("process first", repeated_after_crash)):
        assert [(batch, mean) for batch, mean, _ in points.at_a_crash(place, 1, 5, 20)] == [
            (batch, law(batch)) for batch in (1, 5, 20)
        ]


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_a_night_of_a_relay_that_dies_is_published_twice(seed: int) -> None:
    boxed = dual_write("outbox", nights=60, crash_share=0.2, seed=seed)
    assert points.of_the_outbox(boxed) == "it is published twice"
    assert points.of_the_outbox(replace(boxed, missing=1)) == "it is lost"
    with pytest.raises(BadParameter, match="no relay died in this run"):
        points.of_the_outbox(replace(boxed, crashes=0))


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
def test_a_hot_key_costs_what_the_law_says(share: float) -> None:
    [(_, a_second, error)] = points.hot(share)
    assert abs(a_second - hot_key_throughput(70, 20, 4, share)) <= max(3 * error, 1.5)


def test_a_real_morning_costs_more_than_twice_what_the_mean_rate_says() -> None:
    due_h = [second / 3600 for second in due_s()]
    six, by_law = real_outage(6), outage_drain_s(3, len(due_h) / 24, 90)
    assert (six.offered, round(six.offered / 24), round(by_law, 1)) == (1_004, 42, 2.6)
    assert abs(six.stood - sum(6 <= hour < 9 for hour in due_h)) <= 1
    assert six.caught_up_h is not None
    assert six.caught_up_h > 2 * by_law
    assert 15 <= 9 + six.caught_up_h <= 18  # "until the late afternoon"
    an_hour = Counter(int(hour) for hour in due_h)
    assert all(40 <= an_hour[hour] <= 85 for hour in range(6, 20))
    assert fmean(an_hour[hour] for hour in range(6, 20)) == pytest.approx(65, abs=6)
    assert [waiting for _, waiting in by_hour()][:3] == [0, 0, 0]


def test_a_real_outage_is_worked_off_or_not_on_that_day() -> None:
    assert real_outage(6, 3, works_an_hour=50).caught_up_h is None
    assert (real_outage(0, 0).caught_up_h, real_outage(2).caught_up_h, real_outage(2).stood) == (0, 0, 0)
    with pytest.raises(BadParameter, match="the outage ends after the day"):
        real_outage(22, 3)
    with pytest.raises(BadParameter, match="no flights on 2/30: give a day of 2013"):
        real_outage(1, month=2, day=30)


def test_counts_are_compared_in_words_that_a_reader_reads() -> None:
    table = points.compared({"log": outage(nights_a_second=4, works_a_second=8, outage_s=2, lasts_s=9)}, of="lane")
    assert list(table.columns) == ["offered", "failed", "stood most", "caught up s"]
    assert table.loc["log", "failed"] == "0"


def test_a_golden_trace_tells_of_three_ways() -> None:
    trace = three_ways(nights_a_second=0.5, works_a_second=2, outage_s=4, lasts_s=10, poll_s=2, seed=GOLDEN_SEED)
    told = "\n".join(line for line in trace.text().splitlines() if " gauge " not in line) + "\n"
    golden = Path(__file__).parent / "golden" / "three_ways_a_call_ends_at_a_closed_door_and_a_bookmark_stands.txt"
    if not golden.exists():
        golden.write_text(told, encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert told == golden.read_text(encoding="utf-8")
