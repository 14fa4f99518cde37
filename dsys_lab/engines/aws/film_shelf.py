"""A film in a bucket: each fragment an object, whose name says when it was filmed.

What a service for video does besides is an index by time. Object stores have one: keys in order. With the camera's time
in front, in as many digits as the latest will have, a moment is one list and one get::

    bedroom/000000018000000-2000000-f10.m4s
            filmed, us      lasts   name

Differences from a video stream: nothing says when a fragment *came*, but the object's own date, to the second; there is
no retention but the bucket's rules, by days; a fragment that is put again replaces itself.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.brokers.video_stream import Fragment, Gap
from dsys_lab.brokers.video_stream.fragments import gaps
from dsys_lab.errors import Damaged, require_positive
from dsys_lab.stores.object_store import ObjectStore, every

DIGITS: Final = 15
"""Of microseconds: thirty years."""


class FilmShelf:
    """Fragments in a bucket.

    Parameters
    ----------
    bucket : ObjectStore
        S3 itself, what stands in for it, or the model of lab 07.
    name : str
        Of the camera; the first part of every key.
    longest_s : float
        No fragment lasts longer: so far before a moment its fragment may begin.
    """

    def __init__(self, bucket: ObjectStore, name: str = "bedroom", *, longest_s: float = 10.0) -> None:
        require_positive(longest_s=longest_s)
        self.bucket, self.name, self.longest_us = bucket, name, round(longest_s * 1e6)

    def put(self, fragment: Fragment) -> str:
        """Put a fragment, and return its key."""
        key = f"{self._before(fragment.filmed_us)}-{fragment.duration_us}-{fragment.message}.m4s"
        self.bucket.put(key, fragment.data)
        return key

    def keys(self) -> list[str]:
        """Return the key of each fragment, in the order in which they were filmed."""
        return [facts.key for facts in every(self.bucket, f"{self.name}/")]

    def moment(self, at_us: int) -> Fragment | None:
        """Return the fragment in which a moment can be seen, the latest to begin; None if there is none."""
        after = self._before(max(0, at_us - self.longest_us))
        page = self.bucket.list(f"{self.name}/", after=after)
        shown = [facts.key for facts in page.objects if self._shows(facts.key, at_us)]
        found = self.bucket.get(shown[-1]) if shown else None
        if found is None:
            return None  # nobody has it, or it became too old in between
        filmed_us, duration_us, message = self._of(shown[-1])
        return Fragment(message, filmed_us, duration_us, found.data)

    def gaps(self, start_us: int, end_us: int) -> tuple[Gap, ...]:
        """Return what of an interval is not here."""
        times = [self._of(key)[:2] for key in self.keys()]
        return gaps(((filmed_us, filmed_us + lasts_us) for filmed_us, lasts_us in times), start_us, end_us)

    def _shows(self, key: str, at_us: int) -> bool:
        filmed_us, lasts_us, _ = self._of(key)
        return filmed_us <= at_us < filmed_us + lasts_us

    def _before(self, filmed_us: int) -> str:
        return f"{self.name}/{filmed_us:0{DIGITS}d}"

    def _of(self, key: str) -> tuple[int, int, str]:
        """Return when a fragment was filmed, how long it lasts, and its name, as its key says."""
        try:
            filmed, lasts, message = key.removeprefix(f"{self.name}/").removesuffix(".m4s").split("-", 2)
            return int(filmed), int(lasts), message
        except ValueError:
            raise Damaged(f"{key!r} is no fragment of {self.name!r}: give the shelf a prefix of its own") from None
