"""RocksDB from Python: what it counts, what it refuses, what a killed process leaves."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dsys_lab.engines.difference import Difference
from dsys_lab.engines.rocksdb import DIFFERENCES, RocksdbStore
from dsys_lab.engines.rocksdb.counters import printed_write_amplification, tickers
from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.stores.key_value import Leveled, Tiered

STATS = """
** Compaction Stats [default] **
Level    Files   Size     Score Read(GB)  Rn(GB) Rnp1(GB) Write(GB) Wnew(GB) Moved(GB) W-Amp Rd(MB/s) Wr(MB/s)
---------------------------------------------------------------------------------------------------------------
  L0      2/0    1.70 MB   0.5      0.0     0.0      0.0       0.0      0.0       0.0   1.0      0.0     19.7
 Sum      3/0    5.08 MB   0.0      0.0     0.0      0.0       0.0      0.0       0.0   1.7      8.3     20.7
 Int      0/0    0.00 KB   0.0      0.0     0.0      0.0       0.0      0.0       0.0   1.9      8.3     20.7
"""


def filled(store: RocksdbStore, keys: int = 12_000) -> RocksdbStore:
    for number in range(keys):
        store.put(b"key-%06d" % (number * 7_919 % keys * 2), bytes(100))
    return store


def test_its_own_text_is_read_as_it_prints_it() -> None:
    assert printed_write_amplification(STATS) == 1.7
    assert printed_write_amplification("") == printed_write_amplification(None) == 0
    assert tickers("rocksdb.a COUNT : 5\nrocksdb.b P50 : 1.0 COUNT : 9 SUM : 3\nrocksdb.c COUNT : 0") == {
        "rocksdb.a": 5, "rocksdb.c": 0,
    }  # fmt: skip


@pytest.mark.parametrize("policy", [Leveled(4), Tiered(4)])
def test_it_counts_what_it_flushes_and_compacts(policy: Leveled | Tiered) -> None:
    with RocksdbStore(policy=policy, memtable_bytes_max=64 << 10, durable=False) as store:
        filled(store).settle()
        status = store.status()
        assert status.flushed_bytes > 12_000 * 110
        assert status.compacted_bytes > 0
        assert sum(status.files) >= 1
        assert status.size_bytes >= 12_000 * 110
        assert abs(status.write_amplification - status.printed_write_amplification) < 0.11
    assert store.status().flushed_bytes == status.flushed_bytes, "what it was is known after it is closed"


def test_a_filter_saves_reads_of_absent_keys_and_is_counted() -> None:
    for bits, least in ((10, 900), (0, 0)):
        with RocksdbStore(memtable_bytes_max=64 << 10, bits_per_key=bits, durable=False) as store:
            filled(store, 4_000).settle()
            assert [store.get(b"key-%06d" % (2 * number + 1)) for number in range(1_000)] == [None] * 1_000
            assert least <= store.status().bloom_useful
            assert bits or store.status().bloom_useful == 0


def test_a_folder_in_use_and_a_policy_that_it_does_not_know_are_refused(tmp_path: Path) -> None:
    with RocksdbStore(tmp_path), pytest.raises(Refused, match=r"could not be opened.*lock"):
        RocksdbStore(tmp_path)
    for settings in ({"policy": "leveled"}, {"memtable_bytes_max": 0}, {"bits_per_key": -1}):
        with pytest.raises(BadParameter, match=next(iter(settings))):
            RocksdbStore(tmp_path, **settings)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Refused, match="could not be opened"):
        RocksdbStore(tmp_path / "file")


def test_a_damaged_block_is_named_and_the_others_stay_readable(tmp_path: Path) -> None:
    with RocksdbStore(tmp_path, durable=False) as store:
        filled(store, 2_000).settle()
    file = next(tmp_path.glob("*.sst"))
    content = bytearray(file.read_bytes())
    content[10_000] ^= 1
    file.write_bytes(content)
    wrong = []
    with RocksdbStore(tmp_path) as store:
        for number in range(2_000):
            try:
                assert store.get(b"key-%06d" % (2 * number)) == bytes(100)
            except Damaged as error:
                wrong.append(str(error))
        with pytest.raises(Damaged, match="scan"):
            list(store.scan())
    assert 0 < len(wrong) < 100
    assert all(file.name in said for said in wrong)


def test_what_was_put_survives_a_process_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys; from dsys_lab.engines.rocksdb import RocksdbStore\n"
        "store = RocksdbStore(sys.argv[1], durable=False)\n"
        "for number in range(500): store.put(b'%03d' % number, b'v')\n"
        f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    with RocksdbStore(tmp_path) as store:
        assert [key for key, _ in store.scan()] == [b"%03d" % number for number in range(500)]


def test_a_temporary_folder_goes_with_its_store() -> None:
    store = RocksdbStore()
    assert store.folder.is_dir()
    store.close()
    assert not store.folder.exists()


def test_what_it_does_otherwise_is_said() -> None:
    assert all(isinstance(difference, Difference) and difference.difference.endswith(".") for difference in DIFFERENCES)
