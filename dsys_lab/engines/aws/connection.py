"""The one connection to AWS that a process shares, and who stands behind it.

==================  ================================================================================================
`DSYS_LAB_AWS`      who answers
==================  ================================================================================================
not set             moto, started here from its wheel on a free port of the loopback, ended with this process
`http://…`          that endpoint, with made-up keys: yours are for AWS alone
`real`              AWS itself, in the account and region that boto3 finds. Before the first call it is said whose
                    account it is and what it may cost, and only a typed "yes" goes on
==================  ================================================================================================

Whatever is made has a name that begins with `PREFIX` and the tag `TAG`, and is removed: at the end of its `with` block,
or else when this process ends. Only a killed process leaves something behind; `left_behind` names it, `sweep` removes
it.

boto3 tries again by itself, up to five times, and so sends twice what was stored although no answer came. Here it does
not: no answer is `MayHaveHappened`, and whether to try again is the caller's decision.
"""

from __future__ import annotations

import atexit
import os
import secrets
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from itertools import count
from typing import Any, Final

from dsys_lab.engines.server import LOOPBACK, Server
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened, Refused
from dsys_lab.facts import fact

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        EndpointConnectionError,
        NoCredentialsError,
        ParamValidationError,
    )
except ModuleNotFoundError as missing:
    raise EngineMissing("boto3 is not installed: `make lab` installs it, or `pip install boto3`") from missing

SETTING: Final = "DSYS_LAB_AWS"
REAL: Final = "real"
PREFIX: Final = "dsys_lab_"
TAG: Final = "dsys_lab"
REGION: Final = "us-east-1"
ANSWER_WITHIN_S: Final = 30
"""Longer than the longest poll."""
PRICE: Final = (
    f"Standard queues: {fact('sqs_price_standard')}. FIFO queues: {fact('sqs_price_fifo')}. A notebook of this suite "
    "makes some hundreds of requests: nothing, or less than a cent"
)

_shared: dict[int, Connection] = {}
_one_at_a_time = threading.Lock()


def connection() -> Connection:
    """Return this process's connection; the first call makes it.

    Raises
    ------
    EngineMissing
        If moto is not installed or does not start, or boto3 finds no account.
    Refused
        If a real account was asked for, and the answer to the question was not "yes".
    """
    with _one_at_a_time:
        shared = _shared.get(os.getpid())  # a fork has its own: sockets are not shared
        if shared is None:
            shared = _shared[os.getpid()] = Connection()
        return shared


class Connection:
    """Clients of AWS, and whoever was started to answer them.

    Parameters
    ----------
    make_client : callable
        `boto3.client`, or what stands in for it in a test.
    ask : callable
        `input`, or what stands in for it.

    Attributes
    ----------
    server : Server or None
        The embedded moto; None if somebody else answers.
    engine : str
        What a trace's header says, such as "moto 5.2.5".
    is_real : bool
        Whether it is a real account.
    """

    def __init__(
        self, *, make_client: Callable[..., Any] = boto3.client, ask: Callable[[str], str] | None = None
    ) -> None:
        setting = os.environ.get(SETTING, "")
        self.is_real = setting == REAL
        if setting and not self.is_real and "://" not in setting:
            raise BadParameter(f"{SETTING}={setting}: give an address such as http://{LOOPBACK}:4566, or real")
        self._make_client, self._setting = make_client, setting
        self._clients: dict[str, Any] = {}
        self._made: dict[str, Callable[[], object]] = {}
        self._names = (f"{PREFIX}{secrets.token_hex(4)}_{number}" for number in count(1))
        self.server = None if setting else _start()
        self.engine = self._ask_for_the_account(ask or input) if self.is_real else self._who_answers()
        atexit.register(self.close)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=lambda: atexit.unregister(self.close))

    def client(self, service: str) -> Any:
        """Return boto3's client of a service."""
        if service not in self._clients:
            given: dict[str, Any] = {"config": Config(read_timeout=ANSWER_WITHIN_S, retries={"total_max_attempts": 1})}
            if not self.is_real:
                given |= {
                    "endpoint_url": f"http://{LOOPBACK}:{self.server.port}" if self.server else self._setting,
                    "region_name": REGION,
                    "aws_access_key_id": TAG,
                    "aws_secret_access_key": TAG,
                }
            try:
                self._clients[service] = self._make_client(service, **given)
            except BotoCoreError as error:
                raise EngineMissing(f"boto3 cannot make a client ({error}): set it up with `aws configure`") from error
        return self._clients[service]

    def call(self, service: str, operation: str, **given: Any) -> dict[str, Any]:
        """Call an operation, such as `call("sqs", "create_queue", QueueName="q")`, and return its answer.

        Raises
        ------
        Refused
            If the service says no.
        MayHaveHappened
            If no answer comes, or one that says that the service itself failed.
        EngineMissing
            If nobody is there.
        BadParameter
            If what was given is no such call.
        """
        try:
            return getattr(self.client(service), operation)(**given)
        except ClientError as error:
            told = error.response.get("Error", {})
            words = f"{service} said no to {operation}: {told.get('Message')} ({told.get('Code')})"
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) < 500:
                raise Refused(words) from error
            raise MayHaveHappened(f"{words}; look whether it happened") from error
        except EndpointConnectionError as error:
            self._is_no_longer_shared()
            advice = "the next run starts moto anew" if self.server else f"correct {SETTING}, or unset it to have moto"
            raise EngineMissing(f"{service} is not there ({error}): {advice}") from error
        except NoCredentialsError as error:
            raise EngineMissing(f"boto3 finds no account ({error}): set it up with `aws configure`") from error
        except ParamValidationError as error:
            raise BadParameter(f"{operation}: {error}") from error
        except BotoCoreError as error:
            raise MayHaveHappened(f"{service} gave no answer to {operation} ({error}): look whether it did") from error

    # ------------------------------------------------------------ what was made, and its end
    def new_name(self) -> str:
        """Return a name that nothing else has."""
        return next(self._names)

    @property
    def tags(self) -> dict[str, str]:
        """What everything that is made here is tagged with."""
        return {TAG: "made by a notebook, to be removed"}

    def made(self, name: str, remove: Callable[[], object]) -> None:
        """Remember what was made and how it is removed."""
        self._made[name] = remove

    def remove(self, name: str) -> None:
        """Remove what was made under this name; if that fails it is tried again when this process ends."""
        self._made[name]()
        del self._made[name]

    def left_behind(self) -> list[str]:
        """Return the addresses of the queues with our prefix and tag that this process did not make."""
        urls = self.call("sqs", "list_queues", QueueNamePrefix=PREFIX).get("QueueUrls", [])
        tagged = [url for url in urls if TAG in self.call("sqs", "list_queue_tags", QueueUrl=url).get("Tags", {})]
        return [url for url in tagged if not any(name in url for name in self._made)]

    def sweep(self) -> list[str]:
        """Remove what killed processes left behind, and return it. Let no other process of yours be at work."""
        urls = self.left_behind()
        for url in urls:
            self.call("sqs", "delete_queue", QueueUrl=url)
        return urls

    def close(self) -> None:
        """Remove what is left of what was made, and end moto if it is ours; the next `connection` is a new one."""
        atexit.unregister(self.close)
        self._is_no_longer_shared()
        if self.server:
            self.server.stop()
            return
        for name, remove in list(self._made.items()):
            try:
                remove()
            except (Refused, MayHaveHappened, EngineMissing) as error:
                print(f"{name} was not removed: {error}", file=sys.stderr)  # noqa: T201  # nobody else is left to tell

    def _is_no_longer_shared(self) -> None:
        if _shared.get(os.getpid()) is self:
            del _shared[os.getpid()]

    # ------------------------------------------------------------ who answers
    def _who_answers(self) -> str:
        return f"moto {version('moto')}" if self.server else f"AWS API at {self._setting}"

    def _ask_for_the_account(self, ask: Callable[[str], str]) -> str:
        """Say whose account it is and what it may cost; go on only after a "yes"."""
        region = self.client("sqs").meta.region_name
        account = self.call("sts", "get_caller_identity")["Account"]
        question = (
            f"{SETTING}={REAL}: this makes queues in the account {account}, region {region}.\n{PRICE}.\n"
            f"They are named {PREFIX}…, tagged {TAG}, and removed afterwards. Type yes to go on: "
        )
        try:
            answer = ask(question)
        except (EOFError, NotImplementedError) as error:  # nobody is there to type; a kernel says it is not implemented
            raise Refused(f"nobody answered whether a real account may be used: unset {SETTING}") from error
        if answer.strip().lower() != "yes":
            raise Refused(f"nothing was made in the account: the answer was {answer!r}; unset {SETTING} to use moto")
        return f"Amazon SQS, {region}"


def _start() -> Server:
    try:
        version("moto"), version("flask")
    except ModuleNotFoundError as absent:
        raise EngineMissing("moto is not installed: `make lab` installs it, or `pip install moto flask`") from absent
    return Server(
        "moto",
        lambda port, folder: [sys.executable, "-m", "moto.server", "--host", LOOPBACK, "--port", str(port)],
        start_within_s=60,
    )
