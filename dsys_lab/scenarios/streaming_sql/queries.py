"""Queries over the four streams to begin with, one for each thing that the SQL can say; Flink takes them as well."""

from __future__ import annotations

from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.streaming_sql.counts import PAID, PER_CITY, PRICED
from dsys_lab.scenarios.streaming_sql.world import catalog

_WINDOWED: Final = """SELECT window_start, window_end, city, COUNT(*) AS n, MAX(hours) AS longest
FROM TABLE({})
GROUP BY window_start, window_end, city"""
WINDOWED: Final = {
    "tumbling windows": PER_CITY,
    "hopping windows": _WINDOWED.format(
        "HOP(TABLE pings, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)"
    ),
    "cumulating windows": _WINDOWED.format(
        "CUMULATE(TABLE pings, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)"
    ),
    "sessions": _WINDOWED.format(
        "SESSION(TABLE pings PARTITION BY city, DESCRIPTOR(ts), INTERVAL '3' SECOND)"
    ),
}  # fmt: skip
"""A query for each kind of window."""
QUERIES: Final = {
    **WINDOWED,
    "a filter": "SELECT city, person, hours, ts\nFROM pings\nWHERE hours < 4.5 AND city <> 'Oslo'",
    "a count for ever": "SELECT city, COUNT(*) AS n\nFROM pings\nGROUP BY city",
    "orders and their payments": PAID.format(within=30),
    "the price that was valid then": PRICED,
    "the two busiest cities": """SELECT window_start, city, n, place
FROM (SELECT *, ROW_NUMBER() OVER (
        PARTITION BY window_start, window_end ORDER BY n DESC, city) AS place
    FROM (SELECT window_start, window_end, city, COUNT(*) AS n
        FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '30' SECOND))
        GROUP BY window_start, window_end, city))
WHERE place <= 2""",
}
"""By what each asks for."""
MISTAKES: Final = (
    "SELECT city FORM pings",
    "SELECT town FROM pings",
    "SELECT city FROM nights",
    "SELECT city FROM pings ORDER BY hours",
    "SELECT COUNT(*) AS n FROM TABLE(TUMBEL(TABLE pings, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
    "SELECT * FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(hours), INTERVAL '1' MINUTE))",
    "SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '1' MINUTE))\nGROUP BY window_start",
    "SELECT o.id FROM orders AS o JOIN payments AS p ON o.id = p.id",
    "SELECT n, COUNT(*) AS m FROM (SELECT city, COUNT(*) AS n FROM pings GROUP BY city) GROUP BY n",
)
"""What people write."""


def mistakes() -> dict[str, str]:
    """Return what is said of each of `MISTAKES`."""
    said = {}
    for sql in MISTAKES:
        try:
            catalog().query(sql)
        except BadParameter as refused:
            said[sql] = str(refused).rpartition("; ")[0]
    return said
