"""How do many people change the same rows at once, each as if alone, and lose nothing when the power goes?

By never overwriting and by writing down first. Whoever changes a row adds a *version* and leaves the old one for those
who began before; a *snapshot* says which of them one sees; so readers never wait and never make anybody wait. Only two
who change the same row meet, and then one waits. What is changed goes to the log before it goes to the pages, and a
transaction has happened in the moment in which its commit is on the disk. ::

    session   SQL -> sql -> execution ------- visibility: which version do I see?      (pure)
              answer or Waits  |     |------- access: index or everything?             (pure)
                               |     |------- serializable: who reads before whom?
                               |     `------- deadlock: does waiting go in a circle?   (pure)
                               v
              tables: heap of versions + trees   fates: one bit a transaction
                               |                   |
              journaled_pages: one log record a row, one a commit (synced); full-page images; checkpoints

In reading order: `sessions` (what may be asked; Waits), `visibility`, `versions`, `fates`, `table`, `sql`,
`expressions`, `access`, `transactions`, `deadlock`, `serializable`, `change_log`, `slots`, `execution`, `vacuum`,
`catalogue`, `database`.

Promises
--------
1. What was committed survives every crash; of any other transaction nothing is seen, whole or in part.
2. A reader sees one moment: of a statement at read committed, of the transaction above. It never waits.
3. At repeatable read nobody overwrites what they have not seen; at serializable the outcome is that of some order one
   after the other. Who would break that fails with 40001, and nothing of it happened.
4. Who waits is told for whom; waiting in a circle is found at once.
5. Who has a slot hears of each committed transaction in the order of the commits, and of no other; after a crash
   perhaps once more, never not at all, as long as the slot holds back no more of the log than is allowed.
6. A torn page is repaired from its image in the log; any other damage is found and named.

Cost: a version and an entry in every index a changed row, a log record with both, an image of a page at its first
change after a checkpoint; one sync a commit, none for a reader. Old versions stay until they are swept.

Left out: threads; undo (nothing is overwritten); group commit; joins in SQL (`joins` has three ways of them, as
functions over rows), and all that `sql` leaves out.

Sources: Hellerstein, Stonebraker and Hamilton, "Architecture of a database system", 2007; PostgreSQL documentation,
ch. 13 and 28; the sources named in each file.
"""

from dsys_lab.stores.relational.change_log import Change, Commit
from dsys_lab.stores.relational.database import RelationalDatabase, RelationalStatus
from dsys_lab.stores.relational.model_session import ModelSession
from dsys_lab.stores.relational.sessions import LEVELS, Answer, Database, Done, Failed, Rows, Session, Waits
from dsys_lab.stores.relational.slots import ChangeSource, Slot, SlotStatus
from dsys_lab.stores.relational.vacuum import TableStatus
from dsys_lab.stores.relational.visibility import Snapshot, Stamp, is_dead, is_visible

__all__ = [
    "LEVELS", "Answer", "Change", "ChangeSource", "Commit", "Database", "Done", "Failed", "ModelSession",
    "RelationalDatabase", "RelationalStatus", "Rows", "Session", "Slot", "SlotStatus", "Snapshot", "Stamp",
    "TableStatus", "Waits", "is_dead", "is_visible",
]  # fmt: skip
