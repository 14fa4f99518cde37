"""What caches, views and replicas come to in many runs, counted for a chart, without a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from dsys_lab.dataflows.derived_view import Cache, Counts, Drift, Extremes, Latest, View, Words, find_drift
from dsys_lab.dataflows.derived_view.drift import range_bounds, range_digests
from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.authoritative_and_derived.following import following
from dsys_lab.scenarios.authoritative_and_derived.herd import herd
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.stores.relational import Change
from dsys_lab.trace import quantile, sojourns_s
from dsys_lab.workloads.keys import zipf

Counted = tuple[float, float, float]
"""A parameter, a mean, and its standard error, as a chart takes it."""
CITIES = ("Oslo", "Lima", "Cairo", "Quito", "Turku")
NOTES = ("warm bed", "cold bed", "loud street", "warm tea and a quiet street", "strange dreams")


@dataclass(frozen=True, slots=True)
class Age:
    """What a ttl comes to, for a key that nobody invalidates.

    Attributes
    ----------
    ttl_s : float
    reads : int
    hit_share : float
        Of the reads.
    stale_share : float
        Of the hits.
    """

    ttl_s: float
    reads: int
    hit_share: float
    stale_share: float


def ages(*ttls_s: float, reads: float = 1.0, writes: float = 0.1, many: int = 20_000, seed: int = 7) -> list[Age]:
    """Read one key `many` times at random, `reads` a second, while it is written `writes` times a second."""
    require_positive(reads=reads, writes=writes, many=many)
    told = []
    for ttl_s in ttls_s:
        cache, position, hits, stale = Cache(ttl_s=ttl_s), 0, 0, 0
        written = _times_us(writes, seed, "writes")
        next_us = next(written)
        for _, now_us in zip(range(many), _times_us(reads, seed, "reads"), strict=False):
            while next_us <= now_us:
                position, next_us = position + 1, next(written)
            entry = cache.get(now_us, "key")
            if entry is None:
                cache.fill(now_us, "key", None, position)
            else:
                hits, stale = hits + 1, stale + (entry.position < position)
        told.append(Age(ttl_s, many, hits / many, stale / hits if hits else float("nan")))
    return told


def _times_us(rate: float, seed: int, name: str) -> Iterator[int]:
    luck, gap_s, now_s = stream(seed, f"ages/{name}"), exponential(1 / rate), 0.0
    while True:
        now_s += gap_s(luck)
        yield round(now_s * 1e6)


def lru_hit_share(
    capacity: int, *, keys: int = 2_000, exponent: float = 0.9, reads: int = 20_000, seed: int = 7
) -> float:
    """Return the share of hits of an LRU cache, counted after as many reads as fill it ten times over."""
    require_positive(reads=reads)
    cache, warm = Cache(capacity=capacity), 10 * capacity
    hits_before = 0
    for number, key in enumerate(zipf(keys, exponent).draw(seed, "lru/keys", 0, warm + reads).tolist()):
        if number == warm:
            hits_before = cache.status().hits
        if cache.get(number, key) is None:
            cache.fill(number, key, None, 0)
    return (cache.status().hits - hits_before) / reads


# ---------------------------------------------------------------- full or incremental
@dataclass(frozen=True, slots=True)
class Maintenance:
    """What it takes to bring a view of `rows` rows up to date after `changes` changes.

    Attributes
    ----------
    view : str
    full_rows, incremental_rows : int
        Rows read by a rebuild, and by taking the changes in.
    recomputed : int
        Groups that had to be looked at again.
    same : bool
        Whether both came to the same state.
    """

    view: str
    full_rows: int
    incremental_rows: int
    recomputed: int
    same: bool


VIEWS: dict[str, Callable[[], View]] = {
    "replica": lambda: Latest("nights"),
    "sums": lambda: Counts("nights", by="city", of="minutes"),
    "extremes": lambda: Extremes("nights", by="city", of="minutes"),
    "words": lambda: Words("nights", of="note"),
}


def nights(count: int, seed: int = 7) -> dict[int, dict[str, Any]]:
    """Return so many nights by their number, all columns drawn at random."""
    luck = stream(seed, "nights")
    return {number: _night(number, luck) for number in range(count)}


def _night(number: int, luck: Callable[[], float]) -> dict[str, Any]:
    city, note = CITIES[int(luck() * len(CITIES))], NOTES[int(luck() * len(NOTES))]
    return {"id": number, "city": city, "minutes": 300 + int(luck() * 240), "note": note}


def maintenance(
    *, rows: int = 2_000, changes: int = 50, extreme_share: float = 0.0, seed: int = 7
) -> list[Maintenance]:
    """Change so many nights, or take away the longest of a city for a share of them, and bring each view up to date."""
    require_positive(rows=rows, changes=changes)
    require_fraction(extreme_share=extreme_share)
    table, told = nights(rows, seed), []
    kept = {name: make() for name, make in VIEWS.items()}
    for view in kept.values():
        view.rebuild(table.values(), 0)
    before = {name: view.status().read_rows for name, view in kept.items()}
    for position, change in enumerate(changes_of(table, changes, extreme_share=extreme_share, seed=seed), 1):
        for view in kept.values():
            view.apply(change, position)
    for name, view in kept.items():
        anew = VIEWS[name]()
        anew.rebuild(table.values(), changes)
        recomputed = view.recomputed if isinstance(view, Extremes) else 0
        read_rows = view.status().read_rows - before[name]
        same = anew.digest() == view.digest()
        told.append(Maintenance(name, anew.status().read_rows, read_rows, recomputed, same))
    return told


def rows_read(views: Sequence[Maintenance]) -> dict[str, float]:
    """Return for each view how many rows it read to follow, and how many one rebuild reads."""
    told: dict[str, float] = {f"{one.view}, following": one.incremental_rows for one in views}
    return told | {"a rebuild": views[0].full_rows}


def changes_of(
    table: dict[int, dict[str, Any]], changes: int, *, extreme_share: float = 0.0, seed: int = 7
) -> list[Change]:
    """Change so many nights in the table, or take the longest of a city away for a share of them; say what was done."""
    luck = stream(seed, "changes")
    return [_change(table, luck, takes_extreme=luck() < extreme_share) for _ in range(changes)]


def _change(table: dict[int, dict[str, Any]], luck: Callable[[], float], *, takes_extreme: bool) -> Change:
    """Change a night in the table, and say what was done."""
    if takes_extreme:
        city = CITIES[int(luck() * len(CITIES))]
        there = [row for row in table.values() if row["city"] == city] or list(table.values())
        gone = max(there, key=lambda row: (row["minutes"], row["id"]))
        return Change("nights", table.pop(gone["id"]), None)
    number = list(table)[int(luck() * len(table))]
    before, table[number] = table[number], _night(number, luck)
    return Change("nights", before, table[number])


# ---------------------------------------------------------------- what is derived
@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A copy that was deleted, and made anew from the table.

    Attributes
    ----------
    copy : str
    rows, rows_after : int
    same : bool
        Whether it is the same to the last bit: then it was derived.
    """

    copy: str
    rows: int
    rows_after: int
    same: bool


def delete_and_rebuild(*, rows: int = 500, seed: int = 7) -> list[Rebuilt]:
    """Delete each copy in turn and make it anew from the table of nights.

    "last seen" is a cache in which the app notes when somebody was there last, and nobody else does.
    """
    table, told = nights(rows, seed), []
    for name, make in VIEWS.items():
        view, anew = make(), make()
        for number, row in table.items():
            view.apply(Change("nights", None, row), number)
        anew.rebuild(table.values(), rows)
        told.append(Rebuilt(name, len(view.state()), len(anew.state()), view.digest() == anew.digest()))
    seen, luck = Cache(), stream(seed, "last seen")
    for number in table:
        seen.fill(number, number, int(luck() * 86_400), 0)
    emptied = Cache()
    there = {number: seen.get(rows, number) for number in table}
    after = {number: emptied.get(rows, number) for number in table}
    told.append(Rebuilt("last seen", seen.status().entries, emptied.status().entries, there == after))
    return told


def not_what_it_was(rebuilt: Sequence[Rebuilt]) -> str:
    """Return which copy did not come back, as an answer of the lab: one, or "all are what they were"."""
    lost = [one.copy for one in rebuilt if not one.same]
    return (lost[0] if lost[0] == "last seen" else f"the {lost[0]}") if lost else "all are what they were"


def what_came_back(rebuilt: Sequence[Rebuilt]) -> dict[str, dict[str, Any]]:
    """Return for each copy how many rows it had, and what came back, as a table has it."""
    return {
        one.copy: {"rows": one.rows, "rows after": one.rows_after, "the same": "yes" if one.same else "no"}
        for one in rebuilt
    }


def drifted(*ranges: int, rows: int = 4_096, bad: int = 1, seed: int = 7) -> list[tuple[int, Drift]]:
    """Make `bad` rows of a replica wrong, and find them with trees over so many ranges."""
    table, copy = _two_copies(rows, bad, seed)
    return [(count, find_drift(table, copy, ranges=count)) for count in ranges]


def _two_copies(rows: int, bad: int, seed: int) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    """Return a table and its replica, in which so many rows are wrong."""
    require_not_negative(bad=bad)
    if bad > rows:
        raise BadParameter(f"bad = {bad!r}: there are {rows} rows; give at most as many")
    table, luck, left = nights(rows, seed), stream(seed, "drift"), list(range(rows))
    wrong = [left.pop(int(luck() * len(left))) for _ in range(bad)]
    return table, table | {number: table[number] | {"minutes": 0} for number in wrong}


@dataclass(frozen=True, slots=True)
class DriftTree:
    """The ranges of two copies, and which of them differ.

    Attributes
    ----------
    ranges : int
        Leaves of the tree.
    differing : tuple of int
        Those whose digests are not the same, by their number.
    drift : Drift
    """

    ranges: int
    differing: tuple[int, ...]
    drift: Drift


def drift_tree(*, rows: int = 320, ranges: int = 16, bad: int = 1, seed: int = 7) -> DriftTree:
    """Make `bad` rows of a replica wrong, and say in which ranges of a tree they lie."""
    table, copy = _two_copies(rows, bad, seed)
    bounds = range_bounds(table, ranges)
    pairs = enumerate(zip(range_digests(table, bounds), range_digests(copy, bounds), strict=True))
    differing = tuple(place for place, (ours, theirs) in pairs if ours != theirs)
    return DriftTree(len(bounds) + 1, differing, find_drift(table, copy, ranges=ranges))


# ---------------------------------------------------------------- who writes both
def races(*ways_s: float, writes: float = 4.0, keys: int = 8, runs: int = 60, seed: int = 7) -> list[Counted]:
    """Return for each mean way the share of the keys that the replica of `reordered` has wrong in the end.

    Each key is written `writes` times a second; `runs` runs of some seconds.
    """
    require_positive(writes=writes, runs=runs)
    told = []
    for way_s in ways_s:
        shares = [_wrong_share(way_s, writes, keys, seed=seed + run) for run in range(runs)]
        told.append((way_s, fmean(shares), stdev(shares) / sqrt(runs)))
    return told


def _wrong_share(way_s: float, writes: float, keys: int, *, seed: int) -> float:
    """Write for so long that the first words are not under way any more, and hold what came last against the last."""
    luck, gap_s, way = stream(seed, "races"), exponential(1 / (writes * keys)), exponential(way_s)
    last, view, words, now_s = dict[int, int](), Latest("rows", order="arrival"), list[tuple[float, int, int]](), 0.0
    for position in range(1, round(writes * keys * (10 * way_s + 2)) + 1):
        now_s, key = now_s + gap_s(luck), int(luck() * keys)
        last[key] = position
        words.append((now_s + way(luck), position, key))
    for _, position, key in sorted(words):
        view.apply(Change("rows", None, {"id": key, "version": position}), position)
    return sum(row["version"] != last[key] for key, row in view.state().items()) / len(last)


# ---------------------------------------------------------------- who reads too early, who goes to the table
@dataclass(frozen=True, slots=True)
class TooEarly:
    """Writers who look for what they wrote.

    Attributes
    ----------
    waited_s : float
        Between the write and the look.
    stale_share : float
        Who did not see it.
    held_s : float
        How much longer they were made to wait on average.
    """

    waited_s: float
    stale_share: float
    held_s: float


def too_early(*waits_s: float, seed: int = 7, seconds: float = 60.0, **more: Any) -> list[TooEarly]:
    """Run `following` once for each wait; `more` are its parameters."""
    told = []
    for waited_s in waits_s:
        looks = following(seed=seed, waited_s=waited_s, seconds=seconds, **more).of("look")
        stale = sum(bool(look.fields["stale"]) for look in looks)
        held_us = sum(int(look.fields["waited_us"] or 0) for look in looks)
        told.append(TooEarly(waited_s, stale / len(looks), held_us / len(looks) / 1e6))
    return told


def lag(*, seed: int = 7, seconds: float = 20.0, **more: Any) -> int:
    """Return how many changes the replica of `following` is behind in the end."""
    trace = following(seed=seed, seconds=seconds, **more)
    return len(trace.of("change")) - len(trace.of("apply"))


@dataclass(frozen=True, slots=True)
class Herd:
    """What a cold key comes to.

    Attributes
    ----------
    single : bool
    went : int
        Who read the table.
    slowest_s : float
        The 99th percentile of the readers' waits.
    """

    single: bool
    went: int
    slowest_s: float


def herds(seed: int = 7, **more: Any) -> list[Herd]:
    """Run `herd` without and with a single flight."""
    told = []
    for single in (False, True):
        trace = herd(seed=seed, single=single, **more)
        went = len(trace.of("start", place="table"))
        told.append(Herd(single, went, quantile(sojourns_s(trace), 0.99)))
    return told
