"""Pings on a path that leaks: what is lost without a word, who notices, and what brings it back.

`path` has the run with six taps, `machines` who stands along it, `watchers` who watches; `readers` has five runs of
readers of a `tape`, and `watching` the detectors alone. `counts` says what it all comes to.
"""

from dsys_lab.scenarios.missed_messages.path import path
from dsys_lab.scenarios.missed_messages.readers import away, falling_off, poison, restored, seam

__all__ = ["away", "falling_off", "path", "poison", "restored", "seam"]
