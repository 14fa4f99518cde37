"""What went wrong that nobody reported? Read all the books, and hold what was promised against what was done.

Every part may have done its duty, by its own word, and still a promise is broken: a message was dropped between two of
them, a party lied, a bug did something twice. Nobody inside can see that, for it lies between them or in them. Who
stands at the ends can: what was promised, by the gates' log, and what the buyer has in the end, by the books of money,
pillows and letters.

So the auditor takes nobody's word: not the desk's journal, not an answer. It knows a handful of sums that must come
out, and gives what does not a name (`FINDINGS`). A promise may be under way, so what is missing is a finding only after
`within_s`; what is there twice is one at once.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 12, "Trust, but Verify" and "The end-to-end argument";
Saltzer, Reed and Clark, "End-to-end arguments in system design", ACM TOCS 1984.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dsys_lab.brokers.audit import Ledger
from dsys_lab.dataflows.verification.books import Entry
from dsys_lab.errors import BadParameter

FINDINGS: Final[dict[str, str]] = {
    "never settled": "time is over, and no word to the buyer",
    "done twice": "one act of one order stands twice in a book",
    "kept and apologised": "the buyer was told yes and sorry",
    "apology without a refund": "sorry was said, and the money is not back",
    "refund without a charge": "money went out that never came in",
    "apology without a no": "sorry was said, and the stock had not refused",
    "apology and a pillow": "sorry was said, and a pillow was given out for it",
    "refund without an apology": "money is back, time is over, nobody said why",
    "refunded and kept": "the buyer has the pillow and the money",
    "kept without a pillow": "told yes, and the stock gave nothing out",
    "kept without a charge": "told yes, and nobody paid",
    "more than there were": "more pillows were given out than there were",
    "never promised": "something was done that no gate had promised",
}
"""What an audit may find, and what each means."""


class Finding(NamedTuple):
    """What is wrong (a name of `FINDINGS`), with which order ("" for all of them), and what the books say."""

    what: str
    order: str
    says: str


@dataclass(frozen=True, slots=True)
class Books:
    """What an auditor reads.

    Attributes
    ----------
    promises : sequence of (str, int)
        The orders that were promised, and when, in microseconds, by the log of the gates.
    entries : sequence of Entry
        All that stands in the books of the parties.
    pillows : int
        How many there were at first.
    """

    promises: Sequence[tuple[str, int]]
    entries: Sequence[Entry]
    pillows: int


def audit(books: Books, now_us: int, *, within_s: float) -> list[Finding]:
    """Return what is wrong in the books.

    Parameters
    ----------
    within_s : float
        How long after its promise an order may be open.
    """
    promised = dict(books.promises)
    if len(promised) != len(books.promises):
        raise BadParameter("an order stands twice among the promises: give each once, with the time of the first")
    done: dict[str, Counter[str]] = {order: Counter() for order in promised}
    unknown: dict[str, list[str]] = {}
    for entry in books.entries:
        if entry.order not in promised:
            unknown.setdefault(entry.order, []).append(entry.verb)
        elif entry.yes or entry.verb != "take":
            done[entry.order][entry.verb] += 1
    overdue, refused = _overdue(books, now_us, within_s), _refused(books)
    found = [
        finding
        for order, acts in done.items()
        for finding in _of_one(order, acts, is_overdue=order in overdue, is_refused=order in refused)
    ]
    found += [Finding("never promised", order, " and ".join(verbs)) for order, verbs in unknown.items()]
    taken = sum(entry.verb == "take" and entry.yes for entry in books.entries)
    if taken > books.pillows:
        found.append(Finding("more than there were", "", f"{taken} of {books.pillows} pillows were given out"))
    return found


def _overdue(books: Books, now_us: int, within_s: float) -> set[str]:
    """Return the promises that are older than they may be, and of which the buyer has heard nothing by now."""
    told = {entry.order for entry in books.entries if entry.verb in ("confirm", "apologise")}
    ledger = Ledger(within_s=within_s)
    for order, at_us in sorted(books.promises, key=lambda promise: promise[1]):
        ledger.expect(at_us, order)
        if order in told:
            ledger.came(at_us, order)
    return set(ledger.due(now_us))


def _refused(books: Books) -> set[str]:
    """Return the orders for which there was no pillow left."""
    return {entry.order for entry in books.entries if entry.verb == "take" and not entry.yes}


def _of_one(order: str, acts: Counter[str], *, is_overdue: bool, is_refused: bool) -> list[Finding]:
    """Return what is wrong with one order, given how often each act was done for it."""
    kept, sorry, charged, taken, refunded = (acts[v] for v in ("confirm", "apologise", "charge", "take", "refund"))
    wrong = {
        "kept and apologised": kept and sorry,
        "apology without a refund": sorry and charged and not refunded,
        "refunded and kept": refunded and kept,
        "refund without a charge": refunded and not charged,
        "apology without a no": sorry and not is_refused,
        "apology and a pillow": sorry and taken,
        "kept without a pillow": kept and not taken,
        "kept without a charge": kept and not charged,
        "refund without an apology": is_overdue and refunded and not sorry,
        "never settled": is_overdue and not refunded,
    }
    says = ", ".join(f"{verb} {times}" for verb, times in acts.items()) or "nothing was done"
    twice = [Finding("done twice", order, f"{verb} {times}") for verb, times in acts.items() if times > 1]
    return twice + [Finding(what, order, says) for what, is_so in wrong.items() if is_so]
