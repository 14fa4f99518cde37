"""One path, six taps: what is lost, who notices, and what comes again."""

from __future__ import annotations

from typing import Final

from dsys_lab.brokers.audit import Tally
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.missed_messages.machines import Broker, Phone, Reader, Reading
from dsys_lab.scenarios.missed_messages.watchers import KEYS, LEAKS, Audit, Witness
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation, to_us

DETECTORS: Final = ("nobody", "numbers", "heartbeat", "comparison")
REPAIRS: Final = ("none", "resend")
BUCKET_S: Final = 5.0
LOST_ON_THE_WAY: Final = 0.06
"""Of the messages between phone and topic."""
AWAY_S: Final = (25.0, 28.0)
"""When the gate is not subscribed."""
BURST: Final = (38.0, 16)
"""When the first sleeper's phone comes back into reach, and with how many pings."""
SLOW_S: Final = (52.0, 18.0)
"""When the reader becomes slow, and for how long."""
CRASH_S: Final = (86.0, 3.0)
"""From when on the reader crashes with a page in hand, and for how long."""
ALL_HAVE_LEAKED_S: Final = CRASH_S[0] + 2 * CRASH_S[1]
"""A moment after the crash: there is something behind each tap that is open."""
POISON_SHARE: Final = 0.04
SMALL: Final = {"capacity": 4, "retention_s": 8.0}
LARGE: Final = {"capacity": 1_000, "retention_s": 3_600.0}
SETTLE_S: Final = 30.0
"""How long a comparison waits until all that was sent must have come: longer than the reader is ever behind."""


@scenario("open: {leak}; watched by: {detector}")
def path(
    sim: Simulation,
    *,
    leak: str = "all six",
    detector: str = "heartbeat",
    repair: str = "none",
    heartbeat_s: float = 5.0,
    reconcile_s: float = 20.0,
    every_s: float = 2.5,
    until_s: float = 110.0,
) -> Claims:
    """Trouble strikes in the same way each time; whether a tap is open decides whether anything is lost by it.

    A message in 17 is lost between the phone and the topic (tap 1 open: the phone does not try again). For three
    seconds the gate is not subscribed (tap 2; closed: it stays). A phone comes back into reach with sixteen pings at
    once (tap 3 open: only four may wait). The reader is slow for twenty seconds (tap 4 open: records are kept for
    eight). It crashes (tap 5 open: it acknowledges a page before it begins with it). And a ping in 25 cannot be carried
    out by a bug (tap 6 open: it is skipped; closed: parked).

    Parameters
    ----------
    leak : str
        Which tap is open: one of `LEAKS`, "all six" or "none".
    detector : str
        One of `DETECTORS`: "heartbeat" has the numbers as well.
    repair : str
        Whether the phone sends again what is known to be missing.
    """
    require_choice("leak", leak, ("all six", "none", *LEAKS))
    require_choice("detector", detector, DETECTORS)
    require_choice("repair", repair, REPAIRS)
    require_positive(heartbeat_s=heartbeat_s, reconcile_s=reconcile_s, every_s=every_s, until_s=until_s)
    is_open = {name: leak in ("all six", name) for name in LEAKS}
    sim.network.loss_fraction = LOST_ON_THE_WAY
    witness = Witness(sim)
    broker = Broker(
        sim, witness,
        capacity=int((SMALL if is_open["overflow"] else LARGE)["capacity"]),
        retention_s=(SMALL if is_open["too old"] else LARGE)["retention_s"],
    )  # fmt: skip
    tries = 1 if is_open["gives up"] else 0
    phone = Phone(sim, broker, witness, KEYS, every_s=every_s, until_s=until_s - 5, tries=tries, burst=BURST)
    audit = Audit(sim, witness, detector=detector)
    audit.sent_us = phone.sent_us
    reading = Reading(
        acknowledges="first" if is_open["ack first"] else "last",
        poison="skipped" if is_open["skipped"] else "parked",
        poison_share=POISON_SHARE,
    )
    reader = Reader(sim, broker, witness, reading, audit)
    if repair == "resend":
        audit.found = phone.send_again
    if detector == "heartbeat":
        sim.spawn(phone.beat(heartbeat_s))
    if detector == "comparison":
        phone.tally, audit.came = Tally(BUCKET_S), Tally(BUCKET_S)
        sim.spawn(audit.reconcile(phone.tally, every_s=reconcile_s, settle_s=SETTLE_S))
    if is_open["unheard"]:
        sim.after(AWAY_S[0], broker.leave)
        sim.after(AWAY_S[1], broker.join)
    sim.after(SLOW_S[0], lambda: reader.set_speed(0.05))
    sim.after(sum(SLOW_S), lambda: reader.set_speed(1.0))
    sim.after(CRASH_S[0], lambda: sim.spawn(reader.crash_when_busy(lasts_s=CRASH_S[1])))
    sim.run(until_s)
    return Claims({"conservation": {}}, poster_us=to_us(ALL_HAVE_LEAKED_S) if ALL_HAVE_LEAKED_S < until_s else None)

