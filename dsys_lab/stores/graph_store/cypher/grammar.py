"""From text to `syntax`: the grammar, and what is said when a text does not follow it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, VisitError

from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store.cypher import syntax

GRAMMAR: Final = r"""
start: (matching | matching creating | matching setting | matching deleting | creating) returning? ";"?
matching: "MATCH"i paths ["WHERE"i expression]
creating: "CREATE"i paths
setting: "SET"i assignment ("," assignment)*
assignment: property "=" expression
deleting: [DETACH] "DELETE"i NAME ("," NAME)*
returning: "RETURN"i [DISTINCT] columns ["ORDER"i "BY"i orders] ["LIMIT"i INT]
columns: column ("," column)*
column: expression ["AS"i NAME]
orders: order ("," order)*
order: expression [DESCENDING | ASCENDING]

paths: path ("," path)*
path: [NAME "="] node (relation node)*
node: "(" [NAME] [":" NAME] [properties] ")"
relation: "-" [inside] "->"  -> out
        | "<-" [inside] "-"  -> into
        | "-" [inside] "-"   -> either
inside: "[" [NAME] [":" NAME] [span] [properties] "]"
span: "*" [MODE] [range]
range: INT          -> exactly
     | INT DOTS     -> at_least
     | INT DOTS INT -> between
     | DOTS INT     -> at_most
properties: "{" pair ("," pair)* "}"
pair: NAME ":" expression

?expression: conjunction | conjunction ("OR"i conjunction)+  -> either_of
?conjunction: negation | negation ("AND"i negation)+         -> all_of
?negation: comparison | "NOT"i negation                      -> negated
?comparison: value
    | value (COMPARE | EQUAL) value             -> compared
    | value "IN"i "[" value ("," value)* "]"    -> among
    | value "IS"i "NULL"i                       -> missing
    | value "IS"i "NOT"i "NULL"i                -> present
?value: property | literal
    | NAME                                      -> variable
    | "$" NAME                                  -> parameter
    | NAME "(" [DISTINCT] (STAR | expression) ")" -> call
    | "(" expression ")"
property: NAME "." NAME
?literal: SIGNED_INT -> whole | SIGNED_FLOAT -> fraction | STRING -> text
    | "TRUE"i -> true | "FALSE"i -> false | "NULL"i -> null

COMPARE: /<>|<=|>=|<|>/
EQUAL: "="
STAR: "*"
DOTS: ".."
DETACH: "DETACH"i
DISTINCT: "DISTINCT"i
DESCENDING: "DESC"i
ASCENDING: "ASC"i
MODE: "TRAIL"i | "SHORTEST"i
NAME: /[a-z_][a-z_0-9]*/i
INT: /\d+/
SIGNED_INT: /-?\d+/
SIGNED_FLOAT.2: /-?\d+\.\d+(e[+-]?\d+)?/i
STRING: /'([^'\\]|\\.)*'|"([^"\\]|\\.)*"/
%ignore /\s+/
"""
KNOWN: Final = "MATCH, WHERE, RETURN, DISTINCT, ORDER BY, LIMIT, CREATE, SET, DELETE, DETACH DELETE"
ELSEWHERE: Final = ("MERGE", "OPTIONAL", "WITH", "UNWIND", "CALL", "UNION", "REMOVE", "SKIP", "FOREACH", "LOAD")
AGGREGATES: Final = ("count", "sum", "min", "max", "avg", "collect")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


def parse(text: str) -> syntax.Query:
    """Return the query that a text says.

    Raises
    ------
    BadParameter
        With the line and the column, what stands there, what could, and what this subset knows.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadParameter(f"query {text!r}: give a text, as in MATCH (a:Person {{id: 1}}) RETURN a.name")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise BadParameter(_complaint(text, error)) from None
    try:
        return _Reader().transform(tree)
    except VisitError as error:
        raise error.orig_exc from None


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=True)


def _complaint(text: str, error: UnexpectedInput) -> str:
    at_end = isinstance(error, UnexpectedEOF) or getattr(getattr(error, "token", None), "type", "") == "$END"
    if at_end:
        line, column, found = text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1, "the end"
    else:
        line, column = error.line, error.column
        rest = text.split("\n")[line - 1][column - 1 :]
        word = re.match(r"\w+|\S", rest)
        found = f"'{word[0] if word else rest[:1]}'"
    if found.strip("'").upper() in ELSEWHERE:
        told = f"{found.strip(chr(39)).upper()} is openCypher, and not in this subset"
    else:
        wanted = error.allowed if isinstance(error, UnexpectedCharacters) else getattr(error, "expected", ())
        told = f"found {found}, expected {_words(wanted or ())}"
    return f"line {line}, column {column}: {told}. This subset knows {KNOWN}"


def _words(terminals: Any) -> str:
    """Return what could stand there, as it is written."""
    marks = {
        "LPAR": "(", "RPAR": ")", "LBRACE": "{", "RBRACE": "}", "LSQB": "[", "RSQB": "]", "MINUS": "-", "COMMA": ",",
        "COLON": ":", "DOT": ".", "EQUAL": "=", "DOLLAR": "$", "STAR": "*", "DOTS": "..", "COMPARE": "<",
        "__ANON_0": "->", "__ANON_1": "<-", "NAME": "a name", "INT": "a number", "SIGNED_INT": "a number",
        "STRING": "a text", "$END": "the end", "MODE": "TRAIL or SHORTEST", "DESCENDING": "DESC", "ASCENDING": "ASC",
    }  # fmt: skip
    hidden = {"SEMICOLON", "SIGNED_FLOAT", "TRUE", "FALSE", "NULL"}
    shown = dict.fromkeys(marks.get(one, one) for one in sorted(terminals) if one not in hidden)
    return " or ".join(shown) or "nothing"


def _literal(value: Any) -> syntax.Literal:
    return syntax.Literal(value)


@v_args(inline=True)
class _Reader(Transformer[Token, Any]):
    """Turns the tree into plain shapes, from its leaves on."""

    def __init__(self) -> None:
        super().__init__()
        self._unnamed = 0

    def _name(self, given: Any) -> str:
        """Return a variable's name; what has none gets a number in brackets, which no reader can write."""
        if given is not None:
            return str(given)
        self._unnamed += 1
        return f"[{self._unnamed}]"

    def start(self, *clauses: dict[str, Any]) -> syntax.Query:
        merged = {name: value for clause in clauses for name, value in clause.items()}
        query = syntax.Query(**merged)
        if not query.writes and not query.returning.columns:
            raise BadParameter("a query that changes nothing must RETURN something: add RETURN count(*), for example")
        return query

    # clauses
    def matching(self, paths: Any, where: Any) -> dict[str, Any]:
        return {"match": paths, "where": where}

    def creating(self, paths: Any) -> dict[str, Any]:
        return {"create": paths}

    def setting(self, *pairs: Any) -> dict[str, Any]:
        return {"set": pairs}

    def assignment(self, target: Any, value: Any) -> Any:
        return target, value

    def deleting(self, detach: Any, *names: Token) -> dict[str, Any]:
        return {"delete": tuple(map(str, names)), "detach": detach is not None}

    def returning(self, distinct: Any, columns: Any, orders: Any, limit: Any) -> dict[str, Any]:
        told = syntax.Returning(columns, distinct is not None, orders or (), None if limit is None else int(limit))
        return {"returning": told}

    def columns(self, *columns: Any) -> Any:
        return columns

    def column(self, expression: Any, name: Any) -> syntax.Column:
        return syntax.Column(expression, str(expression) if name is None else str(name))

    def orders(self, *orders: Any) -> Any:
        return orders

    def order(self, expression: Any, way: Any) -> syntax.Order:
        return syntax.Order(str(expression), descending=way is not None and way.type == "DESCENDING")

    # patterns
    def paths(self, *paths: Any) -> Any:
        return paths

    def path(self, name: Any, *steps: Any) -> syntax.Path:
        return syntax.Path(steps[::2], steps[1::2], "" if name is None else str(name))

    def node(self, name: Any, label: Any, properties: Any) -> syntax.Node:
        return syntax.Node(self._name(name), None if label is None else str(label), properties or ())

    def out(self, inside: Any) -> syntax.Relation:
        return self._relation(inside, syntax.OUT)

    def into(self, inside: Any) -> syntax.Relation:
        return self._relation(inside, syntax.IN)

    def either(self, inside: Any) -> syntax.Relation:
        return self._relation(inside, syntax.EITHER)

    def _relation(self, inside: Any, direction: str) -> syntax.Relation:
        name, type_, span, properties = inside or (None, None, None, None)
        named = None if type_ is None else str(type_)
        return syntax.Relation(self._name(name), named, direction, span, properties or ())

    def inside(self, *parts: Any) -> Any:
        return parts

    def span(self, mode: Any, bounds: Any) -> syntax.Span:
        low, high = bounds or (1, None)
        if high is not None and high < low:
            raise BadParameter(f"*{low}..{high}: give the smaller number first")
        return syntax.Span(low, high, "" if mode is None else mode.lower())

    def exactly(self, low: Token) -> Any:
        return int(low), int(low)

    def at_least(self, low: Token, _: Token) -> Any:
        return int(low), None

    def between(self, low: Token, _: Token, high: Token) -> Any:
        return int(low), int(high)

    def at_most(self, _: Token, high: Token) -> Any:
        return 1, int(high)

    def properties(self, *pairs: Any) -> Any:
        return pairs

    def pair(self, name: Token, value: Any) -> Any:
        return str(name), value

    # expressions
    def either_of(self, *parts: Any) -> syntax.Logic:
        return syntax.Logic("or", parts)

    def all_of(self, *parts: Any) -> syntax.Logic:
        return syntax.Logic("and", parts)

    def negated(self, part: Any) -> syntax.Logic:
        return syntax.Logic("not", (part,))

    def compared(self, left: Any, operator: Token, right: Any) -> syntax.Comparison:
        return syntax.Comparison(str(operator), left, right)

    def among(self, left: Any, *values: Any) -> syntax.Comparison:
        return syntax.Comparison("in", left, values)

    def missing(self, value: Any) -> syntax.IsNull:
        return syntax.IsNull(value)

    def present(self, value: Any) -> syntax.Logic:
        return syntax.Logic("not", (syntax.IsNull(value),))

    def variable(self, name: Token) -> syntax.Variable:
        return syntax.Variable(str(name))

    def parameter(self, name: Token) -> syntax.Parameter:
        return syntax.Parameter(str(name))

    def property(self, variable: Token, name: Token) -> syntax.Property:
        return syntax.Property(str(variable), str(name))

    def call(self, function: Token, distinct: Any, of: Any) -> Any:
        name, is_star = function.lower(), isinstance(of, Token)
        if name == "length" and isinstance(of, syntax.Variable):
            return syntax.Length(of.name)
        if name not in AGGREGATES or (is_star and (name != "count" or distinct is not None)):
            what = f"{function}({'*' if is_star else of})"
            raise BadParameter(
                f"line {function.line}, column {function.column}: {what} is not in this subset; "
                f"it has length(path), count(*) and {', '.join(AGGREGATES)} of a property"
            )
        return syntax.Aggregate(name, None if is_star else of, distinct is not None)

    def whole(self, text: Token) -> syntax.Literal:
        return _literal(int(text))

    def fraction(self, text: Token) -> syntax.Literal:
        return _literal(float(text))

    def text(self, text: Token) -> syntax.Literal:
        return _literal(re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1], flags=re.DOTALL))

    def true(self) -> syntax.Literal:
        return _literal(True)

    def false(self) -> syntax.Literal:
        return _literal(False)

    def null(self) -> syntax.Literal:
        return _literal(None)

