"""What a store of events promises: the model's log, JetStream and PostgreSQL, one suite; and where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dsys_lab.dataflows.event_sourcing import (
    NIGHT,
    TYPES,
    Appended,
    Checkpoints,
    Conflict,
    Done,
    Event,
    EventLog,
    EventSource,
    EventStore,
    EventTypes,
    FreeBeds,
    Handler,
    Hold,
    Open,
    Postman,
    Release,
    Written,
    projection,
)
from dsys_lab.engines import nats
from dsys_lab.engines.event_store import JETSTREAM, POSTGRES, STORES, opened, who_is_too_late
from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.structures.disk import PowerCut, VolatileDisk

SKIPPED = {
    "model": set[str](),
    "jetstream": {case for difference in JETSTREAM for case in difference.skips},
    "postgres": {case for difference in POSTGRES for case in difference.skips},
}
ONE = Written("BedHeld", 1, b'{"bed":1,"guest":"g1"}')
TWO = Written("BedHeld", 7, bytes(range(256)))


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[EventStore]:
    if request.node.originalname.removeprefix("test_") in SKIPPED[request.param]:
        pytest.skip("a difference of this engine's, and named as one")
    if request.param == "postgres":
        request.getfixturevalue("postgres")
    with opened(request.param) as found:
        yield found


def test_what_was_appended_is_loaded_to_the_last_byte(store: EventStore):
    first = store.append("n1", [ONE, TWO], expected=0, command="c1")
    assert isinstance(first, Appended)
    assert (first.stream, first.version) == ("n1", 2)
    assert store.append("n1", [TWO], expected=2).version == 3
    found = store.load("n1")
    assert [(one.stream, one.version, one.command, one.written) for one in found] == [
        ("n1", 1, "c1", ONE), ("n1", 2, "c1", TWO), ("n1", 3, "", TWO)]  # fmt: skip
    assert found[0].position == found[1].position == first.position < found[2].position


def test_who_decided_on_an_old_version_is_told_the_newest_and_nothing_is_added(store: EventStore):
    store.append("n1", [ONE, ONE], expected=0)
    for expected in (0, 1, 3, 9):
        assert store.append("n1", [TWO], expected=expected) == Conflict("n1", expected, 2)
    assert len(store.load("n1")) == 2
    assert store.status().conflicts == 4


def test_a_stream_that_is_not_there_has_version_0(store: EventStore):
    assert store.load("n1") == []
    assert store.append("n1", [ONE], expected=4) == Conflict("n1", 4, 0)


def test_versions_belong_to_a_stream_and_positions_to_all(store: EventStore):
    for number in range(3):
        store.append("n1", [ONE], expected=number)
        store.append("n2", [ONE, TWO], expected=2 * number)
    found = store.read()
    assert [(one.stream, one.version) for one in found] == [
        ("n1", 1), ("n2", 1), ("n2", 2), ("n1", 2), ("n2", 3), ("n2", 4), ("n1", 3), ("n2", 5), ("n2", 6)]  # fmt: skip
    positions = [one.position for one in found]
    assert positions == sorted(positions)
    assert store.read(positions[2]) == found[3:]
    assert store.read(positions[2], 2) == found[3:6], "a commit is never cut in two"
    assert store.read(positions[-1]) == store.read(0, 0) == []
    status = store.status()
    assert (status.streams, status.events, status.position) == (2, 9, positions[-1])


def test_positions_of_the_first_commits_are_counted_from_one(store: EventStore):
    assert [store.append("n1", [ONE], expected=number) for number in (0, 1)] == [
        Appended("n1", 1, 1), Appended("n1", 2, 2)]  # fmt: skip


def test_a_load_after_a_version_reads_no_more_than_that(store: EventStore):
    for number in range(6):
        store.append("n1", [ONE], expected=number)
    assert [one.version for one in store.load("n1", 4)] == [5, 6]
    assert store.status().loaded_events == 2


def test_a_night_is_booked_and_followed_with_checkpoints(store: EventStore):
    types = EventTypes(TYPES, form="number")
    handler = Handler(store, types, NIGHT, checkpoints=Checkpoints(VolatileDisk(), every=4))
    handler.handle("n1", Open(3))
    letters: list[str] = []
    postman = Postman(VolatileDisk(), EventSource(store, types), wants=lambda change: change.table == "BedHeld",
                      carry_out=lambda key, _: letters.append(key))  # fmt: skip
    for number in range(4):
        handler.handle("n1", Hold(1, "g1"), command_id=f"hold-{number}")
        assert handler.handle("n1", Hold(1, "g1"), command_id=f"hold-{number}").repeated  # type: ignore[union-attr]
        handler.handle("n1", Release(1, "g1"))
    folded = handler.load("n1")
    assert (folded.state.free, folded.version) == (3, 9)
    assert folded.folded_events < 4
    view = projection(VolatileDisk(), FreeBeds, store, types)
    assert view.follow() == 9
    assert view.view.free["n1"] == 3
    assert postman.work() == 4 == len(set(letters))


def test_of_many_who_hurry_each_version_has_one_winner(store: EventStore):
    """Six clients think for as long as it takes to load; every one of their holds is there in the end, in one order."""
    handler = Handler(store, EventTypes(TYPES), NIGHT)
    handler.handle("n1", Open(6))
    if isinstance(store, EventLog):
        answers = [handler.handle("n1", Hold(bed, f"g{bed}")) for bed in range(1, 7)]  # it is no server
    else:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda bed: handler.handle("n1", Hold(bed, f"g{bed}"), attempts=50), range(1, 7)))
    assert sorted(one.version for one in answers if isinstance(one, Done)) == list(range(2, 8))
    assert [one.version for one in store.load("n1")] == list(range(1, 8))
    assert handler.load("n1").state.free == 0


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("append", {"stream": "a b", "events": [ONE], "expected": 0}, "stream"),
    ("append", {"stream": "n1", "events": [], "expected": 0}, "0 events"),
    ("append", {"stream": "n1", "events": [ONE], "expected": "0"}, "expected"),
    ("append", {"stream": "n1", "events": [Written("a", 1, bytes(600_000))], "expected": 0}, "600,0"),
    ("load", {"stream": "", "after": 0}, "stream"),
    ("load", {"stream": "n1", "after": -1}, "after"),
    ("read", {"after": 1.5}, "after"),
    ("read", {"after": 0, "limit": -1}, "limit"),
    ("read", {"after": 0, "limit": ""}, "limit"),
    ("append", {"stream": "n1", "events": [Written("a\0b", 1, b"")], "expected": 0}, "give each event as"),
    ("append", {"stream": "n1", "events": [ONE], "expected": 0, "command": "c\0"}, "without zero characters"),
]


def test_what_no_store_takes_is_refused_and_nothing_is_there(store: EventStore):
    for verb, given, says in WRONG:
        with pytest.raises(BadParameter, match=says):
            getattr(store, verb)(**given)
    assert store.status().events == 0


@pytest.mark.parametrize("name", STORES)
def test_two_on_one_version_and_the_second_reads_on(name: str, postgres: Any):
    told = who_is_too_late(name)
    assert (told.first, told.second, told.version, told.after_reading_on) == ("version 2", "too late", 2, "version 3")


# ------------------------------------------------------------------------------------------------ the differences
def test_jetstream_looks_a_version_up_if_another_client_made_it():
    from dsys_lab.engines.nats.event_store import JetStreamEvents

    with JetStreamEvents() as store:
        store.append("n1", [ONE], expected=0)
        store._made_by.clear()
        assert store.append("n1", [ONE], expected=1).version == 2
        store._made_by["n1"] = 1, store.load("n1")[0].position  # it believes what was true a moment ago
        assert store.append("n1", [ONE], expected=1) == Conflict("n1", 1, 2)


def test_jetstream_reads_a_subject_from_its_first_message():
    from dsys_lab.engines.nats.event_store import JetStreamEvents

    with JetStreamEvents() as store:
        for number in range(4):
            store.append("n1", [ONE], expected=number)
        assert len(store.load("n1", 3)) == 1
        assert store.status().loaded_events == 4


def test_a_jetstream_stream_with_a_limit_is_no_store():
    from dsys_lab.engines.nats.event_store import JetStreamEvents

    with JetStreamEvents(keep_messages=3) as store:
        for number in range(5):
            store.append("n1", [ONE], expected=number)
        with pytest.raises(Refused, match="event 1 is not there, and event 3 is"):
            store.load("n1")
        assert [one.version for one in store.load("n1", 2)] == [3, 4, 5], "a checkpoint that is new enough would do"
        assert [one.version for one in store.read(2)] == [3, 4, 5]
        for after in (0, 1):
            with pytest.raises(Refused, match=f"commits {after + 1} to 2 are not there"):
                store.read(after)
        assert (store.status().events, store.status().position) == (3, 5)
        for number in range(3):
            store.append("n2", [ONE], expected=number)
        assert store.load("n1") == [], "of which all went looks like a new one"
        assert store.append("n1", [ONE], expected=0).version == 1


def test_a_jetstream_stream_that_was_emptied_is_not_read_as_if_there_had_been_nothing():
    from dsys_lab.engines.nats.event_store import JetStreamEvents

    with JetStreamEvents() as store:
        assert store.read() == []
        for number in range(3):
            store.append("n1", [ONE], expected=number)
        store._nats.call(store._streams.purge_stream(store._name))
        with pytest.raises(Refused, match="commits 2 to 3 are not there"):
            store.read(1)
        assert store.read(3) == []
        store.append("n2", [ONE, TWO], expected=0)
        assert [one.version for one in store.read(3)] == [1, 2]


def test_a_checkpoint_folds_on_where_a_jetstream_stream_was_shortened_up_to_it_and_no_further():
    from dsys_lab.engines.nats.event_store import JetStreamEvents

    disk, types = VolatileDisk(), EventTypes(TYPES)
    with JetStreamEvents(keep_messages=4) as store:
        house = Handler(store, types, NIGHT, checkpoints=Checkpoints(disk, every=4))
        house.handle("n1", Open(9))
        for bed in (1, 2, 3):
            house.handle("n1", Hold(bed, "g1"))
        assert house.load("n1").version == 4
        house.checkpoints = Checkpoints(disk, every=100)
        for version in (4, 5, 6, 7):
            store.append("n1", [types.write(Event("BedHeld", {"bed": version, "guest": "g1"}))], expected=version)
        folded = house.load("n1")
        assert (folded.version, folded.folded_events, folded.state.free) == (8, 4, 2)
        store.append("n1", [ONE], expected=8)
        with pytest.raises(Refused, match="event 5 is not there"):
            house.load("n1")


def test_a_projection_misses_what_a_jetstream_stream_let_go_before_it_came():
    from dsys_lab.engines.nats.event_store import JetStreamEvents

    disk = VolatileDisk()
    with JetStreamEvents(keep_messages=3) as store:
        store.append("n1", [ONE], expected=0)
        assert projection(disk, FreeBeds, store, EventTypes(TYPES)).follow() == 1
        for number in range(3):
            store.append("n2", [ONE], expected=number)
        assert projection(disk, FreeBeds, store, EventTypes(TYPES)).follow() == 3, "it has the one that went"
        for number in range(3, 7):
            store.append("n2", [ONE], expected=number)
        late = projection(disk, FreeBeds, store, EventTypes(TYPES))
        with pytest.raises(Refused, match="commits 5 to 5 are not there"):
            late.follow()
        assert late.status().state == "lost"


def test_postgres_lets_the_second_wait_until_the_first_has_committed(postgres: Any):
    from dsys_lab.engines.postgres.event_store import PostgresEvents

    with PostgresEvents() as store, store.writer() as other, ThreadPoolExecutor(1) as pool:
        store.append("n1", [ONE], expected=0)
        other.execute("BEGIN")
        other.execute(f"INSERT INTO {store.table} (stream, version, command, kind, schema, data) "
                      f"SELECT stream, 2, command, kind, schema, data FROM {store.table}")  # fmt: skip
        late = pool.submit(store.append, "n1", [TWO], expected=1)
        with pytest.raises(TimeoutError):
            late.result(0.3)
        other.execute("COMMIT")
        assert late.result(10) == Conflict("n1", 1, 2)


def test_a_postgres_session_that_somebody_left_open_holds_readers_back_and_no_writer(postgres: Any):
    from dsys_lab.engines.postgres.event_store import PostgresEvents

    with PostgresEvents() as store, store.writer() as forgotten:
        before = store.append("n1", [ONE], expected=0)
        forgotten.execute("BEGIN")
        forgotten.execute("SELECT pg_current_xact_id()")
        after = store.append("n1", [ONE], expected=1)
        assert after.version == 2
        assert [one.position for one in store.read()] == [before.position]  # type: ignore[union-attr]
        forgotten.execute("ROLLBACK")
        assert [one.version for one in store.read()] == [1, 2]


def test_the_numbers_of_another_cluster_are_not_read_by_postgres(postgres: Any):
    from dsys_lab.engines.postgres.event_store import PostgresEvents

    with PostgresEvents() as store, store.writer() as restoring:
        store.append("n1", [ONE, ONE], expected=0)
        restoring.execute(f"UPDATE {store.table} SET position = position + 1000000000")
        assert (len(store.load("n1")), store.read(), store.status().position) == (2, [], 0)
        restoring.execute(f"UPDATE {store.table} SET position = pg_current_xact_id()::text::bigint")
        assert [one.version for one in store.read()] == [1, 2]


def test_a_row_that_was_deleted_in_postgres_is_known_by_the_versions(postgres: Any):
    from dsys_lab.engines.postgres.event_store import PostgresEvents

    with PostgresEvents() as store, store.writer() as other:
        for number in range(3):
            store.append("n1", [ONE], expected=number)
        other.execute(f"DELETE FROM {store.table} WHERE version = 2")
        view = projection(VolatileDisk(), FreeBeds, store, EventTypes(TYPES))
        assert view.follow() == 1
        with pytest.raises(Refused, match="n1: event 3 comes where event 2 should"):
            view.follow()


def test_the_position_that_postgres_says_is_passed_by_no_later_commit(postgres: Any):
    from dsys_lab.engines.postgres.event_store import PostgresEvents

    with PostgresEvents() as store, store.writer() as slow:
        first = store.append("n1", [ONE], expected=0)
        slow.execute("BEGIN")
        slow.execute(f"INSERT INTO {store.table} (stream, version, command, kind, schema, data) "
                     f"SELECT 'n2', 1, '', kind, schema, data FROM {store.table}")  # fmt: skip
        fast = store.append("n1", [ONE], expected=1)
        assert isinstance(first, Appended)
        assert isinstance(fast, Appended)
        position = store.status().position
        assert position == first.position < fast.position
        slow.execute("COMMIT")
        assert [one.stream for one in store.read(position)] == ["n2", "n1"], "who begins there misses neither"
        assert store.status().position == fast.position


def lose_the_end(store: Any, position: int) -> None:
    """Take the newest commit out of an engine, as a restore from an older copy does."""
    if hasattr(store, "writer"):
        with store.writer() as other:
            other.execute(f"DELETE FROM {store.table} WHERE position = {position}")
    else:
        assert store._nats.call(store._streams.delete_msg(store._name, position))
        store._made_by.clear()


@pytest.mark.parametrize("grows", [False, True])
@pytest.mark.parametrize("name", ["jetstream", "postgres"])
def test_who_is_ahead_of_a_log_that_lost_its_end_is_told_so(name: str, grows: bool, postgres: Any):
    disk, types = VolatileDisk(), EventTypes(TYPES)
    with opened(name) as store:
        house = Handler(store, types, NIGHT, checkpoints=Checkpoints(VolatileDisk(), every=1))
        house.handle("n1", Open(3))
        house.handle("n1", Hold(1, "g1"), command_id="c1")
        house.load("n1")
        view = projection(disk, FreeBeds, store, types)
        view.follow()
        lose_the_end(store, view.position)
        if grows:
            Handler(store, types, NIGHT).handle("n1", Hold(2, "other"))
        for ask in (lambda: house.load("n1"), lambda: house.handle("n1", Hold(1, "g1"), command_id="c1")):
            with pytest.raises(Damaged, match="not in the log"):
                ask()
        says = "event 2 comes where event 3 should" if grows else "not in the log"
        with pytest.raises(Refused if grows else Damaged, match=says):
            projection(disk, FreeBeds, store, types).follow()


# ------------------------------------------------------------------------------------------------ any order of calls
class LogMachine(RuleBasedStateMachine):
    """The model against a dictionary of lists, with crashes between the calls and in them."""

    @initialize()
    def begin(self) -> None:
        self.disk = VolatileDisk()
        self.log = EventLog(self.disk, segment_bytes=300)
        self.expected: dict[str, list[Written]] = {}

    @rule(stream=st.sampled_from(["n1", "n2"]), count=st.integers(1, 3), behind=st.sampled_from([0, 0, 0, 1, -1]))
    def append(self, stream: str, count: int, behind: int) -> None:
        there = self.expected.setdefault(stream, [])
        expected = max(0, len(there) - behind)
        events = [Written("BedHeld", 1, f"{stream} {len(there) + number}".encode()) for number in range(count)]
        answer = self.log.append(stream, events, expected=expected)
        if expected == len(there):
            there += events
            assert answer.version == len(there)
        else:
            assert answer == Conflict(stream, expected, len(there))

    @rule(steps=st.integers(0, 3), keeps=st.booleans())
    def crash_within(self, steps: int, keeps: bool) -> None:
        there = self.expected.setdefault("n1", [])
        self.disk.power_cut_before = self.disk.steps + steps
        answered = False
        try:
            self.log.append("n1", [ONE, TWO], expected=len(there))
            answered = True
        except PowerCut:
            pass
        self.disk.crash(lambda: 0.0 if keeps else 1.0)
        self.log = EventLog(self.disk, segment_bytes=300)
        if answered or self.log.version("n1") > len(there):
            there += [ONE, TWO]

    @invariant()
    def it_has_what_was_acknowledged(self) -> None:
        for stream, there in self.expected.items():
            assert [one.written for one in self.log.load(stream)] == there
            assert [one.version for one in self.log.load(stream, 1)] == list(range(2, len(there) + 1))
        assert [one.written for one in self.log.read() if one.stream == "n1"] == self.expected.get("n1", [])


LogMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
test_the_log_in_any_order = LogMachine.TestCase
