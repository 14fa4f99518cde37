"""The breaker opens in time, asks with one probe, and is never stuck: held against a reference made from its words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.brokers.circuit_breaker import CircuitBreaker, Permit
from dsys_lab.errors import BadParameter
from dsys_lab.trace import Trace

S = 1_000_000


def opened(failures: int = 3, **more: object) -> CircuitBreaker:
    """A breaker that opened at 0 s, for 5 s."""
    breaker = CircuitBreaker(failures=failures, open_s=5, **more)
    for _ in range(failures):
        breaker.failed(0, breaker.admit(0))
    return breaker


def test_it_opens_after_so_many_in_a_row_and_one_success_begins_anew() -> None:
    breaker = CircuitBreaker(failures=3)
    for outcome in "ffsff":
        permit = breaker.admit(0)
        (breaker.failed if outcome == "f" else breaker.went_well)(0, permit)
        assert breaker.status().state == "closed"
    breaker.failed(0, breaker.admit(0))
    assert breaker.status().state == "open"


def test_after_its_time_one_probe_passes_and_nobody_else() -> None:
    breaker = opened()
    assert breaker.admit(5 * S - 1) is None
    probe = breaker.admit(5 * S)
    assert probe.is_probe
    assert breaker.admit(5 * S) is None
    breaker.went_well(5 * S + 1, probe)
    assert (breaker.status().state, breaker.admit(5 * S + 2).is_probe) == ("closed", False)


def test_a_probe_that_fails_opens_it_for_as_long_again() -> None:
    breaker = opened()
    breaker.failed(6 * S, breaker.admit(5 * S))
    assert breaker.admit(11 * S - 1) is None
    assert breaker.admit(11 * S).is_probe


def test_late_news_of_calls_from_before_says_nothing() -> None:
    breaker = CircuitBreaker(failures=1, open_s=5)
    slow, failing = breaker.admit(0), breaker.admit(0)
    breaker.failed(0, failing)
    breaker.went_well(S, slow)
    assert breaker.status().state == "open"
    probe = breaker.admit(5 * S)
    breaker.failed(5 * S, slow)  # half-open: only the probe speaks
    breaker.went_well(5 * S, probe)
    assert breaker.status().state == "closed"


def test_a_silent_probe_has_failed_and_without_a_time_for_it_everybody_stays_out() -> None:
    stuck, sound = opened(probe_within_s=None), opened(probe_within_s=1.0)
    for breaker in (stuck, sound):
        assert breaker.admit(5 * S).is_probe
    assert sound.admit(6 * S) is None  # silent: open again, for 5 s
    assert sound.admit(11 * S).is_probe
    assert all(stuck.admit(second * S) is None for second in range(6, 4_000, 100))
    assert (stuck.status().state, sound.status().opened) == ("half-open", 2)


def test_a_silent_probe_has_failed_when_its_time_is_over_and_not_when_somebody_asks() -> None:
    rare = opened(probe_within_s=1.0)
    for seconds in (5, 100, 200):  # once a minute or so: each silent probe is over long before the next call
        assert rare.admit(seconds * S).is_probe
    late = opened(probe_within_s=1.0)
    probe = late.admit(5 * S)
    late.went_well(7 * S, probe)  # nobody asked in between, and it is too late all the same
    assert late.status().state == "open"
    assert (late.admit(11 * S - 1), late.admit(11 * S).is_probe) == (None, True)


def test_what_comes_to_light_late_has_its_row_then() -> None:
    trace = Trace()
    breaker = CircuitBreaker(failures=1, open_s=5, recorder=trace)
    breaker.failed(0, breaker.admit(0))
    breaker.admit(5 * S)
    breaker.admit(100 * S)
    told = [(row.kind, row.time_us // S) for row in trace]
    assert told == [("breaker_open", 0), ("breaker_probe", 5), ("breaker_open", 100), ("breaker_probe", 100)]


def test_the_rows_tell_the_story() -> None:
    trace = Trace()
    breaker = CircuitBreaker(failures=1, open_s=5, place="phone", recorder=trace)
    breaker.failed(0, breaker.admit(0, "m1"))
    breaker.admit(S, "m2")
    breaker.went_well(5 * S + 1, breaker.admit(5 * S, "m3"))
    told = [(row.kind, row.message) for row in trace]
    assert told == [("breaker_open", None), ("breaker_probe", "m3"), ("breaker_closed", None)]


@settings(max_examples=60, deadline=None)
@given(
    failures=st.integers(1, 4),
    steps=st.lists(st.tuples(st.sampled_from(["ask", "well", "failed"]), st.integers(0, 3), st.integers(0, 5))),
)
def test_it_does_what_its_words_say(failures: int, steps: list[tuple[str, int, int]]) -> None:
    """The reference keeps a history of (outcome) lists and times; it shares no line with the breaker.

    A probe that is silent for two seconds has failed at their end, whoever speaks next and when.
    """
    breaker = CircuitBreaker(failures=failures, open_s=5, probe_within_s=2)
    now, out, shut_at, probe, probe_at, history, era = 0, [], None, None, 0, [], 0
    for act, seconds, which in steps:
        now += seconds
        if probe is not None and now - probe_at >= 2 and (act == "ask" or out):
            shut_at, probe, era = probe_at + 2, None, era + 1
        if act == "ask":
            permit = breaker.admit(now * S)
            if shut_at is None:
                assert not permit.is_probe
            elif probe is None and now - shut_at >= 5:
                assert permit.is_probe
                probe, probe_at, era = permit, now, era + 1
            else:
                assert permit is None
            if permit is not None:
                out.append((permit, era))
        elif out:
            permit, of_era = out.pop(which % len(out))
            (breaker.went_well if act == "well" else breaker.failed)(now * S, permit)
            if of_era != era:
                continue
            if permit is probe:
                shut_at, probe, history, era = (None if act == "well" else now), None, [], era + 1
                continue
            history.append(act)
            if history[-failures:] == ["failed"] * failures:
                shut_at, history, era = now, [], era + 1
    status = breaker.status()
    assert status.state == ("closed" if shut_at is None else "open" if probe is None else "half-open")
    assert status.admitted + status.refused == sum(act == "ask" for act, _, _ in steps)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: CircuitBreaker(failures=0), "failures = 0"),
        (lambda: CircuitBreaker(failures=2.5), r"failures = 2\.5"),
        (lambda: CircuitBreaker(failures=True), "failures = True"),
        (lambda: CircuitBreaker(open_s=1e-9), "open_s = 1e-09: give seconds, a millionth or more"),
        (lambda: CircuitBreaker(open_s=float("nan")), "open_s = nan"),
        (lambda: CircuitBreaker(probe_within_s=float("inf")), "probe_within_s = inf"),
        (lambda: CircuitBreaker(open_s=0), "open_s = 0"),
        (lambda: CircuitBreaker(probe_within_s=-1), "probe_within_s = -1"),
        (lambda: CircuitBreaker().failed(0, None), "permit = None"),
        (lambda: CircuitBreaker().went_well(0, Permit(7, False)), "give what `admit` gave"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(call: object, told: str) -> None:
    with pytest.raises(BadParameter, match=told):
        call()
