"""The sentence, performed: a workload asks a system, and the system leaves a trace.

One folder a lab, named like its notebook; one function a claim. `scenario` makes a function into a run that can be
named and repeated, and `machines` has those that several labs wire together.
"""

from dsys_lab.scenarios.scenario import Claims, Scenario, find, repeat, scenario

__all__ = ["Claims", "Scenario", "find", "repeat", "scenario"]
