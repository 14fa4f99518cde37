"""The conservation ledger: every message offered is somewhere.

    offered = done + stored + in flight + dropped + expired + dead + rejected + unmatched

The law holds for *copies*: a client that tries again offers a second copy of the same message, and both use up work.
A row moves its copy into the account that its kind names (`dsys_lab.trace.kinds`); the last row wins. One row does not:
work that begins again on a copy that is done brings nothing back, for it was already on its way to the second worker
when the first one's acknowledgement arrived.

What can break is not the sum, which holds by construction, but the book: a copy that nobody offered, one that comes
back from a final account, or a buffer that says another depth than its own rows add up to. Those are the violations of
`dsys_lab.trace.invariants.conservation`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dsys_lab.trace.kinds import ACCOUNTS, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dsys_lab.trace.recorder import Row

Copy = tuple[str, int]
FINAL: Final = frozenset(ACCOUNTS) - {"in flight", "stored"}
OFFERS: Final = frozenset({"publish", "copied", "match", "replay", "filming"})
"""The kinds by which a new copy comes into the world."""
ACCOUNT_OF: Final = {kind.name: kind.account for kind in KINDS.values() if kind.account}


@dataclass(frozen=True, slots=True)
class Balance:
    """Where every offered copy stands: counts of copies, which add up to `offered`."""

    offered: int
    done: int
    stored: int
    in_flight: int
    dropped: int
    expired: int
    dead: int
    rejected: int
    unmatched: int = 0

    @property
    def lost(self) -> int:
        """Copies whose data is gone without having been worked on."""
        return self.dropped + self.expired

    def __str__(self) -> str:
        said = [name for name in self.__slots__[1:] if name != "unmatched" or self.unmatched]  # only rules have such
        parts = [f"{name.replace('_', ' ')} {getattr(self, name):,}" for name in said]
        return f"offered {self.offered:,} = " + " + ".join(parts)


def copy_of(row: Row) -> Copy:
    """Return the copy that a row is about: the logical message and the number of the copy, from 0."""
    return (row.message or "", int(row.fields.get("copy") or 0))


def account_after(row: Row, before: str | None) -> str | None:
    """Return the account that a row moves its copy into, or None where it stays in `before`."""
    kind = KINDS[row.kind]
    if before and before == kind.unless and int(row.fields["attempt"] or 0) > 1:
        return None
    return kind.account or None


def balance(rows: Iterable[Row]) -> Balance:
    """Return where every copy stands after `rows`."""
    accounts: dict[Copy, str] = {}
    for row in rows:
        if row.kind in ACCOUNT_OF and row.message is not None:
            account = account_after(row, accounts.get(copy_of(row)))
            if account:
                accounts[copy_of(row)] = account
    count = Counter(accounts.values())
    return Balance(len(accounts), **{name.replace(" ", "_"): count[name] for name in ACCOUNTS})
