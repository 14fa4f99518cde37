"""Trouble is data: it strikes at its time or at its row, lasts as long as it says, and survives a share link."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.simulation import Fault, Machine, Simulation, fault
from dsys_lab.simulation.faults import ACTS
from dsys_lab.trace import KINDS, Trace

# each act: (target, value, the rows that it leaves, when it strikes and when it is undone)
STRIKES = {
    "crash": ("w", 0, "crash", "restart"),
    "slow": ("w", 0.1, "slow", "steady"),
    "skew": ("w", -30, "skew", "skew"),
    "split": ("w, v", 0, "split", "heal"),
    "loss": ("network", 0.5, "note", "note"),
    "duplication": ("network", 0.5, "note", "note"),
    "lose": ("m4", 0, "lost", None),
    "duplicate": ("m4", 0, "copied", None),
}


def played(*faults: Fault) -> Trace:
    """One machine writes a row every second and sends a message with it to another."""
    sim = Simulation(seed=1, faults=faults, recorder=(trace := Trace()))

    class Ticking(Machine):
        def boot(self):
            if self.name == "w":
                self.spawn(self.tick())

        def tick(self):
            while True:
                yield sim.sleep(1)
                second = int(sim.now_s)
                sim.emit("effect", "w", f"m{second}", key=f"k{second}")
                sim.network.send("w", "v", f"m{second}", {})

    for name in ("w", "v", "u"):
        Ticking(sim, name)
    sim.run(10)
    return trace


def rows(trace, *kinds):
    return [(row.time_us / 1e6, row.kind, row.place) for row in trace.of(*kinds)]


def test_every_act_is_tried():
    assert STRIKES.keys() == set(ACTS)
    assert all(begins in KINDS and (ends is None or ends in KINDS) for _, _, begins, ends in STRIKES.values())


@pytest.mark.parametrize("do", ACTS)
def test_a_fault_strikes_at_its_time_and_is_undone_when_it_has_lasted(do):
    target, value, begins, ends = STRIKES[do]
    plan = Fault(do=do, target=target, value=value, at_s=3.5, lasts_s=2)
    struck = rows(played(plan), begins, *([ends] if ends else []))
    expected = [3.5, 5.5] if ends else [{"lost": 4.02, "copied": 4.0}[begins]]
    assert [at_s for at_s, _, _ in struck] == expected
    assert [kind for _, kind, _ in struck] == ([begins, ends] if ends else [begins])
    assert len(rows(played(replace(plan, lasts_s=None)), begins, *([ends] if ends else []))) == 1


@pytest.mark.parametrize("do", ACTS)
def test_a_fault_strikes_right_after_its_row(do):
    target, value, begins, _ = STRIKES[do]
    plan = Fault(do=do, target=target, value=value, on={"kind": "effect", "place": "w"}, nth=3, lasts_s=0.5)
    trace = played(plan)
    struck = rows(trace, begins)[0]
    assert struck[0] == {"lost": 4.02, "copied": 4.0}.get(begins, 3.0)
    if do not in ("lose", "duplicate"):  # the step that wrote the row was whole: it sent its message as well
        assert [row.kind for row in trace if row.time_us == 3_000_000] == ["effect", "send", begins]


def test_a_row_may_be_known_by_any_column_and_field():
    for on in ({"message": "m4"}, {"key": "k4"}, {"kind": "effect", "key": "k4"}, {"kind": "receive", "copy": 0}):
        assert rows(played(Fault(do="slow", target="w", value=0.5, on=on)), "slow"), on
    assert not rows(played(Fault(do="slow", target="w", value=0.5, on={"key": "k4", "place": "v"})), "slow")
    assert rows(played(Fault(do="slow", target="w", value=0.5, on={})), "slow") == [(1.0, "slow", "w")]  # the first row


def test_a_crash_silences_the_machine_until_it_is_back():
    trace = played(Fault(do="crash", target="w", at_s=3.5, lasts_s=2.25))
    assert [at_s for at_s, _, _ in rows(trace, "effect")] == [1, 2, 3, 6.75, 7.75, 8.75, 9.75]


def test_a_skewed_clock_is_set_right_again():
    trace = played(Fault(do="skew", target="w", value=-30, at_s=1, lasts_s=1))
    assert [row.fields["skew_us"] for row in trace.of("skew")] == [-30_000_000, 0]


def test_loss_and_duplication_stop_when_they_are_over():
    trace = played(Fault(do="loss", target="network", value=1, at_s=2.5, lasts_s=2))
    assert [row.message for row in trace.of("lost")] == ["m3", "m4"]
    trace = played(Fault(do="duplication", target="network", value=1, at_s=2.5, lasts_s=2))
    assert [row.message for row in trace.of("copied")] == ["m3", "m4"]


def test_a_split_names_one_side():
    together = played(Fault(do="split", target="v, w", at_s=2.5, lasts_s=2))
    apart = played(Fault(do="split", target="w", at_s=2.5, lasts_s=2))
    assert together.of("lost") == []
    assert [row.message for row in apart.of("lost")] == ["m3", "m4"]


def test_two_faults_of_one_plan_both_strike():
    both = played(Fault(do="slow", target="w", value=0.5, at_s=1), Fault(do="crash", target="v", on={"message": "m2"}))
    assert rows(both, "slow", "crash") == [(1.0, "slow", "w"), (2.0, "crash", "v")]


# ------------------------------------------------------------------------------------------ overlapping
def test_a_machine_is_down_for_as_long_as_any_of_its_crashes_lasts():
    long, short = (Fault(do="crash", target="w", at_s=at_s, lasts_s=lasts_s) for at_s, lasts_s in ((2.5, 4), (3.5, 1)))
    assert rows(played(long, short), "crash", "restart") == [(2.5, "crash", "w"), (6.5, "restart", "w")]
    assert rows(played(long, replace(short, lasts_s=None)), "restart") == []


def speeds(*faults):
    return [(row.time_us / 1e6, row.fields.get("speed", 1.0)) for row in played(*faults).of("slow", "steady")]


def test_the_slowness_that_struck_last_rules_and_the_one_before_comes_back():
    outer = Fault(do="slow", target="w", value=0.5, at_s=2, lasts_s=6)
    inner = Fault(do="slow", target="w", value=0.1, at_s=3, lasts_s=2)
    assert speeds(outer, inner) == [(2, 0.5), (3, 0.1), (5, 0.5), (8, 1.0)]
    assert speeds(outer, replace(inner, lasts_s=6)) == [(2, 0.5), (3, 0.1), (9, 1.0)]


def test_a_loss_within_a_loss_ends_alone():
    outer = Fault(do="loss", target="network", value=1, at_s=1.5, lasts_s=5)
    inner = Fault(do="loss", target="network", value=1, at_s=2.5, lasts_s=1)
    assert [row.message for row in played(outer, inner).of("lost")] == ["m2", "m3", "m4", "m5", "m6"]


def test_two_splits_of_one_side_heal_when_the_last_is_over():
    outer = Fault(do="split", target="w", at_s=1.5, lasts_s=5)
    inner = Fault(do="split", target="w", at_s=2.5, lasts_s=1)
    trace = played(outer, inner)
    assert [row.message for row in trace.of("lost")] == ["m2", "m3", "m4", "m5", "m6"]
    assert rows(trace, "heal") == [(6.5, "heal", "network")]


# ------------------------------------------------------------------------------------------ as data
FAULTS = st.builds(
    lambda do, when, nth, lasts_s: Fault(do=do, target="w", nth=nth, lasts_s=lasts_s, value=0.5, **when),
    st.sampled_from(ACTS),
    st.floats(0, 1e6).map(lambda at_s: {"at_s": at_s}) | st.just({"on": {"kind": "effect", "message": None}}),
    st.integers(1, 9),
    st.none() | st.floats(0, 1e6),
)


@given(FAULTS)
def test_a_plan_survives_json(one):
    assert fault(json.loads(json.dumps(one.as_dict()))) == one
    assert fault(one) is one
    assert "None" not in str(one.as_dict()).replace("'message': None", "")  # what was left out stays out


def test_a_fault_reads_as_it_was_written_and_cannot_be_changed():
    one = Fault(do="crash", target="w", at_s=3.5, lasts_s=2)
    assert eval(repr(one)) == one
    with pytest.raises(FrozenInstanceError):
        one.target = "v"


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"do": "melt", "target": "w", "at_s": 1}, r"fault do = 'melt'.*crash, slow"),
        ({"do": "crash", "target": "w"}, r"either at_s .* or on"),
        ({"do": "crash", "target": "w", "at_s": 1, "on": {}}, r"either at_s .* or on"),
        ({"do": "crash", "target": "w", "on": {"kind": "efect"}}, r"'efect'.*never strike.*effect"),
        ({"do": "crash", "target": "w", "at_s": -1}, r"at_s = -1"),
        ({"do": "crash", "target": "w", "at_s": float("nan")}, r"at_s = nan"),
        ({"do": "crash", "target": "w", "at_s": 1, "lasts_s": -1}, r"lasts_s = -1"),
        ({"do": "crash", "target": "w", "on": {}, "nth": 0}, r"nth = 0"),
        ({"do": "slow", "target": "w", "at_s": 1, "value": -0.5}, r"value = -0.5"),
        ({"do": "loss", "target": "network", "at_s": 1, "value": 50}, r"'loss'.*value = 50.*between 0 and 1"),
        ({"do": "crash", "target": "w", "at_s": 1, "severity": 3}, r"no field 'severity'.*lasts_s"),
    ],
)
def test_a_bad_fault_is_refused_when_it_is_made(plan, says):
    with pytest.raises(BadParameter, match=says):
        fault(plan)


@pytest.mark.parametrize("do", ["crash", "slow", "skew", "split"])
def test_a_fault_on_a_machine_that_is_not_there_is_refused_with_those_that_are(do):
    with pytest.raises(BadParameter, match=r"no machine 'x'; give .* w, v, u"):
        played(Fault(do=do, target="x", at_s=1))
