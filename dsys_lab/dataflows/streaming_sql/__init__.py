r"""What is the answer to a query over data that never ends?

There is none; there is a changing one. SQL over streams is SQL over tables that only grow: every row that comes in may
change the answer, and what comes out is the stream of these changes. So a query is no more than its operators, each of
which turns changes into changes, and remembers what it must. ::

    pings    --> Filter --> WindowAggregate --> WindowTopN --> +I Oslo 3, +I Bergen 2, ...
    clicks   --> IntervalJoin --> Project -->                  +I ...
    watermark ------------------^------------------^           what may be said, what may be forgotten

The words are Flink's, and Flink takes the same text::

    CREATE TABLE pings (city STRING, person BIGINT, hours DOUBLE, ts TIMESTAMP(3),
        [PRIMARY KEY (city) NOT ENFORCED,] WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) [WITH (...)]
    [INSERT INTO out] SELECT window_start, window_end, city, COUNT(*) AS n, COUNT(DISTINCT person) AS people, SUM(hours)
        FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '1' MINUTE))        | HOP(..., slide, size)
        [WHERE hours > 3 AND city <> 'Oslo']                                        | CUMULATE(..., step, size)
        GROUP BY window_start, window_end, city [HAVING COUNT(*) > 1]               | SESSION(... PARTITION BY ..., gap)
    SELECT city, COUNT(*) AS n FROM pings GROUP BY city                              an update stream, kept for ever
    SELECT ... FROM a JOIN b ON a.id = b.id AND b.ts BETWEEN a.ts - INTERVAL '1' MINUTE AND a.ts + INTERVAL '5' MINUTE
    SELECT ... FROM a JOIN b FOR SYSTEM_TIME AS OF a.ts AS v ON a.item = v.item      the price that was valid then
    SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC) AS place
        FROM (SELECT ...)) WHERE place <= 3

In reading order: `text`, `tables`, `expressions`, `changes`, `aggregates`, `operators`, `joins`, `ranking`, `plan`,
`intervals`, `joining`, `planning`, `query`; then what survives a crash: `packing`, `sinks`, `job`.

The room promises
-----------------
1. The fold of what a query says is the batch answer over the same rows, in whatever order they come within the bound
   (the answer of DuckDB over the same text, but for its window functions).
2. What is not supported is refused with its line and column, before a row is read.
3. State is what `explain` says: bounded by watermarks, or said to be kept for ever.
4. A job that crashes at any step and reads on from its checkpoint says, in a two-phase sink, each change once; in an
   upsert sink the same table; in a plain sink too much.

Cost: an operator's step a change; `laws.joined_rows_kept` for an interval join, `laws.windows_kept_most` for windows.

What is otherwise in Flink: AVG of whole numbers (refused here), window_time, watermarks in milliseconds, late rows of a
join (here they are still joined with what is there). When windows speak early or late is an argument, `Emission`; Flink
has it for the older GROUP BY TUMBLE(ts, ...) alone, as settings `table.exec.emit.*`. Left out: outer joins, aggregates
over update streams, time attributes of subqueries, MATCH_RECOGNIZE, user-defined functions, parallel operators and
barriers between them.

Sources: Apache Flink documentation, "Windowing table-valued functions", "Dynamic tables", "Joins"; Begoli et al., "One
SQL to rule them all", SIGMOD 2019; Arasu, Babu and Widom, "The CQL continuous query language", VLDB Journal 2006;
Carbone et al., "Lightweight asynchronous snapshots for distributed dataflows", 2015; Chandy and Lamport, 1985.
"""

from dsys_lab.dataflows.streaming_sql.changes import Change, folded
from dsys_lab.dataflows.streaming_sql.job import Job, JobStatus
from dsys_lab.dataflows.streaming_sql.query import Catalog, Query, QueryStatus
from dsys_lab.dataflows.streaming_sql.sinks import KINDS, PlainSink, Sink, TwoPhaseSink, UpsertSink, sink
from dsys_lab.dataflows.streaming_sql.tables import Field, StreamTable
from dsys_lab.dataflows.streaming_sql.text import Text, WindowCall, read

__all__ = [
    "KINDS",
    "Catalog",
    "Change",
    "Field",
    "Job",
    "JobStatus",
    "PlainSink",
    "Query",
    "QueryStatus",
    "Sink",
    "StreamTable",
    "Text",
    "TwoPhaseSink",
    "UpsertSink",
    "WindowCall",
    "folded",
    "read",
    "sink",
]
