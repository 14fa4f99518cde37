"""Frames and the three ways to decide who leaves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.structures.buffer_pool import POLICIES, BufferPool
from dsys_lab.structures.page import HEAP, Page


@dataclass(eq=False)
class Drawer:
    """A file of pages that remembers what was done to it; a page's `lsn` stands for its content."""

    name: str = "drawer"
    stored: dict[int, int] = field(default_factory=dict)
    loads: list[int] = field(default_factory=list)
    writes: list[int] = field(default_factory=list)

    def load(self, number: int) -> Page:
        self.loads.append(number)
        page = Page(HEAP)
        page.lsn = self.stored.get(number, 0)
        return page

    def write_back(self, number: int, page: Page) -> None:
        self.writes.append(number)
        self.stored[number] = page.lsn


def misses(policy: str, frames: int, wanted: list[int]) -> list[int]:
    drawer, pool = Drawer(), BufferPool(frames, policy)
    for number in wanted:
        pool.fetch(drawer, number)
    return drawer.loads


@pytest.mark.parametrize("policy", POLICIES)
@given(steps=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=80), frames=st.integers(1, 6))
@settings(deadline=None)
def test_a_page_is_what_it_was_last_changed_to(policy: str, steps: list[tuple[int, bool]], frames: int) -> None:
    drawers, pool, truth, ticket = (Drawer("a"), Drawer("a")), BufferPool(frames, policy), {}, count(1)
    for wanted, changes in steps:
        drawer, number = drawers[wanted % 2], wanted // 2
        page, _ = pool.fetch(drawer, number)
        assert page.lsn == truth.get(wanted, 0)
        if changes:
            pool.pin(drawer, number)
            page.lsn = truth[wanted] = next(ticket)
            pool.unpin(drawer, number, changed=True)
        assert pool.status().used <= frames
    pool.flush(drawers[0])
    pool.flush(drawers[1])
    assert pool.status().dirty == 0
    for wanted, value in truth.items():
        assert drawers[wanted % 2].stored[wanted // 2] == value


def test_lru_lets_the_one_go_that_was_not_used_for_the_longest_time() -> None:
    assert misses("lru", 3, [1, 2, 3, 1, 4, 1, 2]) == [1, 2, 3, 4, 2]


def test_the_clock_spares_whoever_was_used_since_the_hand_passed() -> None:
    # 4 sends the hand once round: it clears 1, 2 and 3, then takes 1. 2 is used again, so 5 takes 3.
    assert misses("clock", 3, [1, 2, 3, 4, 2, 5, 2]) == [1, 2, 3, 4, 5]


def test_what_was_used_twice_survives_a_scan_where_it_is_resistant() -> None:
    favourites, scan = [1, 2, 3, 4], list(range(100, 200))
    wanted = favourites * 2 + scan + favourites
    lost = {policy: len(misses(policy, 16, wanted)) - len(favourites) - len(scan) for policy in POLICIES}
    assert lost == {"lru": 4, "clock": 4, "scan_resistant": 0}


@pytest.mark.parametrize("policy", POLICIES)
def test_an_unchanged_page_is_not_written_back(policy: str) -> None:
    drawer, pool = Drawer(), BufferPool(2, policy)
    for number in range(10):
        pool.fetch(drawer, number)
    assert drawer.writes == []
    assert pool.status().evictions == 8


@pytest.mark.parametrize("policy", POLICIES)
def test_a_pinned_page_stays(policy: str) -> None:
    drawer, pool = Drawer(), BufferPool(3, policy)
    pool.fetch(drawer, 0)
    pool.pin(drawer, 0)
    luck = Random(1)
    for _ in range(50):
        pool.fetch(drawer, luck.randrange(1, 9))
    assert pool.holds(drawer, 0)


@pytest.mark.parametrize("policy", POLICIES)
def test_when_all_pages_are_pinned_the_next_one_is_refused(policy: str) -> None:
    drawer, pool = Drawer(), BufferPool(2, policy)
    for number in range(2):
        pool.fetch(drawer, number)
        pool.pin(drawer, number)
    with pytest.raises(Refused, match="more frames"):
        pool.fetch(drawer, 2)


def test_the_books_count_hits_and_misses() -> None:
    drawer, pool = Drawer(), BufferPool(2)
    for number in (1, 1, 2, 1, 3):
        pool.fetch(drawer, number)
    status = pool.status()
    assert (status.hits, status.misses, status.evictions, status.used) == (2, 3, 1, 2)
    assert status.hit_fraction == 0.4


def test_a_pool_without_frames_or_with_an_unknown_policy_is_refused() -> None:
    with pytest.raises(BadParameter, match="frames"):
        BufferPool(0)
    with pytest.raises(BadParameter, match="scan_resistant"):
        BufferPool(8, "random")
