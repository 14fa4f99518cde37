"""What stands around the runs: the map, the notes, the code that ran, a measured number, the player's wiring."""
from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from dsys_lab.brokers.event_bus import Books, Failed, Taken
from dsys_lab.brokers.overflow import Buffer, newest_pays, oldest_pays
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.lessons import answers, map_of_labs, measured, notes, player, quoting, show_source
from dsys_lab.lessons.map import LABS, PARTS, lab_of, readme_table
from dsys_lab.scenarios.not_consumed_in_time.bursts import burst, pipeline
from dsys_lab.trace import Header, Trace

ROOT = Path(__file__).resolve().parent.parent


# -------------------------------------------------------------------------------------------------------------- the map
def test_the_readme_has_the_map_as_its_table() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    def without_state(table: str) -> list[str]:
        return re.findall(r"^(\| `\d\d_.+\|) (?:built|planned) \|$", table, flags=re.MULTILINE)

    assert without_state(readme) == without_state(readme_table())


def test_every_lab_has_a_number_a_part_and_a_heading_of_the_notes() -> None:
    assert [lab.number for lab in LABS] == list(range(27))
    assert [number for _, first, last, _ in PARTS for number in range(first, last + 1)] == list(range(27))
    assert {lab.heading for lab in LABS} <= set(quoting.read())


def test_the_map_links_what_is_built_and_nothing_else() -> None:
    shown = map_of_labs()
    built = [lab for lab in LABS if lab.built]
    assert re.findall(r'href="(.+?)"', shown.html) == [f"{lab.stem}.ipynb" for lab in built]
    assert shown.text.count("(planned)") == len(LABS) - len(built)
    assert all(lab.title in shown.text for lab in LABS)


@pytest.mark.parametrize("key", ["", "13", "13/", "/wait", "3/wait", "x3/wait", "27/wait", "not_consumed_in_time/wait"])
def test_a_key_that_names_no_lab_is_refused(key: str) -> None:
    with pytest.raises(BadParameter):
        lab_of(key)
    assert lab_of("13/wait").name == "not_consumed_in_time"


# ------------------------------------------------------------------------------------------------------------ the notes

def test_the_notes_are_quoted_word_for_word() -> None:
    text = quoting.SOURCE.read_text(encoding="utf-8")
    quotations = [notes(heading) for heading in quoting.read()]
    assert all(quotation.words in text for quotation in quotations)
    assert sum(len(quotation.words) for quotation in quotations) > 0.4 * len(text)
    assert notes("What happens when messages are not consumed in time?").words == "Buffer, Data Loss, Throttle"
    assert notes("Facts Measures and Dimensions.").words.endswith("using star")


def test_a_quotation_is_marked_as_one_and_an_empty_heading_is_said() -> None:
    data = notes("Facts Measures and Dimensions.")._repr_mimebundle_()
    assert all(line.startswith(">") for line in data["text/markdown"].splitlines())
    assert "only the heading stands there" in str(notes("Graph - AWS Neptune"))


def test_an_unknown_heading_lists_those_there_are(monkeypatch, tmp_path) -> None:
    with pytest.raises(BadParameter, match="did you mean 'OLTP vs Analytics'"):
        notes("OLTP and Analytics")
    monkeypatch.setattr(quoting, "SOURCE", tmp_path / "the_notes.md")
    with pytest.raises(EngineMissing, match="run from a checkout"):
        notes("OLTP vs Analytics")


# ------------------------------------------------------------------------------------------------------------- the code

def test_code_is_shown_as_it_stands_with_its_place() -> None:
    shown = show_source(newest_pays, oldest_pays)
    first = shown.pieces[0]
    lines = (ROOT / first.file).read_text(encoding="utf-8").splitlines()
    assert first.code == "\n".join(lines[first.line - 1 : first.line - 1 + len(first.code.splitlines())])
    assert str(shown).count("# dsys_lab/brokers/overflow.py, line ") == 2
    assert show_source(burst).pieces[0].code.startswith('@scenario("{policy}")\ndef burst(')
    assert show_source(Buffer.offer).pieces[0].code.startswith("def offer(self")


def test_the_chapter_of_a_file_is_folded_above_its_code() -> None:
    markdown = show_source(Buffer.offer, chapter=True)._repr_mimebundle_()["text/markdown"]
    assert inspect.getdoc(inspect.getmodule(Buffer)) in markdown
    assert "<details>" in markdown


@pytest.mark.parametrize("thing", [3, "burst", len, burst(until_s=1)])
def test_what_has_no_source_is_said(thing) -> None:
    with pytest.raises(BadParameter, match="has no source to show"):
        show_source(thing)
    with pytest.raises(BadParameter, match="nothing to show"):
        show_source()


# ---------------------------------------------------------------------------------------------------- a measured number

def test_a_measured_number_is_shown_live_and_a_phrase_where_it_is_committed(monkeypatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")
    assert repr(measured(0.0123, usually="a moment")) == "0.0123 s"
    assert measured([3, 1, 2], "ms") == "2 ms (median of 3 runs, 1 to 3)"
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    assert repr(measured(0.0123, usually="a moment")) == "a moment"
    with pytest.raises(BadParameter, match="nothing was measured"):
        measured([])


# ------------------------------------------------------------------------------------------------ the player, wired up

def controls(shown) -> list:
    """Return the sliders and menus over a live player."""
    box, _ = shown.widget.children
    return [child for child in walk(box) if hasattr(child, "value") and getattr(child, "description", "")]


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def test_lanes_differ_in_what_is_compared_and_in_nothing_else() -> None:
    shown = player(burst, compare={"policy": ("unbounded", "block")}, until_s=5.0, seed=7)
    headers = [trace.header for trace in shown.traces]
    assert [header.params.pop("policy") for header in headers] == ["unbounded", "block"]
    assert headers[0].params == headers[1].params
    assert [header.seed for header in headers] == [7, 7]


def test_a_slider_runs_both_lanes_again() -> None:
    shown = player(burst, compare={"policy": ("drop_oldest", "block")}, capacity=(5, 100), seed=[1, 2], until_s=30.0)
    slider, menu = controls(shown)
    assert (slider.value, menu.value) == (50, 1)
    slider.value, menu.value = 10, 2
    assert [(trace.header.params["capacity"], trace.header.seed) for trace in shown.traces] == [(10, 2), (10, 2)]


def test_sliders_begin_where_they_are_told_or_at_the_usual() -> None:
    shown = player(burst, at={"capacity": 7}, capacity=(5, 100), burst_rate=(40.0, 80.0), until_s=30.0)
    assert shown.traces[0].header.params["capacity"] == 7
    assert shown.traces[0].header.params["burst_rate"] == 40.0


def test_a_seed_begins_where_a_run_without_one_does() -> None:
    assert player(burst, seed=(1, 9), until_s=1.0).traces[0].digest() == burst(until_s=1.0).digest()


def test_a_parameter_that_is_a_row_of_numbers_is_no_slider() -> None:
    shown = player(pipeline, stage_rates=(9.0, 8.0, 7.0), until_s=2.0)
    assert shown.traces[0].header.params["stage_rates"] == (9.0, 8.0, 7.0)


def test_a_fork_repeats_the_lane_that_is_shown_with_one_fault_more() -> None:
    shown = player(burst, compare={"policy": ("drop_oldest", "block")}, capacity=(5, 100), until_s=10.0)
    controls(shown)[0].value = 9
    fault = {"do": "slow", "target": "scorer", "at_s": 2.0, "value": 0.5}
    shown.fork(1, fault)
    before, after = shown.traces
    assert after.header.params == before.header.params
    assert (after.header.params["policy"], after.header.params["capacity"]) == ("block", 9)
    assert after.header.faults == [fault]
    assert [row for row in after if row.time_us < 2e6] == [row for row in before if row.time_us < 2e6]


def test_traces_are_played_as_they_are_and_an_engines_run_cannot_be_forked() -> None:
    real = Trace(Header(lab="not_consumed_in_time", scenario="burst", engine="nats 2.15"))
    real.emit(0, "publish", "wearables", "n1", attempt=1)
    shown = player(real, burst(until_s=1.0))
    assert shown.traces[0] is real
    with pytest.raises(BadParameter, match="without fork"):
        shown.fork(0, {"do": "crash", "target": "inbox", "at_s": 0.5})


@pytest.mark.parametrize(("call", "says"), [
    (player, "nothing to play"),
    (lambda: player(burst(until_s=1), capacity=(1, 2)), "sliders need a scenario"),
    (lambda: player(burst, burst), "give one scenario"),
    (lambda: player("burst"), "give traces, or one scenario"),
    (lambda: player(burst, colour="red"), "no parameter 'colour'"),
    (lambda: player(burst, capacity=(9, 3)), r"capacity = \(9, 3\)"),
    (lambda: player(burst, policy=[]), "at least one choice"),
    (lambda: player(burst, compare={"policy": ("block",), "seed": (1, 2)}), "give one"),
    (lambda: player(burst, compare={"colour": (1, 2)}), "no parameter 'colour'"),
    (lambda: player(burst, compare={"policy": ("block",)}, policy=["block"]), "both compared and given"),
    (lambda: player(burst, at={"rate": 3}, capacity=(1, 9)), "'rate' is no slider here"),
])
def test_a_player_that_cannot_be_made_says_why(call, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        call()


def test_answers_are_a_table_without_what_none_of_them_has():
    taken, failed = Taken("e1"), Failed("InvalidArgument", "source = '': give a text")
    assert answers(taken, failed).text.splitlines() == [
        "answer | id | code | why", "taken | e1 |  | ", "failed |  | InvalidArgument | source = '': give a text"]
    assert answers(Books(matched=2, delivered=2)).text == "answer | matched | delivered\nbooks | 2 | 2"
    with pytest.raises(BadParameter, match="give what a system answered"):
        answers(taken, {"id": "e1"})
