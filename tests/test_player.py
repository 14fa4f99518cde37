"""The player without a browser: packing, words, the still picture, the three modes.

The pure half of the module runs under Node (`player.test.mjs`) over runs that are written here, so that JavaScript and
Python are held against each other row by row.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Damaged
from dsys_lab.scenarios.durable_queue.clips import encode
from dsys_lab.scenarios.lake_and_warehouse import race
from dsys_lab.scenarios.log_stream import nights
from dsys_lab.scenarios.missed_messages import path
from dsys_lab.scenarios.not_consumed_in_time import bursts as lab
from dsys_lab.scenarios.publish_subscribe import filtering
from dsys_lab.simulation.faults import ACTS
from dsys_lab.trace import KINDS, Header, Row, Trace, balance, lamps
from dsys_lab.views.player import _FAULTS, Player, describe, duration, pack, unpack
from dsys_lab.views.player.fold import Fold, folded
from dsys_lab.views.player.opening import opening
from dsys_lab.views.player.page import MODULE, STYLE, fragment, page
from dsys_lab.views.player.still import png
from dsys_lab.views.player.widget import Controls, control
from dsys_lab.views.theme import ROLES

ROOT = Path(__file__).resolve().parent.parent
PNG = b"\x89PNG\r\n\x1a\n"


def queue(messages: int = 300, capacity: int = 12, *, title: str = "a queue", seed: int = 3) -> Trace:
    """A small queue with everything in it: drops, refusals, waiting, a crash, repeats, gauges, an answer lost."""
    chance = random.Random(seed)
    trace = Trace(Header(title=title, seed=seed, invariants={"conservation": {}, "nothing lost": {}}))
    trace.header.references = {"depth": {"value": capacity, "label": f"room for {capacity}"}}
    waiting: list[tuple[str, int]] = []
    now = 0
    for i in range(messages):
        now += chance.randrange(1, 50_000)
        message, again = f"m{i}", i % 11 == 10
        trace.emit(now, "publish", "phone", message, attempt=1, copy=0)
        trace.emit(now, "send", "phone", message, to="uploads", copy=0, type="clip", arrive_us=now + 400)
        now += 400
        trace.emit(now, "receive", "uploads", message, source="phone", copy=0, type="clip")
        if len(waiting) >= capacity:
            if i % 3:
                trace.emit(now, "drop", "uploads", message, why="the buffer is full")
            else:
                trace.emit(now, "reject", "uploads", message, why="the buffer is full")
                trace.emit(now, "block", "phone", message, depth=len(waiting))
                trace.emit(now + 90, "unblock", "phone", message, waited_us=90)
                now += 90
        else:
            waiting.append((message, 0))
            trace.emit(now, "enqueue", "uploads", message, depth=len(waiting))
        if again:
            trace.emit(now, "publish", "phone", message, attempt=2, copy=1)
            trace.emit(now, "duplicate", "uploads", message, of=message, copy=1)
        if i == messages // 2:
            trace.emit(now, "crash", "worker-1")
            now += 900_000
            trace.emit(now, "restart", "worker-1")
        if waiting and chance.random() < 0.7:
            message, copy = waiting.pop(0)
            trace.emit(now + 10, "start", "worker-1", message, attempt=1, copy=copy)
            trace.emit(now + 900, "finish", "worker-1", message, attempt=1, copy=copy)
            now += 900
        if i % 5 == 0:
            trace.emit(now, "gauge", "uploads", name="depth", value=len(waiting), unit="messages")
    trace.header.end_us = now + 1000
    return trace


def fifty() -> Trace:
    trace = Trace(Header(title="fifty wearables"))
    for i in range(300):
        trace.emit(i * 1000, "publish", f"wearable-{i % 50 + 1}", f"n{i}", attempt=1)
        trace.emit(i * 1000, "enqueue", "inbox", f"n{i}", depth=i + 1)
    return trace


def every_kind() -> Trace:
    """One row of every kind, so that every sentence is said."""
    numbers = ("_us", "attempt", "copy", "depth", "count", "offset", "first", "lsn", "page", "block", "position")
    trace = Trace(Header(title="every kind"))
    for i, kind in enumerate(KINDS.values()):
        fields = {
            name: i * 1_234_567 if name.endswith("_us") else i if name.endswith(numbers) else f"{name}-{i}"
            for name in sorted(kind.required)
        }
        trace.emit(i * 10, kind.name, f"place-{i % 3}", f"m{i % 4}" if i % 5 else None, **fields)
    return trace


FENCED = {"shards": 1, "records": 30, "poll_s": 2, "work_s": 0.2, "fenced": True}
FROZEN = {"do": "slow", "target": "worker-1", "value": 0, "lasts_s": 15, "on": {"kind": "effect", "place": "worker-1"}}
DURATIONS = [
    0, 1, 999, 1000, 1500, 20_000, 999_499, 999_500, 1_500_000, 59_994_999, 60_000_000, 125_000_000, 3_725_000_000,
    -2_500, 12_345.678, 2.125, 172_799_000_000, 172_800_000_000, 1_209_600_000_000, 277_200_000_000,
]  # fmt: skip


@pytest.fixture(scope="module")
def runs() -> dict[str, list[Trace]]:
    return {
        "queue": [queue()],
        "queue-short": [queue(40, 4)],
        "two": [lab.burst(policy="drop_newest", until_s=60), lab.burst(policy="block", until_s=60)],
        "storm": [lab.retry_storm(until_s=45)],
        "pipeline": [lab.pipeline()],
        "fifty": [fifty()],
        "zombies": [encode(visibility_s=1, handles="newest"), encode(visibility_s=1, handles="any")],
        "every-kind": [every_kind()],
        "lost-and-back": [race(way="folder", writers=4, each=4)],
        "same-twice": [queue(), queue()],
        "empty": [Trace(Header(title="nothing"))],
        "one-moment": [_one_moment()],
        "fence": [nights(**FENCED, looks_at_its_clock=False, faults=[FROZEN])],
        "skips": [filtering(at="listener")],
        "leaks": [path(until_s=45), path(until_s=45, leak="none")],
    }


def _one_moment() -> Trace:
    trace = Trace()
    for i in range(20):
        trace.emit(7, "publish", "phone", f"m{i}", attempt=1)
    return trace


# ------------------------------------------------------------------------------------------------------------ packing
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 62), 1 << 62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 10**9),
        st.sampled_from(["publish", "note", "gauge", "crash"]),
        st.sampled_from(["phone", "uploads", "uploads/shard-3", "größer 🜁"]),
        st.one_of(st.none(), st.text(max_size=5)),
        st.dictionaries(st.sampled_from(["copy", "size_bytes", "why", "late"]), SCALARS, max_size=4),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, max_size=3))
def test_what_was_packed_is_unpacked(lanes: list[list[tuple]]) -> None:
    gauge = {"name": "g", "value": 1.5, "unit": "u"}
    needed = {"publish": {"attempt": 1}, "note": {"text": "x"}, "gauge": gauge, "crash": {}}
    traces = []
    for rows in lanes:
        trace = Trace()
        for time_us, kind, place, message, fields in sorted(rows, key=lambda row: row[0]):
            trace.emit(time_us, kind, place, message, **needed[kind], **fields)
        traces.append(trace)
    packed = pack(*traces)
    head, unpacked = unpack(packed)
    assert len(packed) % 8 == 0
    assert len(head["lanes"]) == len(traces)
    for trace, rows in zip(traces, unpacked, strict=True):
        assert len(rows) == len(trace)
        for row, back in zip(trace, rows, strict=True):
            assert back[:5] == row[:5]
            given_fields = {name: value for name, value in row.fields.items() if value is not None}
            back_fields = {name: value for name, value in back.fields.items() if value is not None}
            assert back_fields == given_fields
            assert {n for n, v in back_fields.items() if v is True} == {n for n, v in given_fields.items() if v is True}


def test_a_damaged_container_is_refused() -> None:
    with pytest.raises(Damaged, match="not a packed run"):
        unpack(b"nonsense" * 10)
    with pytest.raises(Damaged, match="schema"):
        unpack(pack(queue(5)).replace(b'"schema":1', b'"schema":7'))


def test_the_same_runs_are_packed_to_the_same_bytes() -> None:
    assert pack(queue(), queue(60)) == pack(queue(), queue(60))


def test_parameters_that_json_does_not_know_are_packed() -> None:
    trace = Trace(Header(params={"capacity": float("inf"), "policies": ("a", "b")}))
    trace.emit(0, "note", "phone", text="x", size=float("inf"), why=float("nan"))
    assert b"Infinity" not in pack(trace)
    assert b"NaN" not in pack(trace)


# --------------------------------------------------------------------------------------------------------- javascript
def test_the_module_agrees_with_python(runs: dict[str, list[Trace]], tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    (tmp_path / "player.mjs").write_text(MODULE, encoding="utf-8")
    for name, traces in runs.items():
        (tmp_path / f"{name}.run").write_bytes(pack(*traces))
        (tmp_path / f"{name}.json").write_text(json.dumps(_told(traces)))
    done = subprocess.run(
        [node, "--test", str(ROOT / "tests" / "player.test.mjs")],
        env={**os.environ, "RUNS": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _told(traces: list[Trace]) -> dict:
    lanes = []
    for trace in traces:
        every = max(1, len(trace) // 60)
        balances, ghosts, lost = [], [], []
        for rows in range(0, len(trace) + 1, every):
            fold = folded(list(trace)[:rows])
            ghosts.append([rows, sorted(f"{place} {copy[0]}" for place, copy in fold.ghosts)])
            lost.append([rows, dict(+fold.lost)])
            book = balance(trace[i] for i in range(rows))
            balances.append([rows, {name.replace("_", " "): getattr(book, name) for name in book.__slots__}])
        rows = [{**row._asdict(), "fields": {n: v for n, v in row.fields.items() if v is not None}} for row in trace]
        end = folded(trace)
        counts = {"done": end.done, "skipped": end.skipped}
        said = {what: {place: n for place, n in sorted(count.items()) if n} for what, count in counts.items()}
        lanes.append({"rows": rows, "words": [describe(row) for row in trace], "balances": balances, "ghosts": ghosts,
                      "lost": lost, "said": said,
                      "leaks": {place: at for place, at in end.leaks.items() if at}})  # fmt: skip
    return {"lanes": lanes, "durations": [[us, duration(us)] for us in DURATIONS]}


# -------------------------------------------------------------------------------------------------------------- words
def test_every_kind_has_a_sentence_for_people() -> None:
    for row in every_kind():
        words = describe(row)
        assert "{" not in words
        assert "_us" not in words


def test_a_measure_without_a_unit_leaves_no_gap_before_the_full_stop() -> None:
    assert describe(Row(0, 5, "gauge", "stock", None, {"name": "dead versions", "value": 4, "unit": ""})) == (
        "dead versions at stock: 4")


@pytest.mark.parametrize(
    ("us", "words"), [(20_000, "20 ms"), (1_500_000, "1.5 s"), (125_000_000, "2 min 5 s"), (0, "0 µs")]
)
def test_durations_are_said_as_people_say_them(us: int, words: str) -> None:
    assert duration(us) == words


def test_the_text_form_says_what_became_of_each_run() -> None:
    text = repr(Player(queue(), describe="Watch the tray."))
    broken = lamps(queue())[1]
    assert text.startswith("Watch the tray.\na queue: ")
    assert "kept: conservation" in text
    assert f"broken: nothing lost, by {len(broken.rows):,} rows; first at " in text
    assert str(balance(queue())) in text


def test_the_browser_is_told_which_states_a_row_begins_and_ends() -> None:
    packed = unpack(pack(every_kind()))[0]["kinds"]
    assert {k["name"]: (k["state"], tuple(k["ends"])) for k in packed} == {
        kind.name: (kind.state, kind.ends) for kind in KINDS.values()
    }


def test_a_still_tells_the_state_that_is_left_when_another_ends() -> None:
    trace = Trace()
    trace.emit(0, "slow", "phone", speed=0.5)
    trace.emit(1, "block", "phone", "m1", depth=3)
    trace.emit(2, "unblock", "phone", "m1", waited_us=1)
    trace.emit(3, "slow", "phone", speed=0)
    fold = Fold()
    told = []
    for row in trace:
        fold.apply(row)
        told.append(list(fold.states["phone"].values()))
    assert told == [["speed ×0.5"], ["speed ×0.5", "must wait"], ["speed ×0.5"], ["paused"]]


# -------------------------------------------------------------------------------------------------------------- modes
def test_still_mode_gives_a_picture_and_the_same_words_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    first, _ = Player(queue(), queue(60))._repr_mimebundle_()
    again, _ = Player(queue(), queue(60))._repr_mimebundle_()
    assert first.keys() == {"text/plain", "image/png"}
    assert first == again
    assert base64.b64decode(first["image/png"]).startswith(PNG)


def test_still_mode_makes_no_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    player = Player(queue(30), controls={"capacity": (1, 20)}, again=lambda capacity: queue(30, capacity))
    player._repr_mimebundle_()
    assert player._whole is None


def test_html_mode_carries_everything_and_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "html")
    data, _ = Player(queue(30))._repr_mimebundle_()
    assert data.keys() == {"text/plain", "image/png", "text/html"}
    assert not re.search(r"(src|href)=.https?:", data["text/html"])


def test_live_mode_shows_a_widget_and_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSYS_LAB_VIEW", raising=False)
    data, _ = Player(queue(30))._repr_mimebundle_()
    assert data.keys() == {"text/plain", "application/vnd.jupyter.widget-view+json"}


def test_a_mode_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "video")
    with pytest.raises(BadParameter, match="live"):
        Player(queue(5))._repr_mimebundle_()


def test_the_text_is_the_same_in_every_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = set()
    for mode in ("live", "html", "still"):
        monkeypatch.setenv("DSYS_LAB_VIEW", mode)
        texts.add(Player(queue(30))._repr_mimebundle_()[0]["text/plain"])
    assert len(texts) == 1


@pytest.mark.parametrize(
    "traces", [[], [Trace()], [Trace(), queue(5)], [_one_moment()]], ids=["none", "empty", "half", "one moment"]
)
def test_little_to_show_is_shown(traces: list[Trace], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for mode in ("live", "html", "still"):
        monkeypatch.setenv("DSYS_LAB_VIEW", mode)
        assert Player(*traces)._repr_mimebundle_()[0]["text/plain"]
    assert Player(*traces).save(tmp_path / "x.html").stat().st_size > 1000


def test_what_is_no_trace_is_refused() -> None:
    with pytest.raises(BadParameter, match="traces, not list"):
        Player([queue(5)])  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="at most 4"):
        Player(*[queue(5)] * 5)


# -------------------------------------------------------------------------------------------------------- stills, pages
def test_a_still_is_a_picture_of_its_run() -> None:
    picture = png([queue()], ["a queue"])
    assert picture.startswith(PNG)
    assert picture != png([queue(60)], ["a queue"])


def test_lanes_of_many_places_stand_one_below_the_other_in_a_still() -> None:
    def size(picture: bytes) -> tuple[int, int]:
        return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")

    chain = Trace(Header())
    for i, place in enumerate("abcdefg"):
        chain.emit(i, "enqueue" if i % 2 else "start", place, "m0", **({"depth": 1} if i % 2 else {"attempt": 1}))
    one, two, short = (png(traces, [""] * len(traces)) for traces in ([chain], [chain] * 2, [queue(30)] * 2))
    assert size(one)[0] == size(two)[0]
    assert size(two)[1] > 1.8 * size(one)[1]
    assert size(short)[1] == size(one)[1]


def test_a_picture_opens_soon_after_the_first_fault_if_there_is_one() -> None:
    trace = Trace(Header(end_us=100))
    for i in range(10):
        trace.emit(i, "publish", "phone", f"m{i}", attempt=1)
    for i in range(10):
        trace.emit(20 + i, "finish", "phone", f"m{i}", attempt=1)
    assert opening([trace]) == (9, "The fullest moment")
    trace.emit(50, "crash", "phone")
    trace.emit(52, "publish", "phone", "late", attempt=1)
    trace.emit(54, "restart", "phone")
    trace.emit(55, "publish", "phone", "later", attempt=1)
    assert opening([trace]) == (52, "Soon after the first fault")
    assert opening([trace, trace])[0] == 52
    trace.header.poster_us = 21
    assert opening([queue(), trace])[0] == 21
    trace.header.faults = [{"do": "crash", "target": "phone", "at_s": 50e-6}]
    assert opening([trace])[0] == 52, "a fault that somebody added is what there is to see"
    trace.header.poster_us = 55
    assert opening([trace])[0] == 55, "it is felt still"


def test_a_picture_opens_where_a_long_fault_breaks_a_promise_at_last() -> None:
    trace = Trace(Header(end_us=1000, invariants={"nothing lost": {}}))
    trace.emit(1, "crash", "phone")
    trace.emit(2, "publish", "wearables", "m1", attempt=1)
    trace.emit(3, "enqueue", "wearables", "m1", depth=1)
    trace.emit(700, "drop", "wearables", "m1", why="no room")
    assert opening([trace]) == (700, "The first promise that is broken")
    trace.header.invariants.clear()
    assert opening([trace]) == (3, "Soon after the first fault")


def publishing(*more: tuple[int, str, str], invariants: dict[str, dict] | None = None) -> Trace:
    """Three messages are offered at once; then more rows (time, kind, message) at the same place."""
    trace = Trace(Header(end_us=1000, invariants=invariants or {}))
    for time_us, kind, message in [(1, "publish", "a"), (2, "publish", "b"), (3, "publish", "c"), *more]:
        fields = {"publish": {"attempt": 1}, "finish": {"attempt": 1}, "drop": {"why": "no room"}}[kind]
        trace.emit(time_us, kind, "phone", message, **fields)
    return trace


def test_lanes_that_are_still_the_same_at_their_fullest_open_where_they_differ() -> None:
    done = publishing((500, "finish", "a"), (520, "finish", "b"))
    left = publishing((500, "finish", "a"), (530, "finish", "c"))
    dropped = publishing((500, "finish", "a"), (540, "drop", "b"), invariants={"nothing lost": {}})
    assert opening([done, done]) == (3, "The fullest moment")
    assert opening([done, left]) == (520, "Where the lanes differ")
    assert opening([done, dropped]) == (540, "The first promise that is broken")
    done.header.poster_us = left.header.poster_us = 3
    assert opening([done, left]) == (520, "Where the lanes differ")
    assert opening([done]) == (3, "The moment to look at")


def test_a_page_is_one_file(tmp_path: Path) -> None:
    path = Player(queue(), titles=["</script> & <b>"]).save(tmp_path / "x.html")
    text = path.read_text(encoding="utf-8")
    assert text.count("<script>") == text.count("</script>") == 1
    assert not re.search(r"(src|href)=\"(?!data:)", text)


def test_pages_hold_no_end_of_script_in_module_or_style() -> None:
    assert page(b"", title="t").count("</script>") == fragment(b"").count("</script>") == 1


def test_the_stylesheet_and_the_theme_have_the_same_colours() -> None:
    style = STYLE
    light = style[: style.index(".dp-dark")]
    for name in ("waiting", "moving", "done", "again", "lost"):
        assert f"--dp-{name}: {ROLES[name].colour};" in light
        assert f"--dp-{name}-ink: {ROLES[name].ink};" in light
    for name in ("late", "law", "useful", "unused", "skipped"):
        assert f"--dp-{name}: {ROLES[name].colour};" in light


# ------------------------------------------------------------------------------------------------- controls and forks
def test_a_control_runs_again_and_loads() -> None:
    again = lambda capacity: queue(30, capacity)  # noqa: E731
    player = Player(queue(30, 5), controls={"capacity": (1, 20)}, again=again, values={"capacity": 5})
    _ = player.widget
    slider = player._controls._controls["capacity"]
    assert slider.value == 5
    before = player._live.packed
    slider.value = 9
    assert player._live.packed != before
    assert player.traces[0].digest() == queue(30, 9).digest()


def test_an_error_of_a_run_is_said_under_the_controls_and_goes_away() -> None:
    def again(capacity: int) -> Trace:
        if capacity == 7:
            raise BadParameter("capacity = 7: give another")
        if capacity == 8:
            raise ZeroDivisionError("never mind")
        return queue(10, capacity)

    player = Player(queue(10), controls={"capacity": (1, 20)}, again=again, values={"capacity": 5})
    _ = player.widget
    slider, words = player._controls._controls["capacity"], player._controls._words
    slider.value = 7
    assert "capacity = 7: give another" in words.value
    slider.value = 8
    assert "ZeroDivisionError: never mind" in words.value
    assert "Traceback" in words.value
    slider.value = 9
    assert words.value == ""


@pytest.mark.parametrize(
    ("spec", "now", "kind"),
    [
        ((1, 200), 50, "IntSlider"),
        ((1, 200, 5), 50, "IntSlider"),
        ((0.0, 1.0), 0.5, "FloatSlider"),
        ((1, 9), None, "IntSlider"),
        (["block", "drop_newest"], "block", "Dropdown"),
        ([None, 0.1], None, "Dropdown"),
        (True, False, "Checkbox"),
        (True, 8.0, "FloatSlider"),
    ],
)
def test_a_control_fits_its_parameter(spec: object, now: object, kind: str) -> None:
    made = control("capacity", spec, now)
    assert type(made).__name__ == kind
    assert made.value == (now if now is not None or kind == "Dropdown" else 1)


def test_a_control_without_sense_is_refused() -> None:
    with pytest.raises(BadParameter, match="capacity"):
        control("capacity", "many", 5)
    with pytest.raises(BadParameter, match="go together"):
        Player(queue(5), controls={"capacity": (1, 2)})


def test_a_fork_stands_beside_what_was_and_leads_back() -> None:
    asked = []

    def fork(lane: int, fault: dict) -> Trace:
        asked.append((lane, fault))
        return queue(30, 2)

    original = [queue(30, 5), queue(30, 9)]
    player = Player(*original, titles=["room for 5", "room for 9"], fork=fork)
    _ = player.widget
    fault = {"do": "crash", "target": "worker-1", "at_s": 0.5, "lasts_s": 2.0}
    player._answer({"ask": "fork", "lane": 1, "fault": fault})
    head, lanes = unpack(player._live.packed)
    assert asked == [(1, fault)]
    assert head["note"] == "Added at 500 ms: worker-1 crashes for 2 s. Same seed, same luck."
    assert head["back"] is True
    assert head["titles"] == ["room for 9, as it was", "room for 9 + crash worker-1"]
    assert lanes[0] == list(original[1])
    assert lanes[1] == list(queue(30, 2))
    player._answer({"ask": "back"})
    head, lanes = unpack(player._live.packed)
    assert "note" not in head
    assert [len(lane) for lane in lanes] == [len(trace) for trace in original]


def test_the_faults_that_a_reader_may_add_are_called_alike_on_both_sides() -> None:
    words = re.search(r"const FAULTS = \{(.+?)\};", MODULE)
    assert dict(re.findall(r'(\w+): "(.+?)"', words[1])) == _FAULTS
    assert set(_FAULTS) <= set(ACTS)


def test_a_fork_that_fails_is_said() -> None:
    def fork(lane: int, fault: dict) -> Trace:
        raise BadParameter("no machine 'uploads'")

    player = Player(queue(10), fork=fork)
    _ = player.widget
    player._answer({"ask": "fork", "lane": 0, "fault": {"do": "crash", "target": "uploads", "at_s": 1}})
    assert "no machine 'uploads'" in player._live.words


def test_controls_take_the_values_of_the_run(runs: dict[str, list[Trace]]) -> None:
    made = Controls({"capacity": (1, 200)}, runs["two"][0].header.params, lambda **_: runs["two"], lambda _: None)
    assert made.values == {"capacity": 50}


def test_packing_is_quick_enough_to_follow_a_slider() -> None:
    trace = lab.burst()
    best = min(_seconds(lambda: pack(trace)) for _ in range(5))
    # ten times the usual: a loop gone wrong, not a slow machine
    assert best < 0.5, f"{len(trace)} rows took {best:.3f} s"


def _seconds(call: object) -> float:
    start = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - start


# ------------------------------------------------------------------------------------------ levels, wholes and gauges
def test_a_still_keeps_the_level_that_a_gauge_said_last_and_names_a_whole_once():
    from matplotlib.figure import Figure

    from dsys_lab.views.player import still, still_strip
    from dsys_lab.views.player.fold import folded

    trace = Trace()
    for place, value in (("cards/a", 10), ("cards/b", 4), ("cards/a", 2)):
        trace.emit(0, "gauge", place, name="tokens", value=value, unit="units", full=8)
    trace.emit(1, "gauge", "phone", name="asked", value=3, unit="calls")
    assert folded(trace).levels == {"cards/a": 0.25, "cards/b": 0.5}

    axes, columns = Figure().subplots(), {"cards/a": (0, 0.5, False), "cards/b": (0, -0.5, False), "x/y": (1, 0, False)}
    assert still._frames(axes, columns, {0: (0.0, 1.0), 1: (1.7, 1.0)}) == {"cards/a", "cards/b"}
    assert [text.get_text() for text in axes.texts] == ["cards"]
    assert still_strip.gauges_of(trace) == {("cards/a", "tokens"): ([0, 0], [10, 2]), ("cards/b", "tokens"): ([0], [4])}


def test_a_gauge_is_shown_whole_though_its_unit_has_another_word_at_times():
    from dsys_lab.views.player.still_strip import gauges_of

    trace = Trace()
    for at, value, unit in ((0, 1, "possible"), (1, 0, "not possible"), (2, 1, "possible")):
        trace.emit(at, "gauge", "volume", name="writes", value=value, unit=unit)
    trace.emit(3, "gauge", "volume", name="asked", value=3, unit="calls")
    assert gauges_of(trace) == {("volume", "writes"): ([0, 1, 2], [1, 0, 1])}


def test_a_still_says_what_a_box_holds_and_not_how_much(monkeypatch):
    from matplotlib.axes import Axes

    said, write = [], Axes.text
    monkeypatch.setattr(Axes, "text", lambda *where, **how: said.append(where[-1]) or write(*where, **how))
    trace = Trace()
    for number, held in enumerate(("v7", "v9")):
        trace.emit(number, "holds", f"cache/k{number}", held, key=number, copy=1)
    png([trace], [""])
    assert {"v7", "v9"} <= set(said)
    assert "1" not in said
