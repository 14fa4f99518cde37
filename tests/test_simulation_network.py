"""Every copy that is sent ends once: received or lost. What goes wrong on the way is asked for, and seen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import Misuse
from dsys_lab.simulation import Machine, Simulation
from dsys_lab.simulation.chance import constant, uniform
from dsys_lab.trace import INVARIANTS, Trace


class Phone(Machine):
    """Writes down what it hears."""

    def __init__(self, simulation, name):
        self.heard = []
        super().__init__(simulation, name)

    def on_message(self, message, copy, body, source):
        self.heard.append((self.simulation.now_us, message, copy, body, source))


@pytest.fixture
def sim():
    sim = Simulation(seed=1, recorder=Trace())
    for name in ("a", "b", "c"):
        Phone(sim, name)
    return sim


def send(sim, at_s, message="m1", source="a", target="b", **more):
    sim.after(at_s, lambda: sim.network.send(source, target, message, {}, **more))


def kinds(sim):
    return [row.kind for row in sim.recorder]


def test_a_message_travels_for_its_delay_and_says_when_it_will_arrive(sim):
    sim.after(1, lambda: sim.network.send("a", "b", "m1", {"type": "ping", "n": 7}, copy=2))
    sim.run()
    sent, received = sim.recorder
    assert sent[1:] == (1_000_000, "send", "a", "m1", {"to": "b", "copy": 2, "type": "ping", "arrive_us": 1_020_000})
    assert received[1:] == (1_020_000, "receive", "b", "m1", {"source": "a", "copy": 2, "type": "ping"})
    assert sim.machines["b"].heard == [(1_020_000, "m1", 2, {"type": "ping", "n": 7}, "a")]


def test_each_direction_of_a_link_may_have_a_delay_of_its_own(sim):
    sim.network.link_delay["a", "b"] = constant(3)
    sim.network.link_delay["b", "c"] = constant(0.000_057)
    send(sim, 0)
    send(sim, 0, "m2", "b", "a")
    send(sim, 0, "m3", "b", "c")
    sim.run()
    assert {row.message: row.time_us for row in sim.recorder.of("receive")} == {"m1": 3_000_000, "m2": 20_000, "m3": 57}


def test_a_delay_with_spread_reorders(sim):
    sim.network.delay = uniform(0, 1)
    for number in range(20):
        send(sim, 0, f"m{number}")
    sim.run()
    arrived = [row.message for row in sim.recorder.of("receive")]
    assert sorted(arrived) != arrived
    assert len(set(arrived)) == 20


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_the_share_that_is_lost_is_the_share_asked_for(sim, fraction):
    sim.network.loss_fraction = fraction
    for number in range(2000):
        send(sim, 0, f"m{number}")
    sim.run()
    lost = len(sim.recorder.of("lost"))
    assert abs(lost - 2000 * fraction) <= 3 * (2000 * fraction * (1 - fraction)) ** 0.5
    assert lost + len(sim.recorder.of("receive")) == 2000


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_the_share_that_is_copied_is_the_share_asked_for(sim, fraction):
    sim.network.duplicate_fraction = fraction
    for number in range(2000):
        send(sim, 0, f"m{number}")
    sim.run()
    copied = len(sim.recorder.of("copied"))
    assert abs(copied - 2000 * fraction) <= 3 * (2000 * fraction * (1 - fraction)) ** 0.5
    assert len(sim.recorder.of("receive")) == 2000 + copied


def test_a_message_of_its_own_is_lost_once(sim):
    send(sim, 1)
    sim.after(1.01, lambda: sim.network.lose("m1"))  # it is on its way already
    send(sim, 2)
    send(sim, 2, "m2")
    sim.run()
    assert [(row.kind, row.message) for row in sim.recorder if row.kind != "send"] == [
        ("lost", "m1"), ("receive", "m1"), ("receive", "m2"),
    ]  # fmt: skip


def test_a_message_of_its_own_is_copied_once(sim):
    sim.network.duplicate("m1")
    send(sim, 1)
    send(sim, 2)
    sim.run()
    assert [(row.kind, row.fields["copy"]) for row in sim.recorder if row.time_us == 1_000_000] == [
        ("send", 0), ("copied", 1), ("send", 1),
    ]  # fmt: skip
    assert len(sim.recorder.of("copied")) == 1


def test_a_client_that_tries_again_never_calls_its_copy_like_one_of_the_network(sim):
    sim.network.duplicate("m1")
    send(sim, 1, copy=sim.network.next_copy("m1"))
    sim.run()
    assert sim.network.next_copy("m1") == 2
    assert (sim.network.next_copy("m1"), sim.network.next_copy("m2")) == (3, 0)


def test_a_split_parts_one_side_from_the_other_until_it_heals(sim):
    sim.network.splits.append(frozenset({"a", "c"}))
    for message, source, target in (("m1", "a", "b"), ("m2", "b", "a"), ("m3", "a", "c")):
        send(sim, 1, message, source, target)
    sim.after(2, sim.network.splits.clear)
    send(sim, 3, "m4")
    sim.run()
    assert [row.message for row in sim.recorder.of("receive")] == ["m3", "m4"]
    assert {row.fields["why"] for row in sim.recorder.of("lost")} == {"the network is split"}


def test_what_arrives_at_a_machine_that_is_down_is_lost(sim):
    sim.after(1, sim.machines["b"].crash)
    send(sim, 0.99)  # it leaves before the crash and arrives after it
    sim.after(2, sim.machines["b"].restart)
    send(sim, 1.99, "m2")  # it leaves before the restart and arrives after it
    sim.run()
    ((lost,), (received,)) = sim.recorder.of("lost"), sim.recorder.of("receive")
    assert (lost.message, lost.fields["why"], received.message) == ("m1", "b is down", "m2")


def test_a_lost_answer_loses_no_message(sim):
    sim.network.answer("b", "a", "m1", {"ok": True})
    sim.network.lose("m1")
    sim.network.answer("b", "a", "m2", {"ok": True})
    sim.run()
    assert kinds(sim) == ["answer", "answer", "answer_lost", "answered"]
    assert [heard[1] for heard in sim.machines["a"].heard] == ["m2"]


def test_a_message_to_nobody_is_refused_before_it_leaves(sim):
    with pytest.raises(Misuse, match=r"'m1' cannot go to 'd': give one of a, b, c"):
        sim.network.send("a", "d", "m1", {})
    assert kinds(sim) == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_goes_wrong_each_copy_sent_settles_in_exactly_one_row(data):
    sim = Simulation(seed=data.draw(st.integers(0, 99)), recorder=Trace())
    machines = [Phone(sim, name) for name in "abc"]
    sim.network.delay = uniform(0, data.draw(st.sampled_from([0.0, 0.02, 3.0])))
    sim.network.loss_fraction = data.draw(st.sampled_from([0.0, 0.3]))
    sim.network.duplicate_fraction = data.draw(st.sampled_from([0.0, 0.3]))
    for number in range(data.draw(st.integers(1, 12))):
        ends = st.sampled_from("abc")
        send(sim, data.draw(st.integers(0, 5)), f"m{number % 4}", data.draw(ends), data.draw(ends),
             copy=sim.network.next_copy(f"m{number % 4}"))  # fmt: skip
    for what in data.draw(st.lists(st.sampled_from(["crash", "restart", "split", "heal", "lose", "duplicate"]))):
        at_s, machine = data.draw(st.floats(0, 6)), data.draw(st.sampled_from(machines))
        act = {
            "crash": machine.crash,
            "restart": machine.restart,
            "split": lambda name=machine.name: sim.network.splits.append(frozenset({name})),
            "heal": sim.network.splits.clear,
            "lose": lambda: sim.network.lose("m1"),
            "duplicate": lambda: sim.network.duplicate("m2"),
        }[what]
        sim.after(at_s, act)
    sim.run()
    settled = [*sim.recorder.of("receive"), *sim.recorder.of("lost")]
    assert INVARIANTS["sends settle"](sim.recorder) == []
    assert len(settled) == len(sim.recorder.of("send"))
    copies = [(row.message, row.fields["copy"]) for row in settled]
    assert len(set(copies)) == len(copies)
