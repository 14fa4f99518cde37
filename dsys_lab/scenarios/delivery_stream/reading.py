"""What landed, as its readers find it: line by line, by folder, and by DuckDB in SQL."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd

from dsys_lab.brokers.delivery_stream import Accepted, Status, Throttled
from dsys_lab.scenarios.delivery_stream.machines import Bucket
from dsys_lab.scenarios.delivery_stream.pings import of_hour
from dsys_lab.scenarios.scenario import DEFAULT_SEED, Faults, Scenario
from dsys_lab.simulation import Simulation, fault


def landed(
    run: Scenario, *, to: str = "destination", seed: int = DEFAULT_SEED, faults: Faults = (), **params: Any
) -> dict[str, bytes]:
    """Make a run again without its rows, and return what stands in a bucket at its end, by key."""
    simulation = Simulation(seed=seed, faults=tuple(fault(one) for one in faults))
    run.__wrapped__(simulation, **{**run.defaults, **params})
    bucket = simulation.machines[to]
    assert isinstance(bucket, Bucket)
    return bucket.objects


def by_line(objects: Mapping[str, bytes]) -> dict[str, int]:
    """Read each object line by line as JSON; return how many pings were found, and lines that are none."""
    found = {"pings": 0, "lines that cannot be read": 0}
    for data in objects.values():
        for line in data.splitlines():
            try:
                json.loads(line)
            except json.JSONDecodeError:
                found["lines that cannot be read"] += 1
            else:
                found["pings"] += 1
    return found


def in_another_hour(objects: Mapping[str, bytes]) -> float:
    """Return the share of the pings that lie in another folder than that of the hour of their moment."""
    placed = [(key, line) for key, data in objects.items() for line in data.splitlines()]
    return sum(not key.startswith(of_hour(line)) for key, line in placed) / len(placed)


def who_has_twice(stand: Mapping[str, Mapping[str, bytes]]) -> str:
    """Say in which of two buckets a ping stands twice."""
    again = []
    for name, objects in stand.items():
        lines = [line for data in objects.values() for line in data.splitlines()]
        again += [name] * (len(set(lines)) < len(lines))
    return again[0] if len(again) == 1 else "both" if again else "neither"


def asked(objects: Mapping[str, bytes], question: str) -> pd.DataFrame:
    """Put the objects into a folder, let DuckDB read all of them as the table `landed`, and ask it in SQL.

    Names that end in `.parquet` are read as such, all others as JSON, a line each.
    """
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        for key, data in objects.items():
            path = Path(folder, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        is_parquet = all(key.endswith(".parquet") for key in objects)
        read = "read_parquet" if is_parquet else "read_json"
        more = "" if is_parquet else ", format = 'newline_delimited'"
        pattern = str(Path(folder, "**", "*")).replace("'", "''")
        connection.execute(f"create view landed as from {read}('{pattern}'{more}, hive_partitioning = false)")
        found = connection.execute(question).df()
        return found.set_index(found.columns[0]) if len(found) > 1 else found.set_axis([""])


def books(*stands: Status) -> pd.DataFrame:
    """Return a row for each time that a stream was asked where its records are."""
    told = [
        {
            "in the buffer, bytes": sum(one.filling.values()), "held, records": one.held,
            "accepted": one.accepted, "delivered": one.delivered, "set aside": one.set_aside,
            "expired": one.expired, "objects": one.objects, "attempts again": one.repeated,
        }
        for one in stands
    ]  # fmt: skip
    return pd.DataFrame(told, index=[""] * len(told))


def answers(said: Iterable[Accepted | Throttled]) -> pd.DataFrame:
    """Return a row for each record of a call: what it was answered."""
    told = {
        one.message: "accepted" if isinstance(one, Accepted) else f"throttled: too many {one.what} a second"
        for one in said
    }
    return pd.DataFrame({"answer": told}).rename_axis("record")


def reasons(objects: Mapping[str, bytes]) -> pd.DataFrame:
    """Return a row for each ping that was set aside: under which prefix and why, and what it says."""
    lines = [(key.partition("/")[0], json.loads(line)) for key, data in objects.items() for line in data.splitlines()]
    pings = [json.loads(base64.b64decode(line["rawData"])) for _, line in lines]
    told = [
        {"ping": ping["id"], "prefix": prefix, "why": line["errorMessage"], "its pulse": ping["pulse"]}
        for (prefix, line), ping in zip(lines, pings, strict=True)
    ]
    return pd.DataFrame(told).set_index("ping")
