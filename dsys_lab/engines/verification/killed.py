"""A desk that is really killed, by SIGKILL, at a seam of its choice, and another one that goes on.

`killed_at` starts a desk as a process of its own (`program`) on a shop's stream and tables, waits until it stands at a
seam, and kills it; `finished` lets a second process go on to the end. A seam is a line that the desk says:
`"act refund/o3"` is the moment at which the refund is committed, and the desk has not written it down.

`killed_inside` goes further in: another client holds the one row of the stock, so the desk stands in the middle of its
transaction, with the act written and the pillow not yet taken, when it is killed. PostgreSQL takes the half back.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from dsys_lab.engines import nats, postgres
from dsys_lab.engines.postgres.connection import ask
from dsys_lab.engines.verification.real import RealShop
from dsys_lab.errors import BadParameter, MayHaveHappened

WITHIN_S: Final = 60.0
"""How long a desk may take to its seam, or to its end."""
WAITS_FOR_A_ROW: Final = """
SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s
"""


def killed_at(shop: RealShop, seam: str) -> list[str]:
    """Let a desk die at a seam; return all that it said.

    Parameters
    ----------
    seam : str
        A line of the desk's: `"before charge/o1"`, `"act refund/o3"`, `"noted o3 refunded"`.

    Raises
    ------
    BadParameter
        If the desk comes to its end without having said that.
    MayHaveHappened
        If it comes to neither within `WITHIN_S`.
    """
    said = []
    with _desk(shop, seam) as desk:
        for line in _lines(desk):
            said.append(line)
            if line == "seam":
                desk.kill()
                break
        else:
            _require_end(desk, said)
            raise BadParameter(f"seam = {seam!r}: the desk never said that; it said {', '.join(said)}")
    return said


def killed_inside(shop: RealShop) -> list[str]:
    """Let a desk die in the middle of its first transaction with the stock; return all that it said."""
    holder = postgres.connection().open_client()
    try:
        ask(holder, "BEGIN")
        ask(holder, f"SELECT * FROM {shop.schema}.stock FOR UPDATE")  # noqa: S608  # a name of ours
        with _desk(shop, "") as desk:
            give_up_s = time.monotonic() + WITHIN_S
            while not postgres.connection().run(WAITS_FOR_A_ROW, (f"UPDATE {shop.schema}.stock%",)):
                if time.monotonic() > give_up_s:
                    raise MayHaveHappened("the desk does not come to the stock: look at its tables")
                time.sleep(0.01)
            desk.kill()
            said = list(_lines(desk))
        ask(holder, "ROLLBACK")
    finally:
        holder.close()
    return said


def finished(shop: RealShop) -> list[str]:
    """Let a desk in a process of its own work to the end; return what it said.

    Raises
    ------
    MayHaveHappened
        If it does not come to its end.
    """
    with _desk(shop, "") as desk:
        said = list(_lines(desk))
        _require_end(desk, said)
    return said


def _require_end(desk: subprocess.Popen[str], said: list[str]) -> None:
    if desk.wait() != 0:
        why = f"the desk ended with {desk.returncode}, or was ended after {WITHIN_S:g} s"
        raise MayHaveHappened(f"{why}: look at its tables, and at what it said, {', '.join(said)}")


@contextmanager
def _desk(shop: RealShop, seam: str) -> Iterator[subprocess.Popen[str]]:
    """Start a desk; whatever happens, it is gone afterwards, and after `WITHIN_S` at the latest."""
    told = {
        "postgres": postgres.connection().url, "nats": nats.connection().addresses,
        "schema": shop.schema, "stream": shop.stream, "seam": seam,
    }  # fmt: skip
    command = [sys.executable, "-P", "-m", "dsys_lab.engines.verification.program"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as desk:  # noqa: S603
        alarm = threading.Timer(WITHIN_S, desk.kill)
        alarm.start()
        try:
            assert desk.stdin is not None
            desk.stdin.write(json.dumps(told) + "\n")
            desk.stdin.flush()
            yield desk
        finally:
            alarm.cancel()
            desk.kill()


def _lines(desk: subprocess.Popen[str]) -> Iterator[str]:
    assert desk.stdout is not None
    for line in desk.stdout:
        yield line.rstrip("\n")
