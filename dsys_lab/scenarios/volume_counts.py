"""What a shared volume comes to, counted over many runs: for charts against the laws of quorums.

Each function that takes `*values` returns (value, mean, standard error) for each of them.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.scenarios.shared_volume import fail_over
from dsys_lab.scenarios.volume_machines import keep_time
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational.shared_volume import AURORA, Change, Quorum, Segment, SharedVolume, Writer
from dsys_lab.stores.relational.shared_volume.page_mirror import PageMirror
from dsys_lab.trace import quantile

RUNS: Final = 8
TRIES: Final = 300
COMMITS: Final = 400


def stopped(
    *node_shares: float, quorum: Quorum = AURORA, zone_share: float = 0.05, what: str = "write"
) -> list[Measured]:
    """Return the share of moments at which a commit is not acknowledged (or a takeover not possible, what="read")."""

    def share(*, node_share: float, seed: int) -> float:
        luck = stream(seed, f"failures/{node_share}")
        count = 0
        for _ in range(TRIES):
            dark = [luck() < zone_share for _ in range(quorum.zones)]
            volume = SharedVolume(quorum)
            volume.crash(*[i for i in range(quorum.copies) if luck() < node_share or dark[quorum.zone(i)]])
            count += not (volume.commit({"ada": "7.5"}) if what == "write" else volume.status().can_read)
        return count / TRIES

    return over_seeds(share, seeds=RUNS, node_share=node_shares)


def commit_p99_ms(*writes: int, copies: int = 6, straggler_share: float = 0.01) -> list[Measured]:
    """Return the 99th percentile of a commit's wait for its `write`-th answer, in milliseconds, without the network."""

    def p99_ms(*, write: int, seed: int) -> float:
        draw, luck = keep_time(straggler_share), stream(seed, f"answers/{copies}")
        answers = ([draw(luck) for _ in range(copies)] for _ in range(COMMITS))
        waits = [commit_wait_s(Quorum(copies, write, 1, 1), answer) for answer in answers]
        return 1_000 * quantile(waits, 0.99)

    return over_seeds(p99_ms, seeds=RUNS, write=writes)


def commit_wait_s(quorum: Quorum, answers_s: list[float]) -> float:
    """Return when a commit is acknowledged whose segments answer after so many seconds each."""
    writer = Writer(quorum)
    (_, batch) = writer.commit(0, 1, [Change(0, "ada", "7.5")]).batches[0]
    for answer_s, index in sorted(zip(answers_s, range(quorum.copies), strict=True)):
        if writer.hear(0, Segment(0, index).append(0, batch)):
            return answer_s
    raise AssertionError("all have answered")


def wire_bytes(*rows: int, mirrors: int = 4, quorum: Quorum = AURORA) -> dict[str, list[Measured]]:
    """Return the bytes on the wire for a transaction that changes so many rows of one page: pages, and log only."""
    mirrored: list[Measured] = []
    shipped: list[Measured] = []
    for count in rows:
        changes = [Change(0, f"sleeper-{n}", "7.5 h") for n in range(count)]
        bricks = PageMirror(mirrors).commit(1, changes)
        (_, batch) = Writer(quorum).commit(0, 1, changes).batches[0]
        mirrored.append((count, float(mirrors * sum(len(brick.data) for brick in bricks)), 0.0))
        shipped.append((count, float(quorum.copies * batch.size_bytes), 0.0))
    return {"pages to mirrors": mirrored, "log to segments": shipped}


def takeover_ms(*commits: int) -> list[Measured]:
    """Return the milliseconds from asking for promises to a log that is open, after so many commits."""

    def open_ms(*, commits: int, seed: int) -> float:
        crash_s = commits * 0.004
        trace = fail_over(seed=seed, old="crashes", commits=commits + 2, at_s=crash_s, straggler_share=0.0)
        asked = next(row for row in trace.of("send", place="standby"))
        opened = next(row for row in trace.of("recover"))
        return (opened.time_us - asked.time_us) / 1_000

    return over_seeds(open_ms, seeds=4, commits=commits)
