"""The pad for curves under a reader's hands: mouse, keys and a screen reader, in Chromium and without a kernel."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import dsys_lab.lessons
from dsys_lab.lessons.answer_forms import CURVE_POINTS

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

pytestmark = pytest.mark.browser

MODULE = Path(dsys_lab.lessons.__file__).with_name("curve_pad.js")
STAND_IN = """async ([source, state]) => {
    const listeners = {};
    window.model = {
        saved: 0,
        get: (name) => state[name],
        set: (name, value) => { state[name] = value; (listeners[`change:${name}`] ?? []).forEach((call) => call()); },
        save_changes: () => { window.model.saved += 1; },
        on: (event, call) => (listeners[event] ??= []).push(call),
        off: () => {},
    };
    window.pad = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    window.pad.default.render({ model: window.model, el: document.body });
}"""


class Pad:
    """A page with one pad on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        state = {"ys": [None] * CURVE_POINTS, "x_axis": [0, 60, "s"], "y_axis": [0, 10, "a second"], "label": "Draw.",
                 "locked": False}
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.evaluate(STAND_IN, [MODULE.read_text(encoding="utf-8"), state])
        self.svg = page.locator("svg")

    @property
    def ys(self) -> list[float | None]:
        return self.page.evaluate("model.get('ys')")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where (x, y) lies on the page, by the first and last tick of each axis: 0 to 60 and 0 to 10."""
        (left, _), (right, _) = map(middle, (self.svg.locator(".x-tick").first, self.svg.locator(".x-tick").last))
        (_, low), (_, high) = map(middle, (self.svg.locator(".y-tick").first, self.svg.locator(".y-tick").last))
        return left + (right - left) * x / 60, low + (high - low) * y / 10

    def drag(self, *points: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.at(*point))
        mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


def middle(mark: Locator) -> tuple[float, float]:
    """Return the middle of something on the page."""
    box = mark.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def pad(context: BrowserContext) -> Any:
    """A pad over 0 to 60 s and 0 to 10 a second; one place of the curve is one second."""
    pad = Pad(context.new_page())
    yield pad
    assert pad.complaints == []


def test_a_drag_draws_the_line_under_the_mouse(pad: Pad) -> None:
    pad.drag((0, 5), (30, 5), (60, 0))
    ys = pad.ys
    assert None not in ys
    assert ys[:31] == pytest.approx([5] * 31, abs=0.3)
    assert ys[45] == pytest.approx(2.5, abs=0.3)
    assert ys[60] == pytest.approx(0, abs=0.3)
    assert pad.page.evaluate("model.saved") == 1, "one message a stroke, not one a pixel"


def test_drawing_backwards_and_beyond_the_edge_is_kept_inside(pad: Pad) -> None:
    pad.drag((60, 5), (0, 5))
    pad.drag((20, 10), (20, 14), (30, 14), (30, 5))
    assert max(pad.ys) == 10
    assert pad.ys[0] == pytest.approx(5, abs=0.3)


def test_the_keyboard_draws_the_same(pad: Pad) -> None:
    pad.svg.focus()
    pad.press("ArrowUp", *["ArrowRight"] * 20, "Shift+ArrowDown")
    ys = pad.ys
    assert ys[:58] == pytest.approx([5.2] * 58)
    assert ys[60] == pytest.approx(3.2)
    assert pad.page.locator(".said").text_content() == "at 60 s: 3.2 a second"
    pad.press("Home")
    assert pad.page.locator(".said").text_content() == "at 0 s: 5.2 a second"
    pad.press("Delete")
    assert pad.ys == [None] * CURVE_POINTS


def test_it_says_what_it_is_and_how_to_use_it(pad: Pad) -> None:
    label = pad.svg.get_attribute("aria-label")
    assert label.startswith("Draw. Left and Right walk along")
    assert pad.page.locator(".said").get_attribute("aria-live") == "polite"


def test_what_is_kept_cannot_be_changed(pad: Pad) -> None:
    pad.drag((0, 5), (60, 5))
    before = pad.ys
    pad.page.evaluate("model.set('locked', true)")
    pad.drag((0, 1), (60, 1))
    pad.svg.focus()
    pad.press("ArrowUp", "Delete")
    assert pad.ys == before


def test_another_curve_from_the_kernel_is_drawn(pad: Pad) -> None:
    pad.page.evaluate("model.set('ys', model.get('ys').map((_, i) => i / 10))")
    assert pad.page.locator(".curve").get_attribute("d").count("L") == CURVE_POINTS - 1


@pytest.mark.parametrize(("low", "high", "marks"), [
    (0, 12, [0, 2, 4, 6, 8, 10, 12]),
    (0, 120, [0, 20, 40, 60, 80, 100, 120]),
    (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    (-5, 5, [-4, -2, 0, 2, 4]),
])
def test_ticks_are_round_numbers(pad: Pad, low: float, high: float, marks: list[float]) -> None:
    assert pad.page.evaluate(f"pad.ticks({low}, {high})") == marks


def test_the_pad_fits_a_narrow_page(pad: Pad) -> None:
    pad.page.set_viewport_size({"width": 420, "height": 600})
    box = pad.svg.bounding_box()
    assert box["width"] < 420
    pad.drag((0, 5), (60, 5))
    assert pad.ys == pytest.approx([5] * CURVE_POINTS, abs=0.4)
