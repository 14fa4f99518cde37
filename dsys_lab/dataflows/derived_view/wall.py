"""How much of the work is done when something is written, and how much is left for whoever reads?

A line that somebody posts becomes part of a page that somebody else sees in six steps. A *wall* stands between two of
them: what is left of it is done for every line that is written (eager), what is right of it for every page that is read
(lazy). An index, a view, a feed and a cache of pages are this same wall in different places::

             parse    store      index            join               rank           render
    line --> post --> by name -> by author  -->   for each reader -> the best -->   page
             |        |          |                |                  |              |
      wall 0 1        2          3 (an index)     4 (a feed)         5 (a view)     6 (a cache of pages)

=========  ==================================================  =====================================================
step       touches, done when written                          touches, done when read
=========  ==================================================  =====================================================
`parse`    1 line                                              every line
`store`    1 post, put under its name (the newer one stays)    every post
`index`    1 post, put under its author                        every post
`join`     the list of each follower                           each post of each author whom the reader follows
`rank`     the best of each follower                           each post in the reader's list
`render`   each post of each follower's page                   each post of the page
=========  ==================================================  =====================================================

The page promises to be the same wherever the wall stands. What moves is the cost, and with it who waits.

A line is `name author stars text`: a second line of the same name replaces the first. The best are those with the
most stars, and of equals the name that comes later in the alphabet. A step that is done eagerly keeps its result, so
everything that is left of the wall takes room as well; only the result right at the wall is needed.

Left out: whom one follows does not change. What was replaced has to be taken out of every list, and out of the best of
a page whose next best nobody kept: so `rank` looks at the follower's whole list again whenever a line replaces another.

Source: Kleppmann, *Designing Data-Intensive Applications*, ch. 12, "Observing derived state".
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from dsys_lab.errors import BadParameter

STEPS: Final = ("parse", "store", "index", "join", "rank", "render")
DIGITS_MOST: Final = 9
"""How many digits the stars of a line may have."""


class Ranked(NamedTuple):
    """A post that was parsed; the larger is the better."""

    stars: int
    name: str
    author: str
    text: str


Named = dict[str, Ranked]


@dataclass(frozen=True, slots=True)
class WallStatus:
    """What was asked, and how many rows were touched for it.

    Attributes
    ----------
    writes, reads : int
    touched_by_writes, touched_by_reads : int
    """

    writes: int
    reads: int
    touched_by_writes: int
    touched_by_reads: int


class Wall:
    """Lines that become pages, with a wall on the way.

    Parameters
    ----------
    followers : dict
        For each user the users who follow them, nobody twice; a user may see their own lines.
    eager : int
        How many of `STEPS` are done when a line is written, 0 to 6.
    best : int
        How many posts a page has.

    Attributes
    ----------
    touched : Counter
        What the last write, or the last read, touched in each step.

    Examples
    --------
    >>> wall = Wall({"anna": ["ben"], "ben": []}, eager=3)
    >>> wall.write("n1 anna 5 slept well")
    >>> wall.read("ben")
    '5 anna: slept well'
    >>> wall.status()
    WallStatus(writes=1, reads=1, touched_by_writes=3, touched_by_reads=3)
    """

    def __init__(self, followers: Mapping[str, Iterable[str]], *, eager: int, best: int = 3) -> None:
        if type(eager) is not int or not 0 <= eager <= len(STEPS):
            raise BadParameter(f"eager = {eager!r}: give how many of {', '.join(STEPS)} are done when written, 0 to 6")
        if type(best) is not int or best < 1:
            raise BadParameter(f"best = {best!r}: give a whole number of posts, 1 or more")
        self.eager, self.best = eager, best
        self.followers = {author: tuple(readers) for author, readers in followers.items()}
        self.follows: dict[str, list[str]] = {user: [] for user in self.followers}
        for author, readers in self.followers.items():
            if len(set(readers)) < len(readers) or not self.follows.keys() >= set(readers):
                raise BadParameter(f"followers of {author!r}: {readers!r}; give users that are keys too, each once")
            for reader in readers:
                self.follows[reader].append(author)
        self._lines: list[str] = []
        self._parsed: list[Ranked] = []
        self._stored: Named = {}
        self._indexed: dict[str, Named] = {}
        self._joined: dict[str, Named] = {}
        self._ranked: dict[str, list[Ranked]] = {}
        self._pages: dict[str, str] = {}
        self._writes = self._reads = self._touched_by_writes = self._touched_by_reads = 0
        self.touched: Counter[str] = Counter()

    # ------------------------------------------------------------ the write path: one line, as far as the wall
    def write(self, line: str) -> None:
        """Take in a line, and do with it what is done eagerly."""
        post = parsed(line)  # who posts nonsense is told so, wherever the wall stands
        if post.author not in self.followers:
            raise BadParameter(f"{line!r}: there is no user {post.author!r}")
        self.touched, self._writes = Counter(), self._writes + 1
        self._lines.append(line)
        if self.eager >= 1:
            self._parsed.append(self._parse(line))
        if self.eager >= 2:
            old = self._stored.get(post.name)
            self._put("store", self._stored, post)
            self.carry_on(old, post)
        self._touched_by_writes += self.touched.total()

    def carry_on(self, old: Ranked | None, post: Ranked) -> None:
        """Do the eager steps after `store`: take out what is replaced, put in what is new."""
        if self.eager >= 3:
            if old is not None:
                self._take("index", self._indexed[old.author], old)
            self._put("index", self._indexed.setdefault(post.author, {}), post)
        if self.eager < 4:
            return
        before = self.followers[old.author] if old is not None else ()
        for reader in before:
            self._take("join", self._joined[reader], old)
        for reader in self.followers[post.author]:
            self._put("join", self._joined.setdefault(reader, {}), post)
        for reader in dict.fromkeys((*before, *self.followers[post.author])):
            if self.eager >= 5:
                self._ranked[reader] = self._rank_anew(reader, post, replaces=reader in before)
            if self.eager >= 6:
                self._pages[reader] = self._render(self._ranked[reader])

    def _rank_anew(self, reader: str, post: Ranked, *, replaces: bool) -> list[Ranked]:
        if replaces:
            return self._rank(self._joined[reader])
        self.touched["rank"] += 1
        return heapq.nlargest(self.best, [*self._ranked.get(reader, []), post])

    # ------------------------------------------------------------ the read path: from the wall to the page
    def read(self, reader: str) -> str:
        """Return a reader's page, doing what was not done yet."""
        if reader not in self.follows:
            raise BadParameter(f"there is no user {reader!r}: followers has {len(self.follows)} of them")
        self.touched, self._reads = Counter(), self._reads + 1
        page = self.page_of(reader)
        self._touched_by_reads += self.touched.total()
        return page

    def page_of(self, reader: str) -> str:
        """Return a reader's page: as it is kept, or made of what is."""
        if self.eager >= 6:
            self.touched["render"] += 1
            return self._pages.get(reader, "")
        ranked = self._ranked.get(reader, []) if self.eager >= 5 else self._rank(self.of_reader(reader))
        return self._render(ranked)

    def of_reader(self, reader: str) -> Named:
        """Return the posts of all whom a reader follows."""
        if self.eager >= 4:
            return self._joined.get(reader, {})
        indexed, joined = self.by_author(), Named()
        for author in self.follows[reader]:
            for post in indexed.get(author, {}).values():
                self._put("join", joined, post)
        return joined

    def by_author(self) -> dict[str, Named]:
        """Return the posts of each author."""
        if self.eager >= 3:
            return self._indexed
        indexed: dict[str, Named] = {}
        for post in self.by_name().values():
            self._put("index", indexed.setdefault(post.author, {}), post)
        return indexed

    def by_name(self) -> Named:
        """Return the newest post of each name."""
        if self.eager >= 2:
            return self._stored
        stored: Named = {}
        for post in self._parsed if self.eager >= 1 else [self._parse(line) for line in self._lines]:
            self._put("store", stored, post)
        return stored

    # ------------------------------------------------------------ the steps, each counting what it touches
    def _parse(self, line: str) -> Ranked:
        self.touched["parse"] += 1
        return parsed(line)

    def _put(self, step: str, into: Named, post: Ranked) -> None:
        self.touched[step] += 1
        into[post.name] = post

    def _take(self, step: str, out_of: Named, post: Ranked | None) -> None:
        assert post is not None, "what is replaced was there"
        self.touched[step] += 1
        del out_of[post.name]

    def _rank(self, posts: Named) -> list[Ranked]:
        self.touched["rank"] += len(posts)
        return heapq.nlargest(self.best, posts.values())

    def _render(self, posts: list[Ranked]) -> str:
        self.touched["render"] += len(posts)
        return "\n".join(f"{post.stars} {post.author}: {post.text}" for post in posts)

    def status(self) -> WallStatus:
        """Return what was asked, and what was touched."""
        return WallStatus(self._writes, self._reads, self._touched_by_writes, self._touched_by_reads)


def parsed(line: str) -> Ranked:
    """Return the post that a line says.

    Raises
    ------
    BadParameter
        If it says none.
    """
    name, author, stars, text = (*(line.split(maxsplit=3) if isinstance(line, str) else ()), "", "", "", "")[:4]
    if not (author and stars.isdecimal() and len(stars) <= DIGITS_MOST):
        raise BadParameter(
            f"{line!r}: give a line as 'name author stars text', stars a whole number of {DIGITS_MOST} digits at most"
        )
    return Ranked(int(stars), name, author, text)
