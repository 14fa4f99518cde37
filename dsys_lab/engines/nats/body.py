"""A request as the body of a NATS message, and back: JSON, so that any client can read it."""

from __future__ import annotations

import json
from dataclasses import asdict

from dsys_lab.brokers.overflow import Request


def to_body(request: Request) -> bytes:
    """Return the request as bytes."""
    return json.dumps(asdict(request)).encode()


def from_body(body: bytes) -> Request:
    """Return the request that `to_body` wrote."""
    return Request(**json.loads(body))
