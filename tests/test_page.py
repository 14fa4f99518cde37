"""A slotted page: what goes in comes out, what is damaged is named, what was noted can be done again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import Damaged, Misuse, Refused
from dsys_lab.structures.page import HEADER, HEAP, PAGE_BYTES, RECORD_BYTES_MAX, SLOT, Page

RECORDS = st.binary(max_size=1500)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), RECORDS, st.booleans()),
        st.tuples(st.just("replace"), st.integers(0, 30), RECORDS, st.booleans()),
        st.tuples(st.just("remove"), st.integers(0, 30)),
    ),
    max_size=60,
)


def perform(page: Page, steps: list[tuple]) -> dict[int, tuple[bytes, bool] | None]:
    """Do the steps to a page and to a dict; the two must agree at each one."""
    rows: dict[int, tuple[bytes, bool] | None] = {}
    for verb, *arguments in steps:
        if verb == "insert":
            record, mark = arguments
            if page.has_room(len(record)):
                slot = page.insert(record, mark=mark)
                assert slot == len(rows), "a slot is never used again"
                rows[slot] = (record, mark)
            else:
                with pytest.raises(Refused, match="do not fit"):
                    page.insert(record, mark=mark)
        elif rows.get(arguments[0]) is not None:
            slot = arguments[0]
            if verb == "remove":
                page.remove(slot)
                rows[slot] = None
            elif page.replace(slot, arguments[1], mark=arguments[2]):
                rows[slot] = (arguments[1], arguments[2])
        assert page.low <= page.high <= PAGE_BYTES
    assert {slot: page.record(slot) for slot in rows} == rows
    return rows


def test_a_page_holds_120_records_of_64_bytes() -> None:
    page = Page(HEAP)
    assert [page.insert(bytes([number]) * 64) for number in range(120)] == list(range(120))
    assert not page.has_room(64)
    assert (PAGE_BYTES - HEADER.size) // (64 + SLOT.size) == 120


@pytest.mark.parametrize("slot", [0, 1, 7, -1])
def test_a_slot_that_holds_nothing_is_neither_filled_again_nor_emptied_again(slot: int) -> None:
    page = Page(HEAP)
    page.insert(b"gone")
    page.remove(0)
    before = page.sealed(0)
    for change in (lambda: page.replace(slot, b"again"), lambda: page.replace(slot, b""), lambda: page.remove(slot)):
        with pytest.raises(Misuse, match=f"slot {slot} of 1 holds no record"):
            change()
    assert page.sealed(0) == before


@pytest.mark.parametrize("freed", [0, 1, 64])
def test_a_record_grows_into_all_the_room_there_is_and_not_a_byte_further(freed: int) -> None:
    page = Page(HEAP)
    slots = [page.insert(bytes([number]) * 64) for number in range(120)]
    free_bytes = PAGE_BYTES - HEADER.size - 120 * (64 + SLOT.size)
    if freed:
        assert page.replace(slots[5], b"\5" * (64 - freed))
    before = page.sealed(0)
    assert not page.replace(slots[7], b"x" * (64 + freed + free_bytes + 1))
    assert page.sealed(0) == before
    assert page.replace(slots[7], b"x" * (64 + freed + free_bytes))
    assert [len(record) for _, record, _ in page.records()] == [
        64 + freed + free_bytes if slot == 7 else 64 - freed if slot == 5 else 64 for slot in slots
    ]
    assert all(set(record) == ({ord("x")} if slot == 7 else {slot}) for slot, record, _ in page.records() if record)


def test_an_empty_record_is_a_record() -> None:
    page = Page(HEAP)
    assert [page.insert(b""), page.insert(b"x" * (RECORD_BYTES_MAX - SLOT.size))] == [0, 1]
    assert page.record(0) == (b"", False)
    assert not page.has_room(0)
    assert [slot for slot, _, _ in Page.load(page.sealed(0), "t.heap", 0).records()] == [0, 1]


def test_the_longest_record_fills_a_page() -> None:
    assert Page(HEAP).insert(bytes(RECORD_BYTES_MAX)) == 0
    assert not Page(HEAP).has_room(RECORD_BYTES_MAX + 1)


@given(STEPS)
@settings(deadline=None)
def test_a_page_is_a_dict_of_slots(steps: list[tuple]) -> None:
    page = Page(HEAP)
    rows = perform(page, steps)
    assert [(slot, (record, mark)) for slot, record, mark in page.records()] == [
        (slot, row) for slot, row in rows.items() if row is not None
    ]


@given(STEPS)
@settings(deadline=None)
def test_what_was_sealed_is_loaded_and_so_is_an_image(steps: list[tuple]) -> None:
    page = Page(HEAP)
    perform(page, steps)
    page.lsn, page.link = 2**63, 2**31
    for again in (Page.load(page.sealed(3), "t.heap", 3), Page.of_image(page.image())):
        assert list(again.records()) == list(page.records())
        assert (again.lsn, again.link, again.low, again.high) == (page.lsn, page.link, page.low, page.high)


@given(STEPS, STEPS)
@settings(deadline=None)
def test_noted_changes_done_again_on_an_older_copy_give_the_same_page(before: list[tuple], after: list[tuple]) -> None:
    page = Page(HEAP)
    perform(page, before)
    older = page.copy()
    page.changes = []
    for verb, *arguments in after:
        if verb == "insert":
            _ = page.has_room(len(arguments[0])) and page.insert(arguments[0], mark=arguments[1])
        elif page.record(arguments[0]) is not None:
            _ = page.remove(*arguments) if verb == "remove" else page.replace(*arguments[:2], mark=arguments[2])
    older.apply(page.noted())
    assert older.sealed(0) == page.sealed(0)


@given(st.integers(0, PAGE_BYTES - 1), st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_is_found_and_named(place: int, bit: int) -> None:
    page = Page(HEAP)
    page.insert(b"Oslo")
    data = bytearray(page.sealed(17))
    data[place] ^= 1 << bit
    with pytest.raises(Damaged, match=r"night\.heap, page 17"):
        Page.load(bytes(data), "night.heap", 17)


def test_a_torn_page_is_found() -> None:
    old = Page(HEAP)
    old.insert(b"old" * 2000)
    new = old.copy()
    new.replace(0, b"new" * 2000)
    torn = new.sealed(2)[:4096] + old.sealed(2)[4096:]
    with pytest.raises(Damaged, match="page 2"):
        Page.load(torn, "night.heap", 2)


def test_a_page_at_anothers_place_is_found() -> None:
    with pytest.raises(Damaged, match="page 5"):
        Page.load(Page(HEAP).sealed(4), "night.heap", 5)


def test_a_page_that_was_never_written_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(Damaged, match="page 1"):
        Page.load(bytes(PAGE_BYTES), "night.heap", 1)


def test_a_file_cut_short_is_named() -> None:
    with pytest.raises(Damaged, match="cut short"):
        Page.load(bytes(100), "night.heap", 9)
