"""Exercises of lab 25: how much to hold back, a saga that settles every promise, and who was charged twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite, nan
from numbers import Integral, Real
from typing import Any, Final, NamedTuple

from dsys_lab import laws
from dsys_lab.dataflows.verification import Books, Call, Entry, Line, audit, parties_on
from dsys_lab.dataflows.verification.books import tell
from dsys_lab.dataflows.verification.way import PARTY_OF
from dsys_lab.errors import DidNotHappen, MayHaveHappened, Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.verification_and_apology import counts, launch, settle
from dsys_lab.simulation.chance import stream
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import Trace
from dsys_lab.views.charts import number

LAB: Final = 25
HIDDEN_SEEDS: Final = range(3_001, 3_013)
WORSE_MOST: Final = 1.03
"""How much more than the best reserve the reader's may cost."""


# ------------------------------------------------------------------------------------------ (a) how much to hold back
class Market(NamedTuple):
    """Buyers a second, seconds until a gate has heard, and the price of an apology where a pillow earns 1."""

    rate: float
    delay_s: float
    apology: float

    def cost(self, reserve: int) -> float:
        """What a reserve costs on average."""
        return laws.reserve_cost(self.rate * self.delay_s, reserve, apology=self.apology, margin=1)

    @property
    def best(self) -> int:
        """The reserve that costs least."""
        return laws.best_reserve(self.rate * self.delay_s, apology=self.apology, margin=1)

    def __str__(self) -> str:
        return f"{self.rate:g} buyers a second, news after {self.delay_s:g} s, an apology at {self.apology:g} margins"


def markets() -> list[Market]:
    """Return twenty markets."""
    luck = stream(LAB, "markets")
    drawn = [(1 + 29 * luck(), 0.2 + 2 * luck(), 20 * luck() ** 3) for _ in range(19)]
    return [*(Market(round(a, 1), round(b, 2), round(c, 1)) for a, b, c in drawn), Market(10.0, 1.0, 0.0)]


def choose_reserve(rate: float, delay_s: float, apology: float, margin: float) -> int:
    """Hold back until one more pillow would save less, by the apology that it prevents, than it loses."""
    from math import exp

    mean, reserve = rate * delay_s, 0
    share = reached = exp(-mean)
    while reached < apology / (apology + margin):
        reserve += 1
        share *= mean / reserve
        reached += share
    return reserve


def _reserve(said: Any) -> int:
    pillows = nan if isinstance(said, bool) or not isinstance(said, Real) else float(said)
    if not isfinite(pillows) or pillows != int(pillows) or pillows < 0:
        raise Misuse(f"it returned {brief(said)}; give a whole number of pillows, 0 or more")
    return int(pillows)


def check_choose_reserve(function: Callable[..., Any]) -> Verdict:
    """Hold the reserves against the best ones in twenty markets, and sell in one of them under fresh luck."""
    for market in markets():
        said = _reserve(function(market.rate, market.delay_s, market.apology, 1.0))
        if market.cost(said) > WORSE_MOST * market.cost(market.best) + 0.01:
            return Verdict(passed=False, saw=_worse(market, said))
    market = Market(counts.RUSH["rate"], 0.55, 4.0)
    said = _reserve(function(market.rate, market.delay_s, market.apology, 1.0))
    yours, best, none = (
        counts.cost_of(reserve, apology=market.apology, news_s=0.5, seeds=HIDDEN_SEEDS)
        for reserve in (said, market.best, 0)
    )
    told = f"your {said} pillows cost {number(yours)} margins a sale, the best reserve by the law {number(best)}"
    return Verdict(
        passed=True,
        saw=f"Right in 20 markets. Under {len(HIDDEN_SEEDS)} fresh seeds of the launch ({market}), {told}, "
        f"and none at all {number(none)}.",
    )


def _worse(market: Market, said: int) -> str:
    mean = market.rate * market.delay_s
    best = number(market.cost(market.best))
    costs = f"{number(market.cost(said))} margins a sale, and {market.best} would cost {best}"
    slip = ""
    if said == round(mean) != market.best:
        slip = " That is the mean: half of the sales promise more. The price of an apology must count, too."
    elif said == 0:
        slip = " Nothing held back is right only where an apology is cheap."
    elif said > market.best:
        slip = " You hold back too much: an unsold pillow loses its margin in every sale."
    return f"For {market} you hold back {said}: that costs {costs}.{slip}"


def play_choose_reserve(function: Callable[..., Any]) -> list[Trace]:
    """Play a launch with the reader's reserve beside one without."""
    mine = _reserve(function(8.0, 1.05, 4.0, 1.0))
    return [launch(reserve=mine), launch(reserve=0)]


CHOOSE_RESERVE: Final = Exercise(
    lab=LAB,
    name="choose_reserve",
    title="How much to hold back",
    statement="""
Buyers come at random, `rate` a second. A gate hears of each pillow that is gone `delay_s` later, and promises until
then. A pillow that is sold earns `margin`, one that stays unsold earns nothing, and each promise that must be taken
back costs `apology` on top. Return how many pillows the gates should hold back.

Your reserves are held against the best ones in twenty markets, and then a launch is run with yours, under luck that
nobody has seen.""",
    skeleton="def choose_reserve(rate, delay_s, apology, margin):\n    ...",
    example="`choose_reserve(2, 1, 1, 1)` is `2`: where both mistakes cost the same, the middle of what may come.",
    hints=(
        "How many are promised while the news is on its way? Of that number you know the mean; and it is random.",
        "One pillow more saves an apology if still more are promised, and else loses a margin. When are the two equal?",
        "Add up `exp(-mean) * mean**k / k!`, mean = `rate * delay_s`, up to `apology / (apology + margin)`.",
    ),
    check=check_choose_reserve,
    play=play_choose_reserve,
    answer=choose_reserve,
)


# ------------------------------------------------------------------------------------------ (b) finish the saga
class Plan(NamedTuple):
    """What goes wrong while a promise is settled.

    Attributes
    ----------
    name : str
        As a reader is told.
    pillows : int
        How many there are, for two promises.
    trouble : callable
        `(call, attempt)` -> one of `TROUBLES`.
    forgets : int
        The desk crashes after so many acts, before it has written down the last one; 0 for never.
    """

    name: str
    pillows: int
    trouble: Callable[[Call, int], str] = lambda call, attempt: ""
    forgets: int = 0


def _half_way(*verbs: str) -> Callable[[Call, int], str]:
    return lambda call, n: ({1: "down", 2: "no answer"}.get(n, "") if call.verb in verbs else "")


PLANS: Final = (
    Plan("with pillows enough", 2),
    Plan("with one pillow for two promises", 1),
    Plan("with a refund that fails, and then is not answered", 1, _half_way("refund")),
    Plan("with every act failing first, and then not answered", 1, _half_way(*PARTY_OF)),
    Plan("with a desk that crashes after its second act", 1, forgets=2),
    Plan("with a desk that crashes after its fifth act", 0, forgets=5),
)
ACTS_MOST: Final = 40
ORDERS: Final = ("o1", "o2")


def next_act(done: Mapping[str, bool]) -> str | None:
    """Charge, then take; what was taken is confirmed, and what was not is refunded and then apologised for."""
    if "charge" not in done:
        return "charge"
    if "take" not in done:
        return "take"
    way = ["confirm"] if done["take"] else ["refund", "apologise"]
    return next((verb for verb in way if verb not in done), None)


def walk(function: Callable[..., Any], plan: Plan) -> tuple[list[Entry], str]:
    """Settle two promises by the reader's function; return the acts, and what is wrong, or ""."""
    parties = parties_on(VolatileDisk(), pillows=plan.pillows)
    lines = {name: Line(party, plan.trouble) for name, party in parties.items()}
    made, forgotten = 0, False
    for order in ORDERS:
        done: dict[str, bool] = {}
        while (verb := function(dict(done))) is not None:
            if not isinstance(verb, str) or verb not in PARTY_OF:
                raise Misuse(f"it returned {brief(verb)}; give one of {', '.join(PARTY_OF)}, or None")
            made += 1
            if made > ACTS_MOST:
                return _acts(parties), f"that after {ACTS_MOST} acts {order} is not settled: {verb} is asked for again"
            call = Call(verb, order)
            try:
                yes = lines[call.party].do(made, call)
            except (DidNotHappen, MayHaveHappened):
                continue
            if wrong := _wrong(parties, plan, final=False):
                return _acts(parties), wrong
            if made >= plan.forgets > 0 and not forgotten:
                forgotten = True
                continue
            done[verb] = yes
    return _acts(parties), _wrong(parties, plan, final=True)


def _acts(parties: Mapping[str, Any]) -> list[Entry]:
    return [entry for party in parties.values() for entry in party.book.entries]


def _wrong(parties: Mapping[str, Any], plan: Plan, *, final: bool) -> str:
    """Let an auditor read the books, in the middle (nothing is overdue) or at the end."""
    books = Books([(order, 0) for order in ORDERS], _acts(parties), plan.pillows)
    found = audit(books, 10**12 if final else 0, within_s=1.0)
    return "; ".join(f"{finding.order}: {finding.what} ({finding.says})" for finding in found[:1])


def check_next_act(function: Callable[..., Any]) -> Verdict:
    """Settle two promises under six plans of faults, with an audit after every act."""
    for plan in PLANS:
        _, wrong = walk(function, plan)
        if wrong:
            return Verdict(passed=False, saw=f"{plan.name[0].upper()}{plan.name[1:]} the auditor finds {wrong}.")
    return Verdict(passed=True, saw=f"Under {len(PLANS)} plans of faults every promise was settled, once.")


def play_next_act(function: Callable[..., Any]) -> list[Trace]:
    """Play the acts that the function asked for, as they stand in the books."""
    trace = Trace()
    entries, _ = walk(function, PLANS[2])
    for order in ORDERS:
        trace.emit(0, "publish", "desk", order, attempt=1)
        trace.emit(0, "accept", "desk", order, order=order)
    for at, entry in enumerate(sorted(entries, key=lambda entry: entry.at_us), start=1):
        place, order, at_us, done_us = PARTY_OF[entry.verb], entry.order, at * 1_000_000, at * 1_000_000 + 500_000
        trace.emit(at_us, "push", "desk", order, to=place, attempt=1, arrive_us=done_us)
        tell(trace, place, entry._replace(at_us=done_us))
        if entry.verb in ("confirm", "apologise"):
            trace.emit(done_us, "finish", place, order, attempt=1)
    trace.header.title, trace.header.end_us = "the acts that you asked for", (len(entries) + 1) * 1_000_000
    trace.header.invariants = {"promises settled once": {}}
    return [trace]


NEXT_ACT: Final = Exercise(
    lab=LAB,
    name="next_act",
    title="Finish the saga",
    statement="""
A desk asks you what to do next for one promise. `done` has what was answered so far: an act -> its answer, such as
`{"charge": True}`. Return the next act, "charge", "take", "confirm", "refund" or "apologise", or `None` if the promise
is settled. Only "take" may be answered `False`: there was no pillow left.

Acts fail and are asked for again, answers are lost, and the desk crashes and forgets the last answer. Every act has a
key, so doing it again is harmless. After every single act an auditor reads the books, and must find nothing.""",
    skeleton="def next_act(done):\n    ...",
    example='`next_act({})` may be `"charge"`; after `{"charge": True, "take": True, "confirm": True}` it is `None`.',
    hints=(
        "Draw the two ways that a promise can end. On which of them is money given back?",
        "The auditor may come between two of your acts. Which must be first, so that no apology is without its money?",
        'charge, take; then confirm if `done["take"]`, else refund and, after that, apologise.',
    ),
    check=check_next_act,
    play=play_next_act,
    answer=next_act,
    is_pure=True,
)


# ------------------------------------------------------------------------------------------ (c) who was charged twice
def runs_with_double_charges() -> list[Trace]:
    """Return three hidden runs in which some orders were charged twice, and others only asked for twice."""
    lossy = {"do": "loss", "target": "network", "at_s": 0.0, "value": 0.25}
    return [
        settle(orders=8, pillows=6, memory=memory, seed=seed, faults=[lossy])
        for memory, seed in (("journal only", 3_001), ("journal only", 3_002), ("keys and journal", 3_003))
    ]


def charged_again(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the rows by which a charge took effect that had taken effect before."""
    seen: set[str] = set()
    again = []
    for row in rows:
        if row["kind"] == "effect" and row["key"].startswith("charge/"):
            if row["key"] in seen:
                again.append(row["seq"])
            seen.add(row["key"])
    return again


def _rows(trace: Trace) -> list[dict[str, Any]]:
    return [
        {"seq": row.seq, "time_us": row.time_us, "kind": row.kind, "place": row.place, "message": row.message,
         "key": row.fields.get("key"), "attempt": row.fields.get("attempt")}
        for row in trace
    ]  # fmt: skip


def _numbers(said: Any) -> set[int]:
    numbers = list(said) if isinstance(said, Iterable) else [None]
    if not all(isinstance(one, Integral) and int(one) >= 0 for one in numbers):
        raise Misuse(f"it returned {brief(said)}; give a list of numbers, the `seq` of rows")
    return {int(one) for one in numbers if one is not None}


def check_charged_again(function: Callable[..., Any]) -> Verdict:
    """Hold the rows that were named against those that there are, in three runs."""
    runs = runs_with_double_charges()
    for trace in runs:
        said, right = function(_rows(trace)), charged_again(_rows(trace))
        named = _numbers(said)
        too_many, missing = sorted(named - set(right)), sorted(set(right) - named)
        if too_many:
            row = trace[too_many[0]] if too_many[0] < len(trace) else None
            what = f"{row.kind} of {row.fields.get('key') or row.message} at {row.place}" if row else "no row at all"
            why = _no_charge(row.kind) if row else ""
            told = f"In hidden seed {trace.header.seed} you name row {too_many[0]}, {what}.{why}"
            return Verdict(passed=False, saw=told)
        if missing:
            row = trace[missing[0]]
            return Verdict(
                passed=False,
                saw=f"In hidden seed {trace.header.seed} you miss row {row.seq}, by which {row.message} was charged "
                f"again ({len(missing)} missing).",
            )
    total = sum(len(charged_again(_rows(trace))) for trace in runs)
    return Verdict(passed=True, saw=f"All {total} second charges, and none where the key was looked up.")


def _no_charge(kind: str) -> str:
    if kind == "effect_skip":
        return " There the party looked its key up, and did nothing."
    if kind in ("publish", "send", "receive"):
        return " To be asked twice is not to do it twice."
    return " That is no second charge."


CHARGED_AGAIN: Final = Exercise(
    lab=LAB,
    name="charged_again",
    title="Who was charged twice?",
    statement="""
`rows` is a trace: dicts with `seq`, `time_us`, `kind`, `place`, `message` (the order), `key` and `attempt`. The network
loses a quarter of all messages. Return the `seq` of every row by which an order was charged that had been charged
before: the line that you would show to whoever wrote the payments.

To be *asked* for a charge again is harmless where the key is looked up; that is what an `effect_skip` says. The charge
itself is a row of kind `effect`.""",
    skeleton="def charged_again(rows):\n    ...",
    example="Of two rows `effect` with the key `charge/o3`, numbers 40 and 61, it is `[61]`.",
    hints=(
        "Which kind of row says that something was done, and which only that somebody was asked?",
        "Two rows are the same act if they have the same key.",
        "Go through the `effect` rows whose key begins with `charge/`, and remember the keys.",
    ),
    check=check_charged_again,
    play=lambda function: [runs_with_double_charges()[0]],
    answer=charged_again,
    is_pure=True,
)


DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Promise now or ask first?",
    statement="""
A username, a bank transfer between two of your customers, a hotel room, an appointment for a vaccination. For each:
do you ask first, or promise and find out later? Who apologises if it goes wrong, and with what? And what would make
you change your mind?""",
    model_answer="""
*A username*: ask first. It costs one look at one key, nobody leaves within a tenth of a second, and there is no good
apology for "you are called something else now". (For a draft, promise it and say that it is not yet certain.)

*A transfer*: the sum must hold, so each account is charged by one party and under a key (integrity); that it shows at
the other end a little later hurts nobody (timeliness). Banks promise, and apologise by a reversal: a compensation that
is a booking of its own, never an erased line.

*A hotel room*: promise, with a reserve. Rooms are cancelled, too, so hotels even promise more than they have; the
apology is a room elsewhere and a taxi, and its price is known. Where it is dear (the last hotel of a congress) hold
more back, or ask.

*A vaccination*: asking first is right if the places are few and the answer is quick, for an apology costs trust and a
day of somebody's life. But if the desk cannot be reached (a split), a place on a waiting list is a promise that can
always be kept.

What changes one's mind is a number: the price of an apology against the margins lost to those who leave.""",
)

TASKS: Final = (CHOOSE_RESERVE, NEXT_ACT, CHARGED_AGAIN, DESIGN)
