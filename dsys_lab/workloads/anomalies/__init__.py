"""What can go wrong between two transactions that are each right on their own?

Five scripts, each a small accident at Slumber: who says what to the database, and in which order. The file's first
comment is the lesson, and its last line says what would be wrong in the end. `script` reads them; who runs them
(`scenarios.interleaving`) fills in the isolation level, and finds out whether it goes wrong.

===============  ===================================================================================================
`dirty_read`     somebody acts on a price that was never charged
`read_skew`      one bed in two wards is counted twice, for it moved while it was counted
`phantom`        a second look finds an order more than the first
`lost_update`    two sales of the same stock, and only one is in the books
`write_skew`     two sleep nurses on call each see the other, and both go home
===============  ===================================================================================================

Sources: Berenson et al., "A critique of ANSI SQL isolation levels", SIGMOD 1995; Kleppmann, *Designing Data-Intensive
Applications*, ch. 7 (the doctors on call).
"""

from dsys_lab.workloads.anomalies.script import Script, Step, load, names, parse, text_of

__all__ = ["Script", "Step", "load", "names", "parse", "text_of"]
