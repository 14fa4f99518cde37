"""The reader's own record: what was predicted, what was solved.

One JSON file of the reader's, in their data folder or where `DSYS_LAB_PROGRESS` points. It is written whole or not at
all (beside, then renamed). A file that cannot be read is set aside under another name and said, never overwritten. Each
change reads the file first, so two notebooks that are open at once keep each other's entries.

A committed notebook belongs to no reader: in the still mode the record is empty and nothing is kept.

Form: `{"schema": 1, "predictions": {key: {"said", "score", "seen_first"}}, "exercises": {key: {"tries", "passed"}}}`.
A score is a share from 0 to 1 and comes when the truth is revealed; who saw the truth first gets none.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.mode import view_mode

SCHEMA: Final = 1
_HOSTED: Final = ("BINDER_LAUNCH_HOST", "BINDER_SERVICE_HOST")


class Record:
    """What the reader did, kept in a file.

    Parameters
    ----------
    path : Path or None
        None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    # ------------------------------------------------------------ reading
    def read(self) -> dict[str, Any]:
        """Return all entries; set a damaged file aside and say so.

        Raises
        ------
        BadParameter
            If there is a file that may not be read.
        """
        empty: dict[str, Any] = {"schema": SCHEMA, "predictions": {}, "exercises": {}}
        if self.path is None or not self.path.exists():
            return empty
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))
        except ValueError:
            entries = None
        except OSError as error:
            what = f"your progress file {self.path.name} cannot be read ({error.strerror})"
            raise BadParameter(f"{what}: let DSYS_LAB_PROGRESS name another") from None
        if not _is_record(entries):
            aside = self._aside()
            self.path.replace(aside)
            warnings.warn(
                f"your progress file could not be read; it is kept as {aside.name}, a new one begins", stacklevel=2
            )
            return empty
        return entries

    def _aside(self) -> Path:
        """Return the first free name beside the file."""
        assert self.path
        tried = (self.path.with_suffix(f".damaged-{number}.json") for number in range(1, 10_000))
        return next(path for path in tried if not path.exists())

    def of(self, kind: str, key: str) -> dict[str, Any]:
        """Return the entry of a prediction or an exercise; empty, where there is none."""
        return dict(self.read()[kind].get(key, {}))

    # ------------------------------------------------------------ writing
    def put(self, kind: str, key: str, **entry: Any) -> None:
        """Add to an entry."""
        if self.path is None:
            return
        entries = self.read()
        entries[kind][key] = {**entries[kind].get(key, {}), **entry}
        self._write(entries)

    def _write(self, entries: dict[str, Any]) -> None:
        assert self.path
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(entries, indent=1, ensure_ascii=False), encoding="utf-8")
            beside.replace(self.path)
        except OSError as error:
            warnings.warn(
                f"your progress could not be kept ({error.strerror}): let DSYS_LAB_PROGRESS name a file that can be",
                stacklevel=2,
            )

    def forget(self) -> None:
        """Throw the record away."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def export(self, path: str | Path) -> Path:
        """Write a copy to `path`, to be carried to another machine (point DSYS_LAB_PROGRESS at it there).

        Raises
        ------
        BadParameter
            If something is there already.
        """
        target = Path(path)
        if target.exists():
            raise BadParameter(f"{target.name} is there already: give the name of a new file")
        target.write_text(json.dumps(self.read(), indent=1, ensure_ascii=False), encoding="utf-8")
        return target

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from dsys_lab.lessons.report_card import report_card

        return report_card(self.read(), fleeting=is_hosted())._repr_mimebundle_()

    def __str__(self) -> str:
        return self._repr_mimebundle_()["text/plain"]


def _is_record(entries: Any) -> bool:
    """Whether what a file holds has the form of a record."""
    if not isinstance(entries, dict) or entries.get("schema") != SCHEMA:
        return False
    kinds = [entries.get(kind) for kind in ("predictions", "exercises")]
    return all(isinstance(kind, dict) and all(map(_is_entry, kind.values())) for kind in kinds)


def _is_entry(entry: Any) -> bool:
    """Whether an entry is one, with numbers where numbers are read."""
    return isinstance(entry, dict) and all(
        isinstance(entry.get(name, 0), int | float) for name in ("score", "tries", "failed")
    )


def progress() -> Record:
    """Return the reader's record: shown as a picture, with `.export(path)` and `.forget()`."""
    if view_mode() == "still":
        return Record(None)
    chosen = os.environ.get("DSYS_LAB_PROGRESS")
    if chosen:
        return Record(Path(chosen).expanduser())
    from platformdirs import user_data_path

    return Record(user_data_path("dsys_lab", appauthor=False) / "progress.json")


def is_hosted() -> bool:
    """Whether this session's files vanish when it ends, as on Binder."""
    return any(name in os.environ for name in _HOSTED)
