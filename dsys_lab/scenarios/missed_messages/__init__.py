"""Pings on a path that leaks: what is lost without a word, who notices, and what brings it back.

`path` has the run with six taps, `machines` who stands along it, `watchers` who watches; `readers` has five runs of
readers of a `tape`, `keepers` three in which who keeps the messages loses them, and `watching` the detectors alone.
`counts` says what it all comes to, `repairs` what a repair reads again; `told` puts into tables what detectors and real
servers say.
"""

from dsys_lab.scenarios.missed_messages.keepers import failover, fast_clock, unread
from dsys_lab.scenarios.missed_messages.path import path
from dsys_lab.scenarios.missed_messages.readers import away, falling_off, poison, restored, seam

__all__ = ["away", "failover", "falling_off", "fast_clock", "path", "poison", "restored", "seam", "unread"]
