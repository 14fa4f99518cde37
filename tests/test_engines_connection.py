"""One connection for a process, embedded by default, ended with the process: the life that all engines share.

A small engine of this file's own stands for all; NATS and AWS show theirs in `test_engines_nats`, `test_engines_aws`.
"""
from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsys_lab.engines import nats
from dsys_lab.engines.connection import PREFIX, EngineConnection, without_secrets
from dsys_lab.errors import EngineMissing, Refused

SETTING = "DSYS_LAB_TOY"


class ToyServer:
    """A server that only notes its end."""

    def __init__(self) -> None:
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1


class Toy(EngineConnection[ToyServer]):
    """An engine that does nothing, and notes what it is told."""

    SETTING = SETTING
    is_lost = False
    fails: BaseException | None = None
    servers: list[ToyServer] = []  # noqa: RUF012  # emptied by the fixture

    def start(self) -> ToyServer:
        self.servers.append(ToyServer())
        return self.servers[-1]

    def connect(self) -> None:
        self.ends = 0
        if self.fails:
            raise self.fails

    def disconnect(self) -> None:
        self.ends += 1


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(SETTING, raising=False)
    Toy.servers.clear()
    yield
    Toy.shared().close()


def test_it_is_made_once_and_anew_after_it_was_closed() -> None:
    first = Toy.shared()
    assert Toy.shared() is first
    first.close()
    first.close()
    assert (first.ends, first.server.stops) == (1, 1)
    assert Toy.shared() is not first
    assert len(Toy.servers) == 2


def test_a_lost_one_is_ended_and_made_anew() -> None:
    lost = Toy.shared()
    lost.is_lost = True
    assert Toy.shared() is not lost
    assert (lost.ends, lost.server.stops) == (1, 1), "no server is left behind"


def test_each_kind_has_its_own() -> None:
    class Other(Toy):
        pass

    assert type(Other.shared()) is Other
    assert type(Toy.shared()) is Toy
    Other.shared().close()


def test_the_setting_counts_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = Toy.shared()
    monkeypatch.setenv(SETTING, "toy://theirs")
    theirs = Toy.shared()
    assert (theirs.server, theirs.setting, len(Toy.servers)) == (None, "toy://theirs", 1)
    monkeypatch.delenv(SETTING)
    assert Toy.shared() is embedded
    theirs.close()
    assert embedded.is_open


@pytest.mark.parametrize("fails", [EngineMissing("no"), KeyboardInterrupt()])
def test_a_server_whose_client_finds_no_way_is_ended(fails: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Toy, "fails", fails)
    with pytest.raises(type(fails)):
        Toy.shared()
    assert [server.stops for server in Toy.servers] == [1]
    monkeypatch.undo()
    assert Toy.shared().is_open


def test_a_closed_one_refuses_calls() -> None:
    closed = Toy.shared()
    closed.require_open()
    closed.close()
    with pytest.raises(EngineMissing, match="this connection is closed"):
        closed.require_open()


def test_what_was_made_at_somebody_elses_is_removed_and_what_cannot_be_is_told(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(SETTING, "toy://theirs")
    theirs, removed = Toy(), []

    def refuse() -> None:
        raise Refused("not now")

    names = [theirs.new_name() for _ in range(3)]
    assert len(set(names)) == 3
    assert all(name.startswith(PREFIX) for name in names)
    for name in names[:2]:
        theirs.made(name, lambda name=name: removed.append(name))
    theirs.made(names[2], refuse)
    theirs.remove(names[0])
    with pytest.raises(Refused):
        theirs.remove(names[2])
    assert removed == names[:1]
    theirs.close()
    assert removed == names[:2]
    assert capsys.readouterr().err == f"{names[2]} was not removed: not now\n"
    assert theirs.ends == 1


def test_what_was_made_at_ours_goes_with_the_server() -> None:
    ours, removed = Toy.shared(), []
    ours.made("x", lambda: removed.append("x"))
    ours.close()
    assert (removed, ours.server.stops) == ([], 1)


PROGRAM = f"""
    import os, sys
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from test_engines_connection import Toy
    toy = Toy.shared()
    toy.server.stop = lambda: print("stopped by", "owner" if os.getpid() == owner else "fork", flush=True)
    owner = os.getpid()
"""


def output_of(program: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(PROGRAM) + textwrap.dedent(program)], text=True,
                         capture_output=True, check=True, env={**os.environ, SETTING: ""})
    return run.stdout.splitlines()


def test_it_is_ended_on_exit_even_by_an_error() -> None:
    assert output_of("") == ["stopped by owner"]
    assert output_of("raise SystemExit(0)") == ["stopped by owner"]


def test_a_fork_begins_with_none_and_leaves_its_parents_alone() -> None:
    assert output_of("""
        if os.fork() == 0:
            print(toy.is_open, Toy.shared() is toy, flush=True)
            Toy.shared().close()
            sys.exit()
        os.wait()
        print(toy.is_open)
    """) == ["False False", "True", "stopped by owner"]


def test_over_a_closed_connection_nothing_waits_for_an_answer() -> None:
    own = nats.Connection()
    own.close()
    with pytest.raises(EngineMissing, match="this connection is closed"):
        own.call(own.open_client())


@pytest.mark.parametrize(("words", "told"), [
    ("nats://me:se/cret@a", "nats://a"),
    ("me:secret@a,nats://token@b:1", "a,nats://b:1"),
    ("nats://a, b", "nats://a, b"),
    ("postgresql://me:p=w@h:5/db?x=1", "postgresql://h:5/db?x=1"),
    ("postgresql:///db?user=me&password=secret&host=h", "postgresql:///db?user=me&password=…&host=h"),
    ("host=h password='a b' user=me", "host=h password=… user=me"),
    ('no way to "http://me:secret@a:1/"', 'no way to "http://a:1/"'),
])
def test_no_secret_is_told(words: str, told: str) -> None:
    assert without_secrets(words) == told
