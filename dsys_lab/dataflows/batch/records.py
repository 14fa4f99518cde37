"""What is a record, when did it happen and when did it come?"""

from __future__ import annotations

from typing import Any, NamedTuple


class Record(NamedTuple):
    """One thing that happened somewhere and was told later.

    Attributes
    ----------
    event_us : int
        When it happened, by the clock of whoever saw it (*event time*).
    arrived_us : int
        When it came to be read here (*processing time*).
    key : str
        What it is about.
    value : object
    message : str
        Its id in a trace.
    """

    event_us: int
    arrived_us: int
    key: str
    value: Any = None
    message: str = ""
