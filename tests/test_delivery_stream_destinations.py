"""A destination that is down, raises, or whose answer is lost loses nothing, and the stream says what it holds."""

from __future__ import annotations

import contextlib
import json
import random

import pytest

from dsys_lab.brokers.delivery_stream import (
    DeliveryStream,
    Endpoint,
    Entry,
    Failed,
    RequestBody,
    Settings,
    carry,
    records_of,
)
from dsys_lab.brokers.delivery_stream.endpoint import call_id
from dsys_lab.brokers.web_hook import Settings as DoorSettings
from dsys_lab.brokers.web_hook import WebHookDoor, secret_of
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened, Refused
from dsys_lab.structures import PowerCut, VolatileDisk

S = 1_000_000
SECRET = secret_of(bytes(24))


class Shelf:
    """A destination that raises what it is told to, before or after it has taken an object."""

    def __init__(self, *troubles, after=False):
        self.troubles, self.after, self.objects = list(troubles), after, {}

    def put(self, key, data, /):
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is None or self.after:
            self.objects[key] = data
        if trouble is not None:
            raise trouble


def stream_of(disk=None, **given):
    settings = {"size_bytes": 2, "interval_s": 60, "pause_s": 10, "limits": None, **given}
    return DeliveryStream("pings", disk or VolatileDisk(), Settings(**settings), form=RequestBody())


def put(stream, now_us, *data):
    stream.put_many(now_us, [Entry(one.decode(), one) for one in data])


@pytest.mark.parametrize("trouble", [
    Refused("503"), EngineMissing("nobody"), MayHaveHappened("no answer"), OSError("no room"), KeyError("a slip"),
], ids=lambda error: type(error).__name__)  # fmt: skip
@pytest.mark.parametrize("after", [False, True], ids=["not taken", "taken, and not said"])
def test_whatever_a_destination_raises_the_crate_is_held_and_comes_again(trouble, after) -> None:
    shelf, stream = Shelf(trouble, after=after), stream_of(names="crate")
    put(stream, 0, b"aa", b"bb")
    assert [records_of(one.data) for one in carry(stream, 0, {"destination": shelf})] == [[b"bb"]]
    books = stream.status()
    assert (books.held, books.held_bytes, books.oldest_us, books.delivered) == (1, 2, 0, 1)
    carry(stream, 10 * S, {"destination": shelf})
    assert sorted(record for data in shelf.objects.values() for record in records_of(data)) == [b"aa", b"bb"]
    assert stream.status().held == 0


def test_what_is_set_aside_waits_for_a_backup_that_is_not_there() -> None:
    shelf = Shelf()
    stream = DeliveryStream("pings", VolatileDisk(), Settings(size_bytes=1, limits=None),
                            transform=lambda given: {one.number: Failed("bad") for one in given})  # fmt: skip
    put(stream, 0, b"aa")
    assert carry(stream, 0, {"destination": shelf}) == []
    assert (stream.status().held, shelf.objects) == (1, {})
    [aside] = carry(stream, 10 * S, {"destination": shelf, "backup": shelf})
    assert json.loads(aside.data)["errorMessage"] == "bad"


def door_of(**given):
    return WebHookDoor("door", DoorSettings(secrets=[SECRET], **given), VolatileDisk())


def endpoint_of(door):
    return Endpoint(lambda clock_us, call: door.receive(clock_us, call).status, SECRET, lambda: 7 * S)


def kept(door):
    pings = []
    while (event := door.take(0)) is not None:
        pings += records_of(event.body)
    return pings


def test_a_door_takes_a_crate_once_by_its_key() -> None:
    door = door_of()
    endpoint = endpoint_of(door)
    for key in ("2026/a.b-1", "2026/a.b-1", "2026/a.b-2"):
        endpoint.put(key, RequestBody().pack([key.encode()]))
    assert kept(door) == [b"2026/a.b-1", b"2026/a.b-2"]
    assert call_id("2026/a.b-1") != call_id("2026/a.b-2")


@pytest.mark.parametrize(("door", "says"), [
    (door_of(size_max_bytes=10), "413"), (door_of(room=1), ""),
    (WebHookDoor("door", DoorSettings(secrets=[secret_of(bytes(range(24)))]), VolatileDisk()), "403"),
])  # fmt: skip
def test_anything_but_2xx_is_a_failure_with_its_number(door, says) -> None:
    body = RequestBody().pack([b"aa"])
    if not says:
        endpoint_of(door).put("first", body)
        says = "503"
    with pytest.raises(Refused, match=says):
        endpoint_of(door).put("crate", body)


def test_an_endpoint_that_never_takes_is_left_for_the_backup_and_the_rest_goes_on() -> None:
    backup, stream = Shelf(), stream_of(retry_s=15)
    endpoint = endpoint_of(door_of(size_max_bytes=60))
    put(stream, 0, b"aa", b"much longer than the others")
    for now_s in (0, 10, 20, 30):
        carry(stream, now_s * S, {"destination": endpoint, "backup": backup})
    [(key, aside)] = backup.objects.items()
    assert key.startswith("destination-failed/")
    assert json.loads(aside)["errorMessage"] == "the endpoint says 413"
    assert (stream.status().delivered, stream.status().set_aside) == (1, 1)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"records": 1}', b'{"records": [{"data": "?"}]}', b'{"records": [{}]}'])
def test_another_body_is_refused_with_what_it_is(body) -> None:
    with pytest.raises(BadParameter, match="RequestBody"):
        records_of(body)


def test_any_bytes_travel() -> None:
    records = [b"", b"\xff\x00", '"é"\n'.encode()]
    assert records_of(RequestBody().pack(records)) == records


# ------------------------------------------------------------------------------------------ wherever the power goes
def lived(stream, door, accepted):
    """Put and deliver through an outage and lost answers."""
    endpoint = endpoint_of(door)

    class Way:
        def put(self, key, data, /):
            if 20 <= now_s < 40:
                raise EngineMissing("nobody")
            endpoint.put(key, data)
            if now_s % 20 == 0:
                raise MayHaveHappened("no answer")

    for now_s in range(0, 70, 10):
        if now_s < 50:
            put(stream, now_s * S, record := f"{now_s:02d}".encode())
            accepted.add(record)
        carry(stream, now_s * S, {"destination": Way()})


def test_wherever_the_power_goes_the_endpoint_has_all_that_was_accepted_once() -> None:
    whole = VolatileDisk()
    lived(stream_of(whole, names="crate"), door_of(), set())
    for step in range(1, whole.steps + 1):
        disk, door, accepted = VolatileDisk(power_cut_before=step), door_of(), set()
        with contextlib.suppress(PowerCut):
            lived(stream_of(disk, names="crate"), door, accepted)
        disk.crash(chance=random.Random(step).random)
        stream = stream_of(disk, names="crate")
        for later_s in range(100, 200, 10):
            carry(stream, later_s * S, {"destination": endpoint_of(door)})
        pings = kept(door)
        assert accepted <= set(pings), f"cut before step {step}"
        assert len(pings) == len(set(pings)), f"cut before step {step}"
        assert stream.status().held == 0
