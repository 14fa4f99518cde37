"""A trace as a table: the lab's own log, queried with the tools that it teaches.

This is the one module below the views that knows pandas and DuckDB, and it imports them only when asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsys_lab.errors import BadParameter

if TYPE_CHECKING:
    import pandas as pd

    from dsys_lab.trace.recorder import Trace


def frame(trace: Trace) -> pd.DataFrame:
    """Return the rows with their fields flattened: `seq, time_us, kind, place, message`, then one column a field.

    A field that a row does not have is null there, and whole numbers stay whole. A field named like a column gets a
    trailing underscore.
    """
    import pandas as pd

    columns = ("seq", "time_us", "kind", "place", "message")
    names = sorted({name for row in trace for name in row.fields})
    data: dict[str, list[object]] = {column: [row[i] for row in trace] for i, column in enumerate(columns)}
    for name in names:
        data[f"{name}_" if name in columns else name] = [row.fields.get(name) for row in trace]
    return pd.DataFrame({name: pd.Series(values, dtype=_column_type(values)) for name, values in data.items()})


def _column_type(values: list[object]) -> str | None:
    """Return pandas' type with nulls for integers and truth values, which would become floats and objects otherwise."""
    kinds = {type(value) for value in values if value is not None}
    return "Int64" if kinds == {int} else "boolean" if kinds == {bool} else None


def sql(trace: Trace, query: str) -> pd.DataFrame:
    """Run `query` in an in-memory DuckDB in which the rows are the table `trace`.

    Raises
    ------
    BadParameter
        If DuckDB refuses the query, with its words and the columns that there are.
    """
    import duckdb

    rows = frame(trace)
    with duckdb.connect() as connection:
        connection.register("trace", rows)
        try:
            return connection.sql(query).df()
        except duckdb.Error as error:
            said = str(error).split("\n\n")[0]
            raise BadParameter(f"{said}\nThe columns of `trace` are {', '.join(rows.columns)}.") from None
