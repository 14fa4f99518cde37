"""Exercises of lab 22: where the wall stands, whose posts are copied, and eight techniques on one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.write_path_and_read_path import fan_out, walls
from dsys_lab.scenarios.write_path_and_read_path.standings import standings
from dsys_lab.scenarios.write_path_and_read_path.world import followers as drawn_followers
from dsys_lab.simulation.chance import stream
from dsys_lab.views import charts

LAB: Final = 22
WITHIN: Final = 1.05
"""How many times the best cost an answer may cost."""

Stand = tuple[float, float]
"""Rows that a write and a read touch."""


# ------------------------------------------------------------------------------------------ (a) where to put the wall
def place_wall(stands: Sequence[Stand], writes: float, reads: float, wait_rows: float) -> int | None:
    """Return the place that touches the fewest rows a second, of those where no reader waits too long."""
    allowed = [place for place, (_, a_read) in enumerate(stands) if a_read <= wait_rows]
    return min(allowed, key=lambda place: writes * stands[place][0] + reads * stands[place][1], default=None)


class _Load(NamedTuple):
    """What `place_wall` is given."""

    stands: tuple[Stand, ...]
    writes: float
    reads: float
    wait_rows: float

    def cost(self, place: int) -> float:
        a_write, a_read = self.stands[place]
        return self.writes * a_write + self.reads * a_read

    def __str__(self) -> str:
        stands = ", ".join(f"({a_write:g}, {a_read:g})" for a_write, a_read in self.stands)
        return (
            f"stands [{stands}], {self.writes:g} writes and {self.reads:g} reads a second, at most {self.wait_rows:g} "
            "rows a read"
        )


@lru_cache(maxsize=1)
def _loads() -> tuple[_Load, ...]:
    chance, told = stream(2201, "loads"), []
    for seed in (101, 102, 103):
        stands = tuple((round(one.a_write, 1), round(one.a_read, 1))
                       for one in standings(users=30, writes=60, reads=60, seed=seed))  # fmt: skip
        for _ in range(20):
            reads = float(f"{10 ** (5 * chance() - 2):.2g}")
            wait_rows = float(f"{10 ** (0.2 + 2.6 * chance()):.3g}")
            told.append(_Load(stands, round(1 + 20 * chance(), 1), reads, wait_rows))
    wide = told[0].stands
    return (*told, _Load(wide, 1.0, 0.001, wide[0][1]), _Load(wide, 10.0, 1.0, 0.5))


def check_place_wall(function: Callable[..., Any]) -> Verdict:
    """Hold the function against sixty loads of three small worlds."""
    for load in _loads():
        said, truth = function(list(load.stands), *load[1:]), place_wall(*load)
        if said is not None and (type(said) is not int or not 0 <= said < len(load.stands)):
            raise Misuse(f"it returned {brief(said)}; give the place of a wall, 0 to {len(load.stands) - 1}, or None")
        if said != truth:
            return Verdict(passed=False, saw=f"{_slip_of_wall(load, said, truth)} The case: {load}.")
    return Verdict(passed=True, saw=f"Right for {len(_loads())} loads.")


def _slip_of_wall(load: _Load, said: int | None, truth: int | None) -> str:
    if said is None:
        return f"You said None, and with the wall at {truth} no read touches more than is allowed."
    if load.stands[said][1] > load.wait_rows:
        told = f"With the wall at {said} a read touches {load.stands[said][1]:g} rows, more than a reader waits for"
        return f"{told}: {'no place is left, so None' if truth is None else f'{truth} is allowed'}."
    assert truth is not None, "a place that is allowed was given"
    told = f"The wall at {said} touches {load.cost(said):,.0f} rows a second, at {truth} only {load.cost(truth):,.0f}."
    each = [sum(stand) for stand in load.stands]
    if said == min(range(len(each)), key=each.__getitem__):
        return f"{told} One write and one read do not come equally often."
    return f"{told} Count the rows of both sides, each as often as it comes."


def _chart_of_walls(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw what the reader's places cost beside the cheapest, as ever more is read."""
    stands = _loads()[0].stands
    loads = [_Load(stands, 1.0, 10 ** (step / 2), 1e9) for step in range(-6, 7)]
    said = [(load.reads, function(list(load.stands), *load[1:])) for load in loads]
    if not all(type(place) is int and 0 <= place < len(stands) for _, place in said):
        return None
    best = [(load.reads, load.cost(place_wall(*load) or 0)) for load in loads]
    yours = [(load.reads, load.cost(place)) for load, (_, place) in zip(loads, said, strict=True)]
    return charts.lines({"yours": yours}, laws={"the cheapest": best}, title="What does your wall cost?",
                        x="reads a write", y="rows a second", log_x=True, log_y=True)  # fmt: skip


PLACE_WALL: Final = Exercise(
    lab=LAB,
    name="place_wall",
    title="Where does the wall stand?",
    statement="""
`stands` is a list with a pair for each place of the wall, from all at the read to all at the write: the rows that one
write touches there, and the rows that one read touches. There are `writes` and `reads` a second, and no reader may
wait for more than `wait_rows` rows.

Return the place (its number in the list) that touches the fewest rows a second of all that are allowed, or `None` if
none is.""",
    skeleton="def place_wall(stands, writes, reads, wait_rows):\n    ...",
    example="`place_wall([(0, 100), (3, 20), (30, 1)], 10, 1, 50)` is `1`: 50 rows a second, and 20 for a reader.",
    hints=(
        "Two questions: which places are allowed at all, and which of these is the cheapest?",
        "A place costs `writes * a_write + reads * a_read` rows a second.",
        "`min(allowed, key=..., default=None)` says None where nothing is allowed.",
    ),
    check=check_place_wall,
    play=lambda function: [walls(eager=3, row_ms=80.0), walls(eager=6, row_ms=80.0)],
    picture=_chart_of_walls,
    is_pure=True,
    answer=place_wall,
)

# ------------------------------------------------------------------------------------------ (b) whose posts are copied
Followers = Mapping[str, Sequence[str]]


def push_set(followers: Followers, posts: Mapping[str, int], reads: Mapping[str, int]) -> set[str]:
    """Return the authors whose posts are cheaper to copy than to ask for."""
    return {
        author
        for author, readers in followers.items()
        if posts[author] * len(readers) < posts[author] + sum(reads[reader] for reader in readers)
    }


class _Town(NamedTuple):
    """Who follows whom, and how often they post and read in an hour."""

    followers: dict[str, list[str]]
    posts: dict[str, int]
    reads: dict[str, int]

    def pushed(self, author: str) -> int:
        """Return the lists that an author's posts touch when they are copied."""
        return self.posts[author] * len(self.followers[author])

    def pulled(self, author: str) -> int:
        """Return the same when followers ask: the author's own list at each post, and again at each of their reads."""
        return self.posts[author] + sum(self.reads[reader] for reader in self.followers[author])

    def cost(self, pushed: set[str]) -> int:
        """Return the lists touched in an hour, a reader's own at each read among them."""
        ways = sum(self.pushed(author) if author in pushed else self.pulled(author) for author in self.followers)
        return ways + sum(self.reads.values())


@lru_cache(maxsize=1)
def _towns() -> tuple[_Town, ...]:
    told = []
    for number in range(5):
        chance, graph = stream(2202, f"town/{number}"), drawn_followers(60, seed=200 + number)
        posts = {name: int(10 ** (2 * chance())) for name in graph}
        reads = {name: int(10 ** (2.2 * chance())) for name in graph}
        told.append(_Town(graph, posts, reads))
    return tuple(told)


def _answer_of(function: Callable[..., Any], town: _Town) -> set[str]:
    said = function({name: list(readers) for name, readers in town.followers.items()}, dict(town.posts),
                    dict(town.reads))  # fmt: skip
    if not isinstance(said, set | frozenset | list | tuple) or not set(said) <= town.followers.keys():
        raise Misuse(f"it returned {brief(said)}; give a set of authors, all of them keys of followers")
    return set(said)


def check_push_set(function: Callable[..., Any]) -> Verdict:
    """Count the lists that the reader's choice touches in five towns, against the best choice."""
    over = []
    for town in _towns():
        said, best = _answer_of(function, town), push_set(*town)
        over.append(town.cost(said) / town.cost(best))
        if over[-1] > WITHIN:
            return Verdict(passed=False, saw=_slip_of_pushing(town, said, best))
    return Verdict(passed=True, saw=f"In five towns at most {100 * (max(over) - 1):.1f} % more than the best.")


def _slip_of_pushing(town: _Town, said: set[str], best: set[str]) -> str:
    told = f"Your choice touches {town.cost(said):,} lists an hour, the best {town.cost(best):,}."
    wrong = max(said ^ best, key=lambda one: (abs(town.pushed(one) - town.pulled(one)), one))
    case = (
        f"Dearest is {wrong}, {'pushed' if wrong in said else 'pulled'}: {town.posts[wrong]} posts to "
        f"{len(town.followers[wrong])} followers are {town.pushed(wrong)} copies; asked for, it is "
        f"{town.pulled(wrong)} looks."
    )
    sizes = {name: len(readers) for name, readers in town.followers.items()}
    if not said or len(said) == len(sizes):
        return f"{told} {'All' if said else 'Nobody'} pushed is the wall in one place for everybody. {case}"
    rest = [sizes[name] for name in sizes if name not in said]
    if max(sizes[name] for name in said) <= min(rest) or min(sizes[name] for name in said) >= max(rest):
        return f"{told} The number of followers alone does not decide it: how often do they read? {case}"
    return f"{told} {case}"


def _chart_of_pushing(function: Callable[..., Any]) -> charts.Chart:
    """Draw the reader's choice in the first town beside three others."""
    town = _towns()[0]
    choices = {"the best": push_set(*town), "yours": _answer_of(function, town), "all pushed": set(town.followers),
               "all pulled": set[str]()}  # fmt: skip
    costs = {name: float(town.cost(pushed)) for name, pushed in choices.items()}
    return charts.bars(costs, title="Lists touched in an hour", unit="lists")


PUSH_SET: Final = Exercise(
    lab=LAB,
    name="push_set",
    title="Whose posts are copied?",
    statement="""
`followers` has for each author a list of readers; `posts` and `reads` say how often each of them posts and reads in an
hour. A post that is *pushed* touches one list for each follower. An author who is *pulled* touches their own list at
each post, and it is touched again whenever one of the followers reads. (At each read a reader's own list is touched in
any case.)

Return the set of authors to push, such that in all at most 5 % more lists are touched than by the best choice.""",
    skeleton="def push_set(followers, posts, reads):\n    ...",
    example=(
        '`push_set({"ann": ["ben"], "ben": []}, {"ann": 2, "ben": 0}, {"ann": 0, "ben": 9})` is `{"ann"}`: 2 copies '
        "instead of 2 + 9."
    ),
    hints=(
        "Each author is a wall of their own: nobody's choice changes what another's costs.",
        "Pushed: posts times followers. Pulled: posts, and the reads of all followers.",
        "A set with a condition: `{author for author in followers if pushed < pulled}`.",
    ),
    check=check_push_set,
    play=lambda function: [fan_out(), fan_out(threshold=10)],
    picture=_chart_of_pushing,
    is_pure=True,
    answer=push_set,
)

# ------------------------------------------------------------------------------------------ (c) eight on one line
TECHNIQUES: Final[dict[str, str]] = {
    "a log file that is searched": "the lines, as they came",
    "a file of columns without an index": "what each line says, taken apart",
    "a table with a primary key": "each post under its name, the newest only",
    "a secondary index on the author": "each author's posts together",
    "a feed, copied to each follower": "for each reader the posts of all whom they follow",
    "the best three of each feed, kept by a trigger": "for each reader the three that will be shown",
    "a cache of pages, rendered at each write": "for each reader the finished page",
    "the page pushed to every phone": "the finished page, where it is looked at",
}
"""From all work at the read to all at the write, each with what it keeps."""
_NAMES: Final = "\n".join(f"- {name}" for name in sorted(TECHNIQUES))


def in_order(names: Sequence[str]) -> list[str]:
    """Return the techniques by how far the write path reaches."""
    line = [
        "a log file that is searched",
        "a file of columns without an index",
        "a table with a primary key",
        "a secondary index on the author",
        "a feed, copied to each follower",
        "the best three of each feed, kept by a trigger",
        "a cache of pages, rendered at each write",
        "the page pushed to every phone",
    ]
    return sorted(names, key=line.index)


@lru_cache(maxsize=1)
def _a_read() -> dict[str, float]:
    """Return the rows that a read of each technique touches, as the wall counts them; on the phone, none of ours."""
    return dict(zip(TECHNIQUES, [*(one.a_read for one in standings()), 0.0], strict=True))


def check_in_order(function: Callable[..., Any]) -> Verdict:
    """Give the names in four orders."""
    line, chance = list(TECHNIQUES), stream(2203, "orders")
    for _ in range(4):
        given = sorted(line, key=lambda _: chance())
        said = function(list(given))
        if not isinstance(said, list | tuple) or sorted(map(str, said)) != sorted(line):
            raise Misuse(f"it returned {brief(said)}; give a list of the eight names, each once")
        if list(said) == line[::-1]:
            return Verdict(passed=False, saw="The other way round: first the one that leaves all work to the read.")
        for one, other in zip(said, list(said)[1:], strict=False):
            if line.index(one) > line.index(other):
                return Verdict(passed=False, saw=_slip_of_order(one, other))
    return Verdict(passed=True, saw="From 'a log file that is searched' to 'the page pushed to every phone'.")


def _slip_of_order(one: str, other: str) -> str:
    rows = _a_read()
    return (
        f"You put {one} before {other}. But the first keeps {TECHNIQUES[one]}, the second {TECHNIQUES[other]}: after "
        f"them a read touches {rows[one]:.3g} and {rows[other]:.3g} rows, in the world of experiment 1."
    )


def _chart_of_order(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw how many rows a read touches, in the reader's order: it should only fall."""
    said, rows = function(list(TECHNIQUES)), _a_read()
    if not isinstance(said, list | tuple) or not set(said) <= rows.keys():
        return None
    points = [(place, max(rows[name], 0.1)) for place, name in enumerate(said, 1)]
    return charts.lines({"rows a read": points}, title="In your order: what does a read touch?",
                        x="place in your order", y="rows (none is drawn as 0.1)", log_y=True, whole_x=True)  # fmt: skip


IN_ORDER: Final = Exercise(
    lab=LAB,
    name="in_order",
    title="Eight techniques on one line",
    statement=f"""
Sleepers post lines, and each reads a page of the best of those whom they follow. Eight techniques, in no order:

{_NAMES}

`names` is a list of them. Return it ordered by where the wall stands: first what leaves all work to the read, last what
has done all of it at the write.""",
    skeleton="def in_order(names):\n    return names",
    example='An answer that ends with `"a log file that is searched"` has the wall the wrong way round.',
    hints=(
        "For each of them: what is left to do when somebody reads?",
        "The steps are parse, store, index, join, rank, render; and one more, on the phone.",
        "Write down the line once, and sort by the place in it: `sorted(names, key=line.index)`.",
    ),
    check=check_in_order,
    play=lambda function: (),
    picture=_chart_of_order,
    answer=in_order,
)

# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="The number beside the envelope",
    statement="""
An app for fifty million people shows a number beside an envelope: how many messages one has not read yet. It is on
every page, so it is read some hundred times for each message that comes; some people have a hundred thousand unread
messages, most have none. A message that was read on the phone must not be counted on the laptop.

Where does the wall stand: is the number counted, kept, cached, or pushed? What may be old, and for how long? What is
true, if two of them disagree?""",
    model_answer="""
The messages and their *read* marks are the truth; the number is derived, and can be counted again at any time. It is
read a hundred times a write, so by the law of experiment 1 the wall belongs to the right: the number is *kept*, one row
for each person, and it touches one row a write.

Kept by +1 and -1 it must hear of each change exactly once: the change of the number goes into the same transaction as
the message or the mark, or it is folded from a log by position, where a repeat is seen. A mark that is set twice must
not count twice: what changes the number is a row that *turned* read, not a call that says so. A night's job counts a
sample again and repairs what differs; how many differ is the meter to watch.

It is shown as "99+" from a hundred on. Whoever has a hundred thousand unread is the celebrity of this feed, and an
exact number is work for which nobody looks: beyond the bound one can stop counting.

The last step is on the client: it subscribes, and is sent the new number with its *position*. A phone that was off asks
for the number as of now, not for all changes. One's own act must be seen at once: who reads a message lowers the number
in the app right away, and takes the server's only if its position is past that act; else it would jump back.

Others may see it some seconds late, and the number may even be wrong for a minute. What may not happen is that it
says *none* while a message waits: so in doubt it is counted when somebody opens the envelope, for there the list itself
is the truth, and it is on the screen.""",
)

TASKS: Final = (PLACE_WALL, PUSH_SET, IN_ORDER, DESIGN)
