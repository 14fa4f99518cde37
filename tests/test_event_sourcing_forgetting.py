"""A guest is forgotten: sealed bytes, the ring of keys, and every disk on which a name could lie."""

from __future__ import annotations

from random import Random

import pytest
from test_event_sourcing import OLD, a_night, booked

from dsys_lab.dataflows.event_sourcing import (
    FORGOTTEN,
    NIGHT,
    TYPES,
    Cancel,
    Checkpoints,
    Event,
    EventLog,
    EventType,
    EventTypes,
    FreeBeds,
    Handler,
    KeyRing,
    Takings,
    projection,
)
from dsys_lab.dataflows.event_sourcing.night import BOOKED
from dsys_lab.dataflows.service import CannotRead
from dsys_lab.errors import Damaged, MayHaveHappened, Refused
from dsys_lab.stores.relational import Change
from dsys_lab.structures.disk import VolatileDisk


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


def content_of(disk: VolatileDisk) -> bytes:
    return b"".join(map(disk.read, disk.names()))


class Names:
    """A view that shows names."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def apply(self, change: Change) -> None:
        says = change.after or {}
        if change.table == "BedBooked":
            self.names[str(says["guest"])] = f"{says['first']} {says['last']}"


@pytest.mark.parametrize("form", ["name", "number"])
def test_a_projection_keeps_what_is_sealed_and_forgets_with_the_key(form: str):
    ring, disk = KeyRing(VolatileDisk(), Random(7).randbytes), VolatileDisk()
    house = a_night(Handler(EventLog(VolatileDisk()), EventTypes(TYPES, form=form, seals=ring), NIGHT))
    house.checkpoints = Checkpoints(saved_on := VolatileDisk(), every=1)
    for bed, guest in ((1, "g1"), (2, "g2")):
        booked(house, bed=bed, guest=guest)
    house.load("n1")
    view = projection(disk, Names, house.store, house.types)
    view.follow()
    assert view.view.names == {"g1": "Ada Byron", "g2": "Ada Byron"}
    for kept in (disk, saved_on):
        assert b"g1" in content_of(kept)
        assert not [name for name in (b"Ada", b"Byron") if name in content_of(kept)]
    ring.forget("g1")
    again = projection(disk, Names, house.store, house.types)
    assert again.view.names == {"g1": f"{FORGOTTEN} {FORGOTTEN}", "g2": "Ada Byron"}
    assert again.follow() == 0


def test_what_was_set_aside_lies_sealed_as_well():
    house, _ = sealed_night()
    a_night(house)
    booked(house)
    disk, less = VolatileDisk(), EventTypes([one for one in TYPES if one.kind != "BedBooked"], seals=house.types.seals)
    view = projection(disk, FreeBeds, house.store, less)
    with pytest.raises(Refused, match="BedBooked"):
        view.follow()
    view.set_aside()
    assert b"BedBooked" in content_of(disk)
    assert b"Byron" not in content_of(disk)


@pytest.mark.parametrize("form", ["name", "number"])
@pytest.mark.parametrize("first", ["Ada", "sealed:Ada", "plain:Ada", "plain:sealed:x", ""])
@pytest.mark.parametrize(("writes", "reads"), [(False, False), (False, True), (True, True), (True, False)])
def test_the_bytes_say_what_is_sealed(form: str, first: str, writes: bool, reads: bool):
    ring = KeyRing(VolatileDisk(), Random(7).randbytes)
    writer, reader = (EventTypes(TYPES, form=form, seals=ring if one else None) for one in (writes, reads))
    says = {"bed": 2, "guest": "g9", "cents": 9_000, "first": first, "last": "Byron", "currency": "sealed:EUR"}
    written = writer.write(Event("BedBooked", says))  # type: ignore[arg-type]
    assert (b"Byron" in written.data) is not writes
    if writes and not reads:
        with pytest.raises(CannotRead, match="it is sealed, and these types have no seals"):
            reader.read(written)
    else:
        assert reader.read(written).says == says


def test_a_reader_that_does_not_know_what_is_personal_takes_no_seal_for_a_name():
    ring = KeyRing(VolatileDisk(), Random(7).randbytes)
    written = EventTypes(TYPES, seals=ring).write(Event("BedBooked", OLD), schema=1)  # type: ignore[arg-type]
    with pytest.raises(CannotRead, match="does not say `about` whom"):
        EventTypes([EventType("BedBooked", BOOKED[:1])], seals=ring).read(written)


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


def ring_of(disk: VolatileDisk, guests: int = 3) -> dict[str, str]:
    ring = KeyRing(disk, Random(1).randbytes)
    return {f"g{number}": ring.seal(f"g{number}", "first", "Ada") for number in range(1, guests + 1)}


@pytest.mark.parametrize("zeroed", [0, 1])
def test_zeros_amid_the_ring_are_damage_and_cut_no_other_key_off(zeroed: int):
    disk = VolatileDisk()
    sealed = ring_of(disk)
    before = disk.read("keys")
    disk.write("keys", 128 * zeroed, bytes(128))
    for _ in range(2):
        with pytest.raises(Damaged, match=f"slot {zeroed} is not what was written"):
            KeyRing(disk, Random(2).randbytes)
    disk.write("keys", 128 * zeroed, before[128 * zeroed : 128 * zeroed + 128])
    ring = KeyRing(disk, Random(2).randbytes)
    assert {ring.open(guest, "first", text) for guest, text in sealed.items()} == {"Ada"}


@pytest.mark.parametrize("forgotten", ["g1", "g2", "g3"])
@pytest.mark.parametrize("tail", [b"", bytes(128), bytes(300), bytes(5) + b"torn"])
def test_after_a_restart_every_key_is_there_but_the_one_that_was_thrown_away(forgotten: str, tail: bytes):
    disk = VolatileDisk()
    sealed = ring_of(disk)
    KeyRing(disk, Random(2).randbytes).forget(forgotten)
    disk.append("keys", tail)
    for _ in range(2):
        ring = KeyRing(disk, Random(3).randbytes)
        opened = {guest: ring.open(guest, "first", text) for guest, text in sealed.items()}
        assert opened == {guest: FORGOTTEN if guest == forgotten else "Ada" for guest in sealed}
        ring.seal("g4", "first", "Dana")
    assert disk.size_bytes("keys") == 4 * 128


class Failing(VolatileDisk):
    """A disk that fails when it is told to."""

    fails = False

    def sync(self, name: str) -> None:
        if self.fails:
            raise OSError("no more")
        super().sync(name)


def test_a_ring_whose_disk_failed_seals_nothing_more():
    disk = Failing()
    ring_of(disk)
    ring = KeyRing(disk, Random(2).randbytes)
    disk.fails = True
    with pytest.raises(MayHaveHappened, match="open the ring anew"):
        ring.forget("g1")
    with pytest.raises(Refused, match="its disk failed"):
        ring.seal("g1", "first", "Ada")


@pytest.mark.parametrize(("about", "field"), [("g2", "first"), ("g1", "last")])
def test_a_sealed_text_opens_only_where_it_was_sealed(about: str, field: str):
    ring = KeyRing(VolatileDisk(), Random(1).randbytes)
    ring.seal("g2", "first", "Ben")
    with pytest.raises(Damaged, match="not what was sealed there"):
        ring.open(about, field, ring.seal("g1", "first", "Ada"))
