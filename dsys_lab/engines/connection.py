"""The one connection to an engine that a process shares, and the server that was started for it.

A notebook says what it wants of an engine and never where the engine is. By default the engine is embedded: the first
call starts it, the exit of the process stops it. One setting, `DSYS_LAB_NATS=nats://a,b,c` for example, names one of
your own in its place; then nothing is started, and what the suite makes there is named, and removed.

An engine's own connection says five things: the name of its setting, how to `start` a server, how to `connect` and
`disconnect`, and when a connection is lost (`is_lost`). All else is here.

A connection promises
---------------------
1. A process has one for each engine and setting, made at the first call; if it is lost, the next call makes a new one.
2. A server that was started for it ends with it: on `close`, on exit, when `connect` fails or is interrupted.
3. At an engine of your own, what was `made` is removed: at the end of its `with` block, or else on `close` or exit. All
   of it has a name that begins with `PREFIX`; what could not be removed is told on stderr.
4. A fork of this process begins with none: it neither uses nor ends those of its parent.
5. No error and no trace tells the password of a setting.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

from dsys_lab.errors import DsysLabError, EngineMissing

PREFIX: Final = "dsys_lab_"


class Embedded(Protocol):
    """A server that was started here."""

    def stop(self) -> None:
        """End it, and wait until it is gone."""


Started = TypeVar("Started", bound=Embedded)


class EngineConnection(ABC, Generic[Started]):
    """What the connections to all engines have in common: their life.

    Attributes
    ----------
    SETTING : str
        The environment variable that names an engine of your own.
    setting : str
        What it was when this connection was made; empty: the engine is embedded.
    server : Embedded or None
        The embedded server; None if it is somebody else's.

    Raises
    ------
    EngineMissing
        If the engine or its client is not installed, does not start, or is not there.
    """

    SETTING: ClassVar[str]

    def __init__(self) -> None:
        self.setting = os.environ.get(self.SETTING, "")
        self._made: dict[str, Callable[[], object]] = {}
        self._names = (f"{PREFIX}{secrets.token_hex(4)}_{number}" for number in count(1))
        self.server: Started | None = None if self.setting else self.start()
        _here.open.append(self)
        atexit.register(self.close)
        try:
            self.connect()
        except BaseException:  # an interrupt, for one: nobody will ever hold this connection to close it
            self._end()
            raise

    @classmethod
    def shared(cls) -> Self:
        """Return this process's connection to where the setting says; the first call makes it."""
        with _here.one_at_a_time:
            where = cls, os.environ.get(cls.SETTING, "")
            shared: Self | None = _here.shared.get(where)
            if shared is not None and shared.is_lost:
                shared.close()
            if where not in _here.shared:
                _here.shared[where] = cls()
            found: Self = _here.shared[where]
            return found

    # ------------------------------------------------------------ what an engine says of itself
    @abstractmethod
    def start(self) -> Started:
        """Start the embedded server."""

    @abstractmethod
    def connect(self) -> None:
        """Reach the server, or what `setting` names; on a failure leave nothing open."""

    @abstractmethod
    def disconnect(self) -> None:
        """Let go of what `connect` opened; the server may be gone already."""

    @property
    @abstractmethod
    def is_lost(self) -> bool:
        """Whether nobody answers any more, so that a new connection is wanted."""

    # ------------------------------------------------------------ what was made, and the end
    def new_name(self) -> str:
        """Return a name that nothing else has."""
        return next(self._names)

    def made(self, name: str, remove: Callable[[], object]) -> None:
        """Remember what was made and how it is removed."""
        self._made[name] = remove

    def remove(self, name: str) -> None:
        """Remove what was made under this name; if that fails it is tried again when the connection is closed.

        After that there is nothing left to remove.
        """
        if self.is_open:
            self._made[name]()
            del self._made[name]

    def close(self) -> None:
        """Remove what is left at somebody else's, or end the server if it is ours. Twice is as once."""
        if not self.is_open:
            return
        try:
            if self.server is None:
                self._remove_what_is_left()
            self.disconnect()
        finally:
            self._end()

    def _end(self) -> None:
        _here.let_go(self)
        if self.server is not None:
            self.server.stop()

    def _remove_what_is_left(self) -> None:
        for name in list(self._made):
            try:
                self.remove(name)
            except DsysLabError as error:
                print(f"{name} was not removed: {error}", file=sys.stderr)  # noqa: T201  # nobody else is left to tell

    @property
    def is_open(self) -> bool:
        """Whether it was neither closed nor left to the parent of this fork."""
        return any(one is self for one in _here.open)

    def require_open(self) -> None:
        """Refuse a call over a connection that is closed, or another process's."""
        if not self.is_open:
            raise EngineMissing("this connection is closed, and what was made over it is gone: make it anew")

    # ------------------------------------------------------------ what to say
    def does_not_answer(self, error: Exception) -> EngineMissing:
        """Return the error that says who is not there, and what to do."""
        who, advice = "the server started here", "the next call starts another"
        if self.server is None:
            who = f"{self.SETTING}={without_secrets(self.setting)}"
            advice = "correct it, or unset it to have one started"
        return EngineMissing(f"{who} does not answer ({without_secrets(f'{type(error).__name__}: {error}')}): {advice}")


class _Process:
    """The connections that this process has; a fork begins with none."""

    def __init__(self) -> None:
        self.one_at_a_time = threading.Lock()
        self.open: list[EngineConnection[Any]] = []
        self.shared: dict[tuple[type, str], Any] = {}

    def let_go(self, connection: EngineConnection[Any]) -> None:
        """Know it no more."""
        atexit.unregister(connection.close)
        self.open = [one for one in self.open if one is not connection]
        self.shared = {where: one for where, one in self.shared.items() if one is not connection}

    def begin_in_a_fork(self) -> None:
        """Leave sockets, threads and servers to the parent, which has them."""
        self.one_at_a_time = threading.Lock()
        for connection in self.open:
            self.let_go(connection)


_here = _Process()
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_here.begin_in_a_fork)


def without_secrets(words: str) -> str:
    """Return addresses, or words with addresses in them, without users and passwords."""
    words = re.sub(r"(password=)('[^']*'|[^&\s]*)", r"\1…", words)
    return re.sub(r"""([a-z][a-z0-9+.-]*://)?[^\s,"']*@""", r"\1", words)
