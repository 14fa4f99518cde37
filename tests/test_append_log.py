"""An append-only log keeps what it called durable through every loss of power, and says what it cut or found broken."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Misuse, Refused
from dsys_lab.structures import (
    EVERY_RECORD,
    NEVER,
    SECTOR_BYTES,
    AppendLog,
    Cut,
    Fsync,
    PowerCut,
    RealDisk,
    VolatileDisk,
)
from dsys_lab.trace import Trace

FIRST = f"{0:020d}.log"
POLICIES = {
    "every record": EVERY_RECORD,
    "every third": Fsync(records=3),
    "every 5 us": Fsync(after_s=5e-6),
    "never": NEVER,
}


def payloads(log):
    return [record.payload for record in log.read()]


@pytest.fixture(params=["real", "volatile"])
def disk(request, tmp_path):
    disk = RealDisk(tmp_path) if request.param == "real" else VolatileDisk()
    yield disk
    if request.param == "real":
        disk.close()


# ------------------------------------------------------------------------------------------ what is written is read
@given(written=st.lists(st.binary(max_size=300), max_size=30), segment_bytes=st.integers(1, 400))
def test_what_was_appended_is_read_back_in_order_from_any_record(written, segment_bytes):
    disk = VolatileDisk()
    log = AppendLog(disk, segment_bytes=segment_bytes)
    assert [log.append(0, payload) for payload in written] == list(range(len(written)))
    for opened in (log, AppendLog(disk)):
        assert payloads(opened) == written
        assert (opened.next_lsn, opened.durable_lsn, opened.cut) == (len(written), len(written), None)
        for first in range(len(written)):
            assert next(opened.read(first)) == (first, written[first])


def test_both_disks_hold_the_same_log(disk):
    log = AppendLog(disk, segment_bytes=100)
    for number in range(10):
        log.append(number, b"x" * 10 * number)
    log.drop_before(5)
    assert payloads(AppendLog(disk))[-5:] == [b"x" * 10 * number for number in range(5, 10)]
    disk.append(disk.names()[-1], b"torn")
    assert AppendLog(disk).cut.size_bytes == 4
    assert AppendLog(disk).cut is None


def test_old_segments_go_and_nothing_that_is_wanted_with_them():
    log = AppendLog(VolatileDisk(), segment_bytes=60)
    for number in range(9):
        log.append(0, bytes([number]))
    log.drop_before(7)
    assert log.first_lsn <= 7
    assert log.status().segments == len(log.disk.names()) < 5
    assert [record.lsn for record in log.read(7)] == [7, 8]


@pytest.mark.parametrize("lsn", range(11))
def test_the_segment_that_holds_the_oldest_wanted_record_stays_and_none_before_it(lsn):
    log = AppendLog(VolatileDisk(), segment_bytes=50)
    for number in range(9):
        log.append(0, bytes([number]))
    firsts = [int(name[:20]) for name in log.disk.names()]
    assert firsts == [0, 2, 4, 6, 8]
    log.drop_before(lsn)
    assert log.first_lsn == max(first for first in firsts if first <= lsn)
    assert log.first_lsn == AppendLog(log.disk).first_lsn


# ------------------------------------------------------------------------------------------ when it syncs
@pytest.mark.parametrize(("fsync", "durable_after_each_append"), [
    (EVERY_RECORD, [1, 2, 3, 4, 5]),
    (Fsync(records=2), [0, 2, 2, 4, 4]),
    (Fsync(after_s=2e-6), [0, 0, 3, 3, 3]),
    (Fsync(records=2, after_s=10), [0, 2, 2, 4, 4]),
    (NEVER, [0, 0, 0, 0, 0]),
])  # fmt: skip
def test_a_policy_says_when_records_are_durable(fsync, durable_after_each_append):
    log = AppendLog(VolatileDisk(), fsync=fsync)
    durable = []
    for now_us in range(5):
        log.append(now_us, b"")
        durable.append(log.durable_lsn)
    assert durable == durable_after_each_append
    log.sync(5)
    assert log.durable_lsn == 5


def test_a_policy_of_time_says_when_it_wants_to_be_called():
    log = AppendLog(VolatileDisk(), fsync=Fsync(after_s=0.01))
    assert log.deadline_us() is None
    log.append(1_000, b"")
    log.append(2_000, b"")
    assert log.deadline_us() == 11_000
    log.tick(10_999)
    assert log.durable_lsn == 0
    log.tick(11_000)
    assert (log.durable_lsn, log.deadline_us()) == (2, None)


def test_at_its_deadline_a_record_is_synced():
    """0.00051 * 1e6 is a little more than 510: who waits for the deadline must find it due."""
    for tens_of_us in range(1, 500):
        log = AppendLog(VolatileDisk(), fsync=Fsync(after_s=tens_of_us / 100_000))
        log.append(3, b"")
        assert log.deadline_us() == 3 + 10 * tens_of_us
        log.tick(log.deadline_us())
        assert log.durable_lsn == 1


def test_a_sync_is_a_row_and_so_is_a_recovery_with_what_it_cut():
    trace = Trace()
    disk = VolatileDisk()
    AppendLog(disk, fsync=Fsync(records=2), recorder=trace).append(0, b"abc")
    disk.append(FIRST, b"torn")
    AppendLog(disk, recorder=trace, now_us=9).append(9, b"")
    told = [(row.kind, row.fields.get("lsn"), row.fields.get("cut_bytes")) for row in trace]
    assert told == [("recover", None, 0), ("log_append", 0, None), ("recover", None, 4),
                    ("log_append", 1, None), ("log_sync", 1, None)]  # fmt: skip


# ------------------------------------------------------------------------------------------ the power goes
def workload(disk, fsync, acked, tried):
    """Append fifteen records and drop old ones; note what was tried, and what the log said was durable."""
    log = AppendLog(disk, fsync=fsync, segment_bytes=3 * SECTOR_BYTES)
    for number in range(15):
        tried.append(bytes([number]) * (number % 4 * SECTOR_BYTES // 2 + 7))
        log.append(number, tried[-1])
        acked[:] = tried[: log.durable_lsn]
        if number == 9:
            log.drop_before(4)
            acked[:] = tried[: log.durable_lsn]
    log.sync(15)
    acked[:] = tried


def durable_steps(fsync):
    disk = VolatileDisk()
    workload(disk, fsync, [], [])
    return disk.steps


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(4))
def test_whenever_the_power_goes_acked_is_in_visible_is_in_acked_or_in_flight(policy, seed):
    fsync = POLICIES[policy]
    steps = durable_steps(fsync)
    assert steps > 15
    for step in range(steps + 1):
        disk, acked, tried = VolatileDisk(power_cut_before=step), [], []
        try:
            workload(disk, fsync, acked, tried)
        except PowerCut:
            assert step < steps
        else:
            assert step == steps
        disk.crash(random.Random(f"{seed}/{step}").random)
        log = AppendLog(disk)
        assert log.first_lsn <= 4
        assert log.next_lsn >= len(acked), f"step {step}: a durable record is lost"
        assert payloads(log) == tried[log.first_lsn : log.next_lsn], f"step {step}: not what was tried, in order"


def test_the_check_above_can_fail():
    """A log that does not sync its names loses what it called durable."""

    class Forgetful(VolatileDisk):
        def sync_names(self):
            self._step()

    disk, acked = Forgetful(), []
    workload(disk, EVERY_RECORD, acked, [])
    disk.crash(lambda: 0.0)
    assert acked
    assert AppendLog(disk).next_lsn == 0


def test_what_a_recovery_has_shown_the_next_crash_does_not_take():
    disk = VolatileDisk()
    AppendLog(disk, fsync=NEVER).append(0, b"perhaps")
    assert payloads(AppendLog(disk)) == [b"perhaps"]  # its writer died, its machine did not: the bytes are there
    disk.crash(lambda: 0.9)
    assert payloads(AppendLog(disk)) == [b"perhaps"]


# ------------------------------------------------------------------------------------------ torn, or damaged?
def three_records(fsync=EVERY_RECORD):
    disk = VolatileDisk()
    log = AppendLog(disk, fsync=fsync)
    for payload in (b"first", b"second", b"third"):
        log.append(0, payload)
    return disk


STARTS = (0, 29, 59, 88)


@pytest.mark.parametrize("length", range(88))
def test_a_file_cut_short_anywhere_is_cut_at_the_last_whole_record_and_says_so(length):
    disk = three_records()
    disk.cut(FIRST, length)
    log = AppendLog(disk)
    whole = max(start for start in STARTS if start <= length)
    assert log.cut == (None if whole == length else Cut(FIRST, whole, length - whole))
    assert len(payloads(log)) == STARTS.index(whole)
    assert disk.read(FIRST) == three_records().read(FIRST)[:whole]


@pytest.mark.parametrize("offset", range(59))
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_before_a_record_that_vouches_for_it_is_damage_with_file_and_byte(offset, bit):
    disk = three_records()
    disk.flip(FIRST, offset, bit=bit)
    start = max(start for start in STARTS if start <= offset)
    with pytest.raises(Damaged, match=rf"^{FIRST}, byte {start}: record {STARTS.index(start)} is not what was written"):
        AppendLog(disk)


@pytest.mark.parametrize(("offset", "left"), [(0, []), (30, [b"first"])])
def test_an_unsynced_hole_with_a_whole_record_behind_it_is_a_torn_tail(offset, left):
    disk = three_records(fsync=NEVER)
    disk.flip(FIRST, offset)
    assert payloads(AppendLog(disk)) == left


def test_after_one_sync_for_many_only_the_next_record_or_a_roll_speaks_for_them():
    def damaged(*, then):
        disk = VolatileDisk()
        log = AppendLog(disk, fsync=NEVER)
        for payload in (b"first", b"second", b"third"):
            log.append(0, payload)
        log.sync(0)
        then(log)
        disk.flip(FIRST, 30)
        return disk

    assert payloads(AppendLog(damaged(then=lambda log: None))) == [b"first"], "as the docstring says: left out"
    for then in (lambda log: log.append(0, b"fourth"), lambda log: log.roll(0)):
        with pytest.raises(Damaged, match=f"{FIRST}, byte 29: record 1"):
            AppendLog(damaged(then=then))


def test_a_whole_record_with_another_number_does_not_count():
    disk = three_records()
    disk.append(FIRST, disk.read(FIRST)[:29])
    assert AppendLog(disk).cut == Cut(FIRST, 88, 29)


def test_any_broken_record_in_an_older_segment_is_damage():
    disk = VolatileDisk()
    log = AppendLog(disk, fsync=NEVER, segment_bytes=50)
    for _ in range(4):
        log.append(0, b"twenty bytes of text")
    assert len(disk.names()) == 2
    disk.flip(FIRST, 80)
    with pytest.raises(Damaged, match=rf"{FIRST}, byte 44: record 1"):
        AppendLog(disk)


def test_a_missing_segment_is_damage():
    disk = VolatileDisk()
    log = AppendLog(disk, segment_bytes=1)
    for _ in range(3):
        log.append(0, b"x")
    disk.remove(f"{1:020d}.log")
    with pytest.raises(Damaged, match="records 1 to 1 are missing"):
        AppendLog(disk)


def test_damage_after_opening_is_found_when_it_is_read():
    disk = three_records()
    log = AppendLog(disk)
    disk.flip(FIRST, 30)
    with pytest.raises(Damaged, match="byte 29"):
        payloads(log)


# ------------------------------------------------------------------------------------------ the disk fails
@pytest.mark.parametrize("verb", ["append", "sync"])
def test_after_a_failed_write_or_sync_nothing_more_is_written(verb):
    class Failing(VolatileDisk):
        fails = ""

        def append(self, name, data):
            if self.fails == "append":
                raise OSError(28, "No space left on device")
            super().append(name, data)

        def sync(self, name):
            if self.fails == "sync":
                raise OSError(5, "Input/output error")
            super().sync(name)

    disk = Failing()
    log = AppendLog(disk)
    log.append(0, b"safe")
    disk.fails = verb
    with pytest.raises(MayHaveHappened, match=r"record.* 1.*open the log anew"):
        log.append(1, b"who knows")
    disk.fails = ""
    with pytest.raises(Refused, match="its disk failed"):
        log.append(2, b"too late")
    assert payloads(AppendLog(disk))[0] == b"safe"


# ------------------------------------------------------------------------------------------ the disk that forgets
def test_sectors_that_were_not_synced_survive_one_by_one():
    disk = VolatileDisk()
    disk.append("f", b"a" * SECTOR_BYTES)
    disk.sync("f")
    disk.sync_names()
    disk.append("f", b"b" * SECTOR_BYTES + b"c" * SECTOR_BYTES + b"d")
    disk.crash(iter([0.0, 0.9, 0.1, 0.9]).__next__)
    assert disk.read("f") == b"a" * SECTOR_BYTES + bytes(SECTOR_BYTES) + b"c" * SECTOR_BYTES


def test_names_are_forgotten_in_the_order_in_which_they_came():
    def after(chance):
        disk = VolatileDisk()
        disk.append("old", b"")
        disk.sync_names()
        disk.append("new", b"")
        disk.remove("old")
        disk.crash(lambda: chance)
        return disk.names()

    assert [after(chance) for chance in (0.1, 0.5, 0.9)] == [["old"], ["new", "old"], ["new"]]


def test_the_power_stays_off_until_the_crash():
    disk = VolatileDisk(power_cut_before=1)
    disk.append("f", b"")
    for _ in range(2):
        with pytest.raises(PowerCut, match="step 1"):
            disk.sync("f")
    disk.crash(lambda: 0.0)
    disk.append("f", b"")
    assert not issubclass(PowerCut, Exception)


# ------------------------------------------------------------------------------------------ misuse
def test_wrong_calls_say_what_to_do():
    with pytest.raises(BadParameter, match="records = 0"):
        Fsync(records=0)
    with pytest.raises(BadParameter, match="after_s = -1"):
        Fsync(after_s=-1)
    with pytest.raises(BadParameter, match="segment_bytes = 0"):
        AppendLog(VolatileDisk(), segment_bytes=0)
    with pytest.raises(BadParameter, match="power_cut_before = -1"):
        VolatileDisk(power_cut_before=-1)
    with pytest.raises(Misuse, match=r"no file 'f'.*none"):
        VolatileDisk().read("f")
