"""A folder as an object store: keys are paths, and of two who put the same absent key one succeeds.

The bytes go to a file of another name first, and are synced; then `os.link` gives them their own name, which the
operating system refuses if it is taken: put if absent. Without the condition a rename does the same over what is
there. So an object is never half there, and other programs find plain files. Etags, versions and parts are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from dsys_lab.errors import BadParameter
from dsys_lab.stores.object_store import ConditionFailed, Facts, Found, Page
from dsys_lab.stores.object_store.verbs import PAGE_KEYS_MAX, check_data, check_key, check_list, etag_of
from dsys_lab.structures.disk import sync_names

_HALF = ".half"
"""How the names end of files that are being written; no key may end so."""


class FolderStore:
    """Objects in a folder.

    Parameters
    ----------
    folder : path
        Made if it is missing.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Return where an object is."""
        check_key(key)
        parts = key.split("/")
        if key.endswith(_HALF) or any(part in {"", ".", ".."} for part in parts) or "\\" in key:
            raise BadParameter(f"key {key!r}: give names with single / between, and none of them . or ..")
        return self.folder.joinpath(*parts)

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> Facts:
        """Let `key` have these bytes; durable when this returns.

        Raises
        ------
        ConditionFailed
            If it must be absent and is not.
        """
        check_data(data)
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, suffix=_HALF, delete=False) as half:
            try:
                half.write(data)
                half.flush()
                os.fsync(half.fileno())
                half.close()
                if not if_absent:
                    Path(half.name).replace(path)
                else:
                    os.link(half.name, path)
            except FileExistsError:
                raise ConditionFailed(f"{key!r} is there already: read it, or take another key") from None
            finally:
                Path(half.name).unlink(missing_ok=True)
        sync_names(path.parent)
        return _facts(key, data)

    def get(self, key: str) -> Found | None:
        """Return an object, or None."""
        try:
            data = self.path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        facts = _facts(key, data)
        return Found(key, facts.size_bytes, facts.etag, facts.version, {}, data)

    def list(self, prefix: str = "", *, after: str = "", limit: int = PAGE_KEYS_MAX) -> Page:
        """Return a page of the keys that begin with `prefix` and come behind `after`."""
        check_list(prefix, "", after, limit)
        keys = (path.relative_to(self.folder).as_posix() for path in self._below(prefix) if path.suffix != _HALF)
        found = sorted((key for key in keys if key.startswith(prefix) and key > after), key=str.encode)
        shown = []
        for key in found[:limit]:
            with suppress(FileNotFoundError):  # somebody deleted it since
                shown.append(Facts(key, self.path(key).stat().st_size, "", "null", {}))
        return Page(tuple(shown), (), found[limit - 1] if len(found) > limit else None)

    def _below(self, prefix: str) -> Iterator[Path]:
        """Give the files of the folder that the prefix names, and of those below it that may begin so."""
        above, slash, name = prefix.rpartition("/")
        if slash and any(part in {"", ".", ".."} for part in above.split("/")):
            return
        top = self.folder / above
        for folder, folders, files in os.walk(top):
            if Path(folder) == top:
                folders[:] = [one for one in folders if one.startswith(name)]
            yield from (Path(folder, file) for file in files)

    def written_ms(self, key: str) -> int | None:
        """Return when an object was put, by the file system's clock, or None if it is not there."""
        try:
            return self.path(key).stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        """Let `key` be absent."""
        self.path(key).unlink(missing_ok=True)


def _facts(key: str, data: bytes) -> Facts:
    return Facts(key, len(data), etag_of(data), "null", {})
