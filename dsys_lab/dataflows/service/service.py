"""How does somebody else's program change my data without knowing how I keep it?

By asking. A *service* takes a call in a version of its contract that is older than what it keeps, maps it, and carries
it out; who calls knows the contract and no table. What waits is bounded: a full queue refuses at once, for a caller who
is told no can go elsewhere, and one who waits for nothing cannot. ::

    call --> key seen? --> map v1 to v2 --> | queue, at most 100 | --> worker --> ledger: effect + key, one step --> 200
              |   |             |                    |
             200 422           400                  503, Retry-After           (409: the same call is under way)

The service is sans-I/O: `receive` judges a call, `begin` gives a free worker the next, `finish` carries it out. Whoever
hosts it brings the time, the network and the crash: a simulation or a web server (`dsys_lab.engines.service`).

The service promises
--------------------
1. A call takes effect once under its key, however often it is asked and whenever it crashes; a repeated call is told
   what the first was told.
2. A key that was used for another body is refused (422), and nothing is done.
3. What is refused left nothing behind. What was taken into the queue is answered by `finish`, or gone with a crash.
4. Each version that is served is read by its own contract and kept in the newest.

Cost: a look at the ledger a call, a write of it an effect. Left out: keys that are forgotten after some days, so that
the ledger does not grow for ever; who may call.

Sources: *Site Reliability Engineering*, ch. 21 and 22 (load shedding); Brandur Leach, "Designing robust and predictable
APIs with idempotency", Stripe 2017; Brooker, "Avoiding insurmountable queue backlogs", Amazon Builders' Library.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from dsys_lab.dataflows.service.answers import (
    DONE,
    FULL,
    IN_PROGRESS,
    KEY_MAX,
    OTHER_BODY,
    UNREADABLE,
    Effect,
    Ledger,
    MemoryLedger,
    Reply,
    Request,
)
from dsys_lab.dataflows.service.versions import CannotRead, Record, Version
from dsys_lab.dataflows.service.wire import decode, encode
from dsys_lab.errors import BadParameter, Damaged, Misuse, require_positive
from dsys_lab.structures.schema import Value
from dsys_lab.trace import NO_TRACE, Recorder

Mapper = Callable[[Record], dict[str, Value]]
"""Makes a record of an old version into one of the newest."""

NIGHT_V1: Final = Version.of("v1", "1 person u32, 2 hours_sleep f64")
NIGHT_V2: Final = Version.of("v2", "1 person u32, 3 sleep_minutes u16, 4 awakenings u8 = 0")


def hours_to_minutes(night: Record) -> dict[str, Value]:
    """Say a night of v1 in the words of v2.

    >>> hours_to_minutes({"person": 17, "hours_sleep": 7.25})
    {'person': 17, 'sleep_minutes': 435}
    """
    hours = night["hours_sleep"]
    assert isinstance(hours, float)
    return {"person": night["person"], "sleep_minutes": round(hours * 60)}


@dataclass(frozen=True, slots=True)
class Contract:
    """What a service understands.

    Attributes
    ----------
    newest : Version
        In which it keeps what it is told.
    older : mapping
        By version, what makes its records into those of the newest. Leave one out and its callers are refused.
    """

    newest: Version = NIGHT_V2
    older: Mapping[Version, Mapper] = field(default_factory=lambda: {NIGHT_V1: hours_to_minutes})

    def understand(self, request: Request) -> bytes:
        """Return the record of the newest version that a call asks to keep.

        Raises
        ------
        CannotRead
            If its version is not served, or its body is not of its version.
        Damaged
            If its body is no record at all.
        """
        served = {version.name: (version, mapper) for version, mapper in self.older.items()}
        served[self.newest.name] = (self.newest, dict)
        if request.version not in served:
            names = ", ".join(sorted(served))
            raise CannotRead(request.version, "version", f"this service serves {names}; ask in one of them")
        version, mapper = served[request.version]
        try:
            return encode(self.newest, mapper(decode(version, request.body)))
        except BadParameter as error:
            raise CannotRead(self.newest.name, "body", f"it maps to no record that is kept ({error})") from None


@dataclass(frozen=True, slots=True)
class Status:
    """A service's books.

    Attributes
    ----------
    waiting, at_work : int
        Calls in the queue, and in the workers' hands.
    effects : int
        In the ledger.
    repeated, shed, refused : int
        Calls that were done before, that found it full, that were wrong; since it was started.
    """

    waiting: int
    at_work: int
    effects: int
    repeated: int
    shed: int
    refused: int


class Service:
    """Judges calls, queues them, and carries each out once.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    ledger : Ledger, optional
        What the life before this one has written.
    contract : Contract, optional
    workers : int
        How many calls are worked on at a time.
    queue_max : int
        How many may wait besides.
    work_s : float
        How long a call takes, as it says to those whom it sends away; who works is the host.

    Examples
    --------
    >>> service = Service("nights")
    >>> call = Request("n1", "v1", b'{"person":17,"hours_sleep":7.25}')
    >>> service.receive(0, call)                            # None: it waits; its answer comes with `finish`
    >>> service.finish(8_000, service.begin(0))
    Reply(status=200, said='n1 is kept', retry_after_s=None, repeated=False)
    >>> service.receive(9_000, call)
    Reply(status=200, said='n1 is kept', retry_after_s=None, repeated=True)
    >>> service.ledger.find("n1").record
    b'{"person":17,"sleep_minutes":435}'
    """

    def __init__(
        self,
        place: str,
        ledger: Ledger | None = None,
        contract: Contract | None = None,
        *,
        workers: int = 1,
        queue_max: int = 100,
        work_s: float = 0.008,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        require_positive(workers=workers, queue_max=queue_max, work_s=work_s)
        self.place, self.recorder = place, recorder
        self.ledger: Ledger = MemoryLedger() if ledger is None else ledger
        self.contract = contract or Contract()
        self.workers, self.queue_max, self.work_s = workers, queue_max, work_s
        self._waiting: deque[tuple[Request, bytes]] = deque()
        self._at_work: dict[str, tuple[Request, bytes]] = {}
        self._counts = {"repeated": 0, "shed": 0, "refused": 0}

    def receive(self, now_us: int, request: Request) -> Reply | None:
        """Judge a call: answer it, or take it into the queue (None)."""
        reply = self._seen_before(request) or self._refusal(now_us, request)
        if reply is not None:
            kind = {"of": request.key} if reply.repeated else {"why": reply.said}
            self.recorder.emit(now_us, "duplicate" if reply.repeated else "reject", self.place, request.key,
                               copy=request.copy, **kind)  # fmt: skip
            return reply
        try:
            record = self.contract.understand(request)
        except (CannotRead, Damaged) as error:
            self._counts["refused"] += 1
            self.recorder.emit(now_us, "reject", self.place, request.key, why="not understood", copy=request.copy)
            return Reply(UNREADABLE, str(error))
        self._waiting.append((request, record))
        self.recorder.emit(
            now_us, "enqueue", self.place, request.key, depth=len(self._waiting), copy=request.copy
        )
        return None

    def _seen_before(self, request: Request) -> Reply | None:
        effect = self.ledger.find(request.key)
        if effect is None or effect.digest != request.digest:
            return None
        self._counts["repeated"] += 1
        return Reply(DONE, effect.said, repeated=True)

    def _refusal(self, now_us: int, request: Request) -> Reply | None:
        """Say why a call that is not done yet is not taken, if it is not."""
        under_way = self._under_way(request.key)
        done = self.ledger.find(request.key)
        if not 1 <= len(request.key) <= KEY_MAX:
            self._counts["refused"] += 1
            return Reply(UNREADABLE, f"a key of {len(request.key)} characters: give 1 to {KEY_MAX}, new for each wish")
        if request.digest != (done.digest if done else under_way.digest if under_way else request.digest):
            self._counts["refused"] += 1
            return Reply(OTHER_BODY, f"{request.key} stands for another call: give each wish a key of its own")
        if under_way:
            return Reply(IN_PROGRESS, f"{request.key} is under way: ask again", self._soon_s())
        if len(self._waiting) >= self.queue_max:
            self._counts["shed"] += 1
            return Reply(FULL, f"{len(self._waiting)} calls wait already: ask again later", self._soon_s())
        return None

    def _under_way(self, key: str) -> Request | None:
        if key in self._at_work:
            return self._at_work[key][0]
        return next((request for request, _ in self._waiting if request.key == key), None)

    def _soon_s(self) -> int:
        """Whole seconds until what waits now is worked off, 1 at least: Retry-After knows no less."""
        return max(1, math.ceil(len(self._waiting) * self.work_s / self.workers))

    def begin(self, now_us: int) -> Request | None:
        """Give a free worker the next call; None if there is no worker or no call."""
        if not self._waiting or len(self._at_work) >= self.workers:
            return None
        request, record = self._waiting.popleft()
        self._at_work[request.key] = (request, record)
        self.recorder.emit(now_us, "start", self.place, request.key, attempt=1, copy=request.copy)
        return request

    def finish(self, now_us: int, request: Request) -> Reply:
        """Carry a call out, and say so.

        Raises
        ------
        Misuse
            If it is in no worker's hands: it was finished, or a crash took it.
        """
        if request.key not in self._at_work:
            raise Misuse(f"{request.key} is in no worker's hands: finish what `begin` gave, once")
        _, record = self._at_work[request.key]
        said = f"{request.key} is kept"
        self.ledger.write(Effect(request.key, request.digest, record, said))  # if it fails the call stays at work
        del self._at_work[request.key]
        self.recorder.emit(now_us, "effect", self.place, request.key, key=request.key)
        self.recorder.emit(now_us, "finish", self.place, request.key, attempt=1, copy=request.copy)
        return Reply(DONE, said)

    def crash(self, now_us: int) -> int:
        """Lose what waited and what was worked on, and return how many; the ledger stays."""
        lost = [*(request for request, _ in self._at_work.values()), *(request for request, _ in self._waiting)]
        for request in lost:
            self.recorder.emit(now_us, "drop", self.place, request.key, why=f"{self.place} crashed", copy=request.copy)
        self._at_work.clear()
        self._waiting.clear()
        return len(lost)

    def status(self) -> Status:
        """Return its books."""
        return Status(len(self._waiting), len(self._at_work), len(self.ledger), **self._counts)
