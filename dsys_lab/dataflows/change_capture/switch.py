"""How is a view replaced while people read it?

A view had a bug, or is to answer something new. The old one goes on answering. A new follower is begun beside it, from
the tables or the first change, and follows until it has seen as much as the old one. Then readers are led to it, in one
step, and the old one is let go. If it was the wrong idea the old one is still there, until then.
"""

from __future__ import annotations

from typing import Generic

from dsys_lab.dataflows.change_capture.follower import Follower, Made
from dsys_lab.errors import Misuse, Refused


class Switch(Generic[Made]):
    """Leads readers to one of two followers.

    Attributes
    ----------
    current : Follower
        Who answers.
    coming : Follower or None
        Who is to take its place.
    """

    def __init__(self, current: Follower[Made]) -> None:
        self.current = current
        self.coming: Follower[Made] | None = None

    @property
    def view(self) -> Made:
        """What readers are shown."""
        return self.current.view

    def rebuild(self, coming: Follower[Made]) -> None:
        """Let a new follower begin beside the one that answers."""
        if self.coming is not None:
            raise Misuse("a view is being rebuilt: `swap` or `give_up` first")
        self.coming = coming

    def give_up(self) -> None:
        """Let go of the new one."""
        self.coming = None

    def swap(self) -> Follower[Made]:
        """Lead readers to the new one; return the old one.

        Raises
        ------
        Misuse
            If none is being rebuilt.
        Refused
            If the new one has not seen as much: readers would be led back in time.
        """
        if self.coming is None:
            raise Misuse("no view is being rebuilt: give `rebuild` a follower")
        if self.coming.position < self.current.position:
            raise Refused(
                f"the new view is at position {self.coming.position} and the one that readers are shown at "
                f"{self.current.position}: let it follow first"
            )
        old, self.current, self.coming = self.current, self.coming, None
        return old
