"""The log is for ever. And a guest has the right to be forgotten.

To cut events out would leave gaps, and to change them would change what others have folded. So what is personal is
sealed *before* it is written, under a key that belongs to that one person, and the key lies elsewhere, where it can be
overwritten. To forget somebody is to throw the key away: *crypto-shredding*. The log stands, to the last byte; numbers
and positions are read as before; the name is noise in all copies of the log, the old backups too. ::

    log        BedBooked {"bed":3,"guest":"g17","first":"sealed:k0Xv…","last":"sealed:9aQ2…","cents":9000}
    key ring   g17: 32 bytes        forget("g17")  -->  g17: zeros

What is *not* sealed is not forgotten: `guest` is a pseudonym, and may point to a person together with other data. A
projection keeps on its disk what was sealed, and nothing else (see `following`): opened anew, it has the name no more.
What stands in its memory until then, and what somebody made of the name elsewhere, the key does not reach.

The ring lies in a file of its own, *not* in a log, for a log keeps what it was given. A slot is 128 bytes, so it never
lies across two sectors, and a crash leaves the old slot or the new one::

    +--------+-------+------------------+----------------+---------+
    | crc32  | state | name, 0-padded   | key            | zeros   |
    +--------+-------+------------------+----------------+---------+
     u32      u8      64                 32               27          state 1: in use, 0: forgotten (the key is zeros)

The ring promises
-----------------
1. A key is durable before anything is sealed under it.
2. When `forget` has returned, no crash brings the key back. What was sealed under it opens as `FORGOTTEN`; every other
   key is still there. A slot that is damaged, or zeros before one that is not, is `Damaged`, and nothing is cut off.
3. A person who was forgotten gets no new key by accident: sealing for them is refused.

Sealed by AES-256-GCM of the `cryptography` library, a nonce of 12 random bytes each; who moves a sealed text to another
person or field cannot open it there.

Left out: copies of the ring itself (a backup of the ring brings keys back: keep it short); what a device keeps of
overwritten sectors (where that matters the ring is sealed in turn, by a key service or a card); zeros over the last
slots, which look like keys that were never durable.

Source: "crypto-shredding" after NIST SP 800-88 Rev. 2, 2025 (*cryptographic erase*).
"""

from __future__ import annotations

import struct
import zlib
from base64 import b85decode, b85encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.structures.disk import Disk, OrGiveUp

FORGOTTEN: Final = "(forgotten)"
SLOT_BYTES: Final = 128
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
NAME_BYTES_MAX: Final = 64
_SLOT: Final = struct.Struct(f">IB{NAME_BYTES_MAX}s{KEY_BYTES}s{SLOT_BYTES - 5 - NAME_BYTES_MAX - KEY_BYTES}x")
_FILE: Final = "keys"
_NO_KEY: Final = bytes(KEY_BYTES)


@dataclass(frozen=True, slots=True)
class KeyRingStatus:
    """How many people have a key, and how many were forgotten."""

    in_use: int
    forgotten: int


class KeyRing:
    """A key for each person, which can be thrown away.

    Parameters
    ----------
    disk : Disk
        Where its file is.
    draw : callable
        `(size_bytes)` -> so many random bytes; in life `secrets.token_bytes`.

    Examples
    --------
    >>> import secrets
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> ring = KeyRing(VolatileDisk(), secrets.token_bytes)
    >>> sealed = ring.seal("g17", "first", "Ada")
    >>> ring.open("g17", "first", sealed)
    'Ada'
    >>> ring.forget("g17")
    >>> ring.open("g17", "first", sealed)
    '(forgotten)'
    """

    def __init__(self, disk: Disk, draw: Callable[[int], bytes]) -> None:
        self._disk, self._draw = disk, draw
        self._keys: dict[str, bytes] = {}
        self._slots: dict[str, int] = {}
        self._broken = False
        if _FILE not in disk.names():
            disk.append(_FILE, b"")
            disk.sync_names()
        content = disk.read(_FILE)
        content = content[: len(content) // SLOT_BYTES * SLOT_BYTES].rstrip(b"\0")  # at the end: never durable
        slots = -(-len(content) // SLOT_BYTES)
        content = content.ljust(slots * SLOT_BYTES, b"\0")
        for slot in range(slots):
            self._read(slot, content[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES])
        disk.cut(_FILE, slots * SLOT_BYTES)
        disk.sync(_FILE)

    def _read(self, slot: int, data: bytes) -> None:
        crc, state, name, key = _SLOT.unpack(data)
        if zlib.crc32(data[4:]) != crc:
            raise Damaged(
                f"{_FILE}, byte {slot * SLOT_BYTES}: slot {slot} is not what was written. Nothing was cut off: put "
                f"these {SLOT_BYTES} bytes back from a copy of the ring, and forget again whoever was forgotten since"
            )
        person = name.rstrip(b"\0").decode()
        self._slots[person] = slot
        self._keys[person] = key if state else _NO_KEY

    # ------------------------------------------------------------ sealing
    def seal(self, about: str, field: str, text: str) -> str:
        """Return a text that only this person's key opens, for this field; the key is made if there is none.

        Raises
        ------
        Refused
            If the person was forgotten.
        """
        self._require_working()
        if about not in self._keys:
            self._write(about, len(self._slots), self._drawn(KEY_BYTES))
        if self.is_forgotten(about):
            raise Refused(f"{about} was forgotten, and nothing is sealed for them any more: give them a new name")
        nonce = self._drawn(NONCE_BYTES)
        sealed = AESGCM(self._keys[about]).encrypt(nonce, text.encode(), _bound(about, field))
        return b85encode(nonce + sealed).decode()

    def open(self, about: str, field: str, sealed: str) -> str:
        """Return what was sealed, or `FORGOTTEN`.

        Raises
        ------
        Damaged
            If it is not what was sealed for this person and field.
        Refused
            If there never was a key.
        """
        if about not in self._keys:
            raise Refused(f"there is no key of {about}, and none was thrown away: is this the right ring?")
        if self.is_forgotten(about):
            return FORGOTTEN
        try:
            data, cipher = b85decode(sealed), AESGCM(self._keys[about])
            return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _bound(about, field)).decode()
        except (InvalidTag, ValueError) as error:
            raise Damaged(f"{field} of {about}: {sealed[:20]!r} is not what was sealed there") from error

    def is_forgotten(self, about: str) -> bool:
        """Whether this person's key was thrown away."""
        return self._keys.get(about) == _NO_KEY

    # ------------------------------------------------------------ forgetting
    def forget(self, about: str) -> None:
        """Throw a person's key away, for good.

        Raises
        ------
        BadParameter
            If there is no such person.
        MayHaveHappened
            If the disk failed.
        """
        if about not in self._slots:
            raise BadParameter(f"{about!r} has no key here: give one of the {len(self._slots)} people who have")
        self._write(about, self._slots[about], _NO_KEY)

    def _write(self, person: str, slot: int, key: bytes) -> None:
        name = person.encode()
        if not 0 < len(name) <= NAME_BYTES_MAX or b"\0" in name:
            raise BadParameter(f"{person!r}: give a name of 1 to {NAME_BYTES_MAX} bytes without zeros")
        self._require_working()
        data = _SLOT.pack(0, int(key != _NO_KEY), name, key)
        with OrGiveUp(self._give_up, f"the key of {person}", "open the ring anew to see"):
            self._disk.write(_FILE, slot * SLOT_BYTES, struct.pack(">I", zlib.crc32(data[4:])) + data[4:])
            self._disk.sync(_FILE)
        self._slots[person], self._keys[person] = slot, key

    def _drawn(self, size_bytes: int) -> bytes:
        if len(drawn := self._draw(size_bytes)) != size_bytes:
            raise BadParameter(f"draw({size_bytes}) gave {len(drawn)} bytes: give as many as are asked for")
        return drawn

    def _require_working(self) -> None:
        if self._broken:
            raise Refused("the ring seals and writes nothing more, for its disk failed: open it anew")

    def _give_up(self) -> None:
        self._broken = True

    def status(self) -> KeyRingStatus:
        """Return how many people have a key, and how many were forgotten."""
        forgotten = sum(map(self.is_forgotten, self._keys))
        return KeyRingStatus(len(self._keys) - forgotten, forgotten)


def _bound(about: str, field: str) -> bytes:
    """Return what a sealed text is bound to."""
    return f"{about}/{field}".encode()
