"""The batch job and DuckDB over Parquet files give the same answers, file by file and over all; JetStream, too."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from dsys_lab.dataflows.batch import MONOIDS, BatchJob, Record, StreamJob
from dsys_lab.engines import nats
from dsys_lab.engines.duckdb import DuckdbBatchJob
from dsys_lab.engines.duckdb.batch import SQL
from dsys_lab.engines.nats.stream_job import through_jetstream
from dsys_lab.errors import BadParameter

S = 1_000_000
RNG = random.Random(2)
RECORDS = sorted(
    (Record(at, at + RNG.randrange(40 * S), RNG.choice("ab"), RNG.randrange(-9, 9))
     for at in (RNG.randrange(900 * S) for _ in range(120))),
    key=lambda record: record.arrived_us,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _server_ends() -> Iterator[None]:
    yield
    nats.connection().close()


def test_every_function_has_its_words():
    assert SQL.keys() == MONOIDS.keys()


@pytest.mark.parametrize("name", MONOIDS)
def test_model_and_engine_agree_file_by_file_and_over_all(name):
    run = BatchJob(MONOIDS[name], period_us=100 * S).run(RECORDS)
    with DuckdbBatchJob(name, period_us=100 * S) as engine:
        parts = engine.run(RECORDS)
        assert [start for start, _ in parts] == [part.start_us for part in run.parts]
        for (_, found), part in zip(parts, run.parts, strict=True):
            assert found == pytest.approx(part.answers)
        assert engine.merged() == pytest.approx({key: run.merged(key) for key in run.keys})
        assert len(engine.files()) == len(parts)


@pytest.mark.parametrize("name", ["distinct", "sessions"])
def test_the_same_function_folds_a_stream_of_jetstream_and_may_read_it_again(name):
    found = through_jetstream(MONOIDS[name], RECORDS)
    assert found.answers == found.again == StreamJob(MONOIDS[name]).run(RECORDS)
    assert found.pending == [70, 20, 0]


@pytest.mark.parametrize("wrong", [
    lambda: through_jetstream(MONOIDS["count"], RECORDS, page=0),
    lambda: DuckdbBatchJob("median", period_us=1), lambda: DuckdbBatchJob("count", period_us=0)])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadParameter, match="give"):
        wrong()
