"""Pings, orders, payments and prices of Slumber, asked by queries that never end.

`plane` has the run `windows`: event time against processing time, with a watermark between; `surviving` a job that
loses its power. `asking` runs the SQL that
a reader types, and holds it against the batch answer. `counts` says what bounds, modes, silence, joins, crashes and
clocks come to. `world` makes the streams; `flights_asked` asks the departures of New York.
"""

from dsys_lab.scenarios.streaming_sql.asking import Answer, ask, changes_table
from dsys_lab.scenarios.streaming_sql.plane import windows
from dsys_lab.scenarios.streaming_sql.surviving import surviving

__all__ = ["Answer", "ask", "changes_table", "surviving", "windows"]
