"""Statements in several orders: the right index, the right answer, and nothing lost or half there."""
from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.stores.graph_store import DEFAULT_ORDERS, ORDERS, PATTERNS, Quad, QuadStore, way
from dsys_lab.stores.graph_store.journal import decode
from dsys_lab.stores.graph_store.quads import arranged, matches, restored
from dsys_lab.stores.graph_store.terms import Term, Terms
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.trace import Trace


def filled(orders=DEFAULT_ORDERS, *, seed=1, count=400, checkpoint=True):
    """A store of random statements over few terms, half in runs and half beside them."""
    luck, store = Random(seed), QuadStore(VolatileDisk(), orders=orders, pool_frames=4)
    subjects = [store.term("vertex", n) for n in range(12)]
    names = [store.term("name", f"p{n}") for n in range(4)]
    graphs = [store.term("edge", n) for n in range(30)]
    quads = {Quad(*(luck.choice(one) for one in (subjects, names, subjects, graphs))) for _ in range(count)}
    ordered = sorted(quads)
    store.write(ordered[::2])
    if checkpoint:
        store.checkpoint()
    store.write(ordered[1::2])
    gone = ordered[::7]
    store.write(removed=gone)
    return store, quads - set(gone)


# ------------------------------------------------------------------------------------------ which index
@pytest.mark.parametrize(
    ("pattern", "three", "four"),
    [
        ("SPOG", "SPOG", "SPOG"), ("SP??", "SPOG", "SPOG"), ("?PO?", "POGS", "POGS"), ("?P?G", "GPSO", "GPSO"),
        ("S?O?", "SPOG", "OSGP"), ("S???", "SPOG", "SPOG"), ("???G", "GPSO", "GPSO"), ("S??G", "SPOG", "SPOG"),
        ("??O?", "POGS by predicate", "OSGP"), ("????", "SPOG", "SPOG"),
    ],
)  # fmt: skip
def test_the_order_that_begins_with_what_is_known_is_chosen(pattern, three, four):
    for orders, wanted in ((DEFAULT_ORDERS, three), (ORDERS, four)):
        chosen = way(pattern, orders)
        assert chosen.order + " by predicate" * chosen.skips == wanted


def test_no_four_orders_serve_all_sixteen_patterns_by_prefix_alone():
    def whole(pattern):
        return len(way(pattern, ORDERS).prefix) == len(pattern.replace("?", ""))

    assert [pattern for pattern in PATTERNS if not whole(pattern)] == ["S??G", "??OG"]


@pytest.mark.parametrize("orders", [DEFAULT_ORDERS, ORDERS, ("POGS",)], ids=len)
def test_every_pattern_finds_what_a_scan_would_find(orders):
    store, quads = filled(orders)
    for one in sorted(quads)[:5]:
        for letters in PATTERNS:
            pattern = Quad(*(term if letter != "?" else None for term, letter in zip(one, letters, strict=True)))
            found = list(store.match(pattern))
            assert len(found) == len(set(found))
            assert set(found) == {quad for quad in quads if matches(quad, pattern)}


def test_keys_looked_at_are_those_of_the_longest_known_prefix():
    store, quads = filled(checkpoint=False)
    store.checkpoint()
    one = sorted(quads)[3]
    before = store.status().keys
    found = list(store.match(Quad(s=one.s, p=one.p)))
    assert store.status().keys - before == len(found) == sum(q[:2] == one[:2] for q in quads)
    before = store.status().keys
    list(store.match(Quad(s=one.s, o=one.o)))
    assert store.status().keys - before == sum(q.s == one.s for q in quads), "SPOG knows only S, and filters"


def test_an_object_alone_is_looked_for_under_every_predicate():
    store, quads = filled()
    store.recorder = trace = Trace()
    one = min(quads)
    list(store.match(Quad(o=one.o)))
    assert len(trace.of("index_range")) == len({quad.p for quad in quads})
    assert {row.fields["index"] for row in trace.of("index_range")} == {"POGS"}


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_can_be_undone(order):
    assert restored(arranged((1, 2, 3, 4), order), order) == Quad(1, 2, 3, 4)


def test_a_range_reads_the_pages_that_it_lies_on():
    store = QuadStore(VolatileDisk(), pool_frames=2)
    name = store.term("name", "FRIEND")
    people = [store.term("vertex", n) for n in range(1_000)]
    store.write([Quad(people[n], name, people[(n + k) % 1_000], name) for n in range(1_000) for k in range(1, 4)])
    store.checkpoint()
    for order in store.orders:
        store._indexes[order].run.recorder = trace = Trace()
        list(store.match(Quad(s=people[500], p=name) if order == "SPOG" else Quad(p=name, o=people[500])))
        if order in {"SPOG", "POGS"}:
            reads = trace.of("page_read")
            assert 1 <= len(reads) <= 2
            assert sum(row.fields["used_bytes"] for row in reads) == 3 * 32


# ------------------------------------------------------------------------------------------ terms
def test_terms_that_look_alike_are_not_the_same():
    terms = Terms()
    several = [Term("value", 1), Term("value", True), Term("value", 1.0), Term("value", "1"), Term("name", "1")]
    assert len({terms.put(term) for term in several}) == 5
    assert [terms.of(terms.find(term)) for term in several] == several
    assert [type(terms.of(number).value) for number in range(3)] == [int, bool, float]


# ------------------------------------------------------------------------------------------ misuse and damage
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s, q: s.write([Quad(0, 1, None, 2)]), "o = None"),
        (lambda s, q: s.write([Quad(10**6, 0, 0, 0)]), "is no term"),
        (lambda s, q: s.write([Quad(True, 0, 0, 0)]), "s = True"),
        (lambda s, q: s.write([q]), "is there already"),
        (lambda s, q: s.write(removed=[q._replace(g=q.s)]), "is not there"),
        (lambda s, q: way("SPO"), "four letters"),
        (lambda s, q: way("SPOG", ("SPOG", "SPOG")), "each once"),
        (lambda s, q: s.keys_in_order("OSGP"), "this store keeps SPOG"),
        (lambda s, q: QuadStore(VolatileDisk(), orders=("PSOG",)), "give some of SPOG"),
        (lambda s, q: QuadStore(s.disk, orders=ORDERS), "open it with these orders"),
        (lambda s, q: s.terms.of(10**6), "in no dictionary"),
    ],
)
def test_misuse_is_told_and_changes_nothing(call, says):
    store, quads = filled()
    with pytest.raises((Misuse, Damaged, BadParameter), match=says):
        call(store, min(quads))
    assert set(store.match(Quad())) == quads
    assert store.disagreements() == []


@pytest.mark.parametrize("file", ["spog-1", "pogs-1", "gpso-1", "terms-1"])
def test_a_damaged_file_is_named(file):
    store, _ = filled()
    disk = store.disk
    disk.flip(file, 100)
    with pytest.raises(Damaged, match=file):
        QuadStore(disk)
    disk.flip(file, 100)
    disk.cut(file, 50)
    with pytest.raises(Damaged, match=file):
        QuadStore(disk)
    disk.remove(file)
    with pytest.raises(Damaged, match=file):
        QuadStore(disk)


def test_a_foreign_record_and_a_missing_log_are_named():
    with pytest.raises(Damaged, match="not a graph's"):
        decode(b"?what")
    disk = VolatileDisk()
    disk.append("spog-1", b"x")
    with pytest.raises(Damaged, match="its log is not"):
        QuadStore(disk)


# ------------------------------------------------------------------------------------------ crashes
def work(disk, states, *, one_record=True):
    """Write, remove and checkpoint; `states` ends with what was acknowledged and what may be."""
    luck, store = Random(3), QuadStore(disk, one_record=one_record)
    for step in range(24):
        there = sorted(states[-1])
        gone = luck.sample(there, min(len(there), luck.randrange(3)))
        new = {(luck.randrange(9), luck.randrange(3), luck.randrange(9)) for _ in range(4)} - set(there)
        states.append(frozenset(set(there) - set(gone) | new))
        roles = ("vertex", "name", "vertex")
        as_quads = [
            [Quad(*(store.term(role, term) for role, term in zip(roles, one, strict=True)), 0) for one in sorted(some)]
            for some in (new, gone)
        ]
        store.write(*as_quads)
        del states[:-1]
        if step % 6 == 5:
            store.checkpoint()


def held(store):
    return {
        order: frozenset(
            tuple(store.terms.of(term).value for term in restored(key, order)[:3]) for key in store.keys_in_order(order)
        )
        for order in store.orders
    }


def test_the_power_may_go_before_any_step_and_every_order_agrees():
    whole = VolatileDisk()
    work(whole, [frozenset()])
    swept = 0
    for step in range(whole.steps + 1):
        disk, states = VolatileDisk(power_cut_before=step), [frozenset()]
        with suppress(PowerCut):
            work(disk, states)
        disk.crash(Random(step).random)
        store = QuadStore(disk)
        found = held(store)
        assert len(set(found.values())) == 1, "forward is backward"
        assert found["SPOG"] in states, "acknowledged is there, and of what was not all or nothing"
        assert store.status().quads == len(found["SPOG"])
        swept += bool(store.removed)
    assert swept > 8, "the power went in the midst of checkpoints, too"


def test_the_power_may_go_again_while_the_store_opens():
    whole, again = VolatileDisk(), 0
    work(whole, [frozenset()])
    for first in range(20, whole.steps, 7):
        for second in range(8):
            disk, states = VolatileDisk(power_cut_before=first), [frozenset()]
            with suppress(PowerCut):
                work(disk, states)
            disk.crash(Random(first).random)
            disk.power_cut_before = disk.steps + second
            try:
                QuadStore(disk)
            except PowerCut:
                again += 1
            disk.crash(Random(second).random)
            assert held(QuadStore(disk))["SPOG"] in states
    assert again > 20


def test_the_power_may_go_when_nothing_was_ever_written():
    whole = VolatileDisk()
    QuadStore(whole).checkpoint()
    for step in range(whole.steps + 1):
        for seed in range(6):
            disk = VolatileDisk(power_cut_before=step)
            with suppress(PowerCut):
                QuadStore(disk).checkpoint()
            disk.crash(Random(seed).random)
            assert list(QuadStore(disk).match(Quad())) == []


def test_a_record_for_each_index_lets_them_come_apart():
    whole, apart = VolatileDisk(), 0
    work(whole, [frozenset()], one_record=False)
    for step in range(whole.steps + 1):
        disk = VolatileDisk(power_cut_before=step)
        with suppress(PowerCut):
            work(disk, [frozenset()], one_record=False)
        disk.crash(Random(step).random)
        apart += bool(QuadStore(disk).disagreements())
    assert apart > 20


class AnyOrder(RuleBasedStateMachine):
    """Writes, checkpoints and crashes in any order: the store holds what was acknowledged."""

    def __init__(self):
        super().__init__()
        self.disk = VolatileDisk()
        self.store = QuadStore(self.disk, pool_frames=2)
        self.names = [self.store.term("name", n) for n in range(5)]
        self.store.write()
        self.known = set()

    @rule(quad=st.tuples(*[st.integers(0, 4)] * 4))
    def turn_over(self, quad):
        one = Quad(*(self.names[n] for n in quad))
        if one in self.known:
            self.store.write(removed=[one])
            self.known.discard(one)
        else:
            self.store.write([one])
            self.known.add(one)

    @rule()
    def checkpoint(self):
        self.store.checkpoint()

    @rule(seed=st.integers(0, 99))
    def crash(self, seed):
        self.disk.crash(Random(seed).random)
        self.store = QuadStore(self.disk, pool_frames=2)

    @invariant()
    def holds_what_was_acknowledged(self):
        assert set(self.store.match(Quad())) == self.known
        assert self.store.disagreements() == []


AnyOrder.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestAnyOrder = AnyOrder.TestCase
