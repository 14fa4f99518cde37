"""Several items together or not at all, whenever the coordinator fails."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.partitioned import (
    CheckItem,
    Compare,
    DeleteItem,
    Exists,
    KeySchema,
    PartitionedTable,
    PutItem,
    Settings,
    Throttled,
    TransactionCanceled,
    TransactionConflict,
    Transactions,
    Update,
    UpdateItem,
)
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.trace import Trace

WHAT = KeySchema("what")


def shop(left=1, **given):
    table = PartitionedTable("shop", WHAT, Settings(partitions=4), **given)
    table.put(0, {"what": "pillow", "left": left})
    table.put(0, {"what": "cart", "full": True})
    return table


def sell(order):
    return [
        UpdateItem({"what": "pillow"}, Update(add={"left": -1}), Compare("left", ">", 0)),
        PutItem({"what": order, "of": "pillow"}, ~Exists("what")),
        DeleteItem({"what": "cart"}),
    ]


def stock(table):
    read = {what: table.get(table.now_us, {"what": what}, strong=True).item for what in ("pillow", "order 1", "cart")}
    return read["pillow"]["left"], read["order 1"] is not None, read["cart"] is None


BEFORE, AFTER = (1, False, False), (0, True, True)


# ------------------------------------------------------------------------------------------ a leader fails
@pytest.mark.parametrize("takes_over", [False, True], ids=["the same coordinator", "another one"])
@pytest.mark.parametrize("after", range(10))
@pytest.mark.parametrize("what", ["pillow", "order 1", "cart"])
def test_a_leader_that_fails_while_its_followers_lag_leaves_all_or_none(after, what, takes_over):
    table, disk = shop(lag=lambda follower: 1_000_000), VolatileDisk()
    table.tick(2_000_000)
    transactions = Transactions(table, disk)
    steps = transactions.steps(sell("order 1"), token="t")
    passed = [step.what for step in islice(steps, after)]
    partition = table.partitions.at(table.keys.key_of({"what": what}).position)
    table.crash(2_000_010, partition, partition.group.replicas.index(partition.group.leader))
    table.elect(2_000_011, partition)
    if takes_over:
        Transactions(table, disk).recover(2_000_012)
    else:
        passed += [step.what for step in steps]
    table.tick(9_000_000)
    assert stock(table) == (AFTER if "decided" in passed else BEFORE)


# ------------------------------------------------------------------------------------------ the coordinator fails
def steps_of(disk=None):
    table = shop()
    return table, [step.what for step in Transactions(table, disk).steps(sell("order 1"))]


def test_the_steps_are_begin_hold_each_decide_do_each_end():
    table, told = steps_of()
    assert told == ["begun", "held", "held", "held", "decided", "done", "done", "done", "ended"]
    assert stock(table) == AFTER


@pytest.mark.parametrize("after", range(10))
def test_after_every_step_the_coordinator_may_fail_and_it_is_all_or_nothing(after):
    table, disk = shop(), VolatileDisk()
    told = [step.what for step in islice(Transactions(table, disk).steps(sell("order 1"), token="t"), after)]
    disk.crash(Random(after).random)
    successor = Transactions(table, disk)
    successor.recover(10)
    assert stock(table) == (AFTER if "decided" in told else BEFORE)
    assert successor.status() == ()
    assert table.put(20, {"what": "free again"}).units == 1
    successor.write(30, sell("order 1"), token="t")  # the client had no answer and asks again
    assert stock(table) == AFTER


def test_at_every_step_of_the_ledgers_disk_the_power_may_go():
    whole = VolatileDisk()
    steps_of(whole)
    for step in range(whole.steps):
        table, disk = shop(), VolatileDisk()
        disk.power_cut_before = step
        with pytest.raises(PowerCut):
            Transactions(table, disk).write(0, sell("order 1"), token="t")
        disk.crash(Random(step).random)
        successor = Transactions(table, disk)
        successor.recover(1)
        assert stock(table) in {BEFORE, AFTER}
        successor.write(2, sell("order 1"), token="t")
        assert stock(table) == AFTER


@pytest.mark.parametrize("after", range(1, 9))
def test_a_leader_that_fails_in_the_middle_takes_no_lock_with_it(after):
    table = shop()
    transactions = Transactions(table)
    for number, _ in enumerate(transactions.steps(sell("order 1"))):
        if number == after:
            for partition in table.partitions:
                table.crash(5, partition, 0)
                table.elect(5, partition)
    assert stock(table) == AFTER


# ------------------------------------------------------------------------------------------ others meanwhile
def test_an_item_in_a_transaction_is_neither_written_nor_read_together_but_alone():
    table = shop()
    transactions = Transactions(table)
    running = transactions.steps(sell("order 1"))
    for _ in range(2):
        next(running)
    with pytest.raises(TransactionConflict, match="try again"):
        table.update(0, {"what": "pillow"}, Update(add={"left": 9}))
    with pytest.raises(TransactionCanceled) as told:
        transactions.read(0, [{"what": "cart"}, {"what": "pillow"}])
    assert told.value.reasons == ("None", "TransactionConflict")
    with pytest.raises(TransactionCanceled) as told:
        transactions.write(0, [UpdateItem({"what": "pillow"}, Update(add={"left": 9}))])
    assert told.value.reasons == ("TransactionConflict",)
    assert table.get(0, {"what": "pillow"}, strong=True).item["left"] == 1
    assert [step.what for step in running][-1] == "ended"
    assert stock(table) == AFTER


def test_of_two_transactions_on_the_last_pillow_one_is_done():
    table = shop()
    transactions = Transactions(table)
    transactions.write(0, sell("order 1"))
    with pytest.raises(TransactionCanceled) as told:
        transactions.write(0, [*sell("order 2")[:2]])
    assert told.value.reasons == ("ConditionalCheckFailed", "None")
    assert table.get(0, {"what": "order 2"}).item is None


def test_a_check_alone_changes_nothing_and_lets_go():
    table = shop()
    Transactions(table).write(0, [CheckItem({"what": "pillow"}, Exists("left")), PutItem({"what": "order 1"})])
    assert table.update(0, {"what": "pillow"}, Update(add={"left": 1})).new["left"] == 2
    assert [change.key for change in table.changes(0)][-2:] == [{"what": "order 1"}, {"what": "pillow"}]


def test_a_refusal_in_the_middle_lets_go_of_what_was_held():
    table = PartitionedTable("shop", WHAT, Settings(write_rate=3, write_limit=3))
    with pytest.raises(TransactionCanceled) as told:
        Transactions(table).write(0, [PutItem({"what": "a"}), PutItem({"what": "b"})])
    assert told.value.reasons == ("None", "ThrottlingError")
    with pytest.raises(BadParameter):
        Transactions(table).write(10**6, [PutItem({"what": "a"}), UpdateItem({"what": "b"}, Update(set={"what": "c"}))])
    assert table.put(2 * 10**6, {"what": "a"}).units == 1
    with pytest.raises(Throttled):
        table.put(2 * 10**6, {"what": "a", "note": "x" * 3000})


# ------------------------------------------------------------------------------------------ tokens
def test_a_lost_answer_counts_twice_without_a_token_and_once_with_it():
    table = shop(left=10)
    transactions = Transactions(table)
    once = [UpdateItem({"what": "pillow"}, Update(add={"left": -1}))]
    for _ in range(3):
        transactions.write(0, once)
    for _ in range(3):
        transactions.write(0, once, token="order 1")
    assert table.get(0, {"what": "pillow"}).item["left"] == 6


def test_a_token_is_forgotten_after_ten_minutes_and_one_that_failed_at_once():
    table = shop(left=2)
    transactions = Transactions(table)
    once = [UpdateItem({"what": "pillow"}, Update(add={"left": -1}), Compare("left", ">", 1))]
    transactions.write(0, once, token="t")
    assert transactions.write(599 * 10**6, once, token="t") == 0
    with pytest.raises(TransactionCanceled):
        transactions.write(601 * 10**6, once, token="t")
    table.update(602 * 10**6, {"what": "pillow"}, Update(set={"left": 2}))
    assert transactions.write(603 * 10**6, once, token="t") == 2


def test_a_token_under_way_is_refused_and_other_actions_under_it_are_misuse():
    transactions = Transactions(shop())
    running = transactions.steps(sell("order 1"), token="t")
    next(running)
    with pytest.raises(Refused, match="under way"):
        transactions.write(0, sell("order 1"), token="t")
    with pytest.raises(BadParameter, match="other actions"):
        transactions.write(0, sell("order 2"), token="t")


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ([], "give 1 to 100"),
        ([PutItem({"what": str(n)}) for n in range(101)], "101 actions"),
        ([PutItem({"what": "a"}), DeleteItem({"what": "a"})], "two actions on one item"),
        ([PutItem({"what": str(n), "note": "x" * 400_000}) for n in range(11)], "bytes in one transaction"),
        ([PutItem({"who": "a"})], "'what' is missing"),
    ],
)
def test_what_is_no_transaction_is_refused_and_nothing_is_held(actions, says):
    table = shop()
    with pytest.raises(BadParameter, match=says):
        Transactions(table).write(0, actions)
    assert stock(table) == BEFORE
    assert Transactions(table).status() == ()


def test_each_action_is_paid_twice():
    trace = Trace()
    table = PartitionedTable("shop", WHAT, recorder=trace)
    assert Transactions(table).write(0, [PutItem({"what": "a", "note": "x" * (3000 - 9)}), PutItem({"what": "b"})]) == 8
    assert [row.fields["ok"] for row in trace.of("end")] == [True]
    assert [read.units for read in Transactions(table).read(0, [{"what": "a"}, {"what": "nowhere"}])] == [2, 2]
    with pytest.raises(BadParameter):
        Transactions(table).read(0, [])
