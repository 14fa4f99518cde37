"""Who watches a path: a witness who sees everything, and an audit at its far end, which sees what arrives.

`Witness` sees each loss at once, as nobody in the path can, and draws an outline in the tap where a ping is lost.
`Audit` sits behind the reader and knows only what arrives there, and what the phone says of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from dsys_lab.brokers.audit import Heartbeat, Missing, SequenceGap, Tally, differing
from dsys_lab.simulation import Body, Simulation

PHONE, PINGS, GATE, LOG, READER, AUDIT = "phone", "pings", "gate", "log", "reader", "audit"
LEAKS: Final = ("gives up", "unheard", "overflow", "too old", "ack first", "skipped")
"""The six ways to miss a message, in the order of the path."""
TAPS: Final = {leak: f"tap {number}: {leak}" for number, leak in enumerate(LEAKS, 1)}
BEAT: Final = "beat"
HOLE_COPY: Final = 999
"""The number of the copy that stands for the outline of a message that is lost."""
KEYS: Final = ("anna", "bert", "carl")
"""The sleepers whose wearables send."""


def hole(simulation: Simulation, place: str, message: str, *, to: str, why: str) -> None:
    """Draw the outline of a message that is lost at a place."""
    simulation.emit("hole", place, message, to=to, why=why, copy=HOLE_COPY)


def name_of(key: str, number: int) -> str:
    """Return what a ping is called."""
    return f"{key[0]}{number}"


class Witness:
    """Sees each loss at once, and keeps the three counts: undetected, detected, repaired."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._lost_us: dict[str, int] = {}
        self._tap: dict[str, str] = {}
        self._known: dict[str, None] = {}
        self._mended: dict[str, None] = {}

    def lost(self, message: str, leak: str, place: str, why: str) -> None:
        """See that a ping has left the path; the second time it is the same one."""
        if message in self._lost_us or message.startswith(BEAT):
            return
        self._lost_us[message], self._tap[message] = self._simulation.now_us, TAPS[leak]
        hole(self._simulation, place, message, to=TAPS[leak], why=why)
        self._count()

    def known(self, message: str, by: str) -> None:
        """Hear that somebody knows of it."""
        if message not in self._lost_us or message in self._known or message in self._mended:
            return
        self._known[message] = None
        after_us = self._simulation.now_us - self._lost_us[message]
        self._simulation.emit("detect", self._tap[message], message, by=by, after_us=after_us, copy=HOLE_COPY)
        self._count()

    def came(self, message: str, by: str) -> None:
        """See that it was carried out."""
        if message not in self._lost_us or message in self._mended:
            return
        self._mended[message] = None
        self._simulation.emit("mend", self._tap[message], message, by=by, copy=HOLE_COPY)
        self._count()

    def _count(self) -> None:
        known = len(self._known.keys() | self._mended.keys())
        counts = {
            "undetected": len(self._lost_us) - known,
            "detected": known - len(self._mended),
            "repaired": len(self._mended),
        }
        for name, value in counts.items():
            self._simulation.emit("gauge", AUDIT, name=name, value=value, unit="pings")


class Audit:
    """Who sits behind the reader and watches what comes.

    Parameters
    ----------
    detector : str
        One of `DETECTORS`.
    """

    def __init__(self, simulation: Simulation, witness: Witness, *, detector: str) -> None:
        self.simulation, self.witness, self.detector = simulation, witness, detector
        self.gaps = SequenceGap()
        self.heart = Heartbeat(self.gaps, every_s=1, grace_s=0)  # a beat comes behind the pings: it needs no grace
        self.came: Tally | None = None
        self.found: Callable[[str, Iterable[int]], None] = lambda key, numbers: None
        self.sent_us: dict[str, int] = {}

    def hear(self, message: str, key: str, number: int) -> None:
        """Hear that a ping was carried out."""
        if self.came is not None:
            self.came.add(self.sent_us[message], message)
        if self.detector in ("numbers", "heartbeat"):
            self._tell(self.gaps.observe(key, number), "gap")

    def hear_beat(self, last: dict[str, int]) -> None:
        """Hear the sender's last numbers."""
        if self.detector == "heartbeat":
            for gap in self.gaps.missing():  # what was asked for and has not come is asked for again
                self.found(gap.key, range(gap.first, gap.last + 1))
            self.heart.beat(self.simulation.now_us, last)
            self._tell(self.heart.due(self.simulation.now_us), "heartbeat")

    def reconcile(self, sent: Tally, *, every_s: float, settle_s: float) -> Body:
        """Compare both ends every now and then, but for the newest, which may be under way."""
        assert self.came is not None
        while True:
            yield self.simulation.sleep(every_s)
            before_us = self.simulation.now_us - round(settle_s * 1e6)
            for bucket in differing(sent, self.came, before_us=before_us):
                for message in sent.not_in(self.came, bucket):
                    self._report(message, "comparison")
            sent.forget(before_us)
            self.came.forget(before_us)

    def _tell(self, gaps: Iterable[Missing], by: str) -> None:
        for gap in gaps:
            for number in range(gap.first, gap.last + 1):
                self.witness.known(name_of(gap.key, number), by)
            self.found(gap.key, range(gap.first, gap.last + 1))

    def _report(self, message: str, by: str) -> None:
        self.witness.known(message, by)
        key = next(key for key in KEYS if key[0] == message[0])
        self.found(key, [int(message[1:])])
