"""Every notebook as a reader has it: run whole in JupyterLab, each slider moved to both ends, each player pressed.

nbval compares text and never sees a widget, so this suite is what proves that a widget lives. It runs the cells that
nbval runs, and so is half of what a notebook costs: continuous integration walks each notebook once a week, by its
number, and skips the others by name (`turns`); every other machine walks them all.
"""
from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import turns
from conftest import opening

if TYPE_CHECKING:
    from conftest import NotebookPage
    from playwright.sync_api import Browser, Locator

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted(path.stem for path in (Path(__file__).parents[1] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PICTURE_WITHIN_MS = 15_000
SEQ = "player => Number(player.dataset.seq)"
SLIDER_LATENCY = """async ([player, handle, key]) => {
    const before = player.dataset.seq, began = performance.now();
    handle.focus();
    handle.dispatchEvent(new KeyboardEvent('keydown', {key, code: key, keyCode: key === 'ArrowLeft' ? 37 : 39,
                                                       bubbles: true}));
    while (player.dataset.seq === before && performance.now() - began < 10000)
        await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""


def moved(player: Locator, act: Callable[[], object]) -> None:
    """Do something and wait until the player shows another picture because of it."""
    before = player.evaluate(SEQ)
    act()
    player.page.wait_for_function("([player, before]) => Number(player.dataset.seq) > before",
                                  arg=[player.element_handle(), before], timeout=PICTURE_WITHIN_MS, polling=50)


def walked() -> list[Any]:
    """Return every notebook, those marked as skipped whose turn it is not."""
    now = [
        stem for stem in NOTEBOOKS
        if not turns.are_taken() or turns.has_turn(int(stem[:2]), turns.BROWSER_DAYS, turns.today())
    ]  # fmt: skip
    skip = pytest.mark.skip(reason="walked on another day of the week; DSYS_LAB_TURNS=all walks every notebook")
    return [pytest.param(stem, id=stem, marks=() if stem in now else skip) for stem in NOTEBOOKS]


@pytest.fixture(scope="module", params=walked())
def ran(request: pytest.FixtureRequest, browser: Browser) -> Iterator[NotebookPage]:
    """A notebook in which every cell has run without an error, and every player has painted."""
    with opening(browser, request) as open_notebook:
        notebook = open_notebook(request.param)
        notebook.run_all()
        page = notebook.page
        players = page.locator(".jp-OutputArea .dp")
        players.first.wait_for(timeout=PICTURE_WITHIN_MS)
        page.wait_for_function("[...document.querySelectorAll('.jp-OutputArea .dp')].every(dp => dp.dataset.seq)",
                               timeout=PICTURE_WITHIN_MS)
        yield notebook


def test_it_runs_whole_its_pictures_live_and_every_slider_moves_them(
    ran: NotebookPage, record_property: Callable[[str, Any], None]
) -> None:
    page = ran.page
    outputs = page.locator(".jp-OutputArea-child:has(.dp):has(.noUi-handle)")
    for number in range(outputs.count()):
        output = outputs.nth(number)
        player, handles = output.locator(".dp").first, output.locator(".noUi-handle")
        output.scroll_into_view_if_needed()
        for slider in range(handles.count()):
            handle = handles.nth(slider)
            low, high = handle.get_attribute("aria-valuemin"), handle.get_attribute("aria-valuemax")
            handle.focus()
            for key, end in (("End", high), ("Home", low)):
                if handle.get_attribute("aria-valuenow") != end:
                    moved(player, lambda key=key, handle=handle: handle.press(key))
            assert handle.get_attribute("aria-valuenow") == low
    if outputs.count():
        player, handle = outputs.first.locator(".dp").first, outputs.first.locator(".noUi-handle").first
        arguments = [player.element_handle(), handle.element_handle()]
        there_and_back = ["ArrowRight", "ArrowLeft"] * 6  # a slider may have two steps only
        taken = [page.evaluate(SLIDER_LATENCY, [*arguments, key]) for key in there_and_back][2:]
        record_property("slider to new picture", f"{statistics.median(taken):.0f} ms, median of {len(taken)}")
    assert not page.locator(".dp .dp-error, .jp-OutputArea-output:has-text('Error displaying widget')").count()
    assert ran.console_errors == []


def test_every_chart_follows_its_sliders_to_both_ends(ran: NotebookPage) -> None:
    page = ran.page
    outputs = page.locator(".jp-OutputArea-child:has(.noUi-handle):not(:has(.dp)):not(:has(.dsys-form))")
    for number in range(outputs.count()):
        output = outputs.nth(number)
        picture, handles = output.locator(".widget-html-content").last, output.locator(".noUi-handle")
        output.scroll_into_view_if_needed()
        for slider in range(handles.count()):
            handle = handles.nth(slider)
            for key, end in (("End", "aria-valuemax"), ("Home", "aria-valuemin")):
                if handle.get_attribute("aria-valuenow") == handle.get_attribute(end):
                    continue
                before = picture.inner_html()
                handle.press(key)
                page.wait_for_function("([picture, before]) => picture.innerHTML !== before",
                                       arg=[picture.element_handle(), before], timeout=PICTURE_WITHIN_MS, polling=50)
        assert "▲" not in picture.inner_text()
    assert ran.console_errors == []


def test_the_keys_of_its_first_player_work_and_stay_in_it(ran: NotebookPage) -> None:
    page = ran.page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    player = page.locator(".jp-OutputArea .dp").first
    player.scroll_into_view_if_needed()
    player.locator("canvas").first.focus()

    def ask(expression: str) -> Any:
        return player.evaluate(f"player => player._player.{expression}")

    page.keyboard.press("Home")
    start_us = ask("T")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    after_two = ask("rowAt(0)")
    page.keyboard.press("ArrowLeft")
    assert ask("rowAt(0)") < after_two
    page.keyboard.press("End")
    assert ask("T") > start_us
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.wait_for_function("([player, start]) => player._player.T > start", arg=[player.element_handle(), start_us])
    page.keyboard.press("Space")
    for key in ("a", "b", "x", "d", "d", "0", "0", "z", "f", "l", "+", "-", "?", "Escape"):
        page.keyboard.press(key)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells, "a key of the player reached the notebook"
    assert ran.console_errors == []


@pytest.mark.skipif("00_start_here" not in NOTEBOOKS, reason="the start page is not built")
def test_a_prediction_is_kept_and_held_against_what_was_counted(open_notebook: Callable[..., NotebookPage]) -> None:
    notebook = open_notebook("00_start_here")
    notebook.run_all()
    page = notebook.page
    asked = page.locator(".jp-OutputArea-child:has-text('How many nights are lost')").first
    asked.locator(".noUi-handle").focus()
    for _ in range(5):
        page.keyboard.press("PageUp")
    asked.get_by_role("button", name="Keep my prediction").click()
    page.get_by_text(re.compile("You said .+ counted")).first.wait_for(timeout=PICTURE_WITHIN_MS)
    assert notebook.console_errors == []


@pytest.mark.skipif("00_start_here" not in NOTEBOOKS, reason="the start page is not built")
def test_arrows_move_the_answer_and_not_the_notebook(open_notebook: Callable[..., NotebookPage]) -> None:
    notebook = open_notebook("00_start_here")
    notebook.run_all()
    page = notebook.page
    number = page.locator(".dsys-form:has-text('How many nights are lost')").first
    number.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert number.locator(".noUi-handle").evaluate("handle => handle === document.activeElement")
    page.keyboard.press("Escape")
    assert page.locator(".jp-Cell:focus").count() == 1, "Escape goes back to the cell"
    assert notebook.console_errors == []
