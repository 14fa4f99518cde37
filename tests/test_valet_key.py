"""A grant opens for what it says and for nothing else: our door, and SeaweedFS behind presigned URLs of boto3."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.engines.aws.object_store import S3Bucket, SeaweedConnection, presigned
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.stores.object_store.valet_key import LIFE_MAX_S, Door, Grant, GrantRefused, grant
from dsys_lab.structures.disk import VolatileDisk

SECRET, OTHER = bytes(range(32)), bytes(32)
S = 1_000_000
KEY, FOREIGN = "films/17", "films/18"


class Hand(Protocol):
    """Somebody with a grant and no account."""

    def granted(self, verb: str, key: str, *, lives_s: int = 60) -> Any: ...
    def get(self, leave: Any) -> bytes | None: ...
    def put(self, leave: Any, data: bytes) -> None: ...
    def for_another_key(self, leave: Any) -> Any: ...
    def for_longer(self, leave: Any) -> Any: ...
    def wait(self, seconds: float) -> None: ...


class AtOurDoor:
    """The model: a grant, and the key that is asked for with it."""

    def __init__(self) -> None:
        self.store, self.now_us = JournaledStore(VolatileDisk()), 0
        self.door = Door(self.store, [SECRET])

    def granted(self, verb: str, key: str, *, lives_s: int = 60) -> tuple[Grant, str]:
        size = 100 if verb == "put" else 0
        return grant(SECRET, verb, key, now_us=self.now_us, lives_s=lives_s, size_max_bytes=size), key

    def get(self, leave: tuple[Grant, str]) -> bytes | None:
        found = self.door.get(*leave, now_us=self.now_us)
        return found.data if found else None

    def put(self, leave: tuple[Grant, str], data: bytes) -> None:
        self.door.put(*leave, data, now_us=self.now_us)

    def for_another_key(self, leave: tuple[Grant, str]) -> tuple[Grant, str]:
        return replace(leave[0], key=FOREIGN), FOREIGN

    def for_longer(self, leave: tuple[Grant, str]) -> tuple[Grant, str]:
        return replace(leave[0], until_us=leave[0].until_us + 60 * S), leave[1]

    def wait(self, seconds: float) -> None:
        self.now_us += int(seconds * 1e6)


@dataclass
class WithUrls:
    """S3's way: the whole grant is a URL."""

    store: S3Bucket

    def granted(self, verb: str, key: str, *, lives_s: int = 60) -> str:
        return presigned.presigned(self.store, verb, key, lives_s=lives_s)

    def get(self, leave: str) -> bytes | None:
        return presigned.fetch(leave)

    def put(self, leave: str, data: bytes) -> None:
        presigned.store(leave, data)

    def for_another_key(self, leave: str) -> str:
        return leave.replace(KEY, FOREIGN)

    def for_longer(self, leave: str) -> str:
        [seconds] = parse_qs(urlsplit(leave).query)["X-Amz-Expires"]
        return leave.replace(f"X-Amz-Expires={seconds}", f"X-Amz-Expires={int(seconds) + 60}")

    def wait(self, seconds: float) -> None:
        time.sleep(seconds + 1.1)  # S3's clock has whole seconds


@pytest.fixture(scope="module", autouse=True)
def no_server_is_left_running() -> Iterator[None]:
    yield
    with suppress(EngineMissing):
        SeaweedConnection.shared().close()


@pytest.fixture(scope="module", params=["model", "seaweedfs"])
def hand(request: pytest.FixtureRequest) -> Iterator[Hand]:
    if request.param == "model":
        yield AtOurDoor()
        return
    try:
        over = SeaweedConnection.shared()
    except EngineMissing as missing:
        pytest.skip(f"SeaweedFS: {missing}")
    with S3Bucket(over=over) as bucket:
        yield WithUrls(bucket)


# ------------------------------------------------------------------------------------------ what both doors promise
def test_a_grant_opens_for_what_it_says_as_often_as_one_likes(hand: Hand) -> None:
    leave = hand.granted("put", KEY)
    hand.put(leave, b"film")
    hand.put(leave, b"another film")  # a replay within its life: nothing stops it, and it writes over the first
    assert hand.store.get(KEY).data == b"another film"
    look = hand.granted("get", KEY)
    assert [hand.get(look), hand.get(look)] == [b"another film"] * 2
    assert hand.get(hand.granted("get", "films/none")) is None


def test_it_opens_for_no_other_verb_key_or_time(hand: Hand) -> None:
    hand.store.put(KEY, b"film")
    hand.store.put(FOREIGN, b"somebody else's")
    look = hand.granted("get", KEY)
    for attempt in (
        lambda: hand.put(look, b"mine"),
        lambda: hand.get(hand.granted("put", KEY)),
        lambda: hand.get(hand.for_another_key(look)),
        lambda: hand.get(hand.for_longer(look)),
    ):
        with pytest.raises(GrantRefused):
            attempt()
    assert (hand.store.get(KEY).data, hand.store.get(FOREIGN).data) == (b"film", b"somebody else's")


def test_after_its_end_it_opens_no_more_and_nobody_can_make_it_longer(hand: Hand) -> None:
    hand.store.put(KEY, b"film")
    leave = hand.granted("get", KEY, lives_s=1)
    hand.wait(1)
    for late in (leave, hand.for_longer(leave)):
        with pytest.raises(GrantRefused):
            hand.get(late)


# ------------------------------------------------------------------------------------------ our door
GRANTS = st.builds(
    Grant,
    verb=st.sampled_from(["get", "put"]), key=st.sampled_from(["a", "ab", 'a", 1', "ä"]),
    until_us=st.integers(0, 30), size_max_bytes=st.integers(0, 12), seal=st.sampled_from(["", "0" * 64, "ä"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(shown=GRANTS, verb=st.sampled_from(["get", "put"]), key=st.sampled_from(["a", "ab"]), keeps=st.booleans())
def test_whatever_is_changed_under_the_seal_closes_the_door(shown: Grant, verb: str, key: str, keeps: bool) -> None:
    door = Door(JournaledStore(VolatileDisk()), [SECRET])
    real = grant(SECRET, verb, key, now_us=0, lives_s=20e-6, size_max_bytes=9 * (verb == "put"))
    tried = replace(shown, seal=real.seal) if keeps else shown
    at = {"now_us": 1}
    ask = {"get": lambda: door.get(tried, tried.key, **at), "put": lambda: door.put(tried, tried.key, b"x", **at)}
    if tried == real:
        ask[verb]()
    else:
        with pytest.raises(GrantRefused, match="the seal is not ours"):
            ask[tried.verb]()


def test_a_secret_is_replaced_while_old_grants_run_out() -> None:
    store = JournaledStore(VolatileDisk())
    old = grant(SECRET, "get", KEY, now_us=0, lives_s=60)
    assert Door(store, [OTHER, SECRET]).get(old, KEY, now_us=1) is None
    with pytest.raises(GrantRefused, match="ask for a grant anew"):
        Door(store, [OTHER]).get(old, KEY, now_us=1)


@pytest.mark.parametrize("forged", [None, 7, ""])
def test_a_seal_that_is_no_seal_is_refused_like_a_false_one(forged: object) -> None:
    hand = AtOurDoor()
    leave = replace(hand.granted("put", KEY)[0], seal=forged)
    with pytest.raises(GrantRefused, match="the seal is not ours"):
        hand.door.put(leave, KEY, b"film", now_us=1)


def test_more_bytes_than_granted_are_refused_and_nothing_is_put() -> None:
    hand = AtOurDoor()
    with pytest.raises(GrantRefused, match="101 bytes: the grant is for 100 at most"):
        hand.put(hand.granted("put", KEY), bytes(101))
    assert hand.store.get(KEY) is None


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: grant(SECRET, "delete", KEY, now_us=0, lives_s=1), "get, put"),
        (lambda: grant(SECRET, "get", "", now_us=0, lives_s=1), "key of 0 bytes"),
        (lambda: grant(SECRET, "get", KEY, now_us=0, lives_s=0), "lives_s = 0"),
        (lambda: grant(SECRET, "get", KEY, now_us=0, lives_s=LIFE_MAX_S + 1), "seven days"),
        (lambda: grant(SECRET, "put", KEY, now_us=0, lives_s=1), "size_max_bytes = 0"),
        (lambda: grant(SECRET, "get", KEY, now_us=0, lives_s=1, size_max_bytes=5), "0 for a get"),
        (lambda: grant(b"short", "get", KEY, now_us=0, lives_s=1), "too short"),
        (lambda: grant("x" * 32, "get", KEY, now_us=0, lives_s=1), "no bytes"),
        (lambda: Door(JournaledStore(VolatileDisk()), []), "give one or more"),
        (lambda: AtOurDoor().door.get("a url", KEY, now_us=0), "give what `grant` made"),
        (lambda: grant(SECRET, "get", KEY, now_us=0, lives_s=1e-9), "lives_s = 1e-09: give a millionth"),
        (lambda: grant(SECRET, "get", KEY, now_us=0, lives_s=float("nan")), "lives_s = nan"),
        (lambda: grant(SECRET, "get", KEY, now_us=0.5, lives_s=1), r"now_us = 0\.5: give a whole number"),
        (lambda: grant(SECRET, "get", KEY, now_us=float("nan"), lives_s=1), "now_us = nan: give a whole number"),
        (lambda: grant(SECRET, "put", KEY, now_us=0, lives_s=1, size_max_bytes=True), "size_max_bytes = True"),
        (lambda: grant(SECRET, "put", KEY, now_us=0, lives_s=1, size_max_bytes=2.5), r"size_max_bytes = 2\.5"),
        (lambda: AtOurDoor().door.get(AtOurDoor().granted("get", KEY)[0], KEY, now_us=float("nan")), "now_us = nan"),
        (lambda: presigned.presigned(None, "delete", KEY, lives_s=1), "get, put"),
        (lambda: presigned.presigned(None, "get", KEY, lives_s=1.5), "whole seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(call: Callable[[], object], told: str) -> None:
    with pytest.raises(BadParameter, match=told):
        call()
