"""The player in a reader's hands: how long it takes, for people to read, and what a saved notebook still shows.

Three numbers stand in the report at the end of the run, measured in Chromium under software rendering: frames a second
with 1,500 messages on the way, a scrub to a new picture, and in JupyterLab a slider to a new picture, simulation
included.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from test_notebooks_browser import SLIDER_LATENCY

from dsys_lab.trace import Header, Trace
from dsys_lab.views.player import Player

if TYPE_CHECKING:
    from conftest import LabServer, NotebookPage
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

MESSAGES, ON_THE_WAY, ROWS_OF_ONE = 6_666, 1_500, 3
GIVEN_UP_MS = 10_000
SLIDER_CELLS = (
    "from dsys_lab.lessons import player\nfrom dsys_lab.scenarios.not_consumed_in_time.bursts import burst",
    "shown = player(burst, capacity=(20, 200), until_s=60)\nshown",
    "len(shown.traces[0])",
    (
        "import ipywidgets\nbare, words = ipywidgets.IntSlider(20, 1, 200), ipywidgets.Label('20')\n"
        "bare.observe(lambda moved: setattr(words, 'value', str(moved['new'])), 'value')\n"
        "ipywidgets.VBox([bare, words])"
    ),
)
PATIENCE_IS_OVER = """{
    const patient = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (ms) => patient(ms === 2000 ? 0 : ms);  // anywidget's for the birth of a widget
}"""
BARE_LATENCY = """async ([label, handle]) => {
    const before = label.innerText, began = performance.now();
    handle.focus();
    const right = {key: 'ArrowRight', code: 'ArrowRight', keyCode: 39, bubbles: true};
    handle.dispatchEvent(new KeyboardEvent('keydown', right));
    while (label.innerText === before && performance.now() - began < 10000) await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""


def crowd() -> Trace:
    """Three rows a message, so many that from the first second on 1,500 are on their way."""
    trace = Trace(Header(title="a crowd"))
    gap_us, way_us = 1_000, 1_000 * ON_THE_WAY
    rows = []
    for i in range(MESSAGES):
        at, message, to = i * gap_us, f"n{i}", f"scorer-{i % 3 + 1}"
        rows.append((at, "publish", "wearables", message, {"attempt": 1}))
        sent = {"to": to, "copy": 0, "type": "night", "arrive_us": at + way_us}
        rows.append((at, "send", "wearables", message, sent))
        rows.append((at + way_us, "finish", to, message, {"attempt": 1}))
    for time_us, kind, place, message, fields in sorted(rows, key=lambda row: row[0]):
        trace.emit(time_us, kind, place, message, **fields)
    return trace


def test_frames_and_scrubs_of_a_crowd(
    browser: Browser, tmp_path: Path, record_property: Callable[[str, Any], None]
) -> None:
    trace = crowd()
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.goto(Player(trace).save(tmp_path / "crowd.html").as_uri())
    page.wait_for_selector(".dp[data-seq]")
    frames, draws, moving = page.evaluate(
        """async () => {
        const p = document.querySelector('.dp')._player, s = p.scenes[0].s;
        p.seekTime(p.view.span * 0.3); p.stats.frames.length = p.stats.draw.length = 0; p.play();
        await new Promise((done) => setTimeout(done, 4000));
        const moving = s.count[s.road]; p.pause();
        return [p.stats.frames.slice(2), p.stats.draw.slice(2), moving] }"""
    )
    scrubs = page.evaluate(
        """() => { const p = document.querySelector('.dp')._player; p.stats.scrub.length = 0;
        for (let i = 0; i < 60; i++) p.seekTime(p.view.span * (((i * 7919) % 1000) / 1000));
        return p.stats.scrub }"""
    )
    page.close()
    assert moving == ON_THE_WAY
    crowd_of = f"{len(trace):,} rows, {moving:,} on the way"
    record_property("frames a second", f"{1000 / statistics.mean(frames):.0f}, {crowd_of}")
    record_property("one frame drawn", f"{statistics.median(draws):.1f} ms, median of {len(draws)}, {crowd_of}")
    slowest = sorted(scrubs)[-4]
    record_property("scrub to new picture", f"{statistics.median(scrubs):.1f} ms, 19 of 20 within {slowest:.1f} ms")


@pytest.fixture(scope="module")
def lab_of_one(start_lab: Callable[..., LabServer], tmp_path_factory: pytest.TempPathFactory) -> LabServer:
    """JupyterLab on a folder with one small notebook: one lane and one slider."""
    folder = tmp_path_factory.mktemp("one")
    (folder / "notebooks").mkdir()
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for i, source in enumerate(SLIDER_CELLS)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "notebooks" / "one_lane.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return start_lab(sys.executable, folder)


@pytest.fixture
def one_lane(lab_of_one: LabServer, open_notebook: Callable[..., NotebookPage]) -> NotebookPage:
    """That notebook, run."""
    opened = open_notebook("one_lane", server=lab_of_one)
    opened.run_all()
    opened.page.wait_for_selector(".jp-OutputArea .dp[data-seq]")
    return opened


def test_a_slider_to_a_new_picture_of_one_lane(
    one_lane: NotebookPage, record_property: Callable[[str, Any], None]
) -> None:
    page = one_lane.page
    player, handle = (page.locator(f".jp-OutputArea {name}").first.element_handle() for name in (".dp", ".noUi-handle"))
    rows = page.locator(".jp-OutputArea-output pre").first.inner_text().strip()
    taken = [page.evaluate(SLIDER_LATENCY, [player, handle, "ArrowRight"]) for _ in range(25)][3:]
    in_page = page.evaluate("(player) => [player._player.stats.decode_ms, player._player.stats.paint_ms]", player)
    told = f"{statistics.median(taken):.0f} ms, median of {len(taken)}, fastest {min(taken):.0f} ms, {rows} rows"
    record_property("slider to new picture, one lane", f"{told}; of it in the page {in_page[1]:.0f} ms")
    label, bare = (page.locator(name).last.element_handle() for name in (".widget-label", ".noUi-handle"))
    floor = [page.evaluate(BARE_LATENCY, [label, bare]) for _ in range(25)][3:]
    told = f"{statistics.median(floor):.0f} ms, fastest {min(floor):.0f} ms"
    record_property("the floor of it, a slider to a word", told)
    assert one_lane.console_errors == []


def test_a_slider_moves_a_picture_that_came_while_the_page_was_busy(
    lab_of_one: LabServer, open_notebook: Callable[..., NotebookPage]
) -> None:
    opened = open_notebook("one_lane", server=lab_of_one, script=PATIENCE_IS_OVER)
    opened.run_all()
    page = opened.page
    page.wait_for_selector(".jp-OutputArea .dp[data-seq]")
    assert opened.late_widgets
    player, handle = (page.locator(f".jp-OutputArea {name}").first.element_handle() for name in (".dp", ".noUi-handle"))
    for _ in range(3):
        assert page.evaluate(SLIDER_LATENCY, [player, handle, "ArrowRight"]) < GIVEN_UP_MS


def test_a_saved_notebook_shows_its_player_without_the_kernel_that_made_it(
    one_lane: NotebookPage, open_notebook: Callable[..., NotebookPage], lab_of_one: LabServer
) -> None:
    one_lane.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    one_lane.page.close()
    lab_of_one.end_kernels()
    page = open_notebook("one_lane", server=lab_of_one).page
    page.wait_for_selector(".jp-OutputArea .dp[data-seq]", timeout=60_000)
    page.locator(".jp-OutputArea .dp canvas").first.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".dp-words") == "wearables offers n1, attempt 1."
    assert page.locator("text=Error displaying widget").count() == 0
