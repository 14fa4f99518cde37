"""A destination that is called: somebody's web server, as the door of `dsys_lab.brokers.web_hook`.

A crate is the body of one call, its records in base64, for they may be any bytes. The call's id is made of the object's
key. With `names="crate"` that is the same at every attempt, so a door that took a crate whose answer was lost knows it
again; with `names="attempt"` it cannot.

What the door is told it must say: 2xx, and the crate is delivered. All else is a failure, and the crate is tried again
until `retry_s` is over; then it goes to the backup.

Firehose calls by HTTPS with headers of its own, the request's id among them, which stays the same between attempts. It
waits for 3 minutes, and takes only a 200 whose body has the form it asks for; here any 2xx will do, and the seal is
that of Standard Webhooks instead of an access key.

Source: Amazon Data Firehose Developer Guide, "Understand HTTP endpoint delivery request and response specifications",
read in November 2026.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dsys_lab.brokers.web_hook import Call, signed
from dsys_lab.errors import BadParameter, Refused

Ask: TypeAlias = Callable[[int, Call], int]
"""`(clock_us, call)` -> the status that it is told; it raises if nobody answers."""


@dataclass(frozen=True, slots=True)
class RequestBody:
    r"""A format: one JSON document, each record in base64.

    Examples
    --------
    >>> RequestBody().pack([b"anna 61", b"\xff"])
    b'{"type": "records", "records": [{"data": "YW5uYSA2MQ=="}, {"data": "/w=="}]}'
    """

    extension: str = ""

    def unfit(self, data: bytes) -> str:
        """Take any record."""
        return ""

    def pack(self, records: Sequence[bytes]) -> bytes:
        """Return the body of a call."""
        told = [{"data": base64.b64encode(data).decode()} for data in records]
        return json.dumps({"type": "records", "records": told}).encode()


def records_of(body: bytes) -> list[bytes]:
    """Return the records of a call.

    Raises
    ------
    BadParameter
        If it is no such body.
    """
    try:
        return [base64.b64decode(one["data"], validate=True) for one in json.loads(body)["records"]]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise BadParameter(f"{body[:30]!r} is no body of records ({error}): give what RequestBody packs") from None


class Endpoint:
    """A destination behind a door.

    Parameters
    ----------
    ask : callable
        Makes the call, in memory or over HTTP.
    secret : str
        With which calls are signed.
    clock : callable
        What our clock shows, in microseconds since 1970.
    """

    def __init__(self, ask: Ask, secret: str, clock: Callable[[], int]) -> None:
        self._ask, self._secret, self._clock = ask, secret, clock

    def put(self, key: str, data: bytes, /) -> None:
        """Call the door.

        Raises
        ------
        Refused
            If it says anything but 2xx.
        """
        clock_us = self._clock()
        status = self._ask(clock_us, signed([self._secret], call_id(key), clock_us, data))
        if not 200 <= status < 300:
            raise Refused(f"the endpoint says {status}")


def call_id(key: str) -> str:
    """Return the id of the calls that bring an object: a key may hold what no id may."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
