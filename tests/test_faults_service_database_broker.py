"""What goes wrong around a broker is made to happen, and comes to what the lab says."""

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.service_database_broker.faults import (
    PauseCounted,
    PoisonCounted,
    ReplayCounted,
    broker_crash,
    delivered_thrice,
    effects_each,
    paused,
    poison,
    position_lost,
)

SEEDS = range(1, 9)


def test_a_broker_that_syncs_each_record_loses_none_that_it_said_yes_to() -> None:
    assert {broker_crash(sync_every=1, seed=seed).lost for seed in SEEDS} == {0}


def test_one_that_syncs_every_hundred_loses_up_to_as_many_and_its_torn_tail_is_cut() -> None:
    counted = [broker_crash(sync_every=100, records=250, seed=seed) for seed in SEEDS]
    assert all(0 <= one.lost <= 50 for one in counted)
    assert any(one.lost > 0 for one in counted)
    assert any(one.torn_bytes > 0 for one in counted)


def test_poison_is_set_aside_after_five_and_the_others_are_done() -> None:
    assert poison() == PoisonCounted(receives=5, set_aside=1, done=9, stuck=0)
    assert poison(max_receives=None) == PoisonCounted(receives=20, set_aside=0, done=9, stuck=1)


def test_a_pause_longer_than_the_loan_gives_the_message_to_another() -> None:
    assert paused() == PauseCounted(received=2, effects=2, acknowledged=1)
    assert paused(watched="seen ids") == PauseCounted(received=2, effects=1, acknowledged=1)
    assert paused(pause_s=20) == PauseCounted(received=1, effects=1, acknowledged=1)


def test_a_call_that_comes_again_takes_effect_once() -> None:
    assert delivered_thrice() == (30, 10)
    assert delivered_thrice(watched="nothing") == (30, 30)


def test_a_lost_position_is_a_full_replay_which_seen_ids_make_harmless() -> None:
    assert position_lost() == ReplayCounted(records=100, effects=100)
    assert position_lost(watched="nothing") == ReplayCounted(records=100, effects=200)


def test_whoever_writes_down_what_it_has_seen_does_all_once_whatever_the_fault():
    assert set(effects_each("seen ids").values()) == {1}
    assert list(effects_each("nothing").values()) == [2, 3, 2]


@pytest.mark.parametrize(("act", "says"), [
    (lambda: broker_crash(sync_every=0), "sync_every = 0"),
    (lambda: poison(messages=0), "messages = 0"),
    (lambda: poison(max_receives=0), "max_receives"),
    (lambda: paused(pause_s=-1), "pause_s = -1"),
    (lambda: paused(watched="luck"), "watched = 'luck': give one of seen ids, nothing"),
    (lambda: delivered_thrice(calls=0), "calls = 0"),
    (lambda: position_lost(batch=0), "batch = 0"),
])  # fmt: skip
def test_bad_input_is_told_what_to_do(act, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        act()
