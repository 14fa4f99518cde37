"""What a run leaves behind.

A workload asks a system; the system leaves a trace; views show the trace. This room holds the closed vocabulary
(`kinds`), the recorders (`recorder`), the file form (`jsonl`), the tables (`table`), the conservation ledger
(`ledger`), the invariants (`invariants`) and what a run came to in numbers (`measures`), in reading order.
"""

from dsys_lab.trace.invariants import INVARIANTS, Lamp, lamp, lamps
from dsys_lab.trace.jsonl import load
from dsys_lab.trace.kinds import ACCOUNTS, KINDS, STATES, VERBS, Kind, State
from dsys_lab.trace.ledger import Balance, balance
from dsys_lab.trace.measures import Outcome, depths, gauge, in_time_share, outcome, quantile, rates, sojourns_s
from dsys_lab.trace.recorder import (
    NO_TRACE,
    Counters,
    Header,
    Recorder,
    Row,
    Scalar,
    Trace,
    in_slow_motion,
    line,
    replay,
)

__all__ = [
    "ACCOUNTS",
    "INVARIANTS",
    "KINDS",
    "NO_TRACE",
    "STATES",
    "VERBS",
    "Balance",
    "Counters",
    "Header",
    "Kind",
    "Lamp",
    "Outcome",
    "Recorder",
    "Row",
    "Scalar",
    "State",
    "Trace",
    "balance",
    "depths",
    "gauge",
    "in_slow_motion",
    "in_time_share",
    "lamp",
    "lamps",
    "line",
    "load",
    "outcome",
    "quantile",
    "rates",
    "replay",
    "sojourns_s",
]
