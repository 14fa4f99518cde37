"""Stages in a row: each takes a request, works on it, and hands it on to the next, with credits between them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from dsys_lab.brokers.overflow import Buffer, Request
from dsys_lab.scenarios.machines import Consumer, CreditLink, Inbox
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import Distribution, exponential


def in_a_row(simulation: Simulation, stages: Mapping[str, tuple[Distribution, int]], window: int | None) -> CreditLink:
    """Wire stages so that each hands on to the next; return the way to the first.

    Parameters
    ----------
    stages : mapping
        Name -> the work for a request, and how many do it side by side. Before each stands an inbox, `<name>-in`.
    window : int or None
        Credits between two of them; None for no limit.
    """
    inboxes = [Inbox(simulation, Buffer(f"{name}-in", capacity=1, recorder=simulation.recorder)) for name in stages]
    links = [CreditLink(simulation, inbox, window) for inbox in inboxes]
    for (name, (work, servers)), link, onward in zip(stages.items(), links, [*links[1:], None], strict=True):
        passes_on = partial(onward.hand_over, name) if onward else None
        Consumer(simulation, link.inbox, work, name=name, servers=servers, passes_on=passes_on, done=link.give_back)
    return links[0]


def hand_over_at_random(simulation: Simulation, name: str, link: CreditLink, *, rate: float) -> Body:
    """Offer n1, n2, ... at random, `rate` a second, and hand each over; while it must wait nothing new is offered."""
    gap, chance, number = exponential(1 / rate), simulation.stream(f"{name}/arrivals"), 0
    while True:
        yield simulation.sleep(gap(chance))
        number += 1
        simulation.emit("publish", name, f"n{number}", attempt=1)
        yield from link.hand_over(name, Request(f"n{number}"))
