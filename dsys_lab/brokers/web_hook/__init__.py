"""How does somebody else's system tell us what happened, if everybody on the street can knock at the same door?

It calls our address by HTTP: a *web hook*. So we hear at once and need not ask for ever whether there is news; but what
comes may be forged, old, or there already, and what does not come leaves no trace. The door looks before it believes::

              size?      signature?     age?        seen?       room?
    call -----> | ---------> | --------> | --------> | --------> | --> on disk --> 202 --> work, once for an id
                413         403        400         200         503
                                              (it is done)  (come again)

    now and then:  what have you sent since ...?  -->  the partner's list, page by page  -->  what was lost

The form of the calls is that of *Standard Webhooks* 1.0.0. Everything is sans-I/O but for the disk: clocks are
arguments, for ours may be wrong and the partner's too. In reading order:

================  ==================================================================================================
`signature`       what is signed, and how a signature is compared
`partner`         what the other side does: attempts, pauses, and a list that can be asked for
`checks`          what is looked at in which order, and what the partner is told so that it does the right thing next
`inbox`           where an event is safe, and its id remembered
`door`            the verbs: look, keep, answer; then take, and done
`cloud_event`     the shape in which an event goes on
`reconciliation`  what the partner says it sent, against what we have
================  ==================================================================================================

The door promises
-----------------
1. What was answered with 2xx is on disk, or was there before, whenever the power goes.
2. No event is taken that was not signed with a secret that is good now: not with one byte changed.
3. No copy of a call is taken: not while its timestamp is good, for its id is remembered for longer, nor after.
4. A partner that calls again for what we have is told 2xx, for as long as ids are remembered.
5. What a call holds never makes the door raise; every call has one answer, and one row that says why.

It is *at least once*: an event that was being worked on when the power went is given out again, under its id.

Cost: one HMAC a secret and call, two records and two syncs an event (it came, it is done); in memory its id, for as
long as it is remembered.

Left out: TLS, which keeps others from reading along; rates, and all that stands before the door against floods; a
signature without a shared secret (`v1a`); several doors on one inbox.

Sources: Standard Webhooks 1.0.0, read in November 2026; RFC 9110, HTTP semantics; RFC 2104, HMAC; CloudEvents 1.0.2;
Hohpe and Woolf, *Enterprise Integration Patterns*, "Idempotent Receiver", "Canonical Data Model".
"""

from dsys_lab.brokers.web_hook.checks import CHECKS, VERDICTS, Settings, Verdict
from dsys_lab.brokers.web_hook.cloud_event import MEDIA_TYPE, cloud_event, structured
from dsys_lab.brokers.web_hook.door import Answer, Status, WebHookDoor
from dsys_lab.brokers.web_hook.inbox import Event
from dsys_lab.brokers.web_hook.partner import IMPATIENT, STANDARD_SCHEDULE, Page, Partner, Schedule, Sent
from dsys_lab.brokers.web_hook.reconciliation import Difference, compare, pages, window
from dsys_lab.brokers.web_hook.signature import Call, secret_of, signature, signed

__all__ = [
    "CHECKS",
    "IMPATIENT",
    "MEDIA_TYPE",
    "STANDARD_SCHEDULE",
    "VERDICTS",
    "Answer",
    "Call",
    "Difference",
    "Event",
    "Page",
    "Partner",
    "Schedule",
    "Sent",
    "Settings",
    "Status",
    "Verdict",
    "WebHookDoor",
    "cloud_event",
    "compare",
    "pages",
    "secret_of",
    "signature",
    "signed",
    "structured",
    "window",
]
