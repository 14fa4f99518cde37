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
`cache`       the entries that somebody asked for: how long, how many, and how old they are
`cached`      a table with a cache in front: what a write does to it
`flights`     many miss the same key at once: one goes to the source, the others wait
`feed`        posts of those that one follows: copied when written, gathered when read, or each as fits
`wall`        parse, store, index, join, rank, render: how many of them are done when written?
`drift`       two copies ought to be the same: which range of keys is not?
============  ======================================================================================================

The views promise
-----------------
1. After the same changes, `apply` and `rebuild` come to the same state, bit for bit, floats too.
2. `Latest` by position is right in whatever order changes come and however often. The others are sums: each change
   once, in the order of the commits. What they can see to be skipped or told twice they refuse.
3. Where the wall stands changes what is touched and when, never the answer.
4. Every row that is touched is counted where it is touched.

Left out: how changes get here, repeats and restarts (`change_capture`); views over several tables (`streaming_sql`);
a table whose columns change.

Sources: Kleppmann, *Designing Data-Intensive Applications*, part III and ch. 12, "Observing derived state"; Gupta and
Mumick, "Maintenance of materialized views", IEEE Data Engineering Bulletin 1995; Helland, "Immutability changes
everything", CIDR 2015.
"""

from dsys_lab.dataflows.derived_view.cache import Cache, CacheStatus, Entry, KeepsEntries
from dsys_lab.dataflows.derived_view.cached import Cached
from dsys_lab.dataflows.derived_view.counts import Counts
from dsys_lab.dataflows.derived_view.drift import Drift, find_drift
from dsys_lab.dataflows.derived_view.extremes import Extremes
from dsys_lab.dataflows.derived_view.feed import PULL, PUSH, Feed, FeedStatus, Post
from dsys_lab.dataflows.derived_view.flights import Flights, FlightStatus
from dsys_lab.dataflows.derived_view.latest import Latest
from dsys_lab.dataflows.derived_view.view import State, View, ViewStatus, digest_of
from dsys_lab.dataflows.derived_view.wall import STEPS, Wall, WallStatus
from dsys_lab.dataflows.derived_view.words import Words, words_of

__all__ = [
    "PULL",
    "PUSH",
    "STEPS",
    "Cache",
    "CacheStatus",
    "Cached",
    "Counts",
    "Drift",
    "Entry",
    "Extremes",
    "Feed",
    "FeedStatus",
    "FlightStatus",
    "Flights",
    "KeepsEntries",
    "Latest",
    "Post",
    "State",
    "View",
    "ViewStatus",
    "Wall",
    "WallStatus",
    "Words",
    "digest_of",
    "find_drift",
    "words_of",
]
