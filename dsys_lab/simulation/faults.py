"""Trouble as data: what goes wrong, and when.

A fault is a frozen record, so a plan of faults can be printed, compared, put into a share link and repeated. It strikes
at a time, or right after the n-th row that matches: "crash worker-1 after its third effect" is exact and does not
depend on the seed.

>>> Fault(do="crash", target="worker-1", on={"kind": "effect", "place": "worker-1"}, nth=3, lasts_s=5)
Fault(do='crash', target='worker-1', on={'kind': 'effect', 'place': 'worker-1'}, nth=3, lasts_s=5)

=============  ==========================================  ===================================
do             target                                      value
=============  ==========================================  ===================================
`crash`        a machine                                   (restarts after `lasts_s`)
`slow`         a machine                                   share of full speed; 0 is a pause
`skew`         a machine                                   seconds that its clock is ahead
`split`        names of the machines on one side, by `,`
`loss`         `network`                                   share of messages lost
`duplication`  `network`                                   share of messages copied
`lose`         a message                                   (its next copy on the way is lost)
`duplicate`    a message                                   (copied when it is sent next)
=============  ==========================================  ===================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_fraction
from dsys_lab.trace.kinds import KINDS, nearest

if TYPE_CHECKING:
    from dsys_lab.simulation.clock import Simulation
    from dsys_lab.trace import Scalar

ACTS: Final = ("crash", "slow", "skew", "split", "loss", "duplication", "lose", "duplicate")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Fault:
    """One piece of trouble.

    Attributes
    ----------
    do : str
        One of `ACTS`.
    target : str
        What it strikes (see the table above).
    at_s : float, optional
        When, in virtual seconds.
    on : mapping, optional
        Or after which row: columns and fields that must be equal.
    nth : int
        After how many such rows.
    lasts_s : float, optional
        After how long it is undone; never, if None.
    value : float
    """

    do: str
    target: str
    at_s: float | None = None
    on: Mapping[str, Any] | None = None
    nth: int = 1
    lasts_s: float | None = None
    value: float = 0.0

    def __post_init__(self) -> None:
        require_choice("fault do", self.do, ACTS)
        if (self.at_s is None) == (self.on is None):
            raise BadParameter(f"fault {self.do!r}: give either at_s (a time) or on (a row to wait for)")
        kind = (self.on or {}).get("kind")
        if kind is not None and kind not in KINDS:
            raise BadParameter(f"fault {self.do!r}: no row is of kind {kind!r}, it would never strike; {nearest(kind)}")
        if self.at_s is not None and not 0 <= self.at_s < math.inf:
            raise BadParameter(f"fault {self.do!r}: at_s = {self.at_s!r} lies outside the run; give 0 or more")
        if self.lasts_s is not None and not 0 <= self.lasts_s < math.inf:
            raise BadParameter(f"fault {self.do!r}: lasts_s = {self.lasts_s!r}; give 0 or more, or None for ever")
        if self.nth < 1:
            raise BadParameter(f"fault {self.do!r}: nth = {self.nth!r}; give 1 for the first matching row")
        if self.do == "slow" and not 0 <= self.value < math.inf:
            raise BadParameter(f"fault 'slow': value = {self.value!r}; give a share of full speed, 0 for a pause")
        if self.do in ("loss", "duplication"):
            require_fraction(**{f"fault {self.do!r}: value": self.value})

    def __repr__(self) -> str:
        return f"Fault({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as JSON values, without what was left at its default."""
        default = {f.name: f.default for f in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != default[name]}


def fault(plan: Fault | Mapping[str, Any]) -> Fault:
    """Return a fault from its JSON form."""
    if isinstance(plan, Fault):
        return plan
    if not isinstance(plan, Mapping):
        raise BadParameter(f"fault {plan!r}: give {{'do': 'crash', 'target': 'scorer', 'at_s': 30.0}}")
    known = {f.name for f in fields(Fault)}
    unknown = sorted(set(plan) - known)
    if unknown:
        raise BadParameter(f"fault: no field {unknown[0]!r}; give some of {', '.join(sorted(known))}")
    return Fault(**plan)


def arm(fault: Fault, simulation: Simulation) -> None:
    """Make `fault` strike in `simulation` when its time or its row comes."""
    if fault.at_s is not None:
        simulation.after(fault.at_s, lambda: _strike(fault, simulation))
        return
    wanted, left = dict(fault.on or {}), [fault.nth]

    def matches(kind: str, place: str, message: str | None, row_fields: dict[str, Scalar]) -> bool:
        row = {**row_fields, "kind": kind, "place": place, "message": message}
        if not all(row.get(name) == value for name, value in wanted.items()):
            return False
        left[0] -= 1
        return left[0] == 0

    # not at once: the process that wrote the row runs on to its next yield, and is struck there
    simulation.when(matches, lambda: simulation.after(0, lambda: _strike(fault, simulation)))


def _strike(fault: Fault, simulation: Simulation) -> None:
    undo = _EFFECTS[fault.do](fault, simulation)
    if fault.lasts_s is not None and undo is not None:
        simulation.after(fault.lasts_s, undo)


Undo = Callable[[], object] | None


def _machine(fault: Fault, simulation: Simulation) -> Any:
    if fault.target not in simulation.machines:
        raise BadParameter(
            f"fault {fault.do!r}: no machine {fault.target!r}; give one of {', '.join(simulation.machines)}"
        )
    return simulation.machines[fault.target]


def _crash(fault: Fault, simulation: Simulation) -> Undo:
    machine = _machine(fault, simulation)
    machine.crash()
    return machine.restart


def _slow(fault: Fault, simulation: Simulation) -> Undo:
    machine = _machine(fault, simulation)
    machine.set_speed(fault.value)
    return lambda: machine.set_speed(1.0)


def _skew(fault: Fault, simulation: Simulation) -> Undo:
    machine = _machine(fault, simulation)

    def skew(seconds: float) -> None:
        machine.skew_us = int(seconds * 1e6)
        simulation.emit("skew", machine.name, skew_us=machine.skew_us)

    skew(fault.value)
    return lambda: skew(0.0)


def _split(fault: Fault, simulation: Simulation) -> Undo:
    side = frozenset(name.strip() for name in fault.target.split(","))
    for name in sorted(side):
        if name not in simulation.machines:
            raise BadParameter(f"fault 'split': no machine {name!r}; give some of {', '.join(simulation.machines)}")
    names = ", ".join(sorted(side))
    simulation.network.splits.append(side)
    simulation.emit("split", "network", side=names)

    def heal() -> None:
        simulation.network.splits.remove(side)
        simulation.emit("heal", "network", side=names)

    return heal


def _share(attribute: str, words: str) -> Callable[[Fault, Simulation], Undo]:
    def effect(fault: Fault, simulation: Simulation) -> Undo:
        def to(value: float) -> None:
            setattr(simulation.network, attribute, value)
            simulation.emit("note", "network", text=f"{value:.0%} of the messages are {words}")

        to(fault.value)
        return lambda: to(0.0)

    return effect


def _lose(fault: Fault, simulation: Simulation) -> Undo:
    simulation.network.lose(fault.target)
    return None


def _duplicate(fault: Fault, simulation: Simulation) -> Undo:
    simulation.network.duplicate(fault.target)
    return None


_EFFECTS: Final[dict[str, Callable[[Fault, Simulation], Undo]]] = {
    "crash": _crash,
    "slow": _slow,
    "skew": _skew,
    "split": _split,
    "loss": _share("loss_fraction", "lost"),
    "duplication": _share("duplicate_fraction", "copied"),
    "lose": _lose,
    "duplicate": _duplicate,
}
