"""The model and PostgreSQL behind JetStream settle every promise once: one suite, two shops, and a desk that is killed.

What an engine does otherwise is skipped by name in `DIFFERENCES`.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.verification import Call, audit
from dsys_lab.engines import nats
from dsys_lab.engines.verification import DIFFERENCES, SHOPS, killed, running
from dsys_lab.engines.verification.killed import finished, killed_at, killed_inside
from dsys_lab.errors import BadParameter, MayHaveHappened, Misuse, Refused

REAL = "PostgreSQL and JetStream"
HASTY = RetryPolicy(retries=2, backoff="full_jitter", base_s=0.002, cap_s=0.002)
Open = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()


@pytest.fixture(params=SHOPS)
def shop_of(request: pytest.FixtureRequest, postgres: Any) -> Iterator[Open]:
    skipped = {case for difference in DIFFERENCES for case in difference.skips}
    if request.param == "model" and any(case in request.node.name for case in skipped):
        pytest.skip(f"{request.param}: see DIFFERENCES")
    opened = []

    def opens(pillows: int, **given: Any) -> Any:
        opened.append(running(request.param, pillows, patience=HASTY, **given))
        return opened[-1]

    yield opens
    for shop in opened:
        shop.close()


def fails(**troubles: str) -> Callable[[Call, int], str]:
    """Say for a verb what its first attempts come to, with spaces between; "down*" is for ever."""
    def plan(call: Call, attempt: int) -> str:
        words = troubles.get(call.verb, "").split(",")
        if words[-1].endswith("*"):
            return words[-1][:-1]
        return words[attempt - 1] if attempt <= len(words) else ""
    return plan


def promised(shop: Any, orders: int) -> Any:
    assert [shop.promise(f"o{number}") for number in range(1, orders + 1)] == [True] * orders
    return shop


def found(shop: Any) -> set[tuple[str, str]]:
    """Audit, by our own auditor; where the books are PostgreSQL's it must find the same by one statement."""
    last_us = max(at_us for _, at_us in shop.books().promises) + 10_000_000
    ours = {(finding.what, finding.order) for finding in audit(shop.books(), last_us, within_s=0.001)}
    if hasattr(shop, "audit"):
        assert ours == {(finding.what, finding.order) for finding in shop.audit(within_s=0.001)}
    return ours


def is_settled(shop: Any, kept: int, apologised: int) -> bool:
    acts = Counter((entry.verb, entry.order) for entry in shop.books().entries)
    told = Counter(verb for verb, _ in acts)
    return max(acts.values()) == 1 and found(shop) == set() and (
        (told["confirm"], told["apologise"], told["refund"]) == (kept, apologised, apologised))


# ------------------------------------------------------------------------------------------ both
def test_who_comes_first_is_served_and_who_comes_too_late_gets_money_back_and_an_apology(shop_of: Open) -> None:
    shop = promised(shop_of(2), 3)
    shop.work()
    assert [shop.saga(order).state for order in ("o1", "o2", "o3")] == ["kept", "kept", "apologised"]
    assert is_settled(shop, kept=2, apologised=1)
    assert (shop.status().open, shop.work()) == (0, 0)


def test_an_order_that_is_promised_again_is_promised_once(shop_of: Open) -> None:
    shop = promised(shop_of(2), 1)
    assert not shop.promise("o1")
    shop.work()
    assert is_settled(shop, kept=1, apologised=0)


def test_calls_that_fail_before_and_after_they_were_done_are_made_again_and_count_once(shop_of: Open) -> None:
    half_way = "down,no answer"
    shop = promised(shop_of(1, trouble=fails(charge=half_way, take=half_way, refund=half_way, apologise=half_way)), 2)
    shop.work()
    assert is_settled(shop, kept=1, apologised=1)


def test_a_refund_that_never_works_becomes_a_persons_and_the_persons_act_counts_once(shop_of: Open) -> None:
    shop = promised(shop_of(0, trouble=fails(refund="no answer*")), 1)
    shop.work()
    assert (shop.status().owned, shop.saga("o1").owner) == (1, "a person")
    shop.crash()
    assert shop.saga("o1").tries == 3
    shop.by_hand("o1")
    shop.work()
    assert is_settled(shop, kept=0, apologised=1)
    with pytest.raises(Misuse, match="in no person's hands"):
        shop.by_hand("o1")


def test_a_desk_that_loses_its_memory_after_any_number_of_calls_goes_on(shop_of: Open) -> None:
    for calls in range(1, 10):
        shop = promised(shop_of(1, trouble=fails(refund="down")), 2)
        shop.work(calls)
        shop.crash()
        shop.work()
        assert is_settled(shop, kept=1, apologised=1), calls


@pytest.mark.parametrize(("trouble", "what"), [
    ({"confirm": "lied"}, "never settled"),
    ({"take": "lied"}, "kept without a pillow"),
    ({"apologise": "twice"}, "done twice"),
    ({"refund": "lied"}, "apology without a refund"),
    ({"apologise": "lied"}, "refund without an apology"),
])  # fmt: skip
def test_what_nobody_reported_is_found_and_named(shop_of: Open, trouble: dict[str, str], what: str) -> None:
    verb = next(iter(trouble))
    shop = promised(shop_of(0 if verb in ("refund", "apologise") else 1, trouble=fails(**trouble)), 1)
    shop.work()
    assert shop.status().open == 0, "the desk believes that all is well"
    assert found(shop) == {(what, "o1")}


def test_a_promise_that_is_dropped_on_its_way_is_found(shop_of: Open) -> None:
    shop = promised(shop_of(2), 2)
    shop.skip("o1")
    shop.work()
    assert found(shop) == {("never settled", "o1")}


def test_only_the_next_promise_can_be_dropped_and_it_stays_dropped(shop_of: Open) -> None:
    shop = promised(shop_of(2), 2)
    with pytest.raises(Misuse, match="o2 is not the next promise"):
        shop.skip("o2")
    shop.work()
    assert shop.promise("o3")
    shop.skip("o3")
    shop.crash()
    shop.work()
    assert found(shop) == {("never settled", "o3")}


def test_a_party_does_its_own_acts_only(shop_of: Open) -> None:
    shop = shop_of(1)
    for name in ("payments", "post"):
        with pytest.raises(BadParameter, match=f"{name} cannot take: ask stock"):
            shop.parties[name].do(1, Call("take", "o1"))


def test_two_desks_that_do_not_know_of_each_other_settle_each_promise_once(shop_of: Open) -> None:
    shop = promised(shop_of(1), 2)
    shop.work(2)
    other = shop.desk()
    assert (shop.work(1), shop.work(desk=other)) == (1, 5), "the other one makes a call again that was made"
    shop.work()
    assert is_settled(shop, kept=1, apologised=1)


# ------------------------------------------------------------------------------------------ a real process, killed
def test_a_desk_that_is_killed_at_a_seam_leaves_every_promise_to_be_settled_once(postgres: Any) -> None:
    shop = promised(running(REAL, 1), 2)
    assert killed_at(shop, "noted o2 refused")[-2:] == ["noted o2 refused", "seam"]
    assert ("never settled", "o2") in found(shop)
    shop.crash()
    shop.work()
    assert is_settled(shop, kept=1, apologised=1)
    shop.close()


def test_another_process_goes_on_and_asks_once_more_for_what_was_done(postgres: Any) -> None:
    shop = promised(running(REAL, 1), 2)
    killed_at(shop, "act refund/o2")
    assert finished(shop) == ["before refund/o2", "act refund/o2", "noted o2 refunded",
                              "before apologise/o2", "act apologise/o2", "noted o2 apologised"]  # fmt: skip
    assert is_settled(shop, kept=1, apologised=1)
    shop.close()


def test_a_desk_that_is_killed_in_the_middle_of_a_transaction_leaves_no_half_of_it(postgres: Any) -> None:
    shop = promised(running(REAL, 1), 2)
    assert killed_inside(shop)[-1] == "before take/o1"
    assert [entry.key for entry in shop.books().entries] == ["charge/o1"]
    shop.crash()
    shop.work()
    assert is_settled(shop, kept=1, apologised=1)
    assert postgres.run(f"SELECT pillows FROM {shop.schema}.stock") == [(0,)]
    shop.close()


def test_a_desk_that_hangs_is_ended_and_said_so(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(killed, "WITHIN_S", 2.0)
    shop = promised(running(REAL, 1), 2)
    holder = postgres.open_client()
    try:
        holder.execute("BEGIN")
        holder.execute(f"SELECT * FROM {shop.schema}.stock FOR UPDATE")
        with pytest.raises(MayHaveHappened, match="or was ended after 2 s"):
            finished(shop)
        with pytest.raises(MayHaveHappened, match="or was ended after 2 s"):
            killed_at(shop, "act refund/o2")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    shop.crash()
    shop.work()
    assert is_settled(shop, kept=1, apologised=1)
    shop.close()


# ------------------------------------------------------------------------------------------ misuse
def test_the_stock_itself_refuses_to_go_below_nothing(postgres: Any) -> None:
    shop = running(REAL, 0)
    with pytest.raises(Refused, match="check constraint"):
        postgres.run(f"UPDATE {shop.schema}.stock SET pillows = pillows - 1")
    shop.close()


def test_misuse_says_what_was_given(postgres: Any) -> None:
    with pytest.raises(BadParameter, match="shop = 'corner'"):
        running("corner", 1)
    shop = promised(running(REAL, 1), 2)
    with pytest.raises(BadParameter, match="the desk never said that"):
        killed_at(shop, "act dance/o1")
    shop.close()
    with pytest.raises((BadParameter, Refused)):
        shop.books()
