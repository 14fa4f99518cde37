"""The map of all labs: one row ties a lab to the notes' heading, the rooms where its systems live, and its engines.

This table is the one source: the README's table is its text form (tested), a key's lab is looked up here, and the start
page draws it. Whether a lab is built is no opinion: its notebook's source is there or it is not.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.lessons.shown import INK, QUIET, Shown
from dsys_lab.views.theme import ROLES

NOTEBOOKS: Final = Path(__file__).resolve().parents[2] / "notebooks"


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab.

    Attributes
    ----------
    number : int
    name : str
        Its stem without the number: also the name of its folder of scenarios.
    title : str
    heading : str
        The heading of the notes that it answers.
    rooms : tuple of str
        Where in the package its systems live.
    engines : tuple of str
        What it is measured against.
    """

    number: int
    name: str
    title: str
    heading: str
    rooms: tuple[str, ...]
    engines: tuple[str, ...]

    @property
    def stem(self) -> str:
        """The name of its notebook."""
        return f"{self.number:02d}_{self.name}"

    @property
    def built(self) -> bool:
        """Whether there is a notebook."""
        return (NOTEBOOKS / "src" / f"{self.stem}.py").is_file()


def _lab(number: int, name: str, title: str, heading: str, *places: str) -> Lab:
    rooms, engines = (*places, "")[:2]
    return Lab(number, name, title, heading, tuple(rooms.split()), tuple(engines.split()))


LABS: Final = (
    _lab(0, "start_here", "Start here", "Success criteria For this post", "views/player lessons"),
    _lab(1, "service_database_broker", "Service, database, broker", "Dataflows Service vs Database vs Message Broker",
         "dataflows/service brokers/log_stream brokers/work_queue", "service postgres"),
    _lab(2, "oltp_and_analytics", "Transactions and analytics", "OLTP vs Analytics",
         "stores/row_store stores/column_store", "sqlite duckdb"),
    _lab(3, "authoritative_and_derived", "Authoritative and derived data", "Authoritative vs Derived Data",
         "dataflows/derived_view", "valkey postgres"),
    _lab(4, "stream_and_batch", "Stream and batch", "Stream vs Batch Processing",
         "dataflows/batch dataflows/windows", "duckdb nats"),
    _lab(5, "facts_measures_dimensions", "Facts, measures, dimensions", "Facts Measures and Dimensions.",
         "stores/star_schema", "sqlite duckdb postgres"),
    _lab(6, "lake_and_warehouse", "Lake and warehouse", "Data lakes and Data warehouse",
         "stores/lake stores/warehouse", "lakehouse duckdb"),
    _lab(7, "object_store", "Object store", "Distributed File System - S3", "stores/object_store", "aws"),
    _lab(8, "relational", "Relational database", "RelationalDB - AWS Aurora and Aurora Serverless",
         "stores/relational", "postgres sqlite"),
    _lab(9, "key_value", "Key-value store", "Key Value Store - Dynamo DB", "stores/key_value", "rocksdb aws"),
    _lab(10, "document", "Document store", "Document - AWS DocumentDB", "stores/document_store", "postgres mongodb"),
    _lab(11, "column_store", "Column store", "Column Store - AWS Redshift", "stores/warehouse", "duckdb dask"),
    _lab(12, "graph", "Graph store", "Graph - AWS Neptune", "stores/graph_store", "graph sqlite"),
    _lab(13, "not_consumed_in_time", "Messages not consumed in time",
         "What happens when messages are not consumed in time?", "brokers/overflow workloads/flights", "nats"),
    _lab(14, "missed_messages", "Missed messages", "What happens when a message is missed",
         "brokers/audit brokers/topic brokers/overflow brokers/log_stream", "nats postgres"),
    _lab(15, "publish_subscribe", "Publish and subscribe", "Event BroadCasting- PubSub- SNS",
         "brokers/topic", "nats aws"),
    _lab(16, "durable_queue", "Durable queue", "Durable Message Queues - SQS", "brokers/work_queue", "nats aws"),
    _lab(17, "log_stream", "Log stream", "Kinesis - Data Streams", "brokers/log_stream", "nats aws"),
    _lab(18, "streaming_sql", "Streaming SQL", "Kinesis - Data Analytics",
         "dataflows/streaming_sql dataflows/windows", "flink duckdb"),
    _lab(19, "delivery_stream", "Delivery stream", "Kinesis - Firehouse", "brokers/delivery_stream", "aws duckdb"),
    _lab(20, "video_stream", "Video stream", "Kinesis - Video Streams", "brokers/video_stream", "video aws"),
    _lab(21, "event_bus", "Event bus", "Event Bridge - Event Bus", "brokers/event_bus brokers/web_hook",
         "aws nats"),
    _lab(22, "write_path_and_read_path", "Write path and read path", "Write path vs read path",
         "dataflows/derived_view", "postgres"),
    _lab(23, "derived_dataflows", "Derived dataflows", "Write path derived data system flows",
         "dataflows/change_capture dataflows/derived_view", "postgres"),
    _lab(24, "event_sourcing", "Event sourcing", "Event sourcing and event logs",
         "dataflows/event_sourcing", "nats postgres"),
    _lab(25, "verification_and_apology", "Verification and apology",
         "E2E asyncronous verification with apology workflow", "dataflows/verification", "postgres nats"),
    _lab(26, "patterns", "Patterns", "Related Reading", "dataflows/claim_check brokers", "aws"),
)  # fmt: skip
"""Every lab, in the order of the notes."""

PARTS: Final = (
    ("Start", 0, 0, "skipped"),
    ("Comparisons", 1, 6, "authoritative"),
    ("Databases", 7, 12, "done"),
    ("Message brokers", 13, 21, "moving"),
    ("Big ideas", 22, 26, "late"),
)
"""The parts of the notes: title, first and last lab, and the role whose colour marks it."""


def lab_of(key: str) -> Lab:
    """Return the lab of a key, `number/name`: `13/drain_time` belongs to lab 13.

    Raises
    ------
    BadParameter
        If the key has another form, or there is no such lab.
    """
    number, slash, name = key.partition("/")
    if not slash or not name or len(number) != 2 or not number.isdecimal():
        raise BadParameter(f"key {key!r}: give 'NN/name', the number of the lab and a name, as in '13/drain_time'")
    if int(number) >= len(LABS):
        raise BadParameter(f"key {key!r}: there is no lab {number}; the labs are 00 to {len(LABS) - 1:02d}")
    return LABS[int(number)]


def readme_table() -> str:
    """Return the map as the README has it."""
    lines = ["| lab | the notes | rooms | engines | state |", "|---|---|---|---|---|"]
    for lab in LABS:
        rooms = ", ".join(f"`{room}`" for room in lab.rooms)
        engines = ", ".join(f"`{engine}`" for engine in lab.engines) or "none"
        state = "built" if lab.built else "planned"
        lines.append(f"| `{lab.stem}` | {lab.heading} | {rooms} | {engines} | {state} |")
    return "\n".join(lines)


def map_of_labs() -> Shown:
    """Return the map of all labs: those that are built can be opened from it."""
    parts, told = [], []
    for title, first, last, role in PARTS:
        labs = [lab for lab in LABS if first <= lab.number <= last]
        tiles = "".join(_tile(lab, role) for lab in labs)
        parts.append(
            f'<div style="border-top:5px solid {ROLES[role].colour};padding-top:.4em">'
            f'<div style="font-weight:700;margin-bottom:.4em">{title}</div>{tiles}</div>'
        )
        told.append(f"{title}:")
        told += [f"  {lab.number:02d} {lab.title}{'' if lab.built else ' (planned)'}: {lab.heading}" for lab in labs]
    grid = "display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.8em .9em;max-width:1080px"
    return Shown(
        f'<nav aria-label="All labs" style="{grid};color:{INK};line-height:1.35">{"".join(parts)}</nav>',
        "\n".join(told),
    )


def _tile(lab: Lab, role: str) -> str:
    words = (
        f'<span style="font-variant-numeric:tabular-nums;opacity:.65;margin-right:.45em">{lab.number:02d}</span>'
        f"{html.escape(lab.title)}"
    )
    about = html.escape(
        f"The notes: {lab.heading}. Rooms: {', '.join(lab.rooms)}. Engines: {', '.join(lab.engines) or 'none'}."
    )
    box = "display:block;padding:.4em .6em;margin:.3em 0;border-radius:6px;text-decoration:none;"
    tint = f"background-color:{ROLES[role].colour}{{opacity}};"  # eight digits: what an untrusted page also keeps
    if lab.built:
        return (
            f'<a href="{lab.stem}.ipynb" title="{about}" style="{box}{tint.format(opacity="40")}color:{INK};'
            f'font-weight:700;box-shadow:inset 0 0 0 2px {ROLES[role].colour}">{words} &#9656;</a>'
        )
    return f'<span title="{about}" style="{box}{tint.format(opacity="1c")}color:{QUIET}">{words}</span>'
