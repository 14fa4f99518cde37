"""Exercises of lab 16: how long a loan, an effect that happens once, and what retries and poison cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any, Final, NamedTuple

from dsys_lab import laws
from dsys_lab.brokers.work_queue.settings import VISIBILITY_MAX_S
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.durable_queue.clips import encode
from dsys_lab.scenarios.durable_queue.handler import Clip, Store, handled, minutes_of
from dsys_lab.simulation.chance import service, stream
from dsys_lab.trace import Trace, lamp
from dsys_lab.views.charts import number

LAB: Final = 16
HIDDEN_SEEDS: Final = range(2001, 2009)


# ------------------------------------------------------------------------------------------ (a) how long a loan
class Encodings(NamedTuple):
    """Work of some shape, and the share of clips that may be lent twice."""

    shape: str
    mean_s: float
    repeat_share: float

    def __str__(self) -> str:
        return f"encodings of {number(self.mean_s)} s on average ({self.shape})"

    def samples(self, name: str, count: int) -> list[float]:
        """Return the seconds that `count` of them took."""
        draw, luck = service(self.shape, self.mean_s), stream(LAB, f"{name}/{self}")
        return [draw(luck) for _ in range(count)]

    @property
    def enough_s(self) -> float:
        """The loan that is just long enough."""
        return _at(self.samples("truth", 20_000), self.repeat_share)


def _at(samples: Sequence[float], repeat_share: float) -> float:
    return sorted(samples)[int((1 - repeat_share) * len(samples))]


WORK: Final = (Encodings("exponential", 30, 0.05), Encodings("erlang", 120, 0.02), Encodings("heavy", 10, 0.02))
TOO_MUCH: Final = Encodings("exponential", 32_000, 0.01)
SAMPLES, CLIPS_A_RUN = 4_000, 200
LONGER_MOST: Final = 1.4
KILL: Final = {"do": "crash", "target": "encoder-3", "on": {"kind": "start", "place": "encoder-3"}, "nth": 3}


def choose_visibility(samples: Sequence[float], repeat_share: float) -> float | None:
    """Lend for as long as all but this share of the work took; None if that is longer than a loan may be."""
    loan_s = sorted(samples)[int((1 - repeat_share) * len(samples))]
    return loan_s if loan_s <= 43_200 else None


def _loan_s(said: Any) -> float | None:
    if said is not None and (isinstance(said, bool) or not isinstance(said, int | float)):
        raise Misuse(f"it returned {brief(said)}; give a number of seconds, or None")
    return None if said is None else float(said)


def check_choose_visibility(function: Callable[..., Any]) -> Verdict:
    """Run the queue with the loan that the function chose, and a worker that dies in each run."""
    for case in WORK:
        said = _loan_s(function(case.samples("given", SAMPLES), case.repeat_share))
        if said is None or said > VISIBILITY_MAX_S:
            given = "gave up" if said is None else f"lend for {number(said)} s, which is more than SQS allows"
            return Verdict(passed=False, saw=f"For {case} you {given}; {number(case.enough_s)} s would do.")
        if said <= 0:
            return Verdict(passed=False, saw=f"For {case} you lend for {number(said)} s: give more than 0.")
        wrong = _too_short(case, said) or _too_long(case, said)
        if wrong:
            return Verdict(passed=False, saw=f"For {case} you lend for {number(said)} s. {wrong}")
    if _loan_s(function(TOO_MUCH.samples("given", SAMPLES), TOO_MUCH.repeat_share)) is not None:
        allowed = f"a loan of SQS ends after {VISIBILITY_MAX_S:,.0f} s"
        longer = f"{TOO_MUCH.repeat_share:.0%} take longer than {number(TOO_MUCH.enough_s)} s"
        return Verdict(passed=False, saw=f"For {TOO_MUCH}, {longer}, and {allowed}: no loan will do, give None.")
    return Verdict(
        passed=True,
        saw=f"With your loans, in {len(WORK) * 4} hidden runs with a dying worker, hardly a clip was lent in vain.",
    )


def _run_with(case: Encodings, loan_s: float, seed: int, *, clips: int = CLIPS_A_RUN, workers: int = 24) -> Trace:
    return encode(seed=seed, visibility_s=loan_s, work_shape=case.shape, work_s=case.mean_s,
                  rate=workers / 6 / case.mean_s, workers=workers, clips=clips, faults=[KILL])  # fmt: skip


def _too_short(case: Encodings, loan_s: float) -> str:
    again = [
        sum(row.fields["attempt"] == 2 for row in _run_with(case, loan_s, seed).of("deliver")) - 1
        for seed in HIDDEN_SEEDS[:4]
    ]
    share, clips = sum(again) / (4 * CLIPS_A_RUN), 4 * CLIPS_A_RUN
    allowed, error = case.repeat_share, (case.repeat_share / clips) ** 0.5
    if share <= allowed + 4 * error:
        return ""
    slips = {1.0: " That is the mean: much of the work takes longer.", 2.0: " Twice the mean is a guess: count."}
    slip = next((words for ratio, words in slips.items() if abs(loan_s / case.mean_s - ratio) < 0.05), "")
    again_too = f"{share:.0%} of the clips were lent again while somebody worked on them, not {allowed:.0%}"
    return f"In hidden runs {again_too}.{slip}"


def _too_long(case: Encodings, loan_s: float) -> str:
    if loan_s <= LONGER_MOST * case.enough_s:
        return ""
    noticed = f"In hidden seed {HIDDEN_SEEDS[0]} a worker died, and its clip lay there for all of that time"
    return f"{noticed}; {number(case.enough_s)} s are enough."


def play_choose_visibility(function: Callable[..., Any]) -> list[Trace]:
    """Play the reader's loan beside the longest one, each with a worker that dies."""
    case = WORK[0]
    mine_s = _loan_s(function(case.samples("given", SAMPLES), case.repeat_share)) or VISIBILITY_MAX_S
    mine, longest = (_run_with(case, loan_s, 1, clips=30, workers=5) for loan_s in (mine_s, 600.0))
    mine.header.title, longest.header.title = f"your loan of {number(mine_s)} s", "a loan of 600 s"
    return [mine, longest]


CHOOSE_VISIBILITY: Final = Exercise(
    lab=LAB,
    name="choose_visibility",
    title="How long to lend",
    statement="""
`samples` are the seconds that 4,000 encodings took. Return for how many seconds a clip should be lent, so that at most
`repeat_share` of the clips are lent a second time while somebody still works on them. No longer than needed: until the
loan ends nobody notices that a worker has died.

SQS lends for 43,200 s at most. Where that is not enough return `None`: then the worker must ask for more time.""",
    skeleton="def choose_visibility(samples, repeat_share):\n    ...",
    example="For 100 samples of which 98 took up to 60 s, `choose_visibility(samples, 0.02)` is about `60`.",
    hints=(
        "A clip is lent a second time if its work takes longer than the loan. Which share of the samples does?",
        "Sort the samples. How many of them may lie above your answer?",
        "`sorted(samples)[int((1 - repeat_share) * len(samples))]`, and then look whether it is above 43,200.",
    ),
    check=check_choose_visibility,
    play=play_choose_visibility,
    answer=choose_visibility,
)


# ------------------------------------------------------------------------------------------ (b) once, whatever happens
def handler(clip: Clip, store: Store) -> None:
    """Encode a clip once: look, add and remember, all at once or not at all."""
    with store.all_or_nothing():
        if not store.seen(clip.id):
            store.add(clip.minutes)
            store.remember(clip.id)


class Trouble(NamedTuple):
    """What goes wrong while a handler works.

    Attributes
    ----------
    name : str
        As a reader is told.
    params : dict
        Parameters of `handled`.
    faults : tuple
    """

    name: str
    params: dict[str, Any]
    faults: tuple[dict[str, Any], ...] = ()

    def run(self, function: Callable[..., Any], seed: int) -> Trace:
        """Let a handler work off some clips; under every other seed all work takes the same time."""
        work = {"work_shape": "constant", "work_s": 2.0} if seed % 2 else {"work_shape": "exponential", "work_s": 1.5}
        return handled(handler=function, seed=seed, faults=self.faults, **work, **self.params)


DIES: Final = {"do": "crash", "target": "encoder-1", "on": {"kind": "effect", "place": "encoder-1"}, "lasts_s": 1}
DOUBLES: Final = {"do": "duplication", "target": "network", "at_s": 0, "value": 0.3}
CALM: Final = Trouble("without trouble", {})
SHORT_LOAN: Final = Trouble("with a loan that is too short", {"visibility_s": 1.5})
POWER: Final = Trouble("with the power going in the middle of your handler", {"power_loss_share": 0.15})
TROUBLES: Final = (
    CALM,
    SHORT_LOAN,
    Trouble("on a network that doubles", {}, (DOUBLES,)),
    Trouble("with a worker that dies before it acknowledges", {}, tuple({**DIES, "nth": nth} for nth in (1, 2))),
    POWER,
)


def check_handler(function: Callable[..., Any]) -> Verdict:
    """Let the handler work under five kinds of trouble, and look at every effect."""
    for trouble in TROUBLES:
        for seed in HIDDEN_SEEDS[:4]:
            trace = trouble.run(function, seed)
            where = f"Hidden seed {seed}, {trouble.name}: "
            wrong = [row for row in trace.of("effect") if row.fields["minutes"] != minutes_of(row.message or "")]
            if wrong:
                row = wrong[0]
                added = f"{row.fields['minutes']} minutes were added for {row.message}"
                return Verdict(passed=False, saw=f"{where}{added}, which has {minutes_of(row.message or '')}.")
            twice = lamp(trace, "exactly-once effect").rows
            if twice:
                row = trace[twice[0]]
                again = f"the minutes of {row.message} were added twice, the second time at {row.time_us / 1e6:.1f} s."
                return Verdict(passed=False, saw=f"{where}{again} {_why_twice(trouble)}".strip())
            added_at = {row.message for row in trace.of("effect")}
            missed = [row.message for row in trace.of("publish") if row.message not in added_at]
            if missed:
                never = f"the minutes of {missed[0]} were never added."
                return Verdict(passed=False, saw=f"{where}{never} {_why_never(trouble)}".strip())
    return Verdict(passed=True, saw=f"In 20 hidden runs of {len(TROUBLES)} kinds each clip was added exactly once.")


def _why_twice(trouble: Trouble) -> str:
    if trouble is POWER:
        return "The power went between the effect and the note that it was done."
    return "It was delivered twice: who knows that it was done before?" if trouble is not CALM else ""


def _why_never(trouble: Trouble) -> str:
    return "It was remembered, and then the power went before it was added." if trouble is POWER else ""


def play_handler(function: Callable[..., Any]) -> list[Trace]:
    """Play the reader's handler under the two troubles that tell most; each run can be broken further."""
    runs = []
    for trouble in (SHORT_LOAN, POWER):
        trace = trouble.run(function, 1)
        trace.header.title = f"your handler, {trouble.name}"
        runs.append(trace)
    return runs


HANDLER: Final = Exercise(
    lab=LAB,
    name="handler",
    title="An effect that happens once",
    statement="""
Write what a worker does with a clip: add its minutes to the account, **once**, however often the clip is delivered and
whenever the power goes. `clip` has `.id`, `.minutes`, `.attempt` and `.handle`. The `store` is on disk and has

`store.add(minutes)`, the effect; `store.remember(key)` and `store.seen(key)`; and `with store.all_or_nothing():`, in
which all that you write happens at once at its end, or not at all. The power may go before and after each call; your
variables are then gone, and the clip comes again.

What you write is then played. Stop it anywhere and press **G**: your handler meets one trouble more.""",
    skeleton="def handler(clip, store):\n    store.add(clip.minutes)",
    example="What the skeleton does is right as long as nothing goes wrong.",
    hints=(
        "What is the same at every delivery of a clip, and of no other? Ask the store whether it has seen that.",
        "Between `add` and `remember`, in either order, the power may go. What happens when the clip comes again?",
        "Put the question, the effect and the note into one `with store.all_or_nothing():`.",
    ),
    check=check_handler,
    play=play_handler,
    answer=handler,
)


# ------------------------------------------------------------------------------------------ (c) what it costs
class Policy(NamedTuple):
    """A loan, work, and what is done about poison."""

    visibility_s: float
    work_mean_s: float
    max_receives: int
    poison_share: float

    def __str__(self) -> str:
        lent = f"loans of {self.visibility_s:g} s, work of {self.work_mean_s:g} s"
        return f"{lent}, at most {self.max_receives} receives and {self.poison_share:.0%} poison"


POLICIES: Final = (Policy(160, 20, 10, 0.05), Policy(40, 20, 5, 0.1), Policy(20, 20, 3, 0.1), Policy(10, 20, 4, 0.0))
COST_CLIPS: Final = 150
ASKED: Final = ("attempts a clip", "of the healthy clips set aside")


def loan_cost(visibility_s: float, work_mean_s: float, max_receives: int, poison_share: float) -> tuple[float, float]:
    """Return the attempts a clip, and the share of the healthy clips that end among the dead."""
    from math import exp

    fails = exp(-visibility_s / work_mean_s)
    healthy = (1 - fails**max_receives) / (1 - fails)
    return (1 - poison_share) * healthy + poison_share * max_receives, fails**max_receives


def _counted(policy: Policy, seed: int) -> tuple[float, float]:
    trace = encode(seed=seed, visibility_s=policy.visibility_s, work_s=policy.work_mean_s, clips=COST_CLIPS, workers=20,
                   rate=2 / policy.work_mean_s, max_receives=policy.max_receives,
                   poison_share=policy.poison_share)  # fmt: skip
    poisoned = {row.message for row in trace.of("fail")}
    dead = {row.message for row in trace.of("dead")}
    return len(trace.of("deliver")) / COST_CLIPS, len(dead - poisoned) / (COST_CLIPS - len(poisoned))


def check_loan_cost(function: Callable[..., Any]) -> Verdict:
    """Hold both numbers against simulated queues, within three standard errors."""
    for policy in POLICIES:
        said = function(*policy)
        if not isinstance(said, tuple | list) or len(said) != 2 or not all(isinstance(x, int | float) for x in said):
            raise Misuse(f"it returned {brief(said)}; give two numbers, attempts a clip and the share set aside")
        runs = [_counted(policy, seed) for seed in HIDDEN_SEEDS]
        for name, value, counted in zip(ASKED, said, zip(*runs, strict=True), strict=True):
            mean, slack = fmean(counted), max(3 * stdev(counted) / len(counted) ** 0.5, 0.012)
            if abs(value - mean) > slack:
                took = f"{len(runs)} hidden runs counted {number(mean)}, give or take {number(slack)}"
                saw = f"For {policy} you said {number(value)} {name}; {took}. {_slip(policy, float(value))}"
                return Verdict(passed=False, saw=saw.strip())
    return Verdict(
        passed=True, saw=f"For {len(POLICIES)} queues, {len(HIDDEN_SEEDS)} hidden runs of each, both numbers hold."
    )


def _slip(policy: Policy, said: float) -> str:
    """Name the usual slip that gives this number, if one does."""
    loan_s, work_s, most, poison = policy
    inside = laws.exponential_within(loan_s, work_s)
    slips = {
        laws.poison_load(poison, most): "Healthy clips are tried again, too, when the loan ends before the work.",
        (1 - poison) / inside + poison * most: "Nobody is tried more than `max_receives` times.",
        laws.falsely_dead(inside, most + 1): "After `max_receives` attempts in vain it is set aside.",
        1 - inside: "One attempt in vain is not enough: it must fail every time.",
    }
    return next((words for value, words in slips.items() if abs(said - value) < 1e-6 * max(1.0, said)), "")


LOAN_COST: Final = Exercise(
    lab=LAB,
    name="loan_cost",
    title="What a short loan and poison cost",
    statement="""
The work of a clip is exponential with the mean `work_mean_s`, drawn anew at each attempt, and a clip is lent for
`visibility_s`; only the newest handle acknowledges, and a worker is always free. A clip that was received
`max_receives` times without an acknowledgement is set aside. A share `poison_share` of the clips is poison: whoever
tries, fails.

Return two numbers: how often a clip is lent on average (poison included), and the share of the **healthy** clips that
are set aside although every attempt did the work.""",
    skeleton="def loan_cost(visibility_s, work_mean_s, max_receives, poison_share):\n    ...",
    example="`loan_cost(20, 20, 3, 0)` is about `(1.5, 0.05)`.",
    hints=(
        "An attempt is in vain when the work takes longer than the loan. How likely is that for exponential work?",
        "`f = exp(-visibility_s / work_mean_s)`. A healthy clip is set aside if all its attempts are in vain.",
        "A healthy clip is lent `1 + f + f**2 + ...` times, `max_receives` terms in all; poison takes all attempts.",
    ),
    check=check_loan_cost,
    play=lambda function: [
        encode(visibility_s=2, work_s=2, max_receives=3, poison_share=0.1),
        encode(visibility_s=10, work_s=2, max_receives=3, poison_share=0.1),
    ],
    answer=loan_cost,
)

# ------------------------------------------------------------------------------------------ to think about
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Jobs from a minute to nine hours",
    statement="""
Encoding takes a minute for most clips and nine hours for a few. Workers are rented by the hour and taken away with two
minutes' notice.

How long do you lend? Who notices a dead worker, and how soon? What is lost when a worker is taken away in the eighth
hour, and what would you change so that it is less?""",
    model_answer="""
**A long loan is the wrong tool.** Nine hours fit into one loan, but then a worker that dies in the first minute is
noticed nine hours later. Lend for a few minutes and let the worker **ask for more time** as long as it lives: a dead
one is noticed within one loan, whatever the job. That too ends twelve hours after the receive, so a job that may take
longer needs another design at any rate.

**Checkpoints.** With two minutes' notice the worker writes down how far it is and hands the message back. Better, cut
the clip into pieces of some minutes, each a message of its own, and join them when the last is done: then the most that
can be lost is a piece, the work spreads over many workers, and no job is long. Each piece has its key (clip, piece), so
doing it twice does no harm.

**When order and state of the steps matter** (cut, encode, join, tell), a workflow service that keeps them, such as Step
Functions, is the better home; the queue stays where the pieces wait.

**Poison.** Count the receives *and* the reasons: a clip that was handed back because a worker was taken away has not
failed. So set `max_receives` well above the number of times that workers vanish, or count failures yourself.""",
)

TASKS: Final = (CHOOSE_VISIBILITY, HANDLER, LOAN_COST, DESIGN)
"""The tasks of this lab, in the order of the notebook."""
