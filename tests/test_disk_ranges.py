"""Bytes in the middle of a file: read and written alike by a folder and by memory, and torn by the sector."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.structures.disk import SECTOR_BYTES, Disk, RealDisk, VolatileDisk


@pytest.fixture(params=["folder", "memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    return RealDisk(tmp_path) if request.param == "folder" else VolatileDisk()


def test_written_bytes_replace_what_was_there_and_fill_a_gap_with_zeros(disk: Disk) -> None:
    disk.append("file", b"abcdef")
    disk.write("file", 2, b"CD")
    disk.write("file", 8, b"xy")
    disk.append("file", b"!")
    assert disk.read("file") == b"abCDef\0\0xy!"
    assert disk.size_bytes("file") == 11


def test_a_write_makes_the_file(disk: Disk) -> None:
    disk.write("file", 0, b"new")
    assert disk.names() == ["file"]
    assert disk.read("file") == b"new"


def test_a_range_ends_where_the_file_ends(disk: Disk) -> None:
    disk.append("file", b"abcdef")
    assert disk.read("file", 2, 3) == b"cde"
    assert disk.read("file", 4, 10) == b"ef"
    assert disk.read("file", 9, 10) == b""
    assert disk.read("file", 4) == b"ef"


def test_a_file_that_was_written_by_range_is_found_by_another_process(tmp_path: Path) -> None:
    writer = RealDisk(tmp_path)
    writer.append("file", b"abc")
    writer.write("file", 1, b"X")
    assert RealDisk(tmp_path).read("file") == b"aXc"
    assert RealDisk(tmp_path).read("file", 1, 1) == b"X"


def test_a_write_of_two_sectors_may_tear_between_them() -> None:
    outcomes = set()
    for seed in range(40):
        disk = VolatileDisk()
        disk.append("file", b"o" * 2 * SECTOR_BYTES)
        disk.sync("file")
        disk.sync_names()
        disk.write("file", 0, b"n" * 2 * SECTOR_BYTES)
        disk.crash(Random(seed).random)
        outcomes.add(bytes(disk.read("file")[::SECTOR_BYTES]))
    assert outcomes == {b"oo", b"on", b"no", b"nn"}


def test_a_written_range_is_kept_once_it_is_synced() -> None:
    disk = VolatileDisk()
    disk.append("file", b"o" * 2 * SECTOR_BYTES)
    disk.write("file", SECTOR_BYTES, b"n" * 10)
    disk.sync("file")
    disk.sync_names()
    disk.crash(Random(1).random)
    assert disk.read("file", SECTOR_BYTES, 11) == b"n" * 10 + b"o"


@pytest.mark.parametrize("look", [
    lambda disk: disk.read("none"), lambda disk: disk.read("none", 0, 1), lambda disk: disk.size_bytes("none"),
    lambda disk: disk.sync("none"), lambda disk: disk.cut("none", 0), lambda disk: disk.remove("none"),
])  # fmt: skip
def test_to_look_for_a_file_does_not_make_it_and_says_what_is_there(disk: Disk, look: Callable[[Disk], object]) -> None:
    disk.append("some", b"")
    with pytest.raises(Misuse, match=r"no file 'none'.*some"):
        look(disk)
    assert disk.names() == ["some"]


def test_to_cut_behind_the_end_adds_nothing(disk: Disk) -> None:
    disk.append("file", b"abc")
    disk.cut("file", 10)
    assert disk.read("file") == b"abc"
    disk.cut("file", 1)
    assert disk.read("file") == b"a"


def test_a_removed_file_is_gone_and_its_name_is_free(disk: Disk) -> None:
    disk.append("file", b"old")
    disk.remove("file")
    assert disk.names() == []
    disk.append("file", b"new")
    assert disk.read("file") == b"new"


@pytest.mark.skipif(os.name == "nt", reason="Windows syncs no folder")
def test_a_sync_reaches_the_device_for_the_file_and_for_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda number: synced.append(os.fstat(number).st_ino))
    disk = RealDisk(tmp_path)
    disk.append("other", b"")
    disk.append("file", b"abc")
    assert synced == []
    disk.sync("file")
    assert synced == [(tmp_path / "file").stat().st_ino]
    disk.sync_names()
    assert synced[1:] == [tmp_path.stat().st_ino]


@pytest.mark.skipif(os.name == "nt", reason="a limit on the size of files is POSIX's")
def test_bytes_that_could_not_be_written_are_not_written_later(tmp_path: Path) -> None:
    import resource  # POSIX only

    failed = RealDisk(tmp_path)
    failed.append("file", b"kept")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    try:
        with pytest.raises(OSError, match="large"):
            failed.append("file", b"lost")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    again = RealDisk(tmp_path)
    again.append("file", b" and more")
    with contextlib.suppress(OSError):
        failed.close()
    assert again.read("file") == b"kept and more"
