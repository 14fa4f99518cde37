"""A scenario: a run that can be named, repeated and compared.

A scenario is a function that wires systems into a simulation and lets them run. Its keyword parameters are all that it
depends on, next to the seed and the faults, so the header of its trace is enough to make the run again, with one thing
changed: another policy, another seed, one fault more. That is what a slider, a fork at the cursor, a share link and a
hidden test do.

A part of the run may be code of the reader's own: where a parameter's annotation names a class (`policy: str | Policy`)
such an object may be given instead of a name. The run then meets the same luck and faults as any other, and can be
forked and compared; only a link to it cannot be shared, and says so.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.simulation import Fault, Simulation, fault
from dsys_lab.trace import Counters, Header, Recorder, Trace

DEFAULT_SEED: Final = 7
Faults = Iterable[Fault | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Claims:
    """What the performed run should keep, and the lines to hold it against.

    Attributes
    ----------
    invariants : dict
        Name in `dsys_lab.trace.INVARIANTS` -> its parameters.
    references : dict
        Measure -> {"value": number, "label": text}.
    poster_us : int, optional
        The moment that tells most, at which a picture of the run opens; without it the picture chooses one.
    follow : str, optional
        The message that a picture follows when it is opened.
    strip : tuple of str
        The gauges that the strip below a picture draws, by name; without them the picture chooses.
    """

    invariants: dict[str, dict[str, Any]] = field(default_factory=dict)
    references: dict[str, dict[str, Any]] = field(default_factory=dict)
    poster_us: int | None = None
    follow: str | None = None
    strip: tuple[str, ...] = ()


Body = Callable[..., Claims]


class Scenario:
    """A run with a name and parameters; call it to get its trace.

    Attributes
    ----------
    lab, name : str
        Where it is found: package `dsys_lab.scenarios.<lab>`, function `<name>`.
    defaults : dict
        Its parameters and their default values.
    """

    def __init__(self, body: Body, title: str) -> None:
        self._body = body
        self._title = title
        self.lab = body.__module__.removeprefix("dsys_lab.scenarios.").split(".")[0]
        self.name = body.__name__
        self.__doc__ = body.__doc__
        self.__wrapped__ = body  # lets inspect and show_source find the function
        named = {
            name: parameter
            for name, parameter in inspect.signature(body).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }
        self.defaults = {name: parameter.default for name, parameter in named.items()}
        self._kinds = {"seed": "int", **{name: str(parameter.annotation) for name, parameter in named.items()}}

    def __call__(self, *unnamed: Any, seed: int = DEFAULT_SEED, faults: Faults = (), **params: Any) -> Trace:
        """Run, and return the trace.

        Raises
        ------
        BadParameter
            If the scenario has no such parameter, or refuses its value.
        """
        if unnamed:
            names = ", ".join(self.defaults)
            raise BadParameter(f"{self.name}: given {unnamed[0]!r}; give parameters by name: {names}")
        plan = self._plan(faults)
        params = self._complete(params, seed)
        parts = {name: value for name, value in params.items() if not is_plain(value)}
        named = {**params, **{name: name_of(part) for name, part in parts.items()}}
        trace = Trace(Header(lab=self.lab, scenario=self.name, seed=seed, params=named, parts=parts))
        trace.header.faults = [item.as_dict() for item in plan]
        said = {name: "no" if value is None else value for name, value in named.items()}
        troubles = ["pause" if item.do == "slow" and not item.value else item.do for item in plan]
        troubles = [f"{do} {item.target}" for do, item in zip(troubles, plan, strict=True)]
        trace.header.title = " + ".join([self._title.format(**said), *troubles])
        claims, simulation = self._perform(trace, seed, plan, params)
        trace.header.invariants, trace.header.references = claims.invariants, claims.references
        trace.header.end_us, trace.header.poster_us = simulation.now_us, claims.poster_us
        trace.header.machines = list(simulation.machines)
        trace.header.strip, trace.header.follow = list(claims.strip), claims.follow
        return trace

    def count(self, *, seed: int = DEFAULT_SEED, faults: Faults = (), **params: Any) -> Counters:
        """Run without keeping rows, and return what was counted: the same numbers, for sweeps."""
        counters = Counters()
        self._perform(counters, seed, self._plan(faults), self._complete(params, seed))
        return counters

    def _perform(
        self, recorder: Recorder, seed: int, faults: tuple[Fault, ...], params: dict[str, Any]
    ) -> tuple[Claims, Simulation]:
        simulation = Simulation(seed=seed, faults=faults, recorder=recorder)
        claims = self._body(simulation, **params)
        simulation.require_struck()
        return claims, simulation

    def _plan(self, faults: Faults) -> tuple[Fault, ...]:
        if isinstance(faults, Mapping | Fault | str):
            raise BadParameter(f"faults = {faults!r}: give a list of faults, [{{'do': 'crash', …}}]")
        return tuple(fault(item) for item in faults)

    def _complete(self, params: dict[str, Any], seed: int) -> dict[str, Any]:
        unknown = sorted(set(params) - set(self.defaults))
        if unknown:
            raise BadParameter(f"{self.name}: no parameter {unknown[0]!r}; give some of {', '.join(self.defaults)}")
        for name, value in {"seed": seed, **params}.items():
            require_kind(name, value, self._kinds[name])
        return {**self.defaults, **params}

    def __reduce__(self) -> tuple[Callable[[str, str], Scenario], tuple[str, str]]:
        """Travel to another process by name, as a function does: so a sweep may run anywhere."""
        return find, (self.lab, self.name)

    def __repr__(self) -> str:
        parameters = ", ".join(f"{name}={value!r}" for name, value in self.defaults.items())
        return f"{self.lab}.{self.name}({parameters})"


_KINDS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "bool": (lambda value: isinstance(value, bool), "True or False"),
    "int": (lambda value: isinstance(value, Integral) and not isinstance(value, bool), "a whole number"),
    "float": (lambda value: isinstance(value, Real) and math.isfinite(value), "a number"),
    "str": (lambda value: isinstance(value, str), "a word, in quotes"),
    "None": (lambda value: value is None, "None"),
}


def is_plain(value: Any) -> bool:
    """Whether a value can be written down: a number, a word, nothing, or a list of such."""
    if isinstance(value, tuple | list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, str | Real)


def name_of(part: object) -> str:
    """Return what a part calls itself: its `name`, or the function's.

    >>> name_of(is_plain)
    'is_plain'
    """
    return str(getattr(part, "name", None) or getattr(part, "__name__", type(part).__name__))


def require_kind(name: str, value: Any, kind: str) -> None:
    """Refuse a value that is not of the kind that an annotation names, such as `int`, `float | None`, `str | Policy`.

    A word with a capital letter names a class of parts; what else an annotation allows is left to the scenario itself.
    """
    allowed = kind.split(" | ")
    if any(_is_of(word, value) for word in allowed):
        return
    words = " or ".join(_KINDS[word][1] if word in _KINDS else f"a {word}" for word in allowed)
    raise BadParameter(f"{name} = {value!r}: give {words}")


def _is_of(word: str, value: Any) -> bool:
    if word in _KINDS:
        return _KINDS[word][0](value)
    if word[:1].isupper():
        return word in {kind.__name__ for kind in type(value).__mro__} or (word == "Callable" and callable(value))
    return is_plain(value)


def scenario(title: str) -> Callable[[Body], Scenario]:
    """Make a function that takes a simulation and keyword parameters into a `Scenario`.

    Parameters
    ----------
    title : str
        What stands over its picture; parameters in braces are filled in, None as "no". Faults are added to it.
    """
    return lambda body: Scenario(body, title)


def find(lab: str, name: str) -> Scenario:
    """Return the scenario `name` of the lab with this stem.

    Raises
    ------
    BadParameter
        If there is no such lab or scenario, with those that there are.
    """
    try:
        module = importlib.import_module(f"dsys_lab.scenarios.{lab}")
    except ModuleNotFoundError as error:
        if not f"dsys_lab.scenarios.{lab}".startswith(str(error.name)):
            raise  # the lab is there, and something that it needs is not
        raise BadParameter(f"no lab {lab!r}: give the name of a folder in dsys_lab/scenarios") from None
    found = {key: value for key, value in vars(module).items() if isinstance(value, Scenario)}
    if name not in found:
        raise BadParameter(f"{lab}: no scenario {name!r}; give one of {', '.join(found)}")
    return found[name]


def repeat(header: Header, *, more_faults: Faults = (), **changed: Any) -> Trace:
    """Make the run of `header` again: same seed, parameters, parts and faults, but for what is changed or added.

    Raises
    ------
    BadParameter
        If code took part that the header does not hold any more, for it was saved to a file in between.
    """
    seed = changed.pop("seed", header.seed)
    run = find(header.lab, header.scenario)
    params = {**header.params, **header.parts, **changed}
    for name in header.parts:
        if name not in changed and header.parts[name] is None:
            lost = f"{header.params[name]!r} was code of somebody's own, which no file keeps"
            raise BadParameter(f"{name}: {lost}; give it again, repeat(header, {name}=…)")
    return run(seed=seed, faults=[*header.faults, *more_faults], **params)
