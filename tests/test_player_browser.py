"""The player under a reader's hands: keys, clicks, promises, looks; in Chromium, from a file, with the network off.

The page is what `Player.save` writes. A test asks what a reader would notice: the words, the row reached, the
colours of what is drawn, and that nothing was requested or complained about.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dsys_lab.scenarios.not_consumed_in_time import bursts as lab
from dsys_lab.trace import Header, Trace, lamps
from dsys_lab.views.player import Player, describe, pack
from dsys_lab.views.player.page import page as whole_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PLAYER = "document.querySelector('.dp')._player"
LIGHT, DARK = "light", "dark"


class Reader:
    """A page with one player in it, and what a reader does there."""

    def __init__(self, page: Page, complaints: list[str], requests: list[str]) -> None:
        self.page, self.complaints, self.requests = page, complaints, requests

    def ask(self, expression: str) -> Any:
        """Ask the player's own state: `T`, `step_at`, `playing`, …"""
        return self.page.evaluate(f"{PLAYER}.{expression}")

    def hear(self, kind: str, text: str) -> None:
        """Keep what the console complains about; that a test reads pixels back is the test's own doing."""
        if kind in ("error", "warning") and "willReadFrequently" not in text:
            self.complaints.append(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focus(self) -> None:
        self.page.locator(".dp canvas").first.focus()

    def row(self, lane: int = 0) -> int:
        """The row that the picture stands at, from 0; -1 before the first."""
        return self.ask(f"rowAt({lane})")

    def said(self) -> str:
        return self.page.inner_text(".dp-live")

    def words(self, lane: int = 0) -> str:
        return self.page.locator(".dp-words").nth(lane).inner_text()

    def colours(self, lane: int = 0) -> set[str]:
        """Every colour that covers at least forty pixels of a lane's canvas."""
        return set(
            self.page.evaluate(
                """(lane) => {
            const canvas = document.querySelectorAll('.dp canvas')[lane], seen = new Map();
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            for (let i = 0; i < data.length; i += 4) {
                const rgb = [data[i], data[i + 1], data[i + 2]];
                const colour = '#' + rgb.map((x) => x.toString(16).padStart(2, '0')).join('');
                seen.set(colour, (seen.get(colour) ?? 0) + 1);
            }
            return [...seen].filter(([, n]) => n >= 40).map(([colour]) => colour);
        }""",
                lane,
            )
        )


Open = Callable[..., Reader]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a player's page offline; at the end nothing may have been complained about or asked for."""
    readers, contexts = [], []

    def open_it(
        *traces: Trace, width: int = 1100, height: int = 800, scheme: str = LIGHT, reduced: bool = False, html: str = ""
    ) -> Reader:
        path = tmp_path / f"{len(contexts)}.html"
        if html:
            path.write_text(html, encoding="utf-8")
        else:
            Player(*traces).save(path)
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce" if reduced else "no-preference",
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        reader = Reader(page, [], [])
        page.on("console", lambda said: reader.hear(said.type, said.text))
        page.on("pageerror", lambda error: reader.complaints.append(str(error)))
        page.on("request", lambda request: reader.requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(".dp[data-seq]", timeout=15_000)
        readers.append(reader)
        return reader

    yield open_it
    for context in contexts:
        context.close()
    for reader in readers:
        assert reader.complaints == []
        assert [url for url in reader.requests if not url.startswith(("file:", "blob:", "data:"))] == []


@pytest.fixture(scope="module")
def two() -> tuple[Trace, Trace]:
    return lab.burst(policy="drop_newest", until_s=50), lab.burst(policy="block", until_s=50)


@pytest.fixture(scope="module")
def faulty() -> Trace:
    faults = [{"do": "crash", "target": "scorer", "at_s": 10, "lasts_s": 10}]
    return lab.burst(policy="reject", until_s=50, faults=faults)


def short() -> Trace:
    """Two messages, one done and one dropped."""
    trace = Trace(Header(title="short", invariants={"nothing lost": {}}))
    for i in range(2):
        trace.emit(i * 1000, "publish", "phone", f"m{i}", attempt=1)
        trace.emit(
            i * 1000 + 200, "send", "phone", f"m{i}", to="uploads", copy=0, type="clip", arrive_us=i * 1000 + 600
        )
        trace.emit(i * 1000 + 600, "receive", "uploads", f"m{i}", source="phone", copy=0, type="clip")
        if i:
            trace.emit(1600, "drop", "uploads", "m1", why="the buffer is full")
        else:
            trace.emit(600, "enqueue", "uploads", "m0", depth=1)
    trace.emit(2000, "start", "worker-1", "m0", attempt=1)
    trace.emit(2500, "finish", "worker-1", "m0", attempt=1)
    return trace


# ------------------------------------------------------------------------------------------------------------ the start
def test_a_page_opens_at_the_fullest_moment_and_plays_from_the_start(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    assert reader.ask("poster") is True
    assert reader.ask("playing") is False
    assert reader.ask("T") > 1e6
    assert reader.said().startswith("The fullest moment.")
    full = reader.ask("T")
    reader.page.click(".dp-poster")
    assert reader.ask("T") < full / 2
    assert reader.ask("playing") is True
    assert reader.page.locator(".dp-poster").is_hidden()
    reader.page.wait_for_function(f"{PLAYER}.T > 1e6")


def test_space_plays_and_pauses_and_the_words_say_where(open_page: Open) -> None:
    reader = open_page(short())
    reader.focus()
    reader.press("Space")
    assert reader.page.get_attribute(".dp-play", "aria-label") == "Pause"
    reader.page.wait_for_function(f"{PLAYER}.T > 400")
    reader.press("Space")
    assert reader.ask("playing") is False
    assert reader.said().startswith("paused at ")
    stood = reader.ask("T")
    reader.page.wait_for_timeout(120)
    assert reader.ask("T") == stood


def test_playing_ends_at_the_end(open_page: Open) -> None:
    reader = open_page(short())
    reader.focus()
    reader.press("Home", *["+"] * 6, "Space")
    reader.page.wait_for_function(f"!{PLAYER}.playing")
    assert reader.row() == len(short()) - 1
    assert reader.words() == f"{describe(short()[-1])}."


# -------------------------------------------------------------------------------------------------- every row, by keys
def test_arrows_step_through_every_row_both_ways_and_say_each(open_page: Open) -> None:
    trace, reader = short(), None
    reader = open_page(trace)
    reader.focus()
    reader.press("Home")
    assert reader.row() == -1
    said = []
    for row in trace:
        reader.press("ArrowRight")
        assert reader.row() == row.seq
        assert reader.words() == f"{describe(row)}."
        assert describe(row) in reader.said()
        said.append(reader.page.evaluate("document.querySelector('.dp-twin').textContent"))
    assert "Offered 2 = done 1 + stored 0 + in flight 0 + dropped 1" in said[-1]
    for row in reversed(list(trace)[:-1]):
        reader.press("ArrowLeft")
        assert reader.row() == row.seq
        assert reader.page.evaluate("document.querySelector('.dp-twin').textContent") == said[row.seq]
    reader.press("End", "ArrowRight")
    assert reader.row() == len(trace) - 1


def test_home_end_and_ten_rows(open_page: Open, faulty: Trace) -> None:
    reader = open_page(faulty)
    reader.focus()
    reader.press("Home", "Shift+ArrowRight", "Shift+ArrowRight")
    assert reader.row() == 19
    reader.press("Shift+ArrowLeft")
    assert reader.row() == 9
    reader.press("End")
    assert reader.row() == len(faulty) - 1


def test_two_lanes_step_together_where_their_luck_is_the_same(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.focus()
    reader.press("Home", *["ArrowRight"] * 12)
    assert (reader.row(0), reader.row(1)) == (11, 11)
    assert "both lanes: " in reader.said()
    reader.press("End")
    assert (reader.row(0), reader.row(1)) == (len(two[0]) - 1, len(two[1]) - 1)


def test_a_lane_in_focus_is_stepped_row_by_row(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.focus()
    reader.ask("seekTime(30e6)")
    reader.press("2")
    assert reader.page.locator(".dp-lane").nth(1).get_attribute("class") == "dp-lane dp-focused"
    row = reader.row(1)
    for step in range(1, 9):
        reader.press("ArrowRight")
        assert reader.row(1) == row + step
    for step in range(7, -1, -1):
        reader.press("ArrowLeft")
        assert reader.row(1) == row + step
    reader.press("0")
    assert "all lanes" in reader.said()


def test_plus_and_minus_change_the_speed_within_its_bounds(open_page: Open) -> None:
    reader = open_page(short())
    reader.focus()
    reader.press("+")
    assert reader.page.input_value(".dp-speed") == "2"
    reader.press(*["-"] * 20)
    assert reader.page.input_value(".dp-speed") == "0.1"
    reader.press(*["+"] * 20)
    assert reader.page.input_value(".dp-speed") == "16"


@pytest.mark.parametrize("speed", ["0.5", "4"])
def test_the_speed_is_the_speed(open_page: Open, two: tuple[Trace, Trace], speed: str) -> None:
    reader = open_page(*two)
    ran = reader.page.evaluate(
        f"""async () => {{ const p = {PLAYER}; p.seekTime(0);
        document.querySelector('.dp-speed').value = '{speed}'; p.play();
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const t = performance.now(), from = p.T; await new Promise((done) => setTimeout(done, 700));
        return (p.T - from) / p.view.span * p.view.base / ((performance.now() - t) / 1000); }}"""
    )
    assert ran == pytest.approx(float(speed), rel=0.25)


def test_the_slider_scrubs_and_the_strip_is_a_slider_too(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    box = reader.page.locator(".dp-time").bounding_box()
    reader.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert reader.ask("T / 1e6") == pytest.approx(reader.ask("view.span") / 2e6, rel=0.05)
    canvas = reader.page.locator(".dp canvas").first.bounding_box()
    reader.page.mouse.click(canvas["x"] + canvas["width"] * 0.25, canvas["y"] + canvas["height"] - 30)
    assert reader.ask("T") == pytest.approx(reader.ask("view.span") * 0.235, rel=0.05)


def test_scrubbing_back_shows_what_playing_forward_showed(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    shown = """(t) => { const p = document.querySelector('.dp')._player; p.seekTime(t);
        return [...document.querySelectorAll('.dp canvas')].map((canvas) => canvas.toDataURL()).join() }"""
    there = reader.page.evaluate(shown, 31.0e6)
    for elsewhere in (45e6, 2e6, 31.2e6):
        assert reader.page.evaluate(shown, elsewhere) != there
    assert reader.page.evaluate(shown, 31.0e6) == there


# ------------------------------------------------------------------------------------ follow, zoom, promises, fork
def test_f_follows_the_message_of_this_row_and_lists_its_life(open_page: Open) -> None:
    reader = open_page(short())
    reader.focus()
    reader.press("Home", "ArrowRight", "f")
    listed = reader.page.locator(".dp-rows li")
    assert listed.count() == len(short().of(message="m0"))
    reader.press("Shift+ArrowRight", "Shift+ArrowRight")
    assert reader.row() == short().of(message="m0")[2].seq
    assert reader.page.locator(".dp-rows li[aria-current]").inner_text().endswith("uploads receives m0 from phone")
    reader.press("Shift+ArrowLeft")
    assert reader.row() == short().of(message="m0")[1].seq
    listed.last.locator("button").click()
    assert reader.words() == "worker-1 is done with m0."
    reader.focus()
    reader.press("Escape")
    assert reader.page.locator(".dp-rows").is_hidden()


def test_the_rows_of_a_followed_message_stand_below_the_controls_and_push_nothing(
    open_page: Open, two: tuple[Trace, Trace]
) -> None:
    reader = open_page(*two)
    top = "document.querySelector('.dp-time').getBoundingClientRect().top"
    before = reader.page.evaluate(top)
    reader.ask("follow('n40')")
    assert reader.page.evaluate(top) == before
    rows, bar = (reader.page.locator(name).first.bounding_box() for name in (".dp-rows", ".dp-second"))
    assert rows["y"] >= bar["y"] + bar["height"]
    assert rows["height"] < 180


def test_another_run_of_the_same_places_does_not_change_the_height(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    height = "document.querySelector('.dp').offsetHeight"
    before = reader.page.evaluate(height)
    for traces in [(two[1], two[1]), (two[1], two[0]), two]:
        data = base64.b64encode(pack(*traces, titles=["a", "b"])).decode()
        reader.page.evaluate(f"(data) => {PLAYER}.model.set('packed', data)", data)
        assert reader.page.evaluate(height) == before


def test_a_run_with_more_places_may_make_it_higher_and_nothing_makes_it_lower_again(
    open_page: Open, two: tuple[Trace, Trace]
) -> None:
    reader = open_page(*two)
    heights = [reader.page.evaluate("document.querySelector('.dp').offsetHeight")]
    for traces in [(two[0], short()), two]:
        data = base64.b64encode(pack(*traces, titles=["a", "b"])).decode()
        reader.page.evaluate(f"(data) => {PLAYER}.model.set('packed', data)", data)
        heights.append(reader.page.evaluate("document.querySelector('.dp').offsetHeight"))
    assert heights == sorted(heights)
    assert heights[1] == heights[2]


def test_the_keys_open_in_view(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.page.set_viewport_size({"width": 1100, "height": 560})
    reader.page.evaluate("scrollTo(0, 0)")
    reader.focus()
    reader.press("?")
    keys = reader.page.locator(".dp-keys").bounding_box()
    assert keys["y"] >= 0
    assert keys["y"] + keys["height"] <= 560


def test_a_lamp_and_the_key_count_the_rows_of_one_promise(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.focus()
    reader.press("Home", "l")
    one = min((lamp for lamp in lamps(two[0]) if not lamp.held), key=lambda lamp: lamp.rows[0])
    assert reader.said().startswith(f"{one.name} is broken here, 1 of {len(one.rows)}: ")


def test_a_bounded_buffer_says_of_how_many(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.ask("seekTime(30e6)")
    assert re.search(r"inbox \d+ messages waiting of at most 50", reader.page.locator(".dp-twin").inner_text())


def test_a_run_may_name_whom_a_picture_follows_and_the_reader_may_let_go(open_page: Open) -> None:
    trace = short()
    trace.header.follow = "m0"
    reader = open_page(trace)
    assert reader.ask("view.follow") == "m0"
    assert reader.page.input_value(".dp-who") == "m0"
    assert reader.page.locator(".dp-rows li").count() == len(trace.of(message="m0"))
    assert reader.ask("poster"), "it opens where it would have opened"
    reader.focus()
    reader.press("Escape")
    assert reader.ask("view.follow") is None
    trace.header.follow = "nobody"
    assert open_page(trace).ask("view.follow") is None


def test_a_run_is_watched_as_slowly_as_it_takes_to_see_each_row_of_whom_it_follows(open_page: Open) -> None:
    trace = Trace()
    for at_us in range(60):
        trace.emit(at_us * 1000, "publish", "phone", f"m{at_us % 2}", attempt=1 + at_us // 2)
    quick = open_page(trace).ask("view.base")
    trace.header.follow = "m1"
    assert open_page(trace).ask("view.base") == 30 / 3 > quick


def test_a_trail_is_drawn_for_each_copy_and_jumps_from_none_to_another(open_page: Open) -> None:
    trace = Trace()
    trace.emit(0, "publish", "shop", "m1", attempt=1)
    trace.emit(1, "push", "shop", "m1", to="topic", attempt=1, arrive_us=10)
    trace.emit(10, "fan_out", "topic", "m1", copies=2)
    for copy, seat in enumerate(("a", "b"), 1):
        trace.emit(10, "match", "topic", "m1", rule=seat, to=seat, arrive_us=20, copy=copy)
    for copy, seat in enumerate(("a", "b"), 1):
        trace.emit(20, "enqueue", seat, "m1", depth=1, copy=copy)
    reader = open_page(trace)
    lines = reader.page.evaluate(
        f"""() => {{
        const p = {PLAYER}, g = p.scenes[0].g, told = [], centre = (b) => [b.x + b.w / 2, b.y + b.h / 2];
        const nameAt = (x, y) => p.view.lay.boxes.find((b) => centre(b)[0] === x && centre(b)[1] === y)?.id;
        let dotted = false;
        const {{ setLineDash, moveTo, lineTo }} = CanvasRenderingContext2D.prototype;
        g.setLineDash = (d) => {{ dotted = d[0] === 2 && d[1] === 5; setLineDash.call(g, d); }};
        g.moveTo = (x, y) => {{ if (dotted && nameAt(x, y)) told.push([nameAt(x, y)]); moveTo.call(g, x, y); }};
        g.lineTo = (x, y) => {{ if (dotted && nameAt(x, y)) told.at(-1).push(nameAt(x, y)); lineTo.call(g, x, y); }};
        p.seekStep(p.steps.n); told.length = 0; p.follow("m1");
        return told;
        }}"""
    )
    assert sorted(lines) == [["shop", "topic"], ["topic", "a"], ["topic", "b"]]


def test_a_disc_that_is_clicked_is_followed(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.ask("seekTime(30e6)")
    at = reader.page.evaluate(
        f"""() => {{ const s = {PLAYER}.scenes[0]; const e = s.s.head[s.lane.places.indexOf('inbox')] - 1;
        return [s.px[e], s.py[e], s.lane.messages[s.lane.copyMessage[e]]] }}"""
    )
    canvas = reader.page.locator(".dp canvas").first.bounding_box()
    reader.page.mouse.click(canvas["x"] + at[0], canvas["y"] + at[1])
    assert reader.ask("view.follow") == at[2]


def test_a_message_is_followed_by_its_name_and_an_unknown_name_is_said(
    open_page: Open, two: tuple[Trace, Trace]
) -> None:
    reader = open_page(*two)
    reader.page.fill(".dp-who", "n40")
    reader.page.press(".dp-who", "Enter")
    assert reader.ask("view.follow") == "n40"
    reader.page.fill(".dp-who", "n99999")
    reader.page.press(".dp-who", "Enter")
    assert reader.said() == "No message is called n99999."
    assert reader.ask("view.follow") is None


def test_a_lamp_jumps_to_each_row_that_breaks_its_promise(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    broken = next(lamp for lamp in lamps(two[0]) if lamp.name == "nothing lost")
    button = reader.page.locator(".dp-red", has_text="nothing lost")
    for row in broken.rows[:3]:
        button.click()
        assert reader.row() == row
        assert reader.words() == f"{describe(two[0][row])}."
    reader.focus()
    reader.press("Home", "l")
    assert reader.row() == broken.rows[0]
    assert reader.page.locator(".dp-lane").nth(1).locator(".dp-red").count() == 0
    assert reader.page.locator(".dp-lane").nth(1).locator(".dp-green").count() == len(lamps(two[1]))


def test_zoom_goes_in_by_key_and_click_and_out_again(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.focus()
    wide = reader.ask("view.lay.boxes.find((box) => box.id === 'inbox').w")
    reader.press("ArrowDown", "ArrowDown", "z")
    assert reader.ask("view.zoom") == "inbox"
    assert reader.ask("view.lay.boxes.find((box) => box.id === 'inbox').w") > wide
    reader.press("Escape")
    assert reader.ask("view.zoom") == ""
    reader.press("Escape")
    box = reader.ask("view.lay.boxes.find((box) => box.id === 'scorer')")
    canvas = reader.page.locator(".dp canvas").first.bounding_box()
    for expected in ("", "scorer"):
        reader.page.mouse.click(canvas["x"] + box["x"] + 8, canvas["y"] + box["y"] + 8)
        assert reader.ask("view.zoom") == expected
    reader.page.click(".dp-zoom")
    assert reader.ask("view.zoom") == ""


def test_a_group_of_many_opens_at_a_click(open_page: Open) -> None:
    trace = Trace(Header(title="many"))
    for i in range(60):
        trace.emit(i * 1000, "publish", f"wearable-{i % 20 + 1}", f"n{i}", attempt=1)
        trace.emit(i * 1000, "enqueue", "inbox", f"n{i}", depth=i + 1)
    reader = open_page(trace)
    box = reader.ask("view.lay.boxes.find((box) => box.id === 'wearable-*')")
    canvas = reader.page.locator(".dp canvas").first.bounding_box()
    reader.page.mouse.click(canvas["x"] + box["x"] + 20, canvas["y"] + box["y"] + 12)
    assert reader.ask("view.lay.boxes.filter((box) => box.id.startsWith('wearable-')).length") == 20


def test_the_keys_are_listed_and_put_away(open_page: Open) -> None:
    reader = open_page(short())
    reader.focus()
    reader.press("?")
    assert reader.page.locator(".dp-keys").is_visible()
    assert reader.page.locator(".dp-keys dt").count() >= 12
    reader.press("Escape")
    assert reader.page.locator(".dp-keys").is_hidden()


def test_without_a_kernel_nothing_offers_a_fork(open_page: Open) -> None:
    reader = open_page(short())
    assert reader.page.locator(".dp-forking").is_hidden()
    reader.focus()
    reader.press("g")
    assert reader.said() == "A fork needs a running kernel."


def test_with_a_kernel_a_fork_sends_the_fault_of_this_moment(open_page: Open, faulty: Trace) -> None:
    html = whole_page(pack(faulty), title="fork").replace("{packed:run,", "{packed:run,can_fork:true,")
    html = html.replace("save_changes() {}, send() {},", "save_changes() {}, send(said) { window.asked = said; },")
    reader = open_page(html=html)
    reader.ask("seekTime(25e6)")
    reader.ask("select('scorer')")
    reader.focus()
    reader.press("g")
    reader.page.select_option('.dp-fork [name="do"]', "slow")
    reader.page.fill('.dp-fork [name="value"]', "0.1")
    reader.page.fill('.dp-fork [name="lasts"]', "5")
    reader.page.click('.dp-fork [type="submit"]')
    assert reader.page.evaluate("window.asked") == {
        "ask": "fork",
        "lane": 0,
        "fault": {"do": "slow", "target": "scorer", "at_s": 25, "lasts_s": 5, "value": 0.1},
    }


def test_no_key_of_the_player_reaches_the_page_around_it(open_page: Open) -> None:
    reader = open_page(short())
    reader.page.evaluate("window.leaked = []; document.addEventListener('keydown', (e) => window.leaked.push(e.key))")
    reader.focus()
    reader.press("a", "b", "d", "Space", "ArrowRight", "l", "Home", "m", "0", "x")
    assert reader.page.evaluate("window.leaked") == []
    assert reader.page.get_attribute(".dp", "data-lm-suppress-shortcuts") == "true"
    reader.press("Tab")
    assert reader.page.evaluate("window.leaked") == ["Tab"]


# --------------------------------------------------------------------------------------------------------------- looks
def test_what_is_drawn_has_the_colours_of_its_role(open_page: Open, two: tuple[Trace, Trace], faulty: Trace) -> None:
    reader = open_page(*two)
    reader.ask("seekTime(30e6)")
    assert {"#56b4e9", "#009e73", "#d55e00", "#e8eff5"} <= reader.colours(0)
    reader = open_page(faulty)
    reader.ask("seekTime(15e6)")
    band = reader.page.evaluate(
        f"""() => {{ const p = {PLAYER}, box = p.view.lay.boxes.find((one) => one.id === 'scorer'), r = p.view.ratio;
        return [...p.scenes[0].g.getImageData((box.x + 8) * r, (box.y + box.h - 8) * r, 1, 1).data].slice(0, 3) }}"""
    )
    assert max(band) < 90


def test_a_repeat_carries_an_orange_ring(open_page: Open) -> None:
    storm = lab.retry_storm(until_s=50)
    reader = open_page(storm)
    reader.ask("seekTime(48e6)")
    assert "#e69f00" in reader.colours() or any(c.startswith("#e") and c[3] in "89ab" for c in reader.colours())
    reader.ask("seekTime(5e6)")
    assert "#e69f00" not in reader.colours()


@pytest.mark.parametrize(("scheme", "ground"), [(LIGHT, 200), (DARK, 60)])
def test_light_and_dark_are_followed(open_page: Open, scheme: str, ground: int, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two, scheme=scheme)
    corner = reader.ask("scenes[0].g.getImageData(3, 3, 1, 1).data[0]")
    assert corner > ground if scheme == LIGHT else corner < ground
    assert ("dp-dark" in reader.page.get_attribute(".dp", "class")) is (scheme == DARK)
    reader.page.emulate_media(color_scheme=DARK if scheme == LIGHT else LIGHT)
    reader.page.wait_for_function(
        f"document.querySelector('.dp').classList.contains('dp-dark') === {str(scheme == LIGHT).lower()}"
    )


def test_a_player_made_before_it_hangs_in_a_dark_page_is_dark(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two, scheme=DARK)
    reader.page.evaluate(f"""async () => {{
        const host = document.createElement('div');
        (await window.__dsysPlayer).default.render({{model: {PLAYER}.model, el: host}});
        await new Promise(requestAnimationFrame);
        document.body.append(host);
    }}""")
    reader.page.wait_for_function("document.querySelectorAll('.dp[data-seq]').length === 2")
    reader.page.wait_for_function("[...document.querySelectorAll('.dp')].every(dp => dp.classList.contains('dp-dark'))")
    grounds = "[...document.querySelectorAll('.dp')].map(dp => dp._player.view.palette.box)"
    first, second = reader.page.evaluate(grounds)
    assert first == second


def test_reduced_motion_puts_discs_where_they_belong_at_once(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two, reduced=True)
    assert reader.ask("playing") is False
    reader.focus()
    reader.press("Space")
    reader.page.wait_for_function(f"{PLAYER}.T > 2e6")
    assert reader.ask("stats.draw.length") == 0
    assert reader.ask("stats.scrub.length") > 3


@pytest.mark.parametrize("width", [1100, 700, 480])
def test_nothing_is_cut_off_or_laid_over(open_page: Open, width: int, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two, width=width)
    reader.ask("seekTime(30e6)")
    assert reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
    boxes = reader.page.evaluate(
        """() => [...document.querySelectorAll('.dp button, .dp select, .dp input, .dp canvas, .dp h4, .dp-words')]
        .filter((e) => e.offsetParent && !e.closest('.dp-keys')).map((e) => { const r = e.getBoundingClientRect();
        return [e.className || e.tagName, r.left, r.top, r.right, r.bottom] })"""
    )
    for name, left, top, right, bottom in boxes:
        assert left >= 0, name
        assert right <= width, name
        for other, left2, top2, right2, bottom2 in boxes:
            apart = right <= left2 + 1 or right2 <= left + 1 or bottom <= top2 + 1 or bottom2 <= top + 1
            same = (left, top, right, bottom) == (left2, top2, right2, bottom2)
            assert apart or same, f"{name} and {other} overlap at {width} px"
    lanes = reader.page.evaluate("[...document.querySelectorAll('.dp-lane')].map((e) => e.getBoundingClientRect().top)")
    assert (lanes[0] == lanes[1]) is (width == 1100)


def test_the_picture_follows_the_width(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.page.set_viewport_size({"width": 640, "height": 800})
    reader.page.wait_for_function("document.querySelector('.dp').classList.contains('dp-stacked')")
    assert reader.ask("scenes[0].canvas.getBoundingClientRect().right") <= 640


# ------------------------------------------------------------------------------------------------- ears, and odd runs
def test_a_screen_reader_is_told_what_it_needs(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    tree = reader.page.locator(".dp").aria_snapshot()
    for part in (
        'group "Player: drop_newest beside block', 'toolbar "Playback"', 'button "First row"', 'button "Previous row"',
        'button "Play"', 'button "Next row"', 'button "Last row"', 'slider "Time"', 'combobox "Playback speed"',
        "status", 'button "nothing lost: broken by',
    ):  # fmt: skip
        assert part in tree, tree
    twin = reader.page.evaluate("document.querySelector('.dp-twin').textContent")
    assert "inbox 50 messages waiting" in twin
    said = reader.page.get_attribute(".dp-time", "aria-valuetext")
    assert said == reader.page.locator(".dp-clock").text_content()
    assert said.endswith(f" of {max(trace.end_us for trace in two) / 1e6:.1f} s"), "microseconds are nobody's words"
    assert reader.page.get_attribute(".dp canvas", "aria-describedby") == reader.page.get_attribute(".dp-twin", "id")


def test_while_it_plays_nothing_is_announced(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.page.evaluate(
        """() => { const line = document.querySelector('.dp-live'); window.said = [];
        new MutationObserver(() => window.said.push(line.textContent))
            .observe(line, { childList: true, characterData: true, subtree: true }) }"""
    )
    reader.focus()
    reader.press("Space")
    reader.page.wait_for_function(f"{PLAYER}.T > 3e6")
    assert reader.page.evaluate("window.said") == ["playing"]


@pytest.mark.parametrize(
    ("traces", "words"),
    [
        ((), "There is no run to show yet."),
        ((Trace(),), "This run left no rows."),
        ((Trace(), short()), "row"),
    ],
    ids=["none", "empty", "half empty"],
)
def test_little_is_said_in_a_sentence(open_page: Open, traces: tuple[Trace, ...], words: str) -> None:
    reader = open_page(*traces)
    assert words in reader.said()
    reader.page.locator(".dp").press("Space")
    reader.page.locator(".dp").press("ArrowRight")
    reader.page.locator(".dp").press("?")


def test_one_row_and_rows_of_one_moment_are_stepped(open_page: Open) -> None:
    trace = Trace()
    trace.emit(7, "publish", "phone", "m0", attempt=1)
    reader = open_page(trace)
    assert reader.words() == "phone offers m0, attempt 1."
    for i in range(1, 12):
        trace.emit(7, "publish", "phone", f"m{i}", attempt=1)
    reader = open_page(trace)
    reader.focus()
    reader.press("Home", *["ArrowRight"] * 5)
    assert reader.row() == 4
    assert reader.words() == "phone offers m4, attempt 1."


def test_a_damaged_run_is_refused_in_a_sentence(open_page: Open) -> None:
    reader = open_page(html=whole_page(b"not a run at all, but long enough", title="x"))
    assert "not a packed run" in reader.said()


def test_another_run_keeps_the_place_of_the_cursor_and_of_the_boxes(open_page: Open, two: tuple[Trace, Trace]) -> None:
    reader = open_page(*two)
    reader.ask("seekTime(20e6)")
    share = reader.ask("T") / reader.ask("view.span")
    spots = reader.ask("view.lay.boxes.map((box) => [box.id, box.col, box.rank])")
    other = base64.b64encode(pack(lab.burst(capacity=5, policy="reject", until_s=80))).decode()
    loads = reader.ask("stats.loads")
    reader.page.evaluate(f"(run) => {PLAYER}.model.set('packed', run)", other)
    assert reader.ask("stats.loads") == loads + 1
    assert reader.ask("T") / reader.ask("view.span") == pytest.approx(share)
    assert reader.ask("view.lay.boxes.map((box) => [box.id, box.col, box.rank])") == spots
    reader.page.wait_for_selector(f".dp[data-seq='{loads + 1}']")


def test_a_page_without_scripts_shows_the_words(browser: Browser, tmp_path: Path) -> None:
    path = Player(short()).save(tmp_path / "x.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert "broken: nothing lost" in page.inner_text("body")
    context.close()
