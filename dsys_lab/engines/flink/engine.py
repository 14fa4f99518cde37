"""A Flink that runs beside this process, and answers the SQL of `dsys_lab.dataflows.streaming_sql`.

>>> with Flink() as flink:                                              # doctest: +SKIP
...     ask("SELECT city, COUNT(*) AS n FROM pings GROUP BY city", flink.over).agrees
True
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from dsys_lab.dataflows.streaming_sql import Catalog, Change, StreamTable, folded
from dsys_lab.engines.flink import answering
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened, Refused

SETTING: Final = "DSYS_LAB_FLINK"
"""Names a Python that has apache-flink, in place of the one that `make flink` prepares."""
PREPARED: Final = Path(__file__).resolve().parents[3] / ".venv-flink"
STARTS_WITHIN_S: Final = 180.0
ANSWERS_WITHIN_S: Final = 180.0
TYPES: Final = {"text": "STRING", "i32": "INT", "i64": "BIGINT", "f64": "DOUBLE", "time": "TIMESTAMP(3)"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOG_LINES: Final = 6


class Flink:
    """One Flink with its Java, which answers question after question, and ends with this process.

    Attributes
    ----------
    version : str

    Raises
    ------
    EngineMissing
        If it is not prepared, or does not start; with what to do.
    """

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the process and has no name
        # Both Flink's Python and its Java end when their standard input does: nothing outlives who asked.
        self._process = subprocess.Popen(  # noqa: S603  # our own file, by the Python that was prepared for it
            [_python(), answering.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            encoding="utf-8", start_new_session=True,
        )  # fmt: skip
        try:
            told = self._line(STARTS_WITHIN_S)
        except MayHaveHappened as error:
            self.stop()
            raise EngineMissing(f"Flink did not start. {error} `make flink` prepares it anew.") from None
        self.version = str(told["flink"])

    def over(self, catalog: Catalog, rows: Mapping[str, Iterable[tuple[Any, ...]]]) -> FlinkTables:
        """Return the tables of a catalog, each with its rows in the order in which they came."""
        return FlinkTables(self, catalog, rows)

    def told(self, tables: Mapping[str, str], sql: str) -> Iterator[dict[str, Any]]:
        """Ask, and give what is told line by line, the end left out.

        Raises
        ------
        Refused
            If Flink refuses the SQL, with its own words.
        MayHaveHappened
            If no answer came.
        """
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"tables": dict(tables), "sql": sql}) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise EngineMissing("this Flink has ended: make another one") from None
        while "end" not in (line := self._line(ANSWERS_WITHIN_S)):
            if "error" in line:
                raise Refused(f"Flink {self.version} says: {line['error']}")
            yield line

    def stop(self) -> None:
        """End it and wait until it is gone."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]
        self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _line(self, within_s: float) -> dict[str, Any]:
        assert self._process.stdout
        timer = threading.Timer(within_s, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise MayHaveHappened(f"No answer within {within_s:g} s. The end of its log: {self._end_of_log()}.")
        found: dict[str, Any] = json.loads(line)
        return found

    def _end_of_log(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return " | ".join(lines[-_LOG_LINES:]) or "it is empty"


class FlinkTables:
    """Tables of a running Flink; made by `Flink.over`."""

    def __init__(self, flink: Flink, catalog: Catalog, rows: Mapping[str, Iterable[tuple[Any, ...]]]) -> None:
        self._flink = flink
        self._folder = tempfile.TemporaryDirectory(prefix="dsys_lab-")
        self._tables = {}
        for table in catalog.tables.values():
            path = Path(self._folder.name) / table.name
            path.mkdir()
            with (path / "rows.json").open("w", encoding="utf-8") as file:
                file.writelines(_written(table, row) for row in rows.get(table.name, ()))
            self._tables[table.name] = ddl(table, path)

    def changes(self, sql: str) -> list[Change]:
        """Return every change that Flink says of a query; times in microseconds."""
        lines = self._flink.told(self._tables, sql)
        return [Change(line["op"], tuple(map(_read, line["row"]))) for line in lines]

    def answer(self, sql: str) -> Counter[tuple[Any, ...]]:
        """Return the rows that stand when all are read, each with how often."""
        return folded(self.changes(sql))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()


def ddl(table: StreamTable, path: Path) -> str:
    """Return Flink's words that make a table of the file in a folder.

    Examples
    --------
    >>> catalog = Catalog()
    >>> catalog.execute("CREATE TABLE pings (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)")
    >>> print(ddl(catalog.tables["pings"], Path("rows")))
    CREATE TEMPORARY TABLE `pings` (`id` INT, `ts` TIMESTAMP(3), WATERMARK FOR `ts` AS `ts` - \
INTERVAL '0 00:00:05.000' DAY TO SECOND(3)) WITH ('connector' = 'filesystem', 'path' = 'rows', 'format' = 'json')
    """
    parts = [f"`{field.name}` {TYPES[field.type]}" for field in table.fields]
    if table.key:
        parts.append(f"PRIMARY KEY (`{table.key}`) NOT ENFORCED")
    if table.time:
        bound = _interval(_whole_ms(table.name, table.bound_us))
        parts.append(f"WATERMARK FOR `{table.time}` AS `{table.time}` - {bound}")
    settings = {"connector": "filesystem", "path": path.as_posix(), "format": "json"}
    given = ", ".join(f"'{name}' = '{value}'" for name, value in settings.items())
    return f"CREATE TEMPORARY TABLE `{table.name}` ({', '.join(parts)}) WITH ({given})"


def _python() -> str:
    path = os.environ.get(SETTING, "")
    if path:
        if not Path(path).is_file():
            raise EngineMissing(f"{SETTING} = {path!r}: there is no such file; name a Python that has apache-flink")
        return path
    for name in ("bin/python", "Scripts/python.exe"):
        if (PREPARED / "dsys_lab.json").is_file() and (PREPARED / name).is_file():
            return str(PREPARED / name)
    raise EngineMissing("Apache Flink is not prepared here: `make flink` fetches it, with its Java (0.9 GB of disk)")


def _written(table: StreamTable, row: tuple[Any, ...]) -> str:
    values = {
        field.name: _moment(_whole_ms(table.name, value)) if field.type == "time" and value is not None else value
        for field, value in zip(table.fields, row, strict=True)
    }
    return json.dumps(values) + "\n"


def _whole_ms(name: str, us: int) -> int:
    if us % 1000:
        raise BadParameter(f"{name}: {us} us, and Flink's TIMESTAMP(3) has milliseconds: give whole ones")
    return us // 1000


def _moment(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).replace(tzinfo=None).isoformat(" ", timespec="milliseconds")


def _interval(ms: int) -> str:
    (minutes, ms_left), days = divmod(ms, 60_000), ms // 86_400_000
    hours, minutes = divmod(minutes - days * 1440, 60)
    if days > 99:
        raise BadParameter(f"a watermark {days} days behind: give at most 99, for Flink's intervals have two digits")
    return f"INTERVAL '{days} {hours:02}:{minutes:02}:{ms_left / 1000:06.3f}' DAY TO SECOND(3)"


def _read(value: Any) -> Any:
    return value["us"] if isinstance(value, dict) else value
