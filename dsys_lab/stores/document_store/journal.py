"""What is written down before a document changes?

One record of an append-only log for each change, a document in TLV itself. It carries all that the change does, to the
document *and* to every index, for cards follow from documents: replayed from the start, the log makes both anew, and
they cannot disagree. What a record of an update holds is a choice:

- *whole*: the document as it is afterwards. One field of 8 bytes changed in 20 KB writes 20 KB.
- *delta*: what was done to it. Small, whatever the size of the document; and right only on top of all that came before.

Promise: a record is whole in the log or not there at all (`structures/append_log`).

Left out: checkpoints. The log is never cut short, and opening replays all of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from dsys_lab.errors import Damaged
from dsys_lab.stores.document_store.documents import Document
from dsys_lab.stores.document_store.indexes import PathIndex
from dsys_lab.stores.document_store.tlv import decode, encode
from dsys_lab.stores.document_store.updates import Change

LOGS: Final = ("delta", "whole")
WHATS: Final = ("insert", "whole", "delta", "delete", "index", "drop", "validator")


def inserted(document: Document) -> bytes:
    """Return the record of an insert."""
    return _record("insert", document=document)


def updated(slot: int, document: Document, changes: Sequence[Change], log: str) -> bytes:
    """Return the record of an update, whole or as a delta."""
    if log == "whole":
        return _record("whole", slot=slot, document=document)
    spelled = [{"do": do, "path": list(path), "value": value} for do, path, value in changes]
    return _record("delta", slot=slot, changes=spelled)


def deleted(slot: int) -> bytes:
    """Return the record of a delete."""
    return _record("delete", slot=slot)


def index_made(index: PathIndex) -> bytes:
    """Return the record of a new index."""
    return _record("index", paths=list(index.paths), unique=index.unique, sparse=index.sparse)


def index_dropped(name: str) -> bytes:
    """Return the record of an index that goes."""
    return _record("drop", name=name)


def validator_set(spelled: Document | None) -> bytes:
    """Return the record of a new validator, or of none."""
    return _record("validator", filter=json.dumps(spelled))


def _record(what: str, **fields: Any) -> bytes:
    return encode({"what": what, **fields})


def read(payload: bytes) -> dict[str, Any]:
    """Return what a record says; an index and changes as what they are.

    Raises
    ------
    Damaged
        If it is none.
    """
    told = decode(payload)
    if told.get("what") not in WHATS:
        raise Damaged(f"a record of {told.get('what')!r}: this journal is not a document collection's")
    try:
        match told["what"]:
            case "delta":
                told["changes"] = [Change(one["do"], tuple(one["path"]), one["value"]) for one in told["changes"]]
            case "index":
                told["index"] = PathIndex(tuple(told["paths"]), unique=told["unique"], sparse=told["sparse"])
            case "validator":  # text, for the paths of a filter are no names of a document
                told["filter"] = json.loads(told["filter"])
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"a record without {error}: this journal is not a document collection's") from error
    return told
