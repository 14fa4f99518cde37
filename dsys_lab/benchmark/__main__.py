"""`python -m dsys_lab.benchmark [name ...]`: print the tables of ratios whose names begin so; all, without a name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from dsys_lab.benchmark import (
    brokers,
    changes,
    claims,
    cubes,
    deliveries,
    documents,
    event_buses,
    event_stores,
    graph,
    key_value,
    lake,
    log_streams,
    object_store,
    promises,
    relational,
    simulations,
    streams,
    tables,
    topics,
    videos,
    views,
    warehouse,
)

TABLES: Final[dict[str, Callable[[], None]]] = {
    "simulation": simulations.simulation,
    "trace": simulations.trace,
    "player": simulations.player,
    "overflow": brokers.overflow,
    "work_queue": brokers.work_queue,
    "log_append": log_streams.log_append,
    "log_read": log_streams.log_read,
    "topics": topics.topics,
    "filters": topics.filters,
    "rules": event_buses.rules,
    "deliveries": deliveries.deliveries,
    "video": videos.video,
    "moments": videos.moments,
    "columns": tables.columns,
    "point_reads": tables.point_reads,
    "slumber": tables.slumber,
    "lsm": key_value.lsm,
    "hash_store": key_value.hash_store,
    "hops": graph.hops,
    "documents": documents.documents,
    "cubes": cubes.cubes,
    "changes": changes.changes,
    "slot_cost": changes.slot_cost,
    "relational": relational.relational,
    "volume": relational.volume,
    "lake": lake.lake,
    "objects": object_store.objects,
    "erasure": object_store.erasure,
    "zone_maps": warehouse.zone_maps,
    "slices": warehouse.slices,
    "group_by": warehouse.group_by,
    "streams": streams.streams,
    "checkpoints": streams.checkpoints,
    "hits": views.hits,
    "maintenance": views.maintenance,
    "rebuild": views.rebuild,
    "kept": views.kept,
    "promises": promises.promises,
    "claims": claims.claims,
    "grants": claims.grants,
    "folds": event_stores.folds,
    "event_appends": event_stores.appends,
}


def main(names: list[str]) -> None:
    """Print the tables whose names begin with one of `names`; all, where there is none."""
    for name, table in TABLES.items():
        if not names or name.startswith(tuple(names)):
            table()


if __name__ == "__main__":
    main(sys.argv[1:])
