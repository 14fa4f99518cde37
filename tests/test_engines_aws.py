"""Who answers for AWS: moto by default, any endpoint by a setting, a real account only after a "yes"; and what is made
is tagged and removed.

No test reaches AWS: where `DSYS_LAB_AWS=real` is set, what stands for boto3 speaks to moto and notes what it was asked.
"""
from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import psutil
import pytest
from botocore.exceptions import NoCredentialsError, NoRegionError
from IPython.core.error import StdinNotImplementedError

from dsys_lab.brokers.work_queue import Accepted, Acknowledged, Duplicate, Settings
from dsys_lab.engines import aws, keeper
from dsys_lab.engines.aws.connection import REAL, SETTING, Connection
from dsys_lab.engines.aws.services import SERVICES, TAG
from dsys_lab.engines.aws.work_queue import SqsQueue
from dsys_lab.engines.connection import PREFIX
from dsys_lab.engines.server import LOOPBACK
from dsys_lab.engines.work_queue import cycles, drill
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened, Refused

ACCOUNT, REGION = "123456789012", "eu-central-1"


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    aws.connection().close()
    assert keepers() == []


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.delenv(SETTING, raising=False)
    return aws.connection()


def keepers() -> list[psutil.Process]:
    """Return those who keep a moto for this process; other engines may have keepers of their own."""
    children = [(child, child.cmdline()) for child in psutil.Process().children()]
    return [child for child, words in children if keeper.__file__ in words and "moto.server" in words]


def queues(connection: Connection) -> list[str]:
    return connection.call("sqs", "list_queues").get("QueueUrls", [])


# ------------------------------------------------------------------------------------------------------- moto
def test_moto_is_started_once_and_heard_on_loopback_only(moto: Connection) -> None:
    drill("sqs", messages=1)
    assert aws.connection() is moto
    [one] = keepers()
    served = [process.net_connections("inet") for process in one.children(recursive=True)]
    listening = {place.laddr for places in served for place in places if place.status == psutil.CONN_LISTEN}
    assert listening == {(LOOPBACK, moto.server.port)}


def test_the_trace_says_who_played_sqs() -> None:
    assert drill("sqs", messages=1).header.engine == "moto 5.2.5"


def test_a_run_leaves_no_queue_behind_even_if_it_fails(moto: Connection) -> None:
    def fail() -> None:
        with SqsQueue("clips", Settings(max_receives=3)):
            assert len(queues(moto)) == 2, "and one for the dead"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert queues(moto) == []


def test_cycles_are_counted(moto: Connection) -> None:
    assert cycles("sqs", count=3) == 3
    assert queues(moto) == []


def test_after_moto_died_the_next_run_has_a_new_one(moto: Connection) -> None:
    moto.server.stop()
    with pytest.raises(EngineMissing, match=r"the server started here does not answer .*: the next call starts"):
        SqsQueue("clips")
    drill("sqs", messages=1)
    assert aws.connection() is not moto
    assert len(keepers()) == 1


def test_moto_is_gone_when_its_owner_is_killed() -> None:
    program = """
        from dsys_lab.engines import aws
        print(aws.connection().server.port, flush=True)
        input()
    """
    environment = {name: value for name, value in os.environ.items() if name != SETTING}
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], text=True, env=environment,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = int(owner.stdout.readline())
    started = psutil.Process(owner.pid).children(recursive=True)
    socket.create_connection((LOOPBACK, port), timeout=1).close()
    owner.kill()
    owner.communicate()
    assert started
    assert psutil.wait_procs(started, timeout=10)[1] == []


def test_what_sqs_refuses_did_not_happen(moto: Connection) -> None:
    with pytest.raises(Refused, match=r"sqs said no to get_queue_url: .* \(AWS.SimpleQueueService.NonExistentQueue\)"):
        moto.call("sqs", "get_queue_url", QueueName="nobody")
    with pytest.raises(BadParameter, match=r"create_queue: [^$]*QueueName"):
        moto.call("sqs", "create_queue")


def test_dead_letters_beyond_one_receive_are_all_found() -> None:
    with SqsQueue("clips", Settings(visibility_s=30, max_receives=1)) as queue:
        for number in range(12):
            queue.send(f"m{number}", "x")
        for _ in range(12):
            queue.nack(queue.receive()[0].handle)
        assert queue.receive(limit=10) == []
        assert [letter.message for letter in queue.dead_letters()] == [f"m{number}" for number in range(12)]
        assert (queue.redrive(), queue.status().visible, queue.status().dead) == (12, 12, 0)


def test_what_is_sent_again_after_no_answer_is_in_the_queue_and_in_the_books_once(
        monkeypatch: pytest.MonkeyPatch) -> None:
    with SqsQueue("clips", Settings(kind="fifo", visibility_s=30)) as queue:
        call = queue._aws.call

        def lose_the_answer(*given: Any, **more: Any) -> None:
            call(*given, **more)
            raise MayHaveHappened("no answer")

        given = {"group": "a", "dedup_id": "m1"}
        monkeypatch.setattr(queue._aws, "call", lose_the_answer)
        with pytest.raises(MayHaveHappened):
            queue.send("m1", "x", **given)
        monkeypatch.undo()
        assert queue.send("m1", "x", copy=1, **given) == Duplicate("m1", "m1")
        [delivery] = queue.receive()
        assert (queue.acknowledge(delivery.handle), queue.receive()) == (Acknowledged("m1"), [])
        assert queue.status().accepted == 1
        assert queue._books.shelf.stored == {}


# ----------------------------------------------------------------------------------------------- another endpoint
def test_their_endpoint_is_used_and_left_as_it_was(moto: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = moto.call("sqs", "create_queue", QueueName="THEIRS")["QueueUrl"]
    moto.call("sqs", "send_message", QueueUrl=theirs, MessageBody="do not touch")
    monkeypatch.setenv(SETTING, f"http://{LOOPBACK}:{moto.server.port}")
    there = Connection()
    with SqsQueue("clips", over=there) as queue:
        queue.send("m1", "x")
        [ours] = [url for url in queues(there) if url != theirs]
        assert ours.rsplit("/", 1)[1].startswith(PREFIX)
    forgotten = SqsQueue("clips", over=there)
    assert len(queues(moto)) == 2
    assert (there.server, there.engine) == (None, f"AWS API at http://{LOOPBACK}:{moto.server.port}")
    there.close()
    assert forgotten
    assert queues(moto) == [theirs], "what a `with` block did not remove, the end did"
    moto.call("sqs", "delete_queue", QueueUrl=theirs)


def test_your_keys_go_to_aws_alone(moto: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine too")
    monkeypatch.setenv(SETTING, f"http://{LOOPBACK}:{moto.server.port}")
    keys = Connection().client("sqs")._get_credentials()
    assert (keys.access_key, keys.secret_key) == (TAG, TAG)


def test_no_trace_tells_the_password_of_an_endpoint(moto: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, f"http://me:secret@{LOOPBACK}:1")
    there = Connection()
    assert there.engine == f"AWS API at http://{LOOPBACK}:1"
    with pytest.raises(EngineMissing) as told:
        there.call("sqs", "list_queues")
    assert "secret" not in str(told.value)


def test_one_moto_serves_every_service(moto: Connection) -> None:
    name = moto.new_name()
    moto.call("sns", "create_topic", Name=name)
    assert [topic["TopicArn"].rsplit(":", 1)[1] for topic in moto.call("sns", "list_topics")["Topics"]] == [name]
    assert len(keepers()) == 1


def test_a_moto_that_is_out_of_reach_is_ended_before_the_next_one(
        moto: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    moto._clients.clear()
    monkeypatch.setattr(moto.server, "port", 1)
    with pytest.raises(EngineMissing):
        moto.call("sns", "list_topics")
    assert aws.connection() is not moto
    assert len(keepers()) == 1


def test_a_setting_that_is_no_address_says_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "yes")
    with pytest.raises(BadParameter, match="DSYS_LAB_AWS=yes: give an address"):
        Connection()


def test_an_endpoint_where_nobody_is_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, f"http://{LOOPBACK}:1")
    with pytest.raises(EngineMissing, match=f"{SETTING}=http://{LOOPBACK}:1 does not answer .*: correct it"):
        SqsQueue("clips", over=Connection())


def test_without_an_answer_it_may_have_happened_and_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    with socket.create_server((LOOPBACK, 0)) as silent:
        def listen() -> None:
            while True:
                try:
                    calls.append(silent.accept())
                except OSError:
                    return

        threading.Thread(target=listen, daemon=True).start()
        monkeypatch.setenv(SETTING, f"http://{LOOPBACK}:{silent.getsockname()[1]}")
        monkeypatch.setattr(sys.modules[Connection.__module__], "ANSWER_WITHIN_S", 0.3)
        with pytest.raises(MayHaveHappened, match="sqs gave no answer to create_queue"):
            Connection().call("sqs", "create_queue", QueueName="q")
        assert len(calls) == 1


# -------------------------------------------------------------------------------------------------- a real account
class Noted:
    """Stands for boto3 in a real account: answers as moto does, and notes what it was asked."""

    def __init__(self, moto: Connection) -> None:
        self.moto, self.made, self.asked = moto, [], []

    def __call__(self, service: str, **given: Any) -> Any:
        self.made.append((service, sorted(given)))
        here = {"endpoint_url": f"http://{LOOPBACK}:{self.moto.server.port}", "region_name": REGION,
                "aws_access_key_id": "k", "aws_secret_access_key": "s"}
        client = boto3.client(service, **{**given, **here})
        client.meta.events.register("provide-client-params.*.*", self.note)
        return client

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.asked.append((model.name, params))

    @property
    def operations(self) -> list[str]:
        return [name for name, _ in self.asked]


@pytest.fixture
def account(moto: Connection, monkeypatch: pytest.MonkeyPatch) -> Noted:
    monkeypatch.setenv(SETTING, REAL)
    return Noted(moto)


def test_before_a_real_account_is_used_it_is_said_whose_and_what_it_may_cost(account: Noted) -> None:
    questions = []

    def ask(question: str) -> str:
        questions.append(question)
        assert account.operations == ["GetCallerIdentity"], "nothing was made before the answer"
        return " Yes"

    connection = Connection(make_client=account, ask=ask)
    [question] = questions
    assert all(service.title in question and service.price in question for service in SERVICES)
    for word in (ACCOUNT, REGION, "USD", "million requests", PREFIX, TAG, "removed", "yes"):
        assert word in question
    assert (connection.server, connection.engine) == (None, f"AWS, {REGION}")
    assert all(given == ["config"] for _, given in account.made), "boto3 finds keys and region by itself"
    connection.close()


@pytest.mark.parametrize("answer", ["", "no", "y", "yes please"])
def test_anything_but_yes_makes_nothing(account: Noted, answer: str) -> None:
    with pytest.raises(Refused, match="nothing was made in the account"):
        Connection(make_client=account, ask=lambda _: answer)
    assert account.operations == ["GetCallerIdentity"]


@pytest.mark.parametrize("nobody", [EOFError, StdinNotImplementedError])
def test_where_nobody_can_be_asked_the_answer_is_no(account: Noted, nobody: type[Exception]) -> None:
    def ask(_: str) -> str:
        raise nobody

    with pytest.raises(Refused, match=f"unset {SETTING}"):
        Connection(make_client=account, ask=ask)
    assert account.operations == ["GetCallerIdentity"]


@pytest.fixture
def real(account: Noted) -> Iterator[Connection]:
    connection = Connection(make_client=account, ask=lambda _: "yes")
    yield connection
    connection.close()


def test_what_is_made_in_a_real_account_is_named_tagged_and_removed(account: Noted, real: Connection) -> None:
    with SqsQueue("clips", Settings(visibility_s=30, max_receives=2), over=real) as queue:
        assert queue.send("m1", "x") == Accepted("m1", 0)
        assert len(queues(real)) == 2
    created = [params for name, params in account.asked if name == "CreateQueue"]
    assert [params["QueueName"].startswith(PREFIX) and TAG in params["tags"] for params in created] == [True, True]
    assert account.operations.count("DeleteQueue") == 2
    assert queues(real) == []


def test_what_was_forgotten_is_removed_at_the_end_and_what_cannot_be_is_told(
        moto: Connection, real: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    forgotten, gone = SqsQueue("clips", over=real), SqsQueue("clips", over=real)
    real.call("sqs", "delete_queue", QueueUrl=gone._url)
    real.close()
    assert queues(moto) == []
    told = capsys.readouterr().err
    assert gone._url in told
    assert forgotten._url not in told


def test_only_what_killed_processes_left_is_swept(account: Noted, real: Connection) -> None:
    killed = Connection(make_client=account, ask=lambda _: "yes")
    left = SqsQueue("clips", over=killed)
    theirs = real.call("sqs", "create_queue", QueueName=f"{PREFIX}without_our_tag")["QueueUrl"]
    with SqsQueue("clips", over=real) as ours:
        assert real.left_behind() == [left._url]
        assert real.sweep() == [left._url]
        assert sorted(queues(real)) == sorted([theirs, ours._url])
    real.call("sqs", "delete_queue", QueueUrl=theirs)
    killed._made.clear()


class NobodysClient:
    def get_caller_identity(self) -> None:
        raise NoCredentialsError

    class meta:  # noqa: N801  # as boto3 calls it
        region_name = REGION


def no_region(*_: Any, **__: Any) -> None:
    raise NoRegionError


@pytest.mark.parametrize("make_client", [no_region, lambda *_, **__: NobodysClient()])
def test_where_boto3_finds_no_account_it_is_said_what_to_do(
        make_client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, REAL)
    with pytest.raises(EngineMissing, match="aws configure"):
        Connection(make_client=make_client, ask=lambda _: "yes")
