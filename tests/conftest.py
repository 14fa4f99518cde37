"""What every test may lean on: notebooks that are really compared, a browser, JupyterLab, and a look at what is left.

Five promises of the suite are kept here rather than in a test file, because they concern every test:

1. A committed cell that was never run fails (nbval alone would pass it, having nothing to compare).
2. A cell may take longer than the rest if its tag says so: `timeout-90`.
3. A missing browser is a named skip on a reader's machine and a failure where DSYS_LAB_CI is set.
4. Where DSYS_LAB_CI is set, what takes long comes by turns of days (`turns`).
5. When the session ends, no process that it started is left: no server, no kernel, no browser.
"""
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
import pytest
import turns

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parent.parent
MARK_OF_THIS_RUN = "DSYS_LAB_TEST_RUN"
GRACE_S = 3.0

NOTEBOOK_OF = re.compile(r"\[(\d\d_\w+)\]$")
VIEWPORT: Any = {"width": 1280, "height": 900}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update", "--disable-sync"]

LAB_SETTINGS = {
    # Every cell stands in the page, so that a test may ask for the last one without scrolling.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# The toolbar says `idle` before the kernel exists, and what is run then is lost: ask the kernel's own connection.
KERNEL_READY = """async () => {
    const notebook = window.jupyterapp?.shell.currentWidget;
    if (!notebook?.context) return false;
    await notebook.context.sessionContext.ready;
    const kernel = notebook.context.sessionContext.session?.kernel;
    return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
RUN_ALL = """() => {
    window.allCellsRan = undefined;
    window.jupyterapp.commands.execute('notebook:run-all-cells').then(
        (ran) => { window.allCellsRan = ran; }, (error) => { window.allCellsRan = String(error); });
}"""
CELL_ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.flatMap(
    (cell) => (cell.outputs ?? []).filter((output) => output.output_type === 'error')
        .map((output) => `${cell.source}\\n${output.ename}: ${output.evalue}`))"""


@pytest.fixture(scope="session")
def find_python() -> Callable[[str], str]:
    """Return a Python of the version asked for, `find_python("3.12")`, from the path, pyenv or uv; or skip."""
    def find(version: str) -> str:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
        uv = subprocess.run([sys.executable, "-m", "uv", "python", "find", "--no-project", "--no-python-downloads",
                             version], capture_output=True, encoding="utf-8", check=False)
        of_pyenv = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
        for candidate in [shutil.which(f"python{version}"), *of_pyenv, uv.stdout.strip()]:
            if candidate and not subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode:
                return str(candidate)
        pytest.skip(f"no Python {version} on this machine")

    return find


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """The shared connection to PostgreSQL, whose server is stopped with the last test."""
    from dsys_lab.engines import postgres

    yield postgres.connection()
    postgres.connection().close()


# ----------------------------------------------------------------------------------------------- notebooks under nbval

def pytest_collectstart(collector: Any) -> None:
    """Leave stderr out of the comparison: progress bars write their timings there."""
    if type(collector).__name__ == "IPyNbFile":
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make each committed cell that was never run a failure, leave out who has no turn, and put the longest first."""
    if turns.are_taken():
        day = turns.today()
        left_out = [item for item in items if not turns.is_run(item.path.stem, day)]
        items[:] = [item for item in items if turns.is_run(item.path.stem, day)]
        if left_out:
            left_out[0].config.hook.pytest_deselected(items=left_out)
    items.sort(key=turn_of)
    for item in items:
        cell = getattr(item, "cell", None)
        if cell is not None and cell.source.strip() and cell.execution_count is None:
            item.runtest = lambda: pytest.fail("committed without being run: `make notebooks`")


def turn_of(item: pytest.Item) -> tuple[int, str, int]:
    """Return when an item's turn is: notebooks, each in the browser and then by nbval; the browser's tests; the rest.

    So no worker is left alone with a notebook at the end, and two browsers seldom run notebooks at once.
    """
    if notebook := NOTEBOOK_OF.search(item.nodeid):
        return 0, notebook[1], 0
    if item.path.suffix == ".ipynb":
        return 0, item.path.stem, 1
    return (1 if item.get_closest_marker("browser") else 2), "", 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a worker a whole file, but of the notebooks in the browser one notebook at a time."""
    from xdist.scheduler import LoadFileScheduling

    class OneNotebook(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            notebook = NOTEBOOK_OF.search(nodeid)
            return notebook[0] if notebook else super()._split_scope(nodeid)

    return OneNotebook(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give a cell the time that its tag asks for, and every other cell the usual."""
    cell = getattr(item, "cell", None)
    if cell is None:
        return
    option = item.config.option
    option.usual_cell_timeout = getattr(option, "usual_cell_timeout", option.nbval_cell_timeout)
    asked = re.search(r"timeout-(\d+)", " ".join(cell.metadata.get("tags", [])))
    option.nbval_cell_timeout = int(asked[1]) if asked else option.usual_cell_timeout


# ---------------------------------------------------------------------------------------------------------- a browser

@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the session; see promise 3 for machines without."""
    executable = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if executable is None:
        missing = "no Chromium on this machine (Debian: apt-get install chromium)"
        pytest.fail(missing) if os.environ.get("DSYS_LAB_CI") else pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of this test's own."""
    profile = browser.new_context(viewport=VIEWPORT)
    yield profile
    profile.close()


class LabServer(NamedTuple):
    """A JupyterLab that serves one folder on loopback."""

    url: str
    token: str

    def ask(self, path: str, method: str = "GET") -> Any:
        """Call the server's own interface and return what it answers."""
        request = urllib.request.Request(f"{self.url}/api/{path}?token={self.token}", method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def end_kernels(self) -> None:
        """End every notebook's kernel."""
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", "DELETE")


class NotebookPage:
    """A notebook open in JupyterLab with its kernel ready."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console_errors: list[str] = []
        self.late_widgets = 0
        page.on("console", lambda said: self.hear(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.hear(str(error)))

    def hear(self, error: str) -> None:
        """Keep an error; a widget that came while the page was busy is mended by `views/hearing.js`, and is counted."""
        late = "[anywidget] Failed to initialize model." in error
        self.late_widgets += late
        self.console_errors += [] if late else [error]

    def run_all(self, timeout_s: float = 300) -> None:
        """Run every cell and return when the last has finished; an error in any cell fails the test."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("window.allCellsRan !== undefined", timeout=timeout_s * 1000, polling=100)
        assert self.page.evaluate(CELL_ERRORS) == []
        assert self.page.evaluate("window.allCellsRan") is True


@pytest.fixture(scope="session")
def start_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LabServer]]:
    """Start JupyterLab in a home of its own: `start_lab(python, folder)`."""
    running: list[subprocess.Popen] = []

    def start(python: str | Path, folder: Path) -> LabServer:
        home = tmp_path_factory.mktemp("home")
        write_settings(home / "settings")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = LabServer(f"http://127.0.0.1:{port}", uuid.uuid4().hex)
        foreign = ("JUPYTER", "PYTHONPATH")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        environment |= {
            "DSYS_LAB_VIEW": "live", "JUPYTER_TOKEN": server.token,
            "HOME": str(home), "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"), "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        }
        log = home / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(python), "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
                 f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True",
                 f"--ServerApp.root_dir={folder}"], env=environment, cwd=folder, stdout=output, stderr=output)
        running.append(process)
        wait_until_answers(server, process, log)
        return server

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        process.wait(30)


def write_settings(folder: Path) -> None:
    """Write JupyterLab's own settings files."""
    for name, settings in LAB_SETTINGS.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings), encoding="utf-8")


def wait_until_answers(server: LabServer, process: subprocess.Popen, log: Path) -> None:
    """Return when the server answers; show its log when it does not."""
    give_up_s = time.monotonic() + 60
    while time.monotonic() < give_up_s and process.poll() is None:
        try:
            server.ask("status")
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


@pytest.fixture(scope="session")
def lab_server(start_lab: Callable[..., LabServer], tmp_path_factory: pytest.TempPathFactory) -> LabServer:
    """JupyterLab of this environment, on a copy of the notebooks that a test may change."""
    folder = tmp_path_factory.mktemp("suite")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    return start_lab(sys.executable, folder)


@contextmanager
def opening(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., NotebookPage]]:
    """Yield what opens notebooks in a profile of its own; afterwards their kernels end."""
    context = browser.new_context(viewport=VIEWPORT)
    used: list[LabServer] = []

    def open_one(stem: str, *, server: LabServer | None = None, script: str = "") -> NotebookPage:
        server = server or request.getfixturevalue("lab_server")
        used.append(server)
        notebook = NotebookPage(context.new_page())
        notebook.page.add_init_script(script)
        # A fresh workspace: the usual one would restore every tab that earlier tests had open.
        workspace = f"{server.url}/lab/workspaces/{uuid.uuid4().hex}"
        notebook.page.goto(f"{workspace}/tree/notebooks/{stem}.ipynb?token={server.token}")
        notebook.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        notebook.page.wait_for_function(KERNEL_READY, timeout=60_000, polling=50)
        return notebook

    yield open_one
    for server in used:
        server.end_kernels()
    context.close()


@pytest.fixture
def open_notebook(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., NotebookPage]]:
    """Open a notebook and wait for its kernel: `open_notebook("13_not_consumed_in_time")`."""
    with opening(browser, request) as open_one:
        yield open_one


# ------------------------------------------------------------------------------------------------- what was measured

def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the browser suite measured on its way: for people, no test asserts it."""
    measured = [(report.nodeid, name, value) for report in terminalreporter.getreports("passed")
                for name, value in getattr(report, "user_properties", [])]
    if measured:
        terminalreporter.section("measured in the browser")
    for nodeid, name, value in sorted(measured):
        terminalreporter.write_line(f"{name}: {value}  ({nodeid.rpartition('[')[2].rstrip(']')})")


# ---------------------------------------------------------------------------------------------- what was left running

def left_running(mark: str) -> list[psutil.Process]:
    """Return the live processes whose environment carries this run's mark, however they were started or orphaned."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get(MARK_OF_THIS_RUN) == mark and process.pid != os.getpid()
            # Python's own tracker of shared memory ends with the process that it serves.
            is_tracker = "resource_tracker" in " ".join(process.cmdline())
            if is_ours and not is_tracker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Mark this run, so that everything started in it can be told from everything else."""
    if not hasattr(config, "workerinput"):
        os.environ[MARK_OF_THIS_RUN] = uuid.uuid4().hex


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session that leaves a process behind, name it, and end it."""
    if hasattr(session.config, "workerinput"):
        return
    mark = os.environ[MARK_OF_THIS_RUN]
    give_up_s = time.monotonic() + GRACE_S
    while (left := left_running(mark)) and time.monotonic() < give_up_s:
        time.sleep(0.1)
    if not left:
        return
    told = "Left running after the last test:\n" + "\n".join(f"  {process.pid} {process.cmdline()}" for process in left)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=GRACE_S)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    reporter.stats.setdefault("error", []).append(pytest.TestReport(
        "tests/conftest.py::nothing_is_left_running", ("tests/conftest.py", 0, "nothing is left running"), {}, "failed",
        told, "teardown"))
    session.exitstatus = pytest.ExitCode.TESTS_FAILED
