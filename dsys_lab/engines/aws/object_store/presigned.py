"""The valet key of S3: a presigned URL, which boto3 makes without a request and any HTTP client can use.

What is signed (Signature Version 4): the verb, host, path and query of the URL, the time, and the life in seconds. The
size of a put is not among it; S3 has another form for that, a signed POST policy, which is left out here.

moto checks neither seal nor life; SeaweedFS checks both, once it has been told whose keys there are.
"""

from __future__ import annotations

from typing import Final

import httpx

from dsys_lab.engines.aws.object_store.bucket import S3Bucket
from dsys_lab.errors import BadParameter, MayHaveHappened, require_choice, require_positive
from dsys_lab.stores.object_store.valet_key import VERBS, GrantRefused

OPERATIONS: Final = {"get": "get_object", "put": "put_object"}
WITHIN_S: Final = 30.0
OK, FORBIDDEN, ABSENT, ERROR = 200, 403, 404, 500


def presigned(bucket: S3Bucket, verb: str, key: str, *, lives_s: int) -> str:
    """Return a URL that may be used for one verb on one key, for so many whole seconds."""
    require_choice("verb", verb, VERBS)
    require_positive(lives_s=lives_s)
    if lives_s != int(lives_s):
        raise BadParameter(f"lives_s = {lives_s!r}: S3 counts in whole seconds; give one")
    return bucket.client.generate_presigned_url(
        OPERATIONS[verb], Params={"Bucket": bucket.name, "Key": key}, ExpiresIn=int(lives_s)
    )


def fetch(url: str) -> bytes | None:
    """Use a URL to get; None if there is no such object."""
    answer = _asked("GET", url)
    return None if answer.status_code == ABSENT else answer.content


def store(url: str, data: bytes) -> None:
    """Use a URL to put."""
    _asked("PUT", url, data)


def _asked(method: str, url: str, data: bytes | None = None) -> httpx.Response:
    """Ask with no account.

    Raises
    ------
    GrantRefused
        If the server says that this is not for us.
    MayHaveHappened
        If no answer came, or one that says that the server failed.
    """
    try:
        answer = httpx.request(method, url, content=data, timeout=WITHIN_S)
    except httpx.HTTPError as error:
        raise MayHaveHappened(f"no answer to {method} ({error}): look whether it did") from error
    if answer.status_code >= ERROR:
        raise MayHaveHappened(f"the server failed at {method} ({answer.status_code}): look whether it did")
    if answer.status_code not in (OK, ABSENT):
        raise GrantRefused(f"the server refuses this URL ({answer.status_code}): ask for another")
    return answer
