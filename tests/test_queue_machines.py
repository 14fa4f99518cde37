"""A queue on a machine: whoever waits is told, also at the very microsecond at which the poll ends."""

from __future__ import annotations

import pytest

from dsys_lab.brokers.work_queue import Settings, WorkQueue
from dsys_lab.scenarios.durable_queue.machines import QueueHost
from dsys_lab.scenarios.durable_queue.workers import Task, Worker
from dsys_lab.simulation import Machine, Simulation
from dsys_lab.simulation.chance import constant
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.trace import Trace

POLL_S = 20.0


def a_message_at(sent_s, *, workers=1, wired_first):
    """The trace of workers that wait, and of a message that is stored at `sent_s`, by whoever was wired first."""
    trace = Trace()
    sim = Simulation(seed=1, recorder=trace)
    host = QueueHost(sim, WorkQueue("clips", Settings(copy_share=0.0), recorder=trace))

    Machine(sim, "phone")

    def send():
        host.on_message("c1", 0, {"type": "message"}, "phone")

    if wired_first == "sender":
        sim.after(sent_s, send)
    for number in range(1, workers + 1):
        Worker(sim, host, f"encoder-{number}", Task(constant(1.0), wait_s=POLL_S))
    if wired_first == "worker":
        sim.after(0.0, lambda: sim.after(sent_s, send))
    sim.run(sent_s + 5)
    return trace


@pytest.mark.parametrize("wired_first", ["sender", "worker"])
@pytest.mark.parametrize("sent_s", [0.0, 7.0, POLL_S - 1e-6, POLL_S, POLL_S + 1e-6])
def test_a_message_is_lent_at_once_also_when_it_comes_as_the_poll_ends(sent_s, wired_first):
    trace = a_message_at(sent_s, wired_first=wired_first)
    assert [row.time_us for row in trace.of("deliver")] == [round(sent_s * 1e6)]
    assert len(trace.of("ack")) == 1


def test_one_message_wakes_one_of_those_who_wait():
    trace = a_message_at(7.0, workers=3, wired_first="worker")
    (delivered,) = trace.of("deliver")
    assert (delivered.fields["to"], delivered.time_us) == ("encoder-1", 7_000_000), "who asked first is told first"
    (began,) = trace.of("start")
    assert began.time_us == 7_000_000 + round(DELAY_S * 1e6)
