"""What partitions, replicas and rings come to, counted over many runs for a chart, without a picture.

Functions that take `*values` return (value, mean, standard error) for each, over eight runs with luck of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from random import Random
from statistics import fmean, stdev
from typing import Final

from dsys_lab import laws
from dsys_lab.errors import BadParameter, MayHaveHappened, require_choice, require_fraction, require_positive
from dsys_lab.simulation import Measured
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.key_value.lsm import LsmStore, Tiered
from dsys_lab.stores.key_value.partitioned import (
    Compare,
    ConditionFailed,
    Gate,
    KeySchema,
    ModuloPlacement,
    PartitionedTable,
    ReplicaGroup,
    Settings,
    Transactions,
    Update,
    UpdateItem,
    moved_share,
)
from dsys_lab.stores.key_value.partitioned.admission import MODES
from dsys_lab.stores.key_value.partitioned.keys import hash_of
from dsys_lab.stores.key_value.partitioned.replica import Command, Write
from dsys_lab.stores.key_value.ring import Ring
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.structures.hash_ring import POSITIONS, HashRing
from dsys_lab.workloads.keys import zipf

RUNS: Final = 8
KEYS: Final = 1_000
CALLS: Final = 5_000
WARM_UP: Final = 1_000
UNITS: Final = 10.0
"""A call is so large that eight seconds are some 5,000 of them."""
OFFERED: Final = 6_000.0
PROMISED: Final = 7_000.0
LIMIT: Final = 1_000.0
PERSON: Final = KeySchema("person")


def measured(values: Iterable[float], count: Callable[[float, int], float]) -> list[Measured]:
    """Return (value, mean, standard error) of `count(value, seed)`."""
    told = []
    for value in values:
        runs = [count(value, seed) for seed in range(1, RUNS + 1)]
        told.append((value, fmean(runs), stdev(runs) / RUNS**0.5))
    return told


# ------------------------------------------------------------------------------------------ hot keys
@lru_cache(maxsize=64)
def loads(skew: float, partitions: int, suffixes: int = 1) -> tuple[float, ...]:
    """Return the share of the writes that each partition gets, the key of rank r with a share of 1 / r**skew."""
    shares, told = zipf(KEYS, skew).shares, [0.0] * partitions
    for rank, share in enumerate(shares.tolist()):
        for suffix in range(suffixes):
            told[_home(rank, suffix, suffixes, partitions)] += share / suffixes
    return tuple(told)


def _home(rank: int, suffix: int, suffixes: int, partitions: int) -> int:
    """Return the partition of a key, or of one of the keys that it was spread over."""
    name = str(rank) if suffixes == 1 else f"{rank}.{suffix}"
    return hash_of(name) * partitions // POSITIONS


def _passed(gate: Gate) -> float:
    return sum(use.passed for use in gate.status().values())


def accepted_by_law(skew: float, *, partitions: int = 8, mode: str = "static", suffixes: int = 1) -> float:
    """Return the share of 6,000 units a second that passes, by law: the sum of min(load, limit) over all partitions."""
    limit = PROMISED / partitions if mode == "static" else LIMIT
    offered = [OFFERED * share for share in loads(skew, partitions, suffixes)]
    return laws.accepted_units(offered, [min(limit, LIMIT)] * partitions) / OFFERED


def accepted(*skews: float, partitions: int = 8, mode: str = "static", suffixes: int = 1) -> list[Measured]:
    """Count the share of 6,000 units a second that passes where 7,000 were promised and nothing was saved up."""
    require_choice("mode", mode, tuple(MODES))

    names = [f"p{number}" for number in range(partitions)]
    homes = {
        rank: [names[_home(rank, suffix, suffixes, partitions)] for suffix in range(suffixes)] for rank in range(KEYS)
    }

    def one(skew: float, seed: int) -> float:
        gate = Gate(rate=PROMISED, mode=mode, kind="Write", partitions=names, saved=0.0)
        for name in names:  # the buckets begin with a second's worth: empty them first
            while not gate.admit(0, name, UNITS):
                pass
        before = 0.0
        for number, rank in enumerate(zipf(KEYS, skew).draw(seed, "writes", 0, CALLS).tolist()):
            if number == WARM_UP:
                before = _passed(gate)
            gate.admit(int(number * UNITS / OFFERED * 1e6), homes[rank][number % suffixes], UNITS)
        return (_passed(gate) - before) / (UNITS * (CALLS - WARM_UP))

    return measured(skews, one)


SPIKE_S: Final = (180, 420)


def spike(mode: str, *, skew: float = 0.8, partitions: int = 8, seed: int = 7) -> list[tuple[float, float]]:
    """Return (second, units refused in it) over ten minutes; from minute 3 to 7 more is asked for.

    4,000 units a second were promised: 3,000 are asked for before and after, 4,400 during the spike.
    """
    require_choice("mode", mode, tuple(MODES))
    names = [f"p{number}" for number in range(partitions)]
    gate = Gate(rate=4_000, mode=mode, kind="Write", partitions=names, saved=0.0)
    size, told = 100.0, []
    homes = [names[_home(rank, 0, 1, partitions)] for rank in range(KEYS)]
    ranks = iter(zipf(KEYS, skew).draw(seed, "spike", 0, 40_000).tolist())
    refused_before = 0.0
    for second in range(600):
        calls = int((4_400 if SPIKE_S[0] <= second < SPIKE_S[1] else 3_000) / size)
        for number in range(calls):
            gate.admit(second * 1_000_000 + number * 1_000_000 // calls, homes[next(ranks)], size)
        refused = sum(sum(use.refused.values()) for use in gate.status().values())
        told.append((float(second), refused - refused_before))
        refused_before = refused
    return told


def refusing_at_ease(spikes: dict[str, list[tuple[float, float]]]) -> str:
    """Say which modes refuse something before the spike: "none", the modes joined by "and", or "all four"."""
    modes = [mode for mode, units in refused_units(spikes).items() if units["before"]]
    return "all four" if len(modes) == len(MODES) else " and ".join(modes) or "none"


def refused_units(spikes: dict[str, list[tuple[float, float]]]) -> dict[str, dict[str, float]]:
    """Return, for each mode, the units refused before the spike and in all."""
    return {
        mode: {
            "before": sum(units for second, units in told if second < SPIKE_S[0]),
            "in all": sum(units for _, units in told),
        }
        for mode, told in spikes.items()
    }


# ------------------------------------------------------------------------------------------ placement
def moved(*machines: int, virtual_nodes: int = 128, keys: int = 2_000) -> dict[str, list[Measured]]:
    """Return the share of the keys that live elsewhere when one machine joins so many, by ring and by modulo."""
    asked = [f"person {number}".encode() for number in range(keys)]

    def names(count: float, seed: int) -> list[str]:
        return [f"{seed}/machine-{number}" for number in range(int(count) + 1)]

    def by_ring(count: float, seed: int) -> float:
        every = names(count, seed)
        before, after = (HashRing(some, virtual_nodes=virtual_nodes) for some in (every[:-1], every))
        return moved_share(before, after, asked)

    def by_modulo(count: float, seed: int) -> float:
        every = names(count, seed)
        return moved_share(ModuloPlacement(every[:-1]), ModuloPlacement(every), asked[seed::2])

    return {"ring": measured(machines, by_ring), "modulo": measured(machines, by_modulo)}


def fullest_over_mean(*virtual_nodes: int, machines: int = 10) -> list[Measured]:
    """Return by how much the fullest machine's arc exceeds the mean."""

    def one(points: float, seed: int) -> float:
        ring = HashRing([f"{seed}/{number}" for number in range(machines)], virtual_nodes=int(points))
        return max(ring.arc_shares().values()) * machines

    return measured(virtual_nodes, one)


# ------------------------------------------------------------------------------------------ reads that are behind
def stale_reads(*lags_ms: float, writes: float = 8.0) -> list[Measured]:
    """Count the share of eventual reads that miss the newest committed version; one of three replicas is behind."""
    require_positive(writes=writes)

    def one(lag_ms: float, seed: int) -> float:
        luck, lags = stream(seed, "stale"), {1: 1_000, 2: 1_000 + int(lag_ms * 1_000)}
        table = PartitionedTable("cards", PERSON, Settings(split=None), lag=lambda follower: lags[follower])
        rng = Random(f"{seed}/{lag_ms}")
        times = list(accumulate(int(rng.expovariate(writes) * 1e6) for _ in range(120)))
        plan = [(at_us, False) for at_us in times] + [(int(luck() * times[-1]), True) for _ in range(250)]
        stale = reads = 0
        for now_us, is_read in sorted(plan):
            if not is_read:
                table.put(now_us, {"person": "17", "at": now_us})
                continue
            newest = table.get(now_us, {"person": "17"}, strong=True).item
            found = table.get(now_us, {"person": "17"}, replica=int(luck() * 3)).item
            stale, reads = stale + (found != newest), reads + 1
        return stale / reads

    return measured(lags_ms, one)


def stale_after_write(n: int, r: int, w: int, *, sloppy: bool = False, down: int = 0, writes: int = 1_000) -> float:
    """Count the share of reads right after an acknowledgement that miss it.

    With `down` machines of the key out of reach during the write, and back at once afterwards.
    """
    luck, stale = stream(11, f"{n}/{r}/{w}/{sloppy}/{down}"), 0
    ring = Ring("abcdefgh", n=n, r=r, w=w, sloppy=sloppy, read_repair=False, virtual_nodes=16,
                lag=lambda machine: 1_000 + int(luck() * 9_000))  # fmt: skip
    for number in range(writes):
        key, now_us = f"card {number}", number * 1_000_000
        homes = ring.hash_ring.owners(key.encode(), n)
        for machine in homes[:down]:
            ring.crash(now_us, machine)
        put = ring.put(now_us, key, "new")
        for machine in homes[:down]:
            ring.restart(put.acknowledges_us, machine)
        ring.tick(put.acknowledges_us)
        among = sorted(homes, key=lambda _: luck())[:r]
        stale += ring.get(put.acknowledges_us, key, ask=among).values != ("new",)
    return stale / writes


# ------------------------------------------------------------------------------------------ answers that are lost
GUARDS: Final = ("nothing", "a condition", "a token")


def counted_nights(guard: str, *, nights: int = 200, lost_answers: float = 0.3, seed: int = 7) -> int:
    """Add one to a counter for each of so many nights, and again after each lost answer; return what it says.

    `a condition` adds only if the counter is what the client last read; `a token` names the request.
    """
    require_choice("guard", guard, GUARDS)
    require_fraction(lost_answers=lost_answers)
    if lost_answers == 1:
        raise BadParameter("lost_answers = 1: the client never stops; give less than 1")
    luck = stream(seed, "answers")
    table = PartitionedTable("cards", PERSON, Settings(write_rate=1e6, write_limit=1e6, split=None))
    transactions = Transactions(table)
    key, add = {"person": "17"}, Update(add={"nights": 1})
    table.put(0, {**key, "nights": 0})

    def ask(number: int) -> None:
        if guard == "a token":
            transactions.write(0, [UpdateItem(key, add)], token=f"night {number}")
        elif guard == "a condition":
            table.update(0, key, add, condition=Compare("nights", "=", number))
        else:
            table.update(0, key, add)
        if luck() < lost_answers:
            raise MayHaveHappened("no answer came")

    for number in range(nights):
        while True:
            try:
                ask(number)
            except MayHaveHappened:
                continue
            except ConditionFailed:
                pass  # it had happened: the counter is one further
            break
    found = table.get(0, key, strong=True).item
    return int((found or {})["nights"])


# ------------------------------------------------------------------------------------------ the power goes
def journal_cuts(seed: int = 7) -> Counter[str]:
    """Cut the power of one replica before each step of its disk; count what was lost of what was acknowledged."""
    told: Counter[str] = Counter()
    whole = [VolatileDisk() for _ in range(3)]
    _write_some(whole)
    for victim in range(3):
        for step in range(whole[victim].steps):
            disks, luck = [VolatileDisk() for _ in range(3)], stream(seed, f"{victim}/{step}")
            disks[victim].power_cut_before = step
            acknowledged = _write_some(disks)
            for disk in disks:
                disk.crash(luck)
            group = ReplicaGroup("cards", disks=disks)
            group.elect(0)
            held = {key.partition for key, _ in group.read(strong=True)}
            told["moments"] += 1
            told["acknowledged"] += len(acknowledged)
            told["lost"] += len([person for person in acknowledged if person not in held])
    return told


def _write_some(disks: Sequence[VolatileDisk]) -> list[str]:
    """Write six cards to a group on these disks; return those that were acknowledged before the power went."""
    acknowledged: list[str] = []
    try:
        group = ReplicaGroup("cards", disks=disks)
        for number in range(6):
            item = {"person": f"p{number}", "minutes": 435}
            at = group.append(number, Command((Write(PERSON.key_of(item), item),)))
            group.tick(number)
            if group.committed > at:
                acknowledged.append(item["person"])  # type: ignore[arg-type]
    except PowerCut:
        pass
    return acknowledged


def compaction_cuts(seed: int = 7) -> Counter[str]:
    """Cut the power of an LSM store before each step of its disk, merges included; count losses and orphaned files."""
    told: Counter[str] = Counter()
    whole = VolatileDisk()
    _fill(whole)
    for step in range(whole.steps):
        disk, luck = VolatileDisk(), stream(seed, str(step))
        disk.power_cut_before = step
        acknowledged = _fill(disk)
        disk.crash(luck)
        before = len([name for name in disk.names() if name.startswith("run-")])
        store = _lsm(disk)
        after = len([name for name in disk.names() if name.startswith("run-")])
        told["moments"] += 1
        told["with an orphaned file"] += before > after
        told["lost"] += len([key for key in acknowledged if store.get(key) is None])
    return told


def _lsm(disk: VolatileDisk) -> LsmStore:
    return LsmStore(disk, policy=Tiered(3), memtable_bytes_max=300)


def _fill(disk: VolatileDisk) -> list[bytes]:
    acknowledged: list[bytes] = []
    try:
        store = _lsm(disk)
        for number in range(24):
            key = f"card-{number:02d}".encode()
            store.put(key, bytes(40))
            acknowledged.append(key)
    except PowerCut:
        pass
    return acknowledged
