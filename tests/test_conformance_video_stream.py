"""What an archive of film promises holds for the stream, and for objects in a bucket: the model's, and S3's by moto."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dsys_lab.brokers.video_stream import Fragment, VideoStream
from dsys_lab.engines.aws.connection import connection
from dsys_lab.engines.aws.film_shelf import FilmShelf
from dsys_lab.engines.aws.object_store import S3Bucket
from dsys_lab.engines.aws.video_stream import VIDEO, answers
from dsys_lab.errors import BadParameter, Damaged
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.structures import VolatileDisk

S = 1_000_000


@pytest.fixture(scope="module", autouse=True)
def moto():
    yield
    connection().close()


class OnTheClock:
    """The stream with the shelf's verbs: each call comes a second after the last."""

    def __init__(self) -> None:
        self.stream, self.now_us = VideoStream("bedroom", VolatileDisk(), retention_s=3_600), 0

    def put(self, fragment):
        self.now_us += S
        self.stream.put(self.now_us, fragment)

    def moment(self, at_us):
        found = self.stream.moment(self.now_us, at_us)
        return found and self.stream.read(self.now_us, found.number)

    def gaps(self, start_us, end_us):
        return self.stream.gaps(self.now_us, start_us, end_us)


@pytest.fixture(params=["the stream", "a bucket of the model", "S3"])
def archive(request) -> Iterator[OnTheClock | FilmShelf]:
    if request.param == "the stream":
        yield OnTheClock()
    elif request.param == "S3":
        with S3Bucket() as bucket:
            yield FilmShelf(bucket)
    else:
        yield FilmShelf(JournaledStore(VolatileDisk()))


def piece(number: int, lasts_s: float = 2.0, data: bytes = b"") -> Fragment:
    return Fragment(f"f{number}", 2 * number * S, round(lasts_s * S), data or b"%d" % number)


def test_a_moment_is_found_where_it_was_filmed_and_not_where_it_came(archive) -> None:
    for number in (0, 3, 1):
        archive.put(piece(number))
    assert [archive.moment(at * S).data for at in (0, 2, 3, 6)] == [b"0", b"1", b"1", b"3"]
    assert archive.moment(4 * S) is None
    assert archive.moment(8 * S) is None
    assert archive.moment(7 * S) == piece(3)


def test_what_is_put_again_is_there_once(archive) -> None:
    for _ in range(2):
        archive.put(piece(1))
    assert archive.moment(2 * S) == piece(1)
    assert [(gap.start_us, gap.end_us) for gap in archive.gaps(0, 6 * S)] == [(0, 2 * S), (4 * S, 6 * S)]


def test_what_is_missing_is_listed(archive) -> None:
    for number in (0, 1, 4):
        archive.put(piece(number, 1.5 if number == 1 else 2.0))
    assert [(gap.start_us / S, gap.end_us / S) for gap in archive.gaps(0, 12 * S)] == [(3.5, 8), (10, 12)]
    assert archive.gaps(0, 3 * S) == ()


def test_of_two_that_overlap_the_later_to_begin_is_shown(archive) -> None:
    archive.put(piece(0, 4.0, b"long"))
    archive.put(piece(1, 1.0, b"short"))
    assert [archive.moment(at * S).data for at in (1, 2, 3)] == [b"long", b"short", b"long"]


def test_another_key_on_the_shelf_is_named() -> None:
    store = JournaledStore(VolatileDisk())
    store.put("bedroom/readme.txt", b"hello")
    with pytest.raises(Damaged, match="is no fragment of 'bedroom'"):
        FilmShelf(store).gaps(0, S)
    with pytest.raises(BadParameter, match="longest_s"):
        FilmShelf(store, longest_s=0)


def test_the_stand_in_makes_streams_and_keeps_no_fragments() -> None:
    told = {one.call: one.answer for one in answers()}
    assert told == {
        "create_stream": "answered", "describe_stream": "answered", "get_data_endpoint": "answered",
        "put_media": "boto3 has no such call", "list_fragments": "not by the stand-in",
        "get_hls_streaming_session_url": "not by the stand-in", "delete_stream": "answered",
    }  # fmt: skip
    assert all(one.model and one.engine and one.difference for one in VIDEO)
