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

Faults of one kind may overlap on one target. The one that struck last and still lasts rules, and what was ends only
with the last of them: a machine is down for as long as any of its crashes lasts.

A plan that did not strike would leave a picture of no trouble under a title that names some. `require_struck` refuses
it, with what the fault waited for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_fraction
from dsys_lab.trace.kinds import KINDS, nearest

if TYPE_CHECKING:
    from dsys_lab.simulation.clock import Simulation
    from dsys_lab.simulation.machine import Machine
    from dsys_lab.trace import Scalar

ACTS: Final = ("crash", "slow", "skew", "split", "loss", "duplication", "lose", "duplicate")
ON_NETWORK: Final = ("split", "loss", "duplication", "lose", "duplicate")


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


@dataclass(slots=True)
class Armed:
    """A fault of a run, and how far it is.

    Attributes
    ----------
    fault : Fault
    rows : int
        How many rows that it waits for have come.
    struck : bool
        Whether it struck while something was left to happen.
    """

    fault: Fault
    rows: int = 0
    struck: bool = False


def arm(fault: Fault, simulation: Simulation) -> Armed:
    """Make `fault` strike in `simulation` when its time or its row comes."""
    armed = Armed(fault)
    if fault.at_s is not None:
        simulation.after(fault.at_s, lambda: _strike(armed, simulation))
        return armed
    wanted = dict(fault.on or {})

    def matches(kind: str, place: str, message: str | None, row_fields: dict[str, Scalar]) -> bool:
        row = {**row_fields, "kind": kind, "place": place, "message": message}
        if not all(row.get(name) == value for name, value in wanted.items()):
            return False
        armed.rows += 1
        return armed.rows == fault.nth

    # not at once: the process that wrote the row runs on to its next yield, and is struck there
    simulation.when(matches, lambda: simulation.after(0, lambda: _strike(armed, simulation)))
    return armed


def require_struck(plan: Iterable[Armed], simulation: Simulation) -> None:
    """Refuse a plan of which a part did not strike in the run that is over, or struck at nothing.

    Raises
    ------
    BadParameter
        With what the fault waited for, and what came.
    """
    for armed in plan:
        why = _missed(armed, simulation)
        if why:
            raise BadParameter(f"fault {armed.fault.do!r}: {why}")


def _missed(armed: Armed, simulation: Simulation) -> str:
    """Say why a fault changed nothing, and what to give instead; nothing, if it struck."""
    fault, network = armed.fault, simulation.network
    if fault.at_s is not None and not armed.struck:
        return f"at_s = {fault.at_s!r} lies after all that happens here; give an earlier time"
    if armed.rows < fault.nth and fault.at_s is None:
        waited = f"it waits for row number {fault.nth} with {dict(fault.on or {})}, and {armed.rows} came"
        return f"{waited}; give a smaller nth, or another row to wait for"
    if not armed.struck:
        return "the row it waits for is the last that happens here; give an earlier one"
    if fault.do in ON_NETWORK and not network.journeys:
        others = ", ".join(act for act in ACTS if act not in ON_NETWORK)
        return f"nothing goes over the network in this run; give one of {others}"
    if fault.do in ("lose", "duplicate") and network.waits_for(fault.target):
        return f"no copy of {fault.target!r} goes over the network after that; give an earlier time, or another message"
    return ""


def _strike(armed: Armed, simulation: Simulation) -> None:
    """Let a fault begin, and end after its time."""
    fault = armed.fault
    armed.struck = simulation.goes_on()
    begin, end = _EFFECTS[fault.do]
    in_force = simulation.in_force.setdefault((fault.do, fault.target), [])
    in_force.append(fault)
    begin(fault, simulation)
    if fault.lasts_s is None:
        return

    def over() -> None:
        ruled = in_force[-1]
        in_force.remove(fault)
        if not in_force:
            end(fault, simulation)
        elif in_force[-1] != ruled:
            begin(in_force[-1], simulation)

    simulation.after(fault.lasts_s, over)


Act = Callable[[Fault, "Simulation"], None]


def _machine(fault: Fault, simulation: Simulation) -> Machine:
    if fault.target not in simulation.machines:
        raise BadParameter(
            f"fault {fault.do!r}: no machine {fault.target!r}; give one of {', '.join(simulation.machines)}"
        )
    return simulation.machines[fault.target]


def _set_skew(fault: Fault, simulation: Simulation, seconds: float) -> None:
    machine = _machine(fault, simulation)
    machine.skew_us = int(seconds * 1e6)
    simulation.emit("skew", machine.name, skew_us=machine.skew_us)


def _side(fault: Fault, simulation: Simulation) -> frozenset[str]:
    side = frozenset(name.strip() for name in fault.target.split(","))
    for name in sorted(side):
        if name not in simulation.machines:
            raise BadParameter(f"fault 'split': no machine {name!r}; give some of {', '.join(simulation.machines)}")
    return side


def _split(fault: Fault, simulation: Simulation) -> None:
    side = _side(fault, simulation)
    simulation.network.splits.append(side)
    simulation.emit("split", "network", side=", ".join(sorted(side)))


def _heal(fault: Fault, simulation: Simulation) -> None:
    side = _side(fault, simulation)
    simulation.network.splits = [other for other in simulation.network.splits if other != side]
    simulation.emit("heal", "network", side=", ".join(sorted(side)))


def _share(attribute: str, words: str) -> tuple[Act, Act]:
    def to(value: float, simulation: Simulation) -> None:
        setattr(simulation.network, attribute, value)
        simulation.emit("note", "network", text=f"{value:.0%} of the messages are {words}")

    return lambda fault, sim: to(fault.value, sim), lambda _, sim: to(0.0, sim)


def _nothing(fault: Fault, simulation: Simulation) -> None:
    """What struck a message is over when it has struck."""


_EFFECTS: Final[dict[str, tuple[Act, Act]]] = {
    "crash": (lambda fault, sim: _machine(fault, sim).crash(), lambda fault, sim: _machine(fault, sim).restart()),
    "slow": (
        lambda fault, sim: _machine(fault, sim).set_speed(fault.value),
        lambda fault, sim: _machine(fault, sim).set_speed(1.0),
    ),
    "skew": (lambda fault, sim: _set_skew(fault, sim, fault.value), lambda fault, sim: _set_skew(fault, sim, 0.0)),
    "split": (_split, _heal),
    "loss": _share("loss_fraction", "lost"),
    "duplication": _share("duplicate_fraction", "copied"),
    "lose": (lambda fault, sim: sim.network.lose(fault.target), _nothing),
    "duplicate": (lambda fault, sim: sim.network.duplicate(fault.target), _nothing),
}
"""What each kind of fault does when it strikes, and when the last of its kind on that target is over."""
