"""The same question in PostgreSQL's words: filters as SQL's JSON path, updates as `jsonb_set`.

A JSON path in *lax* mode opens arrays on its way as our paths do, so `devices.fw` is `$."devices"."fw"` and a condition
on it holds if one element fits. Each condition becomes one `body @? path`, which a GIN index of the class
`jsonb_path_ops` can answer if it asks for equality.

An update becomes one expression of the old body, from four small functions that raise where it does not fit: so
PostgreSQL refuses it as a whole.

Source: PostgreSQL 18 documentation, "The SQL/JSON Path Language", "JSON Functions and Operators".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from dsys_lab.stores.document_store.filters import All, Compare, Condition, Either, Exists, Not, OfKind, SameElement
from dsys_lab.stores.document_store.updates import Update

_OPERATORS: Final = {"$eq": "==", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


def where(filter_: All) -> tuple[str, list[Any]]:
    """Return a condition of SQL about `body`, with `%s` for each of what is returned beside it."""
    return _joined(filter_.conditions, "AND", "true")


def _joined(conditions: Sequence[Condition], word: str, of_none: str) -> tuple[str, list[Any]]:
    parts = [_where(one) for one in conditions]
    return f" {word} ".join(f"({sql})" for sql, _ in parts) or of_none, [value for _, given in parts for value in given]


def _where(condition: Condition) -> tuple[str, list[Any]]:  # noqa: PLR0911  # one for each
    match condition:
        case Compare(path, "$eq", values) if None in values:
            here, there = json_path(path), f"{json_path(path)} ? ({_test(condition)})"
            return "(NOT body @? %s::jsonpath) OR body @? %s::jsonpath", [here, there]
        case Compare() | OfKind():
            return "body @? %s::jsonpath", [f"{json_path(condition.path)} ? ({_test(condition)})"]
        case Exists(path):
            return "body @? %s::jsonpath", [json_path(path)]
        case SameElement(path, inner):
            return "body @? %s::jsonpath", [f'{json_path(path)} ? (@.type() == "object" && {_inside(inner)})']
        case Not(inside):
            sql, given = _where(inside)
            return f"NOT ({sql})", given
        case Either(filters):
            return _joined(filters, "OR", "false")
        case All(conditions):
            return _joined(conditions, "AND", "true")
    raise AssertionError(condition)


def json_path(path: Sequence[str], root: str = "$") -> str:
    """Return a path in PostgreSQL's spelling."""
    return root + "".join(f".{json.dumps(name, ensure_ascii=False)}" for name in path)


def _test(condition: Compare | OfKind) -> str:
    if isinstance(condition, OfKind):
        return f'@.type() == "{condition.kind}"'
    operator = _OPERATORS[condition.operator]
    return " || ".join(f"@ {operator} {json.dumps(value, ensure_ascii=False)}" for value in condition.values)


def _inside(filter_: All) -> str:
    """Return a filter about one element, whose path is `@`."""
    return " && ".join(f"({_inside_one(one)})" for one in filter_.conditions) or "true == true"


def _inside_one(condition: Condition) -> str:  # noqa: PLR0911  # one for each
    match condition:
        case Compare(path, "$eq", values) if None in values:
            return f"!exists({json_path(path, '@')}) || exists({json_path(path, '@')} ? ({_test(condition)}))"
        case Compare() | OfKind():
            return f"exists({json_path(condition.path, '@')} ? ({_test(condition)}))"
        case Exists(path):
            return f"exists({json_path(path, '@')})"
        case SameElement(path, inner):
            return f'exists({json_path(path, "@")} ? (@.type() == "object" && {_inside(inner)}))'
        case Not(inside):
            return f"!({_inside_one(inside)})"
        case Either(filters):
            return " || ".join(f"({_inside(one)})" for one in filters)
        case All():
            return _inside(condition)
    raise AssertionError(condition)


FUNCTIONS: Final = """
CREATE FUNCTION made(body jsonb, path text[]) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    FOR n IN 1..cardinality(path) - 1 LOOP
        IF body #> path[1:n] IS NULL THEN body := jsonb_set(body, path[1:n], '{}');
        ELSIF jsonb_typeof(body #> path[1:n]) <> 'object' THEN
            RAISE EXCEPTION '% is of kind %', array_to_string(path[1:n], '.'), jsonb_typeof(body #> path[1:n]);
        END IF;
    END LOOP;
    RETURN body;
END $$;
CREATE FUNCTION of_kind(value jsonb, kind text, otherwise jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF value IS NULL THEN RETURN otherwise; END IF;
    IF jsonb_typeof(value) <> kind THEN RAISE EXCEPTION 'a % and no %', jsonb_typeof(value), kind; END IF;
    RETURN value;
END $$;
CREATE FUNCTION do_set(body jsonb, path text[], given jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS
    $$ SELECT jsonb_set(made(body, path), path, given) $$;
CREATE FUNCTION do_inc(body jsonb, path text[], given jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS
    $$ SELECT do_set(body, path, to_jsonb(of_kind(body #> path, 'number', '0')::numeric + given::numeric)) $$;
CREATE FUNCTION do_push(body jsonb, path text[], given jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS
    $$ SELECT do_set(body, path, of_kind(body #> path, 'array', '[]') || jsonb_build_array(given)) $$;
CREATE FUNCTION do_unset(body jsonb, path text[], given jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS
    $$ SELECT CASE WHEN body #> path IS NULL THEN body ELSE body #- path END WHERE made(body, path) IS NOT NULL $$;
"""
"""What an update is made of; each takes a body and returns the next, or raises."""


def new_body(update: Update) -> tuple[str, list[Any]]:
    """Return the body after an update, with `%s` for what is returned beside it.

    >>> new_body((("$inc", ("nights",), 1),))
    ('do_inc(body, %s, %s::jsonb)', [['nights'], '1'])
    """
    sql, given = "body", list[Any]()
    for operator, path, operand in update:
        sql = f"do_{operator.removeprefix('$')}({sql}, %s, %s::jsonb)"
        given += [list(path), "null" if operator == "$unset" else json.dumps(operand)]
    return sql, given
