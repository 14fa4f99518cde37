"""EventBridge itself, the classic bus, through boto3: a bus of its own, and a queue of SQS for each rule.

Each verb is a call: `PutRule` and `PutTargets`, `PutEvents`, `CreateArchive`, `StartReplay`. What a rule picked lies in
its queue until it is asked for.

Cost: a put is one request for up to ten events; a rule is a queue, a policy and a target.

Sources: Amazon EventBridge API Reference and User Guide, read in November 2026; behaviour as measured with moto 5.2.5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from dsys_lab.brokers.event_bus import Entry, Transformer
from dsys_lab.brokers.event_bus.events import written
from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.aws.services import clear_and_remove, remove_rule
from dsys_lab.engines.aws.target_queue import TargetQueue
from dsys_lab.errors import BadParameter

NAME_MAX: Final = 48
"""Characters in the name of an archive."""


class EventBridgeBus:
    """A bus of EventBridge with a queue for each rule. Use it in a `with` block, which removes them.

    Parameters
    ----------
    over : Connection, optional
        Another connection than the one that this process shares.
    """

    def __init__(self, *, over: Connection | None = None) -> None:
        self._aws = over or connection()
        self.name = self._aws.new_name()
        tags = [{"Key": key, "Value": value} for key, value in self._aws.tags.items()]
        arn: str = self._aws.call("events", "create_event_bus", Name=self.name, Tags=tags)["EventBusArn"]
        self._arn, self._made = arn, [arn]
        self._aws.made(arn, lambda: clear_and_remove(self._aws.call, self.name, arn))
        self._queues: dict[str, TargetQueue] = {}
        self._rule_arns: dict[str, str] = {}
        self._archives: dict[str, str] = {}

    def rule(
        self, name: str, pattern: Mapping[str, Any], shape: Transformer | None = None, *, into: str = ""
    ) -> None:
        """Make a rule with a queue as its target, its own or that of another rule, perhaps with a transformer."""
        told = self._aws.call(
            "events", "put_rule", Name=name, EventBusName=self.name, EventPattern=json.dumps(pattern)
        )
        self._rule_arns[name] = told["RuleArn"]
        queue = self._queues[name] = self._queue(into) if into else self._new_queue()
        target: dict[str, Any] = {"Id": "queue", "Arn": queue.arn}
        if shape is not None:
            target["InputTransformer"] = {"InputPathsMap": dict(shape.paths), "InputTemplate": shape.template}
        self._aws.call("events", "put_targets", Rule=name, EventBusName=self.name, Targets=[target])

    def _new_queue(self) -> TargetQueue:
        """Return a queue into which every rule of this bus may put."""
        queue = TargetQueue(self._aws)
        self._made.append(queue.url)
        queue.let_in("events.amazonaws.com", f"{self._arn.replace(':event-bus/', ':rule/')}/*")
        return queue

    def remove(self, name: str) -> None:
        """Take a rule away; what lies in its queue can still be read."""
        remove_rule(self._aws.call, self.name, name)
        del self._rule_arns[name]

    def put(self, *entries: Entry) -> list[bool]:
        """Put events, and return of each whether it was taken."""
        given = [
            {"Source": entry.source, "DetailType": entry.detail_type, "Detail": written(entry.detail),
             "Resources": list(entry.resources), "EventBusName": self.name}
            for entry in entries
        ]  # fmt: skip
        return ["EventId" in one for one in self._aws.call("events", "put_events", Entries=given)["Entries"]]

    def heard(self, rule: str) -> list[Any]:
        """Return what came to the target of a rule since it was asked last."""
        return [json.loads(body) for body in self._queue(rule).drained()]

    def keep(self, name: str, pattern: Mapping[str, Any] | None = None) -> None:
        """Keep from now on what a pattern picks, or all."""
        archive = self._aws.new_name()[-NAME_MAX:]
        only = {} if pattern is None else {"EventPattern": json.dumps(pattern)}
        made = self._aws.call("events", "create_archive", ArchiveName=archive, EventSourceArn=self._arn, **only)
        self._archives[name] = made["ArchiveArn"]

    def kept(self, name: str) -> int:
        """Return how many events an archive has. The service itself counts late."""
        told = self._aws.call("events", "describe_archive", ArchiveName=self._archive(name).rpartition("/")[2])
        return int(told["EventCount"])

    def replay(self, name: str, *rules: str) -> None:
        """Hand on again all of the last hour that an archive has, to these rules, or to all."""
        now = datetime.now(UTC)
        arns = {"FilterArns": [self._rule_arns[rule] for rule in rules]} if rules else {}
        self._aws.call(
            "events", "start_replay", ReplayName=self._aws.new_name(), EventSourceArn=self._archive(name),
            EventStartTime=now - timedelta(hours=1), EventEndTime=now + timedelta(seconds=1),
            Destination={"Arn": self._arn, **arns},
        )  # fmt: skip

    def _queue(self, rule: str) -> TargetQueue:
        if rule not in self._queues:
            raise BadParameter(f"rule = {rule!r}: there are {', '.join(self._queues) or 'none'}")
        return self._queues[rule]

    def _archive(self, name: str) -> str:
        if name not in self._archives:
            raise BadParameter(f"name = {name!r}: there are {', '.join(self._archives) or 'no archives'}")
        return self._archives[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for name in self._made:
            self._aws.remove(name)
