"""Wherever the power goes, a job that reads on from its checkpoint ends with the rows of a run without a crash."""

from __future__ import annotations

import contextlib
import random

import pytest

from dsys_lab.dataflows.streaming_sql import KINDS, Catalog, Job, sink
from dsys_lab.dataflows.streaming_sql.packing import packed, unpacked
from dsys_lab.dataflows.windows import Emission
from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.structures import PowerCut, VolatileDisk
from dsys_lab.structures.part_of_disk import PartOfDisk

S = 1_000_000
TABLE = "CREATE TABLE pings (city STRING, person BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '3' SECOND)"
QUERIES = {
    "windows": ("""SELECT window_start, city, COUNT(DISTINCT person) AS n FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts),
        INTERVAL '5' SECOND)) GROUP BY window_start, window_end, city""", (0, 1)),
    "for ever": ("SELECT city, COUNT(*) AS n FROM pings GROUP BY city", (0,)),
    "sessions": ("""SELECT window_start, city, COUNT(*) AS n FROM TABLE(SESSION(TABLE pings PARTITION BY city,
        DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, city""", (0, 1)),
}  # fmt: skip
CATALOG = Catalog()
CATALOG.execute(TABLE)
RNG = random.Random(4)
LOG = [(at * S, (RNG.choice(["Oslo", "Rome"]), RNG.randrange(3), (at - RNG.randrange(6)) * S)) for at in range(30)]


def opened(disk, name, kind, now_us=0):
    sql, key = QUERIES[name]
    query = CATALOG.query(sql, emission=Emission(lateness_us=4 * S))
    goes_to = sink(kind, PartOfDisk(disk, "sink."), key)
    return Job(query, PartOfDisk(disk, "job."), goes_to, every=4, now_us=now_us)


def worked(disk, name, kind):
    """Read the log from where the job stands, to its end; the last checkpoint shows all."""
    job = opened(disk, name, kind)
    for position in range(job.position, len(LOG)):
        now_us, row = LOG[position]
        job.on_record(now_us, position, "pings", row)
    job.checkpoint(LOG[-1][0])
    return job


def whole(name, kind):
    disk = VolatileDisk()
    return worked(disk, name, kind).sink.rows(), disk.steps


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", QUERIES)
def test_wherever_the_power_goes_the_rows_are_there_once_but_in_a_plain_sink(name, kind):
    expected, steps = whole(name, kind)
    repeated = 0
    for step in range(0, steps + 1, 1 if name == "windows" else 6):
        disk = VolatileDisk(power_cut_before=step)
        with contextlib.suppress(PowerCut):
            worked(disk, name, kind)
        disk.crash(random.Random(step).random)
        found = worked(disk, name, kind).sink.rows()
        if kind == "plain":
            repeated += found != expected
        else:
            assert found == expected, f"power cut before step {step}"
    assert bool(repeated) == (kind == "plain"), "a plain sink must be seen to repeat"


@pytest.mark.parametrize("kind", ["upsert", "two-phase"])
def test_a_second_crash_at_every_step_of_the_recovery_changes_nothing_either(kind):
    expected, _ = whole("windows", kind)
    for step in range(25):
        disk = VolatileDisk(power_cut_before=40)
        with pytest.raises(PowerCut):
            worked(disk, "windows", kind)
        disk.crash(random.Random(step).random)
        disk.power_cut_before = disk.steps + step
        with pytest.raises(PowerCut):
            worked(disk, "windows", kind)
        disk.crash(random.Random(step).random)
        assert worked(disk, "windows", kind).sink.rows() == expected


def test_a_two_phase_sink_shows_nothing_before_the_checkpoint_and_an_upsert_sink_at_once():
    seen = {}
    for kind in ("upsert", "two-phase"):
        job = opened(VolatileDisk(), "for ever", kind)
        seen[kind] = []
        for position, (now_us, row) in enumerate(LOG[:8]):
            job.on_record(now_us, position, "pings", row)
            seen[kind].append(sum(n for _, n in job.sink.rows()))
    assert seen == {"upsert": [1, 2, 3, 4, 5, 6, 7, 8], "two-phase": [0, 0, 0, 4, 4, 4, 4, 8]}


def test_a_job_reads_on_from_its_checkpoint_and_keeps_only_the_last():
    disk = VolatileDisk()
    job = opened(disk, "windows", "two-phase")
    for position, (now_us, row) in enumerate(LOG[:11]):
        job.on_record(now_us, position, "pings", row)
    assert (job.status().position, job.status().checkpoint_position, job.status().checkpoint) == (11, 8, 2)
    again = opened(disk, "windows", "two-phase")
    assert again.position == 8
    assert sum(disk.size_bytes(n) > 0 for n in disk.names() if n.startswith("job.")) == 1
    with pytest.raises(BadParameter, match="give record 8"):
        again.on_record(0, 11, "pings", LOG[11][1])


def test_a_damaged_checkpoint_is_found_and_not_taken_for_none():
    disk = VolatileDisk()
    job = opened(disk, "windows", "two-phase")
    for position, (now_us, row) in enumerate(LOG[:11]):
        job.on_record(now_us, position, "pings", row)
    (name,) = [n for n in disk.names() if n.startswith("job.") and disk.size_bytes(n)]
    disk.flip(name, 60)
    with pytest.raises(Damaged):
        worked(disk, "windows", "two-phase")


def test_plain_values_come_back_as_they_were_and_nothing_else_is_let_in():
    value = {("Oslo", None): [{1, 2.5, "x"}, (True, [()]), {}], 3: float("-inf")}
    assert unpacked(packed(value)) == value
    assert packed({"a": {3, 1, 2}}) == packed({"a": {2, 3, 1}})
    with pytest.raises(Misuse, match="plain values"):
        packed(object())


@pytest.mark.parametrize("wrong", [
    lambda: sink("magic", VolatileDisk()),
    lambda: Job(CATALOG.query(QUERIES["windows"][0]), VolatileDisk(), sink("plain", VolatileDisk()), every=0),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadParameter, match="give"):
        wrong()
