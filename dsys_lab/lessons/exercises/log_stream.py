"""Exercises of lab 17: which shard a key lies on, how many shards a load needs, and what a careful sink carries out."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import md5
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.log_stream import HASHES, even_ranges, hash_of
from dsys_lab.errors import Misuse
from dsys_lab.facts import fact
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.log_stream.careless import SEEDS, TROUBLES, Effect, Night, asked, night
from dsys_lab.simulation.chance import stream
from dsys_lab.views import charts

LAB: Final = 17
TAKES: Final = int(fact("kinesis_shard_write_records").value)


# ------------------------------------------------------------------------------------------ (a) which shard
def shard_of(key: str, shards: int) -> int:
    """Return the number of the range in which the key's hash lies: of the hashes, so many parts of `shards`."""
    hashed = int.from_bytes(md5(key.encode(), usedforsecurity=False).digest(), "big")
    return hashed * shards // 2**128


COUNTS: Final = (100, 16, 8, 3, 2, 1)
KEYS: Final = (*(f"sleeper-{number}" for number in range(98)), "zoë", "")


def true_shard(key: str, shards: int) -> int:
    """Return on which of so many even shards the stream puts a key."""
    return bisect_right(_lows(shards), hash_of(key)) - 1


@lru_cache(maxsize=512)
def _lows(shards: int) -> tuple[int, ...]:
    return tuple(keys.low for keys in even_ranges(shards))


def check_shard_of(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the stream's ranges."""
    for shards in COUNTS:
        for key in KEYS:
            said, truth = function(key, shards), true_shard(key, shards)
            if not isinstance(said, int) or isinstance(said, bool):
                raise Misuse(f"it returned {brief(said)}; give a whole number from 0 to {shards - 1}")
            if said != truth:
                told = f"{key!r} of {shards} shards lies on {truth}, you said {said}."
                return Verdict(passed=False, saw=f"{told} {_slip_of_hash(key, shards, said)}".strip())
    return Verdict(passed=True, saw=f"Right for {len(KEYS)} keys and {len(COUNTS)} numbers of shards.")


def _slip_of_hash(key: str, shards: int, said: int) -> str:
    little = int.from_bytes(md5(key.encode(), usedforsecurity=False).digest(), "little")
    if said == hash_of(key) % shards:
        return "That is the remainder. A shard has a range of hashes, so that it can be cut in two and the others stay."
    if said == little * shards // HASHES:
        return "The first byte of the hash is the most significant one: big-endian."
    if said == true_shard(key, shards) + 1:
        return "The first shard is number 0."
    return "The md5 of the key's UTF-8 bytes, as one whole number below 2^128, and which of the equal parts it is in."


def _chart_of_shards(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw how many of the keys the reader's function puts on each of eight shards, beside the stream."""
    truth, said = [true_shard(key, 8) for key in KEYS], [function(key, 8) for key in KEYS]
    names = {f"shard-{n:03d}": n for n in range(8)}
    return charts.bars(
        {name: float(truth.count(n)) for name, n in names.items()}, title="How many of the keys lie on each shard?",
        unit="keys", predicted={name: float(said.count(n)) for name, n in names.items()},
    )  # fmt: skip


SHARD_OF: Final = Exercise(
    lab=LAB,
    name="shard_of",
    title="On which shard does a key lie?",
    statement="""
A stream has `shards` shards with equal ranges of the hashes from 0 up to but not with 2^128, shard 0 the lowest. The
hash of a key is the md5 of its UTF-8 bytes, read as one whole number, the first byte the most significant.

Return the number of the shard on which `key` lies.""",
    skeleton="def shard_of(key, shards):\n    ...",
    example='`shard_of("slumber-1", 4)` is 1, and `shard_of(key, 1)` is 0 for every key.',
    hints=(
        'From bytes to a number: `int.from_bytes(digest, "big")`.',
        "With 4 shards the second has the hashes from a quarter up to a half: in which of so many equal parts is it?",
        "`hashed * shards // 2**128`. A remainder would spread as well, and could not be split.",
    ),
    check=check_shard_of,
    play=lambda function: (),
    picture=_chart_of_shards,
    is_pure=True,
    answer=shard_of,
)


# ------------------------------------------------------------------------------------------ (b) how many shards
def shards_for(records_a_second: Mapping[str, float]) -> int | None:
    """Try one number after the other: more shards need not be enough where fewer were."""
    if max(records_a_second.values()) > TAKES:
        return None
    shards = max(1, math.ceil(sum(records_a_second.values()) / TAKES))
    while True:
        loads = [0.0] * shards
        for key, rate in records_a_second.items():
            loads[shard_of(key, shards)] += rate
        if max(loads) <= TAKES:
            return shards
        shards += 1


class Load(NamedTuple):
    """So many records a second of each key."""

    name: str
    rates: dict[str, float]

    @property
    def impossible(self) -> bool:
        """Whether one key is more than a shard takes."""
        return max(self.rates.values()) > TAKES

    def hottest(self, shards: int) -> float:
        """Return what the hottest of so many shards must take."""
        loads = [0.0] * shards
        for key, rate in self.rates.items():
            loads[true_shard(key, shards)] += rate
        return max(loads)

    @property
    def enough(self) -> int:
        """The smallest number of shards."""
        return next(shards for shards in range(1, 400) if self.hottest(shards) <= TAKES)


@lru_cache(maxsize=1)
def loads() -> tuple[Load, ...]:
    """Return loads of even and uneven keys; in one of them a single key is too much."""
    chance = stream(1702, "loads")
    told = [Load("a quiet night", {"anna": 40.0, "bert": 12.0}), Load("just full", {"anna": float(TAKES)})]
    for number in range(8):
        total, keys = 1_500 + 900 * number, 30 + 10 * number
        weights = [1 / (rank + 1) ** (number % 3 / 2) for rank in range(keys)]
        rates = {f"cart-{int(chance() * 1e9)}": min(0.98 * TAKES, total * w / sum(weights)) for w in weights}
        told.append(Load(f"{keys} carts", rates))
    return (*told, Load("with a bot", {**told[2].rates, "bot": 1_700.0}))


def check_shards_for(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the shards that a stream needs."""
    for load in loads():
        said = function(dict(load.rates))
        if said is not None and (not isinstance(said, int) or isinstance(said, bool)):
            raise Misuse(f"it returned {brief(said)}; give a whole number of shards, or None")
        truth = None if load.impossible else load.enough
        if said != truth:
            return Verdict(passed=False, saw=_slip_of_shards(load, said))
    return Verdict(passed=True, saw=f"Right for {len(loads())} loads, one of which no number of shards takes.")


def _slip_of_shards(load: Load, said: int | None) -> str:
    top = max(load.rates, key=lambda key: load.rates[key])
    told = f"{load.name}, {sum(load.rates.values()):,.0f} records a second:"
    if load.impossible:
        return f"{told} {top} alone needs {load.rates[top]:,.0f}, and lies on one shard, however many there are: None."
    if said is None:
        return f"{told} no key needs more than a shard takes ({top}: {load.rates[top]:,.0f}), so it is possible."
    if said < 1:
        return f"{told} you said {said}; a stream has one shard at least."
    if load.hottest(said) > TAKES:
        return (
            f"{told} with {said} shards the hottest gets {load.hottest(said):,.0f}. Keys do not divide evenly: "
            "see where each of them lies."
        )
    return f"{told} {said} shards are enough, and {load.enough} are as well. More need not be better: try each number."


def _chart_of_loads(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw how many shards each load needs, beside the reader's numbers."""
    shown = [load for load in loads()[2:] if not load.impossible]
    return charts.bars(
        {f"{load.name}, {sum(load.rates.values()):,.0f}/s": float(load.enough) for load in shown},
        title="How many shards does each load need?", unit="shards",
        predicted={f"{load.name}, {sum(load.rates.values()):,.0f}/s": float(function(dict(load.rates)) or 0)
                   for load in shown},
    )  # fmt: skip


SHARDS_FOR: Final = Exercise(
    lab=LAB,
    name="shards_for",
    title="How many shards?",
    statement=f"""
`records_a_second` says for each key how many records a second it sends. A shard takes {TAKES:,} a second, and the
shards are even, as in the first exercise.

Return the smallest number of shards of which none gets more than it takes; `None` if no number is enough.""",
    skeleton="def shards_for(records_a_second):\n    ...",
    example='`shards_for({"anna": 600, "bert": 300})` is 1, and `shards_for({"bot": 1700})` is `None`.',
    hints=(
        "When is it impossible? A key lies on one shard.",
        "For a given number, add up what each shard gets; use your `shard_of`.",
        "Begin with the sum divided by what a shard takes; where 7 are enough, 8 need not be, so try one by one.",
    ),
    check=check_shards_for,
    play=lambda function: (),
    picture=_chart_of_loads,
    is_pure=True,
    answer=shards_for,
)


# ------------------------------------------------------------------------------------------ (c) a careful sink
def carry_out(
    wanted: Sequence[Effect], parents: Mapping[str, Sequence[str]], last: Mapping[str, int]
) -> list[Effect]:
    """Refuse a lower epoch, skip what was done, and hold a child's effects until its parents are at their ends."""
    newest: dict[str, int] = {}
    held: dict[tuple[str, int], Effect] = {}
    done: dict[tuple[str, int], Effect] = {}
    for effect in wanted:
        record = effect.shard, effect.offset
        newest[effect.shard] = max(newest.get(effect.shard, 0), effect.epoch)
        if effect.epoch == newest[effect.shard] and record not in done:
            held[record] = effect
        for record in sorted(held):
            if all((parent, last[parent]) in done for parent in parents[record[0]]):
                done[record] = held.pop(record)
    return list(done.values())


def check_carry_out(function: Callable[..., Any]) -> Verdict:
    """Hold the function against nights in which workers begin with children, freeze and die."""
    for trouble in TROUBLES:
        for seed in SEEDS:
            told = asked(trouble, seed)
            said = function(list(told.wanted), dict(told.parents), dict(told.last))
            if not isinstance(said, list) or not all(isinstance(one, tuple) and len(one) == 3 for one in said):
                raise Misuse(f"it returned {brief(said)}; give a list of the effects that are carried out")
            slip = _slip_of_sink(told, [Effect(*one) for one in said])
            if slip:
                return Verdict(passed=False, saw=f"In a night with {trouble}: {slip}")
    saw = f"Each record once, in order by key, by its owner alone, in {len(TROUBLES)} troubles."
    return Verdict(passed=True, saw=saw)


def _slip_of_sink(told: Night, said: list[Effect]) -> str:
    if invented := [one for one in said if one not in told.wanted]:
        return f"{invented[0]} is carried out, and no worker wanted that."
    records = [(one.shard, one.offset) for one in said]
    if twice := [record for number, record in enumerate(records) if record in records[:number]]:
        return f"offset {twice[0][1]} of {twice[0][0]} is carried out twice. Remember what was done."
    return _slip_of_epoch(said) or _slip_of_order(told, said)


def _slip_of_epoch(said: list[Effect]) -> str:
    newest: dict[str, int] = {}
    for one in said:
        if one.epoch < newest.get(one.shard, 0):
            return (
                f"offset {one.offset} of {one.shard} is carried out under epoch {one.epoch}, after one under "
                f"{newest[one.shard]}: its worker had lost the shard."
            )
        newest[one.shard] = one.epoch
    return ""


def _slip_of_order(told: Night, said: list[Effect]) -> str:
    done = set[tuple[str, int]]()
    for one in said:
        what = f"offset {one.offset} of {one.shard}"
        for parent in told.parents[one.shard]:
            if (parent, told.last[parent]) not in done:
                return f"{what} comes before the end of {parent}, its parent. Hold it until then."
        if (before := (one.shard, one.offset - 1)) in told.keys and before not in done:
            return f"{what} is carried out before offset {one.offset - 1}."
        done.add((one.shard, one.offset))
    if missing := sorted(told.keys.keys() - done):
        shard, offset = missing[0]
        return f"offset {offset} of {shard} is never carried out. What is held must be carried out in the end."
    return ""


CARRY_OUT: Final = Exercise(
    lab=LAB,
    name="carry_out",
    title="A careful sink for careless workers",
    statement="""
Workers that take no care at all want to carry out the effects of records: they begin with children before the parents
are at their ends, they freeze and go on, they die and are succeeded. You stand before the effects.

`wanted` is what they want, in order: tuples `(shard, offset, epoch)`, where the epoch counts the owners of the shard.
`parents` says for each shard which shards its keys were on before (none for the first ones), `last` for each closed
shard the offset of its last record.

Return the list of those that are carried out, in the order in which they are, so that

- each record is carried out once;
- none under a lower epoch than one that was wanted before it on that shard;
- none of a child before the last record of its parents.""",
    skeleton="def carry_out(wanted, parents, last):\n    return list(wanted)",
    example='`carry_out([("a", 0, 1), ("a", 0, 2), ("a", 1, 1)], {"a": ()}, {})` is `[("a", 0, 1)]`.',
    hints=(
        "Three things are to be remembered: the highest epoch of each shard, what was done, and what is held.",
        "What comes too early is *held*, not refused: its worker will not bring it again.",
        "After each effect that comes, look through what is held, in the order of the offsets: is its turn now?",
    ),
    check=check_carry_out,
    play=lambda function: [
        night("a split, and a worker that froze"),
        night("a split, and a worker that froze", parents_first=True, fenced=True),
    ],
    answer=carry_out,
)

# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Two million carts and a bot",
    statement="""
A pillow shop writes what happens to its carts into a stream: two million carts a day, and what happens to one cart must
be worked on in order. One of the carts belongs to a bot that puts in and takes out five thousand things a second.

What is the key? How many shards, and who decides that? What becomes of the bot, and how does a reader stay right when a
shard is split, a worker dies, or the format of a record changes?""",
    model_answer=f"""
The key is the cart: order within a cart is all that is asked for, and two million keys spread well. Add up the peak,
not the mean, and leave room: with even keys half as much again as the peak, for the hottest of some dozens of shards
has always more than its part. If the peak is not known, on-demand mode; it follows twice the recent peak, and so not
a jump.

The bot is not a question of shards: one key lies on one shard, which takes {TAKES:,} a second, and all carts that
share the shard with it are turned away as well. So it is met *before* the stream: a limit for each cart at the door
(nobody fills a cart a hundred times a second), or a key of its own, the cart and a number from 0 to 9. The latter
gives up the order within that cart, which for a bot is no loss; but then every reader must know it. An alarm on the
share of the hottest key finds the next one.

A reader keeps its checkpoint with its result in one transaction, or has a key in each effect (shard and offset will
do), and refuses a lower epoch. Children wait for their parents; the library does that, and a reader of one's own
must. The retention is longer than the longest holiday weekend, for a reader that broke on Friday evening. A new
format has its version in the record, readers that know both are there before the first writer uses it, and the old
records stay on the tape as they are.""",
)

TASKS: Final = (SHARD_OF, SHARDS_FOR, CARRY_OUT, DESIGN)
