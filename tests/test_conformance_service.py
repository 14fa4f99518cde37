"""The model and the web server answer alike: one suite, two services."""

import sqlite3
from collections.abc import Callable, Iterator

import pytest

from dsys_lab.dataflows.service import DONE, FULL, IN_PROGRESS, OTHER_BODY, UNREADABLE, Request
from dsys_lab.engines.service import SERVICES, HttpService, RunningService, Size, calls, drill, running
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened

OLD, NEW = b'{"person":17,"hours_sleep":7.25}', b'{"person":17,"sleep_minutes":435}'
LONG_S = 30.0
Start = Callable[..., RunningService]


def call(key: str = "n1", version: str = "v1", body: bytes = OLD) -> Request:
    """A call to keep a night."""
    return Request(key, version, body)


@pytest.fixture(params=list(SERVICES))
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start a service of each kind, and end it."""
    started = list[RunningService]()

    def begin(**size: float) -> RunningService:
        started.append(running(request.param, Size(**size)))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for service in started:
        service.close()


def test_calls_are_answered_by_what_they_say(start: Start) -> None:
    service = start()
    told = [service.send(one).wait(LONG_S) for one in (
        call("n1"), call("n1"), call("n2", "v2", NEW), call("n1", body=b'{"person":18,"hours_sleep":7.25}'),
        call("n3", "v9"), call("n4", body=b"{"), call("n5", body=b'{"person":17}'), call("k" * 256),
    )]  # fmt: skip
    assert [reply.status for reply in told] == [DONE, DONE, DONE, OTHER_BODY] + [UNREADABLE] * 4
    assert [reply.repeated for reply in told[:3]] == [False, True, False]
    assert told[0].said == told[1].said == "n1 is kept"
    assert "this service serves v1, v2; ask in one of them" in told[4].said
    assert "it is required and not there" in told[6].said
    books = service.status()
    assert (books.effects, books.repeated, books.refused, books.shed) == (2, 1, 5, 0)


def test_a_full_service_refuses_with_when_to_come_and_a_slow_one_may_have_done_it(start: Start) -> None:
    service = start(workers=1, queue_max=2, work_s=1.5)
    first, *others = [service.send(call(f"n{number}")) for number in range(4)]
    full = others[-1].wait(LONG_S)
    assert (full.status, full.retry_after_s) == (FULL, 3)
    assert service.send(call("n0")).wait(LONG_S).status == IN_PROGRESS
    with pytest.raises(MayHaveHappened, match=r"n0: no answer.*ask again under its key"):
        first.wait(0.05)
    assert others[1].wait(LONG_S).is_done
    again = service.send(call("n0")).wait(LONG_S)
    assert (again.status, again.repeated) == (DONE, True)
    books = service.status()
    assert (books.effects, books.shed, books.waiting, books.at_work) == (3, 1, 0, 0)


def test_who_is_killed_in_the_middle_may_have_done_it_and_does_it_once(start: Start) -> None:
    service = start(work_s=0.5)
    assert service.send(call("n1")).wait(LONG_S).is_done
    answer = service.send(call("n2"))
    service.kill()
    with pytest.raises(MayHaveHappened, match="ask again under its key"):
        answer.wait(LONG_S)
    with pytest.raises(EngineMissing, match="certainly nothing was taken; restart it"):
        service.send(call("n3")).wait(LONG_S)
    service.restart()
    assert [service.send(call(key)).wait(LONG_S).repeated for key in ("n1", "n2", "n2")] == [True, False, True]
    assert service.status().effects == 2


def test_bad_input_is_told_what_to_do() -> None:
    with pytest.raises(BadParameter, match="service = 'SOAP': give one of model, HTTP"):
        running("SOAP")
    for bad in ({"workers": 0}, {"queue_max": -1}, {"work_s": 0}):
        with pytest.raises(BadParameter, match="give a number above 0"):
            Size(**bad)  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="within_s = 0"):
        running("model").send(call()).wait(0)


def test_the_story_of_the_lab_is_heard_alike_from_both() -> None:
    told = {}
    for kind in SERVICES:
        service = running(kind, Size(work_s=0.3))
        try:
            told[kind] = drill(service)
        finally:
            service.close()
    assert told["model"] == told["HTTP"]
    heard = dict(told["HTTP"])
    assert heard["n4, and the power goes"] == "nothing: it may have happened"
    assert heard["n5, while it is down"] == "nobody is there: certainly not done"
    assert heard["effects in the ledger"] == "3"


def test_each_call_of_a_measurement_is_a_new_one() -> None:
    service = running("model")
    calls(service, 3)
    calls(service, 2)
    assert (service.status().effects, service.status().repeated) == (5, 0)


def test_a_measured_call_over_http_is_one_exchange_and_no_look_at_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    service = running("HTTP", Size(work_s=0.001))
    try:
        looks: list[str] = []
        look = type(service).status
        monkeypatch.setattr(type(service), "status", lambda self: (looks.append("look"), look(self))[1])
        calls(service, 3)
        assert looks == ["look"]  # for the first number that is free
        assert service.status().effects == 3
    finally:
        service.close()


def test_a_service_that_cannot_write_ends_and_its_caller_may_have_been_done() -> None:
    service = running("HTTP", Size(work_s=0.001))
    assert isinstance(service, HttpService)
    try:
        with sqlite3.connect(service.folder / "ledger.sqlite") as ledger:
            ledger.execute("DROP TABLE effects")
            ledger.execute("CREATE TABLE effects (key TEXT, digest TEXT, record BLOB, said TEXT CHECK (said = ''))")
        with pytest.raises(MayHaveHappened, match="hung up on"):
            service.ask(call("n1"), LONG_S)
    finally:
        service.close()
