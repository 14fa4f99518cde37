"""An object store: how large is a part, how much is sent, how long does it take, and how likely is an object lost?"""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_fraction, require_positive

PARTS_MAX = 10_000
PART_BYTES_MIN = 5 << 20


def least_part_bytes(size_bytes: int) -> int:
    """Return the smallest size of a part with which an object of so many bytes can be put together.

    >>> least_part_bytes(1 << 40), least_part_bytes(1_000)
    (109951163, 5242880)
    """
    require_positive(size_bytes=size_bytes)
    return max(PART_BYTES_MIN, -(-size_bytes // PARTS_MAX))


def pieces_sent_in_parts(pieces: int, failure: float) -> float:
    """Pieces sent until all have come, when each fails with this probability and is sent again: `n / (1 - p)`."""
    _require_failure(failure)
    return pieces / (1 - failure)


def pieces_sent_at_once(pieces: int, failure: float) -> float:
    """Pieces sent until so many in a row have come, when one that fails lets all begin anew: `((1 - p)**-n - 1) / p`.

    The waiting time for a run of successes (Feller, *An Introduction to Probability Theory*, vol. 1, XIII.7).
    """
    _require_failure(failure)
    return float(pieces) if failure == 0 else ((1 - failure) ** -pieces - 1) / failure


def _require_failure(failure: float) -> None:
    require_fraction(failure=failure)
    if failure == 1:
        raise BadParameter("failure = 1: nothing ever comes; give less than 1")


def ranges_s(size_bytes: float, connections: int, *, first_byte_s: float, connection_rate: float, link: float) -> float:
    """Seconds to read an object over so many connections at once: `t0 + size / min(c * rate, link)`.

    Parameters
    ----------
    connection_rate, link : float
        Bytes a second of one connection, and of the link that they share.
    """
    require_positive(size_bytes=size_bytes, connections=connections, connection_rate=connection_rate, link=link)
    return first_byte_s + size_bytes / min(connections * connection_rate, link)


def object_lost(data_shards: int, parity_shards: int, shard_lost: float) -> float:
    """Probability that more shards are lost than the code has parity, each by itself and with this probability.

    `sum over j > m of C(k + m, j) p**j (1 - p)**(k + m - j)`: within one window of repair, and no zone fails whole.

    >>> f"{object_lost(1, 2, 0.01):.1e} {object_lost(5, 4, 0.01):.1e}"
    '1.0e-06 1.2e-08'
    """
    require_positive(data_shards=data_shards, parity_shards=parity_shards)
    require_fraction(shard_lost=shard_lost)
    shards = data_shards + parity_shards
    return math.fsum(
        math.comb(shards, lost) * shard_lost**lost * (1 - shard_lost) ** (shards - lost)
        for lost in range(parity_shards + 1, shards + 1)
    )


def rename_requests(objects: int, *, page_keys: int = 1_000) -> int:
    """Requests that a "rename" of a folder takes: its list, and a copy and a delete for each object."""
    require_positive(objects=objects, page_keys=page_keys)
    return -(-objects // page_keys) + 2 * objects


def expected_losses(objects: float, nines: float) -> float:
    """Objects lost a year, when each is kept with a probability of so many nines.

    >>> round(expected_losses(1e7, 11), 6)
    0.0001
    """
    require_positive(objects=objects, nines=nines)
    return objects * 10**-nines
