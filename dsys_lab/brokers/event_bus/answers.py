"""What a bus says: one frozen value for each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dsys_lab.brokers.outbox import Books


@dataclass(frozen=True, slots=True)
class Taken:
    """The entry is an event now. Whether any rule picked it is not said."""

    id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The entry was not taken, and its neighbours were: put this one again, mended."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand an event to a target: carry it out and say how it went.

    Attributes
    ----------
    number : int
        What `delivered` and `failed` take.
    rule, target, message : str
        The message is the id of the event.
    copy : int
        Which copy of the event this is.
    body : str
        What the target is given, in its shape.
    attempt : int
        From 1.
    published_us : int
        When the event was put, replayed or redriven.
    replay_name : str
        The replay that it comes from, or "".
    """

    number: int
    rule: str
    target: str
    message: str
    copy: int
    body: str
    attempt: int
    published_us: int
    replay_name: str


@dataclass(frozen=True, slots=True)
class Status:
    """What there is on a bus now, and what there has been.

    Attributes
    ----------
    taken, failed : int
        Entries that became events, and those that did not.
    unmatched : int
        Events that no rule picked: the count to put an alarm on.
    asked : int
        Patterns of rules that were asked.
    archived : mapping
        How many events each archive has.
    targets : mapping
        The books of each target, by `rule/target`.
    """

    taken: int
    failed: int
    unmatched: int
    asked: int
    archived: Mapping[str, int]
    targets: Mapping[str, Books]
