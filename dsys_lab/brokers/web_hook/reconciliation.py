"""Belt and braces: ask the partner what it has sent, and compare.

A push that never came leaves no trace at our end. So now and then the partner's list is read, a window at a time, page
by page, and held against what we have. Both ways: what is in the list and not here was lost (while we were down, or on
the way) and is taken from the list; what is here and not in the list, the partner never sent.

The newest of the window may still be on its way: `settle_s` leaves out what happened so lately that its first call need
not have come. What is fetched twice does no harm, for it has its id.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

from dsys_lab.brokers.web_hook.partner import Page, Sent
from dsys_lab.errors import BadParameter, Damaged, require_not_negative

Ask = Callable[[str | None], Page]
"""`after` -> that page of the partner's list: how it is asked (in memory, over HTTP) is the caller's affair."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a comparison found.

    Attributes
    ----------
    listed : int
        Entries of the partner's list in the window.
    pages : int
        How many calls that took.
    lost : tuple of Sent
        In the list and not here, with their bodies: what is to be taken in.
    foreign : tuple of str
        Ids that are here and not in the list: nobody but a forger can have sent them.
    """

    listed: int
    pages: int
    lost: tuple[Sent, ...]
    foreign: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether both have the same."""
        return not self.lost and not self.foreign


def window(last_until_us: int, now_us: int, *, settle_s: float = 60.0) -> tuple[int, int]:
    """Return the window to compare next: from where the last one ended to `settle_s` ago; it may be empty."""
    require_not_negative(settle_s=settle_s)
    return last_until_us, max(last_until_us, now_us - round(settle_s * 1e6))


def pages(ask: Ask) -> Iterable[Page]:
    """Ask for one page after the other until the list ends.

    Raises
    ------
    Damaged
        If the list leads back to where it was: then it would never end.
    """
    after: str | None = None
    been: set[str] = set()
    while True:
        page = ask(after)
        yield page
        if page.after is None:
            return
        if page.after in been:
            raise Damaged(f"the list leads back to {page.after!r}: it has no end, and cannot be compared")
        been.add(page.after)
        after = page.after


def compare(listed: Iterable[Page], ours: Iterable[str], *, known: Container[str] | None = None) -> Difference:
    """Hold the partner's list against what we have.

    Parameters
    ----------
    listed : iterable of Page
        The list of the window: `pages(ask)`.
    ours : iterable of str
        The ids that came to us and happened in the window.
    known : container of str, optional
        All ids that ever came; `ours`, if it is not given. An event whose retry came after the window is not lost.

    Examples
    --------
    >>> page = Page((Sent("msg_1", 0, b""), Sent("msg_2", 5, b"")), None)
    >>> found = compare([page], ["msg_1", "msg_9"])
    >>> [one.id for one in found.lost], found.foreign
    (['msg_2'], ('msg_9',))
    """
    if isinstance(ours, str):
        raise BadParameter(f"ours = {ours!r}: give a list of ids")
    mine = dict.fromkeys(ours)
    read = list(listed)
    theirs = {one.id: one for page in read for one in page.entries}
    have = mine if known is None else known
    lost = tuple(one for one in theirs.values() if one.id not in have)
    return Difference(len(theirs), len(read), lost, tuple(one for one in mine if one not in theirs))
