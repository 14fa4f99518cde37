"""What detectors say, as tables: ranges of numbers in words, both ends of a comparison beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from dsys_lab.brokers.audit import Heartbeat, Ledger, Missing, SequenceGap, Tally


def in_words(gaps: Iterable[Missing]) -> str:
    """Say which numbers are missing.

    >>> in_words([Missing("anna", 3, 4), Missing("anna", 6, 6)]), in_words([])
    ('3 to 4, 6', 'nothing')
    """
    ranges = [f"{gap.first}" if gap.count == 1 else f"{gap.first} to {gap.last}" for gap in gaps]
    return ", ".join(ranges) or "nothing"


def listened(gaps: SequenceGap, key: str, *numbers: int) -> pd.DataFrame:
    """Let pings of a key come, one after the other; return after each what the detector says, and what it believes."""
    rows = []
    for number in numbers:
        found = gaps.observe(key, number)
        rows.append((number, in_words(found), in_words(gaps.missing(key)), gaps.status().late))
    columns = ["comes", "it says: missing is", "missing in all", "came after all"]
    return pd.DataFrame(rows, columns=columns).set_index("comes")


def missing_by(said: Mapping[str, Iterable[Missing]]) -> pd.DataFrame:
    """Return a row for each who says what is missing."""
    return pd.DataFrame({"missing is": {name: in_words(gaps) for name, gaps in said.items()}})


def silence(heart: Heartbeat, *at_s: float) -> pd.DataFrame:
    """Return at each second whether the beats have failed to come for too long."""
    said = {f"{second:g} s": "silent" if heart.is_silent(round(second * 1e6)) else "in order" for second in at_s}
    return pd.DataFrame({"the way is": said})


def overdue(ledger: Ledger, *at_s: float) -> pd.DataFrame:
    """Return at each second which ids of a ledger are newly overdue, and how many are missing in all."""
    rows = []
    for second in at_s:
        gone = ledger.due(round(second * 1e6))
        rows.append((f"{second:g} s", ", ".join(gone) or "nothing", ledger.status().missing))
    return pd.DataFrame(rows, columns=["at", "it says: overdue is", "missing in all"]).set_index("at")


def both_ends(sent: Tally, came: Tally, bucket: int) -> pd.DataFrame:
    """Return what each end says of a bucket, and which ids the other end lacks."""
    rows = {}
    for name, ours, theirs in (("the phone", sent, came), ("the reader", came, sent)):
        digest = ours.digest(bucket)
        lacks = ", ".join(ours.not_in(theirs, bucket)) or "none"
        rows[name] = {"count": digest.count, "hash": f"{digest.hash:016x}"[:6] + "…", "the other end lacks": lacks}
    return pd.DataFrame.from_dict(rows, orient="index")
