"""The B+tree against a sorted list, and its own invariants after every step."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from math import log
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.structures import b_tree
from dsys_lab.structures.b_tree import ENTRIES_MAX, KEY_MAX, BTree, Rid
from dsys_lab.structures.page import LEAF, MemoryPages

KEYS = st.one_of(st.integers(0, 60), st.integers(0, KEY_MAX))
STEPS = st.lists(st.tuples(st.sampled_from(["insert", "insert", "insert", "delete", "replace"]), KEYS), max_size=150)


@pytest.fixture(params=[4, 5, ENTRIES_MAX])
def entries_max(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Pages of a few entries, so that a small tree is deep."""
    monkeypatch.setattr(b_tree, "ENTRIES_MAX", request.param)
    return request.param


@given(STEPS, st.tuples(KEYS, KEYS))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_unique_tree_is_a_dict_in_order(entries_max: int, steps: list, bounds: tuple[int, int]) -> None:
    tree, rows = BTree(MemoryPages()), {}
    for number, (verb, key) in enumerate(steps):
        rid = Rid(number, number % 100)
        if verb == "delete":
            assert tree.delete(key) == (rows.pop(key, None) is not None)
        elif verb == "replace":
            assert tree.replace(key, rows.get(key, rid), rid) == (key in rows)
            rows.update({key: rid} if key in rows else {})
        elif key in rows:
            with pytest.raises(Refused, match=str(key)):
                tree.insert(key, rid)
        else:
            tree.insert(key, rid)
            rows[key] = rid
        assert tree.get(key) == rows.get(key)
        assert tree.violations() == []
    low, high = sorted(bounds)
    assert list(tree.range()) == sorted(rows.items())
    assert list(tree.range(low, high)) == [(key, rid) for key, rid in sorted(rows.items()) if low <= key <= high]
    assert len(tree) == len(rows)
    assert tree.last_key() >= max(rows, default=-1)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=150), st.integers(0, 12), st.integers(0, 12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_tree_with_equal_keys_is_a_sorted_list(entries_max: int, steps: list, low: int, high: int) -> None:
    tree, entries = BTree(MemoryPages(), unique=False), []
    for number, (adds, key) in enumerate(steps):
        if adds:
            tree.insert(key, Rid(number, 0))
            insort(entries, (key, Rid(number, 0)))
        else:
            of_key = entries[bisect_left(entries, (key,)) : bisect_right(entries, (key + 1,))]
            rid = of_key[number % len(of_key)][1] if of_key else Rid(0, 0)
            assert tree.delete(key, rid) == bool(of_key)
            entries = [entry for entry in entries if entry != (key, rid)]
        assert tree.violations() == []
    assert sorted(tree.range()) == entries
    assert sorted(tree.range(low, high)) == [entry for entry in entries if low <= entry[0] <= high]


def test_keys_in_order_fill_their_pages() -> None:
    tree = BTree(MemoryPages())
    for key in range(10 * ENTRIES_MAX):
        tree.insert(key, Rid(0, 0))
    assert len(tree.pages) == 10 + 1
    assert tree.height == 2


def test_keys_at_random_fill_their_pages_to_ln_2(monkeypatch: pytest.MonkeyPatch) -> None:
    # Wide pages swing around ln 2 as the tree grows, for they all split at about the same time.
    monkeypatch.setattr(b_tree, "ENTRIES_MAX", 16)
    tree = BTree(MemoryPages())
    for key in Random(5).sample(range(2**60), 20_000):
        tree.insert(key, Rid(0, 0))
    leaves = [number for number in range(len(tree.pages)) if tree.pages.read(number, 0).kind == LEAF]
    assert tree.violations() == []
    assert len(tree) / len(leaves) / 16 == pytest.approx(log(2), abs=0.03)


def test_a_tree_of_a_million_would_be_three_levels_high() -> None:
    assert ENTRIES_MAX == 583
    assert ENTRIES_MAX**2 < 10**6 < ENTRIES_MAX**3


def test_a_point_read_touches_as_many_pages_as_the_tree_is_high(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(b_tree, "ENTRIES_MAX", 8)
    tree = BTree(MemoryPages())
    for key in range(500):
        tree.insert(key, Rid(0, 0))
    reads = []
    read = tree.pages.read
    monkeypatch.setattr(tree.pages, "read", lambda number, used: reads.append(number) or read(number, used))
    for key in (0, 7, 8, 250, 499):
        reads.clear()
        tree.get(key)
        assert len(reads) == 3 == len(set(reads))


def test_an_empty_tree_holds_nothing_and_has_no_height() -> None:
    tree = BTree(MemoryPages())
    assert (tree.get(1), list(tree.range()), tree.height, tree.delete(1), tree.last_key()) == (None, [], 0, False, -1)
    assert tree.violations() == []


def test_a_range_that_ends_before_it_begins_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = BTree(MemoryPages())
    for key in range(50):
        tree.insert(key, Rid(0, 0))
    reads = []
    monkeypatch.setattr(tree.pages, "read", lambda number, used: reads.append(number))
    assert list(tree.range(30, 20)) == list(tree.range(KEY_MAX + 1, None)) == list(tree.range(None, -1)) == []
    assert reads == []


def test_a_key_that_is_no_whole_number_is_refused() -> None:
    tree = BTree(MemoryPages())
    with pytest.raises(BadParameter, match=r"key 1\.5"):
        tree.insert(1.5, Rid(0, 0))  # type: ignore[arg-type]
    assert len(tree.pages) == 0


@pytest.mark.parametrize("key", [-1, KEY_MAX + 1])
def test_a_key_that_is_no_u64_is_refused_and_is_nowhere(key: int) -> None:
    tree = BTree(MemoryPages())
    with pytest.raises(BadParameter, match="0 to 2"):
        tree.insert(key, Rid(0, 0))
    tree.insert(5, Rid(0, 0))
    assert tree.get(key) is None
    assert list(tree.range(key, key)) == []


def test_violations_are_found() -> None:
    tree = BTree(MemoryPages())
    for key in range(3 * ENTRIES_MAX):
        tree.insert(2 * key, Rid(0, 0))
    leaf = tree.pages.change(2)
    leaf.put(24 + 14 * 5, (1).to_bytes(8, "big"))
    assert any("page 2" in wrong for wrong in tree.violations())
    leaf.link = 0
    assert any("chain" in wrong for wrong in tree.violations())
