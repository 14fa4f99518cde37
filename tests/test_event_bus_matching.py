"""An index of rules finds what a loop over all finds, and asks fewer."""
from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.brokers.event_bus import Index, Loop, Matcher
from dsys_lab.brokers.event_patterns import Pattern

VALUES = st.sampled_from([1, 1.0, True, None, "a", "b", 0, False])
WISHES = st.lists(
    VALUES | st.sampled_from([{"anything-but": "a"}, {"exists": False}, {"prefix": "a"}, {"numeric": [">", 0]}]),
    min_size=1, max_size=3,
)  # fmt: skip
FIELDS = st.dictionaries(st.sampled_from("xyz"), WISHES, min_size=1, max_size=3)
PATTERNS = st.one_of(
    FIELDS,
    st.builds(lambda top, deep: {**top, "d": deep}, FIELDS, FIELDS),
    st.builds(lambda one, other: {"$or": [one, other]}, FIELDS, FIELDS),
).map(Pattern)
EVENTS = st.dictionaries(
    st.sampled_from("xyzd"),
    VALUES | st.lists(VALUES, max_size=3) | st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)
    | st.lists(st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=2), max_size=2),
)  # fmt: skip


def picked(matcher: Matcher, event: dict[str, Any]) -> list[str]:
    return [name for name, picks in matcher.verdicts(event) if picks]


@settings(max_examples=60, deadline=None)
@given(
    made=st.lists(st.tuples(st.sampled_from("abcdef"), PATTERNS), max_size=8), gone=st.sets(st.sampled_from("abcdef")),
    events=st.lists(EVENTS, max_size=6),
)  # fmt: skip
def test_an_index_picks_what_a_loop_picks_in_the_same_order(
    made: list[tuple[str, Pattern]], gone: set[str], events: list[dict[str, Any]]
) -> None:
    loop, index = Loop(), Index()
    for name, pattern in made:
        loop.add(name, pattern)
        index.add(name, pattern)
    for name in sorted(gone & {name for name, _ in made}):
        loop.remove(name)
        index.remove(name)
    for event in events:
        assert picked(index, event) == picked(loop, event)
    assert index.asked <= loop.asked


def rules(matcher: Matcher, pattern_of: Any, count: int = 100) -> Matcher:
    for number in range(count):
        matcher.add(f"r{number}", Pattern(pattern_of(number)))
    return matcher


def test_a_rule_stands_under_the_field_that_parts_the_rules_best() -> None:
    of = lambda number: {"source": ["wearable"], "detail": {"device": [f"d{number}"]}}  # noqa: E731
    loop, index = rules(Loop(), of), rules(Index(), of)
    event = {"source": "wearable", "detail": {"device": "d7"}}
    assert picked(loop, event) == picked(index, event) == ["r7"]
    assert (loop.asked, index.asked) == (100, 1)


def test_rules_without_a_plain_value_are_always_asked() -> None:
    index = rules(Index(), lambda number: {"kind": [{"anything-but": f"k{number}"}]})
    assert len(picked(index, {"kind": "k7"})) == 99
    assert index.asked == 100


def test_an_index_forgets_a_rule_that_was_removed() -> None:
    index = rules(Index(), lambda number: {"kind": [f"k{number % 3}", 1, True]})
    for number in range(100):
        index.remove(f"r{number}")
    assert picked(index, {"kind": ["k1", 1]}) == []
    assert (index.asked, index._under) == (0, {})
