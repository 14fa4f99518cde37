r"""What a target is given of an event: the whole, a part, something else altogether, or another shape.

The fourth is the *transformer*: paths name values of the event, and a template has holes for them::

    paths     {"who": "$.detail.sleeper", "hours": "$.detail.hours"}
    template  {"user": <who>, "text": "<who> slept <hours> h"}
    event     ... "detail": {"sleeper": "ann", "hours": 7.5} ...
    given     {"user": "ann", "text": "ann slept 7.5 h"}

A hole outside of quotes takes the value as JSON, one within quotes its text. A value that the event does not have is
nothing within quotes, and null outside of them.

Sources: Amazon EventBridge User Guide, "Amazon EventBridge input transformation"; what stands in JSON for a value that
is missing is not documented there, and null is this room's choice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter
from dsys_lab.facts import fact

PATHS_MAX: Final = int(fact("eventbridge_paths_max").value)
TEMPLATE_MAX: Final = int(fact("eventbridge_template_max").value)
_PATH: Final = re.compile(r"\$(\.[\w/-]+|\[\d+\])*")
_STEP: Final = re.compile(r"\.([\w/-]+)|\[(\d+)\]")
_HOLE: Final = re.compile(r"<([\w.-]+)>")
_PIECE: Final = re.compile(r'\\.|"|<[\w.-]+>|[^\\"<]+|<', re.DOTALL)
MISSING: Final = object()


class Shape(Protocol):
    """What becomes of an event on its way to a target."""

    def of(self, envelope: Mapping[str, Any]) -> str:
        """Return what the target is given."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """The event as it is."""

    def of(self, envelope: Mapping[str, Any]) -> str:
        """Return the envelope."""
        return json.dumps(envelope)


WHOLE: Final = Whole()


@dataclass(frozen=True, slots=True)
class Part:
    """What lies at a path, such as `$.detail`."""

    path: str

    def __post_init__(self) -> None:
        require_path("path", self.path)

    def of(self, envelope: Mapping[str, Any]) -> str:
        """Return the part; null if there is none."""
        found = at(envelope, self.path)
        return json.dumps(None if found is MISSING else found)


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same JSON text, whatever happened."""

    text: str

    def __post_init__(self) -> None:
        try:
            json.loads(self.text)
        except (ValueError, TypeError) as error:
            raise BadParameter(f"text = {self.text!r}: give JSON ({error})") from error

    def of(self, envelope: Mapping[str, Any]) -> str:
        """Return the text."""
        return self.text


@dataclass(frozen=True, slots=True)
class Transformer:
    """A template with the values of some paths in its holes.

    Attributes
    ----------
    paths : mapping
        The name of a hole -> where in the event its value lies.
    template : str
        With `<name>` where a value goes.
    """

    paths: Mapping[str, str]
    template: str

    def __post_init__(self) -> None:
        if not isinstance(self.template, str) or not 0 < len(self.template) <= TEMPLATE_MAX:
            raise BadParameter(f"template: give a text of 1 to {TEMPLATE_MAX:,} characters")
        if len(self.paths) > PATHS_MAX:
            raise BadParameter(f"paths: here are {len(self.paths)}, there may be {PATHS_MAX}")
        for name, path in self.paths.items():
            require_path(f"paths[{name!r}]", path)
            if name.startswith("aws."):
                raise BadParameter(f"paths[{name!r}]: names that begin with aws. are the service's own")
        if unknown := [name for name in _HOLE.findall(self.template) if name not in self.paths]:
            raise BadParameter(f"template: no path for <{unknown[0]}>; there are {', '.join(self.paths) or 'none'}")

    def of(self, envelope: Mapping[str, Any]) -> str:
        """Return the filled template."""
        values = {name: at(envelope, path) for name, path in self.paths.items()}
        return "".join(self._filled(values))

    def _filled(self, values: Mapping[str, Any]) -> Iterator[str]:
        in_quotes = False
        for piece in _PIECE.findall(self.template):
            in_quotes ^= piece == '"'
            if not _HOLE.fullmatch(piece):
                yield piece
            elif in_quotes:
                yield as_text(values[piece[1:-1]])
            else:
                found = values[piece[1:-1]]
                yield json.dumps(None if found is MISSING else found)


def as_text(value: Any) -> str:
    """Return a value as it stands within a text of JSON."""
    if value is MISSING:
        return ""
    return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]


def require_path(name: str, path: Any) -> None:
    """Refuse what is no path that the service knows."""
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise BadParameter(f"{name} = {path!r}: give a path such as $.detail.name or $.resources[0]")


def at(envelope: Mapping[str, Any], path: str) -> Any:
    """Return what lies at a path, or MISSING."""
    here: Any = envelope
    for name, number in _STEP.findall(path):
        if name and isinstance(here, Mapping) and name in here:
            here = here[name]
        elif number and isinstance(here, list) and int(number) < len(here):
            here = here[int(number)]
        else:
            return MISSING
    return here
