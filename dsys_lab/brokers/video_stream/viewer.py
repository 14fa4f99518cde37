"""Who plays a live picture, and what happens when nothing is there to play.

A viewer takes fragments from the playlist in the order in which they were filmed. It begins when `buffered` of them are
there; it plays each for as long as it lasts; when the next one is missing it stands still (a *stall*) until it comes.
Every stall is never made up for: from then on the picture is older by as much. `skips_to_live` jumps to the newest
fragment instead, and misses what lies between.

The delay that a viewer sees is the age of the picture on its screen, by the camera's clock: a fragment's length, for it
had to be complete; the way; and what is buffered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsys_lab.brokers.video_stream.fragments import Listed
from dsys_lab.errors import Misuse, require_positive
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class Watching:
    """What a viewer has seen.

    Attributes
    ----------
    state : str
        "waiting" for its first pictures, "playing", or "stalled".
    delay_us : int or None
        How old the picture on the screen is.
    stalls, stalled_us, played, skipped : int
        How often and how long it stood still; fragments.
    """

    state: str
    delay_us: int | None
    stalls: int
    stalled_us: int
    played: int
    skipped: int


class Viewer:
    """A player with a small buffer.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    buffered : int
        How many fragments must be there before it begins, and after a stall.
    skips_to_live : bool
        Whether it jumps to the newest fragments after a stall.
    recorder : Recorder

    Examples
    --------
    >>> viewer = Viewer("screen", buffered=1)
    >>> viewer.look(3, [Listed(0, "f0", 0, 3, 2, 10, True)])
    >>> viewer.watching(4).state, viewer.watching(4).delay_us, viewer.watching(6).state
    ('playing', 3, 'stalled')
    """

    def __init__(
        self, place: str, *, buffered: int, skips_to_live: bool = False, recorder: Recorder = NO_TRACE
    ) -> None:
        require_positive(buffered=buffered)
        self.place, self.buffered, self.skips_to_live, self.recorder = place, buffered, skips_to_live, recorder
        self._buffer: list[Listed] = []
        self._playing: Listed | None = None
        self._began_us = 0
        self._dry_since_us: int | None = None
        self._seen_us = -1  # the camera's time up to which it has played or taken in
        self._now_us = self._stalls = self._stalled_us = self._played = self._skipped = 0

    def look(self, now_us: int, playlist: Sequence[Listed]) -> None:
        """Take in what is new in a playlist, and play on."""
        self._reach(now_us)
        for listed in playlist:
            if listed.filmed_us > self._seen_us:
                self._buffer.append(listed)
                self._seen_us = listed.filmed_us
        if self._playing is None and len(self._buffer) >= self.buffered:
            self._begin(now_us)

    def _begin(self, now_us: int) -> None:
        """Play the first fragment of the buffer from this time on."""
        if self._dry_since_us is not None:
            self._stalled_us += now_us - self._dry_since_us
            self._dry_since_us = None
            if self.skips_to_live:
                self._skipped += len(self._buffer) - self.buffered
                del self._buffer[: -self.buffered]
            self.recorder.emit(self._now_us, "unblock", self.place, waited_us=self._stalled_us)
        self._playing, self._began_us = self._buffer.pop(0), now_us
        delay_us, message = now_us - self._playing.filmed_us, self._playing.message
        self.recorder.emit(self._now_us, "start", self.place, message, attempt=1, delay_us=delay_us)

    def _reach(self, now_us: int) -> None:
        """Play up to now: fragment after fragment, until the buffer is empty."""
        if now_us < self._now_us:
            raise Misuse(f"now_us = {now_us} runs back behind {self._now_us}: ask in order of time")
        self._now_us = now_us
        while self._playing is not None and self._began_us + self._playing.duration_us <= now_us:
            over_us = self._began_us + self._playing.duration_us
            self.recorder.emit(now_us, "finish", self.place, self._playing.message, attempt=1)
            self._playing, self._played = None, self._played + 1
            if self._buffer:
                self._begin(over_us)
            else:
                self._dry_since_us, self._stalls = over_us, self._stalls + 1
                self.recorder.emit(now_us, "block", self.place, depth=0)

    def deadline_us(self) -> int | None:
        """Return when the fragment on the screen is over."""
        return None if self._playing is None else self._began_us + self._playing.duration_us

    def watching(self, now_us: int) -> Watching:
        """Return what it sees now, and has seen."""
        self._reach(now_us)
        state = "playing" if self._playing else "waiting" if self._dry_since_us is None else "stalled"
        delay_us = None if self._playing is None else self._began_us - self._playing.filmed_us
        stalled_us = self._stalled_us + (0 if self._dry_since_us is None else now_us - self._dry_since_us)
        return Watching(state, delay_us, self._stalls, stalled_us, self._played, self._skipped)
