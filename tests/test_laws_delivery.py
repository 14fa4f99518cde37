"""What a delivery stream does follows its laws: seconds and bytes of a crate, hours lost, pings that land twice."""

from __future__ import annotations

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.delivery_stream import counts

MIB = 1 << 20


@pytest.mark.parametrize(("rate", "gap_s", "mib"), [(0.1, 50, 5), (0.01, 300, 3), (10, 0.5, 5), (0.001, 300, 0.3)])
def test_the_glass_or_the_hourglass_whichever_is_first(rate, gap_s, mib):
    assert laws.crate_gap_s(rate * MIB, 5 * MIB, 300) == pytest.approx(gap_s)
    assert laws.crate_bytes(rate * MIB, 5 * MIB, 300) == pytest.approx(mib * MIB)
    [(_, counted_s, error_s)], [(_, counted_mib, error)] = counts.gaps_s(rate), counts.sizes_mib(rate)
    assert abs(counted_s - gap_s) <= 3 * error_s + gap_s / counts.RECORDS_A_CRATE
    assert abs(counted_mib - mib) <= 3 * error + 2 * mib / counts.RECORDS_A_CRATE


def test_a_day_has_as_many_crates_as_gaps_and_folders_multiply_them():
    assert laws.crates_a_day(0.1 * MIB, 5 * MIB, 300) == pytest.approx(1_728)
    assert laws.crates_a_day(0.1 * MIB, 5 * MIB, 300, partitions=100) == pytest.approx(100 * 288)


@pytest.mark.parametrize("customers", [1, 8])
def test_folders_divide_the_crates(customers):
    [(_, counted, error)] = counts.crate_sizes(customers)
    law = laws.crate_bytes(200, 1_000, 20, customers, record_bytes=100)
    assert abs(counted - law) <= 3 * error + 0.1 * law, "the last crates of a run are small"


def test_an_outage_costs_what_it_is_longer_than_the_hold():
    for hours, lost, _ in counts.hours_lost(1, 5, 7, hold_h=4):
        law = laws.expired_s(hours * 3_600, 4 * 3_600) / 3_600
        most = laws.expired_s(hours * 3_600 + 1_800, 4 * 3_600) / 3_600
        assert law <= lost <= most, "an interval and a pause more, at most"


def test_who_hears_nothing_puts_again():
    [(share, counted, error)] = counts.puts(0.4)
    assert abs(counted - laws.puts_a_record(share)) <= 3 * error


@pytest.mark.parametrize(("judged", "records"), [("each ping", 1), ("a whole crate", 10)])
def test_a_bad_ping_goes_alone_or_takes_its_crate_along(judged, records):
    [(bad, counted, _)] = counts.aside(0.1, judged=judged)
    law = laws.set_aside_share(bad, records)
    error = (law * (1 - law) * records / (counts.BURST * counts.RUNS)) ** 0.5
    assert abs(counted - law) <= 3 * error


@pytest.mark.parametrize(
    ("law", "given"),
    [
        (laws.crate_gap_s, {"bytes_a_second": 0, "size_bytes": 1, "interval_s": 1}),
        (laws.crates_a_day, {"bytes_a_second": 1, "size_bytes": 1, "interval_s": 0}),
        (laws.crate_bytes, {"bytes_a_second": 1, "size_bytes": 1, "interval_s": 1, "partitions": 0}),
        (laws.expired_s, {"outage_s": -1, "hold_s": 1}),
        (laws.puts_a_record, {"answers_lost": 1}),
        (laws.set_aside_share, {"bad": 1.5}),
    ],
)
def test_a_law_outside_its_domain_says_so(law, given):
    with pytest.raises(BadParameter):
        law(**given)
