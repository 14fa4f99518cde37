"""Exercises of lab 01: what an outage leaves, a loop that survives every crash, what may be changed in a contract."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from dsys_lab import laws
from dsys_lab.dataflows.service import Consumer, Field, Kept, Outcome, Version, crashed_everywhere
from dsys_lab.dataflows.service.compatibility import VERDICTS, Reading, compared
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.service_database_broker import outage, three_ways
from dsys_lab.scenarios.service_database_broker.points import looks
from dsys_lab.simulation.chance import stream
from dsys_lab.trace import Trace
from dsys_lab.views.charts import Chart, number, verdict_grid

LAB: Final = 1
HIDDEN_SEED: Final = 2001


# ------------------------------------------------------------------------------------------ (a) what an outage leaves
class Down(NamedTuple):
    """A reader that was down."""

    nights_a_second: float
    works_a_second: float
    outage_s: float

    def __str__(self) -> str:
        rates = f"{number(self.nights_a_second)} nights a second, {number(self.works_a_second)} worked off"
        return f"{rates}, {number(self.outage_s)} s down"

    @property
    def by_law(self) -> tuple[float, float]:
        """What waits, and for how long."""
        waiting = laws.waiting_after_outage(self.nights_a_second, self.outage_s)
        if not waiting:
            return 0.0, 0.0
        if self.works_a_second <= self.nights_a_second:
            return waiting, math.inf
        return waiting, laws.outage_drain_s(self.outage_s, self.nights_a_second, self.works_a_second)


def _hidden_outages() -> list[Down]:
    luck = stream(HIDDEN_SEED, "outages")
    drawn = []
    for _ in range(8):
        nights = 10 + int(luck() * 190)
        drawn.append(Down(nights, nights + 5 + int(luck() * 200), 5 + int(luck() * 55)))
    return [Down(100, 120, 30), *drawn, Down(80, 80, 20), Down(80, 60, 20), Down(50, 40, 0)]


TOLERANCE: Final = 0.02


def backlog_and_drain(nights_a_second: float, works_a_second: float, outage_s: float) -> tuple[float, float]:
    """Return the nights that wait, and the seconds until none does."""
    from math import inf

    waiting = nights_a_second * outage_s
    if waiting == 0:
        return 0, 0
    if works_a_second <= nights_a_second:
        return waiting, inf
    return waiting, waiting / (works_a_second - nights_a_second)


def _two_numbers(said: Any) -> tuple[float, float]:
    if (not isinstance(said, tuple | list) or len(said) != 2
            or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in said)):  # fmt: skip
        raise Misuse(f"it returned {brief(said)}; give two numbers, the nights that wait and the seconds (or math.inf)")
    return float(said[0]), float(said[1])


def check_backlog_and_drain(function: Callable[..., Any]) -> Verdict:
    """Hold both numbers against the law for hidden outages, and the law against one that is run."""
    for down in _hidden_outages():
        said, law = _two_numbers(function(*down)), down.by_law
        for which, value, true in zip(("nights wait", "seconds pass"), said, law, strict=True):
            is_right = value == true if true in (0, math.inf) else abs(value - true) <= TOLERANCE * true
            if not is_right:
                saw = f"For {down} you said that {number(value)} {which}; it is {number(true)}. {_slip(down, value)}"
                return Verdict(passed=False, saw=saw.strip())
    run = Down(20, 40, 10)
    counted = outage("broker", nights_a_second=20, works_a_second=40, outage_s=10, lasts_s=60, seed=HIDDEN_SEED)
    caught_up = "never" if counted.caught_up_s is None else f"after {number(counted.caught_up_s)} s"
    hidden = f"In one hidden run ({run}) {counted.stood_most} waited, and the reader had caught up {caught_up}"
    return Verdict(passed=True, saw=f"{hidden}; by your numbers {_words(function(*run))}.")


def _words(said: Any) -> str:
    waiting, seconds = _two_numbers(said)
    return f"{number(waiting)} and {number(seconds)} s"


def _slip(down: Down, said: float) -> str:
    nights, works, outage_s = down
    if nights >= works and said != math.inf:
        return "The reader is no faster than what comes: it never catches up, give math.inf."
    slips = {
        nights * outage_s / works: "While it works the old ones off, new ones come.",
        works * outage_s: "What waits is what came, not what could have been worked off.",
        outage_s: "That is the outage itself; how fast are the old ones worked off besides the new?",
    }
    return next((words for value, words in slips.items() if math.isclose(said, value, rel_tol=1e-6)), "")


def play_backlog_and_drain(function: Callable[..., Any]) -> list[Trace]:
    """Play an outage with what the reader says of it in the title."""
    trace = three_ways(nights_a_second=6, works_a_second=10, outage_s=4, lasts_s=20)
    waiting, seconds = _two_numbers(function(6, 10, 4))
    trace.header.title = f"by your numbers {number(waiting)} wait, for {number(seconds)} s"
    return [trace]


BACKLOG_AND_DRAIN: Final = Exercise(
    lab=LAB,
    name="backlog_and_drain",
    title="What an outage leaves",
    statement="""
Nights are put on a log, `nights_a_second`. Their reader, who works off `works_a_second`, was down for `outage_s`
seconds, and is back. Return two numbers: how many nights wait at that moment, and for how many seconds from then on
nights have to wait. If they always will, that is `math.inf`.""",
    skeleton="def backlog_and_drain(nights_a_second, works_a_second, outage_s):\n    ...",
    example="`backlog_and_drain(100, 120, 30)` is `(3000, 150)`.",
    hints=(
        "What came in those seconds? And by how much does the heap shrink in a second, while new nights come?",
        "It shrinks by `works_a_second - nights_a_second`. When is that no number to divide by?",
        "`nights_a_second * outage_s`, and that divided by the difference; `math.inf` if the reader is no faster.",
    ),
    check=check_backlog_and_drain,
    play=play_backlog_and_drain,
    answer=backlog_and_drain,
    is_pure=True,
)


# ------------------------------------------------------------------------------------------ (b) no loss, nothing twice
SIZES: Final = ((8, 4), (7, 3), (5, 1), (12, 12))


def turn(reader: Consumer) -> None:
    """Go round once: what was done is skipped, and the position is written down when the batch is done."""
    reader.read()
    reader.skip_seen()
    reader.process()
    reader.commit()


def check_turn(function: Callable[..., Any]) -> Verdict:
    """Crash the reader's loop before each of its steps, for batches of several sizes."""
    tried = 0
    for records, batch in SIZES:
        log = f"For {records} records in batches of {batch}"
        kept = Kept()
        calm = Consumer(function, records, batch, kept)
        calm.run()
        undone = records - len(kept.effects)
        if undone:
            never = f"{undone} were never worked off. Who processes?"
            return Verdict(passed=False, saw=f"{log}, without any crash, {never}")
        for one in crashed_everywhere(function, records=records, batch=batch):
            tried += 1
            if one.lost or one.repeated:
                return Verdict(passed=False, saw=f"{log}, {_told(one, calm.steps)}")
        if kept.position < records:
            again = "the next start reads all from the beginning, on a log that only grows"
            return Verdict(passed=False, saw=f"{log}, without any crash, the position is {kept.position}: {again}.")
    saw = f"With {tried} crashes, before each step once, no record was lost and none done twice."
    return Verdict(passed=True, saw=saw)


def _told(one: Outcome, steps: list[str]) -> str:
    where = f"with the power gone before step {one.step} ({one.before})"
    if one.lost:
        lost = _records(one.lost)
        return f"{where}, {lost} never worked off: the position behind was committed, and the work was not done."
    twice = f"{_records(one.repeated)} done twice, having been read again after the restart"
    return f"{where}, {twice}, {_asked(steps)}."


def _asked(steps: list[str]) -> str:
    if "skip seen" not in steps:
        return "and nobody asked what was seen"
    if steps.index("skip seen") < steps.index("read"):
        return "and it was asked what was seen before anything was in hand"
    return "and it was asked too late what was seen"


def _records(count: int) -> str:
    return "one record was" if count == 1 else f"{count} records were"


def picture_turn(function: Callable[..., Any]) -> Chart:
    """Draw what each crash came to in the reader's loop."""
    cells = {("your loop", f"{one.step}"): looks(one) for one in crashed_everywhere(function, records=4, batch=4)}
    legend = {"done": "each done once", "lost": "lost", "again": "done twice"}
    return verdict_grid({"four records in one batch": cells}, legend=legend, columns="the power goes before step")


TURN: Final = Exercise(
    lab=LAB,
    name="turn",
    title="A loop that survives every crash",
    statement="""
Write one turn of a reader's loop. It is called again and again until the log is at its end. `reader` has four methods:

`reader.read()` takes the next batch in hand. `reader.process()` works off what is in hand, and writes each record's id
down **in the same step** as its effect. `reader.skip_seen()` lets go of what is in hand and has such an id.
`reader.commit()` writes down the position behind all that was read; a new start goes on from there.

The power goes before each step once, and what is only in memory is gone. Lose nothing, do nothing twice, and do not
begin anew for ever.""",
    skeleton="def turn(reader):\n    reader.read()\n    reader.process()\n    reader.commit()",
    example="The skeleton is right as long as the power never goes.",
    hints=(
        "Which order of `process` and `commit` loses, and which repeats? Only one of the two can be mended.",
        "What was repeated can be recognised: its id was written down with its effect. Who asks, and when?",
        "Between `read` and `process` let go of what was seen, and commit last.",
    ),
    check=check_turn,
    play=lambda function: (),
    picture=picture_turn,
    answer=turn,
)

# ------------------------------------------------------------------------------------------ (c) what may be changed
Fields = Mapping[str, tuple[str, Any]]
"""By name, the type of a field and its default, or None."""
BASE: Final[dict[str, tuple[str, Any]]] = {
    "person": ("u32", None),
    "hours_sleep": ("f64", None),
    "awakenings": ("u8", 0),
    "pulse": ("i32", None),
    "city": ("text", "nowhere"),
}


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a contract, in words, and the fields before and after."""

    words: str
    old: Fields
    new: Fields

    def decoded(self) -> tuple[str, Reading, Reading]:
        """Decode old bytes with the new version and new bytes with the old one."""
        found = compared(_version("old", self.old), _version("new", self.new), form="name")
        return found.verdict, found.backward, found.forward


def _version(name: str, fields: Fields) -> Version:
    return Version(name, tuple(Field(at, one, *said) for at, (one, said) in enumerate(fields.items(), 1)))


def _without(name: str) -> dict[str, tuple[str, Any]]:
    return {one: said for one, said in BASE.items() if one != name}


def hidden_edits() -> list[Edit]:
    """Return the edits that are tried, single ones and two of them at once."""
    luck = stream(HIDDEN_SEED, "edits")
    default = 1 + int(luck() * 90)
    changes: dict[str, Fields] = {
        "oxygen u8 is added, with a default": {**BASE, "oxygen": ("u8", default)},
        "oxygen u8 is added, without a default": {**BASE, "oxygen": ("u8", None)},
        "pulse, which must be there, is removed": _without("pulse"),
        "city, which may be left out, is removed": _without("city"),
        "hours_sleep is renamed": {**_without("hours_sleep"), "sleep_hours": BASE["hours_sleep"]},
        "pulse i32 becomes i64": {**BASE, "pulse": ("i64", None)},
        "pulse i32 becomes u8": {**BASE, "pulse": ("u8", None)},
        "person u32 becomes text": {**BASE, "person": ("text", None)},
        "city has another default": {**BASE, "city": ("text", "unknown")},
        "awakenings loses its default": {**BASE, "awakenings": ("u8", None)},
        "pulse gets a default": {**BASE, "pulse": ("i32", default)},
        "oxygen u8 is added without a default, pulse removed": {**_without("pulse"), "oxygen": ("u8", None)},
        "awakenings u8 becomes u16, oxygen added with a default":
            {**BASE, "awakenings": ("u16", 0), "oxygen": ("u8", default)},
        "nothing but the order of the fields": dict(reversed(BASE.items())),
    }  # fmt: skip
    return [Edit(words, BASE, new) for words, new in changes.items()]


def may_change(old: Fields, new: Fields) -> str:
    """Say which of the two versions reads what the other has written."""
    ranges = {"u8": (0, 2**8 - 1), "u16": (0, 2**16 - 1), "u32": (0, 2**32 - 1), "u64": (0, 2**64 - 1),
              "i32": (-(2**31), 2**31 - 1), "i64": (-(2**63), 2**63 - 1)}  # fmt: skip

    def fits(wrote: str, wanted: str) -> bool:
        if wrote == wanted:
            return True
        if wrote not in ranges or wanted not in ranges:
            return False
        return ranges[wanted][0] <= ranges[wrote][0] and ranges[wrote][1] <= ranges[wanted][1]

    def reads(writer: Fields, reader: Fields) -> bool:
        for name, (wanted, default) in reader.items():
            if name not in writer:
                if default is None:
                    return False
                continue
            wrote, left_out = writer[name]
            if not fits(wrote, wanted) or (left_out is not None and left_out != default):
                return False
        return True

    backward, forward = reads(old, new), reads(new, old)
    return "both" if backward and forward else "backward" if backward else "forward" if forward else "none"


def check_may_change(function: Callable[..., Any]) -> Verdict:
    """Hold the reader's word for each edit against bytes that are really decoded."""
    edits = hidden_edits()
    for edit in edits:
        said = function(dict(edit.old), dict(edit.new))
        if said not in VERDICTS:
            raise Misuse(f"it returned {brief(said)}; give one of {', '.join(map(repr, VERDICTS))}")
        verdict, backward, forward = edit.decoded()
        if said != verdict:
            old = f"the new reader, on old bytes: {_read(backward)}"
            new = f"the old reader, on new bytes: {_read(forward)}"
            return Verdict(passed=False, saw=f"Where {edit.words}, you said {said!r}. But {old}; {new}.")
    return Verdict(passed=True, saw=f"{len(edits)} edits, and both ways of each decoded: all as you said.")


def _read(reading: Reading) -> str:
    if reading.passes:
        return "it understands them"
    return f"no error, and yet {reading.why}" if reading.silent else f"{reading.why}"


MAY_CHANGE: Final = Exercise(
    lab=LAB,
    name="may_change",
    title="May it be changed?",
    statement="""
A contract is a mapping of field names to `(type, default)`; without a default (`None`) a field must be there, with one
it may be left out, and a reader then takes *its own* default. Bytes travel with names. A reader skips what it does not
know. Types are `u8`, `u16`, `u32`, `u64` (whole, from 0), `i32`, `i64` (whole), `f64` and `text`.

Given the `old` and the `new` contract, return `"backward"` if only new readers understand all that old writers may
write, `"forward"` if only old readers understand all that new writers may write, `"both"`, or `"none"`. To understand
is to read what was *meant*: the writer's value, or the writer's default.

The check does not compare with a rule: it encodes records at the ends of what may be written, and decodes them.""",
    skeleton="def may_change(old, new):\n    ...",
    example='`may_change({"person": ("u32", None)}, {"person": ("u32", None), "city": ("text", "Oslo")})` is `"both"`.',
    hints=(
        "Write a function `reads(writer, reader)` first, and call it both ways.",
        "For each field of the reader: is it the writer's, too, and fits into the type? If not, has it a default?",
        "A writer may leave out what has a default. Then the reader takes its own: it must be there, and be the same.",
    ),
    check=check_may_change,
    play=lambda function: (),
    answer=may_change,
    is_pure=True,
)

# ------------------------------------------------------------------------------------------ to think about
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="An order was placed",
    statement="""
The shop takes an order. **Stock** must not promise the same mattress twice. A **mail** shall go out. The **warehouse**
packs, in two shifts, and is closed on Sundays.

For each of the three: by which way does it learn of the order? Who owns the schema, who must know whose address, and
who tries again when it goes wrong? What does the customer see if that one is down?""",
    model_answer="""
**Stock: a service.** The shop cannot say "yes" without its answer, so it must be there at that moment, whatever we do.
The stock team owns the contract, the shop knows the address and retries a few times under the order's number as the
key; so a second attempt reserves nothing twice. If stock is down the customer hears "try again in a minute", or the
shop accepts and apologises later (lab 25): that is a decision about money, not about technique.

**Mail: a log.** Nobody waits for it. The shop owns the schema of *order placed*, and versions are only added to. It
writes the order and the message in one transaction (an outbox), so that no order is without a mail. The mailer knows
the broker only, retries by itself, and keeps the order's number with each mail it has sent; sending is an effect
outside, so at the worst moment somebody gets two mails, and that is cheap. If the mailer is down nobody at the shop
notices; watch the backlog.

**Warehouse: the same log, another reader.** It is *meant* to be away on Sundays: 48 hours of orders wait, so the
retention must be longer than the longest weekend, and Monday's drain is λT/(μ − λ) with Monday's own λ. If packing may
fail for one order (a poisoned one) and must not stop the others, put a queue with dead letters between.

No shared database: the warehouse would be quickest with a look into the shop's tables, and from then on the shop could
not rename a column any more.
""",
)

TASKS: Final = (BACKLOG_AND_DRAIN, TURN, MAY_CHANGE, DESIGN)
