"""Where the acknowledgement stands decides what a crash does, tried at every step."""

from collections import Counter
from itertools import permutations
from statistics import fmean

import pytest

from dsys_lab.dataflows.service.acknowledgement import LINES, PLACES, crashed_everywhere
from dsys_lab.errors import BadParameter
from dsys_lab.laws import repeated_after_crash

BATCHES = (1, 2, 5, 12)


@pytest.mark.parametrize("batch", BATCHES)
def test_to_commit_first_loses_up_to_a_batch_and_repeats_nothing(batch: int) -> None:
    found = crashed_everywhere(PLACES["commit first"], records=12, batch=batch)
    assert max(one.lost for one in found) == batch
    assert {one.repeated for one in found} == {0}


@pytest.mark.parametrize("batch", BATCHES)
def test_to_process_first_repeats_up_to_a_batch_and_loses_nothing(batch: int) -> None:
    found = crashed_everywhere(PLACES["process first"], records=12, batch=batch)
    assert max(one.repeated for one in found) == batch
    assert {one.lost for one in found} == {0}


@pytest.mark.parametrize("batch", BATCHES)
def test_with_what_was_seen_each_takes_effect_once_wherever_it_crashes(batch: int) -> None:
    found = crashed_everywhere(PLACES["process first, skip seen"], records=12, batch=batch)
    assert {(one.lost, one.repeated) for one in found} == {(0, 0)}


@pytest.mark.parametrize("batch", BATCHES)
def test_the_mean_of_what_is_repeated_is_the_laws(batch: int) -> None:
    found = crashed_everywhere(PLACES["process first"], records=batch * 3, batch=batch)
    at_work = [one.repeated for one in found if one.before == "process"]
    assert len(at_work) == batch * 3
    assert fmean(at_work) == repeated_after_crash(batch)


def test_no_step_is_left_out() -> None:
    found = crashed_everywhere(PLACES["process first"], records=4, batch=2)
    assert Counter(one.before for one in found) == {"process": 4, "read": 3, "commit": 3, "the end": 1}
    assert [one.step for one in found] == list(range(11))


def test_of_all_orders_of_four_lines_only_turns_of_the_right_one_are_right() -> None:
    right = [order for order in permutations(LINES)
             if all(one.lost == one.repeated == 0 for one in crashed_everywhere(order))]  # fmt: skip
    turns = {PLACES["process first, skip seen"][turn:] + PLACES["process first, skip seen"][:turn] for turn in range(4)}
    assert set(right) == turns


@pytest.mark.parametrize(("lines", "more", "says"), [
    (("read", "pray"), {}, "line = 'pray': give one of read, skip seen, process, commit"),
    (("process", "commit"), {}, "once at most, and 'read'"),
    (("read", "read"), {}, "once at most, and 'read'"),
    (("read",), {"batch": 0}, "batch = 0: give a number above 0"),
    (("read",), {"records": -1}, "records = -1"),
])  # fmt: skip
def test_bad_input_is_told_what_to_do(lines: tuple[str, ...], more: dict[str, int], says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        crashed_everywhere(lines, **more)
