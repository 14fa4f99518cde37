"""In what state is the table found, and is it the one that was asked for?"""

from __future__ import annotations

from dsys_lab.errors import BadParameter, Damaged, require_choice, require_positive
from dsys_lab.stores.column_store import manifest as manifests
from dsys_lab.stores.column_store.column_files import ColumnFiles
from dsys_lab.stores.column_store.manifest import Manifest
from dsys_lab.structures.append_log import AppendLog, segment_names
from dsys_lab.structures.disk import Disk
from dsys_lab.structures.encoding import CODECS
from dsys_lab.structures.encoding.codec import WHOLE
from dsys_lab.structures.schema import Schema

LAYOUTS = ("columns", "row_groups")
"""Each column in a file of its own (DSM), or all of a row group's columns side by side in one file (PAX)."""


def check_settings(
    schema: Schema, *, key: str, layout: str, codec: str | None, row_group_rows: int, merge_rows: int
) -> None:
    """Refuse settings that mean nothing."""
    column = schema.columns[schema.position(key)]
    if column.type not in WHOLE or column.nullable:
        kind = f"{column.type}{' that may be NULL' if column.nullable else ''}"
        raise BadParameter(f"key {key!r} is a {kind}; give a column of whole numbers that is never NULL")
    require_choice("layout", layout, LAYOUTS)
    require_positive(row_group_rows=row_group_rows, merge_rows=merge_rows)
    if codec is not None:
        require_choice("codec", codec, tuple(CODECS))


def open_manifest(disk: Disk, asked: Manifest) -> Manifest:
    """Return the manifest that counts; write the one that is asked for where there is none, after an empty log.

    So where there is a manifest there is a log, and if there is none it was taken away.

    Raises
    ------
    Damaged
        If it is not whole, or is missing although there are files; if the log is missing.
    BadParameter
        If the table has another schema, key or layout.
    """
    found = manifests.newest(disk)
    if found is None:
        if others := manifests.others(disk):
            raise Damaged(f"the manifest is missing, but {others[0]} is there; restore the manifest from a copy")
        AppendLog(disk)
        manifests.swap(disk, asked)
        return asked
    if not segment_names(disk):
        raise Damaged(f"{found.name()} is there, but the log is not; restore the log's files from a copy")
    for name in ("schema", "key", "layout"):
        stored, given = getattr(found, name), getattr(asked, name)
        if stored != given:
            raise BadParameter(f"{name} = {given!r}, but the table on this disk has {stored!r}; give that")
    manifests.drop_older(disk, found)
    return found


def require_log_from(log: AppendLog, lsn: int) -> None:
    """Refuse a log that does not go on where the manifest ends."""
    if not log.first_lsn <= lsn <= log.next_lsn:
        raise Damaged(
            f"the manifest holds all up to log record {lsn - 1}, and the log holds {log.first_lsn} to "
            f"{log.next_lsn - 1}: records are missing; restore the log's files from a copy"
        )


def open_files(files: ColumnFiles, current: Manifest) -> None:
    """Cut off what an unfinished merge left, and take away the files that belong to no manifest."""
    disk, wanted = files.disk, current.file_sizes()
    names = [name for name in disk.names() if not (name.endswith(".log") or manifests.NAME.match(name))]
    strays = [name for name in names if name not in wanted]
    for name in strays:
        disk.remove(name)
    if strays:
        disk.sync_names()
    for name, size in wanted.items():
        there = disk.size_bytes(name) if name in names else 0
        if there > size:
            disk.cut(name, size)
            disk.sync(name)
        if there < size:
            files.cut_short[name] = size
        files.sizes[name] = min(there, size)
