"""What do bytes cost? So much for each access, and so much for each byte: `t = accesses * t0 + bytes / bandwidth`.

A store counts what it reads and writes and knows no latency; a device puts a price on it. `Priced` stands between a
store and a recorder and stamps every row with the moment at which the device has done what came before it, so that a
picture of the run goes at the device's pace.

==========  ==============  ===================
device      first byte      bandwidth
==========  ==============  ===================
`hdd`       8 ms            150 MB/s
`nvme`      80 us           3 GB/s
`network`   250 us          1.25 GB/s, in one availability zone
`s3`        30 ms           90 MB/s, one connection
==========  ==============  ===================

A page that lies right behind the one before it, in the same file, is no access of its own: devices and systems read
ahead. The figures are round and a model; what they are for is their ratio.

Left out: queues in the device, several requests at once, erasing, caches of the device.

Sources: Gray and Putzolu, "The 5 minute rule", SIGMOD 1987, for the form; Dean and Barroso, "Numbers everyone should
know", for the orders of magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import require_choice
from dsys_lab.trace import Recorder, Scalar


@dataclass(frozen=True, slots=True)
class Device:
    """Where bytes come from: microseconds to the first, and bytes a microsecond from then on."""

    access_us: float
    bytes_a_us: float

    def cost_us(self, size_bytes: float, *, accesses: int = 1) -> float:
        """Return what it takes to read or write so much."""
        return accesses * self.access_us + size_bytes / self.bytes_a_us


DEVICES: Final = {
    "hdd": Device(8_000, 150),
    "nvme": Device(80, 3_000),
    "network": Device(250, 1_250),
    "s3": Device(30_000, 90),
}
"""Presets by name."""


def device(name: str) -> Device:
    """Return a preset.

    Raises
    ------
    BadParameter
        If there is none of this name.
    """
    require_choice("device", name, tuple(DEVICES))
    return DEVICES[name]


class Priced:
    """A recorder that puts a price on every page that a device moves, and passes all rows on.

    Parameters
    ----------
    recorder : Recorder
    device : Device

    Attributes
    ----------
    now_us : float
        When the device has done all that it was asked for; without `stamps` whoever sets it may read off a cost.
    stamps : bool
        Whether rows are passed on with that time; else with their own.

    Examples
    --------
    >>> from dsys_lab.trace import Trace
    >>> trace = Trace()
    >>> priced = Priced(trace, DEVICES["hdd"])
    >>> for page in (7, 8):
    ...     priced.emit(0, "page_read", "t", file="heap", page=page, size_bytes=8192, used_bytes=64, source="disk")
    >>> [row.time_us for row in trace]
    [8055, 8109]
    """

    def __init__(self, recorder: Recorder, device: Device, *, stamps: bool = True) -> None:
        self.recorder, self.device, self.stamps = recorder, device, stamps
        self.now_us = 0.0
        self._next: tuple[Scalar, Scalar] = ("", -1)

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Price the row and pass it on."""
        if self.stamps:
            self.now_us = max(self.now_us, time_us)
        if kind == "page_write" or (kind == "page_read" and fields["source"] == "disk"):
            file, page, size_bytes = fields["file"], fields["page"], fields["size_bytes"]
            assert isinstance(page, int) and isinstance(size_bytes, int), "pages have numbers and sizes"  # noqa: PT018
            self.now_us += self.device.cost_us(size_bytes, accesses=int(self._next != (file, page)))
            self._next = (file, page + 1)
        self.recorder.emit(round(self.now_us) if self.stamps else time_us, kind, place, message, **fields)
