"""The reader's record is never lost: written whole, read afresh, set aside when damaged, empty where no reader is."""
from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.lessons import progress
from dsys_lab.lessons.map import LABS
from dsys_lab.lessons.record import Record
from dsys_lab.lessons.report_card import report_card


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's reader keeps their record; the folder is not there yet."""
    monkeypatch.setenv("DSYS_LAB_PROGRESS", str(tmp_path / "mine" / "progress.json"))
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")
    return tmp_path / "mine" / "progress.json"


def test_entries_are_added_to_and_survive(path: Path) -> None:
    progress().put("predictions", "13/wait", said=3)
    progress().put("predictions", "13/wait", score=0.5)
    assert progress().of("predictions", "13/wait") == {"said": 3, "score": 0.5}
    assert progress().of("exercises", "13/wait") == {}
    assert [file.name for file in path.parent.iterdir()] == ["progress.json"]


def test_two_notebooks_that_are_open_at_once_keep_each_others_entries(path: Path) -> None:
    one, other = progress(), progress()
    one.put("predictions", "13/a", said=1)
    other.put("predictions", "13/b", said=2)
    assert set(one.read()["predictions"]) == {"13/a", "13/b"}


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "predictions": [], "exercises": {}}',
                                    '{"schema": 1, "predictions": {"a": 3}, "exercises": {}}', "\udcff\udcfe",
                                    '{"schema": 1, "predictions": {"a": {"score": "x"}}, "exercises": {}}'])
def test_a_damaged_file_is_said_and_set_aside(path: Path, damage: str) -> None:
    path.parent.mkdir()
    raw = damage.encode("utf-8", "surrogateescape")
    for number in (1, 2):
        path.write_bytes(raw)
        with pytest.warns(UserWarning, match=f"kept as progress.damaged-{number}.json"):
            assert progress().read()["predictions"] == {}
        assert path.with_name(f"progress.damaged-{number}.json").read_bytes() == raw
    progress().put("predictions", "13/a", said=1)
    assert progress().of("predictions", "13/a") == {"said": 1}


def test_a_file_that_may_not_be_read_is_said_and_left_alone(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(BadParameter, match=r"progress\.json cannot be read .*: let DSYS_LAB_PROGRESS name another"):
        progress().put("predictions", "13/a", said=1)
    assert path.is_dir()


def test_a_write_that_fails_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress().put("predictions", "13/a", said=1)
    before = path.read_bytes()

    def full(self: Path, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.warns(UserWarning, match=r"could not be kept \(No space left on device\): let DSYS_LAB_PROGRESS"):
        progress().put("predictions", "13/a", said=2)
    assert path.read_bytes() == before


def test_a_copy_is_exported_and_nothing_is_overwritten(path: Path, tmp_path: Path) -> None:
    progress().put("exercises", "13/drain_time", tries=2, passed=True)
    copy = progress().export(tmp_path / "copy.json")
    assert json.loads(copy.read_text(encoding="utf-8")) == progress().read()
    with pytest.raises(BadParameter, match="is there already"):
        progress().export(copy)
    progress().forget()
    assert not path.exists()
    progress().forget()
    assert Record(copy).of("exercises", "13/drain_time")["passed"]


def test_a_committed_notebook_belongs_to_no_reader(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress().put("predictions", "13/a", said=1)
    before = path.read_bytes()
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    progress().put("predictions", "13/b", said=2)
    assert str(progress()).startswith("Nothing yet")
    assert path.read_bytes() == before


def test_the_picture_and_its_words_say_the_same() -> None:
    record = {
        "predictions": {
            "13/wait_at_95": {"said": 3, "score": 0.47}, "13/way": {"seen_first": True}, "13/new": {"said": 1}},
        "exercises": {"13/drain_time": {"tries": 1, "passed": True}, "13/overflow": {"tries": 3, "passed": False}},
    }
    card = report_card(record)
    assert card.text.splitlines() == [
        "13 Messages not consumed in time: 3 predicted, closeness 47% on average",
        "  predicted wait at 95: 47%",
        "  predicted way: seen",
        "  predicted new: open",
        "  solved: drain time, 1 try",
        "  not yet solved: overflow, 3 tries",
    ]
    for words in ("wait at 95", "47%", "✓", "○", "3 tries"):
        assert words in card.html


def test_where_the_session_is_thrown_away_it_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "export" not in str(progress())
    monkeypatch.setenv("BINDER_LAUNCH_HOST", "https://mybinder.org/")
    assert 'progress().export("my_progress.json")' in str(progress())


scores = st.fixed_dictionaries(
    {}, optional={"said": st.integers(), "score": st.floats(0, 1), "seen_first": st.booleans()})


@given(st.dictionaries(st.sampled_from([f"{lab.number:02d}/<b>&{i}" for lab in LABS for i in range(2)]), scores))
def test_any_record_can_be_shown_and_no_key_becomes_markup(predictions: dict) -> None:
    card = report_card({"predictions": predictions, "exercises": {}})
    assert "<b>&" not in card.html
    assert card.text.count("  predicted ") == len(predictions)


def test_no_key_leaves_the_attribute_that_it_stands_in() -> None:
    attributes: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: attributes.extend(name for name, _ in attrs)
    name = '" onmouseover="alert(1)" `x'
    card = report_card({"predictions": {f"13/{name}": {"score": 0.5}}, "exercises": {f"13/{name}": {"tries": 1}}})
    parser.feed(card.html)
    assert set(attributes) == {"style", "title"}
    assert f"predicted {name}: 50%" in card.text
