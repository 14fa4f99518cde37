"""The counts of `counts` over several seeds, each with its standard error, for a chart beside its law."""

from __future__ import annotations

from dsys_lab.dataflows.derived_view import Cache
from dsys_lab.scenarios.authoritative_and_derived import counts
from dsys_lab.scenarios.authoritative_and_derived.counts import Counted
from dsys_lab.simulation import over_seeds
from dsys_lab.simulation.chance import stream

SEEDS = 5


def stale_shares(*ttls_s: float, writes: float = 0.1, reads: float = 1.0, many: int = 6_000) -> list[Counted]:
    """Return for each ttl the share of the hits that are stale, when nobody invalidates."""
    return over_seeds(
        lambda ttl_s, seed: counts.ages(ttl_s, reads=reads, writes=writes, many=many, seed=seed)[0].stale_share,
        seeds=SEEDS, ttl_s=ttls_s,
    )  # fmt: skip


def ttl_hit_shares(*ttls_s: float, reads: float = 1.0, many: int = 6_000) -> list[Counted]:
    """Return for each ttl the share of the reads that hit."""
    return over_seeds(
        lambda ttl_s, seed: counts.ages(ttl_s, reads=reads, many=many, seed=seed)[0].hit_share,
        seeds=SEEDS, ttl_s=ttls_s,
    )  # fmt: skip


def lru_hit_shares(*capacities: int, keys: int = 2_000, exponent: float = 0.9, reads: int = 4_000) -> list[Counted]:
    """Return for each capacity the share of the reads that hit in an LRU cache."""
    return over_seeds(
        lambda capacity, seed: counts.lru_hit_share(capacity, keys=keys, exponent=exponent, reads=reads, seed=seed),
        seeds=SEEDS, capacity=capacities,
    )  # fmt: skip


def rows_read_for_extremes(*shares: float, rows: int = 2_000, changes: int = 50) -> list[Counted]:
    """Return for each share of changes that take a city's longest night away how many rows the view reads."""

    def read(share: float, seed: int) -> float:
        views = counts.maintenance(rows=rows, changes=changes, extreme_share=share, seed=seed)
        return next(one.incremental_rows for one in views if one.view == "extremes")

    return over_seeds(read, seeds=SEEDS, share=shares)


def stale_own_reads(*waits_s: float, seconds: float = 30.0, **more: float) -> list[Counted]:
    """Return for each wait the share of the writers who do not see their own write."""
    return over_seeds(
        lambda wait_s, seed: counts.too_early(wait_s, seed=seed, seconds=seconds, **more)[0].stale_share,
        seeds=SEEDS, wait_s=waits_s,
    )  # fmt: skip


def held_ms(*waits_s: float, seconds: float = 30.0) -> list[Counted]:
    """Return for each wait how many milliseconds longer a writer is made to wait until they see their own write."""
    return over_seeds(
        lambda wait_s, seed: 1e3 * counts.too_early(wait_s, seed=seed, seconds=seconds, until_seen=True)[0].held_s,
        seeds=SEEDS, wait_s=waits_s,
    )  # fmt: skip


def lags(*commits: float, applies: float = 30.0, seconds: float = 20.0) -> list[Counted]:
    """Return for each rate of commits how many changes the replica is behind in the end."""
    return over_seeds(
        lambda writes, seed: counts.lag(writes=writes, applies=applies, seconds=seconds, seed=seed),
        seeds=SEEDS, writes=commits,
    )  # fmt: skip


def who_went(*rates: float, **more: float) -> list[Counted]:
    """Return for each rate of readers how many of them go to the table for the key that was thrown out."""
    return over_seeds(
        lambda readers, seed: counts.herds(seed=seed, readers=readers, **more)[0].went, seeds=SEEDS, readers=rates
    )


def stale_after_lost_words(
    *lost_shares: float, writes: float = 0.1, reads: float = 1.0, many: int = 6_000
) -> list[Counted]:
    """Return for each share of lost words the share of the reads that are stale: writers invalidate, and no ttl."""
    return over_seeds(
        lambda lost, seed: _stale_reads(lost, writes, reads, many, seed) / many, seeds=SEEDS, lost=lost_shares
    )


def _stale_reads(lost: float, writes: float, reads: float, many: int, seed: int) -> int:
    """Read one key so often, and write it now and then; a share of the words to the cache is lost."""
    luck, cache, position, stale = stream(seed, "lost words"), Cache(), 0, 0
    while many:
        if luck() < writes / (writes + reads):  # of two Poisson streams, which one is next
            position += 1
            if luck() >= lost:
                cache.invalidate(0, "key")
            continue
        many -= 1
        entry = cache.get(0, "key")
        if entry is None:
            cache.fill(0, "key", None, position)
        else:
            stale += entry.position < position
    return stale
