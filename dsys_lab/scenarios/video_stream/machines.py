"""A camera with a buffer, the archive to which it uploads, and somebody who watches.

The camera films a fragment and uploads those before it, one at a time, over a link that carries `link_x` seconds of
film in a second. A fragment whose answer does not come waits again. The archive is a `VideoStream` on a machine; a
viewer looks at its playlist every `LOOKS_EVERY_S` and fetches what is new. Each upload and each fetch is a copy of its
own, so that the books hold.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from dsys_lab.brokers.video_stream import DeviceBuffer, Duplicate, Fragment, Listed, VideoStream, Viewer
from dsys_lab.brokers.video_stream.stream import PLAYLIST
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.simulation import Body, Event, Machine, Simulation
from dsys_lab.simulation.chance import Distribution, constant
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import Scalar
from dsys_lab.workloads.film import Film

ANSWER_WITHIN_S: Final = 1.0
"""How much longer than the way a camera waits for an answer."""
ASKS_AGAIN_S: Final = 0.5
"""How often a camera without a link looks whether it is back."""
LOOKS_EVERY_S: Final = 0.1
GAUGED_EVERY_S: Final = 0.5
DELAY_US: Final = round(DELAY_S * 1e6)


class OfCopies:
    """A recorder that says of each row which copy of its message is meant: a system knows its messages only.

    Parameters
    ----------
    hides : str
        A place whose rows are left out: an archive's own log would draw each fragment a second time.
    """

    def __init__(self, simulation: Simulation, *, hides: str = "") -> None:
        self.simulation, self.hides = simulation, hides
        self.copies: dict[str, int] = {}

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Write the row."""
        if place == self.hides:
            return
        if message in self.copies:
            fields["copy"] = self.copies[message]
        self.simulation.recorder.emit(time_us, kind, place, message, **fields)


class Archive(Machine):
    """The machine of a video stream."""

    def __init__(self, simulation: Simulation, *, retention_s: float, name: str = "archive") -> None:
        super().__init__(simulation, name)
        self.device, self.retention_s = VolatileDisk(), retention_s
        self.recorder = OfCopies(simulation, hides=f"{name}/log")
        self.stream = self._open()
        self._deadlines = Deadlines(simulation, self._work_off)
        self._was_down = False

    def _open(self, told: int | None = None) -> VideoStream:
        return VideoStream(
            self.name, self.device, retention_s=self.retention_s, recorder=self.recorder, told=told,
            now_us=self.simulation.now_us,
        )  # fmt: skip

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take a fragment in, and say so."""
        kept = self.recorder.copies.get(message, copy)
        self.recorder.copies[message] = copy
        said = self.stream.put(self.simulation.now_us, body["fragment"])
        if isinstance(said, Duplicate):
            self.recorder.copies[message] = kept
        self.simulation.network.answer(self.name, source, message, {"type": type(said).__name__.lower()}, copy=copy)
        self._work_off()

    def _work_off(self) -> None:
        if self.up:
            self.stream.tick(self.simulation.now_us)
            self._deadlines.wait_for(self.stream.deadline_us())

    def on_crash(self) -> None:
        """Forget what a loss of power may forget."""
        self._was_down = True
        self.device.crash(self.simulation.stream(f"{self.name}/power"))

    def boot(self) -> None:
        """Go on with what the disk kept."""
        if self._was_down:
            self.stream = self._open(self.stream.told)
            self._work_off()


class Camera(Machine):
    """Films piece after piece, and uploads what is complete.

    Parameters
    ----------
    film : Film
        What it films, from the beginning of the run on.
    link_x : float
        How many seconds of film the link carries in a second.
    way : Distribution
        By what the time of an upload is multiplied.
    device_s, lets_go, sends
        Of its `DeviceBuffer`.
    """

    def __init__(
        self, simulation: Simulation, archive: Archive, film: Film, *, link_x: float, device_s: float,
        lets_go: str = "oldest", sends: str = "oldest", way: Distribution | None = None, name: str = "camera",
    ) -> None:  # fmt: skip
        super().__init__(simulation, name)
        self.archive, self.film = archive, film
        self.bytes_a_second, self.way = film.bytes_a_second * link_x, way or constant(1.0)
        self.recorder = OfCopies(simulation)
        self.device = DeviceBuffer(
            f"{name}/buffer", capacity_us=round(device_s * 1e6), lets_go=lets_go, sends=sends, recorder=self.recorder
        )
        self._answers: dict[str, Event] = {}
        self._out = ""
        self._filmed = simulation.event()

    @property
    def is_done(self) -> bool:
        """Whether all was filmed, and nothing waits."""
        return self.simulation.now_s >= self.film.lasts_s and not len(self.device) and not self._out

    def boot(self) -> None:
        """Film, and upload."""
        self.spawn(self._film())
        self.spawn(self._upload())

    def on_crash(self) -> None:
        """Name what was in memory; what is on its way may arrive."""
        now_us, why = self.simulation.now_us, "the buffer was in memory"
        for message in self.device.crash():
            if message != self._out:
                self.recorder.emit(now_us, "gone", self.device.place, message, why=why)
        for message in self.disk.pop("filming", []):
            self.recorder.emit(now_us, "gone", self.name, message, why="it was not complete")
        self._out = ""

    # ------------------------------------------------------------ film
    def _film(self) -> Body:
        simulation = self.simulation
        for number, piece in enumerate(self.film.pieces, 1):
            wait_s = piece.begins_s - simulation.now_s
            if wait_s < -1e-6:
                continue
            yield simulation.sleep(max(0.0, wait_s))
            message, lasts_us = f"f{number}", round(piece.lasts_s * 1e6)
            filmed_us = simulation.now_us + self.skew_us
            self.recorder.copies[message], self.disk["filming"] = simulation.network.next_copy(message), [message]
            simulation.emit("filming", self.name, message, filmed_us=filmed_us, duration_us=lasts_us)
            yield simulation.sleep(piece.lasts_s)
            self.disk["filming"] = []
            self.device.film(simulation.now_us, Fragment(message, filmed_us, lasts_us, piece.data))
            filmed, self._filmed = self._filmed, simulation.event()
            filmed.succeed()

    # ------------------------------------------------------------ upload
    def _upload(self) -> Body:
        simulation = self.simulation
        while True:
            if not len(self.device):
                yield self._filmed
            elif not self.archive.is_reached_by(self.name):
                yield simulation.sleep(ASKS_AGAIN_S)
            else:
                yield from self._try()

    def _try(self) -> Body:
        """Send the fragment whose turn it is, and hear whether it is kept."""
        simulation, network = self.simulation, self.simulation.network
        fragment = self.device.next(simulation.now_us)
        assert fragment is not None
        message, size_bytes = fragment.message, len(fragment.data)
        copy = self.recorder.copies[message]
        self._out = message
        way_s = size_bytes / self.bytes_a_second * self.way(simulation.stream("link"))
        network.link_delay[self.name, self.archive.name] = constant(way_s)
        answer = self._answers[message] = simulation.event()
        simulation.emit("start", self.name, message, attempt=copy + 1, copy=copy)
        body = {"fragment": fragment, "size_bytes": size_bytes, "type": "fragment"}
        network.send(self.name, self.archive.name, message, body, copy=copy)
        yield answer | simulation.sleep(way_s + ANSWER_WITHIN_S)
        self._out = ""
        del self._answers[message]
        if answer.triggered:
            simulation.emit("publish_ok", self.name, message, attempt=copy + 1, copy=copy)
            self.device.sent(simulation.now_us)
        else:
            self._take_back(message)

    def _take_back(self, message: str) -> None:
        """Let a fragment wait again, as a copy of its own."""
        simulation = self.simulation
        copy = self.recorder.copies[message] = simulation.network.next_copy(message)
        simulation.emit("publish", self.name, message, attempt=copy + 1, copy=copy)
        gone = self.device.failed(simulation.now_us, "no answer")
        if message not in gone:
            simulation.emit("enqueue", self.device.place, message, depth=len(self.device), copy=copy)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear that a fragment is kept."""
        waiting = self._answers.get(message)
        if waiting is not None and not waiting.triggered:
            waiting.succeed()


class Screen(Machine):
    """Somebody who watches live, from some moment on.

    Parameters
    ----------
    buffered : int
        Of its `Viewer`.
    joins_s : float
        When it begins to look.
    """

    def __init__(
        self, simulation: Simulation, archive: Archive, *, buffered: int, joins_s: float = 0.0, name: str = "viewer"
    ) -> None:
        super().__init__(simulation, name)
        self.archive, self.joins_s, self.place = archive, joins_s, f"{name}/buffer"
        self.recorder = OfCopies(simulation)
        self.buffered = buffered
        self._fetched: deque[Listed] = deque()
        self._known: set[str] = set()
        self._shown: Listed | None = None
        self.viewer = Viewer(name, buffered=buffered)

    def boot(self) -> None:
        """Begin to watch, with an empty screen."""
        self.viewer = Viewer(self.name, buffered=self.buffered, recorder=self)
        self._fetched.clear()
        self._known.clear()
        self.spawn(self._watch())

    def on_crash(self) -> None:
        """Forget what was fetched and not yet shown."""
        now_us = self.simulation.now_us
        is_playing = self.viewer.watching(now_us).state == "playing"
        held = [one.message for one in self._fetched]
        if is_playing and self._shown is not None:
            held.append(self._shown.message)
        for message in held:
            self.recorder.emit(now_us, "gone", self.name, message, why="the player was closed")
        self._shown = None

    @property
    def age_s(self) -> float | None:
        """How old the picture on the screen is, moving or not."""
        if self._shown is None:
            return None
        now_us = self.simulation.now_us
        playing = self.viewer.watching(now_us)
        return (now_us - self._shown.ends_us("camera") if playing.delay_us is None else playing.delay_us) / 1e6

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Write a row of the viewer, and see which fragment it shows."""
        if kind == "start":
            self._shown = self._fetched.popleft()
        self.recorder.emit(time_us, kind, place, message, **fields)

    def _watch(self) -> Body:
        simulation = self.simulation
        yield simulation.sleep(max(0.0, self.joins_s - simulation.now_s))
        while True:
            if self.archive.is_reached_by(self.name):
                playlist = self._playlist()
                fetched = [listed for listed in playlist if self._fetch(listed)]
                if fetched:
                    yield simulation.sleep(DELAY_S)
                    self._take_in(fetched)
                self.viewer.look(simulation.now_us, playlist)
            else:
                self.viewer.watching(simulation.now_us)
            yield simulation.sleep(LOOKS_EVERY_S)

    def _playlist(self) -> tuple[Listed, ...]:
        """Return the newest fragments; who joins wants no more of them than it needs to begin."""
        now_us, buffered = self.simulation.now_us, self.viewer.buffered
        joins = self.viewer.watching(now_us).state == "waiting"
        return self.archive.stream.playlist(now_us, count=buffered if joins else max(PLAYLIST, buffered))

    def _fetch(self, listed: Listed) -> bool:
        """Fetch a fragment that is later than all before, as a copy of its own; return whether it is one."""
        if listed.message in self._known:
            return False
        newest = self._fetched[-1] if self._fetched else self._shown
        self._known.add(listed.message)
        if newest is not None and listed.filmed_us <= newest.filmed_us:
            return False
        simulation, now_us = self.simulation, self.simulation.now_us
        self.archive.stream.read(now_us, listed.number, to=self.name)
        of = self.archive.recorder.copies[listed.message]
        copy = self.recorder.copies[listed.message] = simulation.network.next_copy(listed.message)
        told: dict[str, Scalar] = {"copy": copy, "of": of, "to": self.place, "arrive_us": now_us + DELAY_US}
        simulation.emit("replay", self.archive.name, listed.message, **told)
        self._fetched.append(listed)
        return True

    def _take_in(self, fetched: list[Listed]) -> None:
        """Lay what has come into the player's buffer."""
        waiting = len(self._fetched) - len(fetched)
        for depth, listed in enumerate(fetched, waiting + 1):
            now_us = self.simulation.now_us
            self.recorder.emit(now_us, "enqueue", self.place, listed.message, depth=depth, size_bytes=listed.size_bytes)


def gauge(simulation: Simulation, camera: Camera, screens: list[Screen]) -> Body:
    """Read off, now and then, what waits on the device and how old each viewer's picture is."""
    while True:
        waits_s, full_s = camera.device.waiting_us / 1e6, camera.device.capacity_us / 1e6
        told: dict[str, Scalar] = {"name": "waits on the device", "value": waits_s, "unit": "s"}
        simulation.emit("gauge", camera.device.place, **told, **({"full": full_s} if full_s else {}))
        for screen in screens:
            age_s = screen.age_s
            if age_s is not None:
                simulation.emit("gauge", screen.name, name="live delay", value=round(age_s, 2), unit="s")
        yield simulation.sleep(GAUGED_EVERY_S)
