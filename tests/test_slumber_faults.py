"""Each fault of Slumber strikes the share it was given, shows as it says, leaves the rest alone and can be undone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.workloads.slumber import Faults, Slumber, minutes
from dsys_lab.workloads.slumber.delivery import delivered_twice
from dsys_lab.workloads.slumber.faults import DEVICE_OFF, LATE_FROM_S, ORPHANS_FROM, SANE_MINUTES

N = 20_000
CLEAN = Slumber(nights=N).read("night")
SHARE = 0.2
TOUCHES = {
    "late": {"sync_lag_s"},
    "orphans": {"person_id"},
    "nulls": {"status", "minutes_sleep"},
    "bad_units": {"minutes_sleep"},
    "dups": set(),
}


def spoiled(**faults: Any) -> dict[str, Any]:
    return Slumber(nights=N, faults=Faults(**faults)).read("night")


@pytest.mark.parametrize("fault", TOUCHES)
def test_a_fault_strikes_its_share_and_leaves_the_rest_alone(fault: str) -> None:
    struck = Faults(**{fault: SHARE}).struck(fault, 7, 0, N)
    assert abs(struck.mean() - SHARE) < 3 * (SHARE * (1 - SHARE) / N) ** 0.5
    nights = spoiled(**{fault: SHARE})
    for name in CLEAN:
        assert np.array_equal(nights[name][~struck], CLEAN[name][~struck])
        if name not in TOUCHES[fault]:
            assert np.array_equal(nights[name], CLEAN[name])


def test_one_fault_does_not_move_another() -> None:
    alone, together = Faults(late=SHARE), Faults(late=SHARE, nulls=0.5, orphans=0.5)
    assert np.array_equal(alone.struck("late", 7, 0, N), together.struck("late", 7, 0, N))
    more = Faults(late=2 * SHARE).struck("late", 7, 0, N)
    assert (more | ~alone.struck("late", 7, 0, N)).all(), "a larger share strikes the same nights and more"


def test_each_fault_shows_and_can_be_undone() -> None:
    nights = spoiled(orphans=SHARE, late=SHARE, nulls=SHARE)
    struck = {name: Faults(**{name: SHARE}).struck(name, 7, 0, N) for name in ("orphans", "late", "nulls")}
    orphan = nights["person_id"] >= ORPHANS_FROM
    assert np.array_equal(orphan, struck["orphans"])
    assert np.array_equal(nights["person_id"] - orphan * np.uint32(ORPHANS_FROM), CLEAN["person_id"])
    assert np.array_equal(nights["sync_lag_s"] >= LATE_FROM_S, struck["late"])
    off = (nights["status"] & DEVICE_OFF) != 0
    assert np.array_equal(off, struck["nulls"] | (CLEAN["status"] != 0))
    assert not nights["minutes_sleep"][off].any()


def test_hours_among_the_minutes_are_outside_what_is_sane() -> None:
    nights, struck = spoiled(bad_units=SHARE), Faults(bad_units=SHARE).struck("bad_units", 7, 0, N)
    known = nights["status"] == 0
    low, high = SANE_MINUTES
    outside = (nights["minutes_sleep"] < low) | (nights["minutes_sleep"] > high)
    assert np.array_equal(outside[known], struck[known])


@pytest.mark.parametrize("given", [{"late": -0.1}, {"dups": 1.1}, {"nulls": float("nan")}])
def test_a_share_outside_zero_to_one_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(BadParameter, match="give a share between 0 and 1"):
        Faults(**given)


def test_all_and_none_are_shares_too() -> None:
    assert Faults(nulls=1.0).struck("nulls", 7, 0, 1000).all()
    assert not Faults().struck("nulls", 7, 0, 1000).any()
    with pytest.raises(BadParameter, match="fault = 'drift'"):
        Faults().struck("drift", 7, 0, 10)


# ------------------------------------------------------------------------------------------ deliveries
def stream(nights: int, *, rows: int, **faults: Any) -> dict[str, Any]:
    blocks = list(Slumber(nights=nights, faults=Faults(**faults)).events(rows=rows))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


@settings(max_examples=20, deadline=None)
@given(nights=st.integers(1, 4000), rows=st.integers(20, 5000), late=st.sampled_from([0.0, 0.3]))
def test_the_stream_is_sorted_whole_and_the_same_in_any_blocks(nights: int, rows: int, late: float) -> None:
    events = stream(nights, rows=rows, late=late, dups=0.1)
    order = np.lexsort((events["copy"], events["event_id"], events["arrived_s"]))
    assert np.array_equal(order, np.arange(len(order)))
    whole = Slumber(nights=nights, faults=Faults(late=late, dups=0.1)).read("event")
    order = np.lexsort((whole["copy"], whole["event_id"], whole["arrived_s"]))
    assert all(np.array_equal(whole[name][order], events[name]) for name in whole)


def test_one_in_two_hundred_is_delivered_twice() -> None:
    assert int(delivered_twice(7, np.arange(10**6)).sum()) == 4949
    events = stream(N, rows=5000)
    numbers, copies = np.unique(events["event_id"], return_counts=True)
    assert len(numbers) == N
    assert np.array_equal(copies == 2, delivered_twice(7, np.arange(N)))
    second = events["copy"] == 1
    first_s = dict(zip(events["event_id"][~second].tolist(), events["arrived_s"][~second].tolist(), strict=True))
    again = events["event_id"][second].tolist()
    after_s = events["arrived_s"][second] - np.array([first_s[number] for number in again])
    assert ((after_s > 0) & (after_s <= 3600)).all()


def test_nine_in_ten_arrive_within_ten_minutes_and_one_in_a_hundred_after_half_a_day() -> None:
    events = stream(N, rows=5000)
    lag_s = (events["arrived_s"] - events["woke_s"])[events["copy"] == 0]
    assert abs((lag_s < 600).mean() - 0.9) < 0.015
    assert 0.005 < (lag_s > 43_200).mean() < 0.015
    assert (np.diff(events["event_id"].astype(np.int64)) < 0).any(), "arrival is not the order of the nights"
    late = stream(N, rows=5000, late=SHARE)
    lag_s = (late["arrived_s"] - late["woke_s"])[late["copy"] == 0]
    assert abs((lag_s >= LATE_FROM_S).mean() - SHARE) < 0.01


# ------------------------------------------------------------------------------------------ documents that drift
FIRST = {
    0: '{"id":0,"d":"2017-01-01","p":12,"hours_sleep":"7.48","city":"Oslo"}',
    61: '{"id":61,"d":"2017-01-03","p":14,"hours_sleep":"7.67","city":"Dhaka"}',
    144: '{"id":144,"d":"2017-01-04","p":61,"hours_sleep":null,"city":"Tokyo"}',
    2101: '{"id":2101,"d":"2017-01-15","p":266,"sleep_minutes":517}',
    300000: '{"id":300000,"d":"2017-06-22","person":455,"sleep":{"minutes":null,"awake":3},"spo2":95}',
    999999: '{"id":999999,"d":"2017-11-12","person":2778,"sleep":{"minutes":512,"awake":0},"spo2":97}',
}


def recovered(document: dict[str, Any]) -> int | None:
    """Read a night's minutes by the fields that are present: what a reader of the lake must do."""
    if "hours_sleep" in document:
        return None if document["hours_sleep"] is None else round(float(document["hours_sleep"]) * 60)
    return document["sleep_minutes"] if "sleep_minutes" in document else document["sleep"]["minutes"]


@pytest.mark.parametrize("drift", [False, True])
def test_the_minutes_come_back_exactly_whatever_the_shape(drift: bool) -> None:
    small = Slumber(nights=60_000, faults=Faults(drift=drift, nulls=0.05))
    nights = small.read("night")
    documents = [json.loads(line) for line in small.documents()]
    assert [recovered(document) for document in documents] == minutes(nights).tolist()
    shapes = {tuple(document) for document in documents}
    assert len(shapes) == (3 if drift else 1)
    people = [document.get("p", document.get("person")) for document in documents]
    assert people == nights["person_id"].tolist()


def test_firmware_versions_live_side_by_side() -> None:
    small = Slumber(nights=60_000, faults=Faults(drift=True))
    day_16, day_62 = (small.read("night", 10 * d * (d + 1), 10 * (d + 1) * (d + 2))["fw"] for d in (16, 62))
    assert (set(day_16.tolist()), set(day_62.tolist())) == ({1, 2}, {2, 3})
    lines = list(small.documents(10 * 62 * 63, 10 * 62 * 63 + 50))
    assert all(('"person":' in line) == ('"spo2":' in line) for line in lines)
    assert len({'"spo2":' in line for line in lines}) == 2


def test_the_first_documents_are_these_to_the_letter() -> None:
    drifting = Slumber(nights=10**6, faults=Faults(drift=True))
    lines = [line for number in FIRST for line in drifting.documents(number, number + 1)]
    assert lines == list(FIRST.values())
