"""Views and postmen that follow the events: gaps, kinds that nobody knows, another log, letters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from test_event_sourcing import HELD, a_night, booked, handler_of

from dsys_lab.dataflows.change_capture import Switch
from dsys_lab.dataflows.event_sourcing import (
    TYPES,
    Cancel,
    EventLog,
    EventSource,
    EventStore,
    EventType,
    EventTypes,
    FreeBeds,
    Handler,
    Hold,
    Postman,
    Recorded,
    Release,
    Takings,
    Written,
    projection,
)
from dsys_lab.dataflows.service import CannotRead, Version
from dsys_lab.errors import Damaged, Misuse, Refused
from dsys_lab.structures.disk import VolatileDisk


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
    for _ in range(2):
        with pytest.raises(Refused, match=r"position 2.*BedPainted.*set_aside"):
            view.follow()
        assert (view.position, view.view.free["n1"]) == (1, 3), "nothing of half a commit was taken"
        assert view.status().state == "stopped"
    painted = EventType("BedPainted", (Version.of("BedPainted 1", "1 bed u16 = 0"),))
    after = projection(VolatileDisk(), FreeBeds, handler.store, EventTypes([*TYPES, painted]))
    after.follow()
    assert after.view.free["n1"] == 2


def test_an_event_that_nobody_knows_may_be_set_aside_and_is_counted():
    handler, disk = a_night(handler_of()), VolatileDisk()
    handler.store.append("n1", [Written("BedPainted", 1, b"{}")], expected=1)
    handler.store.append("n1", [HELD], expected=2)
    view = projection(disk, FreeBeds, handler.store, handler.types)
    with pytest.raises(Refused, match="BedPainted"):
        view.follow()
    assert view.set_aside() == 2
    assert view.follow() == 1
    again = projection(disk, FreeBeds, handler.store, handler.types)
    for one in (view, again):
        assert (one.view.free["n1"], one.position, one.aside, one.status().state) == (2, 3, [2], "following")
    a_night(handler, "n2")
    assert again.follow() == 1


def test_a_postman_stops_before_what_nobody_knows_and_may_set_it_aside():
    handler, disk, letters = a_night(handler_of()), VolatileDisk(), list[str]()
    handler.store.append("n1", [HELD, Written("BedPainted", 1, b"{}")], expected=1)

    def postman() -> Postman:
        return Postman(disk, EventSource(handler.store, handler.types), wants=lambda one: one.table == "BedHeld",
                       carry_out=lambda key, _: letters.append(key))  # fmt: skip

    one = postman()
    with pytest.raises(CannotRead, match="BedPainted"):
        one.work()
    assert (one.position, letters) == (1, [])
    assert one.set_aside() == 2
    with pytest.raises(Misuse, match="has not stopped"):
        one.set_aside()
    handler.store.append("n1", [HELD], expected=3)
    again = postman()
    assert (again.work(), letters, again.status().aside) == (1, ["n1/4"], 1)


class Holey:
    """A store from which some commits went, and whose positions do not say so."""

    def __init__(self, log: EventLog, *gone: int) -> None:
        self.log, self.gone = log, gone

    def read(self, after: int = 0, limit: int | None = None) -> list[Recorded]:
        left = [one for one in self.log.read(after) if one.position not in self.gone]
        return [one for one in left if limit is None or one.position < left[0].position + limit]

    def __getattr__(self, name: str) -> Callable[..., object]:
        return getattr(self.log, name)


def test_a_view_is_not_folded_over_a_gap():
    handler, disk = a_night(handler_of()), VolatileDisk()
    a_night(handler, "n2")
    for bed in (1, 2):
        handler.handle("n1", Hold(bed, f"g{bed}"))
    store: EventStore = Holey(handler.store, 3)  # type: ignore[arg-type, assignment]
    view = projection(disk, FreeBeds, store, handler.types)
    assert view.follow() == 2, "what lies before the gap is taken"
    for one in (view, projection(disk, FreeBeds, store, handler.types)):
        with pytest.raises(Refused, match="n1: event 3 comes where event 2 should"):
            one.follow()
        assert (one.position, one.status().state) == (2, "lost")
    assert projection(disk, FreeBeds, handler.store, handler.types).follow() == 2, "a whole copy, and it goes on"
    a_night(handler, "n3")
    handler.handle("n3", Hold(1, "g3"))
    first_of_n3: EventStore = Holey(handler.store, 5)  # type: ignore[arg-type, assignment]
    with pytest.raises(Refused, match="n3: event 2 comes where event 1 should"):
        projection(disk, FreeBeds, first_of_n3, handler.types).follow()
    in_the_middle = EventSource(store, handler.types, after=1)
    in_the_middle.confirm(in_the_middle.peek(1)[0].position)
    assert [one.position for one in in_the_middle.peek()] == [4, 5, 6], "n1 is new to a reader who began behind it"


@pytest.mark.parametrize("grown_by", [0, 1, 3], ids=["shorter", "as long", "longer"])
def test_a_projection_and_a_postman_ahead_of_their_log_say_so(grown_by: int):
    whole, older, disks = a_night(handler_of()), a_night(handler_of()), (VolatileDisk(), VolatileDisk())

    def readers(house: Handler) -> list[Callable[[], object]]:
        source = EventSource(house.store, house.types)
        return [
            lambda: projection(disks[0], FreeBeds, house.store, house.types).follow(),
            lambda: Postman(disks[1], source, wants=lambda _: True, carry_out=lambda *_: None).work(),
        ]

    for bed in (1, 2):
        whole.handle("n1", Hold(bed, f"g{bed}"))
    assert [read() for read in readers(whole)] == [3, 3]
    older.handle("n1", Hold(1, "g1"))
    for number in range(grown_by):
        older.handle("n1", Hold(3, "other") if number % 2 == 0 else Release(3, "other"))
    for read in readers(older):
        with pytest.raises(Damaged, match=r"position 3.*not in the log"):
            read()
    assert [read() for read in readers(whole)] == [0, 0]


def test_a_log_without_its_oldest_file_says_what_is_gone():
    disk = VolatileDisk()
    log = EventLog(disk, segment_bytes=200)
    for number in range(6):
        log.append("n1", [HELD], expected=number)
    disk.remove(disk.names()[0])
    left = EventLog(disk, segment_bytes=200)
    with pytest.raises(Refused, match="after = 0: commits 1 to 2 are not there"):
        left.read()
    with pytest.raises(Refused, match="event 1 is not there, and event 3 is"):
        left.load("n1")
    assert [one.version for one in left.read(2)] == [3, 4, 5, 6]


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
    new = postman(handler.store.status().position, VolatileDisk())
    assert new.work() == 0, "a new one begins at the end"
    handler.handle("n1", Cancel(3, "g3"))
    booked(handler, bed=3, guest="g4")
    assert new.work() == 1, "and knows no gap in what it was never given"
