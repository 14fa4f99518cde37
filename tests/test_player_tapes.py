"""A log is a tape: what is on it, whose hue it has, who has read how far, who works there, and where it ends."""

from __future__ import annotations

from dsys_lab.scenarios.log_stream import nights, own_pace
from dsys_lab.trace import KINDS, Trace
from dsys_lab.views.player import Player
from dsys_lab.views.player.fold import folded
from dsys_lab.views.player.opening import opening
from dsys_lab.views.player.still_tapes import _line_for, hues_of


def tape() -> Trace:
    run = Trace()
    for offset, key in enumerate(["anna", "bert", "anna"]):
        message = f"m{offset}"
        run.emit(offset, "publish", "phone", message, attempt=1)
        run.emit(offset, "append", "nights/shard-000", message, shard="shard-000", offset=offset, key=key)
    return run


def test_a_record_stays_where_it_is_whoever_reads_it():
    run = tape()
    run.emit(5, "read", "billing", shard="nights/shard-000", first=0, count=2, behind_us=0, arrive_us=6)
    fold = folded(run)
    assert {place for place, _ in fold.where.values()} == {"nights/shard-000"}
    assert fold.carets["nights/shard-000"] == {("billing", "read"): 2}
    assert fold.behind == 1
    assert ("nights/shard-000", "billing") in fold.flows


def test_a_place_that_is_kept_for_who_comes_later_is_empty_and_the_end_is_the_furthest():
    run = Trace()
    for seq, offset in enumerate((0, 3, 1)):
        run.emit(seq, "publish", "clerk", f"m{offset}", attempt=1)
        run.emit(seq, "append", "outbox", f"m{offset}", shard="outbox", offset=offset, key="anna")
    run.emit(5, "read", "reader", shard="outbox", first=0, count=1, behind_us=0, arrive_us=6)
    assert folded(run).behind == 3
    assert set(folded(run).tapes["outbox"]) == {0, 1, 3}
    assert Player(run).still()[:4] == b"\x89PNG"


def test_a_group_has_one_position_whoever_of_it_wrote_it_down_and_a_new_owner_ends_what_the_old_one_read():
    run = tape()
    run.emit(4, "lease", "scoring", shard="shard-000", owner="w1", epoch=1)
    run.emit(5, "read", "w1", shard="nights/shard-000", first=0, count=3, behind_us=0, arrive_us=6)
    run.emit(6, "commit", "w1", shard="shard-000", offset=0, group="scoring")
    assert folded(run).carets["nights/shard-000"] == {("w1", "read"): 3, ("scoring", "commit"): 1}
    run.emit(7, "lease", "scoring", shard="shard-000", owner="w2", epoch=2)
    run.emit(8, "commit", "w2", shard="shard-000", offset=2, group="scoring")
    fold = folded(run)
    assert fold.carets["nights/shard-000"] == {("scoring", "commit"): 3}
    assert fold.owners == {"nights/shard-000": "w2"}


def test_a_closed_tape_is_closed_and_a_key_has_one_hue_on_all():
    run = nights(shards=1, rate=20, records=60, split_at_s=1)
    fold = folded(run)
    assert fold.closed == {"nights/shard-000"}
    keys = {str(row.fields["key"]) for row in run.of("append")}
    assert hues_of(fold).keys() == keys
    assert len(set(hues_of(fold).values())) == len(keys)


def test_a_tape_opens_where_most_lies_before_those_who_read():
    run = own_pace()
    first = opening([run])
    assert first is not None
    behind = {row.time_us: folded(list(run)[: row.seq + 1]).behind for row in list(run)[::25]}
    assert folded(row for row in run if row.time_us <= first.time_us).behind >= max(behind.values())


def test_what_a_caret_is_travels_with_the_kind_and_a_still_shows_each_tape():
    assert {kind.name: kind.caret for kind in KINDS.values() if kind.caret} == {
        "read": "read", "commit": "commit", "lease": "owner",
    }  # fmt: skip
    assert Player(nights(records=8)).still()[:4] == b"\x89PNG"


def test_who_stands_far_apart_shares_a_line_and_who_would_collide_does_not():
    lines: list[list[tuple[float, float]]] = []
    assert [_line_for(span, lines) for span in ((0, 1), (2, 3), (0.5, 2.5), (3.5, 4), (2.6, 2.8))] == [0, 0, 1, 0, 1]
