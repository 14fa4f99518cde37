"""A bar shows what is done, in a terminal only, and changes nothing of what goes by."""

from __future__ import annotations

import io

import pytest

from dsys_lab import progress
from dsys_lab.progress import with_progress
from dsys_lab.workloads.slumber import Slumber


class Terminal(io.StringIO):
    """Says that somebody looks at it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the bar without waiting, and at every step."""
    bar = progress.tqdm
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(progress, "_SECONDS_UNTIL_SHOWN", 0)
    monkeypatch.setattr(progress, "tqdm", lambda **more: bar(**more, mininterval=0, miniters=1))


def shown(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO) -> str:
    monkeypatch.setattr("sys.stderr", stderr)
    items = with_progress(iter("abc"), total=30, label="letters", unit="kg", size=lambda item: 10)
    assert list(items) == ["a", "b", "c"]
    return stderr.getvalue()


@pytest.mark.usefixtures("at_once")
def test_in_a_terminal_it_says_how_much_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, Terminal())
    assert "letters" in text
    assert [done in text for done in ("0/30", "10/30", "20/30", "30/30", "kg")] == [True] * 5
    assert text.index("10/30") < text.index("20/30")


@pytest.mark.usefixtures("at_once")
def test_elsewhere_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO()) == ""


def test_what_is_quick_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "30" not in shown(monkeypatch, Terminal())


@pytest.mark.usefixtures("at_once")
def test_an_item_is_done_when_the_next_is_asked_for_and_whoever_stops_leaves_no_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    items = with_progress(iter("abc"), total=3)
    assert next(items) == "a"
    assert "1/3" not in terminal.getvalue()
    next(items)
    assert "1/3" in terminal.getvalue()
    items.close()
    assert terminal.getvalue().endswith("\r")


@pytest.mark.usefixtures("at_once")
def test_a_world_says_how_many_of_its_units_have_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert sum(len(chunk["night_id"]) for chunk in Slumber(nights=1000).chunks("night", rows=300)) == 1000
    text = terminal.getvalue()
    assert "night" in text
    assert "nights" in text
    assert [done in text for done in ("300/1000", "600/1000", "900/1000", "1000/1000")] == [True] * 4
