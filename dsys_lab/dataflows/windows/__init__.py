r"""When is a stretch of time complete, if news of it comes late and in any order?

Nobody knows; so somebody must claim it. A *window* is a stretch of event time, of when things happened. A *watermark*
is the claim that nothing from before it is still to come. When it passes the end of a window, the window's answer is
said; what comes after that is *late*, and may correct the answer for a while, and is dropped after it. ::

    arrival ^                    . watermark: the latest event so far, less the bound
            |             x .---------
            |      x .------      x     late: happened left of the line that had passed
            |   .----- x
            | .--  x                        + 60 s   on time: 3
            +---[--------------)------>     + 80 s   late: the 3 is taken back, 4
                    window       event time

Four questions instead of one slider: *what* is computed (a monoid of `dataflows.batch`), *where* in event time
(`assigners`), *when* it is said (`watermarks`, `emission`) and *how* a later answer relates to an earlier one (the mode
of `emission`: a difference, a new whole, or the old one taken back first).

In reading order: `assigners`, `watermarks`, `emission`, `panes`, `aggregate`, `stream`.

The room promises
-----------------
1. A watermark never runs back. That of several inputs is the least of those that are not idle.
2. If no event comes later than its bound, none is late, and the on-time answers are those of a batch over the same
   events, whatever their order.
3. Folding what was said, per key and window, gives the batch answer over all events that were not dropped: in the mode
   `retract` by adding and taking away, in `accumulate` by overwriting, in `discard` by merging.
4. A window is said on time once, and nothing of it is kept once its lateness is over: `status` counts what is.
5. Each dropped event is counted and told.

Cost: an `add` for each window that an event lies in: 1 for tumbling windows, size / slide for hopping ones; a heap's
step a window. State: `laws.windows_kept_most` for each key.

What is otherwise in Flink: its watermark speaks in milliseconds and closes a window one of them earlier; sessions whose
distance is exactly the gap are joined if they meet in time, here they are two. A firing without news says nothing.
A late event that is itself in time, but would have joined a session that is forgotten already, opens a second one.
Left out: triggers by count, custom triggers, windows over numbers of rows.

Sources: Akidau et al., "The Dataflow Model", VLDB 2015; Akidau, Chernyak and Lax, *Streaming Systems*, ch. 1 to 3;
Tucker, Maier, Sheard and Fegaras, "Exploiting punctuation semantics in continuous data streams", TKDE 2003; Begoli et
al., "Watermarks in stream processing systems", VLDB 2021; Apache Flink documentation, "Timely stream processing".
"""

from dsys_lab.dataflows.windows.aggregate import WindowedAggregate, WindowStatus
from dsys_lab.dataflows.windows.assigners import Assigner, Cumulating, Hopping, Session, Tumbling, Window
from dsys_lab.dataflows.windows.emission import MODES, Emission
from dsys_lab.dataflows.windows.panes import Pane, folded
from dsys_lab.dataflows.windows.stream import WindowedStream
from dsys_lab.dataflows.windows.watermarks import BEFORE_ALL, Watermarks

__all__ = [
    "BEFORE_ALL",
    "MODES",
    "Assigner",
    "Cumulating",
    "Emission",
    "Hopping",
    "Pane",
    "Session",
    "Tumbling",
    "Watermarks",
    "Window",
    "WindowStatus",
    "WindowedAggregate",
    "WindowedStream",
    "folded",
]
