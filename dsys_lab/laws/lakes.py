"""A lake and a warehouse: when does modelling pay, what does a question read, what do small files and races cost?"""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_not_negative, require_positive


def break_even_queries(model_cost: float, lake_query: float, warehouse_query: float) -> float:
    """Questions from which on it is cheaper to have modelled the data once: `C / (l - w)`, infinite if `w >= l`.

    Parameters
    ----------
    model_cost : float
        To make the table, once.
    lake_query, warehouse_query : float
        What a question costs on the raw files, and on the table; all three in the same unit.

    Examples
    --------
    >>> break_even_queries(900, 100, 10)
    10.0
    """
    require_not_negative(model_cost=model_cost, lake_query=lake_query, warehouse_query=warehouse_query)
    saved = lake_query - warehouse_query
    return model_cost / saved if saved > 0 else math.inf


def lost_values(documents: int, first_seen: int, column_added: int) -> int:
    """Values of a new field that a loader without the column drops: the documents from its first until the change.

    Parameters
    ----------
    documents : int
        How many have come so far, each of them with the field from number `first_seen` on.
    column_added : int
        The number of the first document for which the table has the column.
    """
    require_not_negative(documents=documents, first_seen=first_seen, column_added=column_added)
    return max(0, min(documents, column_added) - first_seen)


def small_files_s(
    files: int, size_bytes: float, *, connections: int, first_byte_s: float, rate: float
) -> float:
    """Seconds to read so many files of together `size_bytes`: `ceil(n / c) * t0 + size / (min(n, c) * rate)`.

    Parameters
    ----------
    connections : int
        How many are read at once.
    first_byte_s, rate : float
        Of a connection: seconds until the first byte, and bytes a second from then on.
    """
    require_positive(files=files, connections=connections, rate=rate)
    require_not_negative(size_bytes=size_bytes, first_byte_s=first_byte_s)
    return -(-files // connections) * first_byte_s + size_bytes / (min(files, connections) * rate)


def race_tries(writers: int) -> int:
    """Names for which so many writers race, all of whom append at once: `w (w + 1) / 2`.

    In each round all who are left try the same name, and one of them has it.
    """
    require_positive(writers=writers)
    return writers * (writers + 1) // 2


def swept_share(load_h: float, retention_h: float, every_h: float) -> float:
    """Share of the loads that lose their file: the chance that a vacuum comes once it is as old as the retention.

    Parameters
    ----------
    load_h : float
        Hours from a load's first file to its commit.
    retention_h, every_h : float
        For how long a file without a commit is kept, and how often the vacuum comes, at whatever moment of the load.

    Examples
    --------
    >>> swept_share(10, 168, 24), swept_share(10, 7, 24)
    (0.0, 0.125)
    """
    require_not_negative(load_h=load_h, retention_h=retention_h)
    require_positive(every_h=every_h)
    return min(1.0, max(0.0, load_h - retention_h) / every_h)


def log_gets(version: int, checkpoint_every: int) -> int:
    """Objects of the log that a reader of the latest version gets: the hint, a checkpoint, and the commits since.

    >>> log_gets(19, 8), log_gets(3, 8)
    (5, 5)
    """
    require_not_negative(version=version)
    require_positive(checkpoint_every=checkpoint_every)
    if version < checkpoint_every:
        return 1 + version + 1
    return 2 + version % checkpoint_every


def read_share(column_share: float, file_share: float) -> float:
    """Share of the bytes that a question reads, of columns that lie apart in files that can be skipped: the product."""
    for name, share in (("column_share", column_share), ("file_share", file_share)):
        if not 0 <= share <= 1:
            raise BadParameter(f"{name} = {share!r}: give a share between 0 and 1")
    return column_share * file_share
