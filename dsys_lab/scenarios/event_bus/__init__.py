"""Wearables, a shop and a partner say what happened; rules decide whom it concerns, and a door whom to believe.

`nights` has the runs of the bus, `machines` the bus on a machine and those around it; `sieves` has patterns and events
to guess at, `counts` says what runs come to. Events of partners come in by web hooks: `web_hooks` has the runs of the
door, `hook_machines` its two ends, `attack_script` what comes to it, and `hook_counts` says what many runs come to.
"""

from dsys_lab.scenarios.event_bus.nights import loop, outage, renamed, replayed, routing
from dsys_lab.scenarios.event_bus.web_hooks import attack, crash_at_the_door, hear_of_it

__all__ = ["attack", "crash_at_the_door", "hear_of_it", "loop", "outage", "renamed", "replayed", "routing"]
