"""Somebody with many followers posts: who sees it when, and who waits behind?

`app` writes posts. A worker takes one after the other and copies each into the lists of its author's followers, so many
copies a second. Authors with more followers than `threshold` are not copied: who follows them asks them when reading. A
post is done when the last follower can see it. When the worker crashes, it goes on with the post at which it was, and
with the followers who do not have it yet.

Sources: the semantics in `dsys_lab.dataflows.derived_view.feed`; the laws in `dsys_lab.laws.derived`.
"""

from __future__ import annotations

from dsys_lab.dataflows.derived_view import Feed, Post
from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.write_path_and_read_path.world import followers
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import exponential

APP, QUEUE, WORKER, FEEDS = "app", "fan-out", "worker", "feeds"
COPIES_MOST = 200_000


class Worker(Machine):
    """Copies posts into the lists of followers, one after the other. Its queue and the lists are on disk."""

    def __init__(self, sim: Simulation, feed: Feed, copies: float) -> None:
        super().__init__(sim, WORKER)
        self.feed, self.copy_s = feed, 1 / copies
        self.queue: list[tuple[Post, int]] = []
        self.news = sim.event()

    def boot(self) -> None:
        """Go on with the first that is not done."""
        self.spawn(self._fan_out())

    def take(self, post: Post) -> None:
        """Put a post into the queue."""
        self.queue.append((post, self.simulation.now_us))
        self.simulation.emit("enqueue", QUEUE, f"p{post.position}", depth=len(self.queue))
        if not self.news.triggered:
            self.news.succeed()

    def _fan_out(self) -> Body:
        sim = self.simulation
        while True:
            while not self.queue:
                self.news = sim.event()
                yield self.news
            post, came_us = self.queue[0]
            message = f"p{post.position}"
            sim.emit("start", WORKER, message, attempt=1)
            for follower in self.feed.untold(post.position):
                copied, arrive_us = f"{message} for {follower}", sim.now_us + round(self.copy_s * 1e6)
                sim.emit("send", WORKER, copied, to=FEEDS, copy=1, type="post", arrive_us=arrive_us)
                yield from self.work(self.copy_s)
                self.feed.tell(post, follower)
                sim.emit("apply", FEEDS, copied, view=FEEDS, position=post.position, copy=1)
            self.queue.pop(0)
            sim.emit("finish", WORKER, message, attempt=1, sojourn_us=sim.now_us - came_us)


@scenario("pulled above {threshold} followers")
def fan_out(
    sim: Simulation,
    *,
    threshold: int | None = None,
    users: int = 60,
    posts: float = 2.0,
    copies: float = 20.0,
    reads: float = 1.0,
    seconds: float = 20.0,
) -> Claims:
    """Somebody posts, `posts` times a second, all users alike; the worker makes `copies` a second; `reads` are reads.

    The first post is that of the user with the most followers.
    """
    require_positive(posts=posts, copies=copies, seconds=seconds)
    require_not_negative(reads=reads)
    if copies * seconds > COPIES_MOST:
        raise BadParameter(f"copies = {copies:g} for {seconds:g} s: give at most {COPIES_MOST:,} copies")
    graph = followers(users, seed=sim.seed)
    names, feed = list(graph), Feed(graph, threshold=threshold)
    worker = Worker(sim, feed, copies)

    def post_now(author: str) -> None:
        post, told = feed.post(author, "")
        message = f"p{post.position}"
        sim.emit("publish", APP, message, attempt=1, author=author, followers=len(graph[author]))
        if told:
            worker.take(post)
        else:
            sim.emit("finish", APP, message, attempt=1, sojourn_us=0)

    def write() -> Body:
        luck = sim.stream("authors")
        post_now(names[0])
        while True:
            yield sim.sleep(exponential(1 / posts)(luck))
            post_now(names[int(luck() * users)])

    def read() -> Body:
        luck = sim.stream("readers")
        while True:
            yield sim.sleep(exponential(1 / reads)(luck))
            reader, touched = names[int(luck() * users)], feed.status().touched_by_reads
            newest = feed.read(reader, 1)
            touched = feed.status().touched_by_reads - touched
            sim.emit("look", FEEDS, view=FEEDS, key=reader, position=newest[0].position if newest else 0, behind_us=0,
                     lists=touched)  # fmt: skip

    sim.spawn(write())
    if reads:
        sim.spawn(read())
    sim.run(seconds)
    return Claims({"conservation": {}}, poster_us=round(min(1.5, seconds / 2) * 1e6))
