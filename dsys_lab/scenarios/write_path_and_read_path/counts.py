"""What thresholds, followers and clients come to, counted for a chart, without a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from dsys_lab.dataflows.derived_view import PULL, PUSH, Feed
from dsys_lab.errors import require_positive
from dsys_lab.laws import pull_touches, push_touches
from dsys_lab.scenarios.write_path_and_read_path.world import followers
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.trace import quantile

Point = tuple[float, float, float]
"""An x, a mean, and its standard error."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Lists touched for each post, its own and those of the reads that fall to it.

    Attributes
    ----------
    reads_a_post : float
    push, pull, hybrid : float
    """

    reads_a_post: float
    push: float
    pull: float
    hybrid: float


def touched(
    *reads_a_post: float, threshold: int = 200, users: int = 2_000, seed: int = 7
) -> list[Touched]:
    """Let everybody post once, and readers read who are drawn among all alike, with all three strategies."""
    graph = followers(users, seed=seed)
    names, told = list(graph), []
    for reads in reads_a_post:
        costs = []
        for limit in (PUSH, PULL, threshold):
            feed, luck = Feed(graph, threshold=limit), stream(seed, "touched")
            for author in names:
                feed.publish(author, "")
            for _ in range(round(users * reads)):
                feed.read(names[int(luck() * users)], 1)
            status = feed.status()
            costs.append((status.touched_by_posts + status.touched_by_reads) / users)
        told.append(Touched(reads, *costs))
    return told


def touched_courses(*reads_a_post: float, users: int = 2_000, seeds: int = 3) -> dict[str, list[Point]]:
    """Return (reads a post, lists touched a post, standard error over seeds) of push and of pull."""
    runs = [touched(*reads_a_post, users=users, seed=seed) for seed in range(seeds)]
    return {
        strategy: [
            (reads, fmean(found), stdev(found) / seeds**0.5)
            for at, reads in enumerate(reads_a_post)
            for found in [[getattr(run[at], strategy) for run in runs]]
        ]
        for strategy in ("push", "pull")
    }


def touched_laws(users: int = 2_000) -> dict[str, Callable[[float], float]]:
    """Return the law of each strategy: reads a post -> lists touched a post."""
    mean = mean_followers(users)
    return {"push": lambda reads: push_touches(mean, reads), "pull": lambda reads: pull_touches(mean, reads)}


def mean_followers(users: int = 2_000) -> float:
    """Return how many followers a user has on average."""
    return fmean(len(readers) for readers in followers(users).values())


def pulled_by_law(threshold: int, users: int = 2_000, exponent: float = 0.9) -> float:
    """Return how many celebrities a reader follows on average: the sum of `users / r^s` above the threshold, a user."""
    sizes = [min(users - 1, int(users / rank**exponent)) for rank in range(1, users + 1)]
    return sum(size for size in sizes if size > threshold) / users


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a threshold comes to.

    Attributes
    ----------
    threshold : int or None
        Authors with more followers are pulled; None: nobody.
    visible_s_p99 : float
        From a post until its last follower can see it, the 99th percentile over all posts.
    behind_s_p99 : float
        The same over the posts of those with at most ten followers: who waits behind the others.
    pulled_a_reader : float
        Lists of celebrities that a read has to ask, on average over all readers.
    """

    threshold: int | None
    visible_s_p99: float
    behind_s_p99: float
    pulled_a_reader: float


def thresholds(
    *limits: int | None, users: int = 2_000, posts_a_second: float = 20.0, copies_a_second: float = 500.0,
    posts: int = 20_000, seed: int = 7,
) -> list[Threshold]:  # fmt: skip
    """Let users post at random, all alike, and one worker copy what a threshold leaves to it, first come first.

    Each follower is a copy; the posts are those of a `Feed`, and the time of the worker is worked out from how many
    followers it has to tell, one post after the other.
    """
    require_positive(posts_a_second=posts_a_second, copies_a_second=copies_a_second, posts=posts)
    graph = followers(users, seed=seed)
    names, told = list(graph), []
    for limit in limits:
        feed, luck, gap_s = Feed(graph, threshold=limit), stream(seed, "thresholds"), exponential(1 / posts_a_second)
        now_s = free_s = 0.0
        visible_s, behind_s = [], []
        for _ in range(posts):
            now_s += gap_s(luck)
            author = names[int(luck() * users)]
            _, copies = feed.post(author, "")
            if copies:
                free_s = max(free_s, now_s) + len(copies) / copies_a_second
            visible_s.append(free_s - now_s if copies else 0.0)
            if len(graph[author]) <= 10:
                behind_s.append(visible_s[-1])
        pulled = sum(len(readers) for author, readers in graph.items() if feed.is_pulled(author)) / users
        told.append(Threshold(limit, quantile(visible_s, 0.99), quantile(behind_s or [0.0], 0.99), pulled))
    return told


def threshold_courses(
    levels: Sequence[Threshold], users: int = 2_000
) -> tuple[dict[str, list[tuple[int, float]]], dict[str, list[tuple[int, float]]]]:
    """Return by threshold how long posts take to be seen, and how many lists a read asks; nobody pulled is `users`."""
    by_size = {users if one.threshold is None else one.threshold: one for one in levels}
    told = sorted(by_size.items())
    waits = {
        "p99 of all": [(at, one.visible_s_p99) for at, one in told],
        "p99, ten followers at most": [(at, one.behind_s_p99) for at, one in told],
    }
    return waits, {"asked at each read": [(at, one.pulled_a_reader) for at, one in told]}


@dataclass(frozen=True, slots=True)
class Heard:
    """How clients come to know of changes.

    Attributes
    ----------
    way : str
        "poll", or "subscribe".
    requests : int
        Questions, or messages to a client.
    late_s : float
        From a change until a client knows of it, on average.
    """

    way: str
    requests: int
    late_s: float


def heard(
    *, clients: int = 50, poll_s: float = 10.0, changes_a_second: float = 0.05, push_s: float = 0.05,
    seconds: float = 1_000.0, seed: int = 7,
) -> list[Heard]:  # fmt: skip
    """Let clients poll every `poll_s`, each from a moment of its own, or be told of each change `push_s` later."""
    require_positive(clients=clients, poll_s=poll_s, changes_a_second=changes_a_second, push_s=push_s, seconds=seconds)
    luck, gap_s, changes_s, now_s = stream(seed, "heard"), exponential(1 / changes_a_second), [], 0.0
    while (now_s := now_s + gap_s(luck)) < seconds:
        changes_s.append(now_s)
    polls, late_s = 0, []
    for _ in range(clients):
        asks_s, known = luck() * poll_s, 0
        while asks_s < seconds or known < len(changes_s):
            polls += asks_s < seconds
            while known < len(changes_s) and changes_s[known] <= asks_s:
                late_s.append(asks_s - changes_s[known])
                known += 1
            asks_s += poll_s
    told = clients * len(changes_s)
    return [Heard("poll", polls, fmean(late_s or [0.0])), Heard("subscribe", told, push_s if told else 0.0)]


def heard_courses(*changes_a_second: float, seeds: int = 8, **more: Any) -> dict[str, list[Point]]:
    """Return for each way (changes a second, messages, standard error over seeds)."""
    told: dict[str, list[Point]] = {}
    for rate in changes_a_second:
        runs = [heard(changes_a_second=rate, seed=seed, **more) for seed in range(seeds)]
        for ways in zip(*runs, strict=True):
            requests = [one.requests for one in ways]
            told.setdefault(ways[0].way, []).append((rate, fmean(requests), stdev(requests) / seeds**0.5))
    return told


def heard_laws(*, clients: int = 50, poll_s: float = 10.0, seconds: float) -> dict[str, Callable[[float], float]]:
    """Return the law of each way: changes a second -> messages."""
    return {
        "poll": lambda rate: clients * seconds / poll_s,
        "subscribe": lambda rate: clients * rate * seconds,
    }


def times_as_many(*, seeds: int = 8, **more: Any) -> tuple[float, float]:
    """Return how many times as many messages there are by polling, and the standard error over seeds."""
    runs = [heard(seed=seed, **more) for seed in range(seeds)]
    found = [poll.requests / subscribe.requests for poll, subscribe in runs]
    return fmean(found), stdev(found) / seeds**0.5
