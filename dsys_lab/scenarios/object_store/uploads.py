"""A night's file over a bad line: in one put, or in parts?

`upload` sends an object in pieces over a line that fails. In one put, a failure lets all begin anew; in parts, only the
part is sent again, and nothing is to be seen until all are there. Who gives up leaves parts behind, which are kept, and
paid, until a rule takes them away.

Sources: Amazon S3 User Guide, "Uploading and copying objects using multipart upload", read in November 2026; the laws
in `dsys_lab.laws.objects`.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import constant
from dsys_lab.stores.object_store import JournaledStore, Part, Upload
from dsys_lab.structures.disk import VolatileDisk

WAYS: Final = ("one put", "parts")
PHONE, KEPT, SEEN, READER = "phone", "bucket/parts", "bucket/objects", "reader"
PIECE: Final = b"p" * 100
KEY: Final = "night.parquet"


@scenario("{way}, each piece fails with {failure:g}")
def upload(
    sim: Simulation,
    *,
    way: str = "parts",
    pieces: int = 8,
    failure: float = 0.2,
    gives_up_after: int = 0,
    rule_after_s: float = 0.0,
    seconds: float = 20.0,
) -> Claims:
    """In parts, what came once need not come again, and nobody sees half of it.

    Of `pieces` pieces each fails with probability `failure`. A reader looks for the object every second. The phone
    gives up after `gives_up_after` pieces have come (0: never); `rule_after_s` seconds after the upload began a rule
    aborts it (0: there is none).
    """
    require_choice("way", way, WAYS)
    require_fraction(failure=failure)
    require_positive(pieces=pieces, seconds=seconds)
    require_not_negative(gives_up_after=gives_up_after, rule_after_s=rule_after_s)
    if failure == 1:
        raise BadParameter("failure = 1: nothing ever comes; give less than 1")
    bucket = BucketHost(sim, pieces)
    sim.network.delay, sim.network.loss_fraction = constant(0.25), failure
    phone = PhoneHost(sim, bucket, way=way, pieces=pieces, gives_up_after=gives_up_after)
    sim.spawn(_look(sim, bucket.store, seconds))
    if rule_after_s:
        sim.after(rule_after_s, bucket.apply_rule)
    sim.run(seconds)
    whole = bucket.store.get(KEY)
    sim.emit(
        "check", SEEN, name="whole or not at all", ok=whole is None or whole.data == PIECE * pieces,
        expected=len(PIECE) * pieces if phone.is_done else 0, got=0 if whole is None else len(whole.data),
    )  # fmt: skip
    return Claims({"conservation": {}, "checks hold": {}})


def _look(sim: Simulation, store: JournaledStore, seconds: float) -> Body:
    """Look every second whether the object is there."""
    while sim.now_s < seconds - 1:
        yield sim.sleep(1)
        found = store.head(KEY)
        sim.emit("look", READER, view="bucket", key=KEY, position=found.size_bytes if found else 0, behind_us=0)


class BucketHost(Machine):
    """The store; what it has of an upload that is open stands in one box, what can be read in another."""

    def __init__(self, simulation: Simulation, pieces: int) -> None:
        self.store = JournaledStore(VolatileDisk(), part_bytes_min=1)
        self.opened: Upload | None = None
        self.parts: dict[int, Part] = {}
        self.came: dict[str, int] = {}
        self._full = pieces * len(PIECE)
        super().__init__(simulation, KEPT)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Keep a piece: durable as a part, or only in memory while a put goes on."""
        self.came[message] = copy
        if self.opened is not None:
            number = body["number"]
            self.parts[number] = self.store.put_part(self.opened, number, PIECE, now_us=self.simulation.now_us)
            self.simulation.emit("archive", KEPT, message, copy=copy)
            self.tell()

    def tell(self) -> None:
        """Tell how many bytes are paid that nobody can read."""
        kept = self.store.status().part_bytes
        self.simulation.emit("gauge", KEPT, name="parts", value=kept, unit="bytes, no object", full=self._full)

    def show(self) -> None:
        """Let all pieces be seen at once."""
        for message, copy in self.came.items():
            self.simulation.emit("archive", SEEN, message, copy=copy)
        self.opened = None
        self.tell()

    def forget(self, why: str) -> None:
        """Let go of what came so far."""
        for message, copy in self.came.items():
            self.simulation.emit("gone", KEPT, message, why=why, copy=copy)
        self.came.clear()

    def apply_rule(self) -> None:
        """Abort what was begun and never completed."""
        for opened in self.store.uploads():
            self.store.abort(opened, now_us=self.simulation.now_us)
            self.opened = None
            self.forget("the rule aborts unfinished uploads")
            self.tell()


class PhoneHost(Machine):
    """Sends pieces one after the other, and again what did not come."""

    def __init__(
        self, simulation: Simulation, bucket: BucketHost, *, way: str, pieces: int, gives_up_after: int
    ) -> None:
        self.bucket, self.way, self.pieces, self.gives_up_after = bucket, way, pieces, gives_up_after
        self.is_done = False
        super().__init__(simulation, PHONE)

    def boot(self) -> None:
        """Begin."""
        self.spawn(self._in_parts() if self.way == "parts" else self._at_once())

    def _send(self, number: int) -> Body:
        """Send a piece, and wait until it came or must have been lost."""
        simulation, message = self.simulation, f"p{number}"
        copy = simulation.network.next_copy(message)
        simulation.emit("publish", PHONE, message, attempt=copy + 1, copy=copy)
        simulation.network.send(PHONE, KEPT, message, {"number": number, "size_bytes": len(PIECE)}, copy=copy)
        yield simulation.sleep(0.3)

    def _in_parts(self) -> Body:
        bucket, store = self.bucket, self.bucket.store
        bucket.opened = store.begin_upload(KEY, now_us=self.simulation.now_us)
        for number in range(1, self.pieces + 1):
            while number not in bucket.parts:
                yield from self._send(number)
            if number == self.gives_up_after:
                self.simulation.emit("abandon", PHONE, order=KEY, waited_us=self.simulation.now_us)
                return
        if bucket.opened is not None:
            store.complete(bucket.opened, list(bucket.parts.values()), now_us=self.simulation.now_us)
            bucket.show()
            self.is_done = True

    def _at_once(self) -> Body:
        bucket, number = self.bucket, 0
        while number < self.pieces:
            yield from self._send(number + 1)
            if f"p{number + 1}" in bucket.came:
                number += 1
            else:
                number = 0
                bucket.forget("the put broke off, and begins anew")
            if number and number == self.gives_up_after:
                bucket.forget("the phone gave up")
                self.simulation.emit("abandon", PHONE, order=KEY, waited_us=self.simulation.now_us)
                return
        bucket.store.put(KEY, PIECE * self.pieces, now_us=self.simulation.now_us)
        bucket.show()
        self.is_done = True
