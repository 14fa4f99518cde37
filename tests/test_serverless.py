"""Capacity follows load in half steps, fast when it is large slowly when it is small, and sleeps when nobody comes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.stores.relational.serverless import (
    DEEP_AFTER_S,
    PAUSE_AFTER_S,
    RESUME_DEEP_S,
    RESUME_S,
    STEP_ACU,
    Capacity,
    Demand,
    Limits,
    bill,
    following,
    resume_s,
)

BUSY, NOBODY = Demand(cpu_acu=32, connections=1), Demand()


def over(start, demands, limits):
    sizes = [start]
    for demand in demands:
        sizes.append(following(sizes[-1], demand, limits))
    return sizes


demands = st.lists(
    st.builds(
        Demand,
        cpu_acu=st.floats(0, 300),
        memory_gib=st.floats(0, 600),
        connections=st.integers(0, 2),
    ),
    max_size=60,
)


@given(demands, st.integers(0, 8), st.integers(8, 512))
@settings(max_examples=100, deadline=None)
def test_a_size_is_a_half_step_within_its_limits_whatever_is_asked(asked, low, high):
    limits = Limits(min_acu=low / 2, max_acu=high / 2)
    for size in over(Capacity(acu=max(STEP_ACU, low / 2)), asked, limits)[1:]:
        assert size.acu % STEP_ACU == 0
        assert size.acu == 0 or max(STEP_ACU, limits.min_acu) <= size.acu <= limits.max_acu
        assert limits.min_acu == 0 or size.acu


def seconds_to_double(acu):
    sizes = over(Capacity(acu=acu), [Demand(cpu_acu=256, connections=1)] * 60, Limits(max_acu=256))
    return next(second for second, size in enumerate(sizes) if size.acu >= 2 * acu)


def test_a_large_one_doubles_no_slower_and_gains_far_more_a_second_than_a_small_one():
    assert seconds_to_double(64) <= seconds_to_double(2) <= 4
    gains = [following(Capacity(acu=acu), Demand(cpu_acu=256, connections=1), Limits(max_acu=256)).acu - acu
             for acu in (0.5, 8, 64)]  # fmt: skip
    assert gains == [0.5, 3.0, 25.5]


def test_it_grows_to_what_is_asked_and_shrinks_gradually():
    limits = Limits(max_acu=64)
    up = over(Capacity(acu=0.5), [BUSY] * 30, limits)
    down = over(up[-1], [Demand(cpu_acu=1, connections=1)] * 400, limits)
    grows = [size.acu for size in up].index(32.0)
    shrinks = [size.acu for size in down].index(1.0)
    assert shrinks > 5 * grows
    assert all(a.acu - b.acu <= max(STEP_ACU, 0.02 * a.acu + STEP_ACU) for a, b in pairwise(down))
    assert following(Capacity(acu=4), Demand(memory_gib=24, connections=1), limits).acu == 5.5  # memory asks for 12


def test_it_sleeps_only_when_nobody_has_come_for_the_whole_time_and_then_costs_nothing():
    limits = Limits(min_acu=0, pause_after_s=300)
    quiet = over(Capacity(acu=0.5), [NOBODY] * 310, limits)
    assert [size.phase for size in quiet].index("paused") == 300
    assert bill((size.acu for size in quiet[300:]), 0.12) == 0
    held = over(Capacity(acu=0.5), ([NOBODY] * 299 + [Demand(connections=1)]) * 3, limits)
    assert {size.phase for size in held} == {"active"}
    never = over(Capacity(acu=0.5), [NOBODY] * 400, Limits(min_acu=0.5))
    assert {size.acu for size in never} == {0.5}


@pytest.mark.parametrize(("slept_s", "wait_s"), [(600, RESUME_S), (DEEP_AFTER_S + 10, RESUME_DEEP_S)])
def test_who_wakes_it_waits_longer_after_a_long_sleep(slept_s, wait_s):
    assert resume_s(slept_s) == wait_s
    asleep = Capacity(acu=0, idle_s=slept_s)
    sizes = over(asleep, [BUSY] * 60, Limits(min_acu=0))
    woke = [size.phase for size in sizes].index("active")
    assert (woke, sizes[woke].acu) == (wait_s + 1, STEP_ACU)  # it comes back small
    assert {size.phase for size in sizes[1:woke]} == {"resuming"}


def test_the_bill_is_the_area_under_the_sizes():
    assert bill([2.0] * 3_600, 0.12) == pytest.approx(0.24)
    assert bill([0.5] * 1_800 + [0.0] * 1_800, 0.12) == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Limits(min_acu=0.3), "min_acu = 0.3: give 0 to 256 in steps of 0.5"),
        (lambda: Limits(max_acu=300), "max_acu = 300: give 1 to 256"),
        (lambda: Limits(min_acu=4, max_acu=2), "min_acu = 4 lies above max_acu = 2"),
        (lambda: Limits(pause_after_s=60), f"pause_after_s = 60: give {PAUSE_AFTER_S[0]:g} to 86400 seconds"),
        (lambda: Limits(growth_share=0), "growth_share = 0"),
        (lambda: following(Capacity(acu=1), Demand(cpu_acu=-1), Limits()), "cpu_acu = -1: give 0 or more"),
        (lambda: bill([], -1), "price_acu_hour = -1"),
    ],
)
def test_bad_input_is_told_what_was_given_and_what_to_give(call, says):
    with pytest.raises(BadParameter, match=says):
        call()


def test_a_resume_is_long_after_more_than_a_day_and_not_after_a_day() -> None:
    assert resume_s(DEEP_AFTER_S) == RESUME_S < RESUME_DEEP_S == resume_s(DEEP_AFTER_S + 1)
