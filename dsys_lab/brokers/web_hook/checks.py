"""What is looked at before a call is believed, in which order, and what the partner is told.

A web hook is a door on the street: everybody can knock. Five things are looked at, each against trouble of its own:

=============  =====================================================================  =============================
check          what it keeps out                                                      what it cannot see
=============  =====================================================================  =============================
`size`         what would fill our memory before we know who sends it
`signature`    the forged, and what was changed on its way                            a copy of a good call
`age`          what was signed too long ago: copies and originals that were held back  a copy that comes soon
`id`           the second of two with one id, be it a copy or the partner's own       a first one that comes late
`store first`  nothing: it is the promise that what was answered with 2xx is on disk
=============  =====================================================================  =============================

The age is taken in both directions, for a call from the future would be good for longer. It has a price: whose clock is
off by more refuses what is good.

How long must an id be remembered? A call may be signed `age_s` ahead of our clock, and its copy is then good until
`age_s` after that: for 2 x `age_s` after it came first. And as long as a partner tries again, for each attempt is
signed anew under the same id: here the schedule that Standard Webhooks gives as an example, three days and more.

What does the partner do next? It only knows 2xx (done) from all the rest (try again later, with a new timestamp), and
that decides what it is told:

=======  ===================  ==================================================================================
202      stored               done: it is on our disk, the work comes later
200      seen before          done: an error here (a 409, say) would make it try again for days
400      malformed            its program is wrong: a person must look
400      too old, too new     try again, signed anew; if it stays so, one of the two clocks is wrong
403      forged               nothing, if it is not the partner; else it has the wrong key. No 401, for that asks for
                              a way to log in (RFC 9110), and there is none
413      too large            send less (an id, and we fetch the rest): to try the same again is no use
503      cannot store         try again later: `retry-after` says when
=======  ===================  ==================================================================================

Sources: Standard Webhooks 1.0.0, "Verifying signatures", "Delivery success and failure"; RFC 9110, sections 15.3, 15.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from dsys_lab.brokers.web_hook.partner import STANDARD_SCHEDULE
from dsys_lab.brokers.web_hook.signature import key_of
from dsys_lab.errors import BadParameter, require_choice, require_positive

CHECKS: Final = ("size", "signature", "age", "id", "store first")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a call is told.

    Attributes
    ----------
    status : int
        Of HTTP.
    why : str
        In a word or two.
    next : str
        What the partner must do now.
    """

    status: int
    why: str
    next: str

    @property
    def is_done(self) -> bool:
        """Whether the partner need not try again."""
        return 200 <= self.status < 300


STORED: Final = Verdict(202, "stored", "nothing: it is safe")
SEEN: Final = Verdict(200, "seen before", "nothing: it was safe before")
MALFORMED: Final = Verdict(400, "malformed", "mend the program that makes the call")
TOO_OLD: Final = Verdict(400, "too old", "try again, signed anew; or mend a clock")
TOO_NEW: Final = Verdict(400, "too new", "try again, signed anew; or mend a clock")
FORGED: Final = Verdict(403, "forged", "use the right key")
TOO_LARGE: Final = Verdict(413, "too large", "send less: an id, and let us fetch the rest")
CANNOT_STORE: Final = Verdict(503, "cannot store", "try again later")
VERDICTS: Final = (STORED, SEEN, MALFORMED, TOO_OLD, TOO_NEW, FORGED, TOO_LARGE, CANNOT_STORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a door looks at calls.

    Attributes
    ----------
    secrets : tuple of str
        Those that are good now: one, or two while they are being changed.
    age_s : float
        How old a call may be, and how far ahead of our clock.
    remember_s : float
        How long an id is remembered after it came first.
    size_max_bytes : int
        The largest body that is taken; the standard advises partners to stay below 20 kB.
    room : int
        How many events may wait to be worked on.
    retry_after_s : int
        When who was turned away for want of room may come again.
    without : tuple of str
        Checks to leave out, of `CHECKS`: to see what each is for.
    """

    secrets: Sequence[str] = field(repr=False)
    age_s: float = 300.0
    remember_s: float = STANDARD_SCHEDULE.lasts_s + 300.0
    size_max_bytes: int = 20_480
    room: int = 10_000
    retry_after_s: int = 30
    without: Sequence[str] = ()

    def __post_init__(self) -> None:
        require_positive(
            age_s=self.age_s, remember_s=self.remember_s, size_max_bytes=self.size_max_bytes, room=self.room,
            retry_after_s=self.retry_after_s,
        )  # fmt: skip
        if isinstance(self.secrets, str) or not self.secrets:
            raise BadParameter("secrets: give a list with one secret, or with two while they are being changed")
        for secret in self.secrets:
            key_of(secret)
        if isinstance(self.without, str):
            raise BadParameter(f"without = {self.without!r}: give a list of checks")
        for check in self.without:
            require_choice("without", check, CHECKS)
        if self.remember_s < 2 * self.age_s and self.has("age") and self.has("id"):
            raise BadParameter(
                f"remember_s = {self.remember_s!r}: give {2 * self.age_s:g} or more, twice age_s; a copy of a call "
                "that was signed ahead of our clock would be good for longer than its id is remembered"
            )

    def has(self, check: str) -> bool:
        """Whether this check is made."""
        return check not in self.without
