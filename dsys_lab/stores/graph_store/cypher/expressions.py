"""What an expression comes to for one match: true, false, or unknown, where a value is missing.

NULL is no value. Compared with anything it gives *unknown*, which `NOT` leaves unknown, and `WHERE` takes only what is
true. A number and a text cannot be compared: that is an error, and not false.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store.cypher import syntax
from dsys_lab.stores.graph_store.terms import check_value

OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
Read = Callable[[str, str], Any]
"""(variable, property) -> its value; the length of a path under the name `length()`."""
LENGTH: Final = "length()"


def constant(expression: syntax.Expression, parameters: Mapping[str, Any]) -> Any:
    """Return the value of a literal or a parameter."""
    if isinstance(expression, syntax.Literal):
        return expression.value
    assert isinstance(expression, syntax.Parameter), expression
    if expression.name not in parameters:
        given = ", ".join(parameters) or "none"
        raise BadParameter(f"${expression.name} has no value; given are {given}: run(text, {expression.name}=…)")
    value = parameters[expression.name]
    if value is not None:
        check_value(value, f"${expression.name}")
    return value


def evaluate(expression: syntax.Expression, read: Read, parameters: Mapping[str, Any]) -> Any:
    """Return what an expression comes to; None where that is unknown."""
    match expression:
        case syntax.Property(variable, name):
            return read(variable, name)
        case syntax.Length(variable):
            return read(variable, LENGTH)
        case syntax.IsNull(of):
            return evaluate(of, read, parameters) is None
        case syntax.Logic(name, parts):
            return _logic(name, [_truth(part, evaluate(part, read, parameters)) for part in parts])
        case syntax.Comparison(name, left, right):
            value, others = evaluate(left, read, parameters), right if isinstance(right, tuple) else (right,)
            sign = "=" if name == "in" else name
            told = [_compare(sign, value, evaluate(one, read, parameters), expression) for one in others]
            return _logic("or", told)
    return constant(expression, parameters)


def _truth(expression: syntax.Expression, value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise BadParameter(f"{expression} is {value!r}, which is neither true nor false: compare it")
    return value


def _compare(name: str, left: Any, right: Any, told: syntax.Expression) -> bool | None:
    if left is None or right is None:
        return None
    if _kind(left) != _kind(right):
        raise BadParameter(f"{told}: {left!r} cannot be compared with {right!r}; give both of one type")
    return OPERATORS[name](left, right)


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _logic(name: str, parts: list[bool | None]) -> bool | None:
    if name == "not":
        return None if parts[0] is None else not parts[0]
    decides = name == "or"  # one true decides an `or`, one false an `and`
    if decides in parts:
        return decides
    return None if None in parts else not decides
