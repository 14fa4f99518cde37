r"""How does a copy elsewhere (an index, a cache, a sum) stay what the table says, through crashes and for years?

By being told by the table's own log. Whoever writes to both by hand has two orders, the table's and the copy's, and no
error when they differ. The log has one order, and forgets nothing that somebody still needs. ::

    writers --> database --- log: what each commit changed, in their order --- slot (a place in the log)
                                                                                |  peek
                                                                                v
                                    follower: view + the position it has, written down together
                                                                                |
                                            confirm, only then  ----------------+

A *follower* takes commits from a source (`stores.relational.ChangeSource`: a slot of the model's, or PostgreSQL's),
writes each down with its position in one record, and confirms after that. Before the stream begins it takes the tables
as they are, at the very position where the stream begins.

In reading order: `follower`, `snapshot`, `switch`; then what people do instead: `dual_writes`, `outbox`.

The room promises
-----------------
1. A follower that is killed at any step has, after it is opened again, every committed change once, in commit order.
2. What it holds is always what the tables held at `position`: no transaction is there in part.
3. A stream that begins after the snapshot is refused, for what lies between would be missing without a sign.
4. A view is swapped for its rebuilt successor only when that has seen as much.
5. A commit that a view cannot take stops it with nothing half done; it goes on when somebody says `set_aside`, durably.
6. An outbox that is read by the log misses nothing; one that is read by rising ids may, and `outbox` says when.

Cost: one record, synced, a commit; a second look at each commit after a crash. Opening folds all records again.

Left out: shortening the follower's own log; changes of columns; several followers that share the work.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 11 "Databases and Streams"; Kreps, "The Log", 2013; Das
et al., "All Aboard the Databus!", SoCC 2012; Andreakis and Papapanagiotou, "DBLog", 2020; PostgreSQL documentation,
ch. 47.
"""

from dsys_lab.dataflows.change_capture.dual_writes import Write, diverging, ends, interleavings
from dsys_lab.dataflows.change_capture.follower import Follower, FollowerStatus, View
from dsys_lab.dataflows.change_capture.outbox import ByCommit, ById, Entry, create_outbox, put_in
from dsys_lab.dataflows.change_capture.snapshot import Beginning, slot_and_rows
from dsys_lab.dataflows.change_capture.switch import Switch

__all__ = [
    "Beginning",
    "ByCommit",
    "ById",
    "Entry",
    "Follower",
    "FollowerStatus",
    "Switch",
    "View",
    "Write",
    "create_outbox",
    "diverging",
    "ends",
    "interleavings",
    "put_in",
    "slot_and_rows",
]
