"""What does a sealed buffer become?

Each record meets the transform, then the format; what became of it decides the sort of its crate::

    transform ── Ok ──────> format ── fit ──────> the crate for the destination
        |                      '───── unfit ────> format-conversion-failed/
        |── Failed ─────────────────────────────> processing-failed/
        '── Dropped                               over, and counted

The answer is a list of entries for the journal, and nothing has happened before they are written there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsys_lab.brokers.delivery_stream.crates import DELIVERED, FORMAT_FAILED, PROCESSING_FAILED
from dsys_lab.brokers.delivery_stream.formats import Format
from dsys_lab.brokers.delivery_stream.journal import AnyEntry, CrateEntry, OverEntry, ReshapedEntry
from dsys_lab.brokers.delivery_stream.transforms import Dropped, Failed, Fate, Given, Ok

OVER = "dropped"


def sealed(buffer: str, by: str, given: Sequence[Given], fates: Mapping[int, Fate], form: Format) -> list[AnyEntry]:
    """Return what is to be written down of a buffer that is sealed by its size or by time."""
    entries, sorts, why = list[AnyEntry](), dict[str, list[int]](), dict[int, str]()
    for number, data, _ in given:
        sort, fate = _sorted(fates[number], form)
        sorts.setdefault(sort, []).append(number)
        if isinstance(fate, Ok) and fate.data != data:
            entries.append(ReshapedEntry(number, fate.data))
        elif isinstance(fate, Failed):
            why[number] = fate.why
    for sort, numbers in sorts.items():
        if sort == OVER:
            entries.append(OverEntry(OVER, None, buffer, numbers))
        else:
            reasons = {number: why[number] for number in numbers if number in why}
            entries.append(CrateEntry(buffer, sort, by, numbers, reasons))
    return entries


def _sorted(fate: Fate, form: Format) -> tuple[str, Fate]:
    """Return the sort of crate that a record belongs into, and its fate there."""
    if isinstance(fate, Dropped):
        return OVER, fate
    if isinstance(fate, Failed):
        return PROCESSING_FAILED, fate
    why = form.unfit(fate.data)
    return (FORMAT_FAILED, Failed(why)) if why else (DELIVERED, fate)
