"""Why calls were not answered in time in a retry storm: counted, not guessed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dsys_lab.trace import Trace

TOLD_NO, DROPPED, LOST, LATE = "told no", "dropped from the queue", "lost in the network", "answered too late"


def cause(trace: Trace, window_s: tuple[float, float]) -> str:
    """Count what became of the calls that were given up, and ask about what is behind most of it."""
    reasons = _reasons(trace, window_s)
    why = LATE if reasons[LATE] > 0.3 * reasons.total() else reasons.most_common(1)[0][0]
    counted = ", ".join(f"{count} {name}" for name, count in reasons.most_common())
    once = all(row.fields["attempt"] == 1 for row in trace.of("publish"))
    ask = {
        TOLD_NO: "The queue is so short that it turns away what could still be answered in time.",
        DROPPED: "The queue throws away what could still be answered in time, or retries fill it.",
        LOST: "Each loss is final when nobody tries again." if once else "What is lost needs another try.",
        LATE: "The scorer works on calls whose clients have left: what bounds its queue?",
    }[why]
    if once and why != LOST:
        ask += " And each loss is final when nobody tries again."
    return f"The last tries of the others: {counted}. {ask}"


def _reasons(trace: Trace, window_s: tuple[float, float]) -> Counter[str]:
    """Count, for the calls of the window that nobody answered in time, what became of their last tries."""
    start_us, end_us = (at * 1e6 for at in window_s)
    last: dict[str | None, Any] = {}
    made: set[str | None] = set()
    for row in trace.of("publish"):
        if row.fields["attempt"] == 1 and start_us <= row.time_us < end_us:
            made.add(row.message)
        last[row.message] = row.fields["copy"]
    unanswered = made - {row.message for row in trace.of("publish_ok")}
    ends = {"lost": LOST, "answer_lost": LOST, "drop": DROPPED, "reject": TOLD_NO}
    fates = {(row.message, row.fields["copy"]): fate for kind, fate in ends.items() for row in trace.of(kind)}
    return Counter(fates.get((message, last[message]), LATE) for message in unanswered)
