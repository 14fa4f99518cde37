"""From a partner's own shape to the one that all tools read: CloudEvents 1.0, as structured JSON.

Four attributes every event has: `specversion`, `id`, `source` and `type`; the id is unique at its source, and the two
together are what makes an event the same. The partner's `webhook-id` is such an id. The rest is carried over: when it
happened (`time`), and what (`data`).

A function and not a library: the `cloudevents` package reads and writes all bindings, and this room needs one direction
of one.

Sources: CloudEvents 1.0.2, "Required attributes"; JSON event format, sections 2 and 3. Standard Webhooks 1.0.0,
"Payload structure".
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from dsys_lab.brokers.web_hook.inbox import Event
from dsys_lab.brokers.web_hook.judging import fault_of, payload_of
from dsys_lab.errors import BadParameter

MEDIA_TYPE: Final = "application/cloudevents+json"


def cloud_event(event: Event, *, source: str) -> dict[str, Any]:
    """Return an event as a CloudEvent.

    Parameters
    ----------
    event : Event
        Its body is a payload as Standard Webhooks advises: `type`, perhaps `timestamp`, and either `data` or the rest.
    source : str
        Which partner, as a reference: `/partners/wearable`.

    Raises
    ------
    BadParameter
        If the source is empty, or the body is no such payload.

    Examples
    --------
    >>> body = b'{"type": "sleep.recorded", "data": {"hours": 7}}'
    >>> cloud_event(Event(0, "msg_1", 0, body), source="/partners/wearable")["type"]
    'sleep.recorded'
    """
    if not isinstance(source, str) or not source:
        raise BadParameter(f"source = {source!r}: give the partner's name as a reference, /partners/wearable")
    if fault := fault_of(event.body):
        raise BadParameter(f"event {event.id}: {fault}, so it is no CloudEvent")
    payload = payload_of(event.body) or {}
    rest = {name: value for name, value in payload.items() if name not in ("type", "timestamp")}
    whole = {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": payload["type"],
        "datacontenttype": "application/json",
        "data": payload.get("data", rest),
    }
    happened = payload.get("timestamp")
    return {**whole, "time": happened} if _is_time(happened) else whole


def structured(event: Event, *, source: str) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a request that carries the event in structured mode."""
    return {"content-type": MEDIA_TYPE}, json.dumps(cloud_event(event, source=source)).encode()


def _is_time(text: object) -> bool:
    """Whether this is a time as RFC 3339 writes it: a date, a time and an offset."""
    if not isinstance(text, str) or "T" not in text.upper():
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
