"""The verbs of a video stream: put a fragment, find a moment, read it, list what is missing.

Fragments lie in an append-only log in the order in which they came; in memory are two orders of them, by the camera's
clock and by the stream's own. Without retention there is no log: fragments stay in memory for five minutes, or 200 MB.
"""

from __future__ import annotations

import struct
from bisect import bisect_right, insort
from typing import Final

from dsys_lab.brokers.video_stream.fragments import Buffered, Duplicate, Fragment, Gap, Listed, Persisted, Status, gaps
from dsys_lab.errors import BadParameter, Damaged, Misuse, Refused, require_choice, require_not_negative
from dsys_lab.facts import fact
from dsys_lab.structures import EVERY_RECORD, AppendLog, Disk
from dsys_lab.structures.append_log import At, whole_frame
from dsys_lab.trace import NO_TRACE, Recorder

CLOCKS: Final = ("camera", "stream")
BUFFER_US: Final = int(fact("video_buffer").value * 1e6)
BUFFER_BYTES: Final = int(fact("video_buffer_bytes").value)
PLAYLIST: Final = int(fact("video_playlist").value)
_HEAD: Final = struct.Struct(">QQI?H")


class VideoStream:
    """Fragments by time.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    disk : Disk
        Where its log is. If there is one already, this is it.
    retention_s : float
        How long a fragment is kept, from when it came; 0: in memory only, and not for long.
    segment_bytes : int
        How large a segment of the log becomes; whole segments are taken away.
    recorder : Recorder
        Where its rows go.
    told : int, optional
        Fragments from this number on were durable when the power went, but not told: they are told now. Who watches a
        crash from outside passes on the `told` of the stream that died.
    now_us : int
        When it is opened.

    Raises
    ------
    Damaged
        If a fragment that was durable is broken or missing.

    Examples
    --------
    >>> from dsys_lab.structures import VolatileDisk
    >>> disk = VolatileDisk()
    >>> stream = VideoStream("bedroom", disk, retention_s=3_600)
    >>> stream.put(2_100_000, Fragment("f0", 0, 2_000_000, b"pictures"))
    Persisted(message='f0', number=0)
    >>> disk.crash(chance=lambda: 0.9)                  # the power goes
    >>> stream = VideoStream("bedroom", disk, retention_s=3_600, now_us=3_000_000)
    >>> stream.moment(3_000_000, 1_500_000).message, stream.gaps(3_000_000, 0, 3_000_000)
    ('f0', (Gap(start_us=2000000, end_us=3000000),))
    """

    def __init__(
        self,
        place: str,
        disk: Disk,
        *,
        retention_s: float = fact("video_retention_default").value,
        segment_bytes: int = 1 << 20,
        recorder: Recorder = NO_TRACE,
        told: int | None = None,
        now_us: int = 0,
    ) -> None:
        require_not_negative(retention_s=retention_s)
        self.place, self.retention_s, self.recorder = place, retention_s, recorder
        self._now_us, self._put, self._repeated, self._expired = now_us, 0, 0, 0
        self._by_number: dict[int, Listed] = {}
        self._by_camera: list[tuple[int, int]] = []  # when filmed, number
        self._numbers: dict[str, int] = {}
        self._where: dict[int, At | bytes] = {}
        self._longest_us = 0
        self._log = AppendLog(
            disk, fsync=EVERY_RECORD, segment_bytes=segment_bytes, place=f"{place}/log", recorder=recorder,
            now_us=now_us,
        )  # fmt: skip
        self.told = self._log.next_lsn if told is None else told
        for (number, payload), at in self._log.located():
            self._keep(number, *self._read_back(number, payload), at)
        self._expire()

    # ------------------------------------------------------------ write path
    def put(self, now_us: int, fragment: Fragment) -> Persisted | Buffered | Duplicate:
        """Take a fragment that is complete.

        Raises
        ------
        MayHaveHappened
            If the disk failed: put it again, it will be there once.
        """
        self._reach(now_us)
        known = self._numbers.get(fragment.message)
        if known is not None:
            self._repeated += 1
            self.recorder.emit(now_us, "duplicate", self.place, fragment.message, of=fragment.message)
            return Duplicate(fragment.message, known)
        number, at = self._written(now_us, fragment)
        self._keep(number, now_us, fragment, at)
        self._put += 1
        self._expire()
        return Persisted(fragment.message, number) if self.retention_s else Buffered(fragment.message, number)

    def _read_back(self, number: int, payload: bytes) -> tuple[int, Fragment]:
        try:
            return _decoded(payload)
        except (struct.error, UnicodeDecodeError, BadParameter) as error:
            told = f"{self._log.place}, record {number}: {error}"
            raise Damaged(f"{told}; this is no log of a video stream, open the right one") from error

    def _written(self, now_us: int, fragment: Fragment) -> tuple[int, At | bytes]:
        """Make a fragment durable, or remember it; return its number and where it lies."""
        if not self.retention_s:
            return self._log.next_lsn + self._put, fragment.data
        with self._log.or_break(f"fragment {fragment.message}"):
            number = self._log.append(now_us, _encoded(now_us, fragment))
        assert self._log.last_at is not None
        return number, self._log.last_at

    def _keep(self, number: int, came_us: int, fragment: Fragment, at: At | bytes) -> None:
        size_bytes, duration_us = len(fragment.data), fragment.duration_us
        listed = Listed(
            number, fragment.message, fragment.filmed_us, came_us, duration_us, size_bytes, fragment.key
        )
        self._longest_us = max(self._longest_us, duration_us)
        self._by_number[number], self._where[number], self._numbers[fragment.message] = listed, at, number
        insort(self._by_camera, (fragment.filmed_us, number))
        if number >= self.told:
            self.recorder.emit(
                max(came_us, self._now_us), "append", self.place, fragment.message, shard=self.place, offset=number,
                key="key frame" if fragment.key else "no key frame", size_bytes=size_bytes,
                filmed_us=fragment.filmed_us, duration_us=duration_us,
            )  # fmt: skip
            self.told = number + 1

    # ------------------------------------------------------------ read path
    def fragments(self, now_us: int, start_us: int, end_us: int, *, by: str = "camera") -> tuple[Listed, ...]:
        """Return the fragments that begin in an interval of time, in its order.

        Parameters
        ----------
        by : str
            Whose clock is meant: "camera" or "stream".
        """
        require_choice("by", by, CLOCKS)
        if start_us > end_us:
            raise BadParameter(f"start_us = {start_us}, end_us = {end_us}: give them in order")
        self._reach(now_us)
        found = [listed for listed in self._by_number.values() if start_us <= listed.begins_us(by) < end_us]
        return tuple(sorted(found, key=lambda listed: (listed.begins_us(by), listed.number)))

    def moment(self, now_us: int, at_us: int, *, by: str = "camera") -> Listed | None:
        """Return the fragment in which a moment can be seen, the latest to begin; None if there is none."""
        require_choice("by", by, CLOCKS)
        self._reach(now_us)
        near = self._by_number.values() if by == "stream" else self._filmed_near(at_us)
        shown = [one for one in near if one.key and one.begins_us(by) <= at_us < one.ends_us(by)]
        return max(shown, key=lambda one: (one.begins_us(by), one.number), default=None)

    def _filmed_near(self, at_us: int) -> list[Listed]:
        """Return the fragments that begin so shortly before a moment that it may be in them."""
        first = bisect_right(self._by_camera, (at_us - self._longest_us, -1))
        end = bisect_right(self._by_camera, (at_us, self._log.next_lsn + self._put))
        return [self._by_number[number] for _, number in self._by_camera[first:end]]

    def playlist(self, now_us: int, *, count: int = PLAYLIST) -> tuple[Listed, ...]:
        """Return the newest fragments that can be played, in the order in which they were filmed: what is live."""
        if count < 1:
            raise BadParameter(f"count = {count!r}: give 1 fragment or more")
        self._reach(now_us)
        playable = [number for _, number in self._by_camera if self._by_number[number].key]
        return tuple(self._by_number[number] for number in playable[-count:])

    def read(self, now_us: int, number: int, *, to: str = "viewer") -> Fragment:
        """Return a fragment with its pictures.

        Raises
        ------
        Refused
            If there is none under this number (any more).
        Damaged
            If it is not what was written.
        """
        self._reach(now_us)
        listed = self._by_number.get(number)
        if listed is None:
            raise Refused(f"fragment {number} is not here: it is too old, or never came; list what is there")
        where = self._where[number]
        data = where if isinstance(where, bytes) else self._fetched(number, where)
        self.recorder.emit(
            now_us, "read", to, listed.message, shard=self.place, first=number, count=1,
            behind_us=now_us - listed.filmed_us, arrive_us=now_us,
        )  # fmt: skip
        return Fragment(listed.message, listed.filmed_us, listed.duration_us, data, listed.key)

    def _fetched(self, number: int, at: At) -> bytes:
        frame = whole_frame(self._log.disk.read(at.file, at.offset, at.size_bytes), 0, number)
        if frame is None:
            raise Damaged(f"{at.file}, byte {at.offset}: fragment {number} is not what was written")
        return _decoded(frame.payload)[1].data

    def gaps(self, now_us: int, start_us: int, end_us: int) -> tuple[Gap, ...]:
        """Return what of an interval of the camera's time cannot be played."""
        if start_us > end_us:
            raise BadParameter(f"start_us = {start_us}, end_us = {end_us}: give them in order")
        self._reach(now_us)
        playable = [listed for listed in self._by_number.values() if listed.key]
        return gaps(((one.filmed_us, one.filmed_us + one.duration_us) for one in playable), start_us, end_us)

    # ------------------------------------------------------------ upkeep
    @property
    def now_us(self) -> int:
        """The latest time that it was told."""
        return self._now_us

    def tick(self, now_us: int) -> None:
        """Let go of what is too old."""
        self._reach(now_us)

    def deadline_us(self) -> int | None:
        """Return when `tick` is next needed."""
        oldest = next(iter(self._by_number.values()), None)
        return None if oldest is None else oldest.came_us + self._keeps_us

    @property
    def _keeps_us(self) -> int:
        return round(self.retention_s * 1e6) or BUFFER_US

    def _reach(self, now_us: int) -> None:
        if now_us < self._now_us:
            raise Misuse(f"now_us = {now_us} runs back behind {self._now_us}: ask in order of time")
        self._now_us = now_us
        self._expire()

    def _expire(self) -> None:
        """Let go of the oldest to come, while it is too old, or is too much to remember."""
        while self._by_number:
            number, oldest = next(iter(self._by_number.items()))
            too_much = not self.retention_s and self._bytes() > BUFFER_BYTES
            if oldest.came_us + self._keeps_us > self._now_us and not too_much:
                break
            del self._by_number[number], self._where[number], self._numbers[oldest.message]
            self._by_camera.remove((oldest.filmed_us, number))
            self._expired += 1
            age_us = self._now_us - oldest.came_us
            self.recorder.emit(self._now_us, "expire", self.place, oldest.message, age_us=age_us)
        if self.retention_s:
            self._log.drop_before(next(iter(self._by_number), self._log.next_lsn))

    def _bytes(self) -> int:
        return sum(listed.size_bytes for listed in self._by_number.values())

    def status(self) -> Status:
        """Return what is there, and the books."""
        listed = self._by_number.values()
        oldest = self._by_camera[0][0] if self._by_camera else None
        newest = max((one.filmed_us + one.duration_us for one in listed), default=None)
        return Status(len(listed), self._bytes(), oldest, newest, self._put, self._repeated, self._expired)


def _encoded(came_us: int, fragment: Fragment) -> bytes:
    message = fragment.message.encode()
    head = _HEAD.pack(came_us, fragment.filmed_us, fragment.duration_us, fragment.key, len(message))
    return b"".join((head, message, fragment.data))


def _decoded(payload: bytes) -> tuple[int, Fragment]:
    came_us, filmed_us, duration_us, key, length = _HEAD.unpack_from(payload)
    end = _HEAD.size + length
    return came_us, Fragment(payload[_HEAD.size : end].decode(), filmed_us, duration_us, payload[end:], key)
