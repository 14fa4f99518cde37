"""The player knows verbs, states and places: what each comes to, and that a new kind needs no line of JavaScript."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from test_player_tiles import in_node

from dsys_lab.scenarios.durable_queue.clips import encode
from dsys_lab.trace import ACCOUNTS, KINDS, STATES, VERBS, Header, Kind, State, Trace
from dsys_lab.trace.kinds import REQUIRED
from dsys_lab.views.player.fold import folded
from dsys_lab.views.player.page import MODULE
from dsys_lab.views.player.titles import titles_of
from dsys_lab.views.theme import ROLES

STATES_AT = """
    const s = player.blank(lane), told = [], at = run.placeIds.get("zone-a/segment-1");
    for (let i = 0; i < lane.n; i++) {
        player.apply(lane, s, i);
        told.push(run.states.filter((one) => s.bits[at] & one.bit).map((one) => one.name));
    }
    console.log(JSON.stringify(told));
"""


def zones(segments: int = 6, zones: int = 3) -> Trace:
    """A record goes to segments in zones."""
    trace = Trace(Header(title="a log in zones"))
    names = [f"zone-{'abc'[i * zones // segments]}/segment-{i + 1}" for i in range(segments)]
    for i, segment in enumerate(names):
        trace.emit(i, "publish", "writer", "r1", attempt=1, copy=i)
        trace.emit(i, "send", "writer", "r1", to=segment, copy=i, type="record", arrive_us=i + 1)
        trace.emit(i + 1, "receive", segment, "r1", source="writer", copy=i, type="record")
    return trace


def troubled() -> Trace:
    trace = zones()
    trace.emit(10, "slow", "zone-a/segment-1", speed=0.5)
    trace.emit(11, "split", "network", side="writer, zone-a/segment-1")
    trace.emit(12, "crash", "zone-a/segment-1")
    trace.emit(13, "restart", "zone-a/segment-1")
    trace.emit(14, "heal", "network", side="writer, zone-a/segment-1")
    return trace


def test_a_place_is_in_several_states_at_once_in_the_picture_and_in_the_still(tmp_path: Path) -> None:
    told = in_node(STATES_AT, troubled(), tmp_path)
    assert told[-5:] == [["slow"], ["slow", "split"], ["down", "slow", "split"], ["slow", "split"], ["slow"]]
    fold = folded(list(troubled())[:-2])
    assert list(fold.states["zone-a/segment-1"].values()) == ["speed ×0.5", "cut off", "down"]
    assert list(fold.states["writer"].values()) == ["cut off"]


def test_every_kind_speaks_the_language_of_pictures() -> None:
    for kind in KINDS.values():
        assert kind.verb in VERBS
        assert kind.role in {"", *ROLES}
        assert {kind.unless} <= {"", *ACCOUNTS}
        assert {kind.state, *kind.ends} <= {"", *STATES}
        assert {kind.at} <= {"", *kind.required}


def test_no_kind_is_known_to_the_player_by_its_name() -> None:
    assert not re.search(r"\b(k|kind)\.name\s*[!=]=", MODULE)


def test_a_new_kind_and_a_new_state_need_no_line_of_javascript(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new = [
        Kind(name="run_made", verb="open", required=frozenset({"op", "key", "size_bytes"}), sentence="{place}: {key}"),
        Kind(name="freeze", verb="mark", required=frozenset(), sentence="{place} freezes", state="frozen"),
    ]
    monkeypatch.setitem(STATES, "frozen", State("frozen", look="hatch"))
    for kind in new:
        monkeypatch.setitem(KINDS, kind.name, kind)
        monkeypatch.setitem(REQUIRED, kind.name, kind.required)
    trace = zones()
    trace.emit(20, "run_made", "lsm/level-0", op="open", key="r1", size_bytes=4096)
    trace.emit(21, "freeze", "zone-a/segment-1")
    assert in_node(STATES_AT, trace, tmp_path)[-1] == ["frozen"]
    drawn = in_node("console.log(JSON.stringify([lane.slots, lay.boxes.map((box) => box.kind)]))", trace, tmp_path)
    assert [slot["key"] for slot in drawn[0]] == ["r1"]
    assert "axis" in drawn[1]


@pytest.mark.parametrize("segments", [6, 12])
def test_zones_are_frames_with_their_segments_inside(segments: int, tmp_path: Path) -> None:
    script = """
    console.log(JSON.stringify([320, 500, 1076].map((width) => {
        const { frames, boxes, height } = player.layout(graph, width);
        return { frames, boxes: boxes.map(({ id, label, x, y, w, h }) => ({ id, label, x, y, w, h })), height, width };
    })));
    """
    for stage in in_node(script, zones(segments), tmp_path):
        frames = {frame["label"]: frame for frame in stage["frames"]}
        assert list(frames) == ["zone-a", "zone-b", "zone-c"]
        for frame in frames.values():
            assert frame["y"] >= 0
            assert frame["y"] + frame["h"] <= stage["height"]
        tops = sorted((frame["y"], frame["y"] + frame["h"]) for frame in frames.values())
        assert all(first[1] < second[0] for first, second in itertools.pairwise(tops))
        inside = [box for box in stage["boxes"] if "/" in box["id"]]
        assert len(inside) == segments
        for box in inside:
            zone, segment = box["id"].split("/")
            frame = frames[zone]
            assert box["label"] == segment
            assert frame["x"] <= box["x"] <= box["x"] + box["w"] <= frame["x"] + frame["w"]
            assert frame["y"] < box["y"] < box["y"] + box["h"] < frame["y"] + frame["h"]


def test_who_works_on_a_message_that_another_has_is_a_ghost_until_its_next_word() -> None:
    trace = encode(visibility_s=1, handles="newest")
    rows = [row for row in trace if row.message == "c2"]
    shown = next(row for row in rows if row.kind == "visible")
    word = next(row for row in rows if row.kind == "answer" and row.place == "encoder-2")
    ghosts = [folded(list(trace)[:seq]).ghosts for seq in (shown.seq, shown.seq + 1, word.seq, word.seq + 1)]
    assert [("encoder-2", ("c2", 0)) in one for one in ghosts] == [False, True, True, False]


def test_who_has_failed_or_crashed_is_no_ghost() -> None:
    for last in ("fail", "crash"):
        trace = Trace()
        trace.emit(0, "deliver", "queue", "m", to="worker", attempt=1, handle="h", visible_until_us=9, arrive_us=1)
        trace.emit(1, "start", "worker", "m", attempt=1)
        trace.emit(2, last, "worker", *(["m"] if last == "fail" else []), why="poison", attempt=1)
        trace.emit(9, "visible", "queue", "m", attempt=1)
        assert folded(trace).ghosts == {}


def test_a_loan_lasts_as_long_as_it_was_extended(tmp_path: Path) -> None:
    trace = Trace()
    trace.emit(0, "deliver", "queue", "m", to="worker", attempt=1, handle="h", visible_until_us=9, arrive_us=1)
    trace.emit(1, "start", "worker", "m", attempt=1)
    trace.emit(5, "extend", "queue", "m", until_us=30)
    trace.emit(30, "visible", "queue", "m", attempt=1)
    script = """
    const s = player.blank(lane), told = [];
    for (let i = 0; i < lane.n; i++) {
        player.apply(lane, s, i);
        told.push(s.lease[0] ? lane.lease[s.lease[0] - 1] : 0);
    }
    console.log(JSON.stringify(told));
    """
    assert in_node(script, trace, tmp_path) == [9, 9, 30, 0]


def test_discs_have_three_sizes_by_bytes_and_one_where_all_are_alike(tmp_path: Path) -> None:
    def sizes(*given: int) -> list[float]:
        trace = Trace()
        for i, size_bytes in enumerate(given):
            trace.emit(i, "publish", "phone", f"m{i}", attempt=1, size_bytes=size_bytes)
        return [round(x, 2) for x in in_node("console.log(JSON.stringify([...player.sizesOf(lane)]))", trace, tmp_path)]

    assert sizes(100, 1000, 10_000, 100) == [0.62, 0.8, 1, 0.62]
    assert sizes(100, 150) == [1, 1]


def test_a_place_divides_and_its_ranges_levels_and_lines_stand_in_it(tmp_path: Path) -> None:
    trace = Trace()
    trace.emit(0, "range", "table", op="open", key="p1", low=0, high=100)
    trace.emit(1, "gauge", "table/p1", name="tokens", value=3, unit="units", full=10)
    trace.emit(2, "gauge", "table/p1", name="depth", value=3, unit="messages")
    trace.emit(3, "shard", "table", op="split", parents="p1", children="p2 p3")
    trace.emit(4, "watermark", "windows", at_us=70)
    script = """
    const named = (map) => Object.fromEntries([...map].map(([p, x]) => [run.places[p], x]));
    const kinds = Object.fromEntries(lay.boxes.map((box) => [box.id, [box.kind, box.tubes]]));
    console.log(JSON.stringify([named(lane.bornAt), named(lane.goneAt), named(lane.axes), kinds]));
    """
    born, gone, axes, kinds = in_node(script, trace, tmp_path)
    assert (born, gone) == ({"table/p2": 3, "table/p3": 3}, {"table/p1": 3})
    assert axes == {"table": [0, 100], "windows": [70, 70]}
    assert kinds["table"] == ["axis", 0]
    assert kinds["windows"] == ["axis", 0]
    assert kinds["table/p1"] == ["machine", 1]


def test_a_title_says_every_parameter_in_which_lanes_differ() -> None:
    lanes = [encode(visibility_s=2, workers=3, clips=5), encode(visibility_s=20, workers=2, idempotent=True, clips=5)]
    assert titles_of(lanes) == [
        "loan of 2 s, work of 2 s, workers 3, idempotent no",
        "loan of 20 s, work of 2 s, workers 2, idempotent yes",
    ]
    assert titles_of(lanes, ["mine"]) == ["mine", titles_of(lanes)[1]]
    assert titles_of(lanes[:1]) == ["loan of 2 s, work of 2 s"]


def test_a_lost_message_leaves_an_outline_that_is_known_later_and_filled_at_last(tmp_path: Path) -> None:
    trace = Trace(Header(title="one is missed"))
    trace.emit(0, "publish", "phone", "m1", attempt=1)
    trace.emit(1, "drop", "phone", "m1", why="no room")
    trace.emit(1, "hole", "phone", "m1", to="tap", why="no room", copy=9)
    trace.emit(2_000_001, "detect", "tap", "m1", by="gap", after_us=2_000_000, copy=9)
    trace.emit(3_000_000, "mend", "tap", "m1", by="it came again", copy=9)
    script = """
    const s = player.blank(lane), told = [];
    for (let i = 0; i < lane.n; i++) {
        player.apply(lane, s, i);
        told.push([player.holeOf(s, 1), s.at[1] - 1, player.balance(s).dropped]);
    }
    const flows = [...lane.flows.values()].map((f) => [run.places[f.a], run.places[f.b]]);
    console.log(JSON.stringify([told, run.places.indexOf("tap"), flows]));
    """
    told, tap, flows = in_node(script, trace, tmp_path)
    assert told[2:] == [[1, tap, 1], [2, tap, 1], [3, tap, 1]]
    assert ["phone", "tap"] in flows
    holes = [folded(list(trace)[:rows]).holes for rows in (2, 3, 4, 5)]
    assert [list(each.values()) for each in holes] == [[], [("open", 0)], [("known", 2_000_000)], [("filled", 0)]]
    assert ("phone", "tap") in folded(trace).flows


FATES = """
    const s = player.blank(lane), told = {};
    for (let i = 0; i < lane.n; i++) player.apply(lane, s, i);
    for (const name of ["queue", "door"]) told[name] = [s.lost, s.refused].map((a) => a[run.placeIds.get(name)]);
    told.dead = s.count[run.placeIds.get("queue/dead")];
    console.log(JSON.stringify(told));
"""


def test_the_set_aside_are_not_lost_and_refusals_are_counted_in_the_picture_and_in_the_still(tmp_path: Path) -> None:
    trace = Trace()
    for number in range(3):
        trace.emit(number, "publish", "phone", f"m{number}", attempt=1)
        trace.emit(number, "enqueue", "queue", f"m{number}", depth=1)
    trace.emit(5, "dead", "queue", "m0", receives=3, to="queue/dead")
    trace.emit(6, "expire", "queue", "m1", age_us=6)
    trace.emit(7, "publish", "phone", "m3", attempt=1)
    trace.emit(8, "reject", "door", "m3", why="full")
    fold = folded(trace)
    assert (fold.lost["queue"], fold.refused["queue"], fold.lost["door"], fold.refused["door"]) == (1, 0, 0, 1)
    assert fold.where["m0", 0] == ("queue/dead", "dead")
    assert in_node(FATES, trace, tmp_path) == {"queue": [1, 0], "door": [0, 1], "dead": 1}
