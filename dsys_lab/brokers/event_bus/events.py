"""An event in its envelope, and what is given to the bus to make one.

What happened is the `detail`, an object of the sender's own; around it lies what every event has: who says so (the
`source`), what kind of thing it is (the `detail-type`), when, and which `resources` it is about. Patterns see it all.

What an entry counts against the limit of a put: the UTF-8 bytes of source, detail-type, detail and resources, and a
fixed number for a time that is given. That a source may not begin with `aws.` is the service's answer, and stands in
none of its documents that we know.

Sources: Amazon EventBridge User Guide, "Calculating PutEvents event entry size"; API Reference, PutEventsResultEntry
(`MalformedDetail`, `InvalidArgument`, `NotAuthorizedForSourceException`); for `aws.`, answers of the service as users
report them (AWS re:Post, and several projects' own notes), read in November 2026.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from dsys_lab.facts import fact

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-north-1"
TIME_BYTES: Final = int(fact("eventbridge_time_bytes").value)
"""What a time that is given counts, however it is written."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as the bus has it.

    Attributes
    ----------
    id : str
        The same at every target, attempt and replay.
    source, detail_type : str
    detail : mapping
        As `json.loads` makes it.
    time_us : int
        When it happened, in microseconds since 1970.
    resources : tuple of str
    replay_name : str
        The replay that it comes from; "" if it is new.
    """

    id: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]
    time_us: int
    resources: tuple[str, ...] = ()
    replay_name: str = ""

    def envelope(self) -> dict[str, Any]:
        """Return the JSON object that patterns are asked of and targets get."""
        whole = {
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": ACCOUNT,
            "time": datetime.fromtimestamp(self.time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": list(self.resources),
            "detail": self.detail,
        }
        return {**whole, "replay-name": self.replay_name} if self.replay_name else whole

    def replayed(self, name: str) -> Event:
        """Return it as a replay of this name hands it on."""
        return dataclasses.replace(self, replay_name=name)


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody gives to the bus. It is looked at when it is put: a bad one fails alone.

    Attributes
    ----------
    source, detail_type : str
    detail : str or mapping
        A JSON object, written or as `json.loads` makes it.
    resources : tuple of str
    time_us : int or None
        When it happened; None: when it is put.
    id : str
        What the event is called; "": the bus gives it a number.
    """

    source: str
    detail_type: str
    detail: str | Mapping[str, Any]
    resources: tuple[str, ...] = ()
    time_us: int | None = None
    id: str = ""

    @property
    def size_bytes(self) -> int:
        """What it counts against the limit of a put."""
        texts = (self.source, self.detail_type, written(self.detail), *self.resources)
        counted = sum(len(text.encode()) for text in texts if isinstance(text, str))
        return counted + TIME_BYTES * (self.time_us is not None)

    def fault(self) -> tuple[str, str]:
        """Return the code and the words of what is wrong with it, or two empty texts."""
        for name, given in (("source", self.source), ("detail_type", self.detail_type)):
            if not isinstance(given, str) or not given:
                return "InvalidArgument", f"{name} = {given!r}: give a text that is not empty"
        if self.source.startswith("aws."):
            return "NotAuthorizedForSourceException", f"source = {self.source!r}: aws. is for the services of AWS alone"
        if opened(self.detail) is None:
            return "MalformedDetail", f"detail = {self.detail!r:.60}: give a JSON object"
        return "", ""

    def event(self, now_us: int, default_id: str) -> Event:
        """Return the event that a good entry becomes."""
        time_us = now_us if self.time_us is None else self.time_us
        detail = opened(self.detail)
        assert detail is not None, "looked at before"
        return Event(self.id or default_id, self.source, self.detail_type, detail, time_us, self.resources)


def written(detail: str | Mapping[str, Any]) -> str:
    """Return a detail as text; "" if JSON cannot say it."""
    try:
        return detail if isinstance(detail, str) else json.dumps(detail, allow_nan=False)
    except (TypeError, ValueError):
        return ""


def opened(detail: str | Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a detail as an object of its own; None if it is none."""
    try:
        found = json.loads(written(detail))
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None
