"""The partner's end of a real call: httpx, which JupyterLab brings too."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

import httpx

from dsys_lab.brokers.web_hook import Call
from dsys_lab.errors import EngineMissing, MayHaveHappened

ANSWER_WITHIN_S: Final = 15.0
_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The loopback has no TLS. Else httpx would read all the authorities that it trusts, 0.1 s a call."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a call was told.

    Attributes
    ----------
    status : int
    why : str
        The word that came with it.
    retry_after_s : int or None
        When to come again, if it says so.
    """

    status: int
    why: str
    retry_after_s: int | None = None


def call_door(url: str, call: Call, *, within_s: float = ANSWER_WITHIN_S) -> HttpAnswer:
    """Make a call, and return what it is told.

    Raises
    ------
    EngineMissing
        If nobody answers there: certainly nothing was taken.
    MayHaveHappened
        If the call was made and no answer came.
    """
    try:
        said = httpx.post(url, headers=dict(call.headers), content=call.body, timeout=within_s, trust_env=False,
                          verify=_TRUSTS_NOBODY)  # fmt: skip
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise EngineMissing(f"nobody answers at {url} ({error}): is that door stopped? make another HttpDoor") from None
    except httpx.TransportError as error:
        raise MayHaveHappened(
            f"{url} gave no answer ({type(error).__name__}): the event may be stored or not; call again under its id"
        ) from None
    later = said.headers.get("retry-after", "")
    return HttpAnswer(said.status_code, said.text, int(later) if later.isdecimal() else None)
