"""Running somebody else's function: watched, bounded in time, its errors told in terms of its own lines.

A function that loops for ever must not hang the notebook. The check runs in a thread of its own, and when its time is
over an exception is put into that thread: CPython raises it at the next line of Python, whatever the reader's code is
doing (`except Exception` does not catch it). What sits in a single long call of C code is left behind.
"""

from __future__ import annotations

import ast
import contextvars
import ctypes
import functools
import inspect
import linecache
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from textwrap import dedent
from threading import Thread
from types import TracebackType
from typing import Any, TypeVar

Result = TypeVar("Result")


class TookTooLong(BaseException):
    """Put into a thread whose time is over; not an `Exception`, so that no careless handler keeps it."""


class Watched:
    """A function that remembers what it was given last.

    Attributes
    ----------
    given : dict
        Parameter -> value of the last call.
    calls : int
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.calls = 0
        self._last: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        self.calls += 1
        self._last = (args, kwargs)
        return self.function(*args, **kwargs)

    @property
    def given(self) -> dict[str, Any]:
        """What the last call was given, by parameter."""
        args, kwargs = self._last
        try:
            return dict(inspect.signature(self.function).bind(*args, **kwargs).arguments)
        except (TypeError, ValueError):
            return {**{f"argument {i}": value for i, value in enumerate(args, 1)}, **kwargs}

    def told(self) -> str:
        """Say in words what the last call was given."""
        return ", ".join(f"{name} = {brief(value)}" for name, value in self.given.items()) or "no arguments"


def brief(value: object) -> str:
    """Return a value as words that fit a line.

    >>> brief(30.0), brief((1, 2, 3, 4, 5))
    ('30.0', '5 of int')
    """
    if isinstance(value, tuple | list) and len(value) > 3:
        return f"{len(value)} of {type(value[0]).__name__}"
    words = repr(value)
    return words if len(words) <= 90 else f"{words[:87]}..."


def is_blank(function: Callable[..., Any]) -> bool:
    """Whether a function was not written yet: its body is `...`, `pass` or a docstring, and nothing else.

    One that returns None is written: None may be the answer.
    """
    try:
        (definition,) = ast.parse(dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):  # its text is not at hand, or it is no function of Python
        return False
    if not isinstance(definition, ast.FunctionDef):
        return False
    return all(
        isinstance(step, ast.Pass) or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
        for step in definition.body
    )


def within(limit_s: float, call: Callable[[], Result]) -> Result:
    """Return what `call` returns, if it takes no longer than `limit_s`.

    Raises
    ------
    TookTooLong
        If it does; it was then ended at its next line.
    """
    outcome: Future[Result] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            outcome.set_result(context.run(call))
        except BaseException as error:  # noqa: BLE001  # whatever it was, the caller gets it
            outcome.set_exception(error)

    thread = Thread(target=work, daemon=True, name="exercise")
    thread.start()
    try:
        return outcome.result(limit_s)
    except (NotInTime, KeyboardInterrupt) as reason:
        if outcome.done():
            raise
        assert thread.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TookTooLong))
        thread.join(1.0)
        if isinstance(reason, KeyboardInterrupt):
            raise
        raise TookTooLong from None


def in_time(function: Callable[..., Result], limit_s: float) -> Callable[..., Result]:
    """Return the function with a limit on each of its calls."""

    @functools.wraps(function, updated=())
    def bounded(*args: Any, **kwargs: Any) -> Result:
        return within(limit_s, lambda: function(*args, **kwargs))

    return bounded


def fault_in(function: Callable[..., Any], error: BaseException) -> str:
    """Say an error as the reader would: what it is, and on which of their lines."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    lines = [number for cause in _causes(error) for name, number in _frames(cause.__traceback__) if name == file]
    if not lines:
        return said
    text = linecache.getline(file or "", lines[-1]).strip()
    return (
        f"{said}, at line {lines[-1]} of your code: `{text}`" if text else f"{said}, at line {lines[-1]} of your code"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what caused it; SimPy hands an error on as the cause of another one like it."""
    while error is not None:
        yield error
        error = error.__cause__


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
