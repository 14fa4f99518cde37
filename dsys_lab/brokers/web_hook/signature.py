"""Who says so? A signature that only those can make, and only those can check, who share a secret.

What is signed is `id.timestamp.body`, byte for byte as it is sent: to parse the body and write it again, even the same,
breaks the seal. Three headers travel beside the body::

    webhook-id: msg_1                       the event's, the same at every attempt
    webhook-timestamp: 1674087231           the attempt's, in whole seconds since 1970
    webhook-signature: v1,K5oZ… v1,bm9ldHU… one for each key, with blanks between: so keys are changed without a gap

An id holds no full stop. If it could, `a.1` at `2` with the body `x` and `a` at `1` with the body `2.x` were one text,
and a signature of the one would open the door to the other.

Left out: `v1a`, the signatures of the standard that need no shared secret (ed25519); they are passed over.

Sources: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers"; RFC 2104 (HMAC).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # what every secret begins with is none
VERSION: Final = "v1"
KEY_BYTES: Final = (24, 64)
"""How long a key may be: shorter ones can be guessed, longer ones are hashed first and gain nothing."""
_ID: Final = re.compile(r"[!-\-/-~]{1,256}", flags=re.ASCII)  # printable, no blank, no full stop
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}", flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request of a partner, as it travels.

    Attributes
    ----------
    headers : mapping
        By name; how a name is written, large or small, makes no difference.
    body : bytes
    """

    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header by its name in small letters; None if it is missing."""
        return next((value for key, value in self.headers.items() if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a call says of itself, well formed but not yet believed."""

    id: str
    timestamp: str
    signatures: str

    @property
    def timestamp_us(self) -> int:
        """When it was signed, in microseconds since 1970."""
        return int(self.timestamp) * 1_000_000


def secret_of(key: bytes) -> str:
    """Return a key of 24 to 64 random bytes in the form in which partners hand it over: `whsec_` and base64.

    >>> secret_of(bytes(range(24)))
    'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX'
    """
    if not isinstance(key, bytes) or not KEY_BYTES[0] <= len(key) <= KEY_BYTES[1]:
        raise BadParameter(f"key of {_length(key)}: give {KEY_BYTES[0]} to {KEY_BYTES[1]} random bytes")
    return SECRET_PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for. An error names what is wrong with it, never the secret itself."""
    if not isinstance(secret, str) or not secret.startswith(SECRET_PREFIX):
        raise BadParameter(f"a secret of {_length(secret)}: give one that begins with {SECRET_PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise BadParameter(f"a secret that is not base64 after {SECRET_PREFIX} ({error}): copy it whole") from None
    secret_of(key)
    return key


def _length(given: object) -> str:
    return f"{len(given)} bytes" if isinstance(given, bytes | str) else type(given).__name__


def signature(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Return `v1,` and the HMAC-SHA256 of `id.timestamp.body`, in base64."""
    seal = hmac.new(key_of(secret), f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"{VERSION},{base64.b64encode(seal).decode()}"


def signed(secrets: Iterable[str], event_id: str, now_us: int, body: bytes) -> Call:
    """Return the call of an attempt that is made now, signed with each of the secrets.

    >>> secret = secret_of(bytes(24))
    >>> signed([secret], "msg_1", 1_674_087_231_000_000, b"{}").headers["webhook-timestamp"]
    '1674087231'
    """
    timestamp = str(now_us // 1_000_000)
    if not _ID.fullmatch(event_id) or not _TIMESTAMP.fullmatch(timestamp):
        raise BadParameter(f"event_id = {event_id!r}, now_us = {now_us!r}: no blank or full stop; a time since 1970")
    signatures = " ".join(signature(secret, event_id, timestamp, body) for secret in secrets)
    return Call({ID: event_id, TIMESTAMP: timestamp, SIGNATURE: signatures, "content-type": "application/json"}, body)


def claim_of(call: Call) -> Claim | str:
    """Return what a call says of itself, or what it lacks."""
    event_id, timestamp, signatures = (call.header(name) for name in (ID, TIMESTAMP, SIGNATURE))
    if event_id is None or timestamp is None or signatures is None:
        lacks = [name for name in (ID, TIMESTAMP, SIGNATURE) if call.header(name) is None]
        return f"no {', '.join(lacks)}"
    if not _ID.fullmatch(event_id):
        return f"{ID} is no id"
    if not _TIMESTAMP.fullmatch(timestamp):
        return f"{TIMESTAMP} is no time"
    return Claim(event_id, timestamp, signatures)


def is_signed(claim: Claim, body: bytes, secrets: Iterable[str]) -> bool:
    """Whether any of the signatures is one that any of the secrets makes.

    How long it takes depends on how many there are and not on how much of one is right (`hmac.compare_digest`): who
    could measure that would find a signature byte by byte. Texts are compared, not what base64 makes of them, for there
    several texts can mean the same bytes.
    """
    given = [one.encode(errors="replace") for one in claim.signatures.split(" ")]
    right = [signature(secret, claim.id, claim.timestamp, body).encode() for secret in secrets]
    return any([hmac.compare_digest(one, other) for one in given for other in right])  # noqa: C419  # none is left out
