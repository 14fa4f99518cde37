r"""Which of two copies is the true one, and what does the other one cost?

The true one is the one that cannot be made from the other. A *derived* copy can be deleted and made anew, to the last
bit: a replica, a cache, an index, a sum by groups, a feed. It is work done ahead of the question: somewhere between
the write and the read there is a wall, and what is done in front of it is done at every write, what is done behind it
at every read. ::

    write --> table --changes--> view --> read
              the true one       derived: behind by as much as is under way
              \_______________________/ \____/
                    write path         read path

============  ======================================================================================================
`view`        what all views share: `apply` a change, `rebuild` from all rows, `state`, `digest`
`latest`      the newest row of each key: a replica; by position, or wrongly by arrival
`counts`      count, sum and average by groups: kept up by subtraction
`extremes`    smallest and largest by groups: whoever takes the extreme away makes the view look again
`words`       an inverted index over a text
============  ======================================================================================================

The views promise
-----------------
1. After the same changes, `apply` and `rebuild` come to the same state, bit for bit, floats too.
2. `Latest` by position is right in whatever order changes come and however often. The others are sums: each change
   once, in the order of the commits. What they can see to be skipped or told twice they refuse.
3. Every row that is touched is counted where it is touched.

Left out: how changes get here, repeats and restarts (`change_capture`); views over several tables (`streaming_sql`);
a table whose columns change.

Sources: Kleppmann, *Designing Data-Intensive Applications*, part III and ch. 12, "Observing derived state"; Gupta and
Mumick, "Maintenance of materialized views", IEEE Data Engineering Bulletin 1995; Helland, "Immutability changes
everything", CIDR 2015.
"""

from dsys_lab.dataflows.derived_view.counts import Counts
from dsys_lab.dataflows.derived_view.extremes import Extremes
from dsys_lab.dataflows.derived_view.latest import Latest
from dsys_lab.dataflows.derived_view.view import View, ViewStatus, digest_of
from dsys_lab.dataflows.derived_view.words import Words, words_of

__all__ = ["Counts", "Extremes", "Latest", "View", "ViewStatus", "Words", "digest_of", "words_of"]
