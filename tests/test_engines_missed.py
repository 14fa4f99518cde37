"""Real servers miss what the model says that they miss, and say nothing; a change that a lost slot missed is gone."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from dsys_lab.brokers.audit import Missing
from dsys_lab.engines import nats
from dsys_lab.engines.nats.missed import ORDERS, fallen_off, killed_at_the_seam, unheard
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.missed_messages import counts, seam
from dsys_lab.trace import lamps


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()


@pytest.mark.parametrize("order", ORDERS)
def test_a_worker_killed_at_the_seam_misses_or_repeats_as_the_model_does(order):
    run = killed_at_the_seam(order, messages=4, dies_at=2)
    assert [row.message for row in run.of("publish_ok")] == ["m1", "m2", "m3", "m4"]
    model = seam(order=order, page=1, crash_share=0.05)
    assert counts.both_zero(run) == {ORDERS[0]: "some are missed", ORDERS[1]: "some are done again"}[order]
    if order == ORDERS[0]:
        assert counts.carried_out(run).get("m2") is None
        assert counts.both_zero(model) == "some are missed"
    else:
        assert counts.carried_out(run)["m2"] == 2
        assert counts.both_zero(model) == "neither", "it crashes before the effect, and the page is one record"
    assert {lamp.name: lamp.held for lamp in lamps(run)} == {
        "at most once": order == ORDERS[0], "at least once": order == ORDERS[1],
    }  # fmt: skip


def test_a_slow_consumer_falls_off_without_an_error_and_its_numbers_show_it():
    found = fallen_off()
    assert found.first > found.acknowledged + 1
    assert found.errors == 0
    assert found.heard == (1, 2, 3, 13, 14, 15)
    assert found.seen == (Missing("phone", 4, 12),)
    assert found.told == "nothing"
    assert found.table().iloc[:, 0].tolist() == ["1 to 15", "13", "1, 2, 3, 13, 14, 15", "3", "4 to 12"]


def test_what_is_published_while_nobody_is_subscribed_is_gone():
    assert unheard(before=4, after=2) == {"published": 6, "heard": 2}


@pytest.mark.skipif(sys.platform == "win32", reason="PostgreSQL is not started on Windows")
def test_a_slot_that_falls_off_is_lost_for_good_and_a_snapshot_brings_the_state_but_not_the_changes():
    from dsys_lab.engines.postgres.lost_slot import lost_slot

    found = lost_slot()
    assert found.heard == 3
    assert found.states[0] == "reserved"
    assert found.states[-1] == "lost"
    assert "wal_removed" in found.said
    assert found.told == "an error"
    assert (found.missed, found.snapshot, found.heard_again) == (5, 8, 2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: killed_at_the_seam("at once"),
        lambda: killed_at_the_seam(ORDERS[0], messages=0),
        lambda: fallen_off(max_age_s=0),
        lambda: unheard(before=-1),
    ],
)
def test_misuse_is_told_what_to_give(call):
    with pytest.raises(BadParameter):
        call()
