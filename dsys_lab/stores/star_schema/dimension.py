"""What was true of a person then, and what is true now?

A dimension keeps a *version* of a member for each stretch of time in which nothing historic changed (SCD 2), and facts
point at versions by a *surrogate key*, a number that means nothing else. An attribute whose history nobody needs is
overwritten in every version (SCD 1). ::

    surrogate  key   city      plan    valid from  until
        0      --    (unknown) ...                          orphans point here, and are counted
        1      17    Oslo      plus        0        90      `city` is historic: on day 90 a new version begins
        2      17    Lagos     plus       90        --      `plan` is overwritten: both versions say plus
        3      99    (unknown) ...        12        --      inferred: a fact came before its person

An inferred member is filled in when its details come; its surrogate stays, so totals do not move, only their label
changes. A change that is told late splits the version that was valid then.

Promises
--------
1. The versions of a member follow each other without overlap and without a gap; the last one is open.
2. A surrogate never comes to mean another member. A fact that is older than its member's first version gets the first.
3. A call that is refused changes nothing.

Left out: facts that were loaded before a late change keep the version that they were given (`FactTable.relabel` moves
them); members that end; what was told and changed nothing is not remembered, so that a change told later, from an
earlier time on, also holds beyond it.

Source: Kimball and Ross, "The Data Warehouse Toolkit", 3rd edition, chapters 3, 5 and 19.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import NO_TRACE, Recorder

UNKNOWN: Final = "(unknown)"
"""What every attribute of surrogate 0, and of an inferred member, says."""


@dataclass(frozen=True, slots=True)
class Version:
    """A member as it was for a while.

    Attributes
    ----------
    surrogate : int
        What facts point at.
    key : object
        The key by which its source knows it.
    attributes : dict
    valid_from, valid_until : int, int or None
        Days or any other whole numbers: from, and up to but not with; None while it is the last.
    inferred : bool
        Whether facts came before its details.
    """

    surrogate: int
    key: Any
    attributes: Mapping[str, Any]
    valid_from: int
    valid_until: int | None = None
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class DimensionStatus:
    """How many members there are, in how many versions, and how many of them are only inferred."""

    members: int
    versions: int
    inferred: int


class Dimension:
    """Members and their versions.

    Parameters
    ----------
    name : str
    historic : iterable of str
        Attributes of which every value is kept (SCD 2).
    overwritten : iterable of str
        Attributes of which the value that was told last counts, for all times (SCD 1).
    recorder : Recorder
        Sees each version that begins, and each that is told otherwise.

    Examples
    --------
    >>> person = Dimension("person", historic=["city"])
    >>> person.put(17, {"city": "Oslo"}, at=0), person.put(17, {"city": "Lagos"}, at=90)
    (1, 2)
    >>> person.find(17, at=30), person.version(person.find(17, at=90)).attributes["city"]
    (1, 'Lagos')
    """

    def __init__(
        self,
        name: str,
        *,
        historic: Iterable[str] = (),
        overwritten: Iterable[str] = (),
        recorder: Recorder = NO_TRACE,
    ) -> None:
        self.recorder = recorder
        self.name, self.historic, self.overwritten = name, tuple(historic), tuple(overwritten)
        self.attributes = (*self.historic, *self.overwritten)
        if not self.attributes or len(set(self.attributes)) < len(self.attributes):
            raise BadParameter(f"{name}: attributes {self.attributes}; give at least one, and each name once")
        self._versions = [Version(0, None, dict.fromkeys(self.attributes, UNKNOWN), 0)]
        self._of: dict[Any, list[int]] = {}

    @classmethod
    def load(
        cls, name: str, versions: Iterable[Version], *, historic: Iterable[str] = (), overwritten: Iterable[str] = ()
    ) -> Dimension:
        """Return a dimension of versions that were made elsewhere, numbered 1, 2, 3 … in the order in which they come.

        Raises
        ------
        BadParameter
            If two versions of a member overlap, or leave a gap, or the last is closed.
        """
        made = cls(name, historic=historic, overwritten=overwritten)
        for version in versions:
            made._check(version.key, version.attributes, whole=True, at=version.valid_from)
            made._of.setdefault(version.key, []).append(len(made._versions))
            made._versions.append(replace(version, surrogate=len(made._versions)))
        for key, surrogates in made._of.items():
            surrogates.sort(key=lambda surrogate: made._versions[surrogate].valid_from)
            made._check_follow(key, [made._versions[surrogate] for surrogate in surrogates])
        return made

    def _check_follow(self, key: Any, versions: list[Version]) -> None:
        for one, after in pairwise(versions):
            if one.valid_until != after.valid_from or one.valid_from == after.valid_from:
                raise BadParameter(
                    f"{self.name} {key!r}: valid until {one.valid_until}, then from {after.valid_from}; "
                    "let each version end where the next begins, without overlap or gap"
                )
        end = versions[-1].valid_until
        if end is not None:
            raise BadParameter(f"{self.name} {key!r}: the last version ends at {end}; leave it open, with None")

    # ------------------------------------------------------------ changes
    def put(self, key: Any, attributes: Mapping[str, Any], *, at: int) -> int:
        """Say what is true of a member from `at` on (until the next version that is known); return its surrogate.

        Attributes that are not named stay as they were. A member that is new needs all of them.

        Raises
        ------
        BadParameter
            If an attribute is unknown, a new member lacks one, or the key is None.
        """
        known = self._of.get(key)
        self._check(key, attributes, whole=known is None or self._versions[known[0]].inferred, at=at)
        return self._told(self._put(key, attributes, at, known))

    def _put(self, key: Any, attributes: Mapping[str, Any], at: int, known: list[int] | None) -> int:
        if known is None:
            return self._add(key, attributes, at)
        surrogate = known[0] if self._versions[known[0]].inferred else self._valid(known, at)
        self._overwrite(known, {name: attributes[name] for name in self.overwritten if name in attributes})
        then = self._versions[surrogate]
        if then.inferred:
            filled = replace(then, attributes=dict(attributes), valid_from=min(at, then.valid_from), inferred=False)
            self._versions[surrogate] = filled
            return surrogate
        changed = {**then.attributes, **attributes}
        if changed == then.attributes:
            return surrogate
        if at == then.valid_from:
            self._versions[surrogate] = replace(then, attributes=changed)
            return surrogate
        return self._split(then, changed, at)

    def _told(self, surrogate: int) -> int:
        """Let the recorder see a version, and return its surrogate."""
        if self.recorder is not NO_TRACE:
            version, name = self._versions[surrogate], f"{self.name} {surrogate}"
            said = ", ".join(map(str, version.attributes.values()))
            self.recorder.emit(0, "member", self.name, name, key=str(version.key), attributes=said)
        return surrogate

    def _add(self, key: Any, attributes: Mapping[str, Any], at: int, *, inferred: bool = False) -> int:
        surrogate = len(self._versions)
        self._versions.append(Version(surrogate, key, dict(attributes), at, inferred=inferred))
        self._of[key] = [surrogate]
        return surrogate

    def _overwrite(self, surrogates: list[int], attributes: Mapping[str, Any]) -> None:
        for surrogate in surrogates:
            version = self._versions[surrogate]
            self._versions[surrogate] = replace(version, attributes={**version.attributes, **attributes})

    def _split(self, then: Version, changed: Mapping[str, Any], at: int) -> int:
        """Begin a version inside of `then`, or before it if `at` is earlier than all that is known."""
        surrogates, new = self._of[then.key], len(self._versions)
        before_all = at < then.valid_from
        until = then.valid_from if before_all else then.valid_until
        self._versions.append(Version(new, then.key, changed, at, until))
        if not before_all:
            self._versions[then.surrogate] = replace(then, valid_until=at)
        surrogates.insert(surrogates.index(then.surrogate) + (not before_all), new)
        return new

    # ------------------------------------------------------------ questions
    def find(self, key: Any, *, at: int) -> int | None:
        """Return the surrogate of the version that is valid at `at`; None if there is no such member."""
        known = self._of.get(key)
        return None if known is None else self._valid(known, at)

    def find_or_infer(self, key: Any, *, at: int) -> int:
        """Return the surrogate; where there is no such member, begin one whose details are still to come."""
        if key is None:
            return 0
        found = self.find(key, at=at)
        if found is not None:
            return found
        return self._told(self._add(key, self._versions[0].attributes, at, inferred=True))

    def version(self, surrogate: int) -> Version:
        """Return the version that facts with this surrogate point at."""
        if not 0 <= surrogate < len(self._versions):
            raise BadParameter(f"{self.name}: no surrogate {surrogate}; there are 0 to {len(self._versions) - 1}")
        return self._versions[surrogate]

    def current(self, surrogate: int) -> Version:
        """Return the version that is valid now of the same member."""
        version = self.version(surrogate)
        return version if surrogate == 0 else self._versions[self._of[version.key][-1]]

    def history(self, key: Any) -> list[Version]:
        """Return the versions of a member in their order; none if there is no such member."""
        return [self._versions[surrogate] for surrogate in self._of.get(key, ())]

    def status(self) -> DimensionStatus:
        """Return how many there are; surrogate 0 is no member."""
        inferred = sum(version.inferred for version in self._versions)
        return DimensionStatus(len(self._of), len(self._versions) - 1, inferred)

    def _valid(self, surrogates: list[int], at: int) -> int:
        return surrogates[max(0, bisect_right(surrogates, at, key=lambda one: self._versions[one].valid_from) - 1)]

    def _check(self, key: Any, attributes: Mapping[str, Any], *, whole: bool, at: int) -> None:
        if key is None:
            raise BadParameter(f"{self.name}: a member needs a key; None is for facts that have none")
        if isinstance(at, bool) or not isinstance(at, int):
            raise BadParameter(f"{self.name} {key!r}: at = {at!r}; give a whole number, as a day")
        unknown = [name for name in attributes if name not in self.attributes]
        missing = [name for name in self.attributes if name not in attributes] if whole else []
        if unknown or missing:
            wrong = f"no attribute {unknown[0]!r}" if unknown else f"attribute {missing[0]!r} is missing"
            raise BadParameter(f"{self.name} {key!r}: {wrong}; there are {', '.join(self.attributes)}")
