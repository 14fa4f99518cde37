"""Time, chance and trouble.

SimPy is the clock and the event loop; this room adds named streams of luck (`chance`), machines that crash (`machine`),
a network that fails (`network`), trouble as data (`faults`), the run that holds them together (`clock`) and parameter
sweeps (`sweeps`). No system under test imports it: a system does not know that it is simulated.
"""

from simpy import Event, Interrupt

from dsys_lab.simulation.clock import Body, Simulation, to_us
from dsys_lab.simulation.faults import Fault, fault
from dsys_lab.simulation.machine import Crashed, Machine
from dsys_lab.simulation.sweeps import Measured, grid, over_seeds, sweep

__all__ = [
    "Body",
    "Crashed",
    "Event",
    "Fault",
    "Interrupt",
    "Machine",
    "Measured",
    "Simulation",
    "fault",
    "grid",
    "over_seeds",
    "sweep",
    "to_us",
]
