"""LISTEN and NOTIFY: PostgreSQL calls whoever is there. Who is not there is not called, now or later.

A notification is sent at the commit of the transaction that says NOTIFY, to each session that listens at that moment.
Nothing is kept for the others. So it may say "look at the table", and may never be the only place where the news is.

Sources: PostgreSQL 18 documentation, NOTIFY and LISTEN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from dsys_lab.engines.postgres.connection import Connection, ask, connection
from dsys_lab.errors import BadParameter, Misuse, require_not_negative

PAYLOAD_MAX_BYTES: Final = 7_999
"""PostgreSQL refuses 8,000 and more."""
QUIET_S: Final = 0.5
"""How long is listened for more."""


class Listener:
    """A session that listens to a channel.

    Examples
    --------
    >>> with Listener("nights") as listener:  # doctest: +SKIP
    ...     notify("nights", "n1")
    ...     listener.heard()
    ['n1']
    """

    def __init__(self, channel: str, shared: Connection | None = None) -> None:
        self._shared = shared or connection()
        self.channel = _name(channel)
        self._client = self._shared.open_client()
        ask(self._client, f"LISTEN {self.channel}")

    def heard(self, *, expect: int | None = None, within_s: float = QUIET_S) -> list[str]:
        """Return what came since it was asked last: until `expect` of them came, or for so long.

        Raises
        ------
        Misuse
            If it is closed.
        """
        require_not_negative(within_s=within_s)
        if self._client.closed:
            raise Misuse("this listener is closed: what is said now reaches it never; make another one")
        return [said.payload for said in self._client.notifies(timeout=within_s, stop_after=expect)]

    def close(self) -> None:
        """Listen no more."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def notify(channel: str, payload: str, shared: Connection | None = None) -> None:
    """Tell whoever listens now."""
    if not isinstance(payload, str) or len(payload.encode()) > PAYLOAD_MAX_BYTES:
        raise BadParameter(f"payload = {payload!r:.40}: give a text of up to {PAYLOAD_MAX_BYTES:,} bytes")
    (shared or connection()).run("SELECT pg_notify(%s, %s)", (_name(channel), payload))


def _name(channel: str) -> str:
    if not (channel.isascii() and channel.isidentifier() and channel == channel.lower() and len(channel) < 64):
        raise BadParameter(f"channel = {channel!r}: give up to 63 small letters, digits and _, not a digit first")
    return channel


@dataclass(frozen=True, slots=True)
class Absence:
    """What a listener heard that was away for a while.

    Attributes
    ----------
    said : tuple of str
        All that was said, in order.
    heard : tuple of str
        What reached it.
    gone : tuple of str
        What nobody will ever hear.
    """

    said: tuple[str, ...]
    heard: tuple[str, ...]
    gone: tuple[str, ...]


def away(*, before: int = 2, meanwhile: int = 3, after: int = 2, shared: Connection | None = None) -> Absence:
    """Notify a listener, then nobody, then the same listener again, and say what was heard."""
    require_not_negative(before=before, meanwhile=meanwhile, after=after)
    channel, said, heard = "dsys_lab_away", list[str](), list[str]()

    def say(count: int) -> None:
        for _ in range(count):
            said.append(f"n{len(said) + 1}")
            notify(channel, said[-1], shared)

    for count, is_there in ((before, True), (meanwhile, False), (after, True)):
        if not is_there:
            say(count)
            continue
        with Listener(channel, shared) as listener:
            say(count)
            heard += listener.heard()
    return Absence(tuple(said), tuple(heard), tuple(one for one in said if one not in heard))
