"""Which rules pick an event? Asked of all of them, or only of those that an index finds.

`Loop` asks every pattern: simple, and its time grows with the number of rules. `Index` asks few. A field whose wishes
are all plain values must have one of them in an event that is picked, so a rule can stand in a table under these
values; the event looks up its own. A rule stands under one of its fields: the one for which the rules so far have named
the most different values, for it parts them best. A rule without such a field (`anything-but`, `prefix`, ..) stands in
the list of those that are always asked.

Both answer alike, in the order in which the rules were made; `asked` says how many patterns were asked.

Source: the idea of content-based routing by an index is Carzaniga and Wolf, "Forwarding in a content-based network",
SIGCOMM 2003; aws/event-ruler compiles all rules into one automaton instead.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.event_patterns.pattern import Path, values_at


class Matcher(Protocol):
    """Rules by their names, asked of events."""

    asked: int

    def add(self, name: str, pattern: Pattern) -> None:
        """Take a rule in; one of the same name is replaced."""
        ...

    def remove(self, name: str) -> None:
        """Take a rule out."""
        ...

    def verdicts(self, event: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        """Yield each rule that was asked, in order, and whether it picks the event."""
        ...


class Loop:
    """Asks every rule."""

    def __init__(self) -> None:
        self.asked = 0
        self._patterns: dict[str, Pattern] = {}

    def add(self, name: str, pattern: Pattern) -> None:
        """Take a rule in."""
        self._patterns[name] = pattern

    def remove(self, name: str) -> None:
        """Take a rule out."""
        del self._patterns[name]

    def verdicts(self, event: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        """Yield every rule, and whether it picks the event."""
        for name, pattern in self._patterns.items():
            self.asked += 1
            yield name, pattern.matches(event)


class Index:
    """Asks the rules that stand under a value of the event, and those that stand nowhere."""

    def __init__(self) -> None:
        self.asked = 0
        self._patterns: dict[str, tuple[int, Pattern]] = {}  # in which order it was made
        self._fields: dict[str, Path] = {}  # under which field a rule stands
        self._under: dict[Path, defaultdict[Any, dict[str, None]]] = {}
        self._always: dict[str, None] = {}
        self._named: defaultdict[Path, Counter[Any]] = defaultdict(Counter)  # values of a field, in how many rules
        self._next_number = 0

    def add(self, name: str, pattern: Pattern) -> None:
        """Take a rule in."""
        number = self._next_number
        if name in self._patterns:
            number = self._patterns[name][0]  # the place in the order stays
            self.remove(name)
        else:
            self._next_number += 1
        self._patterns[name] = number, pattern
        exact = pattern.exact()
        if not exact:
            self._always[name] = None
            return
        for path, values in exact.items():
            self._named[path].update(values)
        field = self._fields[name] = max(exact, key=lambda path: (len(self._named[path]), len(path)))
        table = self._under.setdefault(field, defaultdict(dict))
        for value in exact[field]:
            table[value][name] = None

    def remove(self, name: str) -> None:
        """Take a rule out."""
        _, pattern = self._patterns.pop(name)
        self._always.pop(name, None)
        for path, values in pattern.exact().items():
            self._named[path] -= Counter(values)  # which drops what nobody names any more
        if field := self._fields.pop(name, None):
            table = self._under[field]
            for value in pattern.exact()[field]:
                table[value].pop(name, None)
                if not table[value]:
                    del table[value]
            if not table:
                del self._under[field]

    def verdicts(self, event: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        """Yield the rules that may pick the event, and whether they do."""
        names = dict(self._always)
        for path, table in self._under.items():
            for value in values_at(event, path):
                names.update(table.get(value, {}))
        for name in sorted(names, key=lambda one: self._patterns[one][0]):
            self.asked += 1
            yield name, self._patterns[name][1].matches(event)
