"""What happened is the truth: folds, expected versions, checkpoints, old bytes, views, letters, a forgotten guest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.dataflows.event_sourcing import (
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
    Handler,
    Hold,
    KeyRing,
    Night,
    Open,
    Postman,
    Recorded,
    Release,
    Saved,
    Written,
    decide,
    evolve,
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
    assert handler.decide_on("n1", handler.load("n1"), Hold(1, "g1"), command_id="c1") == again
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
    Checkpoints(disk, every=2).offer("night", 1, "n1", Saved(2, "d", {"a": 1}))
    assert Checkpoints(disk).newest("night", 1, "n1") == Saved(2, "d", {"a": 1})
    assert Checkpoints(VolatileDisk()).newest("night", 1, "n1") is None


def test_what_a_checkpoint_gives_is_what_will_be_read_of_it():
    disk = VolatileDisk()
    saved = Checkpoints(disk, every=1)
    saved.offer("night", 1, "n1", Saved(1, "d", {1: ("a", "b")}))
    at_once = saved.newest("night", 1, "n1")
    assert at_once == Checkpoints(disk).newest("night", 1, "n1") == Saved(1, "d", {"1": ["a", "b"]})


LOST: dict[str, Callable[[Handler], object]] = {
    "a plain load": lambda house: house.load("n1"),
    "a new command": lambda house: house.handle("n1", Hold(3, "g3"), command_id="c9"),
    "the lost command, repeated": lambda house: house.handle("n1", Hold(2, "g2"), command_id="c2"),
}


@pytest.mark.parametrize("grown_by", [0, 1, 3], ids=["shorter", "as long", "longer"])
@pytest.mark.parametrize("call", LOST)
def test_a_checkpoint_of_events_that_the_log_has_lost_is_noticed_whatever_is_asked(call: str, grown_by: int):
    saved = Checkpoints(VolatileDisk(), every=1)
    whole, older = (a_night(handler_of()) for _ in range(2))
    whole.checkpoints = saved
    for bed in (1, 2):
        whole.handle("n1", Hold(bed, f"g{bed}"), command_id=f"c{bed}")
    whole.load("n1")
    older.handle("n1", Hold(1, "g1"), command_id="c1")
    for number in range(grown_by):
        older.handle("n1", Hold(3, "other") if number % 2 == 0 else Release(3, "other"))
    before, older.checkpoints = older.store.status().events, saved
    with pytest.raises(Damaged, match=r"n1.*the last of them is not in the log"):
        LOST[call](older)
    assert older.store.status().events == before
    older.checkpoints = None
    assert older.load("n1").version == before, "without the checkpoints it goes on"


def test_a_fold_at_hand_notices_that_the_log_under_it_was_restored():
    house, older = a_night(handler_of()), a_night(handler_of())
    house.handle("n1", Hold(1, "g1"))
    folded, house.store = house.load("n1"), older.store
    older.handle("n1", Hold(2, "other"))
    with pytest.raises(Damaged, match="2 events were folded"):
        house.catch_up("n1", folded)


class Shortened(EventLog):
    """A log of which the oldest events of each stream went."""

    gone = 0

    def load(self, stream: str, after: int = 0) -> list[Recorded]:
        left = [one for one in super().load(stream) if one.version > max(after, self.gone)]
        return require_dense(stream, after, left)


@pytest.mark.parametrize(("gone", "folds"), [(4, True), (5, True), (6, False)])
def test_a_log_that_was_shortened_up_to_the_checkpoint_folds_and_no_further(gone: int, folds: bool):
    log, saved = Shortened(VolatileDisk()), Checkpoints(VolatileDisk(), every=5)
    house = a_night(Handler(log, EventTypes(TYPES), NIGHT))
    for bed in (1, 2, 3):
        booked(house, bed=bed, guest=f"g{bed}")
        if bed == 2:
            saving = saving_too(house, saved)
            assert saving.load("n1").version == 5
    whole, log.gone = house.load("n1").state, gone
    if folds:
        assert saving.load("n1").state == whole
    else:
        with pytest.raises(Refused, match="event 6 is not there"):
            saving.load("n1")


def saving_too(house: Handler, saved: Checkpoints) -> Handler:
    return Handler(house.store, house.types, house.decider, checkpoints=saved)


def test_an_id_that_was_given_to_another_command_is_refused_with_checkpoints_or_without():
    saved = Checkpoints(VolatileDisk(), every=1)
    for handler in (a_night(handler_of()), a_night(handler_of(checkpoints=saved))):
        handler.handle("n1", Hold(1, "g1"), command_id="c1")
        for _ in range(2):
            with pytest.raises(BadParameter, match="'c1': version 2 answers another command"):
                handler.handle("n1", Hold(2, "g2"), command_id="c1")
            assert handler.handle("n1", Hold(1, "g1"), command_id="c1").repeated  # type: ignore[union-attr]
        assert handler.load("n1").version == 2


def test_a_commit_that_somebody_wrote_with_a_bare_id_answers_for_it():
    handler = a_night(handler_of())
    handler.store.append("n1", [HELD], expected=1, command="c1#by-hand")
    assert handler.handle("n1", Hold(3, "g9"), command_id="c1#by-hand") == Done(2, (), 1, repeated=True)


def test_a_state_may_be_none():
    last = Decider("last", "nobody", lambda *_: [], lambda state, event: f"{state}, then {event.says['guest']}")
    guest = Event("BedHeld", {"bed": 1, "guest": "g1"})
    assert last.fold([guest]) == "nobody, then g1"
    assert last.fold([guest], None) == "None, then g1"


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
    "a schema that is none": (
        lambda: EventLog(VolatileDisk()).append("n1", [Written("a", 0, b"")], expected=0), "schema"),
    "bytes that are a text": (
        lambda: EventLog(VolatileDisk()).append("n1", [Written("a", 1, "{}")], expected=0), "bytes"),  # type: ignore[arg-type]
    "events one by one": (lambda: EventLog(VolatileDisk()).append("n1", iter([HELD]), expected=0), "give a list"),  # type: ignore[arg-type]
    "half of a pair": (lambda: EventLog(VolatileDisk()).append("n1", [HELD], expected=0, command="\ud800"), "id of"),
    "an id that is no text": (lambda: EventLog(VolatileDisk()).append("n1", [HELD], expected=0, command=7), "id of"),  # type: ignore[arg-type]
    "after nothing": (lambda: EventLog(VolatileDisk()).read(-1), "after = -1"),
    "a limit that is a word": (lambda: EventLog(VolatileDisk()).read(0, ""), "limit = ''"),  # type: ignore[arg-type]
    "a kind that stands twice": (lambda: EventTypes([*TYPES, TYPES[0]]), "stands twice"),
    "a field of the store's": (lambda: EventType("a", (Version.of("v", "1 stream text"),)), "the store says that"),
    "personal and a number": (lambda: EventType("a", BOOKED[:1], about="guest", personal=("cents",)), "only text"),
    "an event that says too little": (
        lambda: EventTypes(TYPES, seals=KeyRing(VolatileDisk(), Random(1).randbytes)).write(
            Event("BedBooked", {"first": "Ada"})), "required"),
    "a fold that packs what JSON has not": (
        lambda: Checkpoints(VolatileDisk(), every=1).offer("a", 1, "n1", Saved(1, "", {1, 2})), "give its `Decider`"),
    "too little chance": (lambda: KeyRing(VolatileDisk(), lambda size: b"x").seal("g", "f", "x"), "gave 1 bytes"),
    "a postman beyond the end": (
        lambda: Postman(VolatileDisk(), EventSource(EventLog(VolatileDisk()), EventTypes(TYPES)), begin=3,
                        wants=lambda _: True, carry_out=lambda *_: None), "the log ends at 0"),
    "a source of nothing": (lambda: EventSource(EventLog(VolatileDisk()), EventTypes(TYPES), after=-1), "after = -1"),
    "a limit that is none": (lambda: EventLog(VolatileDisk()).read(0, -2), "limit = -2"),
    "bytes that are no commit": (lambda: Commit.decode(b"hello, world"), "no commit"),
    "a commit cut short": (lambda: Commit.decode(Commit("n", 1, "", (HELD,)).encode()[:-1]), "restore"),
    "no lift": (lambda: EventType("a", BOOKED), "3 schemas and 0 lifts"),
    "personal and unknown": (
        lambda: EventType("a", BOOKED[:1], about="name", personal=("frist",)), "nothing would be sealed"),
    "about nobody": (lambda: EventType("a", BOOKED[:1], about="nobody", personal=("name",)), "not in every schema"),
    "about somebody sealed": (lambda: EventType("a", BOOKED[:1], about="guest", personal=("guest",)), "it is sealed"),
    "about somebody left out": (
        lambda: EventType("a", (Version.of("v", "1 guest text = nobody, 2 name text"),), about="guest"), "left out"),
    "an id that is a number": (lambda: handler_of().handle("n1", Open(1), command_id=7), "command_id = 7"),  # type: ignore[arg-type]
    "no command": (lambda: decide(NIGHT.initial, "hold bed 3"), "give one of Open, Hold"),  # type: ignore[arg-type]
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
