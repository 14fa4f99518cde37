"""What can be set on a queue, with the defaults of SQS.

Every default and every upper limit is a figure of `facts.toml`, with its source and the day on which it was read. The
lower limits of SQS (a retention of at least 60 s, a size limit of at least 1,024 bytes) are not imitated, so that a run
fits into a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_positive
from dsys_lab.facts import fact

DAY_S: Final = 86_400
VISIBILITY_MAX_S: Final = fact("sqs_visibility_max").value
RETENTION_MAX_S: Final = fact("sqs_retention_max").value * DAY_S
DELAY_MAX_S: Final = fact("sqs_delay_max").value
WAIT_MAX_S: Final = fact("sqs_wait_max").value
BATCH_MAX: Final = int(fact("sqs_batch_max").value)
SIZE_MAX_BYTES: Final = int(fact("sqs_size_max").value)
KINDS: Final = ("standard", "fair", "fifo")
HANDLES: Final = ("newest", "any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a queue behaves.

    Attributes
    ----------
    kind : str
        "standard": one line, best-effort order. "fair": a standard queue in which groups (tenants) take turns.
        "fifo": groups take turns, each strictly in order, one message of a group on loan at a time.
    visibility_s : float
        For how long a received message is hidden from the others.
    retention_s : float
        How long a message is kept, from when it was sent, wherever it is.
    delay_s : float
        For how long a new message is hidden.
    size_max_bytes : int
        Larger messages are rejected.
    in_flight_max : int
        How many may be on loan at once. At the limit a FIFO queue gives nothing, the others refuse.
    max_receives : int or None
        A message that was received so often is set aside among the dead instead of being lent again; None: never.
    dedup_s : float
        FIFO: for how long a deduplication id is remembered.
    content_dedup : bool
        FIFO: take the hash of the body where no deduplication id is given.
    handles : str
        Which handles acknowledge: the "newest" (SQS), or "any" ever given out (many other brokers).
    copy_share : float
        Not FIFO: the share of receives at which one of the queue's servers does not learn of it, so that a second copy
        stays. A knob of the lab; no figure is published.
    order_window : int
        Standard: how far behind the oldest a message may overtake. A knob of the lab.
    short_poll_share : float
        Not FIFO: the share of messages that a short poll sees, for it asks a part of the servers only. A knob of the
        lab.
    """

    kind: str = "standard"
    visibility_s: float = fact("sqs_visibility_default").value
    retention_s: float = fact("sqs_retention_default").value * DAY_S
    delay_s: float = 0
    size_max_bytes: int = SIZE_MAX_BYTES
    in_flight_max: int = int(fact("sqs_in_flight_max").value)
    max_receives: int | None = None
    dedup_s: float = fact("sqs_dedup_window").value
    content_dedup: bool = False
    handles: str = "newest"
    copy_share: float = 0.001
    order_window: int = 10
    short_poll_share: float = 1.0

    def __post_init__(self) -> None:
        require_choice("kind", self.kind, KINDS)
        require_choice("handles", self.handles, HANDLES)
        require_positive(
            retention_s=self.retention_s,
            size_max_bytes=self.size_max_bytes,
            in_flight_max=self.in_flight_max,
            dedup_s=self.dedup_s,
            order_window=self.order_window,
            short_poll_share=self.short_poll_share,
        )
        require_fraction(copy_share=self.copy_share, short_poll_share=self.short_poll_share)
        require_within(
            visibility_s=(self.visibility_s, VISIBILITY_MAX_S),
            retention_s=(self.retention_s, RETENTION_MAX_S),
            delay_s=(self.delay_s, DELAY_MAX_S),
            size_max_bytes=(self.size_max_bytes, SIZE_MAX_BYTES),
        )
        if self.max_receives is not None and self.max_receives < 1:
            raise BadParameter(f"max_receives = {self.max_receives}: give 1 or more, or None to lend without end")

    @property
    def is_fifo(self) -> bool:
        """Whether groups are strictly in order."""
        return self.kind == "fifo"

    def require_sendable(
        self, message: str, body: str, group: str | None, dedup_id: str | None, delay_s: float | None
    ) -> None:
        """Refuse a message that no queue with these settings takes, whoever plays it."""
        if not (type(message) is type(body) is str and type(group) in _TEXT and type(dedup_id) in _TEXT):
            raise BadParameter(
                f"message = {message!r}, body of {type(body)}, group = {group!r}, dedup_id = {dedup_id!r}: "
                "give each as a str"
            )
        if self.kind == "fifo":
            if group is None or delay_s is not None:
                raise BadParameter(f"group = {group!r}, delay_s = {delay_s!r}: FIFO needs a group and delays all alike")
            if dedup_id is None and not self.content_dedup:
                raise BadParameter("dedup_id = None: give one, or let the queue hash the body with content_dedup=True")
        elif delay_s is not None:
            require_within(delay_s=(delay_s, DELAY_MAX_S))


_TEXT: Final = (str, type(None))


def require_batch(limit: int) -> None:
    """Refuse a number of messages that cannot be asked for at once."""
    if not 1 <= limit <= BATCH_MAX:
        raise BadParameter(f"limit = {limit!r}: give 1 to {BATCH_MAX}")


def require_within(**limits: tuple[float, float]) -> None:
    """Refuse any value below 0 or above its limit, naming it."""
    for name, (value, limit) in limits.items():
        if not 0 <= value <= limit:
            raise BadParameter(f"{name} = {value!r}: give 0 to {limit:,.0f}")


def to_us(seconds: float) -> int:
    """Return whole microseconds, rounded half up."""
    return int(seconds * 1e6 + 0.5)
