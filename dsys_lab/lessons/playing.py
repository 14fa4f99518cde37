"""The player, wired to the scenarios.

The player itself knows traces only. This module tells it how to make them again: with other values of the sliders, and
with one more fault at the cursor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios import Scenario, repeat
from dsys_lab.scenarios.scenario import DEFAULT_SEED
from dsys_lab.trace import Trace
from dsys_lab.views.controls import require_control
from dsys_lab.views.player import Player


def player(
    *runs: Trace | Scenario,
    compare: Mapping[str, Iterable[Any]] | None = None,
    at: Mapping[str, Any] | None = None,
    titles: Sequence[str] | None = None,
    height: int | None = None,
    **parameters: Any,
) -> Player:
    """Return runs that can be played, stepped and broken.

    Give traces, up to four, or a scenario with its parameters.

    Parameters
    ----------
    compare : mapping, optional
        One parameter -> its values: a lane for each, under the same luck.
    at : mapping, optional
        Where sliders and menus begin; the others begin at the scenario's default.
    titles : sequence of str, optional
        What stands over each lane.
    parameters
        Of the scenario, and `seed`: a range (lo, hi) or (lo, hi, step) makes a slider, a list makes a menu, anything
        else is fixed. `faults=[…]` is fixed too.

    Examples
    --------
    >>> player(burst, compare={"policy": ("unbounded", "drop_oldest")}, capacity=(1, 200))  # doctest: +SKIP
    """
    shown = {"titles": titles, "height": height}
    scenarios = [run for run in runs if isinstance(run, Scenario)]
    if not scenarios:
        if compare or at or parameters:
            raise BadParameter("player: sliders need a scenario to run again; give player(burst, capacity=(1, 200))")
        if not runs:
            raise BadParameter("player: nothing to play; give one to four traces, or a scenario")
        return _play([_trace(run) for run in runs], **shown)
    if len(runs) > 1:
        raise BadParameter("player: give one scenario; compare={'policy': ('block', 'reject')} makes its lanes")
    (scenario,) = scenarios
    controls = {name: value for name, value in parameters.items() if _is_control(scenario, name, value)}
    fixed = {name: value for name, value in parameters.items() if name not in controls}
    lanes = _lanes(scenario, compare, parameters)
    unknown = sorted(set(at or {}) - set(controls))
    if unknown:
        raise BadParameter(f"at: {unknown[0]!r} is no slider here; give some of {', '.join(controls) or 'none'}")
    values = {name: (at or {}).get(name, _start(scenario, name, control)) for name, control in controls.items()}

    def again(**chosen: Any) -> list[Trace]:
        return [scenario(**{**fixed, **chosen, **lane}) for lane in lanes]

    sliders = {"controls": controls, "values": values, "again": again} if controls else {}
    return _play(again(**values), **shown, **sliders)


def _trace(run: object) -> Trace:
    if not isinstance(run, Trace):
        raise BadParameter(f"player: given {run!r}; give traces, or one scenario such as `burst`")
    return run


def _play(traces: Sequence[Trace], **options: Any) -> Player:
    """Return the player, with forks where the runs can be made again."""

    def fork(lane: int, fault: Mapping[str, Any]) -> Trace:
        return repeat(shown.traces[lane].header, more_faults=[fault])

    can_repeat = all(trace.header.lab and trace.header.engine == "model" for trace in traces)
    shown = Player(*traces, fork=fork if can_repeat else None, **options)
    return shown


def _is_control(scenario: Scenario, name: str, value: Any) -> bool:
    """Whether a parameter is given as a range or a list to choose from, rather than as its value."""
    if name not in {"seed", "faults", *scenario.defaults}:
        raise BadParameter(f"{scenario.name}: no parameter {name!r}; give some of seed, {', '.join(scenario.defaults)}")
    if name == "faults" or isinstance(scenario.defaults.get(name), tuple | list):
        return False
    if not isinstance(value, list | tuple):
        return False
    require_control(name, value)
    return True


def _start(scenario: Scenario, name: str, control: Any) -> Any:
    default = DEFAULT_SEED if name == "seed" else scenario.defaults[name]
    if isinstance(control, list):
        return default if default in control else control[0]
    return default if default is not None and control[0] <= default <= control[1] else control[0]


def _lanes(
    scenario: Scenario, compare: Mapping[str, Iterable[Any]] | None, parameters: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if not compare:
        return [{}]
    if len(compare) != 1:
        raise BadParameter(
            f"compare: {len(compare)} parameters; give one, as in compare={{'policy': ('block', 'reject')}}"
        )
    (name, values), *_ = compare.items()
    if name in parameters:
        raise BadParameter(f"{name} is both compared and given: give it once")
    if name not in scenario.defaults:
        raise BadParameter(f"{scenario.name}: no parameter {name!r}; give some of {', '.join(scenario.defaults)}")
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise BadParameter(f"compare: {name} = {values!r}; give its values, {{{name!r}: ({values!r}, …)}}")
    return [{name: value} for value in values]
