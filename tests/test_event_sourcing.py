"""What happened is the truth: folds, expected versions, checkpoints, old bytes, views, letters, a forgotten guest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.dataflows.change_capture import Switch
from dsys_lab.dataflows.event_sourcing import (
    FORGOTTEN,
    NIGHT,
    TYPES,
    Appended,
    Book,
    Cancel,
    Checkpoints,
    Conflict,
    Decider,
    Done,
    Event,
    EventLog,
    EventSource,
    EventType,
    EventTypes,
    FreeBeds,
    Handler,
    Hold,
    KeyRing,
    Night,
    Open,
    Postman,
    Recorded,
    Release,
    Saved,
    Takings,
    Written,
    decide,
    evolve,
    projection,
)
from dsys_lab.dataflows.event_sourcing.events import COMMIT_BYTES_MAX, Commit, require_dense
from dsys_lab.dataflows.event_sourcing.night import BOOKED
from dsys_lab.dataflows.service import CannotRead, Version
from dsys_lab.errors import BadParameter, Damaged, DsysLabError, Refused
from dsys_lab.structures.disk import VolatileDisk

HELD = Written("BedHeld", 1, b'{"bed":1,"guest":"g1"}')
GUESTS = st.sampled_from(["g1", "g2"])
BEDS = st.integers(1, 3)
COMMANDS = st.one_of(
    st.builds(Hold, BEDS, GUESTS),
    st.builds(Book, BEDS, GUESTS, st.just("Ada"), st.just("Byron"), st.integers(0, 20_000)),
    st.builds(Release, BEDS, GUESTS),
    st.builds(Cancel, BEDS, GUESTS),
)


def handler_of(disk: VolatileDisk | None = None, **more: object) -> Handler:
    return Handler(EventLog(disk or VolatileDisk()), EventTypes(TYPES), NIGHT, **more)  # type: ignore[arg-type]


def booked(handler: Handler, *, bed: int = 1, guest: str = "g1", cents: int = 9_000, stream: str = "n1") -> None:
    handler.handle(stream, Hold(bed, guest))
    handler.handle(stream, Book(bed, guest, "Ada", "Byron", cents))


def a_night(handler: Handler, stream: str = "n1", *, beds: int = 3) -> Handler:
    handler.handle(stream, Open(beds))
    return handler


# ------------------------------------------------------------------------------------------------ decide and evolve
def test_a_command_is_asked_and_may_be_refused_an_event_has_happened():
    night = NIGHT.fold(decide(NIGHT.initial, Open(2)))
    [event] = decide(night, Hold(1, "g1"))
    assert event == Event("BedHeld", {"bed": 1, "guest": "g1"})
    assert evolve(night, event).free == 1
    assert night.free == 2, "evolve changes nothing in place"


@pytest.mark.parametrize(("command", "says"), [
    (Open(3), "open already"), (Hold(9, "g2"), "no bed 9"), (Hold(1, "g2"), "taken"),
    (Book(1, "g2", "", "", 1), "not held for g2"), (Release(2, "g1"), "not held"), (Cancel(1, "g1"), "not booked"),
])  # fmt: skip
def test_what_the_rules_forbid_is_refused_and_leaves_no_event(command: object, says: str):
    handler = a_night(handler_of(), beds=2)
    handler.handle("n1", Hold(1, "g1"))
    before = handler.store.status()
    with pytest.raises(Refused, match=says):
        handler.handle("n1", command)
    assert handler.store.status().events == before.events == 2


def test_who_cancels_gets_nine_tenths_back():
    handler = a_night(handler_of())
    booked(handler, cents=9_999)
    done = handler.handle("n1", Cancel(1, "g1"))
    assert isinstance(done, Done)
    assert done.events[0].says["refund_cents"] == 9_000
    assert handler.load("n1").state.free == 3


@given(st.lists(COMMANDS, max_size=25), st.integers(0, 25))
@settings(max_examples=60, deadline=None)
def test_a_fold_may_be_interrupted_anywhere_and_gone_on_with(commands: list[object], cut: int):
    events = list(decide(NIGHT.initial, Open(3)))
    night = NIGHT.fold(events)
    for command in commands:
        try:
            new = decide(night, command)  # type: ignore[arg-type]
        except Refused:
            continue
        events += new
        night = NIGHT.fold(new, night)
    assert NIGHT.fold(events) == night == NIGHT.fold(events[cut:], NIGHT.fold(events[:cut]))
    assert 0 <= night.free <= 3
    assert NIGHT.unpack(json.loads(json.dumps(NIGHT.pack(night)))) == night


# ------------------------------------------------------------------------------------------------ the log
def test_of_two_who_decide_on_one_version_one_is_too_late():
    log = EventLog(VolatileDisk())
    assert log.append("n1", [HELD, HELD], expected=0) == Appended("n1", 2, 1)
    assert log.append("n1", [HELD], expected=2) == Appended("n1", 3, 2)
    assert log.append("n1", [HELD], expected=2) == Conflict("n1", 2, 3)
    assert log.append("n1", [HELD], expected=7) == Conflict("n1", 7, 3)
    assert log.status().conflicts == 2
    assert [one.version for one in log.load("n1")] == [1, 2, 3]


def test_a_load_reads_the_commits_of_one_stream_after_a_version():
    log = EventLog(VolatileDisk())
    for number in range(5):
        log.append("n1", [HELD, HELD], expected=2 * number)
        log.append("n2", [HELD], expected=number)
    assert [one.version for one in log.load("n1", 7)] == [8, 9, 10]
    assert [(one.stream, one.position) for one in log.read(7, 2)] == [("n2", 8), ("n1", 9), ("n1", 9)]
    assert log.load("n3") == []
    assert log.read(10) == []


def test_a_command_that_comes_again_is_answered_as_before():
    handler = a_night(handler_of())
    first = handler.handle("n1", Hold(1, "g1"), command_id="c1")
    again = handler.handle("n1", Hold(1, "g1"), command_id="c1")
    assert (first.version, again.version) == (2, 2)
    assert again == Done(2, (), 1, repeated=True)
    with pytest.raises(Refused, match="taken"):
        handler.handle("n1", Hold(1, "g1"), command_id="c2")


def test_who_was_too_late_reads_on_and_decides_again():
    handler = a_night(handler_of())
    folded = handler.load("n1")
    handler.handle("n1", Hold(1, "g1"))
    assert handler.decide_on("n1", folded, Hold(2, "g2")) == Conflict("n1", 1, 2)
    handler.catch_up("n1", folded)
    with pytest.raises(Refused, match="bed 1 is taken"):
        handler.decide_on("n1", folded, Hold(1, "g2"))
    assert handler.decide_on("n1", folded, Hold(2, "g2")).version == 3


class Overtaken:
    """A store in which somebody else is always faster."""

    def __init__(self, log: EventLog) -> None:
        self.log = log

    def append(self, stream: str, events: list[Written], *, expected: int, command: str = "") -> Appended | Conflict:
        self.log.append(stream, [Written("NightOpened", 1, b'{"beds":9}')], expected=expected)
        return self.log.append(stream, events, expected=expected, command=command)

    def __getattr__(self, name: str) -> Callable[..., object]:
        return getattr(self.log, name)


def test_somebody_who_is_always_overtaken_is_told_so_in_the_end():
    handler = handler_of()
    handler.store = Overtaken(handler.store)  # type: ignore[arg-type]
    assert handler.handle("n1", Open(3), attempts=1) == Conflict("n1", 0, 1)
    assert handler.handle("n1", Hold(1, "g1"), attempts=3) == Conflict("n1", 3, 4)


class Doubled(Overtaken):
    """A store to which the same command comes twice at once, and the other delivery is faster."""

    def append(self, stream: str, events: list[Written], *, expected: int, command: str = "") -> Appended | Conflict:
        self.log.append(stream, events, expected=expected, command=command)
        return self.log.append(stream, events, expected=expected, command=command)


@pytest.mark.parametrize("attempts", [1, 2])
def test_who_is_overtaken_by_the_same_command_is_told_that_it_was_done(attempts: int):
    handler = handler_of()
    handler.store = Doubled(handler.store)  # type: ignore[arg-type]
    done = handler.handle("n1", Open(3), command_id="c1", attempts=attempts)
    assert (done.version, done.repeated) == (1, True)
    assert len(handler.store.load("n1")) == 1


def test_events_that_a_retention_took_are_missed_at_once():
    events = [Recorded("n1", version, version, "", HELD) for version in (3, 4)]
    assert require_dense("n1", 2, events) == events
    with pytest.raises(Refused, match="event 1 is not there, and event 3 is"):
        require_dense("n1", 0, events)


# ------------------------------------------------------------------------------------------------ checkpoints
def test_with_checkpoints_a_load_folds_only_what_came_since():
    saved = Checkpoints(VolatileDisk(), every=10)
    plain, saving = handler_of(), handler_of(checkpoints=saved)
    for handler in (plain, saving):
        a_night(handler)
        for _ in range(26):
            handler.handle("n1", Hold(1, "g1"))
            handler.handle("n1", Release(1, "g1"))
    one, other = plain.load("n1"), saving.load("n1")
    assert (one.state, one.version) == (other.state, other.version) == (Night(3), 53)
    assert (one.folded_events, other.folded_events) == (53, 3)
    assert saved.status().saved == 5


def test_a_checkpoint_of_another_fold_is_not_used():
    saved = Checkpoints(VolatileDisk(), every=1)
    handler = a_night(handler_of(checkpoints=saved))
    assert [handler.load("n1").folded_events for _ in range(2)] == [1, 0]
    mended: Decider = replace(NIGHT, version=2)
    fixed = Handler(handler.store, handler.types, mended, checkpoints=saved)
    assert fixed.load("n1").folded_events == 1
    assert saved.status().passed_over == 1
    assert fixed.load("n1").folded_events == 0, "it has made one of its own"


def test_checkpoints_are_found_again_and_may_be_deleted():
    disk = VolatileDisk()
    Checkpoints(disk, every=2).offer("night", 1, "n1", Saved(2, {"a": 1}))
    assert Checkpoints(disk).newest("night", 1, "n1") == Saved(2, {"a": 1})
    assert Checkpoints(VolatileDisk()).newest("night", 1, "n1") is None


def test_a_checkpoint_ahead_of_its_log_is_noticed_before_anything_is_appended():
    saved = Checkpoints(VolatileDisk(), every=1)
    handler = a_night(handler_of(checkpoints=saved))
    handler.handle("n1", Hold(1, "g1"))
    handler.load("n1")
    restored = a_night(handler_of(checkpoints=Checkpoints(VolatileDisk())))
    restored.checkpoints = saved
    with pytest.raises(Damaged, match="restored from an older copy"):
        restored.handle("n1", Hold(2, "g2"))


# ------------------------------------------------------------------------------------------------ old bytes
OLD = {"bed": 2, "guest": "g9", "name": "Ada King Lovelace", "cents": 9_000}


@pytest.mark.parametrize("form", ["name", "number"])
def test_bytes_of_every_schema_are_read_as_the_newest(form: str):
    types = EventTypes(TYPES, form=form)
    second = {"bed": 2, "guest": "g9", "first": "Ada", "last": "King Lovelace", "cents": 9_000}
    newest = {**second, "currency": "EUR"}
    for schema, says in ((1, OLD), (2, second), (3, newest)):
        written = types.write(Event("BedBooked", says), schema=schema)  # type: ignore[arg-type]
        assert types.read(written) == Event("BedBooked", newest)


def test_old_bytes_are_never_changed():
    old, log = EventTypes([EventType("BedBooked", BOOKED[:1])]), EventLog(VolatileDisk())
    log.append("n1", [old.write(Event("BedBooked", OLD))], expected=0)  # type: ignore[arg-type]
    before = log.load("n1")
    assert EventTypes(TYPES).read(before[0].written).says["last"] == "King Lovelace"
    assert log.load("n1") == before
    assert before[0].written.schema == 1


@pytest.mark.parametrize(("written", "says"), [
    (Written("BedPainted", 1, b"{}"), "BedPainted.*no such kind"), (Written("BedHeld", 2, b"{}"), "schema 2"),
    (Written("BedHeld", 1, b'{"bed":1}'), "guest"),
])  # fmt: skip
def test_what_nobody_knows_is_refused_by_name(written: Written, says: str):
    with pytest.raises(CannotRead, match=says):
        EventTypes(TYPES).read(written)


# ------------------------------------------------------------------------------------------------ views
def test_a_view_is_rebuilt_beside_the_one_that_answers_and_then_swapped_in():
    handler, old_disk, new_disk = a_night(handler_of()), VolatileDisk(), VolatileDisk()
    booked(handler)
    handler.handle("n1", Cancel(1, "g1"))
    wrong = projection(old_disk, lambda: Takings(refunds=1), handler.store, handler.types)
    wrong.follow()
    assert wrong.view.total == 9_000 + 8_100, "refunds were added"
    switch, right = Switch(wrong), projection(new_disk, Takings, handler.store, handler.types)
    switch.rebuild(right)
    right.follow(1)
    with pytest.raises(Refused, match="let it follow first"):
        switch.swap()
    right.follow()
    switch.swap()
    assert switch.view.total == 9_000 - 8_100
    booked(handler, bed=2, guest="g2")
    opened_again = projection(new_disk, Takings, handler.store, handler.types)
    assert opened_again.position == right.position
    opened_again.follow()
    assert opened_again.view.total == 900 + 9_000


def test_an_event_that_nobody_knows_stops_a_view_there_and_is_not_skipped():
    handler = a_night(handler_of())
    handler.store.append("n1", [HELD, Written("BedPainted", 1, b"{}")], expected=1)
    view = projection(VolatileDisk(), FreeBeds, handler.store, handler.types)
    view.follow()
    assert (view.position, view.view.free["n1"]) == (1, 3), "nothing of half a commit was taken"
    with pytest.raises(CannotRead, match="BedPainted"):
        view.follow()
    painted = EventType("BedPainted", (Version.of("BedPainted 1", "1 bed u16 = 0"),))
    after = projection(VolatileDisk(), FreeBeds, handler.store, EventTypes([*TYPES, painted]))
    after.follow()
    assert after.view.free["n1"] == 2


# ------------------------------------------------------------------------------------------------ letters
def test_a_rebuild_posts_no_letter_and_a_postman_goes_on_where_he_was():
    handler, letters, disk = a_night(handler_of()), list[str](), VolatileDisk()
    for number in (1, 2):
        booked(handler, bed=number, guest=f"g{number}")

    def postman(begin: int = 0, on: VolatileDisk = disk) -> Postman:
        source = EventSource(handler.store, handler.types)
        return Postman(on, source, wants=lambda change: change.table == "BedBooked",
                       carry_out=lambda key, _: letters.append(key), begin=begin)  # fmt: skip

    assert postman().work() == 2
    projection(VolatileDisk(), Takings, handler.store, handler.types).follow()
    assert postman().work() == 0
    booked(handler, bed=3, guest="g3")
    assert postman().work() == 1
    assert letters == ["n1/3", "n1/5", "n1/7"]
    assert postman(handler.store.status().position, VolatileDisk()).work() == 0, "a new one begins at the end"


# ------------------------------------------------------------------------------------------------ forgetting
def sealed_night(disk: VolatileDisk | None = None) -> tuple[Handler, KeyRing]:
    ring = KeyRing(disk or VolatileDisk(), Random(7).randbytes)
    return Handler(EventLog(VolatileDisk()), EventTypes(TYPES, seals=ring), NIGHT), ring


def test_a_guest_who_was_forgotten_cannot_be_read_and_no_byte_was_changed():
    handler, ring = sealed_night()
    a_night(handler)
    booked(handler, bed=1, guest="g1")
    booked(handler, bed=2, guest="g2")
    before = handler.store.read()
    assert b"Byron" not in b"".join(one.written.data for one in before), "the log never had the name in the open"
    ring.forget("g1")
    assert handler.store.read() == before
    names = [handler.types.read(one.written).says.get("first") for one in before]
    assert names == [None, None, FORGOTTEN, None, "Ada"]
    view = projection(VolatileDisk(), Takings, handler.store, handler.types)
    view.follow()
    assert view.view.total == 18_000
    handler.handle("n1", Cancel(1, "g1"))
    with pytest.raises(Refused, match="g1 was forgotten"):
        booked(handler, bed=1, guest="g1")


def test_old_schemas_are_opened_before_they_are_lifted():
    ring = KeyRing(VolatileDisk(), Random(7).randbytes)
    types = EventTypes(TYPES, seals=ring)
    written = types.write(Event("BedBooked", OLD), schema=1)  # type: ignore[arg-type]
    assert b"Ada" not in written.data
    assert types.read(written).says["first"] == "Ada"
    ring.forget("g9")
    assert types.read(written).says["first"] == FORGOTTEN


def test_keys_are_found_again_and_a_damaged_ring_is_no_forgotten_guest():
    disk = VolatileDisk()
    sealed = KeyRing(disk, Random(1).randbytes).seal("g1", "first", "Ada")
    assert KeyRing(disk, Random(2).randbytes).open("g1", "first", sealed) == "Ada"
    disk.flip("keys", 80)
    with pytest.raises(Damaged, match="slot 0"):
        KeyRing(disk, Random(3).randbytes)


@pytest.mark.parametrize(("about", "field"), [("g2", "first"), ("g1", "last")])
def test_a_sealed_text_opens_only_where_it_was_sealed(about: str, field: str):
    ring = KeyRing(VolatileDisk(), Random(1).randbytes)
    ring.seal("g2", "first", "Ben")
    with pytest.raises(Damaged, match="not what was sealed there"):
        ring.open(about, field, ring.seal("g1", "first", "Ada"))


# ------------------------------------------------------------------------------------------------ misuse
MISUSE: dict[str, tuple[Callable[[], object], str]] = {
    "a stream without a name": (lambda: EventLog(VolatileDisk()).append("", [HELD], expected=0), "stream = ''"),
    "a name with a dot": (lambda: EventLog(VolatileDisk()).load("a.b"), "letters, digits"),
    "nothing to add": (lambda: EventLog(VolatileDisk()).append("n1", [], expected=0), "0 events"),
    "too many": (lambda: EventLog(VolatileDisk()).append("n1", [HELD] * 101, expected=0), "101 events"),
    "an event unwritten": (lambda: EventLog(VolatileDisk()).append("n1", [Event("a", {})], expected=0), "as `Written`"),  # type: ignore[list-item]
    "a version of nothing": (lambda: EventLog(VolatileDisk()).append("n1", [HELD], expected=-1), "expected = -1"),
    "too large": (lambda: EventLog(VolatileDisk()).append("n1", [Written("a", 1, bytes(COMMIT_BYTES_MAX))], expected=0),
                  "put the payload elsewhere"),
    "an id that is no text": (lambda: EventLog(VolatileDisk()).append("n1", [HELD], expected=0, command=7), "id of"),  # type: ignore[arg-type]
    "after nothing": (lambda: EventLog(VolatileDisk()).read(-1), "after = -1"),
    "a limit that is none": (lambda: EventLog(VolatileDisk()).read(0, -2), "limit = -2"),
    "bytes that are no commit": (lambda: Commit.decode(b"hello, world"), "no commit"),
    "a commit cut short": (lambda: Commit.decode(Commit("n", 1, "", (HELD,)).encode()[:-1]), "restore"),
    "no lift": (lambda: EventType("a", BOOKED), "3 schemas and 0 lifts"),
    "personal and unknown": (
        lambda: EventType("a", BOOKED[:1], about="name", personal=("frist",)), "nothing would be sealed"),
    "about nobody": (lambda: EventType("a", BOOKED[:1], about="nobody", personal=("name",)), "not in every schema"),
    "personal and nobody's": (lambda: EventType("a", BOOKED[:1], personal=("name",)), "whose"),
    "a form that is none": (lambda: EventTypes(TYPES, form="post"), "form"),
    "a field that is none": (lambda: EventTypes(TYPES).write(Event("BedHeld", {"bad": 1})), "no field 'bad'"),
    "a checkpoint never": (lambda: Checkpoints(VolatileDisk(), every=0), "every = 0"),
    "no attempt": (lambda: handler_of().handle("n1", Open(1), attempts=0), "attempts = 0"),
    "a fold without a number": (lambda: replace(NIGHT, version=0), "version = 0"),
    "nobody to forget": (lambda: KeyRing(VolatileDisk(), Random(1).randbytes).forget("g1"), "no key here"),
    "nobody's seal": (lambda: KeyRing(VolatileDisk(), Random(1).randbytes).open("g1", "f", "x"), "right ring"),
    "a name too long": (lambda: KeyRing(VolatileDisk(), Random(1).randbytes).seal("g" * 65, "f", "x"), "1 to 64 bytes"),
    "a source that goes back": (lambda: EventSource(EventLog(VolatileDisk()), EventTypes(TYPES), after=3).confirm(2),
                                "go back"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISUSE)
def test_a_wrong_call_is_told_what_is_allowed(what: str):
    call, says = MISUSE[what]
    with pytest.raises(DsysLabError, match=says) as told:
        call()
    assert isinstance(told.value, BadParameter | Damaged | Refused)
