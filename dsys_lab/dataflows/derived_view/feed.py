"""The newest posts of those whom one follows: copied when they are written, or gathered when somebody reads?

Every author has a list of posts, every reader may have a list of what is new for them:

==========  ====================================================  ==================================================
            a write touches                                       a read touches
==========  ====================================================  ==================================================
`pull`      the author's list: 1                                  the list of each author that the reader follows
`push`      the list of each of the author's followers            the reader's own list: 1
`hybrid`    as push, but for authors with more than `threshold`   the reader's own, and the list of each such author
            followers, as pull                                    that the reader follows
==========  ====================================================  ==================================================

Pull is a hybrid with threshold 0, push one without a threshold. All three answer alike, once what is under way has
arrived: a post of somebody with many followers is many small writes (`post` says to whom, `tell` does one), and until
the last of them is done some followers see it and others do not.

The feed promises
-----------------
1. When nobody is left to be told, every threshold gives every reader the same answer.
2. `tell` twice is as once: whoever dies half-way through the followers begins again, or goes on with `untold`.
3. Newest first is by position, in whatever order the copies arrive.

Cost: counted as lists that are touched, since that is what costs a seek, a lock or a message.

Left out: whom one follows does not change (a new tie would have to bring the older posts along); lists grow for ever.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 1, "Describing load"; Silberstein et al., "Feeding
frenzy: selectively materializing users' event feeds", SIGMOD 2010.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.errors import BadParameter

PULL = 0
"""The threshold at which nobody is pushed who has a follower."""
PUSH = None
"""The threshold at which everybody is pushed."""


class Post(NamedTuple):
    """One post; a higher position is newer."""

    position: int
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """What was asked of a feed, and how many lists were touched for it.

    Attributes
    ----------
    posts, reads : int
    touched_by_posts, touched_by_reads : int
        Lists; a copy that is put twice touches its list twice.
    celebrities : int
        Authors that are pulled.
    """

    posts: int
    reads: int
    touched_by_posts: int
    touched_by_reads: int
    celebrities: int


class Feed:
    """Posts, and who reads them.

    Parameters
    ----------
    followers : dict
        For each user the users who follow them; nobody twice, nobody themselves.
    threshold : int, optional
        Authors with more followers than this are pulled; `PULL` is 0, `PUSH` None.

    Examples
    --------
    >>> feed = Feed({"anna": ["ben", "cem"], "ben": ["cem"], "cem": []}, threshold=1)
    >>> feed.publish("anna", "slept well"), feed.publish("ben", "did not")
    (1, 2)
    >>> [post.text for post in feed.read("cem")]
    ['did not', 'slept well']
    >>> feed.status()
    FeedStatus(posts=2, reads=1, touched_by_posts=2, touched_by_reads=2, celebrities=1)
    """

    def __init__(self, followers: Mapping[str, Iterable[str]], *, threshold: int | None = PUSH) -> None:
        if threshold is not None and (type(threshold) is not int or threshold < 0):
            raise BadParameter(f"threshold = {threshold!r}: give 0 (pull), a number of followers, or None (push)")
        self.threshold = threshold
        self.followers = {author: tuple(readers) for author, readers in followers.items()}
        self._lists: dict[str, list[Post]] = {user: [] for user in self.followers}  # of one's own posts
        self._feeds: dict[str, list[Post]] = {user: [] for user in self.followers}  # of what is new for one
        self._pulled: dict[str, list[str]] = {user: [] for user in self.followers}
        for author, readers in self.followers.items():
            if author in readers or len(set(readers)) < len(readers) or not self.followers.keys() >= set(readers):
                raise BadParameter(f"followers of {author!r}: give users that are keys too, each once, not {author!r}")
            if self.is_pulled(author):
                for reader in readers:
                    self._pulled[reader].append(author)
        self._posts: list[Post] = []
        self._reads = self._touched_by_posts = self._touched_by_reads = 0

    def is_pulled(self, author: str) -> bool:
        """Whether an author's posts are gathered when somebody reads."""
        return self.threshold is not None and len(self._followers_of(author)) > self.threshold

    def _followers_of(self, user: str) -> tuple[str, ...]:
        if user not in self.followers:
            raise BadParameter(f"there is no user {user!r}: followers has {len(self.followers)} of them")
        return self.followers[user]

    # ------------------------------------------------------------ the write path
    def post(self, author: str, text: str) -> tuple[Post, tuple[str, ...]]:
        """Write a post; return it, and the followers who are still to be told."""
        followers = self._followers_of(author)
        post = Post(len(self._posts) + 1, author, text)
        self._posts.append(post)
        if not self.is_pulled(author):
            return post, followers
        self._lists[author].append(post)
        self._touched_by_posts += 1
        return post, ()

    def tell(self, post: Post, follower: str) -> bool:
        """Put a post into a follower's list; return False if it is there.

        Raises
        ------
        BadParameter
            If there is no such post, or its author is pulled or not followed by them: their answer would be another's.
        """
        if self._posts[post.position - 1 : post.position] != [post]:
            raise BadParameter(f"{post!r}: there is no post of this position that says so; give what post() returned")
        if follower not in self._followers_of(post.author) or self.is_pulled(post.author):
            raise BadParameter(f"{follower!r} is not to be told of post {post.position}: post() says who is")
        self._touched_by_posts += 1
        feed = self._feeds[follower]
        at = bisect_left(feed, post)
        if feed[at : at + 1] == [post]:
            return False
        feed.insert(at, post)
        return True

    def untold(self, position: int) -> tuple[str, ...]:
        """Return the followers who do not have the post at this position yet: what a fan-out that died goes on with."""
        if not 0 < position <= len(self._posts):
            raise BadParameter(f"position = {position!r}: there are posts 1 to {len(self._posts)}")
        post = self._posts[position - 1]
        if self.is_pulled(post.author):
            return ()
        return tuple(one for one in self.followers[post.author] if post not in self._feeds[one])

    def publish(self, author: str, text: str) -> int:
        """Write a post and tell every follower at once; return its position."""
        post, followers = self.post(author, text)
        for follower in followers:
            self.tell(post, follower)
        return post.position

    # ------------------------------------------------------------ the read path
    def read(self, reader: str, newest: int = 10) -> list[Post]:
        """Return the newest posts of those whom a reader follows, the newest first."""
        self._followers_of(reader)
        if type(newest) is not int or newest < 1:
            raise BadParameter(f"newest = {newest!r}: give a whole number of posts, 1 or more")
        lists = [self._lists[author] for author in self._pulled[reader]]
        if self.threshold != PULL:
            lists.append(self._feeds[reader])
        self._reads += 1
        self._touched_by_reads += len(lists)
        return heapq.nlargest(newest, (post for one in lists for post in one[-newest:]))

    def status(self) -> FeedStatus:
        """Return what was asked, and what was touched."""
        celebrities = sum(map(self.is_pulled, self.followers))
        return FeedStatus(
            len(self._posts), self._reads, self._touched_by_posts, self._touched_by_reads, celebrities
        )
