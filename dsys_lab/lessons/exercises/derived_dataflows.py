"""Exercises of lab 23: orders that end apart, an outbox that is polled without a hole, changes in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, Final, NamedTuple

from dsys_lab.dataflows.change_capture import Write, diverging, ends, interleavings
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.simulation.chance import Stream, exponential, stream
from dsys_lab.views import charts

LAB: Final = 23
Order = Sequence[tuple[str, str]]


# ------------------------------------------------------------------------------------------ (a) orders that end apart
def ends_apart(order: Order) -> bool:
    """Keep who wrote last in each place."""
    last = {where: who for who, where in order}
    return last["table"] != last["copy"]


def all_orders() -> list[list[tuple[str, str]]]:
    """Return every order of two and of three writers, as plain pairs, and the one of a writer alone."""
    writers = ("ada",), ("ada", "ben"), ("ada", "ben", "cem")
    return [[tuple(write) for write in order] for names in writers for order in interleavings(names)]  # type: ignore[misc]


def check_ends_apart(function: Callable[..., Any]) -> Verdict:
    """Ask about every order, those of two writers first."""
    for order in all_orders():
        said = function(list(order))
        if not isinstance(said, bool):
            raise Misuse(f"it returned {brief(said)}; give True or False")
        last = ends([Write(*write) for write in order])
        if said != (last["table"] != last["copy"]):
            what = ", ".join(f"{who} to the {where}" for who, where in order)
            told = f"the table keeps {last['table']}'s and the copy {last['copy']}'s"
            return Verdict(passed=False, saw=f"{what}: you said {said}, but {told}. {_slip_of_order(said)}")
    two, three = (interleavings(names) for names in (("ada", "ben"), ("ada", "ben", "cem")))
    found = f"{len(diverging(two))} of {len(two)} of two writers, {len(diverging(three))} of {len(three)} of three"
    return Verdict(passed=True, saw=f"Right for every order: {found} end apart.")


def _slip_of_order(said: bool) -> str:
    if said:
        return "That others write in between does no harm, if the same one is last in both places."
    return "Who is last in the table need not be last in the copy."


def _chart_of_orders(function: Callable[..., Any]) -> charts.Chart:
    """Draw how many orders the reader's function marks, and how many end apart."""
    counted = {}
    for names in (("ada", "ben"), ("ada", "ben", "cem")):
        orders = interleavings(names)
        counted[f"{len(names)} writers, you"] = sum(bool(function([tuple(w) for w in o])) for o in orders) / len(orders)
        counted[f"{len(names)} writers, counted"] = len(diverging(orders)) / len(orders)
    return charts.bars(counted, title="How many orders end apart?", unit="share of the orders")


ENDS_APART: Final = Exercise(
    lab=LAB,
    name="ends_apart",
    title="Which orders end apart?",
    statement="""
Some people write the same key, each to the table first and to the copy after it. `order` is the list of their writes as
they happened, `(who, where)`, with `where` either `"table"` or `"copy"`. In each place the last write stands.

Return whether table and copy differ in the end, `True` or `False`.""",
    skeleton="def ends_apart(order):\n    ...",
    example="""`ends_apart([("ada", "table"), ("ada", "copy")])` is `False`: who writes alone does no harm.""",
    hints=(
        "What was written before the last write of a place does not matter for it.",
        "Walk through the order and keep for each place who wrote last.",
        "`last[where] = who` for each; then compare the two.",
    ),
    check=check_ends_apart,
    play=lambda function: (),
    picture=_chart_of_orders,
    is_pure=True,
    answer=ends_apart,
)


# ------------------------------------------------------------------------------------------ (b) a poll without a hole
def poll(rows: Sequence[tuple[int, int]], oldest_running: int, state: Any) -> tuple[list[int], Any]:
    """Send only what is older than all that still run: nothing older can appear any more."""
    sent_below = state or 0
    new = [(transaction, id_) for id_, transaction in rows if sent_below <= transaction < oldest_running]
    return [id_ for _, id_ in sorted(new)], oldest_running


class Look(NamedTuple):
    """What a poll is shown: the rows that can be seen, and the oldest transaction that runs, or else the next one."""

    rows: list[tuple[int, int]]
    oldest_running: int


def looks_of(seed: int, messages: int = 40) -> tuple[list[Look], set[int]]:
    """Return hidden looks at an outbox, the last of them when nothing runs, and the ids of all that was committed.

    Transactions have numbers in the order in which they began, get an id some time after, and some are rolled back.
    """
    draw: Stream = stream(seed, "exercise/outbox")
    events: list[tuple[float, str, int]] = []
    now_s = 0.0
    for number in range(1, messages + 1):
        now_s += exponential(1)(draw)
        put_s = now_s + exponential(1)(draw)
        ends_s = put_s + exponential(3)(draw)
        events += [(now_s, "begin", number), (put_s, "put", number),
                   (ends_s, "rollback" if draw() < 0.1 else "commit", number)]  # fmt: skip
    end_s = max(at_s for at_s, *_ in events)
    events += [(1.5 * look, "look", 0) for look in range(1, int(end_s / 1.5) + 3)]
    ids: dict[int, int] = {}
    seen: list[tuple[int, int]] = []
    running: set[int] = set()
    begun, looks = 0, list[Look]()
    for _, what, number in sorted(events):
        if what == "begin":
            begun = number
            running.add(number)
        elif what == "put":
            ids[number] = len(ids) + 1
        elif what == "look":
            looks.append(Look(sorted(seen), min(running, default=begun + 1)))
        else:
            running.remove(number)
            if what == "commit":
                seen.append((ids[number], number))
    return looks, {id_ for id_, _ in seen}


def polled(function: Callable[..., Any], looks: Sequence[Look]) -> list[int]:
    """Return all ids that a reader's poll has sent, look by look, in its order."""
    state: Any = None
    sent: list[int] = []
    for look in looks:
        said = function(list(look.rows), look.oldest_running, deepcopy(state))
        if not isinstance(said, tuple) or len(said) != 2 or not isinstance(said[0], list):
            raise Misuse(f"it returned {brief(said)}; give a pair, the list of ids to send and the next state")
        sent += said[0]
        state = said[1]
    return sent


def check_poll(function: Callable[..., Any]) -> Verdict:
    """Let it poll hidden outboxes: what is sent must be what was committed, each once."""
    most = 0
    for seed in (1, 2, 3, 4):
        looks, committed = looks_of(seed)
        sent = polled(function, looks)
        if unknown := [one for one in sent if one not in committed]:
            return Verdict(passed=False, saw=f"It sent {unknown[0]!r}, which nobody committed: send ids of `rows`.")
        if missed := sorted(committed - set(sent)):
            return Verdict(passed=False, saw=f"{_told(committed)} {len(missed)} were never sent, the first is "
                           f"{missed[0]}. {_slip_of_poll(looks, sent, missed[0])}")  # fmt: skip
        if len(sent) > len(set(sent)):
            twice = next(one for one in sent if sent.count(one) > 1)
            return Verdict(passed=False, saw=f"{_told(committed)} {twice} was sent {sent.count(twice)} times: what do "
                           "you have to remember so that a row is new only once?")  # fmt: skip
        most = max(most, _most_state(function, looks))
    if most > STATE_MOST:
        return Verdict(passed=False, saw=f"Nothing is missed, but the state grew to {most} things: an outbox "
                       "runs for years, and one number is enough.")  # fmt: skip
    return Verdict(passed=True, saw="Four outboxes whose transactions overlap: each message sent once, none missed.")


STATE_MOST: Final = 12


def _most_state(function: Callable[..., Any], looks: Sequence[Look]) -> int:
    state: Any = None
    for look in looks:
        state = function(list(look.rows), look.oldest_running, deepcopy(state))[1]
    return len(state) if isinstance(state, list | set | dict | tuple | frozenset) else 1


def _told(committed: set[int]) -> str:
    return f"{len(committed)} messages were committed."


def _slip_of_poll(looks: Sequence[Look], sent: Sequence[int], missed: int) -> str:
    at = next(look for look in looks if any(id_ == missed for id_, _ in look.rows))
    transaction = dict(at.rows)[missed]
    if any(one > missed for one in sent):
        return (f"It came to be seen when transaction {transaction} committed, after others with higher ids had been "
                "sent: an id says when a row was put in, not when it can be seen.")  # fmt: skip
    return f"Its transaction, {transaction}, was done when the oldest that ran was {at.oldest_running}."


POLL: Final = Exercise(
    lab=LAB,
    name="poll",
    title="An outbox without a hole",
    statement="""
Somebody looks at an outbox every so often. Each look gives you

- `rows`: all rows that can be seen, as `(id, transaction)`. The number of a transaction is given when it begins, the id
  when the row is put in; a row can be seen once its transaction has committed, and some are rolled back;
- `oldest_running`: the lowest number of all transactions that still run, or the number of the next one if none does
  (PostgreSQL says it by `pg_snapshot_xmin(pg_current_snapshot())`);
- `state`: what you returned last time, `None` at first.

Return `(ids, state)`: the ids that are to be sent now, and what you want to remember. In the end each message that was
committed must have been sent exactly once; some may wait for a while. Nothing runs any more at the last look. Rows
stay in the table, and what you remember must not grow with them.""",
    skeleton="def poll(rows, oldest_running, state):\n    return [], state",
    example="""`poll([(8, 12)], 11, None)` must not send 8 for good and forget transaction 11: it still runs, and may
have put in row 7.""",
    hints=(
        "Of which transactions do you know that no row of theirs can appear any more?",
        "Of all that are older than the oldest that runs. Those that are not wait for a later look.",
        "Send rows with `state <= transaction < oldest_running`, and remember `oldest_running`.",
    ),
    check=check_poll,
    play=lambda function: (),
    is_pure=True,
    answer=poll,
)


# ------------------------------------------------------------------------------------------ (c) in any order
Change = tuple[str, int | None, int]


def apply(view: dict[str, Any], change: Change) -> None:
    """Keep the position with each value, and that of what is gone as well."""
    key, value, position = change
    if key not in view or position > view[key][1]:
        view[key] = (value, position)


def changes_of(seed: int, count: int = 30) -> list[Change]:
    """Return hidden changes of four keys, in the order of their commits; some say that a key is gone."""
    draw: Stream = stream(seed, "exercise/changes")
    return [
        (f"k{int(4 * draw())}", None if draw() < 0.35 else int(90 * draw()) + 10, position)
        for position in range(1, count + 1)
    ]


def shuffled(changes: Sequence[Change], seed: int, *, repeats: bool) -> list[Change]:
    """Return them as a bad network brings them: out of order, and if so told, some of them again."""
    draw: Stream = stream(seed, "exercise/network")
    came = [(position + 8 * draw(), (key, value, position)) for key, value, position in changes]
    if repeats:
        came += [(position + 15 * draw(), (key, value, position)) for key, value, position in changes if draw() < 0.4]
    return [change for _, change in sorted(came, key=lambda one: one[0])]


def check_apply(function: Callable[..., Any]) -> Verdict:
    """Bring hidden changes in order, again, and out of order; what a reader sees must be what the table says."""
    for repeats, what in ((None, "in their order"), (True, "out of order and some twice")):
        for seed in range(1, 9):
            changes = changes_of(seed)
            came = changes if repeats is None else shuffled(changes, seed, repeats=True)
            view: dict[str, Any] = {}
            for change in came:
                function(view, change)
            table = {key: last for key, *_ in changes if (last := _last(changes, key)) is not None}
            found = _shown(view)
            if found != table:
                wrong = next(key for key in sorted({*found, *table}) if found.get(key) != table.get(key))
                return Verdict(passed=False, saw=f"{len(came)} changes, {what}: {wrong} is {brief(found.get(wrong))} "
                               f"in the view and {brief(table.get(wrong))} in the table. "
                               f"{_slip_of_apply(changes, wrong, found)}")  # fmt: skip
    return Verdict(passed=True, saw="The view is the table, in order, out of order, and with repeats.")


def _last(changes: Sequence[Change], key: str) -> int | None:
    return next(value for one, value, _ in reversed(changes) if one == key)


def _shown(view: Any) -> dict[str, Any]:
    if not all(isinstance(entry, tuple) and len(entry) == 2 for entry in view.values()):
        raise Misuse(f"view holds {brief(next(iter(view.values())))}; keep for each key a pair (value, position)")
    return {key: value for key, (value, _) in view.items() if value is not None}


def _slip_of_apply(changes: Sequence[Change], key: str, found: dict[str, Any]) -> str:
    of_key = [(value, position) for one, value, position in changes if one == key]
    if key in found and of_key[-1][0] is None:
        return "It was deleted, and an older change brought it back: what is gone needs its position, too."
    if key in found and any(value == found[key] for value, _ in of_key[:-1]):
        return "An older change came later, and won: compare the positions."
    return "The change with the highest position counts."


APPLY: Final = Exercise(
    lab=LAB,
    name="apply",
    title="In any order, however often",
    statement="""
A view is a dict, for each key a pair `(value, position)`. `change` is `(key, value, position)`: the commit at this
position gave the key this value; a value of `None` says that the key was deleted. A key whose value in the view is
`None` is not shown to anybody.

Change `view` in place. The network brings the changes in any order, some of them twice; in the end the view must show
what the table says.""",
    skeleton="def apply(view, change):\n    key, value, position = change\n    view[key] = (value, position)",
    example="""After `apply(view, ("k", 5, 9))` and `apply(view, ("k", 4, 3))` the view is `{"k": (5, 9)}`.""",
    hints=(
        "When is a change older than what the view has of its key?",
        "Let go of it then. A change that comes twice is not newer than itself.",
        "A deleted key must keep its position (a tombstone): else an old change of it looks new.",
    ),
    check=check_apply,
    play=lambda function: (),
    is_pure=True,
    answer=apply,
)


# ------------------------------------------------------------------------------------------ to think about
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="from a nightly copy to a stream",
    statement="""
Every night *Slumber* copies all forty million rows of its shop into a search engine; it takes five hours, and in the
day the search is up to a day old. The search is to be seconds old, and must not stand still for a minute while this
is changed.

Write down the steps, in their order. What do you watch, what do you do when something is wrong, and when do you switch
the nightly copy off?""",
    model_answer="""
**A slot first, then the snapshot of its moment.** Make both together; the log is held back from now on, so look at the
disk: five hours of changes must fit, and set a limit with an alarm at a half of it. Read the snapshot into a **new**
index beside the old one, in pieces, with the position of the snapshot at each document. Then follow the stream: each
document keeps its position, and a change that is not newer is let go; what comes twice does no harm.

**Compare before you swap.** When the new index is at the log's end, compare it with the table by ranges of keys at one
position. Send a share of the searches to both and count where they differ. The nightly job goes on into the old index:
as long as it does there is a way back. Then lead readers over, by an alias, in one step.

**After it.** Watch the lag in seconds *and* the bytes that the slot holds back, and page somebody on both. Keep the job
that makes an index anew, for lost slots and for new mappings; run it now and then, so that it works when it is needed.
Drop the old index, and switch the nightly copy off, when a week of comparisons has found nothing. Who must see their
own change at once (the shop's own people) brings its position along.""",
)

TASKS: Final = (ENDS_APART, POLL, APPLY, DESIGN)
