"""One line that makes this very run again.

The header of a trace holds all that a run depends on. `share` writes it as a line that can be pasted into a cell or a
message, naming only what differs from the scenario's defaults::

    reproduce("not_consumed_in_time/burst?policy=block&seed=3")

A value that reads as JSON is JSON, anything else is a word.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from dsys_lab.errors import BadParameter, DsysLabError
from dsys_lab.lessons.shown import Shown, card, code, quiet
from dsys_lab.trace import Trace

_SAFE = "[]{}:,\"'/ "


@dataclass(frozen=True, slots=True)
class Share:
    """A line of code that makes a run again.

    Attributes
    ----------
    address : str
        What `reproduce` takes.
    """

    address: str

    def __str__(self) -> str:
        return f"reproduce({self.address!r})"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        use = quiet("One click marks the line: paste it into any notebook of this suite.")
        return Shown(card(code(str(self), select_all=True) + use), str(self))._repr_mimebundle_()


def share(trace: Trace) -> Share:
    """Return the line that makes the run of `trace` again: scenario, parameters, seed and faults.

    Raises
    ------
    BadParameter
        If the trace does not come from a scenario of the model, or code of the reader's own took part.
    """
    from dsys_lab.scenarios import find

    header = trace.header
    if not header.lab or header.engine != "model":
        origin = "no scenario" if header.engine == "model" else header.engine
        raise BadParameter(
            f"this trace comes from {origin}: only a scenario's run can be made again; save it, trace.save('run.jsonl')"
        )
    for name in header.parts:
        own = f"{name} = {header.params[name]!r} is code of your own, which no line can hold"
        raise BadParameter(f"{own}: share the cell that defines it")
    defaults = find(header.lab, header.scenario).defaults
    changed = {name: value for name, value in header.params.items() if _plain(value) != _plain(defaults.get(name))}
    changed["seed"] = header.seed
    if header.faults:
        changed["faults"] = header.faults
    query = "&".join(f"{name}={quote(_text(value), safe=_SAFE)}" for name, value in changed.items())
    return Share(f"{header.lab}/{header.scenario}?{query}")


def reproduce(address: str) -> Trace:
    """Make a shared run again.

    Parameters
    ----------
    address : str
        `lab/scenario?parameter=value&seed=1&faults=[…]`, or the whole line that `share` wrote.

    Raises
    ------
    BadParameter
        If the address has another form, names no scenario, or a parameter that the scenario does not take.
    """
    from dsys_lab.scenarios import find

    address = _inside(address.strip())
    where, _, query = address.partition("?")
    lab, slash, name = where.partition("/")
    if not slash:
        raise BadParameter(f"{address!r}: give 'lab/scenario?parameter=value&seed=1', as `share(trace)` writes it")
    scenario = find(lab, name)
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    given: dict[str, Any] = {}
    for parameter, text in pairs:
        if parameter in given:
            raise BadParameter(f"{address!r}: {parameter} is given twice; give it once")
        given[parameter] = _value(text, scenario.defaults.get(parameter))
    try:
        return scenario(**given)
    except DsysLabError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise BadParameter(f"{address!r}: the scenario cannot run with these values ({error})") from error


def _inside(line: str) -> str:
    """Return the address in the line `reproduce('…')`; an address stays as it is."""
    if not (line.startswith("reproduce(") and line.endswith(")")):
        return line
    try:
        return str(ast.literal_eval(line[len("reproduce(") : -1]))
    except (SyntaxError, ValueError):
        raise BadParameter(f"{line}: no address stands between the parentheses; paste the whole line") from None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    """Write a value so that `_value` reads it back."""
    if isinstance(value, str) and not _reads_as_json(value):
        return value
    return json.dumps(_plain(value), separators=(",", ":"))


def _value(text: str, default: Any) -> Any:
    value = json.loads(text) if _reads_as_json(text) else text
    return tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
