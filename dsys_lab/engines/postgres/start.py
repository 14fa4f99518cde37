"""The start of PostgreSQL, run by the keeper: how does root start a server that refuses root?

`python start.py PROGRAMS DATA SETTING=VALUE…` makes the cluster `DATA` if it is not there yet, and becomes its server:
the process that the keeper started *is* the postmaster in the end, and is asked to stop like any other.

An ordinary user's server runs as that user. Root's runs as `nobody`, who is there already: no account is made, and no
folder is opened to others. What `nobody` needs is handed to them instead:

- the folder around `DATA`, which is a temporary one of ours, becomes theirs;
- the programs are used where they are if `nobody` may run them there, and copied into that folder if not, as when the
  environment stands below `/root` (40 MB, a tenth of a second).

It imports only the standard library, and all of it before it gives up being root: Python itself may stand where
`nobody` cannot read.

Left out: Windows, where the server needs a restricted token instead of another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

UNPRIVILEGED = "nobody"
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}
"""Nothing of the owner's environment is shown to the server's processes, nor changes how they speak."""
INITDB = [
    "--username=postgres",
    "--auth=trust",  # whoever reaches the socket in our private folder
    "--encoding=UTF8",
    "--locale=C",  # the same order of texts on every machine
    "--no-sync",  # a cluster that is thrown away need not survive the machine: two thirds of the time
    "--no-instructions",
]


def start(programs: Path, data: Path, settings: list[str]) -> None:
    """Make the cluster if it is not there, and become its server."""
    signal.signal(signal.SIGQUIT, lambda *_: sys.exit(1))  # until the server is there to heed it: initdb goes with us
    os.chdir(data.parent)
    them: dict[str, Any] = {}
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam(UNPRIVILEGED)
        except KeyError:
            sys.exit(f"PostgreSQL refuses to run as root, and this machine has no user {UNPRIVILEGED} to run it as")
        them = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(data.parent, user.pw_uid, user.pw_gid)
        if not may_run(programs / "postgres", them):
            programs = copy_for(user, programs, data.parent / "programs")
    if not (data / "PG_VERSION").exists():
        made = subprocess.run(  # noqa: S603
            [str(programs / "initdb"), "--pgdata", str(data), *INITDB],
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=ENVIRONMENT, **them,
        )  # fmt: skip
        if made.returncode:
            sys.exit(made.returncode)
    if them:
        os.setgroups([])
        os.setgid(them["group"])
        os.setuid(them["user"])
    postgres = str(programs / "postgres")
    given = [part for setting in settings for part in ("-c", setting)]
    os.execve(postgres, [postgres, "-D", str(data), *given], ENVIRONMENT)  # noqa: S606


def may_run(program: Path, them: dict[str, Any]) -> bool:
    """Return whether they may run the program where it is."""
    try:
        run = subprocess.run([str(program), "--version"], check=False, capture_output=True, **them)  # noqa: S603
    except PermissionError:
        return False
    return run.returncode == 0


def copy_for(user: pwd.struct_passwd, programs: Path, folder: Path) -> Path:
    """Copy the wheel's programs, with the libraries and the data that they look for around them, and give them away."""
    package = programs.parent.parent
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("include", "doc", "*.py"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    for there, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            os.chown(Path(there, name), user.pw_uid, user.pw_gid, follow_symlinks=False)
    return folder / programs.relative_to(package.parent)


if __name__ == "__main__":
    start(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
