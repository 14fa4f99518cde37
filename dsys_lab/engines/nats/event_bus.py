"""Subjects of NATS as the smallest bus: a rule is a subject with wildcards, and nothing looks into an event.

An event goes out under `root.source.detail-type`. A subscription may leave a word open (`*`) or all that follows
(`>`), so a pattern can name a source, a detail-type, both or neither; what the detail says it cannot name. The
publisher decides by the subject what can be asked for, and routing costs a look-up in a tree of words.

Source: NATS documentation, "Subject-based messaging"; behaviour of nats-server 2.15.1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from dsys_lab.brokers.event_bus import Entry
from dsys_lab.brokers.event_bus.events import written
from dsys_lab.engines.nats.connection import connection, settle
from dsys_lab.errors import BadParameter

WORDS: Final = ("source", "detail-type")
_SPECIAL: Final = set(".*> ")


def subject_of(root: str, pattern: Mapping[str, Any]) -> str:
    """Return the subject that a pattern stands for.

    Raises
    ------
    BadParameter
        If a subject cannot say that.

    Examples
    --------
    >>> subject_of("bus", {"detail-type": ["Night"]})
    'bus.*.Night'
    """
    words = [root]
    for name in WORDS:
        values = pattern.get(name, ["*"])
        if len(values) != 1 or not isinstance(values[0], str):
            raise BadParameter(f"{name} = {values!r}: a subject can say one text")
        words.append(values[0])
    if more := sorted(set(pattern) - set(WORDS)):
        raise BadParameter(f"pattern names {more[0]}: a subject can say {' and '.join(WORDS)}")
    return ".".join(words)


class SubjectBus:
    """Core NATS as a bus: a subscription for each rule. Use it in a `with` block."""

    def __init__(self) -> None:
        self._nats = connection()
        self._root = self._nats.new_name()
        self._rules: dict[str, Subscription] = {}
        self._heard: dict[str, list[Any]] = {}

    def rule(self, name: str, pattern: Mapping[str, Any]) -> None:
        """Subscribe to what a pattern stands for."""
        self._nats.call(self._listen(name, subject_of(self._root, pattern)))

    async def _listen(self, name: str, subject: str) -> None:
        heard = self._heard.setdefault(name, [])

        async def hear(message: Msg) -> None:
            heard.append(json.loads(message.data))

        self._rules[name] = await self._nats.client.subscribe(subject, cb=hear)
        await settle(self._nats.client)

    def remove(self, name: str) -> None:
        """Stop listening."""
        self._nats.call(self._rules.pop(name).unsubscribe())

    def put(self, *entries: Entry) -> list[bool]:
        """Publish each event under its subject, and let it arrive; the server takes whatever it is given."""
        for entry in entries:
            words = (entry.source, entry.detail_type)
            if not all(words) or any(_SPECIAL & set(word) for word in words):
                raise BadParameter(f"{words!r}: give words without blanks, dots, stars and brackets for a subject")
        self._nats.call(self._publish(entries))
        return [True] * len(entries)

    async def _publish(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            said = {"source": entry.source, "detail-type": entry.detail_type}
            body = {**said, "detail": json.loads(written(entry.detail))}
            subject = f"{self._root}.{entry.source}.{entry.detail_type}"
            await self._nats.client.publish(subject, json.dumps(body).encode())
        await settle(self._nats.client)

    def heard(self, rule: str) -> list[Any]:
        """Return what a rule has heard since it was asked last."""
        heard, self._heard[rule][:] = list(self._heard[rule]), []
        return heard

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for name in list(self._rules):
            self.remove(name)
