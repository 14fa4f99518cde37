"""Wherever the work is done, the reader sees the same; what is touched, and when, is counted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.dataflows.derived_view import PULL, PUSH, STEPS, Feed, Post, Wall
from dsys_lab.errors import BadParameter

USERS = "abcd"
GRAPHS = st.fixed_dictionaries({user: st.sets(st.sampled_from(USERS.replace(user, ""))).map(sorted) for user in USERS})


@settings(max_examples=25, deadline=None)
@given(GRAPHS, st.lists(st.sampled_from(USERS), max_size=12), st.randoms(use_true_random=False))
def test_every_threshold_gives_every_reader_the_same(followers, authors, luck):
    posts = list(enumerate(authors, 1))
    posts.reverse()
    truth = {reader: [place for place, author in posts if reader in followers[author]][:3] for reader in USERS}
    for threshold in (PULL, 1, 2, PUSH):
        feed = Feed(followers, threshold=threshold)
        copies = [(post, one) for author in authors for post, told in [feed.post(author, "")] for one in told]
        luck.shuffle(copies)
        for post, follower in copies:
            feed.tell(post, follower)
        assert {reader: [post.position for post in feed.read(reader, 3)] for reader in USERS} == truth


def test_what_a_post_and_a_read_touch():
    followers = {"star": [f"u{number}" for number in range(10)], **{f"u{number}": ["star"] for number in range(10)}}
    counted = {}
    for threshold in (PULL, 5, PUSH):
        feed = Feed(followers, threshold=threshold)
        feed.publish("star", "")
        for number in range(10):
            feed.read(f"u{number}")
        feed.publish("u1", "")
        feed.read("star")
        status = feed.status()
        counted[threshold] = status.touched_by_posts, status.touched_by_reads, status.celebrities
    assert counted == {PULL: (2, 20, 11), 5: (2, 21, 1), PUSH: (11, 11, 0)}


def test_a_fan_out_that_died_goes_on_and_tells_nobody_twice():
    feed = Feed({"anna": ["ben", "cem", "dora"], "ben": [], "cem": [], "dora": []})
    post, told = feed.post("anna", "slept well")
    assert told == ("ben", "cem", "dora")
    assert feed.tell(post, "cem")
    assert feed.untold(1) == ("ben", "dora")
    assert [bool(feed.read(user)) for user in ("ben", "cem", "dora")] == [False, True, False]
    assert [feed.tell(post, user) for user in told] == [True, False, True]
    assert feed.untold(1) == ()
    assert [len(feed.read(user)) for user in ("ben", "cem", "dora")] == [1, 1, 1]


LINES = st.builds("n{} {} {} text {}".format, st.integers(0, 6), st.sampled_from(USERS), st.integers(0, 3),
                  st.integers(0, 9))  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(GRAPHS, st.lists(LINES, max_size=14), st.integers(1, 3))
def test_the_page_is_the_same_wherever_the_wall_stands(followers, lines, best):
    newest = {line.split()[0]: line.split(maxsplit=3) for line in lines}
    truth = {}
    for reader in USERS:
        own = sorted(([int(stars), name, author, text] for name, author, stars, text in newest.values()
                      if reader in followers[author]), reverse=True)[:best]  # fmt: skip
        truth[reader] = "\n".join(f"{stars} {author}: {text}" for stars, _, author, text in own)
    for eager in range(len(STEPS) + 1):
        wall = Wall(followers, eager=eager, best=best)
        for line in lines:
            wall.write(line)
        assert {reader: wall.read(reader) for reader in USERS} == truth, STEPS[:eager]


def test_each_step_to_the_right_costs_the_writer_and_spares_the_reader():
    followers = {f"u{number}": [f"u{(number + step) % 20}" for step in range(1, 6)] for number in range(20)}
    written, read = [], []
    for eager in range(len(STEPS) + 1):
        wall = Wall(followers, eager=eager)
        for number in range(200):
            wall.write(f"n{number:03} u{number % 20} {number % 7} text")
        for number in range(20):
            wall.read(f"u{number}")
        written.append(wall.status().touched_by_writes / 200)
        read.append(wall.status().touched_by_reads / 20)
    assert written == sorted(written)
    assert read == sorted(read, reverse=True)
    joined = 5 * 200 / 20
    assert written[:6] == [0, 1, 2, 3, 3 + 5, 3 + 5 + 5]
    assert read == [4 * 200 - 200 + 2 * joined + 3, 2 * 200 + 2 * joined + 3, 200 + 2 * joined + 3, 2 * joined + 3,
                    joined + 3, 3, 1]  # fmt: skip


def test_a_line_that_replaces_another_is_taken_out_everywhere():
    wall = Wall({"anna": ["cem"], "ben": ["cem"], "cem": []}, eager=6, best=1)
    for line in ("n1 anna 5 good", "n2 ben 3 fair", "n1 anna 1 bad after all"):
        wall.write(line)
    assert wall.read("cem") == "3 ben: fair"
    wall.write("n2 anna 0 by another")
    assert wall.read("cem") == "1 anna: bad after all"


def told_of(follower, threshold=None):
    """Tell somebody of a post by `a`, whom only `b` follows."""
    feed = Feed({"a": ["b"], "b": [], "c": []}, threshold=threshold)
    post, _ = feed.post("a", "slept well")
    return feed.tell(post, follower)


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda: Feed({"a": []}, threshold=-1), "threshold = -1"),
    (lambda: Feed({"a": []}, threshold=0.5), "threshold = 0.5"),
    (lambda: Feed({"a": ["a"]}), "followers of 'a'"),
    (lambda: Feed({"a": ["b", "b"], "b": []}), "each once"),
    (lambda: Feed({"a": ["b"]}), "users that are keys too"),
    (lambda: Feed({"a": []}).post("b", ""), "no user 'b'"),
    (lambda: Feed({"a": []}).read("b"), "no user 'b'"),
    (lambda: Feed({"a": []}).read("a", 0), "newest = 0"),
    (lambda: Feed({"a": []}).untold(1), "there are posts 1 to 0"),
    (lambda: Feed({"a": ["b"], "b": []}).tell(Post(1, "a", "not here"), "b"), "no post"),
    (lambda: told_of("c"), "'c' is not to be told"),
    (lambda: told_of("b", threshold=0), "'b' is not to be told"),
    (lambda: Wall({"a": []}, eager=7), "eager = 7: give how many of parse, store"),
    (lambda: Wall({"a": []}, eager=True), "eager = True"),
    (lambda: Wall({"a": []}, eager=1, best=0), "best = 0"),
    (lambda: Wall({"a": ["b"]}, eager=1), "users that are keys too"),
    (lambda: Wall({"a": ["b", "b"], "b": []}, eager=4), "each once"),
    (lambda: Wall({"a": []}, eager=0).write(None), "None: give a line as 'name author stars text'"),
    (lambda: Wall({"a": []}, eager=0).write("n1 a " + "9" * 5_000), "stars a whole number"),
    (lambda: Wall({"a": []}, eager=0).write("n1 a"), "give a line as 'name author stars text'"),
    (lambda: Wall({"a": []}, eager=0).write("n1 b 3 text"), "there is no user 'b'"),
    (lambda: Wall({"a": []}, eager=0).read("b"), "no user 'b'"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(wrong, says):
    with pytest.raises(BadParameter, match=says):
        wrong()
