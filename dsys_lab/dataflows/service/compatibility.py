"""May writers and readers be changed on different days? Nobody decides it here by a rule: old bytes are read anew.

*Backward*: new readers read what old writers wrote. *Forward*: old readers read what new writers write. Both are tried
on records really encoded: with all that may be there, at the ends of what a type holds, and with only what must. A pair
passes if the reader makes no error *and* understands what the writer meant: each field of the reader holds what the
writer's field of the same meaning says, or its own default if the writer knows of none. The second half catches what no
program notices: a number that was given out again, and a default that means something else now.

Cost: one encoding and two readings for each record and pair. Left out: what no example shows. Records are few and
chosen, so a pass is a strong hint and no proof.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 4; Confluent, "Schema evolution and compatibility".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from dsys_lab.dataflows.service.versions import CannotRead, Field, Record, Version
from dsys_lab.dataflows.service.wire import decode, encode
from dsys_lab.errors import BadParameter
from dsys_lab.structures.schema import Value

VERDICTS: Final = ("both", "backward", "forward", "none")
_EXAMPLES: Final[dict[str, tuple[Value, ...]]] = {
    "u8": (3, 255), "u16": (3, 65_535), "u32": (17, 2**32 - 1), "u64": (17, 2**64 - 1),
    "i32": (-3, 2**31 - 1), "i64": (-3, 2**63 - 1), "f64": (7.25, -1e300), "text": ("Oslo", "Ærø " * 40),
}  # fmt: skip
"""Of each type something ordinary, and something at its end."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader made of a writer's records.

    Attributes
    ----------
    writer, reader : str
        Their versions.
    passes : bool
    why : str
        The first thing that went wrong, or "".
    silent : bool
        Whether it went wrong without an error.
    """

    writer: str
    reader: str
    passes: bool
    why: str = ""
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Compatibility:
    """What may be changed first.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    backward, forward : Reading
        Old bytes with the new reader, and new bytes with the old.
    """

    verdict: str
    backward: Reading
    forward: Reading


def examples(version: Version) -> list[dict[str, Value]]:
    """Return records that a writer of this version may write."""
    whole = [{field.name: _EXAMPLES[field.type][which] for field in version.fields} for which in (0, 1)]
    return [*whole, {field.name: _EXAMPLES[field.type][0] for field in version.fields if field.is_required}]


def read_across(writer: Version, reader: Version, *, form: str = "name") -> Reading:
    """Let a reader of one version read what a writer of another wrote."""
    for record in examples(writer):
        data = encode(writer, record, form=form)
        try:
            understood = decode(reader, data, form=form)
        except CannotRead as error:
            return Reading(writer.name, reader.name, passes=False, why=str(error))
        if wrong := _misunderstood(writer, decode(writer, data, form=form), reader, understood):
            return Reading(writer.name, reader.name, passes=False, why=wrong, silent=True)
    return Reading(writer.name, reader.name, passes=True)


def _misunderstood(writer: Version, meant: Record, reader: Version, understood: Record) -> str:
    by_meaning = {field.means: meant[field.name] for field in writer.fields}
    for field in reader.fields:
        should = by_meaning.get(field.means, field.default)
        if understood[field.name] != should:
            return f"{field.name!r} is {understood[field.name]!r} to the reader; the writer meant {should!r}"
    return ""


def compared(old: Version, new: Version, *, form: str = "name") -> Compatibility:
    """Read old bytes with the new version and new bytes with the old one, and say what passes."""
    backward, forward = read_across(old, new, form=form), read_across(new, old, form=form)
    passes = {(True, True): "both", (True, False): "backward", (False, True): "forward", (False, False): "none"}
    return Compatibility(passes[backward.passes, forward.passes], backward, forward)


def matrix(versions: Iterable[Version], *, form: str = "name") -> dict[tuple[str, str], Reading]:
    """Return by (writer, reader) what each version's reader makes of each version's bytes."""
    versions = list(versions)
    return {
        (writer.name, reader.name): read_across(writer, reader, form=form) for writer in versions for reader in versions
    }


# ------------------------------------------------------------ the edits that people make
NIGHT: Final = Version.of("v1", "1 person u32, 2 hours_sleep f64, 3 awakenings i32 = 0, 4 city text = nowhere")
"""A night, as the first version of its contract says it."""


def _edited(change: Callable[[tuple[Field, ...]], Iterable[Field]]) -> Version:
    return Version("v2", tuple(change(NIGHT.fields)))


def _with(changed: str, **new: object) -> Version:
    return _edited(lambda fields: [replace(one, **new) if one.name == changed else one for one in fields])  # type: ignore[arg-type]


EDITS: Final[dict[str, Version]] = {
    "add an optional field": _edited(lambda fields: [*fields, Field(5, "oxygen", "u8", 97)]),
    "add a required field": _edited(lambda fields: [*fields, Field(5, "oxygen", "u8")]),
    "remove a required field": _edited(lambda fields: [one for one in fields if one.name != "hours_sleep"]),
    "rename a field": _with("hours_sleep", name="sleep_hours"),
    "change a type": _with("hours_sleep", type="text"),
    "widen a type": _with("awakenings", type="i64"),
    "give a number out again": _with("awakenings", name="heart_rate", means="heart_rate"),
    "change a default": _with("city", default="unknown"),
}
"""Eight edits of `NIGHT`, each as the version that it makes."""


def classified(*, form: str = "name") -> dict[str, str]:
    """Return for each of `EDITS` what passes."""
    return {edit: compared(NIGHT, version, form=form).verdict for edit, version in EDITS.items()}


def edit(name: str) -> Version:
    """Return the version that an edit makes.

    Raises
    ------
    BadParameter
        If there is no such edit.
    """
    if name not in EDITS:
        raise BadParameter(f"edit {name!r}: give one of {', '.join(EDITS)}")
    return EDITS[name]
