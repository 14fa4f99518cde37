"""PostgreSQL: the real one, from a wheel, started by a launcher of our own.

One server for a process, started at the first use; `DSYS_LAB_POSTGRES=postgresql://…` uses yours instead. Reading
order: `start` and `server` (how it runs), `connection`, `session` (who waits for whom) and `database`; then what looks
inside: `plan`, `pages`, `wal`, and by `decoding` the `changes` that were committed; `cube` and `narrow`, facts in it;
`kept_views` and `indexed`, what it keeps besides a table; `joins`, two tables at once; `job_queue` and `notifications`,
a table as a queue and calls that nobody keeps; and `torn_page` and `lost_slot`, each with a cluster of its own.

>>> with PostgresDatabase() as database:  # doctest: +SKIP
...     ada = database.session("ada")
...     ada.execute("SELECT 1 AS one")
Rows(columns=('one',), rows=((1,),))
"""

from dsys_lab.engines.postgres.changes import (
    SLOT_DIFFERENCES,
    LogicalConnection,
    PostgresSlot,
    make_slot,
    slot_and_rows,
)
from dsys_lab.engines.postgres.connection import SETTING, Connection, connection
from dsys_lab.engines.postgres.cube import PostgresCube
from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.postgres.indexed import Indexed, indexed
from dsys_lab.engines.postgres.job_queue import Job, JobQueue, JobQueueStatus, JobWorker
from dsys_lab.engines.postgres.job_story import job_story
from dsys_lab.engines.postgres.joins import joined, outline, rows_looked_at
from dsys_lab.engines.postgres.kept_views import KeptView, kept_views
from dsys_lab.engines.postgres.lost_slot import LostSlot, lost_slot
from dsys_lab.engines.postgres.notifications import Absence, Listener, away, notify
from dsys_lab.engines.postgres.pages import Space, Version, heap_page, page_count, space
from dsys_lab.engines.postgres.plan import Plan, explain
from dsys_lab.engines.postgres.server import PostgresServer
from dsys_lab.engines.postgres.session import SESSION_DIFFERENCES, PostgresSession
from dsys_lab.engines.postgres.torn_page import TornPage, torn_page
from dsys_lab.engines.postgres.wal import WalUse, update_after_checkpoint, wal_of

__all__ = [
    "SESSION_DIFFERENCES",
    "SETTING",
    "SLOT_DIFFERENCES",
    "Absence",
    "Connection",
    "Indexed",
    "Job",
    "JobQueue",
    "JobQueueStatus",
    "JobWorker",
    "KeptView",
    "Listener",
    "LogicalConnection",
    "LostSlot",
    "Plan",
    "PostgresCube",
    "PostgresDatabase",
    "PostgresServer",
    "PostgresSession",
    "PostgresSlot",
    "Space",
    "TornPage",
    "Version",
    "WalUse",
    "away",
    "connection",
    "explain",
    "heap_page",
    "indexed",
    "job_story",
    "joined",
    "kept_views",
    "lost_slot",
    "make_slot",
    "notify",
    "outline",
    "page_count",
    "rows_looked_at",
    "slot_and_rows",
    "space",
    "torn_page",
    "update_after_checkpoint",
    "wal_of",
]
