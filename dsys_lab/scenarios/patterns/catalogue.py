"""A catalogue of patterns, each as two runs of one scenario: without it and with it.

A pattern is data: which parameters switch it, and two measures, of what it buys and of what it costs. Nothing on a card
is an opinion but its words; the numbers are counted in the two runs, which the same seed gives the same luck.

Most names are those of the Azure Architecture Center, "Cloud design patterns" (42 rows in the stored copy of July 2022;
Messaging Bridge and Quarantine came later), and of its articles on the outbox and the idempotent consumer. Most are
older: Hohpe and Woolf, *Enterprise Integration Patterns*, 2003, from whom *Dead Letter Channel* is taken; Nygard,
*Release It!*, 2007; Newman, *Building Microservices*, second edition, 2021. *Lease* and *Heartbeat* are named as in
Joshi, *Patterns of Distributed Systems*, 2023; *Verification with Apology* as in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.patterns.measures import Measure
from dsys_lab.scenarios.scenario import DEFAULT_SEED, find
from dsys_lab.trace import Trace


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern and the lab that performs it.

    Attributes
    ----------
    name : str
    problem : str
        What is the matter without it, in one sentence.
    answer : str
        What it does about it.
    scenario : str
        "lab.scenario", as `dsys_lab.scenarios.find` knows them.
    without, with_it : mapping
        The parameters of the two runs.
    buys, costs : Measure
        What is less with it, and what is more.
    neighbour : str
        The pattern that it is taken for.
    unlike : str
        What tells the two apart.
    common : mapping
        Parameters of both runs.
    """

    name: str
    problem: str
    answer: str
    scenario: str
    without: Mapping[str, Any]
    with_it: Mapping[str, Any]
    buys: Measure
    costs: Measure
    neighbour: str
    unlike: str
    common: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lab(self) -> str:
        """The lab whose scenario it is."""
        return self.scenario.partition(".")[0]

    def runs(self, *, seed: int = DEFAULT_SEED) -> tuple[Trace, Trace]:
        """Run without and with it, under the same luck."""
        lab, _, name = self.scenario.partition(".")
        run = find(lab, name)
        return run(seed=seed, **{**self.common, **self.without}), run(seed=seed, **{**self.common, **self.with_it})

    def counted(self, *, seed: int = DEFAULT_SEED) -> Counted:
        """Run twice, and count what it buys and what it costs."""
        bare, clad = self.runs(seed=seed)
        return Counted(
            self.name, (self.buys.of(bare), self.buys.of(clad)), (self.costs.of(bare), self.costs.of(clad))
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """What two runs of a pattern came to.

    Attributes
    ----------
    name : str
        Of the pattern.
    buys, costs : (float, float)
        Each without and with it.
    """

    name: str
    buys: tuple[float, float]
    costs: tuple[float, float]


def named(patterns: Mapping[str, Pattern], name: str) -> Pattern:
    """Return the pattern of this name, however its letters are written.

    Raises
    ------
    BadParameter
        If there is none, with those that there are.
    """
    found = {key.casefold(): pattern for key, pattern in patterns.items()}
    if name.casefold() not in found:
        raise BadParameter(f"no pattern {name!r}: give one of {', '.join(patterns)}")
    return found[name.casefold()]
