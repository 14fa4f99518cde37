"""What a reader touches.

A notebook consists of prose and of single calls of these names:

========================  ==============================================================================
`predict(key, …)`         asks for a number, a choice or a curve before the run; `.reveal(…)` after it
`player(…)`               runs that can be played, stepped, broken; sliders for a scenario's parameters
`show_source(thing)`      the code that just ran
`exercise(key, …)`        the task, and what the reader's function did in hidden runs
`notes(heading)`          what the notes say, word for word
`measured(value, …)`      a number that depends on the machine
`answers(*values)`        what a system answered, or its books, as a table
`differences(rows)`       what a real engine does otherwise than its model
`sql_pad(ask, …)`         the reader's own SQL, and whether a batch agrees
`where_there(engine, …)`  an engine that one may not have
`facts(name, …)`          figures of real services, with source and date
`share(trace)`            one line that makes this very run again, by `reproduce(…)`
`progress()`              what the reader has predicted and solved
`map_of_labs()`           where everything is
========================  ==============================================================================

A key is an address, the number of the lab and a name: `13/drain_time`.
"""

from dsys_lab.lessons.exercises import exercise
from dsys_lab.lessons.map import map_of_labs
from dsys_lab.lessons.measuring import measured
from dsys_lab.lessons.playing import player
from dsys_lab.lessons.predictions import predict
from dsys_lab.lessons.quoting import notes
from dsys_lab.lessons.record import progress
from dsys_lab.lessons.sharing import reproduce, share
from dsys_lab.lessons.sources import show_source
from dsys_lab.lessons.sql_pad import sql_pad
from dsys_lab.lessons.tables import answers, differences, facts
from dsys_lab.lessons.where_there import where_there

__all__ = [
    "answers",
    "differences",
    "exercise",
    "facts",
    "map_of_labs",
    "measured",
    "notes",
    "player",
    "predict",
    "progress",
    "reproduce",
    "share",
    "show_source",
    "sql_pad",
    "where_there",
]
