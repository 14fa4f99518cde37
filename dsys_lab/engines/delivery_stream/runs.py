"""The same story told to both: three pings, one at a time, and then a call with five."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Final

from dsys_lab.brokers.delivery_stream import Settings
from dsys_lab.engines.aws.delivery_stream import FirehoseStream
from dsys_lab.engines.delivery_stream.model import BufferOnTheClock
from dsys_lab.engines.delivery_stream.verbs import Deliverer
from dsys_lab.engines.lakehouse.folder import FolderStore

PINGS: Final = tuple(f'{{"ping": {number}}}\n'.encode() for number in range(8))
MIB: Final = 1 << 20
ONE_SECOND: Final = Settings(size_bytes=MIB, interval_s=1.0, prefix="night/")


def told(stream: Deliverer) -> None:
    """Put three pings one by one, then five at once."""
    for data in PINGS[:3]:
        stream.put(data)
    stream.put_many(PINGS[3:])


def both() -> dict[str, dict[str, bytes]]:
    """Return the objects that the story makes of the model in real time, and of Firehose's interface on moto."""
    with TemporaryDirectory() as folder:
        model = BufferOnTheClock(FolderStore(folder), ONE_SECOND)
        with model:
            told(model)
        made = {"the model": model.objects()}
    with FirehoseStream(Settings(size_bytes=MIB, interval_s=1.0, prefix="night/")) as stream:
        told(stream)
        made["Firehose's interface on moto"] = stream.objects()
    return made


def who_buffers(made: dict[str, dict[str, bytes]]) -> str:
    """Say which of the two put several calls into one object."""
    names = [name for name, objects in made.items() if len(objects) == 1]
    return "both" if len(names) == len(made) else names[0] if names else "neither"


def pings_of_objects(made: dict[str, dict[str, bytes]]) -> dict[str, float]:
    """Return how many pings stand in each object: whose it is and which -> pings."""
    return {
        f"{name}, object {number}": float(data.count(b"\n"))
        for name, objects in made.items()
        for number, data in enumerate(sorted(objects.values(), key=len), 1)  # moto's keys are all of one second
    }
