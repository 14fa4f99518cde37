"""SQLite: a row store in one file, under a billion pockets.

`pages` looks over its shoulder: a file system of our own, put between SQLite and the real one, notes every page that it
really reads and writes. `table` has the verbs of `dsys_lab.stores.table` on it, and says what is otherwise than in the
model. `sessions` lets several people at one file, beside the relational model.

Sources: sqlite.org, "Database file format", "Write-ahead logging", "The OS interface (VFS)"; behaviour as measured with
apsw 3.54.1, which brings its own SQLite.
"""

from dsys_lab.errors import EngineMissing

try:
    from dsys_lab.engines.sqlite.sessions import SESSION_DIFFERENCES, SqliteDatabase, SqliteSession
    from dsys_lab.engines.sqlite.table import DIFFERENCES, SqliteStatus, SqliteTable
except ModuleNotFoundError as missing:
    raise EngineMissing("apsw is not installed: `make lab` installs it, or `pip install apsw`") from missing

__all__ = [
    "DIFFERENCES", "SESSION_DIFFERENCES", "SqliteDatabase", "SqliteSession", "SqliteStatus", "SqliteTable",
]  # fmt: skip
