"""The connection to AWS that a process shares, and who stands behind it.

==================  ================================================================================================
`DSYS_LAB_AWS`      who answers
==================  ================================================================================================
not set             moto, started here from its wheel on a free port of the loopback, ended with this process
`http://…`          that endpoint, with made-up keys: yours are for AWS alone
`real`              AWS itself, in the account and region that boto3 finds. Before the first call it is said whose
                    account it is and what it may cost, and only a typed "yes" goes on
==================  ================================================================================================

One moto, one account and one answer serve all services; what is special to one stands in `services`. Whatever is made
also has the tag `TAG`. Only a killed process leaves something behind: `left_behind` names it, `sweep` removes it. The
life of a connection is in `dsys_lab.engines.connection`.

boto3 tries again by itself, up to five times, and so sends twice what was stored although no answer came. Here it does
not: no answer is `MayHaveHappened`, and whether to try again is the caller's decision.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar, Final

from dsys_lab.engines.aws.services import SERVICES, TAG, Leftover, Service
from dsys_lab.engines.connection import PREFIX, EngineConnection, without_secrets
from dsys_lab.engines.server import LOOPBACK, Server
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened, Refused

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
REGION: Final = "us-east-1"
ANSWER_WITHIN_S: Final = 30
"""Longer than the longest poll."""


def connection() -> Connection:
    """Return this process's connection; the first call makes it, and so does the first after moto has died.

    Raises
    ------
    EngineMissing
        If moto is not installed or does not start, or boto3 finds no account.
    Refused
        If a real account was asked for, and the answer to the question was not "yes".
    """
    return Connection.shared()


class Connection(EngineConnection[Server]):
    """Clients of AWS, and whoever was started to answer them.

    Parameters
    ----------
    make_client : callable
        `boto3.client`, or what stands in for it in a test.
    ask : callable
        `input`, or what stands in for it.

    Attributes
    ----------
    engine : str
        What a trace's header says, such as "moto 5.2.5".
    is_real : bool
        Whether it is a real account.
    """

    SETTING = SETTING
    services: ClassVar[tuple[Service, ...]] = SERVICES

    def __init__(
        self, *, make_client: Callable[..., Any] = boto3.client, ask: Callable[[str], str] | None = None
    ) -> None:
        self._make_client, self._ask = make_client, ask or input
        self._clients: dict[str, Any] = {}
        self._is_lost = False
        super().__init__()

    def start(self) -> Server:
        """Start moto."""
        try:
            version("moto"), version("flask")
        except ModuleNotFoundError as absent:
            told = "moto is not installed: `make lab` installs it, or `pip install moto flask`"
            raise EngineMissing(told) from absent
        return Server(
            "moto",
            lambda port, folder: [sys.executable, "-m", "moto.server", "--host", LOOPBACK, "--port", str(port)],
            start_within_s=60,
        )

    def connect(self) -> None:
        """Look at the setting; before a real account is used, ask. Clients connect at their first call."""
        self.is_real = self.setting == REAL
        if self.setting and not self.is_real and "://" not in self.setting:
            raise BadParameter(f"{SETTING}={self.setting}: give an address such as http://{LOOPBACK}:4566, or real")
        if self.is_real:
            self.engine = self._ask_for_the_account()
        else:
            self.engine = f"moto {version('moto')}" if self.server else f"AWS API at {without_secrets(self.setting)}"

    def disconnect(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            client.close()

    @property
    def is_lost(self) -> bool:
        """Whether our moto is gone. An endpoint that was away a moment ago may be there at the next call."""
        return self._is_lost

    def client(self, service: str) -> Any:
        """Return boto3's client of a service."""
        if service not in self._clients:
            address = f"http://{LOOPBACK}:{self.server.port}" if self.server else self.setting
            self._clients[service] = self.client_at(service, None if self.is_real else address)
        return self._clients[service]

    def client_at(self, service: str, address: str | None, keys: tuple[str, str] = (TAG, TAG)) -> Any:
        """Make a client of the service at this address, with these keys; without one, of the account's own."""
        signed = {"signature_version": "s3v4"} if service == "s3" else {}  # else boto3 signs URLs in the old form
        config = Config(read_timeout=ANSWER_WITHIN_S, retries={"total_max_attempts": 1}, **signed)
        given: dict[str, Any] = {"config": config}
        if address is not None:
            given |= {"endpoint_url": address, "region_name": REGION}
            given |= {"aws_access_key_id": keys[0], "aws_secret_access_key": keys[1]}
        try:
            return self._make_client(service, **given)
        except BotoCoreError as error:
            raise EngineMissing(f"boto3 cannot make a client ({error}): set it up with `aws configure`") from error

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
        self.require_open()
        try:
            return getattr(self.client(service), operation)(**given)
        except ClientError as error:
            told = error.response.get("Error", {})
            words = f"{service} said no to {operation}: {told.get('Message')} ({told.get('Code')})"
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) < 500:
                raise Refused(words) from error
            raise MayHaveHappened(f"{words}; look whether it happened") from error
        except EndpointConnectionError as error:
            self._is_lost = self.server is not None
            raise self.does_not_answer(error) from error
        except NoCredentialsError as error:
            raise EngineMissing(f"boto3 finds no account ({error}): set it up with `aws configure`") from error
        except ParamValidationError as error:
            raise BadParameter(f"{operation}: {error}") from error
        except BotoCoreError as error:
            told = f"{service} gave no answer to {operation} ({without_secrets(str(error))}): look whether it did"
            raise MayHaveHappened(told) from error

    # ------------------------------------------------------------ what was made, and its end
    @property
    def tags(self) -> dict[str, str]:
        """What everything that is made here is tagged with."""
        return {TAG: "made by a notebook - to be removed"}  # S3 allows no comma

    def left_behind(self) -> list[str]:
        """Return the addresses of what has our prefix and tag, and was not made by this process."""
        return [leftover.address for leftover in self._leftovers()]

    def sweep(self) -> list[str]:
        """Remove what killed processes left behind, and return it. Let no other process of yours be at work."""
        swept = list(self._leftovers())
        for leftover in swept:
            leftover.remove()
        return [leftover.address for leftover in swept]

    def _leftovers(self) -> list[Leftover]:
        found = [leftover for service in self.services for leftover in service.leftovers(self.call)]
        return [leftover for leftover in found if leftover.address not in self._made]

    def _ask_for_the_account(self) -> str:
        """Say whose account it is and what it may cost; go on only after a "yes"."""
        region = self.client("sts").meta.region_name
        account = self.call("sts", "get_caller_identity")["Account"]
        prices = "".join(f"{service.title}: {service.price}.\n" for service in self.services)
        question = (
            f"{SETTING}={REAL}: this makes things in the account {account}, region {region}.\n{prices}"
            f"They are named {PREFIX}…, tagged {TAG}, and removed afterwards. Type yes to go on: "
        )
        try:
            answer = self._ask(question)
        except (EOFError, NotImplementedError) as error:  # nobody is there to type; a kernel says it is not implemented
            raise Refused(f"nobody answered whether a real account may be used: unset {SETTING}") from error
        if answer.strip().lower() != "yes":
            raise Refused(f"nothing was made in the account: the answer was {answer!r}; unset {SETTING} to use moto")
        return f"AWS, {region}"
