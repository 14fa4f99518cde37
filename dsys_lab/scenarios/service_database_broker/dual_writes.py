"""A night is committed to the table and then published. What if the program dies in between?

Then the table has it and the log never will, and nobody gets an error. With an *outbox* the message is a row of the
same transaction, and a relay reads the database's own log and publishes: when *it* dies between publishing and saying
so, it publishes once more. Lost becomes repeated, and what is repeated can be recognised.

The accident in which two writers cross has a room of its own (`dsys_lab.dataflows.change_capture.dual_writes`).

Sources: Richardson, "Pattern: Transactional outbox"; Kleppmann, *Designing Data-Intensive Applications*, ch. 11,
"Keeping systems in sync".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dsys_lab.brokers.log_stream import Entry, LogStream, Page, Settings
from dsys_lab.dataflows.change_capture import ByCommit, create_outbox, put_in
from dsys_lab.dataflows.change_capture.outbox import Entry as Message
from dsys_lab.errors import require_choice, require_fraction, require_positive
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational import Done, RelationalDatabase, Rows, Session
from dsys_lab.structures import VolatileDisk

WAYS: Final = ("commit, then publish", "outbox")
READ_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class DualCounted:
    """Where the nights stand in the end.

    Attributes
    ----------
    committed : int
        Rows of the table.
    missing : int
        Rows whose message is not on the log.
    repeated : int
        Messages on the log that stand there already.
    crashes : int
        How often the program died between the two steps.
    """

    committed: int
    missing: int
    repeated: int
    crashes: int


def dual_write(
    way: str = "commit, then publish", *, nights: int = 200, crash_share: float = 0.05, seed: int = 1
) -> DualCounted:
    """Write so many nights to a table and to a log; a share of the times the program dies between the two steps."""
    require_choice("way", way, WAYS)
    require_positive(nights=nights)
    require_fraction(crash_share=crash_share)
    database = RelationalDatabase(VolatileDisk(), name="nights")
    log = LogStream("log", VolatileDisk(), Settings(limits=None))
    luck = stream(seed, "crashes")
    dies = [luck() < crash_share for _ in range(nights)]
    session = database.session("app")
    _said(session, "CREATE TABLE night (number integer PRIMARY KEY, minutes integer NOT NULL)")
    if way == "outbox":
        create_outbox(session)
        _by_outbox(session, ByCommit(database.make_slot("relay")), log, dies)
    else:
        _in_turn(session, log, dies)
    return _counted(session, log, sum(dies))


def _in_turn(session: Session, log: LogStream, dies: Sequence[bool]) -> None:
    for number, died in enumerate(dies, 1):
        _insert(session, number)
        if not died:  # else the next life of the program begins with the next night
            log.put(number, Entry(f"n{number}", str(number)))


def _by_outbox(session: Session, relay: ByCommit, log: LogStream, dies: Sequence[bool]) -> None:
    for number, died in enumerate(dies, 1):
        _said(session, "BEGIN")
        _insert(session, number)
        put_in(session, Message(number, f"n{number}"))
        _said(session, "COMMIT")
        _relayed(relay, log, number, died=died)
    _relayed(relay, log, len(dies) + 1, died=False)


def _insert(session: Session, number: int) -> None:
    _said(session, f"INSERT INTO night VALUES ({number:d}, {400 + number % 90:d})")  # noqa: S608  # numbers of ours


def _relayed(relay: ByCommit, log: LogStream, now_us: int, *, died: bool) -> None:
    """Publish what is new, and say so unless the relay dies first."""
    for message in relay.poll():
        log.put(now_us, Entry(message.body, str(message.id)))
    if not died:
        relay.sent()


def _counted(session: Session, log: LogStream, crashes: int) -> DualCounted:
    answer = session.execute("SELECT number FROM night")
    assert isinstance(answer, Rows)
    committed = {f"n{number}" for (number,) in answer.rows}
    now_us = READ_AT_ONCE * 100
    page = log.read(now_us, log.iterator(now_us, "shard-000", "TRIM_HORIZON"), limit=READ_AT_ONCE)
    assert isinstance(page, Page)
    published = [record.message for record in page.records]
    on_log = set(published)
    return DualCounted(len(committed), len(committed - on_log), len(published) - len(on_log), crashes)


def _said(session: Session, sql: str) -> None:
    answer = session.execute(sql)
    assert isinstance(answer, Done), answer
