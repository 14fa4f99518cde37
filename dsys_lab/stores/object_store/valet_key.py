"""How does a client reach one object, without the keys of the house and without a service that carries the bytes?

A *valet key* is a grant that the owner signs and the store's door checks: this verb, on this key, until then, of so
many bytes at most. The service decides once, in a few hundred bytes; the bytes themselves go straight between client
and store. ::

    client  -- may I? ------> service          decides, signs a grant with the secret
    client <-- grant -------- service
    client  -- grant, bytes ---------> door    recomputes the seal with the same secret, and looks at nothing else

The seal is an HMAC-SHA256 over *everything that the door decides by*: verb, key, end of life, size. What is not signed
can be changed by whoever holds the grant; so the door believes nothing that is not under the seal. The fields are
signed as a JSON list, which says where each ends: glued together, `ab` + `c` would have the seal of `a` + `bc`.

Promises
--------
1. A grant opens for its verb on its key, with at most its bytes, up to its end, and for nothing else.
2. Who has no secret makes no grant, and learns nothing from how long a refusal takes (`hmac.compare_digest`).
3. A grant under any of the door's secrets opens, so a secret can be replaced while old grants run out.

What it does **not** stop: whoever has the grant has the right, thief or owner, as often as they like until its end. It
cannot be called back, but by taking away the secret, and all other grants with it. So it is short-lived.

Cost: one HMAC a request; no state at the door. The door and the service must agree on the time.

Left out: the signature's version and date-bound signing keys, and the headers that Signature Version 4 can also sign.

Sources: Azure Architecture Center, "Valet Key pattern"; Amazon S3 API Reference, "Authenticating requests: using query
parameters (AWS Signature Version 4)"; RFC 2104 (HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from dsys_lab.errors import BadParameter, Refused, require_choice
from dsys_lab.stores.object_store import verbs

VERBS: Final = ("get", "put")
SECRET_BYTES_MIN: Final = 16
LIFE_MAX_S: Final = 7 * 86_400
"""As in S3: seven days."""


class GrantRefused(Refused):
    """The door does not open: the grant is not for this, it is over, or it is none."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to do one thing with one object; whoever has it may use it.

    Attributes
    ----------
    verb, key : str
    until_us : int
        At this time it is over.
    size_max_bytes : int
        The most that may be put; 0 for a grant to get.
    seal : str
        HMAC of all the above, in hexadecimal; "" as long as nobody has signed.
    """

    verb: str
    key: str
    until_us: int
    size_max_bytes: int = 0
    seal: str = ""

    def signed(self) -> bytes:
        """Return what is under the seal."""
        return json.dumps([self.verb, self.key, self.until_us, self.size_max_bytes]).encode()


def grant(secret: bytes, verb: str, key: str, *, now_us: int, lives_s: float, size_max_bytes: int = 0) -> Grant:
    """Sign a grant: what the service does once it has decided that the client may.

    >>> given = grant(bytes(32), "get", "clips/17", now_us=0, lives_s=60)
    >>> given.until_us, len(given.seal)
    (60000000, 64)
    """
    require_choice("verb", verb, VERBS)
    verbs.check_key(key)
    _require_whole(now_us=now_us, size_max_bytes=size_max_bytes)
    if not 1e-6 <= lives_s <= LIFE_MAX_S:
        told = f"lives_s = {lives_s!r}: give a millionth of a second or more, and at most {LIFE_MAX_S:,}, seven days"
        raise BadParameter(f"{told}; it cannot be called back")
    if (verb == "put") != (size_max_bytes > 0):
        raise BadParameter(f"{verb}, size_max_bytes = {size_max_bytes!r}: give the most bytes of a put, 0 for a get")
    unsigned = Grant(verb, key, now_us + round(lives_s * 1e6), size_max_bytes)
    return replace(unsigned, seal=seal(secret, unsigned))


def _require_whole(**values: object) -> None:
    """Refuse what is no whole number: half a byte and half a microsecond have no place under a seal."""
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadParameter(f"{name} = {value!r}: give a whole number")


def seal(secret: bytes, unsigned: Grant) -> str:
    """Return the seal that a grant must have."""
    if not isinstance(secret, bytes) or len(secret) < SECRET_BYTES_MIN:
        raise BadParameter(f"this secret is too short, or no bytes: give {SECRET_BYTES_MIN} or more random ones")
    return hmac.new(secret, unsigned.signed(), hashlib.sha256).hexdigest()


class Opened(Protocol):
    """What stands behind the door."""

    def put(self, key: str, data: bytes) -> verbs.Facts:
        """Let `key` have these bytes."""

    def get(self, key: str) -> verbs.Found | None:
        """Return an object."""


class Door:
    """The store's door for those who have a grant and no account.

    Parameters
    ----------
    store : Opened
    secrets : sequence of bytes
        Those under which a grant opens, the present one and older ones that are still running out.

    Examples
    --------
    >>> from dsys_lab.stores.object_store import JournaledStore
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> store, secret = JournaledStore(VolatileDisk()), bytes(range(32))
    >>> door = Door(store, [secret])
    >>> leave = grant(secret, "put", "clips/17", now_us=0, lives_s=60, size_max_bytes=100)
    >>> door.put(leave, "clips/17", b"film", now_us=1).size_bytes
    4
    """

    def __init__(self, store: Opened, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise BadParameter("secrets = (): give one or more, or nobody has a grant")
        for secret in secrets:
            seal(secret, Grant("get", "x", 0))
        self._store, self._secrets = store, tuple(secrets)

    def get(self, given: Grant, key: str, *, now_us: int) -> verbs.Found | None:
        """Return the object of a grant to get.

        Raises
        ------
        GrantRefused
            With what does not fit.
        """
        self._require(given, "get", key, now_us)
        return self._store.get(key)

    def put(self, given: Grant, key: str, data: bytes, *, now_us: int) -> verbs.Facts:
        """Put the object of a grant to put; it writes over what is there, as often as the grant is used."""
        self._require(given, "put", key, now_us)
        verbs.check_data(data)
        if len(data) > given.size_max_bytes:
            raise GrantRefused(f"{len(data):,} bytes: the grant is for {given.size_max_bytes:,} at most")
        return self._store.put(key, data)

    def _require(self, given: Grant, verb: str, key: str, now_us: int) -> None:
        """Look at the seal first: before that, nothing in a grant is more than a claim."""
        if not isinstance(given, Grant):
            raise BadParameter(f"grant = {given!r}: give what `grant` made")
        _require_whole(now_us=now_us)
        rights = [seal(secret, given).encode() for secret in self._secrets]
        told = str(given.seal).encode(errors="replace")
        if not any([hmac.compare_digest(right, told) for right in rights]):  # noqa: C419  # none left out
            raise GrantRefused("the seal is not ours, or something under it was altered: ask for a grant anew")
        if now_us >= given.until_us:
            over_s = (now_us - given.until_us) / 1e6
            raise GrantRefused(f"the grant has been over for {over_s:g} s: ask for another")
        if (given.verb, given.key) != (verb, key):
            raise GrantRefused(f"the grant is to {given.verb} {given.key!r}, not to {verb} {key!r}")
