"""A list that grows: inside of its document, in documents of its own, or in buckets?

A sleeper gets one night more every day. *Embed*: the nights are an array in the profile; one read gives all, and each
append writes the document anew. *Reference*: each night is a document; an append writes one, a read of k opens k.
*Bucket*: a document holds up to B nights; appends and reads lie between, and B says where.

Counted from documents really encoded and written (`document_write`) and opened (`document_read`).

Source: MongoDB manual, "Data modeling", "Group data with the bucket pattern"; the sums are in `dsys_lab.laws`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.laws import grown_bytes
from dsys_lab.stores.document_store import DOCUMENT_BYTES_MAX, Collection, encode
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import Counters

SHAPES: Final = ("embed", "reference", "bucket")
PAGE_BYTES: Final = 8_192
_NIGHT: Final[dict[str, Any]] = {"date": 17_000, "minutes": 435, "awake": 3}


@dataclass(frozen=True, slots=True)
class Grown:
    """What so many appends cost, and a read of the newest.

    Attributes
    ----------
    written_bytes : int
        Of documents that were written, for all appends.
    log_bytes : int
        Of the journal, which holds deltas.
    opened, opened_bytes : int
        Documents that a read of the newest nights opens, and their bytes.
    documents : int
        How many there are.
    largest_bytes : int
        Of the largest document.
    """

    written_bytes: int
    log_bytes: int
    opened: int
    opened_bytes: int
    documents: int
    largest_bytes: int


def grown(shape: str, nights: int, *, bucket: int = 30, newest: int = 30) -> Grown:
    """Append nights one by one, then read the newest.

    Parameters
    ----------
    shape : str
        "embed", "reference" or "bucket".
    bucket : int
        Nights in a document, for "bucket".
    newest : int
        How many nights the read is after.
    """
    require_choice("shape", shape, SHAPES)
    require_positive(nights=nights, bucket=bucket, newest=newest)
    size = {"embed": nights, "reference": 1, "bucket": bucket}[shape]
    counters = Counters()
    collection = Collection(VolatileDisk(), fsync=NEVER, recorder=counters)
    for night in range(nights):
        number, place = divmod(night, size)
        if place == 0:
            collection.insert({"_id": number, "person": 17, "nights": [_night(night)]})
        else:
            collection.update_one({"_id": number}, {"$push": {"nights": _night(night)}})
    written, logged = counters.sum("document_write", "size_bytes"), counters.sum("log_append", "size_bytes")
    before = counters.count("document_read"), counters.sum("document_read", "size_bytes")
    last = (nights - 1) // size
    first = max(0, nights - newest) // size
    collection.find({"_id": {"$gte": first, "$lte": last}}, hint="_id")
    opened = counters.count("document_read") - before[0], counters.sum("document_read", "size_bytes") - before[1]
    largest = max(len(encode(one)) for one in collection.documents())
    return Grown(int(written), int(logged), opened[0], int(opened[1]), last + 1, largest)


def _night(number: int) -> dict[str, Any]:
    return {**_NIGHT, "date": _NIGHT["date"] + number}


def parts_bytes() -> tuple[int, int]:
    """Return the bytes of a document with no night in it, and of one night more."""
    empty, one = (len(encode({"_id": 0, "person": 17, "nights": nights})) for nights in ([], [_night(0)]))
    return empty, one - empty


def fits(element_bytes: int | None = None) -> int:
    """Return how many nights, or elements of so many bytes, fit into one document of 16 MB."""
    head, night = parts_bytes()
    each = night if element_bytes is None else element_bytes
    require_positive(element_bytes=each)
    return (DOCUMENT_BYTES_MAX - head) // each


def cost_bytes(bucket: int, *, appends: int, reads: int, newest: int, head_bytes: int, element_bytes: int) -> float:
    """Return bytes moved for so many appends and reads of the newest: what exercise 10/bucket makes small.

    An append writes its bucket anew, half full on average; a read opens the buckets of the newest, each in whole pages.
    """
    require_positive(bucket=bucket, newest=newest, head_bytes=head_bytes, element_bytes=element_bytes)
    full = head_bytes + bucket * element_bytes
    append = head_bytes + element_bytes * (bucket + 1) / 2
    pages = -(-full // PAGE_BYTES)
    return appends * append + reads * -(-newest // bucket) * pages * PAGE_BYTES


def written(*nights: int, bucket: int = 30) -> dict[str, list[tuple[float, float, float]]]:
    """Return (nights, kilobytes of documents written, 0: there is no luck in it) for each shape."""
    return {
        shape: [(float(count), grown(shape, count, bucket=bucket).written_bytes / 1_000, 0.0) for count in nights]
        for shape in SHAPES
    }


def written_by_law(*, bucket: int = 30) -> dict[str, Callable[[float], float]]:
    """Return the laws of `written`: for each shape kilobytes as a function of the nights."""
    head, night = parts_bytes()

    def law(size: int | None) -> Callable[[float], float]:
        return lambda nights: grown_bytes(round(nights), head_bytes=head, element_bytes=night, bucket=size) / 1_000

    return {"embed": law(None), "reference": law(1), "bucket": law(bucket)}


def read_newest(nights: int, *, bucket: int = 30, newest: int = 30) -> dict[str, dict[str, int]]:
    """Return what a read of the newest opens in each shape: documents, and their bytes."""
    ones = {shape: grown(shape, nights, bucket=bucket, newest=newest) for shape in SHAPES}
    return {shape: {"documents": one.opened, "bytes": one.opened_bytes} for shape, one in ones.items()}
