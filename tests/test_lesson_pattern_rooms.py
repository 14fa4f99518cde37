"""Lab 26's own small scenarios: what each pattern buys, what it costs, and what breaks it. True of many runs.

Each section is one pattern. The claims are those of the scenario's docstring, counted from the rows.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from statistics import fmean, stdev
from typing import Any

import pytest

from dsys_lab import laws
from dsys_lab.brokers.circuit_breaker import CircuitBreaker, Permit
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios import find
from dsys_lab.scenarios.patterns import asynchronous_reply as replies
from dsys_lab.scenarios.patterns import bulkhead
from dsys_lab.scenarios.patterns import choreography as orders
from dsys_lab.scenarios.patterns import circuit_breaker as storms
from dsys_lab.scenarios.patterns import claim_check as claims
from dsys_lab.scenarios.patterns import deployment_stamps as cells
from dsys_lab.scenarios.patterns import strangler as fig
from dsys_lab.scenarios.patterns import valet_key as valets
from dsys_lab.scenarios.patterns.looked_for import Trail, less_with_an_orchestrator, trail
from dsys_lab.scenarios.patterns.own_breaker import Ended, OwnBreaker
from dsys_lab.trace import Trace, lamps, quantile

SEEDS = (1, 2, 3)


@lru_cache(maxsize=32)
def cached(name: str, seed: int, params: tuple[tuple[str, Any], ...]) -> Trace:
    return find("patterns", name)(seed=seed, **dict(params))


def run(name: str, seed: int, **params: Any) -> Trace:
    return cached(name, seed, tuple(params.items()))


def red(trace: Trace) -> set[str]:
    return {lamp.name for lamp in lamps(trace) if not lamp.held}


# ------------------------------------------------------------------------------------------ circuit breaker
EARLY = {"spike_from_s": 10.0, "spike_to_s": 20.0, "until_s": 80.0}
CUT = {"do": "split", "target": "wearables", "on": {"kind": "breaker_probe"}, "lasts_s": 0.5}


@pytest.mark.parametrize("seed", SEEDS)
class TestCallersWhoStopAskingLetTheServerRecover:
    def test_without_a_breaker_the_goodput_never_comes_back(self, seed: int) -> None:
        trace = run("storm", seed, breaker="none", **EARLY)
        calls, in_time = storms.goodput_after(trace)
        assert (calls > 150, in_time) == (True, 0)
        assert red(trace) == {"comes back"}

    def test_with_one_at_least_95_percent_are_answered_after_the_spike(self, seed: int) -> None:
        trace = run("storm", seed, **EARLY)
        calls, in_time = storms.goodput_after(trace)
        assert in_time >= 0.95 * calls > 150
        assert red(trace) == set()

    def test_it_costs_calls_that_the_server_would_have_answered(self, seed: int) -> None:
        refused, in_vain = storms.refused_in_vain(run("storm", seed, **EARLY))
        assert 20 < in_vain < refused < 150

    def test_a_lost_probe_without_a_timeout_shuts_everybody_out_for_ever(self, seed: int) -> None:
        stuck = storms.storm(seed=seed, breaker="probe without a timeout", faults=[CUT], **EARLY)
        assert storms.goodput_after(stuck)[1] == 0
        assert red(stuck) == {"comes back"}
        assert stuck.of("breaker_closed") == []
        sound = storms.storm(seed=seed, faults=[CUT], **EARLY)
        assert red(sound) == set()
        assert len(sound.of("breaker_probe")) == 2


class LetsThrough(CircuitBreaker):
    """A breaker that lets one call through which it would refuse, and learns nothing of it."""

    message = ""

    def admit(self, now_us: int, message: str | None = None) -> Permit | None:
        permit = super().admit(now_us, message)
        return Permit(0, is_probe=False) if permit is None and message == self.message else permit


def test_a_refused_call_that_is_let_through_is_answered_as_often_as_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = {**EARLY, "retries": 0}
    told, came = [], []
    for seed in SEEDS:
        refusals = storms.refusals(run("storm", seed, **calls))[::9]
        for message, would_answer in refusals:
            breaker = type("LetsThisThrough", (LetsThrough,), {"message": message})
            monkeypatch.setattr(storms, "CircuitBreaker", breaker)
            answered = {row.message for row in storms.storm(seed=seed, **calls).of("publish_ok")}
            told.append(would_answer)
            came.append(message in answered)
        monkeypatch.undo()
    assert 5 < sum(told) < len(told) - 5
    assert sum(one != other for one, other in zip(told, came, strict=True)) <= 1, "its own work is a guess"


def test_a_rule_of_ones_own_is_told_of_the_last_fifty_calls_and_of_those_on_their_way() -> None:
    asked: list[tuple[tuple[Ended, ...], tuple[float, ...]]] = []

    def always(ended: Any, on_their_way: Any, now_s: float) -> bool:
        asked.append((ended, on_their_way))
        return True

    breaker = OwnBreaker(always)
    waits = breaker.admit(0)
    for second in range(1, 61):
        breaker.failed(second * 1_000_000, breaker.admit(second * 1_000_000))
    breaker.admit(61_000_000)
    ended, on_their_way = asked[-1]
    assert ended == tuple(Ended(second, well=False) for second in range(11, 61))
    assert on_their_way == (0.0,)
    breaker.went_well(62_000_000, waits)
    for again in (breaker.went_well, breaker.failed):
        with pytest.raises(BadParameter, match="and once, when it is over"):
            again(62_000_000, waits)


# ------------------------------------------------------------------------------------------ bulkhead
@pytest.mark.parametrize("seed", SEEDS)
class TestWorkersOfOnesOwnKeepTheQuietTenantSafe:
    def test_in_one_pool_the_quiet_tenant_waits_as_long_as_the_noisy(self, seed: int) -> None:
        trace = run("pools", seed, pools="one for all")
        assert red(trace) == {"kept waiting at most"}
        quiet, noisy = (quantile(bulkhead.waits_s(trace, tenant), 0.99) for tenant in bulkhead.TENANTS)
        assert quiet > 0.8 * noisy > 10

    def test_with_workers_of_its_own_it_does_not_even_notice(self, seed: int) -> None:
        noisy, calm = run("pools", seed), run("pools", seed, noise=1.0)
        assert bulkhead.waits_s(noisy, "quiet") == bulkhead.waits_s(calm, "quiet")
        assert red(noisy) == red(calm) == set()

    def test_it_costs_idle_workers_beside_a_line_and_a_longer_mean_in_noise_and_without(self, seed: int) -> None:
        for noise in (1.0, 4.0):
            pooled, split = (run("pools", seed, pools=ways, noise=noise) for ways in bulkhead.POOLS)
            assert fmean(bulkhead.waits_s(split)) > fmean(bulkhead.waits_s(pooled))
            assert bulkhead.idle_beside_a_line_s(split) > 20 > bulkhead.idle_beside_a_line_s(pooled) == 0
            assert len(bulkhead.waits_s(split)) == len(bulkhead.waits_s(pooled))

    def test_a_crash_of_one_pool_is_one_tenants_affair(self, seed: int) -> None:
        def tenants_hit(pools: str, pool: str) -> set[str]:
            crash = {"do": "crash", "target": pool, "at_s": 30, "lasts_s": 5}
            return {row.message[0] for row in bulkhead.pools(seed=seed, pools=pools, faults=[crash]).of("drop")}

        assert tenants_hit("one each", "noisy-workers") == {"n"}
        assert tenants_hit("one for all", "workers") == {"n", "q"}


@pytest.mark.parametrize(("ways", "law"), [("one for all", laws.pooled_sojourn_s), ("one each", laws.split_sojourn_s)])
def test_the_mean_without_noise_is_the_laws(ways: str, law: Any) -> None:
    means = [bulkhead.mean_wait_s(pools_are=ways, seed=seed, noise=1.0, until_s=100.0) for seed in range(11, 19)]
    expected = law(5.6, 5.6, service_rate=2.0, servers=8)
    assert abs(fmean(means) - expected) <= 3 * stdev(means) / len(means) ** 0.5


# ------------------------------------------------------------------------------------------ claim check
def waits_of(trace: Trace, kind: str) -> list[float]:
    return [row.fields["sojourn_us"] / 1e6 for row in trace.of("effect") if row.fields["tenant"] == kind]


@pytest.mark.parametrize("seed", SEEDS)
class TestATicketInTheMessageSparesTheBus:
    def test_behind_film_in_messages_every_ping_waits(self, seed: int) -> None:
        inside, beside = (run("large", seed, way=way, until_s=30.0) for way in claims.WAYS)
        assert (red(inside), red(beside)) == ({"kept waiting at most"}, set())
        assert quantile(waits_of(inside, "ping"), 0.99) > 8 * quantile(waits_of(beside, "ping"), 0.99)
        assert claims.bus_bytes(inside) > 20 * claims.bus_bytes(beside)

    def test_it_costs_two_round_trips_a_clip(self, seed: int) -> None:
        inside, beside = (run("large", seed, way=way, until_s=30.0) for way in claims.WAYS)
        clips = len(waits_of(beside, "clip"))
        assert (claims.round_trips(inside), claims.round_trips(beside)) == (0, 2 * clips)

    def test_what_is_above_the_queues_limit_is_refused_in_a_message_and_goes_beside_it(self, seed: int) -> None:
        inside, beside = (run("large", seed, way=way, payload_bytes=900_000, until_s=20.0) for way in claims.WAYS)
        assert "none refused" in red(inside)
        assert {row.fields["why"] for row in inside.of("reject")} == {"too large"}
        assert (waits_of(inside, "clip"), red(beside)) == ([], set())

    def test_a_bucket_that_forgets_before_the_queue_leaves_tickets_to_nowhere(self, seed: int) -> None:
        pause = {"do": "slow", "target": "encoder", "value": 0, "at_s": 5, "lasts_s": 30}
        short, long = (claims.large(seed=seed, kept_s=kept_s, until_s=25.0, faults=[pause]) for kept_s in (8.0, 300.0))
        assert "keys lead somewhere" in red(short)
        assert len(short.of("dead")) == len({row.message for row in short.of("miss")}) > 0
        assert "keys lead somewhere" not in red(long)


def test_a_payload_gains_by_the_other_way_from_the_laws_size_on() -> None:
    law = laws.break_even_bytes(2 * claims.ROUND_TRIP_S, 0.75e6, 50e6)  # base64: three bytes of payload in four
    for payload_bytes, gains in ((law / 2, False), (2 * law, True)):
        rare = {"payload_bytes": int(payload_bytes), "pings_per_s": 0.02, "clips_per_s": 0.2}
        inside, beside = (fmean(waits_of(run("large", 1, way=way, **rare), "clip")) for way in claims.WAYS)
        assert (beside < inside) is gains


# ------------------------------------------------------------------------------------------ valet key
@pytest.mark.parametrize("seed", SEEDS)
class TestWithAValetKeyTheServiceCarriesNoBytes:
    def test_the_service_carries_questions_and_no_film(self, seed: int) -> None:
        through, valet = (run("bytes_carried", seed, way=way) for way in valets.WAYS)
        assert (red(through), red(valet)) == ({"kept waiting at most"}, set())
        films = len(through.of("publish"))
        assert valets.service_bytes(through) == films * 2 * 2_000_000
        assert valets.service_bytes(valet) == films * 2 * valets.ASK_BYTES
        assert (valets.round_trips(through), valets.round_trips(valet)) == (films, 2 * films)

    def test_it_stops_every_thief_but_the_one_who_is_in_time(self, seed: int) -> None:
        for thief in ("too late", "alters it", "other key"):
            assert red(run("bytes_carried", seed, thief=thief)) == set()
        assert red(run("bytes_carried", seed, thief="copies it")) == {"opens for the owner alone"}
        through = run("bytes_carried", seed, way="through the service", thief="copies it")
        assert "opens for the owner alone" not in red(through)
        assert [row.fields["text"] for row in through.of("note")] == ["there is no grant that could be stolen"]

    def test_a_thief_waits_for_a_film_that_never_comes_and_gives_up(self, seed: int) -> None:
        few = valets.bytes_carried(seed=seed, thief="copies it", films_per_s=0.01, until_s=10.0)
        assert [row.fields["text"] for row in few.of("note")] == ["no film f3 ever came"]


# ------------------------------------------------------------------------------------------ choreography, orchestrator
STUCK = "o7"


@pytest.mark.parametrize("seed", SEEDS)
class TestAnOrchestratorKnowsWhereEachOrderIs:
    def test_without_one_the_stuck_order_never_ends_and_with_one_somebody_loses_patience(self, seed: int) -> None:
        alone, led = (run("order", seed, way=way) for way in orders.WAYS)
        assert (red(alone), red(led)) == ({"one end each"}, set())
        assert STUCK in {row.message for row in led.of("apologise")}
        undone = [row.place for row in led.of("compensate") if row.message == STUCK]
        assert undone == ["payment", "stock"]
        others = {row.message for row in led.of("accept")} - {STUCK}
        for trace in (alone, led):
            assert {row.message for row in trace.of("confirm", "apologise")} - {STUCK} == others

    def test_why_one_is_stuck_is_found_at_two_places_and_not_at_four_but_in_no_fewer_rows(self, seed: int) -> None:
        found = {way: trail(run("order", seed, way=way), STUCK) for way in orders.WAYS}
        assert [found[way].places for way in orders.WAYS] == [4, 2]
        assert less_with_an_orchestrator(found) == "places to look at"

    def test_of_an_order_that_ended_the_shop_knows(self, seed: int) -> None:
        for way in orders.WAYS:
            trace = run("order", seed, way=way)
            first = next(row.message for row in trace.of("confirm"))
            assert trail(trace, first).places == 1

    def test_it_costs_two_messages_a_service_where_the_choreography_has_one_and_one_more(self, seed: int) -> None:
        alone, led = (orders.messages_an_order(run("order", seed, way=way)) for way in orders.WAYS)
        assert (alone, led) == (len(orders.SERVICES) + 1, 2 * len(orders.SERVICES))

    def test_who_is_refused_gets_back_what_was_taken_in_both(self, seed: int) -> None:
        for way in orders.WAYS:
            trace = run("order", seed, way=way, stuck=0)
            refused = {row.message for row in trace.of("refuse")}
            assert refused == {row.message for row in trace.of("apologise")}
            assert [row.place for row in trace.of("compensate")] == ["stock"] * len(refused)

    def test_from_its_journal_it_goes_on_after_a_crash_and_nothing_is_done_twice(self, seed: int) -> None:
        for nth in (3, 20, 41):
            crash = {"do": "crash", "target": "shop", "on": {"kind": "begin"}, "nth": nth, "lasts_s": 2}
            assert red(orders.order(seed=seed, stuck=0, faults=[crash])) == set()
            assert red(orders.order(seed=seed, stuck=0, journal=False, faults=[crash])) == {"one end each"}

    def test_a_service_that_dies_delays_and_loses_nothing_once_it_is_back(self, seed: int) -> None:
        for way in orders.WAYS:
            for lasts_s, broken in ((5, set()), (None, {"one end each"})):
                crash = {"do": "crash", "target": "shipping", "at_s": 10, "lasts_s": lasts_s}
                assert red(orders.order(seed=seed, way=way, stuck=0, faults=[crash])) == broken

    def test_lost_messages_are_said_again_and_nothing_is_done_twice(self, seed: int) -> None:
        loss = {"do": "loss", "target": "network", "at_s": 5, "lasts_s": 15, "value": 0.2}
        for way in orders.WAYS:
            assert red(orders.order(seed=seed, way=way, stuck=0, faults=[loss])) == set()


def test_a_look_for_an_order_counts_the_rows_down_to_its_own_at_each_place_and_stops_at_the_reason() -> None:
    def look_at(*told: tuple[str, str, str, dict[str, Any]]) -> Trail:
        trace = Trace()
        trace.emit(0, "accept", "shop", "o1", order="o1")
        for second, (kind, place, message, fields) in enumerate(told, start=1):
            trace.emit(second * 100_000, kind, place, message, **fields)
        trace.emit(7_000_000, "effect", "stock", "o9", key="too late to be read")
        return trail(trace, "o1")

    done = {"key": ""}
    other = ("accept", "shop", "o2", {"order": "o2"})
    stock, mail = [("effect", "stock", one, done) for one in ("o1", "o2")], ("effect", "mail", "o8", done)
    fails = ("fail", "payment", "o1", {"why": "it fails each time", "attempt": 1})
    assert look_at(other, *stock, fails, mail, mail) == Trail(3, 2 + 2 + 1)
    assert look_at(other, stock[1], mail) == Trail(2, 2 + 1), "the stock has never seen it: there it ends"
    begun = ("begin", "shop", "o1", {"op": "o1", "name": "do at payment"})
    assert look_at(begun, other, fails, mail) == Trail(2, 2 + 1), "the orchestrator names the place"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: trail(run("order", 1), "o99"), "order = 'o99': the run has no such order"),
        (lambda: orders.messages_an_order(run("order", 1, refused=1.0)), "no order of this run was confirmed"),
    ],
)
def test_a_question_about_no_order_is_refused_in_words(call: Any, told: str) -> None:
    with pytest.raises(BadParameter, match=told):
        call()


@pytest.mark.parametrize("seed", SEEDS)
class TestASagaLeavesNothingDoneOfAnOrderThatFailed:
    def test_without_undoing_parts_stay_done_and_with_it_none_do(self, seed: int) -> None:
        bare, saga = (run("order", seed, undoes=undoes) for undoes in (False, True))
        assert (orders.parts_left(saga), bare.of("compensate")) == (0, [])
        refused = {row.message for row in bare.of("refuse")} - {STUCK}
        assert orders.parts_left(bare) == len(refused) + 2, "the stuck one: stock and money"
        assert (red(bare), red(saga)) == ({"checks hold"}, set())

    def test_it_costs_a_message_there_and_back_for_each_part_that_is_undone(self, seed: int) -> None:
        bare, saga = (run("order", seed, undoes=undoes) for undoes in (False, True))
        stuck_is_told_too = 1
        undone = len(saga.of("compensate")) + stuck_is_told_too
        assert len(saga.of("send")) - len(bare.of("send")) == 2 * undone


# ------------------------------------------------------------------------------------------ leader election
@pytest.mark.parametrize("seed", SEEDS)
class TestOfSeveralOneLeadsAndAnotherTakesOver:
    def billed(self, seed: int, **params: Any) -> Trace:
        return find("patterns", "billed")(seed=seed, **params)

    def test_without_an_election_each_sends_every_bill(self, seed: int) -> None:
        bills = Counter(row.message for row in self.billed(seed, elects=False).of("effect"))
        assert set(bills.values()) == {3}
        assert set(Counter(row.message for row in self.billed(seed).of("effect")).values()) == {1}

    def test_when_the_leader_dies_another_goes_on_within_a_lease_and_two_looks(self, seed: int) -> None:
        crash = {"do": "crash", "target": "billing-1", "at_s": 14}
        trace = self.billed(seed, faults=[crash])
        first, second = trace.of("lease")
        assert (first.fields["owner"], second.fields["epoch"]) == ("billing-1", 2)
        assert 3.0 - 0.5 <= second.time_us / 1e6 - 14 <= 3.0 + 2 * 0.5, "a lease from its last sign of life on"
        assert [row.message for row in trace.of("effect")] == [f"b{number}" for number in range(1, 11)]

    def test_one_leads_at_a_time_and_one_sees_who(self, seed: int) -> None:
        crash = {"do": "crash", "target": "billing-1", "at_s": 14, "lasts_s": 10}
        trace = self.billed(seed, faults=[crash])
        said = [(row.place, row.fields["value"]) for row in trace.of("gauge")]
        owners = [row.fields["owner"] for row in trace.of("lease")]
        assert [place for place, leads in said if leads] == owners
        assert len(owners) == 2
        assert ("billing-1", 0) in said

    def test_without_the_table_nobody_leads_and_what_is_due_is_sent_later(self, seed: int) -> None:
        trace = self.billed(seed, faults=[{"do": "crash", "target": "leases", "at_s": 10, "lasts_s": 10}])
        assert not [row for row in trace.of("publish") if 10.5e6 < row.time_us < 20e6]
        assert len(trace.of("effect")) == 10
        assert red(trace) == set()

    def test_a_leader_that_froze_over_a_bill_sends_it_although_another_has(self, seed: int) -> None:
        (sends_us,) = [row.time_us for row in self.billed(seed).of("publish") if row.message == "b3"]
        freeze = {"do": "slow", "target": "billing-1", "value": 0, "at_s": sends_us / 1e6 - 0.1, "lasts_s": 5}
        trace = self.billed(seed, faults=[freeze])
        assert Counter(row.message for row in trace.of("effect")).most_common(2) == [("b3", 2), ("b1", 1)]
        assert [row.fields["owner"] for row in trace.of("lease")] == ["billing-1", "billing-2"]
        assert red(trace) == {"at most once"}


# ------------------------------------------------------------------------------------------ request, and reply later
@pytest.mark.parametrize("seed", SEEDS)
class TestWhoComesBackForItKeepsNoConnectionOpen:
    def test_with_a_ticket_nobody_is_turned_away_and_all_are_served_in_the_end(self, seed: int) -> None:
        waits, returns = (run("reports", seed, way=way) for way in replies.WAYS)
        assert waits.of("reject")
        assert returns.of("reject") == []
        for trace in (waits, returns):
            served, refused = ({row.message for row in trace.of(kind)} for kind in ("publish_ok", "reject"))
            assert served | refused == {row.message for row in trace.of("publish")}
            assert not served & refused
            assert red(trace) == set()

    def test_never_are_more_connections_open_than_there_are(self, seed: int) -> None:
        for connections in (2, 6):
            trace = run("reports", seed, way="wait for it", connections=connections)
            assert max(row.fields["value"] for row in trace.of("gauge")) == connections

    def test_who_has_a_ticket_has_the_report_although_the_gateway_died(self, seed: int) -> None:
        crash = {"do": "crash", "target": "gateway", "at_s": 20, "lasts_s": 1}
        waits, returns = (replies.reports(seed=seed, way=way, faults=[crash]) for way in replies.WAYS)
        assert waits.of("answer_lost")
        accepted = {row.message for row in returns.of("enqueue")}
        assert accepted == {row.message for row in returns.of("publish_ok")}


# ------------------------------------------------------------------------------------------ deployment stamps
@pytest.mark.parametrize("seed", SEEDS)
class TestWhatStrikesAStampStrikesItsUsersAlone:
    def test_of_four_stamps_one_crash_hits_its_part_of_the_users_and_of_one_all(self, seed: int) -> None:
        crash = {"do": "crash", "target": "stamp-1", "at_s": 10, "lasts_s": 15}
        one, four = (cells.stamps(seed=seed, stamps=stamps, faults=[crash]) for stamps in (1, 4))
        assert (red(one), red(four)) == ({"hit at most"}, set())
        belong = sum(cells.stamp_of(f"user-{number}", 4) == "stamp-1" for number in range(1, 61))
        assert (cells.users_hit(one), cells.users_hit(four)) == (60, belong)
        assert red(run("stamps", seed)) == set()

    def test_it_costs_room_for_the_fullest_and_a_question_at_each(self, seed: int) -> None:
        one, four = (run("stamps", seed, stamps=stamps) for stamps in (1, 4))
        assert cells.fullest_share(one) == 1 < cells.fullest_share(four)
        assert cells.asked(four) == 4 * cells.asked(one) > 0


# ------------------------------------------------------------------------------------------ strangler fig
@pytest.mark.parametrize("seed", SEEDS)
class TestPieceByPieceFewAreTurnedAwayAndWhatIsGoodStays:
    def test_all_at_once_turns_away_as_many_times_more_as_there_are_pieces(self, seed: int) -> None:
        calm = {"faulty": False, "rate": 40.0, "until_s": 45.0}
        at_once, one_by_one = (
            fig.turned_away(run("replaced", seed, way=way, **calm))["told to come again"] for way in fig.WAYS
        )
        assert at_once == pytest.approx(40 * 4 * 2, rel=0.2)
        assert one_by_one == pytest.approx(40 * 2, rel=0.35)

    def test_a_fault_sends_one_piece_back_or_all_of_them(self, seed: int) -> None:
        at_once, one_by_one = (run("replaced", seed, way=way) for way in fig.WAYS)
        assert [trace.of("gauge")[-1].fields["value"] for trace in (at_once, one_by_one)] == [4, 1]
        assert red(at_once) == red(one_by_one) == set()
        late = {row.place for row in one_by_one.of("effect") if row.time_us > 45e6}
        assert late == {"old", "new/nights", "new/friends", "new/coach"}

    def test_what_was_done_is_kept_once_though_a_piece_is_carried_to_and_fro(self, seed: int) -> None:
        for way in fig.WAYS:
            (check,) = run("replaced", seed, way=way).of("check")
            assert check.fields["got"] == check.fields["expected"] > 100


# ------------------------------------------------------------------------------------------ all of them
@pytest.mark.parametrize(
    ("name", "params", "told"),
    [
        ("storm", {"breaker": "yes"}, "probe without a timeout"),
        ("storm", {"failures": 0}, "failures = 0"),
        ("storm", {"spike": 0}, "spike = 0"),
        ("storm", {"breaker": "none", "failures": 0}, "failures = 0"),
        ("storm", {"breaker": "none", "open_s": -1.0}, r"open_s = -1\.0"),
        ("storm", {"until_s": 50.0}, "until_s = 50: give more than 60"),
        ("storm", {"spike_from_s": 50.0, "spike_to_s": 40.0}, "give an end after the begin"),
        ("storm", {"spike_from_s": -1.0}, r"spike_from_s = -1\.0"),
        ("pools", {"pools": "two"}, "one for all, one each"),
        ("pools", {"workers": 3}, "an even number"),
        ("large", {"way": "by post"}, "in the message, claim check"),
        ("large", {"kept_s": 0}, "kept_s = 0"),
        ("bytes_carried", {"way": "by post"}, "through the service, valet key"),
        ("bytes_carried", {"thief": "everybody"}, "nobody, too late"),
        ("order", {"way": "by chance"}, "choreography, orchestrator"),
        ("order", {"stuck": -1}, "stuck = -1"),
        ("replaced", {"way": "in a year"}, "all at once, piece by piece"),
        ("replaced", {"carry_s": 0}, "carry_s = 0"),
        ("stamps", {"stamps": 0}, "stamps = 0"),
        ("stamps", {"users": 0}, "users = 0"),
        ("order", {"refused": 2}, "refused = 2"),
        ("order", {"way": "choreography", "undoes": False}, "give way = 'orchestrator'"),
        ("billed", {"lease_s": 0.6}, "give a lease above 1 s"),
        ("reports", {"way": "by post"}, "wait for it, come back for it"),
        ("reports", {"connections": 0}, "connections = 0"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(name: str, params: dict[str, Any], told: str) -> None:
    with pytest.raises(BadParameter, match=told):
        find("patterns", name)(**params)
