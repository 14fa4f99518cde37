"""Events of partners come in by web hooks.

`web_hooks` has the runs of the door, `hook_machines` its two ends, `attack_script` what comes to it, and `hook_counts`
says what many runs come to.
"""

from dsys_lab.scenarios.event_bus.web_hooks import attack, crash_at_the_door, hear_of_it

__all__ = ["attack", "crash_at_the_door", "hear_of_it"]
