"""The exception tree: what may the caller conclude?

A failed call leaves one question that matters: *did it happen?* The tree branches on the answer first,
and only then on the cause. ::

    DsysLabError
    |-- DidNotHappen            certainly nothing changed: safe to repeat
    |   |-- Refused             the system said no (full, throttled, too large, closed)
    |   `-- EngineMissing       the real engine is not installed or does not start
    |-- MayHaveHappened         no answer: repeat only what is idempotent
    |-- Damaged                 stored bytes are not what was written
    `-- Misuse                  the call itself was wrong (also a ValueError)
        |-- BadRow              a trace row outside the vocabulary, without its fields, or back in time
        `-- BadParameter        a parameter out of its range

Every message says what was given, what is allowed and what to do.
"""

from __future__ import annotations


class DsysLabError(Exception):
    """Root of every error that this package raises on purpose."""


class DidNotHappen(DsysLabError):
    """Certainly nothing changed: the call may be repeated."""


class Refused(DidNotHappen):
    """The system said no: it is full, throttled, closed, or the message is too large."""


class EngineMissing(DidNotHappen):
    """The real engine is not installed, or did not start."""


class MayHaveHappened(DsysLabError):
    """No answer came: the effect may or may not be there, so repeat only what is idempotent."""


class Damaged(DsysLabError):
    """Stored bytes are not what was written."""


class Misuse(DsysLabError, ValueError):
    """The call itself was wrong; nothing was changed."""


class BadRow(Misuse):
    """A trace row outside the vocabulary, without its required fields, or back in time."""


class BadParameter(Misuse):
    """A parameter is out of its range."""


def require_positive(**values: float) -> None:
    """Refuse any parameter that is not above zero, naming it.

    Raises
    ------
    BadParameter
        With the name, the value given and what is allowed.
    """
    for name, value in values.items():
        if not value > 0:
            raise BadParameter(f"{name} = {value!r}: give a number above 0")


def require_not_negative(**values: float) -> None:
    """Refuse any parameter below zero, naming it."""
    for name, value in values.items():
        if not value >= 0:
            raise BadParameter(f"{name} = {value!r}: give 0 or more")


def require_fraction(**values: float) -> None:
    """Refuse any parameter that is not between 0 and 1, naming it."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise BadParameter(f"{name} = {value!r}: give a share between 0 and 1")


def require_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse a value outside `allowed`, listing what is allowed."""
    if value not in allowed:
        raise BadParameter(f"{name} = {value!r}: give one of {', '.join(allowed)}")
