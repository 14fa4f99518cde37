"""An object on nine drives in three zones: which of them may die?

`lost_drives` codes objects into shards and lets them fly to their drives; some drives die, and after a while there are
empty ones in their place, which are filled from those that are left.

Sources: the code and its sources in `dsys_lab.stores.object_store.erasure_code`; the law in `dsys_lab.laws.objects`.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import BadParameter, Damaged, Refused, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import uniform
from dsys_lab.stores.object_store import ErasureCode, JournaledStore, ShardedBlobs, every
from dsys_lab.stores.object_store.index import Piece
from dsys_lab.structures.disk import VolatileDisk

DRIVES: Final = 9
ZONES: Final = ("zone-a", "zone-b", "zone-c")
PHONE, REPAIR, ALIVE = "phone", "repair", "alive"
OBJECT: Final = b"the pings of a night, "


@scenario("{data} + {parity} shards, {dead} drives die")
def lost_drives(
    sim: Simulation,
    *,
    data: int = 5,
    parity: int = 4,
    objects: int = 3,
    dead: int = 2,
    whole_zone: bool = False,
    apart_s: float = 0.5,
    repair_after_s: float = 4.0,
) -> Claims:
    """Any k of the k + m shards bring an object back, so up to m drives may die before the repair is done.

    `dead` drives die one after the other, `apart_s` seconds apart, by luck, or with `whole_zone` those of zone a first.
    An empty drive stands in the place of each `repair_after_s` seconds after its death.
    """
    require_positive(objects=objects, apart_s=apart_s, repair_after_s=repair_after_s)
    require_not_negative(dead=dead)
    if data + parity > DRIVES or dead > DRIVES:
        raise BadParameter(f"{data} + {parity} shards, {dead} dead: there are {DRIVES} drives; give at most so many")
    site = _Site(sim, ErasureCode(data, parity))
    order = sorted(range(DRIVES), key=lambda drive: (whole_zone and drive % 3 != 0, site.luck()))

    def story() -> Body:
        for number in range(1, objects + 1):
            site.put(f"o{number}")
            yield sim.sleep(0.5)
        site.report()
        for number, drive in enumerate(order[:dead]):
            sim.after(1 + number * apart_s, site.hosts[drive].crash)
            sim.after(1 + number * apart_s + repair_after_s, site.hosts[drive].restart)

    sim.spawn(story())
    sim.run(objects * 0.5 + 3.0 + max(0, dead - 1) * apart_s + repair_after_s)
    readable = site.readable()
    sim.emit("check", PHONE, name="objects that can be read", ok=readable == objects, expected=objects, got=readable)
    return Claims({"conservation": {}, "checks hold": {}})


class _Site:
    """The store, its drives, and which shard of which object is shown where."""

    def __init__(self, simulation: Simulation, code: ErasureCode) -> None:
        self.simulation, self.luck = simulation, simulation.stream("drives")
        self.blobs = ShardedBlobs([VolatileDisk() for _ in range(DRIVES)], code, zones=ZONES)
        self.store = JournaledStore(VolatileDisk(), blobs=self.blobs)
        self.objects: dict[str, Piece] = {}
        self.hosts = [DriveHost(simulation, self, drive) for drive in range(DRIVES)]
        self.repair = RepairHost(simulation, code.data_shards)
        simulation.network.delay = uniform(0.3, 0.5)

    def put(self, name: str) -> None:
        """Put an object and let its shards fly."""
        simulation, before = self.simulation, set(self.blobs.stored())
        try:
            self.store.put(name, OBJECT * 5, now_us=simulation.now_us)
        except Refused as refused:
            simulation.emit("note", PHONE, text=str(refused))
            return
        blob = next(blob for blob in self.blobs.stored() if blob not in before)
        self.objects[name] = Piece(blob, len(OBJECT) * 5)
        for shard, home in enumerate(self.blobs.homes(blob)):
            simulation.emit("publish", PHONE, name, attempt=1, copy=shard)
            simulation.network.send(PHONE, self.hosts[home].name, name, {"type": f"shard {shard}"}, copy=shard)

    def report(self) -> None:
        """Let every drive tell the repair that it is alive: who is silent later is missed."""
        for drive, host in enumerate(self.hosts):
            self.simulation.emit("publish", host.name, ALIVE, attempt=1, copy=drive)
            self.simulation.network.send(host.name, REPAIR, ALIVE, {}, copy=drive)

    def refill(self, drive: int) -> None:
        """Bring back what belongs on a drive that is new: k survivors send what they have, the drive adds it up."""
        simulation, network = self.simulation, self.simulation.network
        for name, piece in self.objects.items():
            try:
                lost = self.blobs.lost(piece, now_us=simulation.now_us)
            except Damaged:
                text = f"{name} cannot be brought back: too few shards are left"
                simulation.emit("note", self.hosts[drive].name, text=text)
                continue
            self.blobs.restore(piece, lost, now_us=simulation.now_us)
            homes = self.blobs.homes(piece.blob)
            helpers = [self.hosts[home].name for shard, home in enumerate(homes) if shard not in lost]
            up = [helper for helper in helpers if simulation.machines[helper].up][: self.blobs.code.data_shards]
            for shard in lost:
                for helper in up:
                    copy = network.next_copy(name)
                    simulation.emit("copied", helper, name, copy=copy, of=shard)
                    network.send(helper, REPAIR, name, {"for": self.hosts[homes[shard]].name}, copy=copy)

    def readable(self) -> int:
        """Return how many objects can be read whole."""
        found = 0
        for facts in every(self.store):
            try:
                got = self.store.get(facts.key)
            except Damaged:
                continue
            found += got is not None and got.data == OBJECT * 5
        return found


class DriveHost(Machine):
    """A drive: what comes stays, until it dies."""

    def __init__(self, simulation: Simulation, site: _Site, drive: int) -> None:
        self.site, self.drive = site, drive
        self.shards: dict[tuple[str, int], None] = {}
        super().__init__(simulation, site.blobs.place_of(drive).removeprefix("bucket/"))

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Keep a shard."""
        self.shards[message, copy] = None
        self.simulation.emit("archive", self.name, message, copy=copy)

    def on_crash(self) -> None:
        """Take all that is on it along."""
        self.site.blobs.take_away(self.drive)
        for message, copy in self.shards:
            self.simulation.emit("drop", self.name, message, why="its drive is dead", copy=copy)
        self.shards.clear()

    def boot(self) -> None:
        """Be an empty drive in the place of a dead one."""
        if not self.site.blobs.drives[self.drive].is_up:
            self.site.blobs.bring_back(self.drive, VolatileDisk())
            self.site.refill(self.drive)


class RepairHost(Machine):
    """Adds up what k drives sent, and sends the shard that comes out of it to the drive that lacks it."""

    def __init__(self, simulation: Simulation, needed: int) -> None:
        self.needed = needed
        self._came: dict[tuple[str, str], int] = {}
        super().__init__(simulation, REPAIR)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Wait for k of them."""
        if message == ALIVE:
            self.simulation.emit("finish", REPAIR, message, attempt=1, copy=copy)
            return
        wanted = message, body["for"]
        self._came[wanted] = self._came.get(wanted, 0) + 1
        if self._came[wanted] < self.needed:
            self.simulation.emit("finish", REPAIR, message, attempt=1, copy=copy)
            return
        del self._came[wanted]
        self.simulation.network.send(REPAIR, body["for"], message, {"type": "shard"}, copy=copy)
