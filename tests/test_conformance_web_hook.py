"""The same calls against the model of a door and against a real web server: the same answers."""
from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dsys_lab.brokers.web_hook import Call, Partner, Settings, WebHookDoor, compare, pages, secret_of, signed
from dsys_lab.engines.web_hook import DIFFERENCES, DOORS, HttpDoor, asked, call_door, compared, play
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened
from dsys_lab.scenarios.event_bus import attack
from dsys_lab.scenarios.event_bus.attack_script import (
    EPOCH_US,
    GOOD,
    KINDS,
    PARTNERS_SECRET,
    attack_script,
    body_of,
    timed,
)
from dsys_lab.structures.disk import RealDisk, VolatileDisk
from dsys_lab.trace import Trace, lamp

OURS = PARTNERS_SECRET
SMALL = attack_script(events=14, each=2)
BODY = body_of(1)


def good(name: str = "m1", at_us: int = EPOCH_US, body: bytes = BODY) -> Call:
    return signed([OURS], name, at_us, body)


def without(call: Call, name: str) -> Call:
    return Call({key: value for key, value in call.headers.items() if key != name}, call.body)


ROUGH = [
    good("m1"), good("m1"), good("m2", body=b"x" * 30_000), good("m3", body=b"x" * 20_481), good("m4", body=b"no JSON"),
    good("m5", body=b"[1]"), good("m6", body=b'{"type": ""}'), good("m7", body=b""), Call({}, BODY), Call({}, b""),
    *(without(good("m8"), f"webhook-{name}") for name in ("id", "timestamp", "signature")),
    Call({**good("m8").headers, "webhook-timestamp": "soon"}, BODY),
    Call({**good().headers, "webhook-id": "a.b"}, BODY),
    Call({name.upper(): value for name, value in good("m9").headers.items()}, BODY),
    signed([secret_of(bytes(24))], "m10", EPOCH_US, BODY), signed([secret_of(bytes(24)), OURS], "m10", EPOCH_US, BODY),
    good("m11", at_us=EPOCH_US - 301_000_000), good("m12", at_us=EPOCH_US + 301_000_000),
]  # fmt: skip


@pytest.fixture
def served() -> Iterator[HttpDoor]:
    with HttpDoor(WebHookDoor("door", Settings(secrets=[OURS]), VolatileDisk()), clock=lambda: EPOCH_US) as door:
        yield door


# ---------------------------------------------------------------------------------------------------- the same answers
@pytest.mark.parametrize(("left_out", "statuses"), [
    ((), {200, 202, 400, 403}), (("signature",), {200, 202, 400}),
    (("age",), {200, 202, 403}), (("id",), {202, 400, 403}),
])  # fmt: skip
def test_the_same_attack_is_told_the_same(left_out: tuple[str, ...], statuses: set[int]) -> None:
    told = compared(timed(SMALL), Settings(secrets=[OURS], without=left_out))
    assert told["HTTP"] == told["model"]
    assert set(told["HTTP"]) == statuses


def test_the_simulated_door_tells_each_call_what_the_real_one_does() -> None:
    run = attack(events=14, each=2)
    words = {"stored": 202, "seen before": 200, "forged": 403, "too old": 400, "too new": 400}
    simulated = [words[str(row.fields["why"])] for row in run.of("verify")]
    told = compared(timed(SMALL), Settings(secrets=[OURS]))
    assert simulated == told["HTTP"]


def test_each_rough_call_is_told_the_same() -> None:
    told = compared([(EPOCH_US, call) for call in ROUGH], Settings(secrets=[OURS]))
    assert told["HTTP"] == told["model"] == [
        202, 200, 413, 413, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400, 202, 403, 202, 400, 400]


@pytest.mark.parametrize("kind", DOORS)
def test_a_full_inbox_says_when_to_come_again(kind: str) -> None:
    with asked(kind, Settings(secrets=[OURS], room=1)) as ask:
        assert play([(EPOCH_US, good("m1")), (EPOCH_US, good("m2"))], ask) == [202, 503]


@pytest.mark.parametrize("kind", DOORS)
def test_what_was_stored_is_remembered_by_the_next_door_on_the_disk(kind: str, tmp_path: Path) -> None:
    settings = Settings(secrets=[OURS])
    for expected in ([202, 202], [200, 200]):
        with asked(kind, settings, folder=tmp_path) as ask:
            assert play([(EPOCH_US, good("m1")), (EPOCH_US, good("m2"))], ask) == expected


def test_every_sort_of_the_script_is_played() -> None:
    assert {step.kind for step in SMALL} == {GOOD, *KINDS}
    assert all(case.difference for case in DIFFERENCES)


def test_a_door_of_no_such_kind_is_refused() -> None:
    with pytest.raises(BadParameter, match="model, HTTP"), asked("letterbox", Settings(secrets=[OURS])):
        pass


# -------------------------------------------------------------------------------------------------------- a real server
def test_what_was_refused_can_be_read_and_the_caller_is_told_less(served: HttpDoor) -> None:
    old = call_door(served.url, good("m1", at_us=EPOCH_US - 400_000_000))
    forged = call_door(served.url, signed([secret_of(bytes(24))], "m2", EPOCH_US, BODY))
    assert [(old.status, old.why), (forged.status, forged.why)] == [(400, "too old"), (403, "forged")]
    assert [(one.id, one.status, one.found) for one in served.refused] == [
        ("m1", 400, "signed 400 s ago"), ("m2", 403, "no signature is right")]
    assert served.status().answers == {"too old": 1, "forged": 1}


def test_a_partner_tries_again_until_it_is_taken_and_the_events_are_worked_on(served: HttpDoor) -> None:
    clock = [EPOCH_US]
    served.clock = lambda: clock[0]
    partner, statuses, now_us = Partner([secret_of(bytes(24))]), [], EPOCH_US
    partner.publish(now_us, "m1", BODY)
    while (due_us := partner.deadline_us()) is not None:
        now_us = clock[0] = due_us
        for call in partner.calls(now_us):
            statuses.append(call_door(served.url, call).status)
            partner.answered(now_us, "m1", statuses[-1])
        partner.secrets = [OURS]  # somebody has looked, and mended the key
    assert statuses == [403, 202]
    event = served.do(lambda door, now_us: door.take(now_us))
    assert (event.id, event.body) == ("m1", BODY)
    served.do(lambda door, now_us: door.done(now_us, event.number))
    assert (served.status().done, served.status().waiting) == (1, 0)


def test_what_came_while_the_door_was_stopped_is_found_by_reconciliation(tmp_path: Path) -> None:
    partner, clock_us = Partner([OURS]), EPOCH_US
    for number in range(5):
        partner.publish(EPOCH_US + number, f"m{number}", body_of(number))
    calls = partner.calls(EPOCH_US + 5)
    first = HttpDoor(WebHookDoor("door", Settings(secrets=[OURS]), RealDisk(tmp_path)), clock=lambda: clock_us)
    assert [call_door(first.url, call).status for call in calls[:2]] == [202, 202]
    first.stop()
    for call in calls[2:]:
        with pytest.raises(EngineMissing):
            call_door(first.url, call)
    with HttpDoor(WebHookDoor("door", Settings(secrets=[OURS]), RealDisk(tmp_path)), clock=lambda: clock_us) as second:
        listed = pages(lambda after: partner.page(EPOCH_US, EPOCH_US + 10, after=after, limit=2))
        found = compare(listed, ["m0", "m1", "m9"])
        assert ([one.id for one in found.lost], found.foreign, found.pages) == (["m2", "m3", "m4"], ("m9",), 3)
        for sent in found.lost:
            second.do(lambda door, now_us, sent=sent: door.fetch(now_us, sent, clock_us=clock_us))
        assert second.status().waiting == 5
        assert [call_door(second.url, call).status for call in calls] == [200] * 5


def test_its_rows_are_those_of_the_model(served: HttpDoor) -> None:
    trace = Trace()
    with HttpDoor(WebHookDoor("door", Settings(secrets=[OURS]), VolatileDisk()), clock=lambda: EPOCH_US,
                  recorder=trace) as door:  # fmt: skip
        for call in (good("m1"), good("m1"), signed([secret_of(bytes(24))], "m2", EPOCH_US, BODY), Call({}, b"")):
            call_door(door.url, call)
    assert [row.kind for row in trace] == [
        "publish", "verify", "enqueue", "publish", "verify", "duplicate", "publish", "verify", "reject",
        "publish", "verify", "reject"]
    assert lamp(trace, "conservation").held


def test_a_stopped_server_gives_one_clear_error_and_frees_its_port(served: HttpDoor) -> None:
    call_door(served.url, good())
    served.stop()
    served.stop()
    with pytest.raises(EngineMissing, match="is that door stopped"):
        call_door(served.url, good())
    with pytest.raises(EngineMissing, match="make another HttpDoor on the same disk"):
        served.status()
    assert not served.is_up
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", int(served.url.split(":")[2].split("/")[0])))


def test_an_answer_that_never_comes_is_not_taken_for_no() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/hooks"
        with pytest.raises(MayHaveHappened, match="call again under its id"):
            call_door(url, good(), within_s=0.2)


def test_it_listens_on_the_loopback_only(served: HttpDoor) -> None:
    assert {one.getsockname()[0] for one in served._sockets} == {"127.0.0.1"}


def test_other_ways_to_ask_are_told_no(served: HttpDoor) -> None:
    assert httpx.get(served.url, trust_env=False).status_code == 405
    assert httpx.post(served.url.replace("/hooks", "/"), trust_env=False).status_code == 404
    assert served.status().answers == {}


@pytest.mark.parametrize("sent", [
    b"\x00\xff\xfe garbage\r\n\r\n",
    b"POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n",
    b"POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhalf a call",
    b"POST /hooks HTTP/1.1\r\nHost: x\r\nwebhook-id: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    b"POST /hooks HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
])  # fmt: skip
def test_what_is_no_call_does_not_end_it(served: HttpDoor, sent: bytes) -> None:
    host, port = served.url.removeprefix("http://").split("/")[0].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(sent)
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(5)
        while True:
            try:
                if not raw.recv(4_096):
                    break
            except ConnectionResetError:
                break
    assert call_door(served.url, good()).status == 202


def test_a_body_of_megabytes_is_413_and_is_not_kept(served: HttpDoor) -> None:
    assert call_door(served.url, good(body=b"x" * 4_000_000)).status == 413
    chunks = (b"x" * 50_000 for _ in range(10))
    said = httpx.post(served.url, content=chunks, headers=dict(good().headers), trust_env=False)
    assert said.status_code == 413


def test_many_callers_at_once_are_each_answered_once(served: HttpDoor) -> None:
    statuses: list[int] = []
    calls = [good(f"m{number % 10}") for number in range(40)]
    threads = [threading.Thread(target=lambda call=call: statuses.append(call_door(served.url, call).status))
               for call in calls]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(202), statuses.count(200)) == (10, 30)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_fork_neither_keeps_the_port_nor_serves(served: HttpDoor) -> None:
    child = os.fork()
    if not child:
        os._exit(int(served.is_up or any(one.fileno() != -1 for one in served._sockets)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert call_door(served.url, good()).status == 202


def test_a_process_that_forgets_to_stop_it_ends_all_the_same() -> None:
    program = (
        "from dsys_lab.brokers.web_hook import *; from dsys_lab.engines.web_hook import HttpDoor;"
        "from dsys_lab.structures.disk import VolatileDisk;"
        "d = HttpDoor(WebHookDoor('door', Settings(secrets=[secret_of(bytes(24))]), VolatileDisk())); print(d.url)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    with pytest.raises(EngineMissing):
        call_door(ended.stdout.decode().strip(), good())
    gc.collect()
