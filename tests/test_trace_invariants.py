"""Each invariant is green on a run that keeps it and red, at the right row, on one that does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.trace import ACCOUNTS, INVARIANTS, KINDS, Trace, balance, lamp, lamps


def run(script: str) -> Trace:
    """Read a run from lines `kind place message field=value …`, one microsecond apart."""
    trace = Trace()
    for time_us, text in enumerate(filter(None, map(str.strip, script.splitlines()))):
        kind, place, message, *pairs = text.split()
        said = (pair.split("=") for pair in pairs)
        fields = {name: int(value) if value.lstrip("-").isdigit() else value for name, value in said}
        given = dict.fromkeys(KINDS[kind].required, 0) | fields
        trace.emit(time_us, kind, place, None if message == "-" else message, **given)
    return trace


LENT = """
    publish    phone m1
    enqueue    clips m1 depth=1 group=anna
    publish_ok phone m1
    publish    phone m2
    enqueue    clips m2 depth=2 group=anna
    publish_ok phone m2
    deliver    clips m1 visible_until_us=9
    effect     w1    m1 key=k1
    effect_skip w1   m1 key=k1
    ack        clips m1
    deliver    clips m2 visible_until_us=12
    extend     clips m2 until_us=14
    nack       clips m2
    visible    clips m2 depth=1
    deliver    clips m2 visible_until_us=20
    effect     w1    m2 key=k2
    ack        clips m2
"""

SERVED = """
    publish phone m1
    enqueue inbox m1 depth=1
    publish phone m2
    enqueue inbox m2 depth=2
    start   scorer m1
    finish  scorer m1
"""

COMMITS = """
log_append s r1 epoch=1
publish_ok w t1 lsn=4 epoch=1 key=a
look r - key=a position=4
look r - key=b position=0
recover w - redo_to=4 epoch=2
log_append s r2 epoch=2
publish_ok w t2 lsn=5 epoch=2 key=b
recover w - redo_to=5 epoch=3
"""
HELD_AND_BROKEN = {
    # name: (parameters, a run that keeps it, [(a run that breaks it, the rows that do)])
    "conservation": ({}, SERVED, [
        ("enqueue inbox m1 depth=1", [0]),                                          # nobody offered it
        (SERVED + "start scorer m1", [6]),                                          # it comes back from the done
        (SERVED + "publish phone m1 attempt=2", [6]),                               # the same copy offered twice
        ("publish phone m1 \n drop inbox m1 \n drop inbox m1", [2]),                # lost twice
        ("publish phone m1 copy=1 \n enqueue inbox m1 copy=2 depth=1", [1]),        # another copy than was offered
    ]),
    "depth adds up": ({}, SERVED, [
        ("publish phone m1 \n enqueue inbox m1 depth=2", [1]),
        (SERVED + "publish phone m3 \n enqueue inbox m3 depth=3", [7]),             # m1 has left, so m3 is the second
    ]),
    "bounded depth": ({"depth_max": 2}, SERVED, [(SERVED + "publish phone m3 \n enqueue inbox m3 depth=3", [7])]),
    "nothing lost": ({}, SERVED, [
        (SERVED + "drop inbox m2", [6]),
        (SERVED + "expire inbox m2", [6]),
        (SERVED + "publish phone m3 \n reject inbox m3 \n lost inbox m4", [8]),    # who is told no can try again
    ]),
    "answered in time": ({}, "publish phone m1 \n publish_ok phone m1", [
        ("publish phone m1 \n publish_fail phone m1 \n abandon phone m1", [2]),
    ]),
    "important kept": ({"priority": "high"}, "publish phone m1 priority=low \n drop inbox m1", [
        ("publish phone m1 priority=high \n publish phone m2 priority=low \n drop inbox m2 \n drop inbox m1", [3]),
    ]),
    "credit respected": ({}, "credit receive m1 outstanding=4 window=4", [
        ("credit receive m1 outstanding=5 window=4", [0]),
    ]),
    "sends settle": ({}, """
        send    phone m1 to=inbox copy=0 arrive_us=2
        send    phone m1 to=inbox copy=1 arrive_us=3
        receive inbox m1 source=phone copy=0
        lost    inbox m1 source=phone copy=1
        send    phone m2 to=inbox copy=0 arrive_us=900
    """, [
        ("receive inbox m1 source=phone copy=0", [0]),                              # nobody sent it
        ("send phone m1 to=inbox arrive_us=1 \n receive inbox m1 source=phone \n lost inbox m1 source=phone", [2]),
        ("send phone m1 to=inbox arrive_us=1 \n note - - \n note - -", [0]),        # it never came, and time is past
        ("send phone m1 to=inbox arrive_us=9 \n receive inbox m1 source=elsewhere", [1]),
    ]),
    "no acknowledged loss": ({}, LENT, [
        ("publish phone m1 \n publish_ok phone m1", [0]),                           # nobody ever had it
        ("enqueue clips m1 \n publish_ok phone m1 \n deliver clips m1 \n ack clips m1", [3]),   # settled, not done
        ("publish phone m1 \n reject clips m1 \n publish_ok phone m1", [1]),
    ]),
    "promised and kept": ({}, LENT, [
        ("publish phone m1 \n enqueue clips m1 \n publish_ok phone m1 \n drop clips m1", [3]),
        ("publish phone m1 \n enqueue clips m1 \n publish_ok phone m1 \n expire clips m1", [3]),
    ]),
    "at least once": ({}, LENT, [
        ("publish phone m1 \n enqueue clips m1 \n publish_ok phone m1", [1]),       # still there when all is quiet
        ("enqueue clips m1 \n publish_ok phone m1 \n deliver clips m1", [2]),
    ]),
    "at most once": ({}, LENT, [(LENT + "effect w2 m1 key=k1 \n effect w2 m1 key=k9", [17, 18])]),
    "exactly-once effect": ({}, LENT, [
        (LENT + "effect w2 m1 key=k1", [17]),
        ("effect_skip w2 m1 key=k1", [0]),                                          # skipped, and it was never done
    ]),
    "order per group": ({}, LENT, [
        ("enqueue c m1 group=a \n enqueue c m2 group=a \n effect w m2 \n effect w m1", [3]),
        ("append c m1 key=a \n append c m2 key=a \n effect w m2 \n effect w m1", [3]),
    ]),
    "in order by key": ({}, "append c m1 key=a \n append c m2 key=a \n effect w m1 key=a \n effect w m2 key=a", [
        ("append c m1 key=a \n append c m2 key=a \n effect w m2 key=a \n effect w m1 key=a", [3]),
    ]),
    "in order of arrival": ({}, "publish p m1 key=a \n publish p m2 key=a \n effect w m1 key=a \n effect w m2 key=a", [
        ("publish p m1 key=a \n publish p m2 key=a \n effect w m2 key=a \n effect w m1 key=a", [3]),
    ]),
    "stored in order": ({}, "publish p m1 key=a \n publish p m2 key=a \n append c m1 key=a \n append c m2 key=a", [
        ("publish p m1 key=a \n publish p m2 key=a \n append c m2 key=a \n append c m1 key=a", [3]),
    ]),
    "one owner": ({}, "effect w m1 key=a shard=s epoch=1 \n effect v m1 key=a shard=s epoch=2", [
        ("effect v m1 key=a shard=s epoch=2 \n effect w m2 key=a shard=s epoch=1", [1]),
    ]),
    "one at a time per group": ({}, LENT, [
        ("enqueue c m1 group=a \n enqueue c m2 group=a \n deliver c m1 \n deliver c m2", [3]),
        ("enqueue c m1 group=a \n enqueue c m2 group=a \n deliver c m1 \n nack c m1 delay_us=5 \n deliver c m2", [4]),
    ]),
    "invisible while lent": ({}, LENT, [
        ("deliver c m1 visible_until_us=5 \n deliver c m1", [1]),
        ("deliver c m1 visible_until_us=1 \n extend c m1 until_us=9 \n deliver c m1", [2]),   # asked for longer
    ]),
    "every moment kept": ({}, """
        filming c m1
        enqueue b m1
        lost a m1
        publish c m1 copy=1
        append a m1 copy=1
    """, [
        ("filming c m1 \n enqueue b m1 \n drop b m1 \n filming c m2 \n gone c m2", [2, 4]),
        ("filming c m1 \n append a m1 \n filming c m2 \n lost a m2 \n expire a m1", [3]),   # too old is no gap
    ]),
    "promises settled once": ({}, """
        accept a m1 order=o1
        accept a m2 order=o2
        confirm p m1 order=o1
        compensate p m2 order=o2
        apologise p m2 order=o2
    """, [
        ("accept a m1 order=o1", [0]),
        ("accept a m1 order=o1 \n confirm p m1 order=o1 \n confirm p m1 order=o1", [2]),
        ("accept a m1 order=o1 \n compensate p m1 order=o1 \n apologise p m1 order=o1 \n confirm p m1 order=o1", [3]),
        ("accept a m1 order=o1 \n apologise p m1 order=o1", [1]),   # the money is not back
    ]),
    "settled or somebody's in time": ({"within_s": 2e-6}, """
        accept a m1 order=o1
        accept a m2 order=o2
        confirm p m1 order=o1
        escalate p m2 order=o2 owner=ann
    """, [
        ("accept a m1 order=o1 \n accept a m2 order=o2 \n confirm p m2 order=o2", [0]),   # never at all
        ("accept a m1 order=o1 \n hears c m9 answer=no \n hears c m9 answer=no \n confirm p m1 order=o1", [0]),
        ("confirm p m2 order=o2 \n accept a m1 order=o1", [1]),   # a yes to nobody settles nothing
    ]),
    "stock never below nothing": ({}, "gauge s - name=left value=0 \n gauge s - name=heat value=-4", [
        ("gauge s - name=left value=1 \n gauge s - name=left value=-1", [1]),
    ]),
    "checks hold": ({}, "check c - name=a ok=1 expected=1 got=1", [
        ("check c - name=a ok=1 expected=1 got=1 \n check c - name=b ok=0 expected=1 got=2", [1]),
    ]),
    "watermark never runs back": ({}, "watermark a - at_us=5 \n watermark b - at_us=3 \n watermark a - at_us=5", [
        ("watermark a - at_us=5 \n watermark a - at_us=4", [1]),
    ]),
    "on time when complete": ({}, """
        watermark a - at_us=10
        result a w1 key=k start_us=0 end_us=10 pane=on_time
        result a w2 key=k start_us=10 end_us=20 pane=early
    """, [
        ("result a w1 key=k start_us=0 end_us=10 pane=on_time", [0]),
        ("watermark b - at_us=10 \n result a w1 key=k start_us=0 end_us=10 pane=on_time", [1]),
        ("watermark a - \n result a w1 key=k pane=on_time \n result a w1 key=k pane=on_time", [2]),   # said twice
    ]),
    "no acknowledged commit lost": ({}, COMMITS, [
        ("publish_ok w t1 lsn=4 \n recover w - redo_to=3", [1]),
        ("publish_ok w t1 lsn=4 epoch=1 \n recover w - redo_to=3 epoch=2 \n publish_ok w t2 lsn=5 epoch=1", [1, 2]),
    ]),
    "acknowledged is read": ({}, COMMITS, [
        ("publish_ok w t1 lsn=4 key=a \n look r - key=a position=4 \n look r - key=a position=3", [2]),
    ]),
    "epochs never run back": ({}, COMMITS, [
        ("log_append s r1 epoch=2 \n log_append other r2 epoch=1 \n log_append s r3 epoch=1", [2]),
    ]),
    "comes back": ({"from_s": 0, "share": 0.5}, "publish p m1 attempt=1 \n publish_ok p m1 \n abandon p m2", [
        ("publish p m1 attempt=1 \n publish p m2 attempt=1 \n publish_ok p m3 \n abandon p m1", [3]),
    ]),
    "kept waiting at most": ({"tenant": "anna", "p99_s": 1}, """
        finish w m1 tenant=anna sojourn_us=1000000
        finish w m2 tenant=ben sojourn_us=9000000
    """, [
        ("finish w m1 tenant=anna sojourn_us=1000001 \n effect w m2 tenant=anna sojourn_us=9", [0]),
    ]),
    "none refused": ({}, SERVED, [("publish phone m1 \n reject inbox m1", [1])]),
    "keys lead somewhere": ({}, "hit bucket m1 key=a", [("hit bucket m1 key=a \n miss bucket m2 key=b", [1])]),
    "opens for the owner alone": ({}, "verify door m1 ok=1 by=phones \n verify door m1 ok=0", [
        ("verify door m1 ok=1 \n verify door m1 ok=1 by=thief", [1]),
    ]),
    "hit at most": ({"share": 0.5}, "publish p m1 user=a \n publish p m2 user=b \n reject p m2 user=b", [
        ("publish p m1 user=a \n reject p m1 user=a \n publish p m2 user=a \n reject p m2 user=a", [1]),
    ]),
    "one end each": ({}, """
        accept c o1 order=o1
        accept c o2 order=o2
        confirm c o1 order=o1
        apologise c o2 order=o2
    """, [
        ("accept c o1 order=o1 \n accept c o2 order=o2 \n confirm c o1 order=o1", [1]),
        ("accept c o1 order=o1 \n confirm c o1 order=o1 \n apologise c o1 order=o1", [2]),
    ]),
}  # fmt: skip
BROKEN = [
    pytest.param(name, parameters, script, rows, id=f"{name}-{number}")
    for name, (parameters, _, cases) in HELD_AND_BROKEN.items()
    for number, (script, rows) in enumerate(cases)
]


def test_work_that_begins_again_on_what_is_done_brings_nothing_back():
    done = "publish phone m1 \n enqueue clips m1 depth=1 \n deliver clips m1 attempt=2 \n ack clips m1 \n "
    late = run(f"{done} start w2 m1 attempt=2")
    assert lamp(late, "conservation").held
    assert balance(late).done == 1
    assert not lamp(run(f"{done} start w2 m1 attempt=1"), "conservation").held   # nobody gave it a second time


def test_every_invariant_is_tried():
    assert HELD_AND_BROKEN.keys() == INVARIANTS.keys()


@pytest.mark.parametrize("name", INVARIANTS)
def test_an_invariant_is_green_on_a_run_that_keeps_it(name):
    parameters, script, _ = HELD_AND_BROKEN[name]
    assert lamp(run(script), name, **parameters).held
    assert lamp(Trace(), name, **parameters).held


@pytest.mark.parametrize(("name", "parameters", "script", "rows"), BROKEN)
def test_an_invariant_is_red_and_names_the_rows_that_break_it(name, parameters, script, rows):
    red = lamp(run(script), name, **parameters)
    assert not red.held
    assert list(red.rows) == rows


def test_a_named_end_excuses_what_was_promised_and_a_silent_one_does_not():
    promised = "publish phone m1 \n enqueue clips m1 \n publish_ok phone m1 \n "
    for end in ("drop", "expire", "dead"):
        assert lamp(run(f"{promised} {end} clips m1"), "no acknowledged loss").held
        assert lamp(run(f"{promised} {end} clips m1"), "at least once").held
    assert lamp(run(promised), "no acknowledged loss").held          # it is still there
    assert not lamp(run(promised), "at least once").held             # but the run was to be over


def test_groups_do_not_disturb_each_other():
    rows = "enqueue c m1 group=a \n enqueue c m2 group=b \n deliver c m2 \n deliver c m1 \n effect w m2 \n effect w m1"
    assert lamp(run(rows), "one at a time per group").held
    assert lamp(run(rows), "order per group").held


def test_the_dead_may_be_redriven_but_nothing_else_comes_back():
    dead = "publish phone m1 \n enqueue orders m1 depth=1 \n dead orders m1 to=morgue"
    assert lamp(run(dead + "\n redrive morgue m1 to=orders \n start w m1 \n ack orders m1"), "conservation").held
    assert lamp(run(dead + "\n start w m1"), "conservation").rows == (3,)


def test_a_lamp_says_its_invariant_with_the_numbers_of_this_run():
    assert lamp(Trace(), "bounded depth", depth_max=50).meaning == "No buffer ever holds more than 50 messages."
    assert "high" in lamp(Trace(), "important kept", priority="high").meaning
    for name, (parameters, _, _) in HELD_AND_BROKEN.items():
        meaning = lamp(Trace(), name, **parameters).meaning
        assert "`" not in meaning
        assert meaning.endswith(".")


def test_a_header_names_the_lamps_and_an_unknown_one_is_refused():
    trace = run(SERVED)
    trace.header.invariants = {"bounded depth": {"depth_max": 1}, "nothing lost": {}}
    assert [(lamp.name, lamp.rows) for lamp in lamps(trace)] == [("bounded depth", (3,)), ("nothing lost", ())]
    trace.header.invariants = {"no such thing": {}}
    with pytest.raises(BadParameter, match=r"'no such thing'.*conservation"):
        lamps(trace)


# ------------------------------------------------------------------------------------------ the ledger
@given(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(["m1", "m2", None]), st.integers(0, 2))))
def test_the_ledger_adds_up_whatever_happened(happenings):
    trace = Trace()
    for kind, message, copy in happenings:
        trace.emit(0, kind, "q", message, **(dict.fromkeys(KINDS[kind].required, 1) | {"copy": copy}))
    books = balance(trace)
    assert books.offered == sum(getattr(books, account.replace(" ", "_")) for account in ACCOUNTS)
    assert books.lost == books.dropped + books.expired


def test_the_ledger_says_where_each_copy_stands():
    books = balance(run(SERVED + "copied phone m1 copy=1 \n lost inbox m1 copy=1 \n dead inbox m2"))
    assert str(books) == "offered 3 = done 1 + stored 0 + in flight 0 + dropped 1 + expired 0 + dead 1 + rejected 0"


def test_what_concerns_nobody_is_neither_lost_nor_done_and_said_only_where_there_is_such():
    trace = run("publish phone m1 \n unmatched inbox m1")
    assert str(balance(trace)).endswith("+ rejected 0 + unmatched 1")
    assert (balance(trace).lost, balance(trace).done) == (0, 0)
    assert INVARIANTS["nothing lost"](trace) == []


def test_a_message_sent_again_by_the_client_is_a_second_copy_in_the_books():
    retried = "publish phone m1 \n drop inbox m1 \n publish phone m1 copy=1 attempt=2 \n finish scorer m1 copy=1"
    books = balance(run(retried))
    assert (books.offered, books.done, books.dropped) == (2, 1, 1)
    assert lamp(run(retried), "conservation").held
