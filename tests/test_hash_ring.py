"""Where a key lives, and how many move when there is one machine more."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.stores.key_value.partitioned import ModuloPlacement, RangePlacement, moved_share
from dsys_lab.structures.hash_ring import POSITIONS, HashRing, position_of

KEYS = [f"person {number}".encode() for number in range(4_000)]
TEN, ELEVEN = ([f"m{number}" for number in range(count)] for count in (10, 11))
NAMES = st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=6, unique=True)


@given(machines=NAMES)
def test_where_a_key_lives_does_not_depend_on_the_order_in_which_machines_came(machines):
    first, second = HashRing(machines, virtual_nodes=4), HashRing(machines[::-1], virtual_nodes=4)
    assert [first.owner(key) for key in KEYS[:20]] == [second.owner(key) for key in KEYS[:20]]


@given(machines=NAMES)
def test_a_machine_that_joins_takes_keys_from_others_and_gives_none_away(machines):
    *old, new = machines
    ring = HashRing(old, virtual_nodes=4)
    before = {key: ring.owner(key) for key in KEYS[:50]}
    ring.add(new)
    assert all(ring.owner(key) in {was, new} for key, was in before.items())
    ring.remove(new)
    assert {key: ring.owner(key) for key in before} == before


@given(machines=NAMES, key=st.binary(max_size=8))
def test_the_owners_are_different_machines_and_the_first_is_the_owner(machines, key):
    ring = HashRing(machines, virtual_nodes=3)
    owners = ring.owners(key, len(machines))
    assert sorted(owners) == sorted(machines)
    assert owners[0] == ring.owner(key)


def test_the_owner_is_the_first_point_clockwise():
    ring = HashRing(["a", "b", "c"], virtual_nodes=5)
    for key in KEYS[:200]:
        after = [machine for position, machine in ring.points if position >= position_of(key)]
        assert ring.owner(key) == (after or [ring.points[0][1]])[0]
    assert sum(ring.arc_shares().values()) == pytest.approx(1)
    assert sorted({position for position, _ in ring.points}) == [position for position, _ in ring.points]
    assert all(0 <= position < POSITIONS for position, _ in ring.points)


def test_a_place_is_the_same_in_every_process():
    assert position_of(b"person 17") == 0x709C2884CFFA1528
    assert HashRing(TEN).owner(b"person 17") == "m6"


def test_ring_modulo_and_split_move_what_their_laws_say():
    ring = moved_share(HashRing(TEN, virtual_nodes=256), HashRing(ELEVEN, virtual_nodes=256), KEYS)
    modulo = moved_share(ModuloPlacement(TEN), ModuloPlacement(ELEVEN), KEYS)
    ranges = RangePlacement(TEN)
    split = moved_share(ranges, ranges.split(3, "m10"), KEYS)
    assert ring == pytest.approx(laws.moved_by_ring(10), abs=0.02)  # arcs of 256 points vary by 1 in 16
    spread = 3 * (modulo * (1 - modulo) / len(KEYS)) ** 0.5
    assert modulo == pytest.approx(laws.moved_by_modulo(10), abs=spread)
    assert split == pytest.approx(laws.moved_by_split(10), abs=3 * (0.05 * 0.95 / len(KEYS)) ** 0.5)


def test_more_virtual_nodes_even_out_the_load():
    spread = []
    for virtual_nodes in (1, 16, 128):
        worst = [
            max(HashRing([f"{trial}/{machine}" for machine in TEN], virtual_nodes=virtual_nodes).arc_shares().values())
            * 10
            for trial in range(10)
        ]
        spread.append(sum(worst) / len(worst))
    assert spread[0] > 2 > spread[1] > 1.2 > spread[2] > 1


def test_a_range_that_is_cut_moves_its_upper_half_only():
    before = RangePlacement(TEN)
    after = before.split(4, "m10")
    moved = Counter((before.owner(key), after.owner(key)) for key in KEYS if before.owner(key) != after.owner(key))
    assert list(moved) == [("m4", "m10")]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: HashRing(["a"], virtual_nodes=0), "virtual_nodes = 0"),
        (lambda: HashRing(["a", "a"]), "'a'"),
        (lambda: HashRing(["a"]).remove("b"), "give one of"),
        (lambda: HashRing(["a"]).owners(b"k", 2), "give 1 to 1"),
        (lambda: HashRing().owner(b"k"), "give 1 to 0"),
        (lambda: HashRing([3]), "machine = 3"),
        (lambda: ModuloPlacement([]), "one or more"),
        (lambda: RangePlacement(["a", "b"], [0, 0]), "rising from 0"),
        (lambda: RangePlacement([]), "1 range or more"),
    ],
)
def test_what_is_no_ring_is_refused(wrong, says):
    with pytest.raises(BadParameter, match=says):
        wrong()
